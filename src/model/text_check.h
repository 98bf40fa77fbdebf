#pragma once
// What any text must be before a parser sees it: UTF-8 (RFC 3629: no overlong forms, no surrogates) without control
// characters other than tab and line ends. NUL, escape sequences and UTF-16 never get further than this.

#include <optional>
#include <string>
#include <string_view>

#include "model/problem.h"

namespace fairlead::model {

struct BadByte {
  Mark mark;
  std::string what;
};

// The first byte that no document may contain, nullopt when there is none.
std::optional<BadByte> find_bad_byte(std::string_view text);

}  // namespace fairlead::model
