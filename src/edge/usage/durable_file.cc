#include "edge/usage/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/log.h"

namespace fairlead::edge {

using base::Code;
using base::Result;
using base::Retry;
using base::Side;

namespace {
constexpr std::uint64_t kPage = 4096;
}  // namespace

std::unexpected<base::Error> file_error(std::string_view path) {
  const int err = errno;
  const Code code = err == ENOENT                                   ? Code::not_found
                    : err == EACCES || err == EPERM || err == EROFS ? Code::forbidden
                                                                    : Code::resources;
  return base::fail(code, Side::config, fmt::format("{}: {}", path, std::strerror(err)), Retry::later);
}

Result<base::Descriptor> open_file(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return file_error(path);
  return base::Descriptor(fd);
}

Result<void> write_at(const base::Descriptor& file, std::string_view bytes, std::uint64_t at, std::string_view path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<std::string> read_at(const base::Descriptor& file, std::uint64_t size, std::uint64_t at, std::string_view path) {
  std::string out(static_cast<std::size_t>(size), '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t n = ::pread(file.get(), out.data() + have, out.size() - have, static_cast<off_t>(at + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return out;
}

std::string read_past_holes(const base::Descriptor& file, std::uint64_t size, std::uint64_t at, std::string_view path) {
  if (auto whole = read_at(file, size, at, path)) return std::move(*whole);
  std::string out;
  std::uint64_t holes = 0;
  while (out.size() < size) {
    const std::uint64_t piece = std::min(size - out.size(), kPage - (at + out.size()) % kPage);
    const auto part = read_at(file, piece, at + out.size(), path);
    out += part ? *part : std::string(static_cast<std::size_t>(piece), '\0');
    if (!part) ++holes;
    if (part && part->size() < piece) break;  // the file ends
  }
  base::log_error("{}: {} pages cannot be read", path, holes);
  return out;
}

Result<void> sync_folder(const std::string& folder) {
  const auto opened = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return std::unexpected(opened.error());
  if (::fsync(opened->get()) != 0) return file_error(folder);
  return {};
}

Result<void> replace_file(const std::string& folder, const std::string& name, std::string_view text, bool durable) {
  const std::string path = folder + "/" + name, fresh = path + ".new";
  {
    const auto file = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return std::unexpected(file.error());
    if (auto written = write_at(*file, text, 0, fresh); !written) return written;
    if (durable && ::fsync(file->get()) != 0) return file_error(fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return file_error(path);
  return durable ? sync_folder(folder) : Result<void>();
}

Result<std::uint64_t> read_number(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  const auto file = open_file(path, O_RDONLY);
  if (!file && file.error().code == Code::not_found) return 0;
  if (!file) return std::unexpected(file.error());
  const auto text = read_at(*file, 64, 0, path);
  if (!text) return std::unexpected(text.error());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  const std::string digits(text->data(), end);
  const auto sum = ::crc32_z(0, reinterpret_cast<const unsigned char*>(digits.data()), digits.size());
  if (error != std::errc() || *text != fmt::format("{} {:08x}\n", digits, sum)) {
    return base::fail(Code::malformed, Side::config, path + ": damaged");
  }
  return number;
}

Result<void> write_number(const std::string& folder, const std::string& name, std::uint64_t number, bool durable) {
  const std::string digits = std::to_string(number);
  const auto sum = ::crc32_z(0, reinterpret_cast<const unsigned char*>(digits.data()), digits.size());
  return replace_file(folder, name, fmt::format("{} {:08x}\n", digits, sum), durable);
}

}  // namespace fairlead::edge
