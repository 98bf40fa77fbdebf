#include "model/file_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/descriptor.h"
#include "model/limits.h"

namespace fairlead::model {
namespace {

using base::Code;
using base::fail;
using base::Side;

// Of what open, fstat and read can say.
Code code_of(int err) {
  switch (err) {
    case ENOENT:
    case ENOTDIR: return Code::not_found;
    case EACCES:
    case EPERM: return Code::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return Code::resources;
    default: return Code::unsupported;
  }
}

std::string words(int err) { return std::generic_category().message(err); }

}  // namespace

base::Result<std::string> read_file(const std::string& path) {
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return fail(code_of(errno), Side::config, words(errno));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail(code_of(errno), Side::config, words(errno));
  if (S_ISDIR(info.st_mode)) return fail(Code::unsupported, Side::config, "it is a directory");
  // A device could give bytes for ever; a pipe (process substitution, standard input) is a file to the user.
  if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) {
    return fail(Code::unsupported, Side::config, "it is not a regular file");
  }

  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(code_of(errno), Side::config, words(errno));
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > limits::kMaxDocumentBytes) {
      return fail(Code::too_large, Side::config,
                  fmt::format("it is larger than {} MiB", limits::kMaxDocumentBytes >> 20));
    }
  }
}

std::string resolve_path(std::string_view config_file, std::string_view path) {
  const std::filesystem::path given(path);
  if (given.is_absolute()) return std::string(path);
  return (std::filesystem::path(config_file).parent_path() / given).lexically_normal().string();
}

}  // namespace fairlead::model
