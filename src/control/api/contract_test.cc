#include "control/api/contract.h"

#include <gtest/gtest.h>

#include <set>

namespace fairlead::control {
namespace {

using nlohmann::ordered_json;

Contract the_contract() {
  auto contract = Contract::parse(contract_text());
  EXPECT_TRUE(contract) << (contract ? "" : contract.error().context);
  return std::move(*contract);
}

const Route& route(const Contract& contract, std::string_view id) {
  for (const Route& r : contract.routes()) {
    if (r.operation_id == id) return r;
  }
  throw std::runtime_error("no operation " + std::string(id));
}

TEST(Contract, IsReadAndNamesEachOperationOnce) {
  const Contract contract = the_contract();
  EXPECT_GT(contract.routes().size(), 50u);
  std::set<std::string> ids;
  std::set<std::pair<std::string, std::vector<std::string>>> ways;
  for (const Route& r : contract.routes()) {
    EXPECT_TRUE(ids.insert(r.operation_id).second) << r.operation_id;
    EXPECT_TRUE(ways.emplace(r.method, r.segments).second) << r.operation_id;
    EXPECT_EQ(r.segments.at(0), "v1") << r.operation_id;
    for (const std::string& s : r.segments) {
      if (!s.starts_with('{')) continue;
      const std::string name = s.substr(1, s.size() - 2);
      const bool declared = std::ranges::any_of(
          r.parameters, [&](const Parameter& p) { return p.in == Parameter::In::path && p.name == name; });
      EXPECT_TRUE(declared) << r.operation_id << ": " << name;
    }
    // What changes something that has a revision is guarded by it.
    if (r.method == "PUT" || r.method == "PATCH" || r.method == "DELETE") {
      const bool guarded =
          std::ranges::any_of(r.parameters, [](const Parameter& p) { return p.in == Parameter::In::header; });
      EXPECT_EQ(guarded,
                r.operation_id != "changePassword" && r.operation_id != "deleteToken" && r.operation_id != "endSession")
          << r.operation_id;
    }
  }
}

TEST(Contract, FindsRoutes) {
  const Contract contract = the_contract();
  auto match = contract.match("GET", "/v1/domains/live.example.com");
  ASSERT_TRUE(match.route);
  EXPECT_EQ(match.route->operation_id, "getDomain");
  EXPECT_EQ(match.parameters, (std::vector<std::pair<std::string, std::string>>{{"domain", "live.example.com"}}));
  EXPECT_EQ(contract.match("GET", "/v1/domains/%2Eexample%2ecom").parameters.at(0).second, ".example.com");
  // An encoded slash is part of the name, never of the path.
  EXPECT_EQ(contract.match("GET", "/v1/domains/a%2Fstart").parameters.at(0).second, "a/start");
  match = contract.match("PUT", "/v1/domains/a/start");
  EXPECT_FALSE(match.route);
  EXPECT_EQ(match.methods, std::vector<std::string>{"POST"});
  for (const char* path : {"/v1/nothing", "/v1/domains/", "/v1//domains", "/v1/domains/%", "/v1/domains/%zz",
                           "/v1/domains/%00", "/v1/domains/%ff", "v1/domains", "", "/", "/v1/domains/a/b/c/d/e/f"}) {
    EXPECT_TRUE(contract.match("GET", path).methods.empty()) << path;
  }
}

TEST(Contract, ChecksBodies) {
  const Contract contract = the_contract();
  const Schema& body = *route(contract, "createDomain").body;
  const auto codes = [&](const char* text) {
    std::vector<std::string> found;
    for (const Detail& d : check(body, ordered_json::parse(text))) found.push_back(d.pointer + " " + d.code);
    return found;
  };
  using Codes = std::vector<std::string>;
  EXPECT_EQ(codes(R"({"name":"a.example.com"})"), Codes{});
  EXPECT_EQ(codes(R"({"name":"a","layer7_config":null,"settings":{"whatever":["is checked elsewhere"]}})"), Codes{});
  EXPECT_EQ(codes(R"({})"), Codes{" missing-key"});
  EXPECT_EQ(codes(R"([])"), Codes{" wrong-type"});
  EXPECT_EQ(codes(R"({"name":1.5})"), Codes{"/name wrong-type"});
  EXPECT_EQ(codes(R"({"name":"","settings":[],"x/~y":1})"),
            (Codes{"/name too-short", "/settings wrong-type", "/x~1~0y unknown-key"}));
  EXPECT_EQ(codes(R"({"name":"a","account_id":"ABC"})"), Codes{"/account_id bad-value"});
  EXPECT_EQ(codes(R"({"name":"a","service_region":"moon"})"), Codes{"/service_region bad-value"});
  EXPECT_EQ(codes(R"({"name":"a","certificates":["a",2]})"), Codes{"/certificates/1 wrong-type"});
  EXPECT_EQ(codes(R"({"name":"a","certificates":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]})").front(),
            "/certificates too-many");
  // Length is counted in characters, not bytes.
  const Schema& account = *route(contract, "createAccount").body;
  std::string name;
  for (int i = 0; i < 100; ++i) name += "\xE5\xAE\xA2";
  EXPECT_TRUE(check(account, ordered_json{{"name", name}}).empty());
  EXPECT_EQ(check(account, ordered_json{{"name", name + "!"}}).at(0).code, "too-long");
  EXPECT_EQ(check(account, ordered_json{{"name", "two\nlines"}}).at(0).code, "bad-value");
}

TEST(Contract, NoTextHasNul) {
  const Contract contract = the_contract();
  const Schema& token = *route(contract, "createToken").body;
  EXPECT_EQ(check(token, ordered_json::parse(R"({"name":"a\u0000b"})")).at(0),
            (Detail{"/name", "bad-value", "this has the character U+0000", ""}));
  const Schema& domain = *route(contract, "changeDomain").body;
  EXPECT_EQ(check(domain, ordered_json::parse(R"({"layer7_config":"\u0000"})")).at(0).pointer, "/layer7_config");
  EXPECT_EQ(check(domain, ordered_json::parse(R"({"certificates":["a","\u0000"]})")).at(0).pointer, "/certificates/1");
}

TEST(Contract, ChecksNumbersAndParameters) {
  const Contract contract = the_contract();
  const Schema& token = *route(contract, "createToken").body;
  for (const char* days : {"0", "3651", "-1", "18446744073709551615", "-9223372036854775808"}) {
    const auto wrong = check(token, ordered_json::parse(std::string(R"({"name":"x","expires_in_days":)") + days + "}"));
    ASSERT_EQ(wrong.size(), 1u) << days;
    EXPECT_EQ(wrong[0].code, "out-of-range") << days;
  }
  EXPECT_TRUE(check(token, ordered_json::parse(R"({"name":"x","expires_in_days":3650})")).empty());
  EXPECT_EQ(check(token, ordered_json::parse(R"({"name":"x","expires_in_days":1e2})")).at(0).code, "wrong-type");

  const Route& list = route(contract, "listDomains");
  const auto first_code = [&](std::string_view name, std::string_view text) {
    for (const Parameter& p : list.parameters) {
      if (p.name != name) continue;
      const auto wrong = check_text(p, text);
      return wrong.empty() ? std::string() : wrong[0].code;
    }
    return std::string("no such parameter");
  };
  EXPECT_EQ(first_code("limit", "500"), "");
  for (const char* bad : {"", "x", "1 ", "+1", "0x10", "99999999999999999999"}) {
    EXPECT_EQ(first_code("limit", bad), "wrong-type") << bad;
  }
  EXPECT_EQ(first_code("limit", "0"), "out-of-range");
  EXPECT_EQ(first_code("state", "online"), "");
  EXPECT_EQ(first_code("state", "asleep"), "bad-value");
}

TEST(Contract, RefusesWhatItDoesNotUnderstand) {
  const auto error = [](const char* text) {
    const auto contract = Contract::parse(text);
    return contract ? std::string() : contract.error().context;
  };
  const char* good =
      "paths: { /v1/a: { get: { operationId: a, x-access: user, requestBody: { content: { application/json: { schema: "
      "{ "
      "type: object } } } } } } }";
  EXPECT_EQ(error(good), "");
  EXPECT_NE(error("paths: { /v1/a: { get: { operationId: a } } }").find("x-access"), std::string::npos);
  EXPECT_NE(
      error("paths: { /v1/a: { get: { operationId: a, x-access: user, requestBody: { content: { application/json: { "
            "schema: { oneOf: [] } } } } } } }")
          .find("oneOf"),
      std::string::npos);
  EXPECT_NE(error("paths: { /v1/a: { get: { operationId: a, x-access: everybody } } }"), "");
  EXPECT_NE(error("paths: { /v1/a: { get: { operationId: a, x-access: user, x-max-body: much } } }"), "");
  EXPECT_NE(error("{"), "");
}

// What is parsed takes many times as much, and of some operations anybody may ask it.
TEST(Contract, BoundsBodiesByWhoSendsThem) {
  const auto contract = Contract::parse(contract_text());
  ASSERT_TRUE(contract);
  for (const Route& route : contract->routes()) {
    const bool certificate = route.operation_id == "uploadCertificate" || route.operation_id == "replaceCertificate";
    const std::size_t most = route.access == Access::everybody ? 16u << 10 : certificate ? 4u << 20 : 512u << 10;
    EXPECT_EQ(route.max_body, most) << route.operation_id;
  }
}

TEST(PercentDecode, RefusesWhatIsAmbiguous) {
  EXPECT_EQ(percent_decode("a%20b+c"), "a b+c");
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  EXPECT_EQ(percent_decode("%E5%AE%A2"), "\xE5\xAE\xA2");
  for (const char* bad : {"%", "%4", "%4g", "%C0%AF", "%00", "%1b"})
    EXPECT_EQ(percent_decode(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace fairlead::control
