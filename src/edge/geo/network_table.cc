#include "edge/geo/network_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "model/document.h"
#include "model/schema_reader.h"
#include "model/syntax.h"
#include "model/usage.h"
#include "model/words.h"

namespace fairlead::edge {
namespace {

using Bytes = std::array<unsigned char, 16>;
using Answer = NetworkTable::Answer;
using model::Field;
using model::MapReader;

constexpr unsigned kMapped = 96;  // bits of ::ffff:0:0/96, which all of IPv4 shares

struct Network {
  bool ipv4 = false;
  Bytes begin{};
  unsigned prefix = 0;
  Answer answer;
};

// The last address of a network.
Bytes end_of(Bytes begin, unsigned prefix) {
  for (unsigned i = prefix; i < 128; ++i) begin[i / 8] = static_cast<unsigned char>(begin[i / 8] | 0x80u >> i % 8);
  return begin;
}

// The address behind; nothing behind the last one of all.
std::optional<Bytes> following(Bytes address) {
  for (std::size_t i = address.size(); i-- > 0;) {
    if (++address[i] != 0) return address;
  }
  return std::nullopt;
}

class Networks {
 public:
  explicit Networks(Places& places) : places_(places) {}

  void read(const Field& item) {
    MapReader map(item);
    if (!map) return;
    Answer answer;
    std::string name;
    if (map.read("region", name, model::kMaxUsageText)) answer.region = places_.region_number(name);
    if (map.read("isp", name, model::kMaxUsageText)) answer.isp = places_.isp_number(name);
    if (!map.has("region") && !map.has("isp")) {
      item.error("says-nothing", "the entry states neither \"region\" nor \"isp\"", "one of them, or both");
    }
    const auto cidr = map.require("cidr", "a network, or a list of them: 10.0.0.0/8, \"2001:db8::/32\"");
    if (!cidr) return;
    if (cidr->node().kind != model::NodeKind::sequence) return add(*cidr, answer);
    cidr->each(NetworkTable::kMaxCidrsPerEntry, [&](const Field& one) { add(one, answer); });
  }

  std::vector<Network> take() { return std::move(networks_); }

 private:
  void add(const Field& field, const Answer& answer) {
    const auto text = field.text(64);
    if (!text) return;
    switch (model::check_network(*text)) {
      case model::NetworkSyntax::good: break;
      case model::NetworkSyntax::bad:
        return field.error("bad-network", fmt::format("\"{}\" is not a network", model::shown(*text)),
                           "an address with a prefix length: 10.0.0.0/8, 2001:db8::/32");
      case model::NetworkSyntax::host_bits:
        return field.error("bad-network", fmt::format("\"{}\" has bits set behind its prefix", model::shown(*text)),
                           "name the network itself, or a single address without \"/\"");
    }
    const auto parsed = net::Network::parse(*text);
    if (!parsed) {  // the one knows what the other takes
      field.error("bad-network", parsed.error().context);
      return;
    }
    Network out;
    std::copy_n(parsed->bytes(), out.begin.size(), out.begin.begin());
    out.prefix = parsed->prefix();
    const Bytes mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    out.ipv4 = out.prefix >= kMapped && std::equal(mapped.begin(), mapped.begin() + kMapped / 8, out.begin.begin());
    out.answer = answer;
    const auto [first, fresh] = lines_.emplace(std::tuple(out.begin, out.prefix), field.node().mark.line);
    if (!fresh) {
      field.error("duplicate-network", fmt::format("the network {} stands here a second time", *text),
                  fmt::format("the first is in line {}", first->second));
      return;
    }
    networks_.push_back(out);
  }

  Places& places_;
  std::vector<Network> networks_;
  std::map<std::tuple<Bytes, unsigned>, std::uint32_t> lines_;
};

}  // namespace

// Networks either lie in one another or apart, so that one pass in the order of their first addresses, the wider first,
// with the networks that are open on a stack, gives the stretches.
void NetworkTable::Stretches::build(const std::vector<Open>& sorted) {
  std::vector<Open> open;
  const auto begin_stretch = [this](const Bytes& at, const Answer& answer) {
    if (!begins.empty() && begins.back() == at) {
      answers.back() = answer;
    } else {
      begins.push_back(at);
      answers.push_back(answer);
    }
  };
  const auto close_before = [&](const Bytes* at) {
    while (!open.empty() && (!at || open.back().end < *at)) {
      const auto behind = following(open.back().end);
      open.pop_back();
      if (behind) begin_stretch(*behind, open.empty() ? Answer() : open.back().answer);
    }
  };
  for (Open network : sorted) {
    close_before(&network.begin);
    if (!open.empty()) {
      if (!network.answer.region) network.answer.region = open.back().answer.region;
      if (!network.answer.isp) network.answer.isp = open.back().answer.isp;
    }
    begin_stretch(network.begin, network.answer);
    open.push_back(network);
  }
  close_before(nullptr);
}

std::expected<NetworkTable, std::vector<model::Problem>> NetworkTable::read(std::string_view text,
                                                                            const std::string& file, Places& places,
                                                                            std::vector<model::Problem>& warnings) {
  const auto document = model::parse_yaml(text, file);
  if (!document) return std::unexpected(document.error());
  model::Reading reading(file);
  Networks networks(places);
  {
    MapReader root{Field(reading, document->root)};
    root.ignore_prefix("x-");
    const auto list = root.require("networks", "for example: networks: [ { cidr: 10.0.0.0/8, region: office } ]");
    if (list) list->each(kMaxEntries, [&](const Field& item) { networks.read(item); });
  }
  auto problems = reading.take_problems();
  if (model::has_errors(problems)) return std::unexpected(std::move(problems));
  warnings.insert(warnings.end(), problems.begin(), problems.end());

  std::vector<Network> all = networks.take();
  std::ranges::sort(all, {}, [](const Network& n) { return std::tuple(n.begin, n.prefix); });
  NetworkTable out;
  out.networks_ = all.size();
  for (const bool ipv4 : {true, false}) {
    std::vector<Open> sorted;
    for (const Network& n : all) {
      if (n.ipv4 == ipv4) sorted.push_back({n.begin, end_of(n.begin, n.prefix), n.answer});
    }
    (ipv4 ? out.ipv4_ : out.ipv6_).build(sorted);
  }
  return out;
}

NetworkTable::Answer NetworkTable::find(const net::SocketAddress& address) const {
  const bool ipv4 = address.family() == net::Family::ipv4;
  if (!ipv4 && address.family() != net::Family::ipv6) return {};
  const Stretches& in = ipv4 ? ipv4_ : ipv6_;
  Bytes key;
  std::copy_n(address.bytes(), key.size(), key.begin());
  const auto behind = std::ranges::upper_bound(in.begins, key);
  return behind == in.begins.begin() ? Answer() : in.answers[static_cast<std::size_t>(behind - in.begins.begin()) - 1];
}

}  // namespace fairlead::edge
