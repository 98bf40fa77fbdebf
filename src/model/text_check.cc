#include "model/text_check.h"

#include <fmt/format.h>

namespace fairlead::model {

std::optional<BadByte> find_bad_byte(std::string_view text) {
  Mark mark{1, 1};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') {
      ++mark.line;
      mark.column = 1;
      continue;
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\r') || byte == 0x7f) {
      return BadByte{mark, fmt::format("the control character 0x{:02x}", byte)};
    }
    std::size_t more = 0;
    std::uint32_t point = 0;
    std::uint32_t least = 0;
    if (byte >= 0x80) {
      if (byte >= 0xc2 && byte <= 0xdf) {
        more = 1, point = byte & 0x1f, least = 0x80;
      } else if (byte >= 0xe0 && byte <= 0xef) {
        more = 2, point = byte & 0x0f, least = 0x800;
      } else if (byte >= 0xf0 && byte <= 0xf4) {
        more = 3, point = byte & 0x07, least = 0x10000;
      }
      bool good = more != 0 && i + more < text.size();
      for (std::size_t k = 1; good && k <= more; ++k) {
        const auto next = static_cast<unsigned char>(text[i + k]);
        good = (next & 0xc0) == 0x80;
        point = point << 6 | (next & 0x3fu);
      }
      if (!good || point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
        return BadByte{mark, fmt::format("the byte 0x{:02x}, which is not UTF-8", byte)};
      }
    }
    i += more;
    mark.column += static_cast<std::uint32_t>(more + 1);
  }
  return std::nullopt;
}

}  // namespace fairlead::model
