#pragma once
// From the field lines of an HTTP/2 request to an Http2Request: what nghttp2's own checks of RFC 9113 8 let pass is
// judged here by the rules that HTTP/1 heads have to keep as well, so that an origin sees the same whichever way a
// request came. Internal to http2; a RequestBuild belongs to one stream until its head is complete. nghttp2 has made
// sure of: pseudo fields once, before the others, and none missing that may not be; one Host at most; no field of
// RFC 9113 8.2.2; Content-Length a number, once.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/http1/head_parser.h"  // HeadLimits
#include "protocol/http2/server_codec.h"

namespace fairlead::protocol::detail {

// The size of a field as SETTINGS_MAX_HEADER_LIST_SIZE counts it (RFC 9113 6.5.2).
inline std::size_t field_size(std::string_view name, std::string_view value) { return name.size() + value.size() + 32; }

class RequestBuild {
 public:
  explicit RequestBuild(const HeadLimits& limits) : limits_(limits) {}

  // The next field line, pseudo fields included. What passes a limit is counted and not kept. Cookies that a client
  // has cut into several lines to save bytes (RFC 9113 8.2.3) count as one field, for that is what they are.
  void add(std::string_view name, std::string_view value);
  // A field line whose name or value breaks the grammar.
  void add_invalid(std::string_view name, std::string_view value);

  // Bytes so far as of field_size(), those not kept included.
  std::size_t bytes() const { return bytes_; }

  // The request, or a refused one.
  Http2Request finish(bool ended) &&;

 private:
  void judge(Http2Request& request);
  bool count(std::string_view name, std::string_view value);
  std::string_view fault_in_authority(RequestHead& head) const;

  HeadLimits limits_;
  std::size_t bytes_ = 0;
  std::size_t fields_ = 0;
  bool too_large_ = false;
  bool invalid_ = false;
  RequestHead head_;
  std::string authority_;  // :authority as it came
  std::optional<std::string> host_;
  std::optional<std::string> cookie_;
};

}  // namespace fairlead::protocol::detail
