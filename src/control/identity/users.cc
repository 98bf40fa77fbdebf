#include "control/identity/users.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/delivery/notices.h"
#include "control/identity/audit_values.h"
#include "control/identity/password_rules.h"
#include "control/identity/rights.h"
#include "control/in_transaction.h"
#include "control/secrets.h"
#include "store/logins.h"
#include "store/setup_links.h"
#include "store/tokens.h"

namespace fairlead::control {
namespace {

Outcome<store::User> find_seen(store::Transaction& tx, const Caller& caller, std::string_view id) {
  if (!caller.signed_in()) return not_found("user");
  auto user = store::find_user(tx, id);
  if (!user && user.error().code == base::Code::not_found) return not_found("user");
  if (!user) return failed(user);
  if (!caller.sees(user->account_id)) return not_found("user");
  return std::move(*user);
}

Outcome<store::Account> account_seen(store::Transaction& tx, const Caller& caller, const std::string& id) {
  if (!caller.sees(id)) return not_found("account");
  auto account = store::find_account(tx, id);
  if (!account && account.error().code == base::Code::not_found) return not_found("account");
  if (!account) return failed(account);
  return std::move(*account);
}

// Operators and auditors are of an account of operators, customers of a customer's.
Outcome<void> check_role(const store::Account& account, store::UserRole role) {
  const bool of_operators = account.kind == store::AccountKind::operator_;
  if (of_operators == (role != store::UserRole::customer)) return {};
  return invalid("/role", "wrong-role",
                 fmt::format("the role {} does not belong into an account of kind {}", store::to_string(role),
                             store::to_string(account.kind)),
                 of_operators ? "operator or auditor" : "customer");
}

bool is_able_operator(const store::User& user) {
  return user.role == store::UserRole::operator_ && !user.disabled && !user.password_hash.empty();
}

// Before `user` ceases to be an operator who can sign in. Inside the transaction of the one writer there is.
Outcome<void> another_operator(store::Transaction& tx, const store::User& user) {
  if (!is_able_operator(user)) return {};
  const auto others = store::count_able_operators(tx, user.id);
  if (!others) return failed(others);
  if (*others > 0) return {};
  return refuse(409, "last_operator", "this is the last operator who can sign in");
}

Outcome<void> check_revision(const store::User& user, const std::optional<std::int64_t>& expected) {
  if (!expected || *expected == user.revision) return {};
  return refuse(412, "revision_conflict", "somebody else has changed it since it was read; read it again");
}

// What the address and the account must allow before a user is added.
Outcome<void> check_new(store::Transaction& tx, const Caller& caller, const store::Account& account,
                        const std::string& email) {
  if (!caller.is_operator()) {
    store::PageRequest one;
    one.limit = 1;
    const auto present = store::list_users(tx, account.id, one);
    if (!present) return failed(present);
    if (present->total >= kMaxUsersOfAccount)
      return refuse(409, "wrong_state", fmt::format("an account has {} users at most", kMaxUsersOfAccount));
  }
  const auto other = store::find_user_by_email(tx, email);
  if (!other && other.error().code == base::Code::not_found) return {};
  if (!other) return failed(other);
  return refuse(409, "name_taken", "there is a user with that e-mail address",
                {{"/email", "name-taken", "there is a user with that e-mail address", ""}});
}

// A link to set the first password, and the e-mail with it.
Outcome<OneTimeLink> invite(store::Transaction& tx, const Context& context, const store::Account& account,
                            const store::User& user, std::int64_t now_ms) {
  auto link = make_one_time_link(tx, context, kPasswordPurpose, user.id, now_ms);
  if (!link) return failed(link);
  Event event;
  event.type = "user.invited";
  event.account_id = account.id;
  event.account_name = account.name;
  event.mail_to = {user.email};
  event.data = {{"email", user.email},
                {"role", store::to_string(user.role)},
                {"expires", base::format_utc_ms(link->expires_ms)},
                {"link", link->url}};
  if (auto written = write_notices(tx, context.config, context.secrets, event, now_ms); !written)
    return failed(written);
  return std::move(*link);
}

Outcome<void> end_credentials(store::Transaction& tx, const std::string& user_id) {
  if (auto gone = store::delete_logins_of_user(tx, user_id); !gone) return failed(gone);
  if (auto gone = store::delete_tokens_of_user(tx, user_id); !gone) return failed(gone);
  return {};
}

}  // namespace

Outcome<store::Page<store::User>> list_users(Context& context, const Caller& caller,
                                             const std::optional<std::string>& account_id,
                                             const store::PageRequest& page) {
  if (!caller.signed_in()) return refuse(401, "unauthorized", "sign in, or send a token");
  auto of = account_id;
  if (of || !caller.sees_all()) {
    of = listed_account(caller, account_id);
    if (!of) return store::Page<store::User>();
  }
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<store::Page<store::User>> {
    auto users = store::list_users(tx, of, page);
    if (!users) return failed(users);
    return std::move(*users);
  });
}

Outcome<store::User> get_user(Context& context, const Caller& caller, std::string_view id) {
  return read_in(context.database, [&](store::Transaction& tx) { return find_seen(tx, caller, id); });
}

Outcome<MadeUser> create_user(Context& context, const Caller& caller, const NewUser& wanted) {
  if (auto may = may_change(caller); !may) return std::unexpected(std::move(may.error()));
  const std::string account_id = wanted.account_id.value_or(caller.account_id);
  // Before the password's hash is made, so that nobody makes us work for what they may not have.
  const auto looked = read_in(context.database, [&](store::Transaction& tx) -> Outcome<store::Account> {
    auto account = account_seen(tx, caller, account_id);
    if (!account) return account;
    if (auto ok = check_new(tx, caller, *account, wanted.email); !ok) return std::unexpected(std::move(ok.error()));
    return account;
  });
  if (!looked) return std::unexpected(looked.error());
  if (!wanted.role && looked->kind == store::AccountKind::operator_)
    return invalid("", "missing-key", "in an account of operators \"role\" must be said", "operator or auditor");
  const store::UserRole role = wanted.role.value_or(store::UserRole::customer);
  if (auto ok = check_role(*looked, role); !ok) return std::unexpected(std::move(ok.error()));
  std::string password_hash;
  if (wanted.password) {
    if (auto wrong = password_problem(*wanted.password, wanted.email, "/password")) return invalid({std::move(*wrong)});
    password_hash = context.secrets.hash_password(*wanted.password);
  }

  const std::int64_t now_ms = context.now_ms();
  auto made = write_in(context.database, [&](store::Transaction& tx) -> Outcome<MadeUser> {
    const auto account = account_seen(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    if (auto ok = check_new(tx, caller, *account, wanted.email); !ok) return std::unexpected(std::move(ok.error()));
    store::User user;
    user.account_id = account_id;
    user.email = wanted.email;
    user.role = role;
    user.password_hash = password_hash;
    auto kept = store::insert_user(tx, std::move(user), now_ms);
    if (!kept) return failed(kept);
    AuditedChange change{account_id, "user.create", "user", kept->email, std::nullopt, audit_value(*kept)};
    if (auto told = audit(tx, caller, change, now_ms); !told) return failed(told);
    MadeUser out;
    if (!wanted.password) {
      auto link = invite(tx, context, *account, *kept, now_ms);
      if (!link) return std::unexpected(std::move(link.error()));
      if (caller.is_operator()) out.link = std::move(*link);
    }
    out.user = std::move(*kept);
    return out;
  });
  if (made && !wanted.password) context.notice_written();
  return made;
}

Outcome<store::User> change_user(Context& context, const Caller& caller, std::string_view id, const UserChange& change,
                                 std::optional<std::int64_t> expected_revision) {
  if (auto may = may_change(caller); !may) return std::unexpected(std::move(may.error()));
  const std::int64_t now_ms = context.now_ms();
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<store::User> {
    auto before = find_seen(tx, caller, id);
    if (!before) return before;
    if (!caller.is_operator() && change.role) {
      return refuse(403, "forbidden", "only operators change roles",
                    {{"/role", "forbidden", "only operators set this", ""}});
    }
    if (auto ok = check_revision(*before, expected_revision); !ok) return std::unexpected(std::move(ok.error()));
    store::User wanted = *before;
    if (change.disabled) wanted.disabled = *change.disabled;
    if (change.role) wanted.role = *change.role;
    if (wanted == *before) return before;
    if (!caller.is_operator() && wanted.id == caller.user_id)
      return refuse(403, "forbidden", "somebody else must disable you");
    if (wanted.role != before->role) {
      const auto account = store::find_account(tx, wanted.account_id);
      if (!account) return failed(account);
      if (auto ok = check_role(*account, wanted.role); !ok) return std::unexpected(std::move(ok.error()));
    }
    if (!is_able_operator(wanted)) {
      if (auto ok = another_operator(tx, *before); !ok) return std::unexpected(std::move(ok.error()));
    }
    auto after = store::update_user(tx, wanted, before->revision, now_ms);
    if (!after) return failed(after);
    if (after->disabled || after->role != before->role) {
      if (auto ok = end_credentials(tx, after->id); !ok) return std::unexpected(std::move(ok.error()));
    }
    if (after->disabled) {
      if (auto gone = store::delete_setup_links(tx, kPasswordPurpose, after->id); !gone) return failed(gone);
    }
    AuditedChange told_of{after->account_id, "user.change",        "user",
                          after->email,      audit_value(*before), audit_value(*after)};
    if (auto told = audit(tx, caller, told_of, now_ms); !told) return failed(told);
    return std::move(*after);
  });
}

Outcome<void> delete_user(Context& context, const Caller& caller, std::string_view id,
                          std::optional<std::int64_t> expected_revision) {
  if (auto may = may_change(caller); !may) return may;
  const std::int64_t now_ms = context.now_ms();
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<void> {
    const auto user = find_seen(tx, caller, id);
    if (!user) return std::unexpected(user.error());
    if (auto ok = check_revision(*user, expected_revision); !ok) return ok;
    if (!caller.is_operator() && user->id == caller.user_id)
      return refuse(403, "forbidden", "somebody else must delete you");
    if (auto ok = another_operator(tx, *user); !ok) return ok;
    if (auto gone = store::delete_user(tx, user->id, user->revision); !gone) return failed(gone);
    AuditedChange change{user->account_id, "user.delete", "user", user->email, audit_value(*user), std::nullopt};
    if (auto told = audit(tx, caller, change, now_ms); !told) return failed(told);
    return {};
  });
}

}  // namespace fairlead::control
