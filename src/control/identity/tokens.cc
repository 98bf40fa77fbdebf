#include "control/identity/tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/audit_trail.h"
#include "control/identity/audit_values.h"
#include "control/identity/rights.h"
#include "control/in_transaction.h"
#include "control/secrets.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

}  // namespace

Scope scope_of(const store::Token& token) { return token.scopes == "write" ? Scope::write : Scope::read; }
std::string_view to_string(Scope scope) { return scope == Scope::write ? "write" : "read"; }

Outcome<std::vector<store::Token>> list_tokens(Context& context, const Caller& caller) {
  if (!caller.signed_in()) return refuse(401, "unauthorized", "sign in, or send a token");
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<std::vector<store::Token>> {
    auto tokens = store::list_tokens(tx, caller.user_id);
    if (!tokens) return failed(tokens);
    return std::move(*tokens);
  });
}

Outcome<MadeToken> create_token(Context& context, const Caller& caller, const NewToken& wanted) {
  if (auto may = may_change_own(caller); !may) return std::unexpected(std::move(may.error()));
  if (caller.account_state != store::AccountState::active)
    return refuse(403, "account_suspended", "the account is suspended: nothing new is made");
  if (wanted.scope == Scope::write && !caller.may_write) {
    return refuse(403, "forbidden", "who may not change anything cannot make a token that may",
                  {{"/scope", "forbidden", "the scope is more than the caller may", "use \"read\""}});
  }
  const std::int64_t now_ms = context.now_ms();
  MadeToken made;
  made.secret = Secrets::random_key("flt_");
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<MadeToken> {
    const auto present = store::list_tokens(tx, caller.user_id);
    if (!present) return failed(present);
    if (present->size() >= kMaxTokens)
      return refuse(409, "wrong_state", fmt::format("a user has {} tokens at most; delete one first", kMaxTokens));
    store::Token token;
    token.user_id = caller.user_id;
    token.name = wanted.name;
    token.hash = Secrets::key_hash(made.secret);
    token.scopes = to_string(wanted.scope);
    token.expires_ms = now_ms + wanted.days * kDayMs;
    auto kept = store::insert_token(tx, std::move(token), now_ms);
    if (!kept) return failed(kept);
    AuditedChange change{caller.account_id, "token.create", "token", kept->name, std::nullopt, audit_value(*kept)};
    if (auto told = audit(tx, caller, change, now_ms); !told) return failed(told);
    return MadeToken{std::move(*kept), made.secret};
  });
}

Outcome<void> delete_token(Context& context, const Caller& caller, std::string_view id) {
  if (auto may = may_change_own(caller); !may) return may;
  return write_in(context.database, [&](store::Transaction& tx) -> Outcome<void> {
    const auto own = store::list_tokens(tx, caller.user_id);
    if (!own) return failed(own);
    const auto token = std::ranges::find(*own, id, &store::Token::id);
    if (token == own->end()) return not_found("token");
    if (auto gone = store::delete_token(tx, id, caller.user_id); !gone) return failed(gone);
    AuditedChange change{caller.account_id, "token.delete", "token", token->name, audit_value(*token), std::nullopt};
    if (auto told = audit(tx, caller, change, context.now_ms()); !told) return failed(told);
    return {};
  });
}

}  // namespace fairlead::control
