#pragma once
// IdentityTest: the fixture of this folder's tests: a store in memory, the contract's API with the operations of
// identity, and some people. Requests go through the whole API, from Authorization and cookies to problem documents.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>

#include "cluster/testing/no_edges.h"
#include "control/api/api.h"
#include "control/context.h"
#include "control/identity/sign_in.h"
#include "control/secrets.h"
#include "control/throttle.h"
#include "model/control_config.h"
#include "store/audit.h"
#include "store/database.h"

namespace fairlead::control::testing {

inline constexpr std::int64_t kNow = 1'800'000'000'000;
inline constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
inline const std::string kPassword = "gorse lantern ebb seven";
inline const std::string kOtherPassword = "quarry tin velvet nine";

// What a browser or a program shows of itself.
struct Credentials {
  std::string cookie, csrf;  // of a login
  std::string token;
};

class IdentityTest : public ::testing::Test {
 protected:
  explicit IdentityTest(bool with_people = true);

  ApiResponse ask(const Credentials& who, std::string method, std::string path, const Json& body = {},
                  ApiFields fields = {});
  // With If-Match: *.
  ApiResponse change(const Credentials& who, std::string method, std::string path, const Json& body = {});
  ApiResponse log_in(const std::string& email, const std::string& password, ApiFields fields = {});

  static Json json(const ApiResponse& response) { return Json::parse(response.body); }
  static std::string field(const ApiResponse& response, std::string_view name);
  // "422 invalid /password too-short": status, code, and where and what for each error; of a success, the status.
  static std::string outcome(const ApiResponse& response);
  // The cookie's key out of Set-Cookie.
  static Credentials credentials_of(const ApiResponse& response);

  // Straight into the store: without asking whether one may.
  store::Account add_account(std::string name, store::AccountKind kind);
  store::User add_user(const store::Account& account, std::string email, store::UserRole role,
                       bool with_password = true);
  Credentials browser_of(const store::User& user);
  Credentials token_of(const store::User& user, std::string scope, std::int64_t days = 1);
  std::vector<store::AuditEntry> audit_rows();
  // The rows that the last request added, as "ACTION OBJECT_NAME by EMAIL from ADDRESS", with " | " between. Rows of
  // one millisecond have no order, so these are in that of their texts.
  std::string last_audit();

  template <class F>
  auto write(F f) {
    auto done = database_.write(f);
    if (!done) throw std::runtime_error(base::describe(done.error()));
    if constexpr (!std::is_void_v<typename decltype(done)::value_type>) return std::move(*done);
  }
  template <class F>
  auto read(F f) {
    auto done = database_.read(f);
    if (!done) throw std::runtime_error(base::describe(done.error()));
    return std::move(*done);
  }

  std::atomic<std::int64_t> now_ms_ = kNow;
  std::atomic<int> policy_changes_ = 0, notices_ = 0;  // calls of the Context's
  store::Database database_;
  Secrets secrets_ = Secrets::ephemeral();
  cluster::testing::NoEdges edges_;
  model::ControlConfig config_;
  Context context_;
  LoginGuard guard_;
  std::shared_ptr<const Api> api_;
  std::string source_ = "192.0.2.7";
  bool tls_ = false;
  std::mutex audit_before_mutex_;       // some tests ask from several threads
  std::set<std::string> audit_before_;  // ids of the rows there were before the last request

  // People, unless the test began without: two operators' users, two of one customer, one of another. All have
  // kPassword.
  store::Account operators_, acme_, other_;
  store::User operator_, auditor_, ann_, bob_, eve_;
};

// For tests of an installation that nobody has set up.
class EmptyInstallationTest : public IdentityTest {
 protected:
  EmptyInstallationTest() : IdentityTest(/*with_people=*/false) {}
};

}  // namespace fairlead::control::testing
