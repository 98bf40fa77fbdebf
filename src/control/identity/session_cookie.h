#pragma once
// The cookie of a login, as it goes over the wire (RFC 6265), and the questions by which a browser's request is told
// from one that another site made it send. Pure functions over a request.

#include <optional>
#include <string>
#include <string_view>

#include "control/api/http.h"
#include "model/control_config.h"

namespace fairlead::control {

inline constexpr std::string_view kSessionCookie = "fairlead-session";
inline constexpr std::string_view kCsrfField = "fairlead-csrf";

// The key in the request's cookie; none when there is no such cookie, or an empty one.
std::optional<std::string> session_key(const ApiRequest& request);

// The value of Set-Cookie that puts `key` into the browser until `login_time` has passed, and the one that takes it
// out. HttpOnly, SameSite=Strict, Path=/; and Secure when the browser speaks TLS: to us, or to what stands before us
// under the name of config.public_url.
std::string set_session_cookie(const ApiRequest& request, const model::ControlConfig& config, std::string_view key);
std::string end_session_cookie(const ApiRequest& request, const model::ControlConfig& config);

// False when the request says that a page of another origin sent it: its Origin (RFC 6454; browsers send it with
// every request that changes something) is neither that of its Host nor that of config.public_url. True without Origin.
bool from_own_pages(const ApiRequest& request, const model::ControlConfig& config);

}  // namespace fairlead::control
