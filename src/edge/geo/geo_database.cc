#include "edge/geo/geo_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <maxminddb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "base/descriptor.h"

namespace fairlead::edge {

using base::Code;
using base::Result;
using base::Side;

namespace {

// Larger than any there is.
constexpr off_t kMaxFile = off_t{4} << 30;
// Where MaxMind's files and those made after their pattern have what we ask for.
constexpr const char* kCountry[] = {"country", "iso_code", nullptr};
constexpr const char* kSubdivision[] = {"subdivisions", "0", "iso_code", nullptr};
constexpr const char* kIsp[] = {"isp", nullptr};
constexpr const char* kOrganisation[] = {"autonomous_system_organization", nullptr};
constexpr const char* kNumber[] = {"autonomous_system_number", nullptr};

std::unexpected<base::Error> failed() {
  const int err = errno;
  const Code code = err == ENOENT ? Code::not_found : err == EACCES || err == EPERM ? Code::forbidden : Code::resources;
  return base::fail(code, Side::config, std::strerror(err));
}

Result<void> copy(const base::Descriptor& from, const base::Descriptor& to) {
  std::array<char, 64 * 1024> buffer;
  off_t copied = 0;
  for (;;) {
    const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed();
    if (n == 0) return {};
    if ((copied += n) > kMaxFile) return base::fail(Code::too_large, Side::config, "more than 4 GiB");
    for (ssize_t put = 0; put < n;) {
      const ssize_t m = ::write(to.get(), buffer.data() + put, static_cast<std::size_t>(n - put));
      if (m < 0 && errno == EINTR) continue;
      if (m < 0) return failed();
      put += m;
    }
  }
}

// Nothing: it is not there. A broken record: `broken` becomes true.
std::optional<MMDB_entry_data_s> value(MMDB_entry_s entry, const char* const* path, std::uint32_t type, bool* broken) {
  MMDB_entry_data_s data;
  const int error = MMDB_aget_value(&entry, &data, path);
  if (error != MMDB_SUCCESS && error != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) {
    if (broken) *broken = true;
    return std::nullopt;
  }
  if (error != MMDB_SUCCESS || !data.has_data || data.type != type) return std::nullopt;
  return data;
}

std::string_view text(MMDB_entry_s entry, const char* const* path, bool* broken = nullptr) {
  const auto data = value(entry, path, MMDB_DATA_TYPE_UTF8_STRING, broken);
  return data ? std::string_view(data->utf8_string, data->data_size) : std::string_view();
}

std::optional<MMDB_entry_s> look_up(const MMDB_s& database, const net::SocketAddress& address) {
  if (address.family() != net::Family::ipv4 && address.family() != net::Family::ipv6) return std::nullopt;
  sockaddr_storage native;
  address.to_native(&native);
  int error = MMDB_SUCCESS;
  auto found = MMDB_lookup_sockaddr(&database, reinterpret_cast<const sockaddr*>(&native), &error);
  if (error != MMDB_SUCCESS || !found.found_entry) return std::nullopt;
  return found.entry;
}

// What is wrong with it; empty: nothing.
std::string damage(const MMDB_s& database) {
  std::unordered_set<std::uint32_t> seen;
  for (std::uint32_t number = 0; number < database.metadata.node_count; ++number) {
    MMDB_search_node_s node;
    if (MMDB_read_node(&database, number, &node) != MMDB_SUCCESS) return fmt::format("node {} cannot be read", number);
    for (const auto& [type, entry] : {std::pair(node.left_record_type, node.left_record_entry),
                                      std::pair(node.right_record_type, node.right_record_entry)}) {
      if (type == MMDB_RECORD_TYPE_INVALID) return fmt::format("node {} leads nowhere", number);
      if (type != MMDB_RECORD_TYPE_DATA || !seen.insert(entry.offset).second) continue;
      if (entry.offset >= database.data_section_size) return fmt::format("node {} leads behind the end", number);
      bool broken = false;
      for (const char* const* path : {kCountry, kSubdivision, kIsp, kOrganisation}) text(entry, path, &broken);
      value(entry, kNumber, MMDB_DATA_TYPE_UINT32, &broken);
      if (broken) return fmt::format("the record at {} cannot be read", entry.offset);
    }
  }
  return {};
}

}  // namespace

struct GeoDatabase::Open {
  MMDB_s database{};
  ~Open() { MMDB_close(&database); }
};

GeoDatabase::GeoDatabase(std::unique_ptr<Open> open) : open_(std::move(open)) {}
GeoDatabase::~GeoDatabase() = default;

Result<std::unique_ptr<const GeoDatabase>> GeoDatabase::open(const std::string& path) {
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return failed();
  struct stat now{};
  if (::fstat(file.get(), &now) != 0) return failed();
  if (!S_ISREG(now.st_mode)) return base::fail(Code::malformed, Side::config, "not a file");
  if (now.st_size == 0) return base::fail(Code::malformed, Side::config, "empty");
  const base::Descriptor memory(::memfd_create("geo", MFD_CLOEXEC));
  if (memory.get() < 0) return failed();
  if (auto copied = copy(file, memory); !copied) return std::unexpected(copied.error());

  auto opened = std::make_unique<Open>();
  const std::string name = fmt::format("/proc/self/fd/{}", memory.get());
  if (const int error = MMDB_open(name.c_str(), MMDB_MODE_MMAP, &opened->database); error != MMDB_SUCCESS) {
    opened->database = {};  // it has freed what it had
    const bool ours = error == MMDB_IO_ERROR || error == MMDB_OUT_OF_MEMORY_ERROR || error == MMDB_FILE_OPEN_ERROR;
    return base::fail(ours ? Code::resources : Code::malformed, Side::config, MMDB_strerror(error));
  }
  if (const std::string what = damage(opened->database); !what.empty()) {
    return base::fail(Code::malformed, Side::config, "damaged: " + what);
  }
  return std::unique_ptr<const GeoDatabase>(new GeoDatabase(std::move(opened)));
}

GeoDatabase::Country GeoDatabase::country(const net::SocketAddress& address) const {
  const auto entry = look_up(open_->database, address);
  if (!entry) return {};
  return {text(*entry, kCountry), text(*entry, kSubdivision)};
}

GeoDatabase::Network GeoDatabase::network(const net::SocketAddress& address) const {
  const auto entry = look_up(open_->database, address);
  if (!entry) return {};
  Network out;
  out.name = text(*entry, kIsp);
  if (out.name.empty()) out.name = text(*entry, kOrganisation);
  if (const auto number = value(*entry, kNumber, MMDB_DATA_TYPE_UINT32, nullptr)) out.number = number->uint32;
  return out;
}

}  // namespace fairlead::edge
