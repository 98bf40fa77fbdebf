#include "edge/geo/geo_table.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/log.h"
#include "edge/geo/geo_database.h"
#include "edge/geo/network_table.h"
#include "model/file_reader.h"

namespace fairlead::edge {
namespace {

// Addresses that nobody has been given for use on the Internet: RFC 1918, 6598, 3927, 1122; RFC 4193, 4291.
bool is_private(const net::SocketAddress& address) {
  const unsigned char* b = address.bytes();
  if (address.family() == net::Family::ipv4) {
    b += 12;
    return b[0] == 0 || b[0] == 10 || b[0] == 127 || (b[0] == 100 && (b[1] & 0xc0) == 64) ||
           (b[0] == 169 && b[1] == 254) || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168);
  }
  if ((b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)) return true;
  for (int i = 0; i < 15; ++i) {
    if (b[i] != 0) return false;
  }
  return b[15] <= 1;  // ::, ::1
}

}  // namespace

GeoTable::GeoTable() = default;
GeoTable::~GeoTable() = default;

GeoTable::Ptr GeoTable::empty() { return Ptr(new GeoTable()); }

std::expected<GeoTable::Ptr, std::vector<model::Problem>> GeoTable::load(const model::GeoConfig& config,
                                                                         Places& places) {
  std::vector<model::Problem> errors;
  const auto tell = [&errors](std::string_view key, const std::string& file, std::string what) {
    model::Problem problem;
    problem.code = "bad-geo-file";
    problem.pointer = fmt::format("/geo/{}", key);
    problem.location.file = file;
    problem.message = std::move(what);
    errors.push_back(std::move(problem));
  };
  std::shared_ptr<GeoTable> out(new GeoTable());
  out->places_ = &places;
  out->subdivisions_ = config.region == model::GeoRegion::subdivision;
  const auto open = [&tell](const char* key, const std::string& path, std::unique_ptr<const GeoDatabase>& into) {
    if (path.empty()) return;
    auto opened = GeoDatabase::open(path);
    if (opened) {
      into = std::move(*opened);
    } else {
      tell(key, path, std::move(opened.error().context));
    }
  };
  open("city", config.city, out->city_);
  open("asn", config.asn, out->asn_);
  if (!config.table.empty()) {
    const auto text = model::read_file(config.table);
    if (!text) {
      tell("table", config.table, text.error().context);
    } else {
      std::vector<model::Problem> warnings;
      auto table = NetworkTable::read(*text, config.table, places, warnings);
      if (table) {
        out->networks_ = std::make_unique<const NetworkTable>(std::move(*table));
      } else {
        errors.insert(errors.end(), table.error().begin(), table.error().end());
      }
      for (const model::Problem& problem : warnings) base::log_warn("{}", describe(problem));
    }
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return out;
}

PlaceId GeoTable::find(const net::SocketAddress& address) const {
  if (address.family() != net::Family::ipv4 && address.family() != net::Family::ipv6) return {};
  const NetworkTable::Answer stated = networks_ ? networks_->find(address) : NetworkTable::Answer();
  PlaceId out{stated.region.value_or(0), stated.isp.value_or(0)};
  if ((stated.region && stated.isp) || is_private(address)) return out;
  if (city_ && !stated.region) {
    const auto at = city_->country(address);
    if (subdivisions_ && !at.country.empty() && !at.subdivision.empty() &&
        at.country.size() + at.subdivision.size() < 16) {
      std::array<char, 16> both;
      const auto end = fmt::format_to(both.begin(), "{}-{}", at.country, at.subdivision);
      out.region = places_->region_number({both.begin(), end});
    } else {
      out.region = places_->region_number(at.country);
    }
  }
  if (asn_ && !stated.isp) {
    const auto network = asn_->network(address);
    if (!network.name.empty()) {
      out.isp = places_->isp_number(network.name);
    } else if (network.number != 0) {
      std::array<char, 16> name;
      const auto end = fmt::format_to(name.begin(), "AS{}", network.number);
      out.isp = places_->isp_number({name.begin(), end});
    }
  }
  return out;
}

}  // namespace fairlead::edge
