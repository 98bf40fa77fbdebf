#include "control/api/identity_operations.h"

#include <array>

#include "control/identity/accounts.h"
#include "control/identity/first_operator.h"
#include "control/identity/passwords.h"
#include "control/identity/session_cookie.h"
#include "control/identity/sign_in.h"
#include "control/identity/tokens.h"
#include "control/identity/users.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kFirstAccountName = "Operators";

// --- out of a body that the contract's schemas have let through

std::string text(const Json& body, const char* key) { return body.at(key).get<std::string>(); }

template <class T>
std::optional<T> optional(const Json& body, const char* key) {
  const auto found = body.find(key);
  if (found == body.end()) return std::nullopt;
  return found->template get<T>();
}

// The value whose word the text is.
template <class E, std::size_t N>
std::optional<E> optional_word(const Json& body, const char* key, const std::array<E, N>& values) {
  const auto word = optional<std::string>(body, key);
  if (!word) return std::nullopt;
  for (const E value : values) {
    if (to_string(value) == *word) return value;
  }
  return std::nullopt;
}

constexpr std::array kDefaults = {store::WebSocketDefault::by_acceleration, store::WebSocketDefault::on,
                                  store::WebSocketDefault::off};
constexpr std::array kStates = {store::AccountState::active, store::AccountState::suspended,
                                store::AccountState::closed};
constexpr std::array kRoles = {store::UserRole::customer, store::UserRole::operator_, store::UserRole::auditor};
constexpr std::array kScopes = {Scope::read, Scope::write};

// --- into answers

Json json_of(const store::Account& account) { return control::to_json(account); }
Json json_of(const store::User& user) { return control::to_json(user); }

Json json_of(const SignedIn& in) {
  Json body = {{"user", json_of(in.user)}, {"account", json_of(in.account)}, {"may_write", in.may_write}};
  if (!in.csrf.empty()) body["csrf"] = in.csrf;
  if (in.expires_ms) body["expires"] = date(in.expires_ms);
  return body;
}

Json json_of(const store::Token& token) {
  return {{"id", token.id},
          {"name", token.name},
          {"scope", to_string(scope_of(token))},
          {"created", date(token.created_ms)},
          {"expires", date(token.expires_ms)},
          {"last_used", date(token.last_used_ms)}};
}

Json json_of(const OneTimeLink& link) {
  return {{"key", link.key}, {"url", link.url}, {"expires", date(link.expires_ms)}};
}

// One service's answer as a Reply.
template <class T>
Outcome<Reply> revised(Outcome<T> answer, int status = 200) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  Reply reply;
  reply.status = status;
  reply.body = json_of(*answer);
  reply.revision = answer->revision;
  return reply;
}

Outcome<Reply> nothing(Outcome<void> answer) {
  if (!answer) return std::unexpected(std::move(answer.error()));
  Reply reply;
  reply.status = 204;
  return reply;
}

void keep_from_caches(Reply& reply) { reply.fields.emplace_back("cache-control", "no-store"); }

class IdentityOperations {
 public:
  IdentityOperations(Context& context, LoginGuard& guard) : context_(context), guard_(guard) {}

  Outcome<Reply> set_up(const Call& call) {
    if (auto ok = from_here(call.request); !ok) return std::unexpected(std::move(ok.error()));
    FirstOperator wanted;
    wanted.key = text(call.body, "key");
    wanted.account_name = optional<std::string>(call.body, "account_name").value_or(std::string(kFirstAccountName));
    wanted.email = text(call.body, "email");
    wanted.password = text(call.body, "password");
    return signed_in(call.request, set_up_first_operator(context_, wanted, call.request.source_address), 201);
  }

  Outcome<Reply> log_in(const Call& call) {
    if (auto ok = from_here(call.request); !ok) return std::unexpected(std::move(ok.error()));
    return signed_in(call.request,
                     control::log_in(context_, guard_, text(call.body, "email"), text(call.body, "password"),
                                     call.request.source_address),
                     200);
  }

  Outcome<Reply> get_login(const Call& call) {
    auto in = who_is(context_, call.caller);
    // The browser keeps the cookie for as long as the login goes on being used.
    if (in && !call.caller.login_hash.empty()) in->key = session_key(call.request).value_or("");
    return signed_in(call.request, std::move(in), 200);
  }

  Outcome<Reply> log_out(const Call& call) {
    auto reply = nothing(control::log_out(context_, call.caller));
    if (reply) reply->fields.emplace_back("set-cookie", end_session_cookie(call.request, context_.config));
    return reply;
  }

  Outcome<Reply> set_password(const Call& call) {
    return nothing(control::set_password(context_, text(call.body, "key"), text(call.body, "password"),
                                         call.request.source_address));
  }

  Outcome<Reply> change_password(const Call& call) {
    return nothing(control::change_password(context_, guard_, call.caller, text(call.body, "old_password"),
                                            text(call.body, "new_password")));
  }

  Outcome<Reply> list_tokens(const Call& call) {
    auto tokens = control::list_tokens(context_, call.caller);
    if (!tokens) return std::unexpected(std::move(tokens.error()));
    Json items = Json::array();
    for (const store::Token& token : *tokens) items.push_back(json_of(token));
    Reply reply;
    reply.body = {{"items", std::move(items)}};
    return reply;
  }

  Outcome<Reply> create_token(const Call& call) {
    NewToken wanted;
    wanted.name = text(call.body, "name");
    wanted.scope = optional_word(call.body, "scope", kScopes).value_or(Scope::read);
    wanted.days = optional<std::int64_t>(call.body, "expires_in_days").value_or(kTokenDays);
    auto made = control::create_token(context_, call.caller, wanted);
    if (!made) return std::unexpected(std::move(made.error()));
    Reply reply;
    reply.status = 201;
    reply.body = json_of(made->token);
    reply.body["token"] = made->secret;
    keep_from_caches(reply);
    return reply;
  }

  Outcome<Reply> delete_token(const Call& call) {
    return nothing(control::delete_token(context_, call.caller, call.path("token_id")));
  }

  Outcome<Reply> list_accounts(const Call& call) {
    auto page = control::list_accounts(context_, call.caller, call.query("search").value_or(""), call.page());
    return paged(std::move(page));
  }

  Outcome<Reply> create_account(const Call& call) {
    NewAccount wanted;
    wanted.name = text(call.body, "name");
    if (auto zone = optional<std::string>(call.body, "time_zone")) wanted.time_zone = std::move(*zone);
    wanted.identity_verified = optional<bool>(call.body, "identity_verified").value_or(false);
    wanted.websocket_default =
        optional_word(call.body, "websocket_default", kDefaults).value_or(wanted.websocket_default);
    return revised(control::create_account(context_, call.caller, wanted), 201);
  }

  Outcome<Reply> get_account(const Call& call) {
    return revised(control::get_account(context_, call.caller, call.path("account_id")));
  }

  Outcome<Reply> change_account(const Call& call) {
    AccountChange change;
    change.name = optional<std::string>(call.body, "name");
    change.state = optional_word(call.body, "state", kStates);
    change.identity_verified = optional<bool>(call.body, "identity_verified");
    change.time_zone = optional<std::string>(call.body, "time_zone");
    change.websocket_default = optional_word(call.body, "websocket_default", kDefaults);
    return revised(
        control::change_account(context_, call.caller, call.path("account_id"), change, call.expected_revision));
  }

  Outcome<Reply> list_users(const Call& call) {
    return paged(control::list_users(context_, call.caller, call.query("account_id"), call.page()));
  }

  Outcome<Reply> create_user(const Call& call) {
    NewUser wanted;
    wanted.account_id = optional<std::string>(call.body, "account_id");
    wanted.email = text(call.body, "email");
    wanted.role = optional_word(call.body, "role", kRoles);
    wanted.password = optional<std::string>(call.body, "password");
    auto made = control::create_user(context_, call.caller, wanted);
    if (!made) return std::unexpected(std::move(made.error()));
    Reply reply;
    reply.status = 201;
    reply.body["user"] = json_of(made->user);
    if (made->link) reply.body["password_link"] = json_of(*made->link);
    reply.revision = made->user.revision;
    keep_from_caches(reply);
    return reply;
  }

  Outcome<Reply> get_user(const Call& call) {
    return revised(control::get_user(context_, call.caller, call.path("user_id")));
  }

  Outcome<Reply> change_user(const Call& call) {
    UserChange change;
    change.disabled = optional<bool>(call.body, "disabled");
    change.role = optional_word(call.body, "role", kRoles);
    return revised(control::change_user(context_, call.caller, call.path("user_id"), change, call.expected_revision));
  }

  Outcome<Reply> delete_user(const Call& call) {
    return nothing(control::delete_user(context_, call.caller, call.path("user_id"), call.expected_revision));
  }

  Outcome<Reply> create_password_link(const Call& call) {
    auto link = make_password_link(context_, call.caller, call.path("user_id"));
    if (!link) return std::unexpected(std::move(link.error()));
    Reply reply;
    reply.status = 201;
    reply.body = json_of(*link);
    keep_from_caches(reply);
    return reply;
  }

 private:
  // Nobody is signed in by a page of somebody else: they would work in a stranger's account without noticing.
  Outcome<void> from_here(const ApiRequest& request) const {
    if (from_own_pages(request, context_.config)) return {};
    return refuse(403, "csrf_required", "the request comes from a page of another origin");
  }

  Outcome<Reply> signed_in(const ApiRequest& request, Outcome<SignedIn> in, int status) const {
    if (!in) return std::unexpected(std::move(in.error()));
    Reply reply;
    reply.status = status;
    reply.body = json_of(*in);
    if (!in->key.empty())
      reply.fields.emplace_back("set-cookie", set_session_cookie(request, context_.config, in->key));
    keep_from_caches(reply);
    return reply;
  }

  template <class T>
  static Outcome<Reply> paged(Outcome<store::Page<T>> page) {
    if (!page) return std::unexpected(std::move(page.error()));
    Reply reply;
    reply.body = page_json(*page, [](const T& item) { return json_of(item); });
    return reply;
  }

  Context& context_;
  LoginGuard& guard_;
};

}  // namespace

Json to_json(const store::Account& a) {
  return {{"id", a.id},
          {"name", a.name},
          {"kind", store::to_string(a.kind)},
          {"state", store::to_string(a.state)},
          {"identity_verified", a.identity_verified},
          {"time_zone", a.time_zone},
          {"websocket_default", store::to_string(a.websocket_default)},
          {"revision", a.revision},
          {"created", date(a.created_ms)},
          {"updated", date(a.updated_ms)}};
}

Json to_json(const store::User& u) {
  return {{"id", u.id},
          {"account_id", u.account_id},
          {"email", u.email},
          {"role", store::to_string(u.role)},
          {"disabled", u.disabled},
          {"has_password", !u.password_hash.empty()},
          {"revision", u.revision},
          {"created", date(u.created_ms)},
          {"updated", date(u.updated_ms)}};
}

void add_identity_operations(Operations& operations, Context& context, LoginGuard& guard) {
  using Member = Outcome<Reply> (IdentityOperations::*)(const Call&);
  const auto shared = std::make_shared<IdentityOperations>(context, guard);
  const auto add = [&](const char* id, Member member) {
    operations[id] = [shared, member](const Call& call) { return ((*shared).*member)(call); };
  };
  add("setUpFirstOperator", &IdentityOperations::set_up);
  add("logIn", &IdentityOperations::log_in);
  add("getLogin", &IdentityOperations::get_login);
  add("logOut", &IdentityOperations::log_out);
  add("setPassword", &IdentityOperations::set_password);
  add("changePassword", &IdentityOperations::change_password);
  add("listTokens", &IdentityOperations::list_tokens);
  add("createToken", &IdentityOperations::create_token);
  add("deleteToken", &IdentityOperations::delete_token);
  add("listAccounts", &IdentityOperations::list_accounts);
  add("createAccount", &IdentityOperations::create_account);
  add("getAccount", &IdentityOperations::get_account);
  add("changeAccount", &IdentityOperations::change_account);
  add("listUsers", &IdentityOperations::list_users);
  add("createUser", &IdentityOperations::create_user);
  add("getUser", &IdentityOperations::get_user);
  add("changeUser", &IdentityOperations::change_user);
  add("deleteUser", &IdentityOperations::delete_user);
  add("createPasswordLink", &IdentityOperations::create_password_link);
}

}  // namespace fairlead::control
