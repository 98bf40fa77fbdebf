#pragma once
// Http2Client: the client's half of an HTTP/2 connection for tests, made of nghttp2's own client session, as a pure
// codec: bytes out of output() go to the server, bytes from the server go into receive(). It keeps all that it was sent
// per stream. Flow control is manual unless options say otherwise: what a test does not consume() stays unconsumed.
// It does not judge the heads it is told to send, and raw() bytes go out as they are, so that it can misbehave.
//
//   Http2Client client;
//   const auto id = client.request(get("/"));
//   server.receive(client.output()); ... client.receive(out);
//   EXPECT_EQ(client.stream(id).head.status, 200);

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/http/message.h"
#include "protocol/http2/server_codec.h"

namespace fairlead::protocol::testing {

// Pseudo fields and fields of a request, as Http2Client::request() takes them.
Fields http2_head(std::string_view method, std::string_view path, std::string_view authority = "live.example.com",
                  std::string_view scheme = "https");
inline Fields get(std::string_view path) { return http2_head("GET", path); }
// An extended CONNECT for a WebSocket (RFC 8441 5), with its version.
Fields websocket(std::string_view path);

struct Http2ClientOptions {
  std::uint32_t stream_window = 65535;
  std::uint32_t connection_window = 65535;
  bool consume = false;  // all data is consumed as it comes
};

class Http2Client {
 public:
  struct Stream {
    std::vector<ResponseHead> interim;
    ResponseHead head;  // status 0 while none has come
    std::string body;
    Fields trailers;
    std::size_t data_frames = 0;
    bool ended = false;   // the server's END_STREAM has come
    bool closed = false;  // on both sides, or reset
    Http2Error error = Http2Error::no_error;
  };

  explicit Http2Client(const Http2ClientOptions& options = {});  // preface and SETTINGS are in the output at once
  ~Http2Client();
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  // --- what it does; all of it is in the next output()

  // Returns the stream's id. With `end` no data follows.
  std::uint32_t request(const Fields& head, bool end = true);
  // Queues data; it goes out as the server's windows allow.
  void data(std::uint32_t stream, std::string_view bytes, bool end = false);
  void trailers(std::uint32_t stream, const Fields& fields);  // END_STREAM, behind all data
  void reset(std::uint32_t stream, Http2Error error = Http2Error::cancel);
  void consume(std::uint32_t stream, std::size_t n);
  void ping();
  void setting(std::uint16_t id, std::uint32_t value);
  void go_away(Http2Error error = Http2Error::no_error);
  // Bytes as they are, behind what was queued before.
  void raw(std::string_view bytes);

  std::string output();

  // --- what it was sent

  // Errors: what nghttp2 does not take from a server.
  base::Result<void> receive(std::string_view bytes);

  Stream& stream(std::uint32_t id) { return streams_[id]; }
  std::optional<std::uint32_t> server_setting(std::uint16_t id) const;  // as the server sent it
  struct Goaway {
    std::uint32_t last_stream = 0;
    Http2Error error = Http2Error::no_error;
    std::string debug;
  };
  const std::vector<Goaway>& goaways() const { return goaways_; }
  std::size_t pings_answered() const { return pings_answered_; }
  std::size_t pings_seen() const { return pings_seen_; }
  std::size_t settings_acked() const { return settings_acked_; }
  // Data that was queued and could not go for want of a window.
  std::size_t unsent(std::uint32_t stream) const;
  // What the server may be sent on the stream now.
  std::int32_t send_window(std::uint32_t stream) const;

 private:
  struct Session;
  std::unique_ptr<Session> session_;
  std::map<std::uint32_t, Stream> streams_;
  std::map<std::uint16_t, std::uint32_t> server_settings_;
  std::vector<Goaway> goaways_;
  std::size_t pings_answered_ = 0, pings_seen_ = 0, settings_acked_ = 0;
};

// --- frames by hand

enum class FrameType : std::uint8_t {
  data,
  headers,
  priority,
  rst_stream,
  settings,
  push_promise,
  ping,
  goaway,
  window_update,
  continuation
};
inline constexpr std::uint8_t kEndStreamFlag = 1, kAckFlag = 1, kEndHeadersFlag = 4, kPaddedFlag = 8;

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
std::string big_endian(std::uint32_t value);  // 4 bytes
// A field line of HPACK, as a literal that is not indexed (RFC 7541 6.2.2), of up to 126 bytes each.
std::string literal(std::string_view name, std::string_view value);
// Literals of all fields.
std::string literals(const Fields& fields);

struct RawFrame {
  FrameType type;
  std::uint8_t flags;
  std::uint32_t stream;
  std::string payload;
};
// The frames of a server's output; the last one may not be cut. Fails the running test otherwise.
std::vector<RawFrame> frames_of(std::string_view bytes);

}  // namespace fairlead::protocol::testing
