// The admin server before an API: requests as they are handed over, bodies, connections that stay, answers bit by bit;
// over real sockets.

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "app/admin_request.h"
#include "app/admin_server.h"
#include "app/testing/admin_client.h"
#include "base/log.h"

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;
using control::ApiRequest;
using control::ApiResponse;
using testing::AdminClient;
using testing::Answer;

class AdminApiTest : public ::testing::Test {
 protected:
  AdminApiTest() {
    std::string pattern = (fs::temp_directory_path() / "fairlead-admin-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    handlers_.metrics = [] { return std::string("fairlead_x 1\n"); };
    handlers_.ready = [] { return true; };
    handlers_.ready_reason = [] { return std::string(); };
    handlers_.api = [this](const ApiRequest& request) { return api(request); };
  }
  ~AdminApiTest() override {
    server_.stop();
    fs::remove_all(folder_);
  }
  void start(const std::string& address = "127.0.0.1:0") {
    const auto started = server_.start(address, handlers_);
    ASSERT_TRUE(started) << base::describe(started.error());
  }
  // Keeps the request, answers with `response_`, or with what the path asks for.
  ApiResponse api(const ApiRequest& request) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request);
    if (request.path == "/v1/throw") throw std::runtime_error("no such luck");
    return response_;
  }
  ApiRequest last() {
    const std::lock_guard lock(mutex_);
    return seen_.empty() ? ApiRequest{} : seen_.back();
  }
  std::size_t asked() {
    const std::lock_guard lock(mutex_);
    return seen_.size();
  }
  static void expect_problem(const Answer& a, int status, const std::string& code) {
    EXPECT_EQ(a.status, status) << a.body;
    ASSERT_TRUE(a.has("content-type"));
    EXPECT_EQ(a.fields.at("content-type"), "application/problem+json");
    const auto json = nlohmann::json::parse(a.body, nullptr, false);
    ASSERT_TRUE(json.is_object()) << a.body;
    EXPECT_EQ(json["type"], "urn:fairlead:problem:" + code);
    EXPECT_EQ(json["code"], code);
  }
  // The bytes, alone on a connection; the answer, and the end of the connection after it.
  Answer refused(const std::string& bytes) {
    AdminClient client(server_.address());
    client.send(bytes);
    const Answer a = client.answer();
    EXPECT_EQ(client.to_end(), "");
    EXPECT_TRUE(client.ended());
    return a;
  }

  fs::path folder_;
  std::mutex mutex_;
  std::vector<ApiRequest> seen_;
  ApiResponse response_{200, {{"content-type", "application/json"}}, "{}"};
  AdminServer::Handlers handlers_;
  AdminServer server_;
};

TEST_F(AdminApiTest, ARequestIsHandedOverAsItCame) {
  start();
  AdminClient client(server_.address());
  const Answer a = client.ask("PATCH", "/v1/domains/a%2Fb%20c?filter=x%3Dy&p=%0d%0a&q=a?b",
                              "X-One: 1\r\nCookie: a=%20%0D%0A; b=2\r\nX-Two:\r\nx-one:   1b  \r\n", "{\"a\":1}");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "{}");
  const ApiRequest request = last();
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.path, "/v1/domains/a%2Fb%20c");
  EXPECT_EQ(request.query, "filter=x%3Dy&p=%0d%0a&q=a?b");
  EXPECT_EQ(request.body, "{\"a\":1}");
  EXPECT_EQ(request.source_address, "127.0.0.1");
  EXPECT_TRUE(request.secure);  // loopback
  EXPECT_FALSE(request.tls);
  const control::ApiFields expected{{"host", "admin"}, {"x-one", "1"},  {"cookie", "a=%20%0D%0A; b=2"},
                                    {"x-two", ""},     {"x-one", "1b"}, {"content-length", "7"}};
  EXPECT_EQ(request.fields, expected);
}

TEST_F(AdminApiTest, EveryMethodGoesToTheApiAndOnlyItsPathsDo) {
  start();
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"}) {
    EXPECT_EQ(AdminClient(server_.address()).ask(method, "/v1/x").status, 200) << method;
    EXPECT_EQ(last().method, method);
    EXPECT_EQ(last().body, "");
  }
  EXPECT_EQ(AdminClient(server_.address()).ask("GET", "/v1").status, 200);
  const std::size_t before = asked();
  for (const char* target : {"/v10", "/V1/x", "/%761/x", "/", "/x/v1/y"}) {
    expect_problem(AdminClient(server_.address()).ask("GET", target), 404, "not_found");
    const Answer a = AdminClient(server_.address()).ask("POST", target);
    expect_problem(a, 405, "method_not_allowed");
    EXPECT_EQ(a.fields.at("allow"), "GET, HEAD");
  }
  EXPECT_EQ(AdminClient(server_.address()).ask("GET", "/metrics").body, "fairlead_x 1\n");
  EXPECT_EQ(asked(), before);
}

TEST_F(AdminApiTest, HeadIsGetWithoutABody) {
  response_.body = std::string(1000, 'x');
  start();
  AdminClient client(server_.address());
  const Answer head = client.ask("HEAD", "/v1/x");
  EXPECT_EQ(last().method, "GET");
  EXPECT_EQ(head.fields.at("content-length"), "1000");
  const Answer get = client.ask("GET", "/v1/x");  // on the same connection: not a byte of a body was between
  EXPECT_EQ(get.body, response_.body);
  EXPECT_EQ(head.fields, get.fields);
}

TEST_F(AdminApiTest, TheAnswerGoesOutAsItWasGiven) {
  response_ = {201, {{"content-type", "application/json"}, {"etag", "\"7\""}, {"location", "/v1/x/7"}}, "{\"a\": 1}"};
  start();
  const Answer a =
      AdminClient(server_.address()).ask("POST", "/v1/x", "Accept-Encoding: gzip, br\r\nRange: bytes=1-2\r\n");
  EXPECT_EQ(a.status, 201);
  EXPECT_EQ(a.body, "{\"a\": 1}");
  EXPECT_EQ(a.fields.at("etag"), "\"7\"");
  EXPECT_EQ(a.fields.at("location"), "/v1/x/7");
  EXPECT_FALSE(a.has("content-encoding"));
  EXPECT_FALSE(a.has("accept-ranges"));
  EXPECT_EQ(a.fields.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(a.fields.at("cache-control"), "no-store");
  EXPECT_EQ(a.fields.at("referrer-policy"), "no-referrer");
  EXPECT_FALSE(a.has("strict-transport-security"));  // RFC 6797 7.2: never in the clear

  response_ = {200, {{"set-cookie", "a=1"}, {"set-cookie", "b=2"}, {"cache-control", "max-age=60"}}, "x"};
  AdminClient twice(server_.address());
  twice.send("GET /v1/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string text = twice.to_end();
  EXPECT_NE(text.find("set-cookie: a=1\r\n"), std::string::npos);
  EXPECT_NE(text.find("set-cookie: b=2\r\n"), std::string::npos);
  EXPECT_NE(text.find("cache-control: max-age=60\r\n"), std::string::npos);
  EXPECT_EQ(text.find("no-store"), std::string::npos);
}

TEST_F(AdminApiTest, AnAnswerWithoutContent) {
  response_ = {204, {{"etag", "\"1\""}}, ""};
  start();
  AdminClient client(server_.address());
  for (int i = 0; i < 2; ++i) {
    const Answer a = client.ask("DELETE", "/v1/x");
    EXPECT_EQ(a.status, 204);
    EXPECT_FALSE(a.has("content-length"));  // RFC 9110 8.6
  }
}

TEST_F(AdminApiTest, AHandlerThatThrowsOrWritesNonsenseIsAnsweredWith500) {
  start();
  const Answer a = AdminClient(server_.address()).ask("GET", "/v1/throw");
  expect_problem(a, 500, "internal_error");
  EXPECT_EQ(a.body.find("luck"), std::string::npos);
  for (const auto& [name, value] : control::ApiFields{
           {"x", "a\r\nset-cookie: b=1"}, {"x y", "1"}, {"content-length", "3"}, {"Transfer-Encoding", "chunked"}}) {
    response_.fields = {{name, value}};
    const Answer b = AdminClient(server_.address()).ask("GET", "/v1/x");
    expect_problem(b, 500, "internal_error");
    EXPECT_FALSE(b.has("set-cookie"));
  }
}

TEST_F(AdminApiTest, OtherPathsAreTheConsoles) {
  std::vector<std::string> paths;
  handlers_.pages = [&](const ApiRequest& request) {
    paths.push_back(request.path);
    return ApiResponse{200, {{"content-type", "text/html"}, {"cache-control", "max-age=60"}}, "<p>"};
  };
  start();
  AdminClient client(server_.address());
  const Answer a = client.ask("GET", "/domains/x?y");
  EXPECT_EQ(a.body, "<p>");
  EXPECT_EQ(a.fields.at("cache-control"), "max-age=60");
  EXPECT_EQ(a.fields.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(client.ask("HEAD", "/").status, 200);
  EXPECT_EQ(client.ask("GET", "/healthz").body, "ok\n");
  EXPECT_EQ(client.ask("GET", "/v1/x").body, "{}");
  EXPECT_EQ(paths, (std::vector<std::string>{"/domains/x", "/"}));
  expect_problem(client.ask("POST", "/"), 405, "method_not_allowed");
}

// --- bodies

TEST_F(AdminApiTest, ChunkedBodies) {
  start();
  AdminClient client(server_.address());
  client.send("POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("4;x=y\r\ndefg\r\n0\r\nTrailer: z\r\n\r\n");
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(last().body, "abcdefg");
  EXPECT_EQ(client.ask("GET", "/v1/y").status, 200);  // the next request begins where the body ended
  EXPECT_EQ(last().path, "/v1/y");
}

TEST_F(AdminApiTest, ABodyUpToTheBoundAndNotBeyond) {
  start();
  const std::string most(AdminServer::kMaxPayload, 'x');
  EXPECT_EQ(AdminClient(server_.address()).ask("PUT", "/v1/x", "", most).status, 200);
  EXPECT_EQ(last().body.size(), most.size());
  const std::size_t before = asked();
  expect_problem(refused("PUT /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(most.size() + 1) +
                         "\r\n\r\n" + most + "x"),
                 413, "body_too_large");
  std::string chunked = "PUT /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  chunked += fmt::format("{:x}\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", most.size(), most);
  expect_problem(refused(chunked), 413, "body_too_large");
  expect_problem(refused("PUT /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400,
                 "malformed_request");
  EXPECT_EQ(asked(), before);
}

TEST_F(AdminApiTest, ACompressedBodyIsNotUnpacked) {
  start();
  const std::string bytes("\x1f\x8b\x08\0garbage", 11);
  EXPECT_EQ(AdminClient(server_.address()).ask("POST", "/v1/x", "Content-Encoding: gzip\r\n", bytes).status, 200);
  EXPECT_EQ(last().body, bytes);  // the API says 415 where it wants none
}

TEST_F(AdminApiTest, AFormIsABodyLikeAnyOther) {
  start();
  const std::string form(20'000, 'a');
  const char* types[] = {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data"};
  for (const char* type : types) {
    AdminClient client(server_.address());
    EXPECT_EQ(client.ask("POST", "/v1/x", fmt::format("Content-Type: {}\r\n", type), form).status, 200);
    EXPECT_EQ(last().body, form);
  }
}

// RFC 9110 10.1.1: the client sends its body when it was told to, and is refused before.
TEST_F(AdminApiTest, ExpectContinue) {
  start();
  AdminClient client(server_.address());
  for (int i = 0; i < 2; ++i) {
    client.send("POST /v1/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(client.head().status, 100);
    client.send("hello");
    EXPECT_EQ(client.answer().status, 200);
    EXPECT_EQ(last().body, "hello");
  }
  expect_problem(refused("POST /v1/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n"),
                 413, "body_too_large");
  expect_problem(refused("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"), 405,
                 "method_not_allowed");
  expect_problem(refused("POST /v1/x HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\nContent-Length: 5\r\n\r\n"), 417,
                 "expectation_unknown");
}

TEST_F(AdminApiTest, CurlAgrees) {
  start(fmt::format("unix:{}", (folder_ / "admin.sock").string()));
  const std::string file = (folder_ / "body").string();
  std::ofstream(file) << std::string(2'000'000, 'x');  // curl asks first for bodies of this size
  const std::string command = fmt::format(
      "timeout 20 curl -sS --unix-socket {0}/admin.sock --data-binary @{0}/body -o {0}/out -o {0}/out2 -w "
      "'%{{http_code}}' "
      "http://admin/v1/x http://admin/v1/y > {0}/code 2>&1",
      folder_.string());
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream code(folder_ / "code");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(code), {}), "200200");
  EXPECT_EQ(last().path, "/v1/y");
  EXPECT_EQ(last().body.size(), 2'000'000u);
  EXPECT_EQ(last().source_address, "");
  EXPECT_TRUE(last().secure);
  // Without -H 'Expect:' it sends the field at this size; seen here, so that the test tests what it says.
  EXPECT_TRUE(seen_.front().field("expect") && *seen_.front().field("expect") == "100-continue");
}

// What could be read in two ways is refused, and nothing after it is looked at.
TEST_F(AdminApiTest, AmbiguousRequestsAreRefused) {
  start();
  for (const std::string bytes :
       {"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /v1/x HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "GET /v1/x HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
        "GET /v1/x HTTP/1.1\r\n\r\n", "GET /v1/x HTTP/1.1\nHost: a\n\n"}) {
    expect_problem(refused(bytes + "GET /v1/smuggled HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "malformed_request");
  }
  expect_problem(refused("GET /v1/" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "uri_too_long");
  expect_problem(refused("GET /v1/x HTTP/1.1\r\nHost: a\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n"), 431,
                 "head_too_large");
  expect_problem(refused("GET /v1/x HTTP/2.0\r\nHost: a\r\n\r\n"), 505, "version_not_supported");
  EXPECT_EQ(asked(), 0u);
}

TEST_F(AdminApiTest, ABodyCutShortIsNoRequest) {
  start();
  AdminClient client(server_.address());
  client.send("POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  ::shutdown(client.fd(), SHUT_WR);
  EXPECT_EQ(client.to_end(), "");
  EXPECT_EQ(asked(), 0u);
}

// --- connections

TEST_F(AdminApiTest, AConnectionCarriesAHundredRequests) {
  start();
  AdminClient client(server_.address());
  for (unsigned i = 1; i <= AdminServer::kMaxRequests; ++i) {
    const Answer a = client.ask("GET", "/v1/" + std::to_string(i));
    ASSERT_EQ(a.status, 200) << i;
    ASSERT_EQ(last().path, "/v1/" + std::to_string(i));
    EXPECT_EQ(a.has("connection"), i == AdminServer::kMaxRequests);
  }
  EXPECT_EQ(client.to_end(), "");
  EXPECT_TRUE(client.ended());
}

TEST_F(AdminApiTest, RequestsMayBeSentAhead) {
  start();
  AdminClient client(server_.address());
  client.send(
      "GET /v1/1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /v1/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /healthz "
      "HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /v1/5 HTTP/1.1\r\n");
  for (const char* body : {"{}", "{}", "ok\n", "{}"}) EXPECT_EQ(client.answer().body, body);
  EXPECT_EQ(client.to_end(), "");
  EXPECT_EQ(asked(), 3u);
  EXPECT_EQ(seen_[1].body, "abc");
}

TEST_F(AdminApiTest, OldClientsGetOneAnswer) {
  start();
  AdminClient client(server_.address());
  client.send("GET /v1/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const Answer a = client.answer();
  EXPECT_EQ(a.fields.at("connection"), "close");
  EXPECT_EQ(client.to_end(), "");
}

// More of them than there are threads, and everybody is served at once.
TEST_F(AdminApiTest, IdleConnectionsHoldNoThread) {
  start();
  std::vector<std::unique_ptr<AdminClient>> idle;
  const auto began = base::monotonic_now();
  for (unsigned i = 0; i < 5 * AdminServer::kThreads; ++i) {
    idle.push_back(std::make_unique<AdminClient>(server_.address()));
    const Answer a = idle.back()->ask("GET", "/v1/x");
    EXPECT_EQ(a.status, 200);
    EXPECT_FALSE(a.has("connection"));
  }
  for (auto& client : idle) EXPECT_EQ(client->ask("GET", "/v1/again").status, 200);
  EXPECT_LT(base::monotonic_now() - began, AdminServer::kIdle / 2);
  server_.stop();
  for (auto& client : idle) {
    EXPECT_EQ(client->to_end(), "");
    EXPECT_TRUE(client->ended());
  }
}

TEST_F(AdminApiTest, TooManyIdleConnectionsEndTheOldest) {
  start();
  std::vector<std::unique_ptr<AdminClient>> idle;
  for (std::size_t i = 0; i < AdminServer::kMaxIdle + 2; ++i) {
    idle.push_back(std::make_unique<AdminClient>(server_.address()));
    ASSERT_EQ(idle.back()->ask("GET", "/v1/x").status, 200) << i;
  }
  EXPECT_EQ(idle[0]->to_end(), "");
  EXPECT_TRUE(idle[0]->ended());
  EXPECT_EQ(idle.back()->ask("GET", "/v1/x").status, 200);
}

// While clients wait for a thread, an answer ends its connection.
TEST_F(AdminApiTest, NobodyKeepsAConnectionWhileOthersWait) {
  std::latch all_busy(AdminServer::kThreads), first(1), go(1);
  handlers_.api = [&](const ApiRequest& request) {
    if (request.path.starts_with("/v1/hold")) {
      all_busy.count_down();
      (request.path == "/v1/hold0" ? first : go).wait();
    }
    return response_;
  };
  start();
  std::vector<std::unique_ptr<AdminClient>> holding, waiting;
  for (unsigned i = 0; i < AdminServer::kThreads; ++i) {
    holding.push_back(std::make_unique<AdminClient>(server_.address()));
    holding.back()->send("GET /v1/hold" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  all_busy.wait();
  for (unsigned i = 0; i < AdminServer::kMaxWaiting; ++i) {
    waiting.push_back(std::make_unique<AdminClient>(server_.address()));
    waiting.back()->send("GET /v1/x HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  // One too many is turned away at once: by then the others have been accepted.
  EXPECT_EQ(AdminClient(server_.address()).to_end(), "");
  // It alone, so that no other thread takes those who wait before it looks.
  first.count_down();
  EXPECT_EQ(holding[0]->answer().fields["connection"], "close");
  go.count_down();
  for (auto& client : waiting) EXPECT_EQ(client->answer().status, 200);
}

// A client that has its answer and does not close holds no thread either.
TEST_F(AdminApiTest, WhoDoesNotCloseHoldsNobodyUp) {
  start();
  std::vector<std::unique_ptr<AdminClient>> open;
  const auto began = base::monotonic_now();
  for (unsigned i = 0; i < 10 * AdminServer::kThreads; ++i) {
    open.push_back(std::make_unique<AdminClient>(server_.address()));
    EXPECT_EQ(open.back()->ask("GET", "/v1/x", "Connection: close\r\n").fields["connection"], "close");
  }
  EXPECT_LT(base::monotonic_now() - began, base::seconds(4));
}

TEST_F(AdminApiTest, WithoutAnApiNothingStays) {
  handlers_.api = nullptr;
  start();
  AdminClient client(server_.address());
  EXPECT_EQ(client.ask("GET", "/healthz").fields.at("connection"), "close");
  EXPECT_EQ(client.to_end(), "");
  expect_problem(AdminClient(server_.address()).ask("GET", "/v1/x"), 404, "not_found");
  expect_problem(AdminClient(server_.address()).ask("POST", "/v1/x"), 405, "method_not_allowed");
}

// --- dates

// In one test, because each takes as long as its date.
TEST_F(AdminApiTest, NobodyIsWaitedForBeyondADate) {
  start();
  AdminClient idle(server_.address()), dripping(server_.address()), silent(server_.address());
  EXPECT_EQ(idle.ask("GET", "/v1/x").status, 200);
  const auto began = base::monotonic_now();
  std::jthread drip([&](const std::stop_token& stop) {
    dripping.send("GET /v1/x HTTP/1.1\r\nX: ");
    std::mutex mutex;
    std::condition_variable_any tick;
    std::unique_lock lock(mutex);
    const auto never = [] { return false; };
    while (!stop.stop_requested() && dripping.send("x")) tick.wait_for(lock, stop, base::milliseconds(200), never);
  });
  EXPECT_EQ(silent.to_end(), "");
  EXPECT_TRUE(silent.ended());
  expect_problem(dripping.answer(), 408, "request_timeout");
  const auto cut = base::monotonic_now() - began;
  EXPECT_GE(cut, AdminServer::kDeadline - base::seconds(1));
  EXPECT_LT(cut, AdminServer::kDeadline + base::seconds(4));
  drip.request_stop();

  EXPECT_EQ(idle.to_end(), "");
  EXPECT_TRUE(idle.ended());
  const auto closed = base::monotonic_now() - began;
  EXPECT_GE(closed, AdminServer::kIdle - base::seconds(1));
  EXPECT_LT(closed, AdminServer::kIdle + base::seconds(4));
}

// The process log at its most talkative: what was asked and what came of it, and nothing that opens a door.
TEST_F(AdminApiTest, AccessLinesHoldNoSecrets) {
  start();
  base::log_set_level(base::LogLevel::debug);
  ::testing::internal::CaptureStderr();
  AdminClient(server_.address())
      .ask("POST", "/v1/setup/fll_s3cret-link/x?token=s3cret-query",
           "Authorization: Bearer flt_s3cret-token\r\nCookie: a=s3cret-cookie\r\n", "s3cret-body");
  server_.stop();  // after the line was written
  const std::string log = ::testing::internal::GetCapturedStderr();
  base::log_set_level(base::LogLevel::info);
  EXPECT_NE(log.find("admin: POST /v1/setup/fll_.../x 200 to 127.0.0.1 in "), std::string::npos) << log;
  EXPECT_EQ(log.find("s3cret"), std::string::npos) << log;
}

// --- where it may listen

TEST_F(AdminApiTest, AnApiInTheClearStaysOnThisMachine) {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0"}) {
    AdminServer server;
    const auto started = server.start(address, handlers_);
    ASSERT_FALSE(started) << address;
    EXPECT_EQ(started.error().code, base::Code::forbidden);
    EXPECT_EQ(started.error().side, base::Side::config);
    EXPECT_THAT(started.error().context, ::testing::HasSubstr(address));
  }
  for (const std::string& address :
       {std::string("127.0.0.1:0"), std::string("[::1]:0"), "unix:" + (folder_ / "s").string()}) {
    AdminServer server;
    EXPECT_TRUE(server.start(address, handlers_)) << address;
  }
  handlers_.api = nullptr;  // an edge's metrics may be read from elsewhere
  AdminServer server;
  EXPECT_TRUE(server.start("0.0.0.0:0", handlers_));
}

}  // namespace
}  // namespace fairlead::app
