#include "protocol/http/target.h"

#include <algorithm>

namespace fairlead::protocol {

std::string_view fault_in_target(std::string_view target) {
  if (!std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    return "target with a character that is not visible ASCII";
  }
  if (target.find('#') != std::string_view::npos) return "target with a fragment";
  return {};
}

std::string_view fault_in_origin_form(std::string_view method, std::string_view target) {
  if (target == "*") return method == "OPTIONS" ? std::string_view{} : "target * with a method other than OPTIONS";
  return target.starts_with('/') ? std::string_view{} : "target is no path";
}

}  // namespace fairlead::protocol
