#pragma once
// Members of a request's body that the dispatcher has checked against the contract.

#include <optional>
#include <string>
#include <string_view>

#include "control/api/operation.h"

namespace fairlead::control {

// The text of that name; none when it is absent.
inline std::optional<std::string> text_member(const Json& body, std::string_view name) {
  if (!body.is_object()) return std::nullopt;
  const auto found = body.find(std::string(name));
  if (found == body.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace fairlead::control
