// Any bytes as the body of a request to the REST API, through the whole dispatcher and contract, as an operator and as
// a customer. The first line of the input names the operation. Behind domains, certificates, layer-7 configurations and
// the policy stand the real services over a store in memory; the other operations end after the contract's check. The
// answer is never a 5xx, a refusal says why, and its pointers lead to something in the body. What an input changes is
// put back, so that a crash repeats.

#include "support.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "cluster/testing/no_edges.h"
#include "control/api/activation_operations.h"
#include "control/api/api.h"
#include "control/api/certificate_operations.h"
#include "control/api/domain_operations.h"
#include "control/api/layer7_operations.h"
#include "control/secrets.h"
#include "model/document.h"
#include "store/migrations.h"

namespace {

using namespace fairlead;
using control::ApiResponse;
using control::Json;
using fuzz::require;

constexpr std::int64_t kNow = 1'800'000'000'000;
const std::string kDomain = "live.example.com";
const Json kSettings = {{"origins", {{{"host", "192.0.2.1"}}}}};

template <class T>
T must(base::Result<T> result) {
  require(result.has_value(), "the installation is made");
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Installation {
 public:
  Installation() {
    must(store::migrate(database_, kNow));
    operator_ = person("Operators", store::AccountKind::operator_, store::UserRole::operator_);
    customer_ = person("Customer", store::AccountKind::customer, store::UserRole::customer);
    control::Api::Parts parts{
        .contract = must(control::Contract::parse(control::contract_text())),
        .operations = {},
        .caller_of = [this](const control::ApiRequest&) -> control::Outcome<control::Caller> { return *caller_; },
        .over_limit = {}};
    control::add_domain_operations(parts.operations, context_, [] {});
    control::add_certificate_operations(parts.operations, context_);
    control::add_layer7_operations(parts.operations, context_);
    control::add_activation_operations(parts.operations, context_);
    for (const char* decides : {"submitApplication", "approveApplication", "rejectApplication"})
      parts.operations.erase(decides);
    for (const control::Route& route : parts.contract.routes()) {
      parts.operations.try_emplace(route.operation_id, [](const control::Call&) -> control::Outcome<control::Reply> {
        control::Reply reply;
        reply.status = 204;
        return reply;
      });
      if (route.body) routes_.push_back(route);
    }
    api_ = must(control::Api::make(std::move(parts)));
    put_back();
    const Json domain = {{"name", kDomain}, {"settings", kSettings}};
    require(ask(customer_, "POST", "/v1/domains", "", domain.dump()).status == 201, "the domain is made");
    const auto config = ask(customer_, "POST", "/v1/layer7-configs", "", R"({"name":"slow","settings":{}})");
    require(config.status == 201, "the configuration is made");
    config_id_ = Json::parse(config.body)["id"].get<std::string>();
  }

  void run(std::string_view operation, const std::string& body) {
    const control::Route* route = nullptr;
    for (const control::Route& r : routes_) {
      if (r.operation_id == operation) route = &r;
    }
    if (!route) return;
    const bool well_formed = model::parse_json(body, "body").has_value();
    for (const control::Caller* who : {&operator_, &customer_}) {
      const ApiResponse answer = ask(*who, route->method, path_of(*route), query_of(*route), body);
      judge(*route, body, well_formed, answer);
      if (answer.status < 300) undo(*route, answer);
    }
  }
  int changes() const { return changes_; }

 private:
  control::Caller person(const std::string& name, store::AccountKind kind, store::UserRole role) {
    return must(database_.write([&](store::Transaction& tx) -> base::Result<control::Caller> {
      store::Account account;
      account.name = name;
      account.kind = kind;
      auto made = store::insert_account(tx, account, kNow);
      if (!made) return std::unexpected(made.error());
      store::User user;
      user.account_id = made->id;
      user.email = name + "@example.com";
      user.role = role;
      auto kept = store::insert_user(tx, user, kNow);
      if (!kept) return std::unexpected(kept.error());
      control::Caller caller;
      caller.user_id = kept->id;
      caller.email = kept->email;
      caller.account_id = made->id;
      caller.account_kind = kind;
      caller.role = role;
      caller.may_write = true;
      caller.credential = "token";
      return caller;
    }));
  }

  ApiResponse ask(const control::Caller& who, std::string method, std::string path, std::string query,
                  std::string body) {
    caller_ = &who;
    control::ApiRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.query = std::move(query);
    request.body = std::move(body);
    request.fields = {{"content-type", "application/json"}, {"if-match", "*"}};
    return api_->handle(request);
  }

  std::string path_of(const control::Route& route) const {
    std::string path;
    for (const std::string& segment : route.segments) {
      if (!segment.starts_with('{')) {
        path += "/" + segment;
      } else if (segment == "{domain}") {
        path += "/" + kDomain;
      } else {
        path += "/" + (segment == "{config_id}" ? config_id_ : customer_.account_id);
      }
    }
    return path;
  }
  static std::string query_of(const control::Route& route) {
    for (const control::Parameter& p : route.parameters) {
      if (p.name == "dry_run") return "dry_run=true";
    }
    return {};
  }

  static void judge(const control::Route& route, const std::string& body, bool well_formed, const ApiResponse& answer) {
    require(answer.status >= 200 && answer.status < 500, "the answer is a success or the sender's fault");
    if (answer.status < 300) return require(well_formed || body.empty(), "what passed was JSON");
    const Json problem = Json::parse(answer.body, nullptr, false);
    require(problem.is_object() && problem.value("status", 0) == answer.status, "a refusal is a problem document");
    const std::string code = problem.value("code", "");
    require(!code.empty(), "a refusal has a code");
    // Who may not ask at all hears that first.
    if (code != "forbidden" && !body.empty())
      require((code == "malformed_request") == !well_formed, "what is no JSON is told so");
    if (code != "invalid") return;
    require(problem.contains("errors") && !problem["errors"].empty(), "a refusal says what is wrong");
    const Json sent = Json::parse(body, nullptr, false);
    for (const Json& e : problem["errors"]) {
      const std::string pointer = e.value("pointer", "?");
      require(pointer.empty() || pointer.starts_with('/'), "a pointer is one");
      // What a merge patch makes has more than the patch.
      if (route.method != "PATCH") require(sent.contains(Json::json_pointer(pointer)), "a pointer leads to something");
    }
  }

  void undo(const control::Route& route, const ApiResponse& answer) {
    ++changes_;
    if (route.operation_id == "createLayer7Config" || route.operation_id == "uploadCertificate") {
      const std::string id = Json::parse(answer.body)["id"].get<std::string>();
      require(ask(operator_, "DELETE", path_of(route) + "/" + id, "", "").status == 204, "what was made is deleted");
    } else if (route.operation_id == "changeWebSocket") {
      const Json before = {{"settings", kSettings}};
      require(ask(customer_, "PUT", "/v1/domains/" + kDomain, "", before.dump()).status == 200, "it is put back");
    } else if (route.operation_id == "replaceLayer7Config") {
      const std::string before = R"({"name":"slow","settings":{}})";
      require(ask(customer_, "PUT", path_of(route), "", before).status == 200, "it is put back");
    } else if (route.operation_id == "replacePolicy") {
      put_back();
    }
  }
  // No gate stands before a WebSocket setting.
  void put_back() {
    const Json policy = {{"approve_automatically", false},
                         {"gates",
                          {{"account_verified", false},
                           {"domain_ownership", false},
                           {"whole_site_acceleration", false},
                           {"activation", false},
                           {"icp_regions", Json::array()}}}};
    require(ask(operator_, "PUT", "/v1/policy", "", policy.dump()).status == 200, "the policy is put back");
  }

  store::Database database_ = must(store::Database::open("sqlite::memory:"));
  control::Secrets secrets_ = control::Secrets::ephemeral();
  cluster::testing::NoEdges edges_;
  model::ControlConfig config_;
  control::Context context_{.database = database_,
                            .secrets = secrets_,
                            .edges = edges_,
                            .config = config_,
                            .now_ms = [] { return kNow; },
                            .policy_changed = [] {},
                            .notice_written = [] {}};
  std::vector<control::Route> routes_;
  std::shared_ptr<const control::Api> api_;
  control::Caller operator_, customer_;
  const control::Caller* caller_ = nullptr;
  std::string config_id_;
  int changes_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<Installation> installation;
  // The audit grows with each change.
  if (!installation || installation->changes() > 2000) installation = std::make_unique<Installation>();
  const std::string_view input = fuzz::text_of(data, size);
  const auto end = std::min(input.find('\n'), input.size());
  installation->run(input.substr(0, end), std::string(input.substr(std::min(end + 1, input.size()))));
  return 0;
}
