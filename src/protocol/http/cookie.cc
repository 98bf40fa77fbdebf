#include "protocol/http/cookie.h"

#include <algorithm>

namespace fairlead::protocol {
namespace {

// RFC 6265 4.1.1: visible ASCII but for DQUOTE, comma, semicolon and backslash.
bool is_cookie_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\'; });
}

}  // namespace

std::optional<std::string_view> find_cookie(const Fields& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (!equal_nocase(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trim_ows(rest.substr(0, end));
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || trim_ows(pair.substr(0, equals)) != name) continue;
      std::string_view value = trim_ows(pair.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      return value;
    }
  }
  return std::nullopt;
}

std::string make_set_cookie(std::string_view name, std::string_view value, std::chrono::seconds max_age, bool secure) {
  if (!is_token(name) || !is_cookie_value(value)) return {};
  std::string text(name);
  text += '=';
  text += value;
  text += "; Path=/";
  if (max_age.count() > 0) text += "; Max-Age=" + std::to_string(max_age.count());
  text += "; HttpOnly; SameSite=Lax";
  if (secure) text += "; Secure";
  return text;
}

}  // namespace fairlead::protocol
