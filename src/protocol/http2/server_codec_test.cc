#include "protocol/http2/server_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "protocol/http2/testing/codec_pair.h"
#include "protocol/testing/cuts.h"

// Requests and answers as they should be: whole messages both ways, windows, the end of a connection. What clients do
// wrong is in refusals_test.cc and floods_test.cc.

namespace fairlead::protocol {
namespace {

using testing::answer;
using ::testing::ElementsAre;
using testing::fields;
using testing::get;
using testing::http2_head;
using testing::Http2Client;
using testing::Http2Pair;
using testing::SeenEvent;
using testing::websocket;
using Kind = Http2Event::Kind;

constexpr std::uint16_t kMaxStreams = 3, kInitialWindow = 4, kMaxHeaderList = 6, kConnectProtocol = 8,
                        kNoPriorities = 9;

TEST(Http2Codec, GreetsWithItsSettings) {
  Http2ServerCodec server({.max_concurrent_streams = 7, .stream_window = 1000, .head = {.max_bytes = 5000}});
  EXPECT_TRUE(server.has_output());
  std::string out;
  server.append_output(out, 1 << 20);
  EXPECT_FALSE(server.has_output());
  EXPECT_FALSE(server.finished());

  Http2Client client;
  ASSERT_TRUE(client.receive(out).has_value());
  EXPECT_EQ(client.server_setting(kMaxStreams), 7u);
  EXPECT_EQ(client.server_setting(kInitialWindow), 1000u);
  EXPECT_EQ(client.server_setting(kMaxHeaderList), 5000u);
  EXPECT_EQ(client.server_setting(kConnectProtocol), 1u);
  EXPECT_EQ(client.server_setting(kNoPriorities), 1u);
  ASSERT_TRUE(server.receive(client.output()).has_value());
  out.clear();
  server.append_output(out, 1 << 20);
  ASSERT_TRUE(client.receive(out).has_value());
  EXPECT_EQ(client.settings_acked(), 1u);
}

TEST(Http2Codec, TakesARequestAndAnswers) {
  Http2Pair pair;
  Fields head = get("/room/7?a=b");
  head.add("accept", "*/*");
  head.add("x-empty", "");
  const auto id = pair.ask(head);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::request, id}));
  const Http2Request request = pair.request();
  EXPECT_EQ(request.refusal_status, 0) << request.refusal;
  EXPECT_TRUE(request.ended);
  EXPECT_EQ(request.content_length, std::nullopt);
  EXPECT_EQ(request.head.version, HttpVersion::http2);
  EXPECT_EQ(request.head.method, "GET");
  EXPECT_EQ(request.head.scheme, "https");
  EXPECT_EQ(request.head.authority, "live.example.com");
  EXPECT_EQ(request.head.target, "/room/7?a=b");
  EXPECT_EQ(request.head.protocol, "");
  EXPECT_EQ(request.head.fields, fields({{"accept", "*/*"}, {"x-empty", ""}}));
  EXPECT_EQ(pair.server.streams_open(), 1u);

  EXPECT_TRUE(pair.server.send_head(id, answer(200, {{"Content-Type", "text/plain"}}), false));
  EXPECT_EQ(pair.send(id, "hello").bytes, 5u);
  EXPECT_TRUE(pair.server.send_end(id));
  pair.settle();
  const auto& stream = pair.client.stream(id);
  EXPECT_EQ(stream.head.status, 200);
  EXPECT_EQ(stream.head.fields, fields({{"content-type", "text/plain"}}));  // lower case
  EXPECT_EQ(stream.body, "hello");
  EXPECT_TRUE(stream.closed);
  EXPECT_EQ(stream.error, Http2Error::no_error);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id}));
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

// What a client sends and what becomes of it, in an order that does not depend on how the bytes were cut.
struct Outcome {
  std::vector<SeenEvent> events;  // adjacent data of a stream joined
  std::vector<std::string> heads;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << ::testing::PrintToString(o.events) << ' ' << ::testing::PrintToString(o.heads);
}

void append_fields(std::string& head, const Fields& fields) {
  for (const Field field : fields) head.append("|").append(field.name).append(":").append(field.value);
}

Outcome run(const testing::Pieces& pieces) {
  Http2ServerCodec server({});
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    const auto done = server.receive(piece);
    EXPECT_TRUE(done.has_value()) << done.error().context;
    for (const Http2Event& e : server.take_events()) {
      std::string head;
      if (e.kind == Kind::request) {
        const Http2Request request = server.take_request(e.stream);
        head = request.head.method + ' ' + request.head.target;
        append_fields(head, request.head.fields);
      } else if (e.kind == Kind::trailers) {
        append_fields(head, server.take_trailers(e.stream));
      } else if (e.kind == Kind::data) {
        server.consumed(e.stream, e.data.size());
        if (!outcome.events.empty() && outcome.events.back().kind == Kind::data &&
            outcome.events.back().stream == e.stream) {
          outcome.events.back().data += e.data;
          continue;
        }
      }
      if (!head.empty()) outcome.heads.push_back(head);
      outcome.events.push_back({e.kind, e.stream, e.error, std::string(e.data)});
    }
    EXPECT_FALSE(server.head_under_way() && server.finished());
  }
  EXPECT_FALSE(server.head_under_way());
  return outcome;
}

TEST(Http2Codec, DoesNotCareHowBytesAreCut) {
  Http2Client client;
  Fields big = get("/big");
  for (int i = 0; i < 40; ++i) big.add("x-" + std::to_string(i), std::string(700, '~'));
  const auto first = client.request(big);  // takes a CONTINUATION
  const auto post = client.request(http2_head("POST", "/up"), false);
  client.data(post, std::string(20000, 'b'));
  const auto tunnel = client.request(websocket("/ws"), false);
  client.data(tunnel, "frames");
  client.trailers(post, fields({{"x-sum", "1"}}));
  client.data(tunnel, "more");
  client.reset(tunnel);
  client.ping();
  const std::string bytes = client.output();

  const Outcome outcome = testing::same_for_all_cuts(bytes, run);
  EXPECT_THAT(
      outcome.events,
      ElementsAre(SeenEvent{Kind::window, 0}, SeenEvent{Kind::request, first}, SeenEvent{Kind::request, post},
                  SeenEvent{Kind::data, post, Http2Error::no_error, std::string(20000, 'b')},
                  SeenEvent{Kind::request, tunnel}, SeenEvent{Kind::data, tunnel, Http2Error::no_error, "frames"},
                  SeenEvent{Kind::trailers, post}, SeenEvent{Kind::end, post},
                  SeenEvent{Kind::data, tunnel, Http2Error::no_error, "more"},
                  SeenEvent{Kind::closed, tunnel, Http2Error::cancel}));
  ASSERT_EQ(outcome.heads.size(), 4u);
  EXPECT_GT(outcome.heads[0].size(), 20000u);
  EXPECT_EQ(outcome.heads[3], "|x-sum:1");
}

TEST(Http2Codec, TakesABodyOfStatedLength) {
  Http2Pair pair;
  Fields head = http2_head("POST", "/");
  head.add("content-length", "5");
  const auto good = pair.ask(head, false), shorter = pair.ask(head, false), longer = pair.ask(head, false);
  const Http2Request request = pair.request();
  EXPECT_FALSE(request.ended);
  EXPECT_EQ(request.content_length, 5u);
  pair.take();
  pair.client.data(good, "hello", true);
  pair.settle();
  EXPECT_THAT(pair.take(),
              ElementsAre(SeenEvent{Kind::data, good, Http2Error::no_error, "hello"}, SeenEvent{Kind::end, good}));
  // RFC 9113 8.1.1
  pair.client.data(shorter, "hell", true);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::data, shorter, Http2Error::no_error, "hell"},
                                       SeenEvent{Kind::closed, shorter, Http2Error::protocol_error}));
  pair.client.data(longer, "hello!", true);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, longer, Http2Error::protocol_error}));
}

TEST(Http2Codec, TakesTrailers) {
  Http2Pair pair;
  const auto id = pair.ask(http2_head("POST", "/"), false);
  pair.client.data(id, "hello");
  pair.client.trailers(id, fields({{"x-a", "1"}, {"authorization", "x"}, {"x-b", "2"}}));
  pair.settle();
  EXPECT_THAT(pair.take(),
              ElementsAre(SeenEvent{Kind::request, id}, SeenEvent{Kind::data, id, Http2Error::no_error, "hello"},
                          SeenEvent{Kind::trailers, id}, SeenEvent{Kind::end, id}));
  ASSERT_EQ(pair.trailers.size(), 1u);
  EXPECT_EQ(pair.trailers[0], fields({{"x-a", "1"}, {"x-b", "2"}}));
}

TEST(Http2Codec, AnswersWithInterimHeadsAndTrailers) {
  Http2Pair pair;
  const auto id = pair.ask(http2_head("POST", "/"), false);
  EXPECT_TRUE(pair.server.send_interim(id, answer(100)));
  EXPECT_TRUE(pair.server.send_interim(id, answer(103, {{"Link", "</a>; rel=preload"}})));
  pair.settle();
  ASSERT_EQ(pair.client.stream(id).interim.size(), 2u);
  EXPECT_EQ(pair.client.stream(id).interim[0].status, 100);
  EXPECT_EQ(pair.client.stream(id).interim[1].fields, fields({{"link", "</a>; rel=preload"}}));
  EXPECT_EQ(pair.client.stream(id).head.status, 0);

  pair.client.data(id, "x", true);
  pair.settle();
  EXPECT_TRUE(pair.server.send_head(id, answer(200, {{"Trailer", "x-sum"}}), false));
  EXPECT_EQ(pair.send(id, "body").bytes, 4u);
  EXPECT_TRUE(pair.server.send_end(id, fields({{"X-Sum", "4"}, {"Set-Cookie", "a=b"}})));
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).body, "body");
  EXPECT_EQ(pair.client.stream(id).trailers, fields({{"x-sum", "4"}}));
  EXPECT_EQ(pair.client.stream(id).data_frames, 1u);
  EXPECT_TRUE(pair.client.stream(id).closed);
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::no_error);
}

TEST(Http2Codec, TrailersMayFollowTheHeadAtOnce) {
  Http2Pair pair;
  const auto id = pair.ask(get("/"));
  EXPECT_TRUE(pair.server.send_head(id, answer(200), false));
  EXPECT_TRUE(pair.server.send_end(id, fields({{"grpc-status", "0"}})));
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).trailers, fields({{"grpc-status", "0"}}));
  EXPECT_TRUE(pair.client.stream(id).closed);
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::no_error);
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

TEST(Http2Codec, AHeadMayBeAll) {
  Http2Pair pair;
  const auto id = pair.ask(http2_head("HEAD", "/"));
  EXPECT_TRUE(pair.server.send_head(id, answer(200, {{"Content-Length", "1000"}}), true));
  EXPECT_FALSE(pair.server.send_end(id));
  EXPECT_TRUE(pair.send(id, "x").gone);
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).head.fields, fields({{"content-length", "1000"}}));
  EXPECT_TRUE(pair.client.stream(id).closed);
  EXPECT_EQ(pair.client.stream(id).data_frames, 0u);
}

TEST(Http2Codec, LeavesOutWhatBelongsToAnHttp1Connection) {
  Http2Pair pair;
  const auto id = pair.ask(get("/"));
  EXPECT_TRUE(pair.server.send_head(id,
                                    answer(200, {{"Connection", "close"},
                                                 {"Transfer-Encoding", "chunked"},
                                                 {"upgrade", "websocket"},
                                                 {"Keep-Alive", "timeout=5"},
                                                 {"Proxy-Connection", "close"},
                                                 {"X-Kept", "1"}}),
                                    true));
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).head.fields, fields({{"x-kept", "1"}}));
}

TEST(Http2Codec, AHeadTooLargeToSendResetsItsStream) {
  Http2Pair pair;
  const auto id = pair.ask(get("/")), other = pair.ask(get("/"));
  pair.take();
  EXPECT_TRUE(pair.server.send_head(id, answer(200, {{"x", std::string(2 << 20, 'x')}}), false));
  EXPECT_TRUE(pair.server.send_head(other, answer(200), true));
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::internal_error);
  EXPECT_EQ(pair.client.stream(other).head.status, 200);
  EXPECT_THAT(pair.take(), ::testing::UnorderedElementsAre(SeenEvent{Kind::closed, id, Http2Error::internal_error},
                                                           SeenEvent{Kind::closed, other}));
}

TEST(Http2Codec, OpensATunnel) {
  Http2Pair pair;
  const auto id = pair.ask(websocket("/chat?x=1"), false);
  const Http2Request request = pair.request();
  EXPECT_EQ(request.refusal_status, 0) << request.refusal;
  EXPECT_FALSE(request.ended);
  EXPECT_EQ(request.head.method, "CONNECT");
  EXPECT_EQ(request.head.protocol, "websocket");
  EXPECT_EQ(request.head.target, "/chat?x=1");
  EXPECT_EQ(request.head.authority, "live.example.com");
  pair.take();

  EXPECT_TRUE(pair.server.send_head(id, answer(200, {{"sec-websocket-protocol", "chat"}}), false));
  std::string out;
  const auto sent = pair.server.send_data(id, "head", "payload", out, Http2Pair::kRoom);
  EXPECT_EQ(sent.bytes, 11u);
  EXPECT_FALSE(sent.blocked_by_window);
  pair.deliver(out);
  EXPECT_EQ(pair.client.stream(id).body, "headpayload");
  EXPECT_EQ(pair.client.stream(id).data_frames, 1u);
  pair.client.data(id, "from the client");
  pair.client.data(id, "", true);
  pair.settle();
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::data, id, Http2Error::no_error, "from the client"},
                                       SeenEvent{Kind::end, id}));
  // The client's end is not ours.
  EXPECT_TRUE(pair.server.is_open(id));
  EXPECT_EQ(pair.send(id, "late").bytes, 4u);
  EXPECT_TRUE(pair.server.send_end(id));
  pair.settle();
  EXPECT_EQ(pair.client.stream(id).body, "headpayloadlate");
  EXPECT_TRUE(pair.client.stream(id).closed);
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::closed, id}));
  EXPECT_FALSE(pair.server.is_open(id));
}

TEST(Http2Codec, TunnelsCanBeOff) {
  Http2Pair pair({.extended_connect = false});
  EXPECT_EQ(pair.client.server_setting(kConnectProtocol), std::nullopt);
  // What was not offered is malformed, a stream error (RFC 8441 3, RFC 9113 8.1.1), of which the edge hears nothing.
  const auto id = pair.ask(websocket("/"), false);
  EXPECT_THAT(pair.take(), ElementsAre());
  EXPECT_TRUE(pair.client.stream(id).closed);
  EXPECT_EQ(pair.client.stream(id).error, Http2Error::protocol_error);
  EXPECT_EQ(pair.server.streams_open(), 0u);
  EXPECT_EQ(pair.server.activity().resets, 1u);
}

TEST(Http2Codec, RequestsCanBeTakenAfterTheirStreamIsGone) {
  Http2Pair pair;
  const auto id = pair.client.request(get("/gone"), false);
  pair.client.reset(id);
  ASSERT_TRUE(pair.to_server().has_value());
  EXPECT_THAT(pair.take(), ElementsAre(SeenEvent{Kind::request, id}, SeenEvent{Kind::closed, id, Http2Error::cancel}));
  EXPECT_EQ(pair.request().head.target, "/gone");
  EXPECT_EQ(pair.server.streams_open(), 0u);
}

TEST(Http2Codec, ThousandsOfRequestsLeaveNothing) {
  using namespace testing;
  Http2Pair pair;
  pair.client.raw(frame(FrameType::window_update, 0, 0, big_endian(1 << 30)));
  ASSERT_TRUE(pair.to_server().has_value());
  std::uint32_t id = 1;
  const auto requests = [&](int n) {
    std::string out;
    for (int i = 0; i < n; ++i, id += 2) {
      const std::string head = literals(get("/" + std::to_string(i)));
      // A third is answered, a third reset by the client, a third by us.
      std::string bytes = frame(FrameType::headers, kEndHeadersFlag, id, head) + frame(FrameType::data, 0, id, "body");
      if (i % 3 != 1) bytes += frame(FrameType::data, kEndStreamFlag, id, "");
      ASSERT_TRUE(pair.receive(bytes).has_value());
      if (i % 3 == 2) {
        pair.server.reset(id, Http2Error::cancel);
      } else {
        ASSERT_TRUE(pair.server.send_head(id, answer(200), false));
        ASSERT_EQ(pair.server.send_data(id, "abc", {}, out, Http2Pair::kRoom).bytes, 3u);
      }
      if (i % 3 == 0) {
        ASSERT_TRUE(pair.server.send_end(id));
      }
      if (i % 3 == 1) {
        ASSERT_TRUE(pair.receive(frame(FrameType::rst_stream, 0, id, big_endian(8))).has_value());
      }
      pair.server.append_output(out, Http2Pair::kRoom);
      pair.note_events();
      pair.take();
      pair.requests.clear();
      out.clear();
    }
  };
  requests(1000);
  const auto before = mallinfo2().uordblks;  // 0 under sanitizers, which have their own leak checks
  requests(10000);
  EXPECT_LE(mallinfo2().uordblks, before + 4096);
  EXPECT_EQ(pair.server.streams_open(), 0u);
  EXPECT_EQ(pair.server.activity().streams, 11000u);
  EXPECT_FALSE(pair.server.finished());
}

}  // namespace
}  // namespace fairlead::protocol
