#pragma once
// Which passwords are accepted: long enough to resist guessing, and not one of those that are guessed first. No rule
// asks for kinds of characters (NIST SP 800-63B section 5.1.1.2). Pure functions over text.

#include <optional>
#include <string>
#include <string_view>

#include "control/failure.h"

namespace fairlead::control {

inline constexpr std::size_t kMinPassword = 12;   // characters, not bytes
inline constexpr std::size_t kMaxPassword = 256;  // characters; bounds the work of hashing

// What is wrong with `password` (UTF-8) for the user of that e-mail address, or nothing: "too-short", "too-long",
// "is-email" (the address, or its name with decoration), "too-common" (a common word with digits or signs around it,
// also with 0 for o and the like; one short piece repeated; a run along the alphabet, the digits or the keyboard).
// `pointer` becomes the Detail's. The password is not in the answer.
std::optional<Detail> password_problem(std::string_view password, std::string_view email, std::string pointer);

}  // namespace fairlead::control
