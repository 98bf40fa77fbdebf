#include "control/identity/first_operator.h"

#include "control/audit_trail.h"
#include "control/identity/audit_values.h"
#include "control/identity/password_rules.h"
#include "control/in_transaction.h"
#include "control/secrets.h"
#include "store/logins.h"
#include "store/setup_links.h"

namespace fairlead::control {
namespace {

std::unexpected<Failure> link_invalid() {
  return refuse(
      403, "link_invalid",
      "the key is wrong, was used or is too old; a start of the program without an operator prints a new one");
}

// Whether the link may be used, `use`: and now is.
Outcome<void> check_link(store::Transaction& tx, const std::string& hash, bool use, std::int64_t now_ms) {
  const auto link = use ? store::use_setup_link(tx, hash, kFirstOperatorPurpose, now_ms)
                        : store::find_setup_link(tx, hash, kFirstOperatorPurpose, now_ms);
  if (!link && link.error().code == base::Code::not_found) return link_invalid();
  if (!link) return failed(link);
  const auto operators = store::count_operators(tx);
  if (!operators) return failed(operators);
  if (*operators > 0) return link_invalid();
  return {};
}

Outcome<void> check_names(store::Transaction& tx, const FirstOperator& wanted) {
  const auto account = store::find_account_by_name(tx, wanted.account_name);
  if (account)
    return refuse(409, "name_taken", "there is an account of that name",
                  {{"/account_name", "name-taken", "there is an account of that name", "choose another"}});
  if (account.error().code != base::Code::not_found) return failed(account);
  const auto user = store::find_user_by_email(tx, wanted.email);
  if (user)
    return refuse(409, "name_taken", "there is a user with that e-mail address",
                  {{"/email", "name-taken", "there is a user with that e-mail address", ""}});
  if (user.error().code != base::Code::not_found) return failed(user);
  return {};
}

}  // namespace

Outcome<std::optional<OneTimeLink>> first_start_link(Context& context) {
  const std::int64_t now_ms = context.now_ms();
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<std::optional<OneTimeLink>> {
    if (auto gone = store::delete_spent_setup_links(tx, now_ms); !gone) return failed(gone);
    if (auto gone = store::delete_expired_logins(tx, now_ms); !gone) return failed(gone);
    const auto operators = store::count_operators(tx);
    if (!operators) return failed(operators);
    if (*operators > 0) return std::optional<OneTimeLink>();
    auto link = make_one_time_link(tx, context, kFirstOperatorPurpose, std::nullopt, now_ms);
    if (!link) return failed(link);
    return std::move(*link);
  });
}

Outcome<SignedIn> set_up_first_operator(Context& context, const FirstOperator& wanted,
                                        const std::string& source_address) {
  const std::int64_t now_ms = context.now_ms();
  const std::string hash = Secrets::key_hash(wanted.key);
  // Nobody without the key makes us hash passwords.
  auto looked =
      read_in(context.database, [&](store::Transaction& tx) { return check_link(tx, hash, /*use=*/false, now_ms); });
  if (!looked) return std::unexpected(std::move(looked.error()));
  if (auto wrong = password_problem(wanted.password, wanted.email, "/password")) return invalid({std::move(*wrong)});
  const std::string password_hash = context.secrets.hash_password(wanted.password);

  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<SignedIn> {
    if (auto ok = check_link(tx, hash, /*use=*/true, now_ms); !ok) return std::unexpected(std::move(ok.error()));
    if (auto ok = check_names(tx, wanted); !ok) return std::unexpected(std::move(ok.error()));
    store::Account account;
    account.name = wanted.account_name;
    account.kind = store::AccountKind::operator_;
    account.identity_verified = true;
    const auto made = store::insert_account(tx, std::move(account), now_ms);
    if (!made) return failed(made);
    store::User user;
    user.account_id = made->id;
    user.email = wanted.email;
    user.role = store::UserRole::operator_;
    user.password_hash = password_hash;
    const auto first = store::insert_user(tx, std::move(user), now_ms);
    if (!first) return failed(first);
    auto in = begin_login(tx, context, *first, *made, now_ms);
    if (!in) return failed(in);

    const Caller self = acting(*first, source_address);
    AuditedChange change{made->id, "account.create", "account", made->name, std::nullopt, audit_value(*made)};
    if (auto told = audit(tx, self, change, now_ms); !told) return failed(told);
    change = {made->id, "user.create", "user", first->email, std::nullopt, audit_value(*first)};
    if (auto told = audit(tx, self, change, now_ms); !told) return failed(told);
    change = {made->id, "login.succeeded", "user", first->email, std::nullopt, std::nullopt};
    if (auto told = audit(tx, self, change, now_ms); !told) return failed(told);
    return std::move(*in);
  });
}

}  // namespace fairlead::control
