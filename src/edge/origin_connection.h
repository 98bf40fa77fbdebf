#pragma once
// OriginConnection: the edge's side of one HTTP/1.1 connection to an origin, used for one exchange at a time: send a
// head, read heads, read a body. Afterwards the stream is a tunnel's, goes back to the pool, or is closed.

#include <memory>
#include <optional>
#include <string>

#include "edge/http1_body.h"
#include "net/socket_stream.h"
#include "protocol/http1/head_parser.h"

namespace fairlead::edge {

class OriginConnection {
 public:
  OriginConnection(std::unique_ptr<net::SocketStream> stream, std::string_view method, bool reused)
      : stream_(std::move(stream)), parser_(method), reused_(reused) {}

  net::SocketStream& stream() { return *stream_; }
  std::unique_ptr<net::SocketStream> take_stream() { return std::move(stream_); }
  // It has carried an exchange before, so the origin may close it just as the next request arrives.
  bool reused() const { return reused_; }

  // Errors: side origin; timeout at `deadline`.
  net::Task<base::Result<void>> send(std::string_view a, std::string_view b, net::TimePoint deadline);

  // The next head, interim ones (1xx) included; call again after an interim one. Errors: side origin: timeout (504),
  // closed before any byte (Retry::elsewhere), malformed, too_large, reset.
  net::Task<base::Result<protocol::ResponseHead>> read_head(net::TimePoint deadline);
  // Whether any byte of an answer has come.
  bool answered() const { return answered_; }

  // The body of the head read last.
  Http1BodyReader& body();
  protocol::BodyFraming framing() const { return parser_.framing(); }
  // After the body's end: whether the connection may carry another exchange.
  bool reusable() const { return parser_.keep_alive() && (!body_ || body_->done()) && !stream_->has_unread(); }

 private:
  std::unique_ptr<net::SocketStream> stream_;
  protocol::ResponseHeadParser parser_;
  std::optional<Http1BodyReader> body_;
  bool reused_;
  bool answered_ = false;
};

}  // namespace fairlead::edge
