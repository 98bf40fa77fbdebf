#pragma once
// The rules about a request's target that hold in every version of HTTP: HTTP/1 has it in the request line, HTTP/2 in
// :path. Pure functions; what they return is static text for a refusal with 400, empty when nothing is wrong.

#include <string_view>

namespace fairlead::protocol {

// A target holds visible ASCII only and no fragment (RFC 3986 2, RFC 9112 3.2). What a server does about anything else
// differs from server to server.
std::string_view fault_in_target(std::string_view target);

// Origin-form begins with "/"; "*" is for OPTIONS alone (RFC 9112 3.2.1, 3.2.4; RFC 9113 8.3.1).
std::string_view fault_in_origin_form(std::string_view method, std::string_view target);

}  // namespace fairlead::protocol
