#pragma once
// The grammar of a complete HTTP/1 head, as Boost.Beast's parser reads it: the second layer of head_parser.h, internal
// to http1. Beast's headers are used in this module's source only.

#include <string_view>

#include "protocol/http/message.h"
#include "protocol/http1/head_scanner.h"

namespace fairlead::protocol::detail {

// `head` ends with its empty line and went through a HeadScanner. The request's target is left as it came, scheme and
// authority are not filled in.
Ruled<RequestHead> read_request_head(std::string_view head);
Ruled<ResponseHead> read_response_head(std::string_view head);

}  // namespace fairlead::protocol::detail
