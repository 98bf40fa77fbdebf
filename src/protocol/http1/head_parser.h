#pragma once
// Incremental, strict parsers of HTTP/1.x heads (RFC 9112). Bytes go in as they arrive, in pieces of any size; a
// RequestHead or ResponseHead comes out, with the facts that follow from it: how the body is framed, whether the
// connection lives on. A parser belongs to one connection and is reset between messages; while it waits for a message
// it holds no memory but itself.
//
// Two layers. A line scanner looks at each byte once as it arrives (so that cost is linear whatever the cuts) and
// refuses at once what servers are known to disagree about: bare CR or LF, NUL and control characters, obs-fold, white
// space before the colon, an empty or odd field name. A complete head is then read by Boost.Beast's parser (the
// grammar), and rules are applied to the outcome: Content-Length, Transfer-Encoding, Host, target, version. What is
// ambiguous is refused, never repaired. Whether input is accepted, and with which error it is refused, does not depend
// on how it was cut.
//
// After an error a parser is spent: it returns the same error until reset().

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "protocol/http/message.h"
#include "protocol/http1/head_scanner.h"

namespace fairlead::protocol {

// How the bytes after a head are framed: RFC 9112 6.3.
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  // bytes, with Kind::length only (never 0 with it: that is `none`)
  bool operator==(const BodyFraming&) const = default;
};

class RequestHeadParser {
 public:
  explicit RequestHeadParser(HeadLimits limits = {});

  // Returns how many bytes of the input were used: all of them until done(), after which the rest belongs to the body
  // or to the next request. One empty line before the request line is skipped (RFC 9112 2.2). The error's side is the
  // client; codes are malformed, too_large or unsupported, and suggested_status() has the status for it.
  base::Result<std::size_t> feed(std::string_view input);

  bool done() const { return done_; }
  // Whether any byte of a request was seen; a leading CRLF is none. Tells an idle connection from an interrupted one.
  bool started() const { return done_ || scanner_.started(); }

  // Valid once done(). take_head() hands the head over; the three facts stay until reset().
  RequestHead take_head() { return std::move(head_); }
  const RequestHead& head() const { return head_; }
  BodyFraming framing() const { return framing_; }
  bool keep_alive() const { return keep_alive_; }            // RFC 9112 9.3
  bool expect_continue() const { return expect_continue_; }  // RFC 9110 10.1.1; never of an HTTP/1.0 client

  // The status to answer the error with: 400, 414 (request line too long), 417 (unknown expectation), 431 (head too
  // large), 501 (CONNECT, or a transfer coding we do not know), 505 (version, HTTP/2 preface). 0 while there is no
  // error.
  int suggested_status() const { return refusal_ ? refusal_->status : 0; }

  void reset();

 private:
  detail::Ruled<void> accept(std::string_view head);

  detail::HeadScanner scanner_;
  RequestHead head_;
  BodyFraming framing_;
  bool done_ = false;
  bool keep_alive_ = false;
  bool expect_continue_ = false;
  std::optional<detail::Refusal> refusal_;
};

class ResponseHeadParser {
 public:
  // `request_method` is that of the request this is the answer to: an answer to HEAD has no body whatever it says, and
  // a 2xx to CONNECT is a tunnel. The caller reads 1xx heads off with reset() until a final one comes.
  explicit ResponseHeadParser(std::string_view request_method, HeadLimits limits = {});

  // As of RequestHeadParser; the side is the origin, Retry::elsewhere.
  base::Result<std::size_t> feed(std::string_view input);

  bool done() const { return done_; }
  bool started() const { return done_ || scanner_.started(); }

  // Valid once done(). Content-Length is taken out of 1xx and 204 heads, where it may not be (RFC 9110 8.6).
  ResponseHead take_head() { return std::move(head_); }
  const ResponseHead& head() const { return head_; }
  BodyFraming framing() const { return framing_; }  // none for HEAD, 1xx, 204, 304, 2xx to CONNECT
  // Whether the origin's connection may carry another request after this answer. Never with until_close or 101.
  bool keep_alive() const { return keep_alive_; }

  // 502 after an error, else 0.
  int suggested_status() const { return refusal_ ? 502 : 0; }

  // For the next head of the same request (after a 1xx), or of another request.
  void reset();
  void reset(std::string_view request_method);

 private:
  detail::Ruled<void> accept(std::string_view head);

  detail::HeadScanner scanner_;
  ResponseHead head_;
  BodyFraming framing_;
  bool to_head_ = false;
  bool to_connect_ = false;
  bool done_ = false;
  bool keep_alive_ = false;
  std::optional<detail::Refusal> refusal_;
};

}  // namespace fairlead::protocol
