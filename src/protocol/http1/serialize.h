#pragma once
// Heads and chunk framing written as HTTP/1.1 (RFC 9112). The counterpart of the parsers: what these functions write,
// the parsers read back as the same value. They are the last gate against injection: a head with a CR, LF, NUL or other
// control character in any part, a name that is no token, or a target with white space is refused as a whole: nothing
// is appended and false is returned.

#include <cstddef>
#include <string>

#include "protocol/http/message.h"

namespace fairlead::protocol {

// "METHOD target HTTP/1.1" and the fields. An HTTP/1.0 or HTTP/2 head is written as 1.1 too: the version is that of the
// writer (RFC 9110 2.5). Host is written first from `authority` when the fields have none.
[[nodiscard]] bool append_request_head(std::string& out, const RequestHead& head);

// "HTTP/1.1 status reason" and the fields, for any version of the head.
[[nodiscard]] bool append_response_head(std::string& out, const ResponseHead& head);

// "hex CRLF" before `size` bytes of chunk data; size > 0, because 0 would end the body. After the data comes kChunkEnd.
void append_chunk_header(std::string& out, std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";

// "0 CRLF", the trailers and the final CRLF. Refuses like the heads do.
[[nodiscard]] bool append_last_chunk(std::string& out, const Fields& trailers);

}  // namespace fairlead::protocol
