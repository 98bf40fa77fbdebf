#include "control/identity/sign_in.h"

#include <fmt/format.h>

#include "control/audit_trail.h"
#include "control/in_transaction.h"
#include "control/secrets.h"
#include "model/syntax.h"
#include "store/logins.h"

namespace fairlead::control {
namespace {

struct Known {
  store::User user;
  store::Account account;
};

Outcome<std::optional<Known>> find_known(Context& context, const std::string& email) {
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<std::optional<Known>> {
    auto user = store::find_user_by_email(tx, email);
    if (!user && user.error().code == base::Code::not_found) return std::optional<Known>();
    if (!user) return failed(user);
    auto account = store::find_account(tx, user->account_id);
    if (!account) return failed(account);
    return Known{std::move(*user), std::move(*account)};
  });
}

// One row of the audit on its own, for what changed nothing.
Outcome<void> audit_try(Context& context, const std::optional<Known>& known, const std::string& email,
                        const std::string& source_address, std::string_view action) {
  Caller nobody;
  nobody.source_address = source_address;
  AuditedChange change;
  if (known) change.account_id = known->account.id;
  change.action = action;
  change.object_type = "user";
  change.object_name = email;
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<void> {
    if (auto done = audit(tx, nobody, change, context.now_ms()); !done) return failed(done);
    return {};
  });
}

std::unexpected<Failure> bad_credentials() {
  return refuse(401, "bad_credentials", "the e-mail address or the password is wrong");
}

}  // namespace

bool may_write(const store::User& user, const store::Account& account) {
  return user.role != store::UserRole::auditor && account.state == store::AccountState::active;
}

Caller acting(const store::User& user, const std::string& source_address) {
  Caller caller;
  caller.user_id = user.id;
  caller.email = user.email;
  caller.account_id = user.account_id;
  caller.role = user.role;
  caller.source_address = source_address;
  return caller;
}

base::Result<SignedIn> begin_login(store::Transaction& tx, const Context& context, const store::User& user,
                                   const store::Account& account, std::int64_t now_ms) {
  SignedIn in;
  in.user = user;
  in.account = account;
  in.may_write = may_write(user, account);
  in.key = Secrets::random_key("fls_");
  in.csrf = Secrets::random_key("flc_");
  in.expires_ms = now_ms + context.config.login_time.count();
  store::Login login;
  login.session_hash = Secrets::key_hash(in.key);
  login.user_id = user.id;
  login.csrf = in.csrf;
  login.expires_ms = *in.expires_ms;
  if (auto kept = store::insert_login(tx, std::move(login), now_ms); !kept) return std::unexpected(kept.error());
  return in;
}

Outcome<SignedIn> log_in(Context& context, LoginGuard& guard, std::string_view email, std::string_view password,
                         const std::string& source_address) {
  const std::string address = model::lower_case(email);
  const std::int64_t now_ms = context.now_ms();
  if (const auto wait = guard.refused_for_s(address, source_address, now_ms)) {
    auto refused = refuse(429, "rate_limited", "too many failed logins; wait before the next try");
    refused.error().retry_after_s = *wait;
    return refused;
  }
  auto known = find_known(context, address);
  if (!known) return std::unexpected(std::move(known.error()));
  const bool can = *known && !(*known)->user.disabled && !(*known)->user.password_hash.empty();
  const bool right = can ? context.secrets.password_matches(password, (*known)->user.password_hash)
                         : context.secrets.waste_time(password);
  if (!right) {
    guard.failed(address, source_address, now_ms);
    auto told = audit_try(context, *known, address, source_address, "login.failed");
    if (!told) return std::unexpected(std::move(told.error()));
    return bad_credentials();
  }
  guard.succeeded(address, source_address);
  if ((*known)->account.state != store::AccountState::active) {
    auto told = audit_try(context, *known, address, source_address, "login.refused");
    if (!told) return std::unexpected(std::move(told.error()));
    return refuse(403, "account_suspended", "the account is suspended or closed; ask the operator");
  }
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<SignedIn> {
    // While the hash was being made, the user may have been disabled or the password changed.
    auto user = store::find_user(tx, (*known)->user.id);
    if (!user && user.error().code == base::Code::not_found) return bad_credentials();
    if (!user) return failed(user);
    if (user->disabled || user->password_hash != (*known)->user.password_hash) return bad_credentials();
    if (auto gone = store::delete_expired_logins(tx, now_ms); !gone) return failed(gone);
    auto in = begin_login(tx, context, *user, (*known)->account, now_ms);
    if (!in) return failed(in);
    AuditedChange change;
    change.account_id = user->account_id;
    change.action = "login.succeeded";
    change.object_type = "user";
    change.object_name = user->email;
    if (auto told = audit(tx, acting(*user, source_address), change, now_ms); !told) return failed(told);
    return std::move(*in);
  });
}

Outcome<void> log_out(Context& context, const Caller& caller) {
  if (!caller.signed_in()) return refuse(401, "unauthorized", "sign in, or send a token");
  if (caller.login_hash.empty()) return refuse(409, "wrong_state", "a token is not signed out; delete it");
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<void> {
    if (auto ended = store::delete_login(tx, caller.login_hash); !ended) return failed(ended);
    AuditedChange change;
    change.account_id = caller.account_id;
    change.action = "login.ended";
    change.object_type = "user";
    change.object_name = caller.email;
    if (auto told = audit(tx, caller, change, context.now_ms()); !told) return failed(told);
    return {};
  });
}

Outcome<SignedIn> who_is(Context& context, const Caller& caller) {
  const auto nobody = [] { return refuse(401, "unauthorized", "sign in, or send a token"); };
  if (!caller.signed_in()) return nobody();
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<SignedIn> {
    auto user = store::find_user(tx, caller.user_id);
    if (!user && user.error().code == base::Code::not_found) return nobody();
    if (!user) return failed(user);
    auto account = store::find_account(tx, user->account_id);
    if (!account) return failed(account);
    SignedIn in;
    if (!caller.login_hash.empty()) {
      auto login = store::find_login(tx, caller.login_hash, context.now_ms());
      if (!login && login.error().code == base::Code::not_found) return nobody();
      if (!login) return failed(login);
      in.csrf = std::move(login->csrf);
      in.expires_ms = login->expires_ms;
    }
    in.user = std::move(*user);
    in.account = std::move(*account);
    in.may_write = caller.may_write;
    return in;
  });
}

}  // namespace fairlead::control
