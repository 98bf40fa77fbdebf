#pragma once
// The heads of HTTP messages as values that do not depend on the version on the wire (RFC 9110), and what a proxy has
// to do to them on the way: take out the hop-by-hop fields and say for whom it forwards. A head owns its strings.

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/http/fields.h"

namespace fairlead::protocol {

enum class HttpVersion : std::uint8_t { http10, http11, http2 };

struct RequestHead {
  std::string method;      // a token, in the case it came in: methods are case-sensitive
  std::string target;      // origin-form, path?query, never empty and beginning with '/'; or "*" of OPTIONS
  std::string scheme;      // lower case, from an absolute-form target or :scheme; empty when the message did not say
  std::string authority;   // host[:port], host in lower case, from an absolute-form target, else Host; may be empty
                           // in HTTP/1.0 only
  std::string protocol{};  // :protocol of an extended CONNECT (RFC 8441 4), which only HTTP/2 has
  HttpVersion version = HttpVersion::http11;
  Fields fields;
  bool operator==(const RequestHead&) const = default;
};

struct ResponseHead {
  int status = 0;      // 100..999
  std::string reason;  // HTTP/1 only, may be empty
  HttpVersion version = HttpVersion::http11;
  Fields fields;
  bool operator==(const ResponseHead&) const = default;
};

// The host of "host[:port]": without the port and without one trailing dot, in lower case, IPv6 without its brackets.
// The names a domain is looked up by. Does not check the characters (see http/authority.h).
std::string host_of(std::string_view authority);

// The reason phrase of RFC 9110 15 (and 6585, 7725, 8470) for a status, "" for one that has no registered phrase.
std::string_view reason_phrase(int status);

// Takes out what speaks about this hop only: RFC 9110 7.6.1. That is Connection, every field it names, Keep-Alive,
// Proxy-Connection, Transfer-Encoding, Upgrade, Trailer, and TE but for its member "trailers". A field that frames or
// routes the message (Host, Content-Length, and what else a proxy may not lose: Authorization, Cookie, Set-Cookie,
// Content-*, the Forwarded family, Sec-WebSocket-*) stays even when Connection names it, because letting a peer delete
// it would change the meaning of the message behind the edge's back.
void remove_hop_by_hop(Fields& fields);

// What the edge tells an origin about its client.
struct ForwardedInfo {
  std::string_view client_ip;     // text as of inet_ntop, IPv6 without brackets
  std::string_view scheme;        // "http" or "https": how the client spoke to the edge
  std::string_view host;          // the authority the client asked for; empty: Host and host= are left out
  std::uint16_t listen_port = 0;  // the edge's own port
};

// Appends the client to X-Forwarded-For and Forwarded (RFC 7239: for, host, proto; IPv6 quoted and bracketed; a host
// that is no token quoted), as one field each, and sets X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Port,
// X-Real-IP. What the client wrote into the latter four is overwritten.
void add_forwarded(Fields& fields, const ForwardedInfo& info);

}  // namespace fairlead::protocol
