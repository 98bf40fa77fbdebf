#pragma once
// Cookies, as far as an edge needs them: reading one out of a request (RFC 6265 5.4) and writing its own, which keeps a
// client on its origin (R12).

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http/fields.h"

namespace fairlead::protocol {

// The value of the first cookie of that name (case-sensitive) in the Cookie fields, without surrounding double quotes.
// The view points into `fields`.
std::optional<std::string_view> find_cookie(const Fields& fields, std::string_view name);

// The value of a Set-Cookie field: name=value; Path=/; Max-Age=…; HttpOnly; SameSite=Lax[; Secure]. A `max_age` of zero
// or less leaves Max-Age out, which makes it a cookie of the browser's session. Empty when the name is not a token or
// the value is not made of cookie-octets (RFC 6265 4.1.1).
std::string make_set_cookie(std::string_view name, std::string_view value, std::chrono::seconds max_age, bool secure);

}  // namespace fairlead::protocol
