#include "control/api/api.h"

#include <gtest/gtest.h>

namespace fairlead::control {
namespace {

// An API over the whole contract whose operations tell what they were given: the dispatcher alone is tested.
class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    auto contract = Contract::parse(contract_text());
    EXPECT_TRUE(contract);
    Api::Parts parts{.contract = std::move(*contract), .operations = {}, .caller_of = {}, .over_limit = {}};
    for (const Route& r : parts.contract.routes()) {
      parts.operations[r.operation_id] = [this, id = r.operation_id](const Call& call) -> Outcome<Reply> {
        if (throws_) throw std::runtime_error("a bug");
        Reply reply;
        reply.revision = 7;
        reply.body = {{"operation", id}, {"body", call.body}};
        reply.body["expected"] = call.expected_revision ? Json(*call.expected_revision) : Json();
        for (const auto& [name, value] : call.path_parameters) reply.body["path"][name] = value;
        for (const auto& [name, value] : call.query_parameters) reply.body["query"][name] = value;
        return reply;
      };
    }
    parts.caller_of = [this](const ApiRequest& request) -> Outcome<Caller> {
      ++asked_;
      if (request.field("authorization")) return refuse(401, "unauthorized", "no such token");
      return caller_;
    };
    parts.over_limit = [this](const std::string&) { return wait_; };
    auto api = Api::make(std::move(parts));
    EXPECT_TRUE(api);
    api_ = *api;
    caller_.user_id = caller_.account_id = std::string(32, 'a');
    caller_.may_write = true;
  }
  ApiResponse ask(std::string method, std::string path, std::string body = {}, ApiFields fields = {}) {
    ApiRequest request;
    request.method = std::move(method);
    if (const auto q = path.find('?'); q != std::string::npos) {
      request.query = path.substr(q + 1);
      path.resize(q);
    }
    request.path = std::move(path);
    request.body = std::move(body);
    request.fields = std::move(fields);
    if (!request.body.empty()) request.fields.emplace_back("content-type", "application/json");
    return api_->handle(request);
  }
  static Json json(const ApiResponse& response) { return Json::parse(response.body); }
  static std::string code(const ApiResponse& response) { return json(response).value("code", ""); }
  static std::string field(const ApiResponse& response, std::string_view name) {
    for (const auto& [n, value] : response.fields) {
      if (n == name) return value;
    }
    return {};
  }

  std::shared_ptr<const Api> api_;
  Caller caller_;
  std::optional<int> wait_;
  int asked_ = 0;
  bool throws_ = false;
};

TEST_F(ApiTest, GivesTheOperationWhatTheContractSpeaksOf) {
  const auto response = ask("GET", "/v1/domains?limit=5&search=a%26b&after=x+y");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json(response)["operation"], "listDomains");
  EXPECT_EQ(json(response)["query"], (Json{{"after", "x y"}, {"limit", "5"}, {"search", "a&b"}}));
  EXPECT_EQ(field(response, "content-type"), "application/json");
  EXPECT_EQ(field(response, "etag"), "\"7\"");
}

TEST_F(ApiTest, SaysWhatItDoesNotHave) {
  EXPECT_EQ(ask("GET", "/v1/unheard").status, 404);
  const auto response = ask("TRACE", "/v1/domains/a");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(field(response, "allow"), "GET, PUT, PATCH, DELETE");
  EXPECT_EQ(field(response, "content-type"), "application/problem+json");
  EXPECT_EQ(field(response, "fairlead-error"), "method_not_allowed");
  // An id that cannot be one is a thing that does not exist.
  EXPECT_EQ(ask("GET", "/v1/accounts/no-such-id").status, 404);
}

TEST_F(ApiTest, HeadIsGet) { EXPECT_EQ(json(ask("HEAD", "/v1/domains"))["operation"], "listDomains"); }

TEST_F(ApiTest, ParametersAreChecked) {
  for (const char* query : {"limit=0", "limit=x", "unknown=1", "limit=1&limit=2", "state=asleep"}) {
    EXPECT_EQ(ask("GET", std::string("/v1/domains?") + query).status, 422) << query;
  }
  EXPECT_EQ(ask("GET", "/v1/domains?search=%zz").status, 400);
  caller_.role = store::UserRole::operator_;
  EXPECT_EQ(ask("GET", "/v1/notices").status, 422) << "state is required";
  EXPECT_EQ(json(ask("GET", "/v1/notices"))["errors"][0]["pointer"], "?state");
}

TEST_F(ApiTest, BodiesAreChecked) {
  EXPECT_EQ(ask("POST", "/v1/domains", R"({"name":"a"})").status, 200);
  EXPECT_EQ(ask("POST", "/v1/domains", R"({"name":1})").status, 422);
  EXPECT_EQ(ask("POST", "/v1/domains", "{").status, 400);
  EXPECT_EQ(ask("POST", "/v1/domains", R"({"name":"a","name":"b"})").status, 400) << "one key twice";
  EXPECT_EQ(ask("POST", "/v1/domains", std::string(100'000, '[')).status, 400) << "depth";
  EXPECT_EQ(ask("POST", "/v1/domains", "{\"name\":\"\xff\"}").status, 400);
  EXPECT_EQ(ask("POST", "/v1/domains", std::string(Api::kMaxBody + 1, ' ')).status, 413);
  EXPECT_EQ(ask("POST", "/v1/domains").status, 415) << "required, and of no type";
  EXPECT_EQ(ask("GET", "/v1/domains", "{}").status, 400);
  ApiRequest request;
  request.method = "POST";
  request.path = "/v1/domains";
  request.body = R"({"name":"a"})";
  request.fields = {{"content-type", "text/plain"}};
  EXPECT_EQ(api_->handle(request).status, 415);
  request.fields = {{"content-type", "Application/JSON ; charset=utf-8"}};
  EXPECT_EQ(api_->handle(request).status, 200);
}

TEST_F(ApiTest, ChangesNameTheRevisionTheyChange) {
  EXPECT_EQ(ask("DELETE", "/v1/domains/a").status, 428);
  EXPECT_EQ(json(ask("DELETE", "/v1/domains/a", "", {{"if-match", "\"12\""}}))["expected"], 12);
  EXPECT_EQ(json(ask("DELETE", "/v1/domains/a", "", {{"if-match", "*"}}))["expected"], nullptr);
  for (const char* other : {"12", "W/\"12\"", "\"x\"", "\"\"", "\"-3\"", "\"1\", \"2\"", "\""}) {
    EXPECT_EQ(json(ask("DELETE", "/v1/domains/a", "", {{"if-match", other}}))["expected"], -1) << other;
  }
}

TEST_F(ApiTest, WhoMayCall) {
  // Anybody.
  caller_ = {};
  EXPECT_EQ(ask("GET", "/v1/openapi.yaml").status, 200);
  EXPECT_EQ(ask("GET", "/v1/openapi.yaml", "", {{"authorization", "Bearer stale"}}).status, 200);
  EXPECT_EQ(asked_, 0);
  const auto stranger = ask("GET", "/v1/domains");
  EXPECT_EQ(stranger.status, 401);
  EXPECT_EQ(field(stranger, "www-authenticate"), "Bearer realm=\"fairlead\"");
  EXPECT_EQ(ask("GET", "/v1/domains", "", {{"authorization", "Bearer stale"}}).status, 401);

  caller_.user_id = std::string(32, 'a');
  caller_.may_write = true;
  EXPECT_EQ(ask("GET", "/v1/domains").status, 200);
  EXPECT_EQ(ask("GET", "/v1/edges").status, 403);
  EXPECT_EQ(ask("POST", "/v1/accounts", R"({"name":"a"})").status, 403);

  // Of a suspended account: looks, ends its logins and tokens, and is told why it may not change anything.
  caller_.account_state = store::AccountState::suspended;
  caller_.may_write = false;
  EXPECT_EQ(ask("GET", "/v1/domains").status, 200);
  EXPECT_EQ(ask("POST", "/v1/logout").status, 200);
  EXPECT_EQ(code(ask("POST", "/v1/domains", R"({"name":"a"})")), "account_suspended");
  EXPECT_EQ(code(ask("POST", "/v1/accounts", R"({"name":"a"})")), "forbidden");
  caller_.account_state = store::AccountState::active;

  caller_.role = store::UserRole::auditor;
  caller_.may_write = false;
  EXPECT_EQ(ask("GET", "/v1/edges").status, 200);
  EXPECT_EQ(code(ask("POST", "/v1/domains", R"({"name":"a"})")), "forbidden");
  EXPECT_EQ(ask("POST", "/v1/logout").status, 200) << "read-only by the contract";
  EXPECT_EQ(ask("POST", "/v1/accounts", R"({"name":"a"})").status, 403);

  caller_.role = store::UserRole::operator_;
  EXPECT_EQ(ask("POST", "/v1/accounts", R"({"name":"a"})").status, 403) << "a token that may only read";
  caller_.may_write = true;
  EXPECT_EQ(ask("POST", "/v1/accounts", R"({"name":"a"})").status, 200);
}

// Who may not call an operation learns nothing about what it would take.
TEST_F(ApiTest, RightsComeBeforeForm) {
  EXPECT_EQ(ask("POST", "/v1/accounts", "{").status, 403);
  EXPECT_EQ(ask("GET", "/v1/edges?unknown=1").status, 403);
}

TEST_F(ApiTest, TooManyRequestsAreTurnedAwayBeforeAnythingElse) {
  wait_ = 3;
  const auto response = ask("GET", "/v1/domains", "", {{"authorization", "Bearer x"}});
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(field(response, "retry-after"), "3");
  EXPECT_EQ(asked_, 0);
}

TEST_F(ApiTest, WhatThrowsIsAnsweredWithoutItsWords) {
  throws_ = true;
  const auto response = ask("GET", "/v1/domains");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("bug"), std::string::npos);
}

TEST(Api, CodeAndContractMustAgree) {
  auto contract = Contract::parse(contract_text());
  ASSERT_TRUE(contract);
  Operations operations;
  for (const Route& r : contract->routes()) operations[r.operation_id] = [](const Call&) { return Reply{}; };
  operations.erase("getDomain");
  operations["unheardOf"] = [](const Call&) { return Reply{}; };
  const auto made = Api::make({*contract, operations, {}, {}});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().context.find("nobody does getDomain"), std::string::npos);
  EXPECT_NE(made.error().context.find("unheardOf is not in the contract"), std::string::npos);
}

TEST(Dates, AreRfc3339) {
  EXPECT_EQ(date(1'777'896'000'123), "2026-05-04T12:00:00.123Z");
  EXPECT_EQ(parse_date("2026-05-04T12:00:00.123Z"), 1'777'896'000'123);
  EXPECT_EQ(parse_date("2026-05-04T20:00:00+08:00"), 1'777'896'000'000);
  EXPECT_EQ(parse_date("2026-05-04t12:00:00.1234567z"), 1'777'896'000'123);
  EXPECT_EQ(parse_date("2024-02-29T00:00:00Z"), 1'709'164'800'000);
  for (const char* bad : {"", "2026-05-04", "2026-05-04T12:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
                          "2026-05-04T24:00:00Z", "2026-05-04T12:00:00.Z", "2026-05-04T12:00:00Zx",
                          "2026-05-04T12:00:00+8:00", "2026-05-04T12:00:00+08:00x", "x026-05-04T12:00:00Z"}) {
    EXPECT_EQ(parse_date(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace fairlead::control
