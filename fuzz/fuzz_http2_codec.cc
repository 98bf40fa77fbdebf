// HTTP/2 connections: whatever bytes a client sends, in whatever pieces, and whatever the edge does about the events
// that come of them, the codec neither crashes nor says what cannot be: events of a stream come in order, no more data
// arrives than its window let through, what goes out is whole frames within the client's windows, an error ends it all.
// The first byte chooses limits and temper; with its top bit the greeting of a client is put in front.

#include "http2_frames.h"
#include "support.h"

#include <map>
#include <string>

#include "protocol/http/authority.h"
#include "protocol/http2/server_codec.h"

namespace fairlead::protocol {
namespace {

using fuzz::require;
using Kind = Http2Event::Kind;

constexpr std::size_t kLargestFrame = 16384;  // neither side's SETTINGS of ours allow more
constexpr std::size_t kFirstWindow = 65535;   // until the client has acknowledged our SETTINGS

class Edge {
 public:
  Edge(const Http2ServerOptions& options, unsigned temper, std::size_t room)
      : codec_(options),
        window_(std::max<std::size_t>(options.stream_window, kFirstWindow)),
        temper_(temper),
        room_(room) {}

  bool receive(std::string_view bytes) {
    const bool good = codec_.receive(bytes).has_value();
    handle_events();
    send();
    if (!good) {
      for (const auto& [id, stream] : streams_) require(stream.closed, "an error closes all streams");
      require(codec_.streams_open() == 0, "no stream outlives the connection");
      require(!codec_.receive("x").has_value(), "an error stays");
      require(codec_.take_events().empty(), "nothing happens after an error");
    }
    return good;
  }

  void drain() {
    for (int i = 0; codec_.has_output() && i < 100000; ++i) send();
    require(!codec_.has_output(), "output comes to an end");
    require(frames_.between_frames(), "whole frames");
  }

  Http2ServerCodec& codec() { return codec_; }

 private:
  struct Stream {
    bool answered = false, ended = false, closed = false, trailers = false;
    int released = 0;  // in which batch of events
    bool our_end = false;
    std::size_t unconsumed = 0, to_send = 0;
  };

  void handle_events() {
    for (auto events = codec_.take_events(); !events.empty(); events = codec_.take_events()) {
      ++batch_;
      for (const Http2Event& e : events) handle(e);
      codec_.recycle(std::move(events));
    }
  }

  void handle(const Http2Event& e) {
    if (e.kind == Kind::ping_answered) return;
    if (e.kind == Kind::window && e.stream == 0) return;
    if (e.kind == Kind::request) {
      require(streams_.emplace(e.stream, Stream{}).second, "one request to a stream");
      const Http2Request request = codec_.take_request(e.stream);
      check(request);
      streams_[e.stream].ended = request.ended;
      if (codec_.is_open(e.stream)) answer(e.stream, request);
      return;
    }
    const auto found = streams_.find(e.stream);
    require(found != streams_.end(), "the request comes first");
    Stream& stream = found->second;
    require(!stream.closed, "nothing after closed");
    if (e.kind == Kind::closed) {
      stream.closed = true;
      require(!codec_.is_open(e.stream) && codec_.send_window(e.stream) == 0, "closed is closed");
      require(!codec_.send_end(e.stream), "nobody is left to answer");
      return;
    }
    require(stream.released == 0 || stream.released == batch_, "a released stream tells no more");
    if (e.kind == Kind::window) return;
    require(!stream.ended, "nothing after the end");
    switch (e.kind) {
      case Kind::data:
        require(!stream.trailers && !e.data.empty(), "data has bytes and comes before trailers");
        stream.unconsumed += e.data.size();
        require(stream.unconsumed <= window_, "no more than the window lets through");
        if ((temper_ & 1) != 0) {
          codec_.consumed(e.stream, e.data.size());
          stream.unconsumed = 0;
        }
        stream.to_send += e.data.size();  // an echo
        break;
      case Kind::trailers:
        require(codec_.take_trailers(e.stream).empty() == (stream.released != 0), "trailers for who wants them");
        stream.trailers = true;
        break;
      case Kind::end: stream.ended = true; break;
      default: require(false, "a kind of event that exists");
    }
  }

  static void check(const Http2Request& request) {
    const RequestHead& head = request.head;
    require(head.version == HttpVersion::http2, "the version is known");
    require((request.refusal_status == 0) == request.refusal.empty(), "a refusal says why");
    if (request.refusal_status != 0) return;
    require(head.target.starts_with('/') || (head.target == "*" && head.method == "OPTIONS"), "origin-form");
    require(head.target.find_first_of(std::string_view("# \t\r\n\0", 6)) == std::string::npos, "a target is visible");
    require(head.scheme == "http" || head.scheme == "https", "a scheme");
    const auto authority = parse_authority(head.authority);
    require(authority && to_text(*authority) == head.authority, "normal authority");
    require((head.method == "CONNECT") == !head.protocol.empty(), "CONNECT is extended");
    require(!head.fields.contains("host"), "Host has gone into authority");
    require(head.fields.count("cookie") <= 1 && head.fields.count("content-length") <= 1, "one of each");
    for (const Field& field : head.fields) {
      require(is_token(field.name) && is_field_value(field.value), "fields keep the grammar");
      for (const char* name : {"connection", "transfer-encoding", "upgrade", "keep-alive", "proxy-connection"}) {
        require(field.name != name, "no field of an HTTP/1 connection");
      }
    }
  }

  void answer(std::uint32_t id, const Http2Request& request) {
    Stream& stream = streams_[id];
    ResponseHead head;
    head.status = request.refusal_status != 0 ? request.refusal_status : 200;
    head.fields.add("Connection", "close");
    head.fields.add("x-a", "b");
    switch ((id / 2 + temper_) % 6) {
      case 0: codec_.reset(id, Http2Error::cancel); return;
      case 1:
        stream.released = batch_;
        codec_.release(id, Http2Error::internal_error);
        return;
      case 2:
        require(codec_.send_head(id, head, true), "an open stream takes a head");
        stream.our_end = true;
        stream.released = batch_;
        codec_.release(id, Http2Error::cancel);
        return;
      case 3: {
        ResponseHead interim;
        interim.status = 103;
        require(codec_.send_interim(id, interim), "an open stream takes an interim head");
        [[fallthrough]];
      }
      default:
        require(codec_.send_head(id, head, false), "an open stream takes a head");
        stream.answered = true;
        stream.to_send = 100 * (id % 1000);
    }
  }

  void send() {
    std::string out;
    for (auto& [id, stream] : streams_) {
      if (stream.closed || !stream.answered || stream.our_end) continue;
      if (stream.to_send != 0) {
        const std::string body(std::min<std::size_t>(stream.to_send, 40000), 'b');
        const std::size_t window = codec_.send_window(id), before = out.size();
        const auto sent = codec_.send_data(id, std::string_view(body).substr(0, 10),
                                           body.size() > 10 ? std::string_view(body).substr(10) : "", out, room_);
        require(sent.bytes <= window && sent.bytes <= body.size(), "no more than the client's windows");
        require(sent.bytes == 0 || out.size() > before, "what was sent is in the output");
        require(out.size() < room_ + kLargestFrame + 9 || out.size() == before,
                "the room is passed by a frame at most");
        require(!sent.blocked_by_window || (sent.bytes < body.size() && codec_.send_window(id) == 0), "blocked");
        require(sent.bytes == body.size() || sent.blocked_by_window || sent.gone || out.size() >= room_,
                "whoever sends less knows what to wait for");
        stream.to_send -= sent.bytes;
        if (sent.gone || stream.to_send != 0) continue;
        require(sent.bytes == body.size(), "all of it");
      }
      if (!stream.ended) continue;
      Fields trailers;
      if ((temper_ & 2) != 0) trailers.add("X-Sum", "1");
      stream.our_end = codec_.send_end(id, trailers);
    }
    codec_.append_output(out, room_);
    require(out.size() < room_ + kLargestFrame + 9, "the room is passed by a frame at most");
    frames_.feed(out);
    handle_events();
  }

  Http2ServerCodec codec_;
  std::size_t window_;
  unsigned temper_;
  std::size_t room_;
  // What goes out, as its frames.
  fuzz::Http2Frames frames_{[this](const fuzz::Http2Frame& frame, bool whole) {
    if (whole) return;
    require(frame.length <= kLargestFrame, "no frame larger than allowed");
    require(frame.type <= 9, "a type of frame that exists");
    require(seen_any_ || frame.type == fuzz::Http2Frame::kSettings, "SETTINGS first");
    seen_any_ = true;
  }};
  bool seen_any_ = false;
  int batch_ = 0;
  std::map<std::uint32_t, Stream> streams_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  std::string input(fuzz::text_of(data + 1, size - 1));
  if ((choice & 0x80) != 0) {
    const char settings[] = "\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0";  // SETTINGS, and the ack of ours with the last NUL
    input = std::string(kHttp2Preface) + std::string(settings, sizeof settings) + input;
  }
  Http2ServerOptions options;
  if ((choice & 0x40) != 0) {
    options = {.max_concurrent_streams = 3,
               .stream_window = 200,
               .connection_window = 65535,
               .extended_connect = false,
               .head = {.max_bytes = 400, .max_fields = 6, .max_start_line = 60}};
  }
  Edge edge(options, choice & 7, (choice & 0x20) != 0 ? 50 : 1u << 20);
  bool good = true;
  for (const std::string_view piece : fuzz::at_random(input)) {
    good = edge.receive(piece);
    if (!good) break;
  }
  const Http2Activity& activity = edge.codec().activity();
  require(activity.streams <= size && activity.pings <= size && activity.empty_frames <= size, "a frame has bytes");
  if (good && (choice & 0x10) != 0) {
    edge.codec().announce_shutdown();
    edge.drain();
    edge.codec().shut_down();
  } else if (good && (choice & 0x08) != 0) {
    edge.codec().fail(Http2Error::enhance_your_calm);
    good = false;
  }
  edge.drain();
  require(good || edge.codec().finished(), "an error finishes");
  return 0;
}

}  // namespace fairlead::protocol
