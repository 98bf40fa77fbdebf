#pragma once
// Http2Pair: a server codec and a client of nghttp2's, joined without a network; both have greeted. For the codec's own
// tests.

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "protocol/http2/server_codec.h"
#include "protocol/http2/testing/client_codec.h"

namespace fairlead::protocol::testing {

// Http2Event that owns its data.
struct SeenEvent {
  Http2Event::Kind kind;
  std::uint32_t stream = 0;
  Http2Error error = Http2Error::no_error;
  std::string data{};
  bool operator==(const SeenEvent&) const = default;
};

inline void PrintTo(const SeenEvent& e, std::ostream* out) {
  static constexpr const char* kNames[] = {"request", "data", "trailers", "end", "closed", "window", "ping_answered"};
  *out << kNames[static_cast<std::size_t>(e.kind)] << '(' << e.stream << ", " << to_string(e.error) << ", "
       << e.data.size() << " bytes)";
}

struct Http2Pair {
  static constexpr std::size_t kRoom = 1u << 24;

  Http2Pair() : Http2Pair(Http2ServerOptions{}) {}
  explicit Http2Pair(const Http2ServerOptions& server_options, const Http2ClientOptions& client_options = {})
      : server(server_options), client(client_options) {
    settle();
    events.clear();
  }

  // What the client has to say goes to the server; what came of it is added to `events`.
  base::Result<void> to_server() { return receive(client.output()); }
  base::Result<void> receive(std::string_view bytes) {
    auto done = server.receive(bytes);
    note_events();
    return done;
  }
  void note_events() {
    std::vector<Http2Event> list = server.take_events();
    for (const Http2Event& e : list) {
      if (e.kind == Http2Event::Kind::request) requests.push_back(server.take_request(e.stream));
      if (e.kind == Http2Event::Kind::trailers) trailers.push_back(server.take_trailers(e.stream));
      events.push_back({e.kind, e.stream, e.error, std::string(e.data)});
    }
    server.recycle(std::move(list));
  }
  // What the server has to say goes to the client.
  void to_client() {
    std::string out;
    server.append_output(out, kRoom);
    note_events();
    deliver(out);
  }
  void deliver(std::string_view out) {
    const auto done = client.receive(out);
    EXPECT_TRUE(done.has_value()) << done.error().context;
  }
  // Back and forth until nobody has anything to say.
  void settle() {
    for (std::string bytes = client.output(); !bytes.empty() || server.has_output(); bytes = client.output()) {
      const auto done = receive(bytes);
      ASSERT_TRUE(done.has_value()) << done.error().context;
      to_client();
    }
  }
  // One request through to its event.
  std::uint32_t ask(const Fields& head, bool end = true) {
    const std::uint32_t id = client.request(head, end);
    settle();
    return id;
  }
  // Sends as much of the body as goes now.
  Http2ServerCodec::Sent send(std::uint32_t stream, std::string_view body) {
    std::string out;
    const auto sent = server.send_data(stream, body, {}, out, kRoom);
    note_events();
    deliver(out);
    return sent;
  }

  std::vector<SeenEvent> take() { return std::exchange(events, {}); }
  Http2Request request() {
    EXPECT_FALSE(requests.empty());
    if (requests.empty()) return {};
    Http2Request first = std::move(requests.front());
    requests.pop_front();
    return first;
  }

  Http2ServerCodec server;
  Http2Client client;
  std::vector<SeenEvent> events;
  std::deque<Http2Request> requests;
  std::deque<Fields> trailers;
};

inline Fields fields(std::initializer_list<Field> list) {
  Fields out;
  for (const Field& field : list) out.add(field.name, field.value);
  return out;
}

inline ResponseHead answer(int status, std::initializer_list<Field> list = {}) {
  ResponseHead head;
  head.status = status;
  head.fields = fields(list);
  return head;
}

// A tunnel that was asked for and accepted.
inline std::uint32_t open_tunnel(Http2Pair& pair) {
  const auto id = pair.ask(websocket("/"), false);
  EXPECT_TRUE(pair.server.send_head(id, answer(200), false));
  pair.settle();
  pair.take();
  pair.requests.clear();
  return id;
}

}  // namespace fairlead::protocol::testing
