#include "control/identity/testing/identity_test.h"

#include <fmt/format.h>

#include "control/api/identity_operations.h"
#include "control/identity/caller_of.h"
#include "store/migrations.h"
#include "store/tokens.h"

namespace fairlead::control::testing {
namespace {

store::Database open_store() {
  auto database = store::Database::open("sqlite::memory:");
  if (!database) throw std::runtime_error(base::describe(database.error()));
  if (const auto done = store::migrate(*database, kNow); !done) throw std::runtime_error(base::describe(done.error()));
  return std::move(*database);
}

// One hash for all people of all tests: it takes long to make.
const std::string& password_hash() {
  static const std::string hash = Secrets::ephemeral().hash_password(kPassword);
  return hash;
}

}  // namespace

IdentityTest::IdentityTest(bool with_people)
    : database_(open_store()),
      context_{.database = database_,
               .secrets = secrets_,
               .edges = edges_,
               .config = config_,
               .now_ms = [this] { return now_ms_.load(); },
               .policy_changed = [this] { ++policy_changes_; },
               .notice_written = [this] { ++notices_; }} {
  config_.public_url = "https://console.example.com";
  config_.mail.server = "smtp://mail.example.com:587";
  config_.mail.from = "fairlead@example.com";
  auto contract = Contract::parse(contract_text());
  if (!contract) throw std::runtime_error(base::describe(contract.error()));
  Api::Parts parts{.contract = std::move(*contract), .operations = {}, .caller_of = {}, .over_limit = {}};
  // The others' operations are not reached by these tests.
  for (const Route& r : parts.contract.routes()) {
    parts.operations[r.operation_id] = [](const Call&) -> Outcome<Reply> {
      return refuse(500, "internal_error", "not of this test");
    };
  }
  add_identity_operations(parts.operations, context_, guard_);
  parts.caller_of = [this](const ApiRequest& request) { return caller_of(context_, request); };
  auto api = Api::make(std::move(parts));
  if (!api) throw std::runtime_error(base::describe(api.error()));
  api_ = *api;
  if (!with_people) return;
  operators_ = add_account("Operators", store::AccountKind::operator_);
  acme_ = add_account("Acme", store::AccountKind::customer);
  other_ = add_account("Other", store::AccountKind::customer);
  operator_ = add_user(operators_, "op@ops.example", store::UserRole::operator_);
  auditor_ = add_user(operators_, "aud@ops.example", store::UserRole::auditor);
  ann_ = add_user(acme_, "ann@acme.example", store::UserRole::customer);
  bob_ = add_user(acme_, "bob@acme.example", store::UserRole::customer);
  eve_ = add_user(other_, "eve@other.example", store::UserRole::customer);
}

ApiResponse IdentityTest::ask(const Credentials& who, std::string method, std::string path, const Json& body,
                              ApiFields fields) {
  std::set<std::string> before;
  for (const auto& row : audit_rows()) before.insert(row.id);
  {
    const std::lock_guard lock(audit_before_mutex_);
    audit_before_ = std::move(before);
  }
  ApiRequest request;
  request.method = std::move(method);
  if (const auto q = path.find('?'); q != std::string::npos) {
    request.query = path.substr(q + 1);
    path.resize(q);
  }
  request.path = std::move(path);
  request.fields = std::move(fields);
  if (!request.field("host")) request.fields.emplace_back("host", "127.0.0.1:9180");
  request.source_address = source_;
  request.secure = request.tls = tls_;
  if (!body.is_null()) {
    request.body = body.dump();
    request.fields.emplace_back("content-type", "application/json");
  }
  if (!who.cookie.empty()) request.fields.emplace_back("cookie", "a=b; fairlead-session=" + who.cookie);
  if (!who.csrf.empty()) request.fields.emplace_back("fairlead-csrf", who.csrf);
  if (!who.token.empty()) request.fields.emplace_back("authorization", "Bearer " + who.token);
  return api_->handle(request);
}

ApiResponse IdentityTest::change(const Credentials& who, std::string method, std::string path, const Json& body) {
  return ask(who, std::move(method), std::move(path), body, {{"if-match", "*"}});
}

ApiResponse IdentityTest::log_in(const std::string& email, const std::string& password, ApiFields fields) {
  return ask({}, "POST", "/v1/login", {{"email", email}, {"password", password}}, std::move(fields));
}

std::string IdentityTest::field(const ApiResponse& response, std::string_view name) {
  for (const auto& [n, value] : response.fields) {
    if (n == name) return value;
  }
  return {};
}

std::string IdentityTest::outcome(const ApiResponse& response) {
  if (response.status < 400) return std::to_string(response.status);
  const Json problem = json(response);
  std::string text = fmt::format("{} {}", response.status, problem.value("code", ""));
  if (!problem.contains("errors")) return text;
  for (const Json& e : problem["errors"]) text += fmt::format(" {} {}", e.value("pointer", ""), e.value("code", ""));
  return text;
}

Credentials IdentityTest::credentials_of(const ApiResponse& response) {
  const std::string cookie = field(response, "set-cookie");
  const auto from = cookie.find('=') + 1;
  Credentials made;
  made.cookie = cookie.substr(from, cookie.find(';') - from);
  made.csrf = json(response).value("csrf", "");
  return made;
}

store::Account IdentityTest::add_account(std::string name, store::AccountKind kind) {
  store::Account account;
  account.name = std::move(name);
  account.kind = kind;
  return write([&](store::Transaction& tx) { return store::insert_account(tx, account, kNow); });
}

store::User IdentityTest::add_user(const store::Account& account, std::string email, store::UserRole role,
                                   bool with_password) {
  store::User user;
  user.account_id = account.id;
  user.email = std::move(email);
  user.role = role;
  if (with_password) user.password_hash = password_hash();
  return write([&](store::Transaction& tx) { return store::insert_user(tx, user, kNow); });
}

Credentials IdentityTest::browser_of(const store::User& user) {
  const auto in = write([&](store::Transaction& tx) -> base::Result<SignedIn> {
    auto account = store::find_account(tx, user.account_id);
    if (!account) return std::unexpected(account.error());
    return begin_login(tx, context_, user, *account, now_ms_);
  });
  return {in.key, in.csrf, {}};
}

Credentials IdentityTest::token_of(const store::User& user, std::string scope, std::int64_t days) {
  Credentials made;
  made.token = Secrets::random_key("flt_");
  store::Token token;
  token.user_id = user.id;
  token.name = "of a test";
  token.hash = Secrets::key_hash(made.token);
  token.scopes = std::move(scope);
  token.expires_ms = now_ms_ + days * kDay;
  write([&](store::Transaction& tx) { return store::insert_token(tx, token, now_ms_); });
  return made;
}

std::vector<store::AuditEntry> IdentityTest::audit_rows() {
  store::PageRequest page;
  page.limit = store::kMaxPage;
  return read([&](store::Transaction& tx) { return store::list_audit(tx, {}, page); }).items;
}

std::string IdentityTest::last_audit() {
  std::set<std::string> texts;
  for (const auto& row : audit_rows()) {
    if (audit_before_.contains(row.id)) continue;
    std::string who = "nobody";
    if (row.user_id) {
      const auto user = database_.read([&](store::Transaction& tx) { return store::find_user(tx, *row.user_id); });
      who = user ? user->email : "somebody deleted";
    }
    texts.insert(fmt::format("{} {} by {} from {}", row.action, row.object_name, who, row.source_address));
  }
  return fmt::format("{}", fmt::join(texts, " | "));
}

}  // namespace fairlead::control::testing
