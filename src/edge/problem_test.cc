#include "edge/problem.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;

// Records what it is answered with.
class Recorder final : public ClientExchange {
 public:
  explicit Recorder(std::string method) { head_.method = std::move(method); }

  bool has_body() const override { return false; }
  std::optional<std::uint64_t> body_length() const override { return 0; }
  net::Task<base::Result<BodyPart>> read_body(base::Duration) override { co_return BodyPart{{}, true}; }
  const protocol::Fields& trailers() const override { return none_; }
  void stop_reading() override {}
  net::StopToken gone() override { return {}; }
  net::Task<base::Result<void>> send_interim(protocol::ResponseHead) override { co_return base::Result<void>{}; }
  net::Task<base::Result<void>> send_head(protocol::ResponseHead head, AnswerBody kind, bool) override {
    answer = std::move(head);
    framing = kind;
    if (left) co_return base::fail(Code::reset, Side::client);
    co_return base::Result<void>{};
  }
  net::Task<base::Result<void>> send_body(std::string_view data) override {
    body += data;
    co_return base::Result<void>{};
  }
  net::Task<base::Result<void>> send_end(const protocol::Fields&) override {
    ++ends;
    co_return base::Result<void>{};
  }
  void abort_answer() override {}
  void count_wire(const std::shared_ptr<net::WireCount>&) override {}
  net::Task<base::Result<std::unique_ptr<net::ByteStream>>> accept_tunnel(protocol::ResponseHead) override {
    co_return base::fail(Code::internal, Side::edge);
  }

  protocol::ResponseHead answer;
  AnswerBody framing;
  std::string body;
  int ends = 0;
  bool left = false;

 private:
  protocol::Fields none_;
};

class Problems : public ::testing::Test {
 protected:
  Recorder answered(std::string method, Problem p, bool left = false) {
    Recorder r(std::move(method));
    r.left = left;
    world_.run(answer_problem(r, std::move(p)));
    return r;
  }
  net::testing::World world_{net::testing::Net::sim_whole};
};

TEST_F(Problems, a_problem_is_a_document_with_a_stable_type) {
  const Recorder r = answered("GET", {403, "websocket_disabled", "say \"why\"\n\xff"});
  EXPECT_EQ(r.answer.status, 403);
  EXPECT_EQ(r.answer.fields.find("content-type"), "application/problem+json");
  EXPECT_EQ(r.answer.fields.find("fairlead-error"), "websocket_disabled");
  EXPECT_EQ(r.answer.fields.find("cache-control"), "no-store");
  EXPECT_EQ(r.answer.fields.find("content-length"), std::to_string(r.body.size()));
  EXPECT_EQ(r.framing.kind, AnswerBody::Kind::length);
  EXPECT_EQ(r.framing.length, r.body.size());
  EXPECT_EQ(r.ends, 1);
  const auto doc = nlohmann::json::parse(r.body);
  EXPECT_EQ(doc["type"], "urn:fairlead:error:websocket_disabled");
  EXPECT_EQ(doc["title"], "Forbidden");
  EXPECT_EQ(doc["status"], 403);
  EXPECT_EQ(doc["detail"], "say \"why\"\n\xEF\xBF\xBD");
}

TEST_F(Problems, head_gets_the_length_and_no_body) {
  const Recorder get = answered("GET", {404, "unknown_domain", "x"});
  const Recorder head = answered("HEAD", {404, "unknown_domain", "x"});
  EXPECT_EQ(head.answer, get.answer);
  EXPECT_EQ(head.framing.kind, AnswerBody::Kind::none);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.ends, 1);
}

TEST_F(Problems, nothing_more_is_said_to_a_client_that_is_gone) {
  const Recorder r = answered("GET", {404, "unknown_domain"}, true);
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(r.ends, 0);
}

TEST_F(Problems, some_statuses_carry_what_their_rfc_asks_for) {
  const Recorder version = answered("GET", {426, "websocket_version"});
  EXPECT_EQ(version.answer.fields.find("sec-websocket-version"), "13");
  EXPECT_EQ(version.answer.fields.find("upgrade"), "websocket");
  EXPECT_TRUE(answered("GET", {503, "no_origin"}).answer.fields.contains("retry-after"));
  EXPECT_TRUE(answered("GET", {429, "limit_reached"}).answer.fields.contains("retry-after"));
  EXPECT_FALSE(answered("GET", {502, "bad_gateway"}).answer.fields.contains("retry-after"));
}

TEST_F(Problems, every_failure_towards_an_origin_has_its_status) {
  const auto of = [](Code c) { return problem_of(base::Error(c, Side::origin, "connect to 10.9.8.7:80")); };
  EXPECT_EQ(of(Code::timeout).status, 504);
  EXPECT_EQ(of(Code::unreachable).status, 503);
  EXPECT_EQ(of(Code::resources).status, 503);
  EXPECT_EQ(of(Code::cancelled).status, 503);
  for (const Code c : {Code::refused, Code::reset, Code::closed, Code::not_found, Code::malformed, Code::too_large,
                       Code::tls, Code::certificate, Code::protocol, Code::internal}) {
    EXPECT_EQ(of(c).status, 502) << to_string(c);
  }
  EXPECT_EQ(problem_of(base::Error(Code::malformed, Side::client, "a field")).status, 400);
}

TEST_F(Problems, an_origins_address_is_not_told) {
  for (int c = 0; c <= static_cast<int>(Code::internal); ++c) {
    const Problem p = problem_of(base::Error(static_cast<Code>(c), Side::origin, "TLS with 10.9.8.7:443: expired"));
    EXPECT_EQ(problem_body(p).find("10.9.8.7"), std::string::npos) << p.code;
    EXPECT_FALSE(p.detail.empty()) << p.code;
  }
}

}  // namespace
}  // namespace fairlead::edge
