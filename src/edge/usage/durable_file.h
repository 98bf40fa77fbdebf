#pragma once
// Files that must outlive a crash: the few steps after which bytes are on disk for sure. Used
// by the usage journal. Errors are of the config side (the operator's disk): forbidden, not_found, else resources
// (later).

#include <cstdint>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/error.h"

namespace fairlead::edge {

// `flags` as of open(2); O_CLOEXEC is added, and mode 0600.
base::Result<base::Descriptor> open_file(const std::string& path, int flags);

// The error that errno tells about.
std::unexpected<base::Error> file_error(std::string_view path);

// All of `bytes` at that place. After an error some may be written.
base::Result<void> write_at(const base::Descriptor& file, std::string_view bytes, std::uint64_t at,
                            std::string_view path);
// Up to `size` bytes from that place on; fewer where the file ends.
base::Result<std::string> read_at(const base::Descriptor& file, std::uint64_t size, std::uint64_t at,
                                  std::string_view path);
// The same, come what may: pages (4 KiB) that the disk cannot read are zeros in it, which the log tells.
std::string read_past_holes(const base::Descriptor& file, std::uint64_t size, std::uint64_t at, std::string_view path);
// fsync of a folder: the names in it are on disk.
base::Result<void> sync_folder(const std::string& folder);

// Replaces a small file as a whole: whenever the machine stops, the old one is there or the new one. `durable`: the new
// one is on disk when this returns.
base::Result<void> replace_file(const std::string& folder, const std::string& name, std::string_view text,
                                bool durable);

// A number in a file of its own, with a checksum. 0 when the file is not there; malformed when it is damaged.
base::Result<std::uint64_t> read_number(const std::string& folder, const std::string& name);
base::Result<void> write_number(const std::string& folder, const std::string& name, std::uint64_t number, bool durable);

}  // namespace fairlead::edge
