#include "store/ids.h"

#include <errno.h>
#include <sys/random.h>

#include <array>
#include <system_error>

namespace fairlead::store {

std::string new_id(std::int64_t now_ms) {
  std::array<unsigned char, 16> bytes{};
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(now_ms) >> (40 - 8 * i));
  ssize_t got = 0;
  do {
    got = getrandom(bytes.data() + 6, 10, 0);  // up to 256 bytes come whole or not at all
  } while (got < 0 && errno == EINTR);
  if (got != 10) throw std::system_error(errno, std::generic_category(), "getrandom");

  std::string id;
  id.reserve(kIdLength);
  for (const unsigned char byte : bytes) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

}  // namespace fairlead::store
