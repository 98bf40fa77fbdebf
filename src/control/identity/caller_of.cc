#include "control/identity/caller_of.h"

#include "control/identity/session_cookie.h"
#include "control/identity/sign_in.h"
#include "control/in_transaction.h"
#include "control/secrets.h"
#include "model/syntax.h"
#include "store/logins.h"
#include "store/tokens.h"

namespace fairlead::control {
namespace {

constexpr std::size_t kMaxKey = 128;  // ours have 47 characters; what is longer is not hashed

bool is_missing(const base::Error& error) { return error.code == base::Code::not_found; }

// The caller that a user's credential makes, or none when the account is closed.
Outcome<std::optional<Caller>> caller_for(store::Transaction& tx, const std::string& user_id) {
  auto user = store::find_user(tx, user_id);
  if (!user) return failed(user);
  auto account = store::find_account(tx, user->account_id);
  if (!account) return failed(account);
  if (account->state == store::AccountState::closed) return std::optional<Caller>();
  Caller caller = acting(*user, {});
  caller.account_kind = account->kind;
  caller.account_state = account->state;
  caller.may_write = may_write(*user, *account);
  return caller;
}

template <class Credential>
struct Found {
  Credential credential;
  Caller caller;
};

// What the database has for a credential, or none.
template <class Credential, class Find>
Outcome<std::optional<Found<Credential>>> look(Context& context, Find find) {
  using Answer = std::optional<Found<Credential>>;
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<Answer> {
    auto credential = find(tx);
    if (!credential && is_missing(credential.error())) return Answer();
    if (!credential) return failed(credential);
    auto caller = caller_for(tx, credential->user_id);
    if (!caller) return std::unexpected(std::move(caller.error()));
    if (!*caller) return Answer();
    return Found<Credential>{std::move(*credential), std::move(**caller)};
  });
}

std::unexpected<Failure> bad_token() {
  return refuse(401, "unauthorized", "the token is not known, has expired, or is not written as Bearer TOKEN");
}

Outcome<Caller> by_token(Context& context, std::string_view authorization, std::int64_t now_ms) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size() || authorization.size() > kScheme.size() + kMaxKey ||
      model::lower_case(authorization.substr(0, kScheme.size())) != kScheme)
    return bad_token();
  std::string_view token = authorization.substr(kScheme.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  const std::string hash = Secrets::key_hash(token);
  auto found = look<store::Token>(context, [&](store::Transaction& tx) { return store::find_token(tx, hash, now_ms); });
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return bad_token();
  const store::Token& known = (*found)->credential;
  if (!known.last_used_ms || now_ms - *known.last_used_ms >= kUseNotedMs) {
    // For people to read: a request does not fail because this could not be noted.
    (void)context.database.write([&](store::Transaction& tx) { return store::touch_token(tx, known.id, now_ms); });
  }
  Caller caller = std::move((*found)->caller);
  caller.credential = "token";
  caller.may_write = caller.may_write && known.scopes == "write";
  return caller;
}

Outcome<Caller> by_cookie(Context& context, const ApiRequest& request, std::string_view key, std::int64_t now_ms) {
  if (key.size() > kMaxKey) return Caller();
  const std::string hash = Secrets::key_hash(key);
  auto found = look<store::Login>(context, [&](store::Transaction& tx) { return store::find_login(tx, hash, now_ms); });
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return Caller();
  const store::Login& login = (*found)->credential;
  if (request.method != "GET" && request.method != "HEAD") {
    if (!from_own_pages(request, context.config))
      return refuse(403, "csrf_required", "the request comes from a page of another origin");
    const std::string* csrf = request.field(kCsrfField);
    if (!csrf || !Secrets::equal(*csrf, login.csrf)) {
      return refuse(403, "csrf_required",
                    "a request with the cookie that changes something repeats the csrf of the login in fairlead-csrf");
    }
  }
  const std::int64_t next_end = now_ms + context.config.login_time.count();
  if (next_end - login.expires_ms >= kUseNotedMs) {
    // Again no reason to fail; it is tried with the next request.
    (void)context.database.write([&](store::Transaction& tx) { return store::extend_login(tx, hash, next_end); });
  }
  Caller caller = std::move((*found)->caller);
  caller.credential = "cookie";
  caller.login_hash = hash;
  return caller;
}

Outcome<Caller> with_credentials(Context& context, const ApiRequest& request) {
  const std::int64_t now_ms = context.now_ms();
  if (const std::string* authorization = request.field("authorization"))
    return by_token(context, *authorization, now_ms);
  if (const auto key = session_key(request)) return by_cookie(context, request, *key, now_ms);
  return Caller();
}

}  // namespace

Outcome<Caller> caller_of(Context& context, const ApiRequest& request) {
  auto caller = with_credentials(context, request);
  if (caller) caller->source_address = request.source_address;
  return caller;
}

}  // namespace fairlead::control
