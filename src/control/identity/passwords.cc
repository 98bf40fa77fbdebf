#include "control/identity/passwords.h"

#include "control/audit_trail.h"
#include "control/identity/password_rules.h"
#include "control/identity/rights.h"
#include "control/identity/sign_in.h"
#include "control/in_transaction.h"
#include "control/secrets.h"
#include "store/logins.h"
#include "store/setup_links.h"
#include "store/tokens.h"

namespace fairlead::control {
namespace {

std::unexpected<Failure> link_invalid() {
  return refuse(403, "link_invalid", "the key is wrong, was used or is too old; ask for a new link");
}

// The user whom the link is for; `use`: and the link is used up.
Outcome<store::User> user_of_link(store::Transaction& tx, const std::string& hash, bool use, std::int64_t now_ms) {
  const auto link = use ? store::use_setup_link(tx, hash, kPasswordPurpose, now_ms)
                        : store::find_setup_link(tx, hash, kPasswordPurpose, now_ms);
  if (!link && link.error().code == base::Code::not_found) return link_invalid();
  if (!link) return failed(link);
  auto user = store::find_user(tx, link->user_id.value_or(""));
  if (!user && user.error().code == base::Code::not_found) return link_invalid();
  if (!user) return failed(user);
  if (user->disabled) return link_invalid();
  return std::move(*user);
}

// Everything of a new password but who may set it. `kept_login`: the hash of the one login that goes on, or empty.
Outcome<void> put_password(store::Transaction& tx, const Caller& caller, store::User user, std::string hash,
                           std::string_view kept_login, std::int64_t now_ms) {
  user.password_hash = std::move(hash);
  if (auto kept = store::update_user(tx, user, user.revision, now_ms); !kept) return failed(kept);
  if (auto gone = store::delete_other_logins(tx, user.id, kept_login); !gone) return failed(gone);
  if (auto gone = store::delete_tokens_of_user(tx, user.id); !gone) return failed(gone);
  if (auto gone = store::delete_setup_links(tx, kPasswordPurpose, user.id); !gone) return failed(gone);
  AuditedChange change;
  change.account_id = user.account_id;
  change.action = "user.password";
  change.object_type = "user";
  change.object_name = user.email;
  if (auto told = audit(tx, caller, change, now_ms); !told) return failed(told);
  return {};
}

}  // namespace

Outcome<void> set_password(Context& context, std::string_view key, std::string_view password,
                           const std::string& source_address) {
  const std::int64_t now_ms = context.now_ms();
  const std::string hash = Secrets::key_hash(key);
  // Nobody without the key makes us hash passwords.
  const auto known =
      read_in(context.database, [&](store::Transaction& tx) { return user_of_link(tx, hash, /*use=*/false, now_ms); });
  if (!known) return std::unexpected(known.error());
  if (auto wrong = password_problem(password, known->email, "/password")) return invalid({std::move(*wrong)});
  const std::string password_hash = context.secrets.hash_password(password);
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<void> {
    auto user = user_of_link(tx, hash, /*use=*/true, now_ms);
    if (!user) return std::unexpected(std::move(user.error()));
    const Caller self = acting(*user, source_address);
    return put_password(tx, self, std::move(*user), password_hash, {}, now_ms);
  });
}

Outcome<void> change_password(Context& context, LoginGuard& guard, const Caller& caller, std::string_view old_password,
                              std::string_view new_password) {
  if (auto may = may_change_own(caller); !may) return may;
  const std::int64_t now_ms = context.now_ms();
  if (const auto wait = guard.refused_for_s(caller.email, caller.source_address, now_ms)) {
    auto refused = refuse(429, "rate_limited", "the old password was wrong too often; wait before the next try");
    refused.error().retry_after_s = *wait;
    return refused;
  }
  const auto user = read_in(context.database, [&](store::Transaction& tx) -> Outcome<store::User> {
    auto found = store::find_user(tx, caller.user_id);
    if (!found) return failed(found);
    return std::move(*found);
  });
  if (!user) return std::unexpected(user.error());
  if (auto wrong = password_problem(new_password, user->email, "/new_password")) return invalid({std::move(*wrong)});
  const bool right = user->password_hash.empty() ? context.secrets.waste_time(old_password)
                                                 : context.secrets.password_matches(old_password, user->password_hash);
  if (!right) {
    guard.failed(caller.email, caller.source_address, now_ms);
    AuditedChange change{user->account_id, "user.password_refused", "user", user->email, std::nullopt, std::nullopt};
    auto told = write_in(context.database, [&](store::Transaction& tx) -> Outcome<void> {
      if (auto done = audit(tx, caller, change, now_ms); !done) return failed(done);
      return {};
    });
    if (!told) return told;
    return refuse(401, "bad_credentials", "the old password is wrong",
                  {{"/old_password", "wrong-password", "the old password is wrong", ""}});
  }
  guard.succeeded(caller.email, caller.source_address);
  const std::string password_hash = context.secrets.hash_password(new_password);
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<void> {
    auto now = store::find_user(tx, caller.user_id);
    if (!now) return failed(now);
    // Somebody was quicker, and has ended this caller's login with it.
    if (now->disabled || now->password_hash != user->password_hash)
      return refuse(401, "bad_credentials", "the old password is not the password any more");
    return put_password(tx, caller, std::move(*now), password_hash, caller.login_hash, now_ms);
  });
}

Outcome<OneTimeLink> make_password_link(Context& context, const Caller& caller, std::string_view user_id) {
  if (auto may = may_change(caller); !may) return std::unexpected(std::move(may.error()));
  if (!caller.is_operator()) return refuse(403, "forbidden", "this is for operators");
  const std::int64_t now_ms = context.now_ms();
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<OneTimeLink> {
    const auto user = store::find_user(tx, user_id);
    if (!user && user.error().code == base::Code::not_found) return not_found("user");
    if (!user) return failed(user);
    if (user->disabled) return refuse(409, "wrong_state", "the user is disabled");
    auto link = make_one_time_link(tx, context, kPasswordPurpose, user->id, now_ms);
    if (!link) return failed(link);
    AuditedChange change{user->account_id, "user.password_link", "user", user->email, std::nullopt, std::nullopt};
    if (auto told = audit(tx, caller, change, now_ms); !told) return failed(told);
    return std::move(*link);
  });
}

}  // namespace fairlead::control
