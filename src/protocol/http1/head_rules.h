#pragma once
// The rules of RFC 9112 and 9110 about a head whose grammar is right: what its lines may hold, which host it is for,
// how its body is framed, whether its connection persists. Internal to http1; pure functions, each returns its refusal
// or its finding.

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/http/message.h"
#include "protocol/http1/head_parser.h"

namespace fairlead::protocol::detail {

inline std::unexpected<Refusal> refused(std::string_view why) {
  return std::unexpected(Refusal{base::Code::malformed, 400, why});
}
inline std::unexpected<Refusal> not_done_here(int status, std::string_view why) {
  return std::unexpected(Refusal{base::Code::unsupported, status, why});
}

// Lines without their CRLF, free of control characters but HTAB.
Ruled<void> check_request_line(std::string_view line);
Ruled<void> check_status_line(std::string_view line);

struct FieldLine {
  std::string_view name, value;  // value trimmed
};
// A field line of a head or a trailer section: refuses obs-fold, white space before the colon, a name that is no token.
Ruled<FieldLine> split_field_line(std::string_view line);

// Content-Length and Transfer-Encoding of a message: RFC 9112 6.1, 6.2, 6.3, without what the status or the method of a
// response makes of them. Kind::none when there is neither.
Ruled<BodyFraming> framing_of(const Fields& fields, HttpVersion version);

// Turns head.target as it came into origin-form (or "*") and fills in scheme and authority: RFC 9112 3.2, 3.3.
Ruled<void> resolve_target(RequestHead& head);

// RFC 9112 9.3.
bool persists(const Fields& fields, HttpVersion version);

// Whether the client waits for 100 (Continue); refuses any other expectation (RFC 9110 10.1.1).
Ruled<bool> expects_continue(const RequestHead& head);

}  // namespace fairlead::protocol::detail
