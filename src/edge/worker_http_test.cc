// Ordinary HTTP and refused handshakes through a whole worker, over the kernel and over simulated networks that cut the
// bytes everywhere: one raw client says what it likes, one raw origin records what the edge made of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/worker.h"
#include "net/testing/peers.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using net::testing::Net;
using net::testing::RawClient;
using net::testing::Received;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kUpgrade =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::size_t count_of(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// Of a body in chunks without extensions.
std::string content_of(std::string_view chunks) {
  std::string content;
  while (!chunks.empty()) {
    const std::size_t size = std::stoul(std::string(chunks.substr(0, chunks.find('\r'))), nullptr, 16);
    if (size == 0) break;
    chunks.remove_prefix(chunks.find('\n') + 1);
    content += chunks.substr(0, size);
    chunks.remove_prefix(size + 2);
  }
  return content;
}

class WorkerHttp : public ::testing::TestWithParam<Net> {
 protected:
  WorkerHttp()
      : shared_(1, model::GlobalLimits{}),
        worker_(0, world_.loop(), resolver_, shared_, model::GlobalLimits{}, 1),
        origin_(world_.loop(), [this](net::TcpStream& s) { return serve(s); }) {}

  void SetUp() override {
    ASSERT_TRUE(origin_.open(world_.loopback()));
    policy_.name = "live.test";
    policy_.origins.push_back({.host = "127.0.0.1", .http_port = origin_.address().port()});
    publish();
    const auto at = worker_.listen({.address = "127.0.0.1:0"});
    ASSERT_TRUE(at) << base::describe(at.error());
    edge_ = *at;
  }

  void TearDown() override {
    worker_.stop([this] { stopped_ = true; });
    world_.run_until([this] { return stopped_ || drained_; });
    world_.run(origin_.stop());
    world_.finish();
    for (const auto& c : shared_.counters.cells(CounterRegistry::Cells::all))
      EXPECT_EQ(c->http.requests_open.get(), 0u);
    EXPECT_EQ(shared_.admission.gauges(world_.loop().now()).connections, 0u);
    EXPECT_EQ(shared_.admission.gauges(world_.loop().now()).sessions, 0u);
    EXPECT_EQ(shared_.counters.worker(0).exceptions.get(), 0u);
  }

  void publish() {
    snapshot_ = model::PolicySnapshot::replace(snapshot_, {policy_}, snapshot_ ? snapshot_->revision() + 1 : 1);
    table_ = DomainTable::build(table_.get(), snapshot_, shared_.tickets);
    worker_.apply(table_, {});
  }

  // Everything the edge answers to `request` until it ends the connection.
  std::string say(std::string request) {
    const Received r = world_.run(net::testing::say_and_collect(world_.loop(), edge_, std::move(request)));
    EXPECT_EQ(r.error, 0);
    return r.bytes;
  }

  static std::string get(std::string path, bool last = false) {
    return "GET " + path + " HTTP/1.1\r\nHost: live.test\r\n" + (last ? "Connection: close\r\n" : "") + "\r\n";
  }

  // The origin: what it does hangs on the path.
  net::Task<void> serve(net::TcpStream& stream) {
    for (int nth = 1;; ++nth) {
      const Received head = co_await net::testing::read_until(stream, "\r\n\r\n");
      if (!head.bytes.ends_with("\r\n\r\n")) co_return;
      heads_.push_back(head.bytes);
      const std::size_t space = head.bytes.find(' ');
      const std::string path = head.bytes.substr(space + 1, head.bytes.find(' ', space + 1) - space - 1);
      std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path;
      if (path == "/chunked") {
        answer =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\nContent-Length: 3\r\n\r\n";
      } else if (path == "/hints") {
        answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer;
      } else if (path == "/to-close") {
        answer = "HTTP/1.0 200 OK\r\n\r\nuntil the end";
      } else if (path == "/head") {
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
      } else if (path == "/none") {
        answer = "HTTP/1.1 204 No Content\r\n\r\n";
      } else if (path == "/ws") {
        answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
      } else if (path == "/switch") {
        answer =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET / HTTP/1.1\r\n";
      } else if (path == "/short") {
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
      } else if (path == "/gone" || (path == "/second-gone" && nth > 1)) {
        co_return;
      } else if (path == "/never") {
        co_await net::testing::read_all(stream);
        co_return;
      } else if (path == "/upload") {
        // Chunked as the edge wrote it, to the end of the trailer section.
        const bool chunked = head.bytes.find("chunked") != std::string::npos;
        Received body;
        if (chunked) {
          body = co_await net::testing::read_until(stream, "0\r\nX-End: 1\r\n\r\n");
        } else {
          body = co_await net::testing::read_exactly(stream, 6);
        }
        bodies_.push_back(body.bytes);
      }
      const int error = co_await stream.write(answer);
      if (error != 0 || path == "/to-close" || path == "/short") co_return;
    }
  }

  // Says `first`, and `second` once `pause` has passed; then collects.
  net::Task<Received> say_in_two(std::string first, base::Duration pause, std::string second) {
    RawClient client(world_.loop());
    const bool up = co_await client.connect(edge_);
    EXPECT_TRUE(up);
    bool sent = co_await client.send(std::move(first));
    co_await world_.loop().sleep_for(pause);
    sent = sent && co_await client.send(std::move(second));
    EXPECT_TRUE(sent);
    Received r = co_await client.read_all();
    co_return r;
  }

  // One answered request, then `then`, then another request on the same connection.
  net::Task<Received> say_and_then(std::string first, std::string until, std::function<void()> then,
                                   std::string second) {
    RawClient client(world_.loop());
    const bool up = co_await client.connect(edge_);
    EXPECT_TRUE(up);
    bool sent = co_await client.send(std::move(first));
    const Received answer = co_await client.read_until(until);
    EXPECT_THAT(answer.bytes, HasSubstr(until));
    then();
    if (!second.empty()) sent = sent && co_await client.send(std::move(second));
    EXPECT_TRUE(sent);
    Received r = co_await client.read_all();
    co_return r;
  }

  // What a request behind a PROXY header of `source` is answered with, up to the end of the head; the client stays.
  net::Task<std::string> behind_proxy(RawClient& client, net::SocketAddress at, std::string source) {
    const bool up = co_await client.connect(at);
    EXPECT_TRUE(up);
    const bool sent = co_await client.send("PROXY TCP4 " + source + " 198.51.100.1 4000 443\r\n" + get("/1"));
    EXPECT_TRUE(sent);
    Received r = co_await client.read_until("\r\n\r\n");
    co_return r.bytes;
  }

  base::Duration took(base::TimePoint since) { return world_.loop().now() - since; }
  const DomainCounters& counters() { return *shared_.counters.domains().at(0); }
  const MeterCell& cell() { return *shared_.counters.cells(CounterRegistry::Cells::all).at(0); }

  net::testing::World world_{GetParam()};
  net::StaticResolver resolver_;
  EdgeShared shared_;
  Worker worker_;
  net::testing::Server origin_;
  model::DomainPolicy policy_;
  model::PolicySnapshot::Ptr snapshot_;
  std::shared_ptr<const DomainTable> table_;
  net::SocketAddress edge_;
  std::vector<std::string> heads_, bodies_;
  bool stopped_ = false, drained_ = false;
};

TEST_P(WorkerHttp, answers_pipelined_requests_in_order_over_one_origin_connection) {
  const std::string all = say(get("/1") + get("/22") + get("/333", true));
  EXPECT_EQ(count_of(all, "HTTP/1.1 200 OK"), 3u);
  const std::size_t one = all.find("\r\n\r\n/1HTTP"), two = all.find("\r\n\r\n/22HTTP"),
                    three = all.find("\r\n\r\n/333");
  EXPECT_TRUE(one < two && two < three && three != std::string::npos) << all;
  EXPECT_EQ(count_of(all, "Connection: close"), 1u);
  EXPECT_EQ(heads_.size(), 3u);
  EXPECT_EQ(origin_.accepted(), 1u);
  EXPECT_EQ(counters().origin_reused.get(), 2u);
  EXPECT_EQ(cell().http.requests.of(200), 3u);
}

TEST_P(WorkerHttp, tells_the_origin_of_its_client_and_nothing_of_this_hop) {
  say("GET /1 HTTP/1.1\r\nHost: live.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Kept: "
      "1\r\n\r\n");
  ASSERT_EQ(heads_.size(), 1u);
  EXPECT_THAT(heads_[0], HasSubstr("X-Kept: 1\r\n"));
  EXPECT_THAT(heads_[0], HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));
  EXPECT_THAT(heads_[0], HasSubstr("Host: live.test\r\n"));
  for (const char* gone : {"X-Hop", "Keep-Alive", "Connection"}) EXPECT_THAT(heads_[0], Not(HasSubstr(gone)));
}

TEST_P(WorkerHttp, passes_chunked_answers_on_with_their_trailers) {
  const std::string all = say(get("/chunked") + get("/1", true));
  const std::size_t end = all.find("0\r\nX-Sum: 11\r\n\r\nHTTP/1.1 200 OK");
  ASSERT_NE(end, std::string::npos) << all;
  EXPECT_EQ(content_of(all.substr(all.find("\r\n\r\n") + 4)), "hello world");
  EXPECT_THAT(all, Not(HasSubstr("ext")));
}

TEST_P(WorkerHttp, passes_uploads_on_by_length_and_in_chunks_with_trailers) {
  const std::string all =
      say("POST /upload HTTP/1.1\r\nHost: live.test\r\nContent-Length: 6\r\n\r\nabcdef"
          "POST /upload HTTP/1.1\r\nHost: live.test\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3;a=b\r\nabc\r\n3\r\ndef\r\n0\r\nX-End: 1\r\nHost: other\r\n\r\n" +
          get("/last", true));
  EXPECT_EQ(count_of(all, "HTTP/1.1 200 OK"), 3u) << all;
  ASSERT_EQ(heads_.size(), 3u);
  EXPECT_THAT(heads_[0], HasSubstr("Content-Length: 6\r\n"));
  EXPECT_THAT(heads_[1], HasSubstr("Transfer-Encoding: chunked\r\n"));
  ASSERT_EQ(bodies_.size(), 2u);
  EXPECT_EQ(bodies_[0], "abcdef");
  EXPECT_THAT(bodies_[1], Not(HasSubstr("Host")));
  EXPECT_EQ(cell().http.bytes_in.get(), 12u);
}

TEST_P(WorkerHttp, frames_answers_without_a_body_as_such) {
  const std::string all = say("HEAD /head HTTP/1.1\r\nHost: live.test\r\n\r\n" + get("/none") + get("/1", true));
  EXPECT_EQ(count_of(all, "HTTP/1.1 "), 3u) << all;
  const std::size_t second = all.find("HTTP/1.1 204");
  ASSERT_NE(second, std::string::npos) << all;
  EXPECT_THAT(all.substr(0, second), HasSubstr("Content-Length: 1234\r\n"));
  EXPECT_TRUE(all.substr(0, second).ends_with("\r\n\r\n"));
  const std::string none = all.substr(second, all.find("HTTP/1.1 200", second) - second);
  EXPECT_TRUE(none.ends_with("\r\n\r\n")) << none;
  EXPECT_THAT(none, Not(HasSubstr("hunked")));
}

TEST_P(WorkerHttp, passes_interim_answers_to_http11_clients_only) {
  EXPECT_THAT(say(get("/hints", true)),
              StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(say("GET /hints HTTP/1.0\r\nHost: live.test\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_P(WorkerHttp, frames_a_body_of_unknown_length_as_the_client_can_read_it) {
  const std::string old = say("GET /to-close HTTP/1.0\r\nHost: live.test\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(old.ends_with("\r\n\r\nuntil the end")) << old;
  EXPECT_THAT(old, HasSubstr("Connection: close\r\n"));
  const std::string now = say(get("/to-close") + get("/1", true));
  EXPECT_THAT(now, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(now, HasSubstr("0\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_P(WorkerHttp, keeps_an_http10_connection_only_when_asked) {
  const std::string ask = "GET /1 HTTP/1.0\r\nHost: live.test\r\nConnection: keep-alive\r\n\r\n";
  const std::string all = say(ask + "GET /2 HTTP/1.0\r\nHost: live.test\r\n\r\n" + get("/3"));
  EXPECT_EQ(count_of(all, "HTTP/1.1 200 OK"), 2u) << all;
  EXPECT_EQ(count_of(all, "Connection: keep-alive"), 1u);
}

TEST_P(WorkerHttp, a_domain_without_keep_alive_says_so_in_its_first_answer) {
  policy_.layer7.keepalive_timeout = 0ms;
  publish();
  const std::string all = say(get("/1") + get("/2"));
  EXPECT_EQ(count_of(all, "HTTP/1.1 200 OK"), 1u) << all;
  EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
}

TEST_P(WorkerHttp, cuts_an_answer_that_was_cut_short) {
  const Received r = world_.run(net::testing::say_and_collect(world_.loop(), edge_, get("/short")));
  EXPECT_NE(r.error, 0);  // a reset: nobody may take it for whole
}

TEST_P(WorkerHttp, a_refused_upgrade_leaves_no_tunnel_behind) {
  const std::string hidden = get("/hidden", true);
  const std::string all = say("GET /ws HTTP/1.1\r\nHost: live.test\r\n" + std::string(kUpgrade) + "\r\n" + hidden);
  EXPECT_THAT(all, StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_THAT(all, HasSubstr("\r\n\r\nnoHTTP/1.1 200 OK\r\n"));
  ASSERT_EQ(heads_.size(), 2u);
  EXPECT_THAT(heads_[0], HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(heads_[1], StartsWith("GET /hidden HTTP/1.1\r\n"));
  EXPECT_THAT(heads_[1], HasSubstr("X-Forwarded-For: 127.0.0.1\r\n"));  // read and written by the edge, not tunnelled
  EXPECT_THAT(heads_[1], Not(HasSubstr("pgrade")));
  EXPECT_EQ(cell().websocket.sessions_opened.get(), 0u);
}

TEST_P(WorkerHttp, refuses_what_it_does_not_do) {
  const auto refused = [this](std::string request, const char* status, const char* code) {
    const std::string answer = say(std::move(request));
    EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + status));
    EXPECT_THAT(answer, HasSubstr("content-type: application/problem+json\r\n"));
    EXPECT_THAT(answer, HasSubstr(std::string("fairlead-error: ") + code + "\r\n"));
    EXPECT_THAT(answer, HasSubstr(std::string("\"type\":\"urn:fairlead:error:") + code + "\""));
  };
  refused(
      "GET / HTTP/1.1\r\nHost: live.test\r\nConnection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
      "501", "upgrade_not_supported");
  refused("GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n", "404", "unknown_domain");
  refused("POST / HTTP/1.1\r\nHost: live.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "400", "malformed_request");
  refused("GET /ws HTTP/1.1\r\nHost: live.test\r\n" + std::string(kUpgrade) + "Content-Length: 3\r\n\r\nabc" +
              get("/1", true),
          "400", "malformed_handshake");
  ASSERT_EQ(heads_.size(), 1u);  // the last one, behind the refused handshake's body
  EXPECT_THAT(heads_[0], StartsWith("GET /1 "));
  policy_.websocket.enabled = false;
  publish();
  refused("GET /ws HTTP/1.1\r\nHost: live.test\r\n" + std::string(kUpgrade) + "\r\n" + get("/2", true), "403",
          "websocket_disabled");
  EXPECT_EQ(heads_.size(), 2u);
}

TEST_P(WorkerHttp, refuses_a_switch_nobody_asked_for) {
  const std::string all = say(get("/switch", true));
  EXPECT_THAT(all, StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(all, HasSubstr("fairlead-error: origin_protocol\r\n"));
  EXPECT_THAT(all, Not(HasSubstr("127.0.0.1")));  // an origin's address is nobody's business
}

TEST_P(WorkerHttp, refuses_bodies_past_the_limit) {
  policy_.layer7.client_max_body_size = 10;
  publish();
  EXPECT_THAT(
      say("POST /never HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello world"),
      StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(heads_.empty());
  // Found out on the way, with an origin that would wait for the rest for ever.
  const base::TimePoint begin = world_.loop().now();
  EXPECT_THAT(say("POST /never HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "b\r\nhello world\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_LT(took(begin), 10s);
}

TEST_P(WorkerHttp, refuses_a_broken_body_at_once_though_the_origin_waits) {
  const base::TimePoint begin = world_.loop().now();
  const std::string all = say("POST /never HTTP/1.1\r\nHost: live.test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
  EXPECT_THAT(all, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(all, HasSubstr("fairlead-error: malformed_body\r\n"));
  EXPECT_LT(took(begin), 10s);
}

TEST_P(WorkerHttp, blames_an_origin_that_goes_during_an_upload) {
  const std::string all = say("POST /gone HTTP/1.1\r\nHost: live.test\r\nContent-Length: 100\r\n\r\nhalf");
  EXPECT_THAT(all, StartsWith("HTTP/1.1 502 "));
}

TEST_P(WorkerHttp, repeats_a_request_that_met_a_stale_connection) {
  const std::string all = say(get("/1") + get("/second-gone", true));
  EXPECT_EQ(count_of(all, "HTTP/1.1 200 OK"), 2u) << all;
  EXPECT_EQ(heads_.size(), 3u);
  EXPECT_EQ(origin_.accepted(), 2u);
  // That connection was old, the origin is not ill.
  EXPECT_EQ(table_->by_name("live.test")->origins().state(0)->outcomes(Outcome::refused), 0u);
}

TEST_P(WorkerHttp, sends_what_cannot_be_repeated_once_and_over_a_new_connection) {
  const std::string all =
      say(get("/1") + "POST /gone HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(all, HasSubstr("/1HTTP/1.1 502 "));
  EXPECT_EQ(heads_.size(), 2u);
  EXPECT_EQ(origin_.accepted(), 2u);
}

TEST_P(WorkerHttp, a_malformed_head_is_answered_without_regard_to_the_request_before) {
  policy_.layer7.add_header = {{"X-Added", "yes"}};
  publish();
  const auto forget = [this] {
    policy_.layer7.add_header.clear();
    publish();
  };
  const Received r = world_.run(say_and_then("HEAD /head HTTP/1.1\r\nHost: live.test\r\n\r\n", "X-Added: yes\r\n\r\n",
                                             forget, "GET / HTTP/1.1\r\nHost : live.test\r\n\r\n"));
  EXPECT_THAT(r.bytes, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(r.bytes, HasSubstr("urn:fairlead:error:malformed_request"));  // a body: this was no HEAD
  EXPECT_THAT(r.bytes, Not(HasSubstr("X-Added")));
}

TEST_P(WorkerHttp, a_client_behind_a_proxy_has_a_seat_of_its_own) {
  const auto at = worker_.listen({.address = "127.0.0.1:0", .proxy_protocol_from = {"127.0.0.0/8"}});
  ASSERT_TRUE(at) << base::describe(at.error());
  model::GlobalLimits limits;
  limits.max_connections_per_client = 1;
  shared_.admission.set_limits(limits);
  RawClient one(world_.loop()), two(world_.loop()), again(world_.loop());
  EXPECT_THAT(world_.run(behind_proxy(one, *at, "192.0.2.1")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(world_.run(behind_proxy(two, *at, "192.0.2.2")), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(world_.run(behind_proxy(again, *at, "192.0.2.1")), "");
  EXPECT_EQ(shared_.counters.worker(0).refused_connections_client.get(), 1u);
  ASSERT_EQ(heads_.size(), 2u);
  EXPECT_THAT(heads_[1], HasSubstr("X-Forwarded-For: 192.0.2.2\r\n"));
}

TEST_P(WorkerHttp, drain_ends_idle_connections_and_finishes_requests) {
  const auto drain = [this] { worker_.drain(60s, [this] { drained_ = true; }); };
  const base::TimePoint begin = world_.loop().now();
  const Received idle = world_.run(say_and_then(get("/1"), "\r\n\r\n/1", drain, ""));
  EXPECT_EQ(idle.bytes, "");
  world_.run_until([this] { return drained_; });
  EXPECT_LT(took(begin), 30s);
}

INSTANTIATE_TEST_SUITE_P(Net, WorkerHttp, net::testing::every_net(), net::testing::net_name);

class WorkerHttpClocks : public WorkerHttp {};

TEST_P(WorkerHttpClocks, the_origins_clock_does_not_run_while_the_client_sends) {
  policy_.origin_request_timeout = 2s;
  publish();
  const Received r = world_.run(say_in_two(
      "POST /upload HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabc", 5s, "def"));
  EXPECT_THAT(r.bytes, StartsWith("HTTP/1.1 200 OK\r\n"));
  const base::TimePoint begin = world_.loop().now();
  EXPECT_THAT(say("POST /never HTTP/1.1\r\nHost: live.test\r\nConnection: close\r\nContent-Length: 6\r\n\r\nabcdef"),
              StartsWith("HTTP/1.1 504 "));
  EXPECT_GE(took(begin), 2s);
  EXPECT_LT(took(begin), 5s);
  EXPECT_THAT(say(get("/never", true)), StartsWith("HTTP/1.1 504 "));
}

TEST_P(WorkerHttpClocks, a_head_has_its_own_clock_and_an_idle_connection_another) {
  const base::TimePoint begin = world_.loop().now();
  EXPECT_THAT(say("GET / HTTP/1.1\r\nHos"), StartsWith("HTTP/1.1 408 "));  // the listener's handshake_timeout, 10 s
  EXPECT_LT(took(begin), 13s);
  policy_.layer7.keepalive_timeout = 5s;
  publish();
  const base::TimePoint idle = world_.loop().now();
  EXPECT_TRUE(say(get("/1")).ends_with("\r\n\r\n/1"));  // nothing is said to a client that says nothing
  EXPECT_GE(took(idle), 5s);
  EXPECT_LT(took(idle), 8s);
}

INSTANTIATE_TEST_SUITE_P(Net, WorkerHttpClocks, net::testing::every_simulated_net(), net::testing::net_name);

}  // namespace
}  // namespace fairlead::edge
