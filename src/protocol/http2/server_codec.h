#pragma once
// Http2ServerCodec: the server's half of one HTTP/2 connection (RFC 9113) as a pure codec: bytes in and events out,
// answers in and bytes out. No I/O and no clock. nghttp2 does the framing, HPACK and the state machine of RFC 9113 5.1;
// its header is included by this folder's .cc files only.
//
// Owned by one connection of the edge, used from one thread. Never called from inside itself: events are values in a
// list, so that whoever handles one may call anything here.
//
//   receive(bytes) ... for (event : take_events()) ... send_head / send_data ... append_output(out, room)
//
// Flow control. Towards the client (sending): send_data frames as much as the two windows and the output room allow and
// says how much that was; the rest stays with the caller, so a stalled stream costs the codec nothing. From the client
// (receiving): the connection's window is given back as soon as bytes arrive, so that a stream nobody reads never
// stalls its neighbours; a stream's window is given back by consumed() only. What the edge must hold for a connection
// is thus at most max_concurrent_streams x stream_window.
//
// What floods cost is not judged here, for want of a clock: activity() counts, the edge judges (nghttp2's own limit on
// the rate of resets is off, for it reads the wall clock). Hard limits end the connection: 1000 answers that wait to be
// taken, more bytes of them and of response heads than max_concurrent_streams x head.max_bytes (1 MiB at least), 8
// CONTINUATION frames to a head, 32 entries to a SETTINGS frame.
//
// A head that RFC 9113 8.1.1 calls malformed (pseudo fields missing or misplaced, neither :authority nor Host, names in
// upper case, fields of an HTTP/1 connection) is a stream error: nghttp2 resets the stream, nothing is told of it but
// activity().resets.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/http/message.h"
#include "protocol/http1/head_parser.h"  // HeadLimits

namespace fairlead::protocol {

// RFC 9113 7.
enum class Http2Error : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  flow_control_error = 3,
  settings_timeout = 4,
  stream_closed = 5,
  frame_size_error = 6,
  refused_stream = 7,
  cancel = 8,
  compression_error = 9,
  connect_error = 10,
  enhance_your_calm = 11,
  inadequate_security = 12,
  http_1_1_required = 13,
};
std::string_view to_string(Http2Error e);  // "ENHANCE_YOUR_CALM"; unknown codes: "UNKNOWN"

struct Http2ServerOptions {
  std::uint32_t max_concurrent_streams = 128;
  std::uint32_t stream_window = 64 * 1024;        // bytes a client may send ahead on one stream
  std::uint32_t connection_window = 1024 * 1024;  // bytes under way on all streams before the edge has seen them
  bool extended_connect = true;                   // SETTINGS_ENABLE_CONNECT_PROTOCOL = 1 (RFC 8441 3)
  HeadLimits head{};  // max_bytes: as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 10.5.1)
};

// One request's head, complete. When `refusal_status` is not 0 the head is not to be served: it is to be answered with
// that status (431 too large, 414 target too long, 400 malformed, 417 an expectation other than 100-continue, 501
// CONNECT without :protocol), and `head` has only what could be made of it (for the log).
struct Http2Request {
  RequestHead head;    // cookies joined (RFC 9113 8.2.3); Host is taken out, authority has it; `protocol` = ":protocol"
  bool ended = false;  // END_STREAM: no body follows
  std::optional<std::uint64_t> content_length;  // as stated
  int refusal_status = 0;
  std::string_view refusal{};  // static text
};

struct Http2Event {
  enum class Kind : std::uint8_t {
    request,       // take_request(stream)
    data,          // `data`: lent until the bytes given to receive() go; to be consumed()
    trailers,      // take_trailers(stream); comes before `end`
    end,           // the client has ended its side (END_STREAM), of a stream whose request had not ended
    closed,        // the stream is gone from the codec, by `error` (no_error: both sides had ended, or it was released
                   // after our whole answer; a client's RST_STREAM with NO_ERROR before that is `cancel`)
    window,        // more may be sent on `stream`; 0: on all
    ping_answered  // of our ping()
  };
  Kind kind;
  std::uint32_t stream = 0;
  Http2Error error = Http2Error::no_error;
  std::string_view data{};
};

// What the client has done so far, whole connection. Only what costs the edge work out of proportion.
struct Http2Activity {
  std::uint64_t streams_refused = 0;  // beyond max_concurrent_streams
  std::uint64_t streams = 0;          // opened by a HEADERS frame
  std::uint64_t resets = 0;           // RST_STREAM frames, and streams that the codec had to reset for a client's error
  std::uint64_t settings = 0;         // SETTINGS frames, acks not counted
  std::uint64_t pings = 0;            // PING frames, acks not counted
  std::uint64_t empty_frames = 0;     // DATA without END_STREAM and without a byte of data (padding is none);
                                      // HEADERS and CONTINUATION with an empty fragment
  std::uint64_t priorities = 0;       // PRIORITY and PRIORITY_UPDATE frames
  std::uint64_t window_updates = 0;   // WINDOW_UPDATE frames
  std::uint64_t data_frames_sent = 0;  // by us: what WINDOW_UPDATE frames have to be in proportion to
  std::uint64_t unknown_frames = 0;    // of types we do not know
};

class Http2ServerCodec {
 public:
  explicit Http2ServerCodec(const Http2ServerOptions& options);  // the server's SETTINGS are in the output at once
  ~Http2ServerCodec();
  Http2ServerCodec(const Http2ServerCodec&) = delete;
  Http2ServerCodec& operator=(const Http2ServerCodec&) = delete;

  // Errors: side client: malformed (the connection's rules are broken), too_large (a head that went on beyond all
  // measure: more than four times head.max_bytes; CONTINUATION without end), overloaded (a hard limit on answers or
  // SETTINGS, see above). A GOAWAY that says so is in the output, all streams are `closed`; the connection is then
  // over: write the output, close. From then on, and after fail(), the same error is returned.
  base::Result<void> receive(std::string_view bytes);

  // What has happened since the last call, in order. receive() and append_output() both add to it.
  std::vector<Http2Event> take_events();
  // Gives the vector's memory back for the next take_events().
  void recycle(std::vector<Http2Event> events);

  // Once, and of a stream that is gone until the next take_events().
  Http2Request take_request(std::uint32_t stream);
  Fields take_trailers(std::uint32_t stream);

  // The stream's reader has taken `n` bytes of data: its window opens again. Nothing for a stream that is gone.
  void consumed(std::uint32_t stream, std::size_t n);

  // Answers. Each returns false when the stream is gone (reset by the client, or closed); nothing is queued then.
  // An interim head, 100..199 but 101.
  bool send_interim(std::uint32_t stream, const ResponseHead& head);
  // The final head. With `ends`, END_STREAM: no data, no trailers follow. Field names are written in lower case; what
  // HTTP/2 forbids (connection, transfer-encoding, upgrade, keep-alive, proxy-connection: RFC 9113 8.2.2) is left out.
  bool send_head(std::uint32_t stream, const ResponseHead& head, bool ends);

  struct Sent {
    std::size_t bytes = 0;           // taken from the front of first, then second
    bool blocked_by_window = false;  // less than all, and an event `window` will tell when to go on
    bool gone = false;               // the stream is closed: nobody will ever take it
  };
  // Frames bytes of the body (or tunnel) into `out`, behind whatever else is due, as long as `out` is smaller than
  // `room`. Less than all without blocked_by_window: `out` is full; call again when it was written.
  Sent send_data(std::uint32_t stream, std::string_view first, std::string_view second, std::string& out,
                 std::size_t room);
  // Ends our side after what was sent: END_STREAM, with trailers if there are any (what may not be one, RFC 9110 6.5.1,
  // is left out). False as above. Without trailers it goes out when both windows are open, though it needs no byte of
  // them (nghttp2's way).
  bool send_end(std::uint32_t stream, const Fields& trailers = {});
  // RST_STREAM. Nothing more comes or goes on this stream; `closed` follows. Cuts a released stream short, too.
  void reset(std::uint32_t stream, Http2Error error);
  // Nobody is interested in the stream any more: further data of it is dropped (its window stays shut), no more events
  // but `closed` come, those aside that have happened already. When our side was not ended, the stream is reset with
  // `error`. Otherwise the end is still sent, and then it is the client's turn to end its side; for how long that may
  // take, and that a reset with no_error follows (RFC 9113 8.1), is the caller's decision. A reset on the heels of the
  // end makes some clients (libwebsockets) throw the whole answer away.
  void release(std::uint32_t stream, Http2Error error);
  // Our side's last frame is out, and the stream still open.
  bool end_sent(std::uint32_t stream) const;

  // Bytes that may be sent on the stream now: the smaller of its window and the connection's. 0 when gone.
  std::size_t send_window(std::uint32_t stream) const;
  std::size_t send_window() const;  // the connection's

  // Appends frames that are due until nothing is or `out` has reached `room` (it may pass it by one frame).
  void append_output(std::string& out, std::size_t room);
  bool has_output() const;

  // Orderly end (RFC 9113 6.8): first a GOAWAY with the highest id, so that nothing under way is lost, and later, a
  // round trip after it, one that names the last stream that was taken: streams above it are refused.
  void announce_shutdown();
  void shut_down();
  // GOAWAY with an error; the connection is over once the output is written. Streams are `closed`.
  void fail(Http2Error error);
  void ping();

  std::size_t streams_open() const;
  bool is_open(std::uint32_t stream) const;  // not closed by either side's reset or both sides' ends
  // A head has begun (a frame of it, or part of one) and not ended: the client owes the rest of it.
  bool head_under_way() const;
  // Nothing more will be read or written: after fail(), or shut_down() with all streams closed.
  bool finished() const;
  const Http2Activity& activity() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The 24 bytes every client connection starts with (RFC 9113 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

}  // namespace fairlead::protocol
