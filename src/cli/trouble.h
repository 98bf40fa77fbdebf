#pragma once
// Trouble: why a command did not do what it was asked, ready to be printed: the first line says what is wrong, further
// lines what to do. Commands return Told<T>; nothing throws. ExitStatus is what scripts see of it.

#include <expected>
#include <string>

namespace fairlead::cli {

// The statuses of every verb. Documented in docs/cli.md; never renumbered.
enum ExitStatus : int {
  kDone = 0,
  kRefused = 1,      // what was asked for cannot be done, or is not understood; nothing, or not all, was done
  kDiffers = 2,      // a dry run would change something; an import did not carry over everything
  kUnreachable = 3,  // the server cannot be reached, or its answer is none; whether anything was done is not known
};

struct Trouble {
  int status = 0;    // of the API's answer; 0 when there was none
  std::string code;  // of the API's problem document: "not_found"; empty when there was none
  std::string text;  // lines without a last newline
  bool unreachable = false;
};

template <class T>
using Told = std::expected<T, Trouble>;

inline std::unexpected<Trouble> trouble(std::string text) {
  return std::unexpected(Trouble{0, {}, std::move(text), false});
}
inline std::unexpected<Trouble> unreachable(std::string text) {
  return std::unexpected(Trouble{0, {}, std::move(text), true});
}

}  // namespace fairlead::cli
