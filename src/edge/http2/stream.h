#pragma once
// Http2Stream: one stream of an HTTP/2 connection as a ByteStream: the body of a request and its answer, or a tunnel
// (RFC 8441 5). Owned by whoever serves the stream (the exchange, then the session); registered at its connection,
// which outlives it.
//
// Receiving: bytes go straight from the connection's read to a reader that waits, without a copy. What comes while
// nobody reads is kept here, at most the stream's window, which opens again as bytes are taken. Sending: a write is
// framed into the connection's output as far as windows and room allow; the rest waits in the writer.
//
// Errors: ECONNRESET after the client's RST_STREAM or the connection's end, EPROTO when the codec reset the stream for
// what the client did wrong.

#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/socket_stream.h"
#include "net/stop_token.h"
#include "protocol/http2/server_codec.h"

namespace fairlead::edge {

class Http2Connection;

class Http2Stream final : public net::ByteStream {
 public:
  Http2Stream(Http2Connection& connection, std::uint32_t id);
  ~Http2Stream() override;  // nobody is interested any more: see Http2ServerCodec::release

  std::uint32_t id() const { return id_; }
  Http2Connection& connection() const { return connection_; }

  void shutdown_write() override;
  void abort_on_close() override { aborted_ = true; }
  // From now on what the connection carries for this stream is added to `to`.
  void count_wire(std::shared_ptr<net::WireCount> to);
  // What the reset says, if it comes to one: CANCEL unless told otherwise.
  void reset_by(protocol::Http2Error error) { reset_by_ = error; }
  // Stops when the stream is closed before it has ended in order.
  net::StopToken gone() { return gone_; }
  std::string_view tls_version() const override;

 protected:
  ssize_t try_read(char* buffer, std::size_t size) override;
  ssize_t try_write(const iovec* pieces, int count) override;
  void want_read() override {}  // bytes are brought
  void want_write() override;

 private:
  friend class Http2Connection;
  // By the connection, as events come. received() may end with the stream's destruction.
  void received(std::string_view data);
  void ended();
  void closed(protocol::Http2Error error);
  void go_on_writing() { writable(); }

  enum class Waits : std::uint8_t { no, for_room, for_window };

  Http2Connection& connection_;
  std::shared_ptr<net::WireCount> wire_;  // null: nobody's yet
  std::string inbox_;                     // received, not read
  std::size_t read_ = 0;
  std::uint32_t id_;
  Waits waits_ = Waits::no;   // what the last write ran into
  Waits listed_ = Waits::no;  // the connection's list this stream is in
  bool end_seen_ = false;
  bool aborted_ = false;
  protocol::Http2Error reset_by_ = protocol::Http2Error::cancel;
  net::StopSource gone_;
};

}  // namespace fairlead::edge
