#pragma once
// Trouble: why a command did not do what it was asked, ready to be printed: the first line says what is wrong, further
// lines what to do. Commands return Told<T>; nothing throws.

#include <expected>
#include <string>

namespace fairlead::cli {

struct Trouble {
  int status = 0;    // of the API's answer; 0 when there was none
  std::string code;  // of the API's problem document: "not_found"; empty when there was none
  std::string text;  // lines without a last newline
};

template <class T>
using Told = std::expected<T, Trouble>;

inline std::unexpected<Trouble> trouble(std::string text) { return std::unexpected(Trouble{0, {}, std::move(text)}); }

}  // namespace fairlead::cli
