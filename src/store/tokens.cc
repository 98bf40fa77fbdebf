#include "store/tokens.h"

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr Sql kSelect =
    "select t.id, t.user_id, t.name, t.hash, t.scopes, t.created_ms, t.expires_ms, t.last_used_ms from tokens t ";

Token read_token(Columns& c) {
  Token token;
  token.id = c.text();
  token.user_id = c.text();
  token.name = c.text();
  token.hash = c.text();
  token.scopes = c.text();
  token.created_ms = c.integer();
  token.expires_ms = c.optional_integer();
  token.last_used_ms = c.optional_integer();
  return token;
}

}  // namespace

Result<Token> insert_token(Transaction& tx, Token token, std::int64_t now_ms) {
  token.id = new_id(now_ms);
  token.created_ms = now_ms;
  token.last_used_ms.reset();
  auto done = tx.execute(
      "insert into tokens (id, user_id, name, hash, scopes, created_ms, expires_ms) "
      "values (:id, :user, :name, :hash, :scopes, :now, :expires)",
      {{"id", token.id},
       {"user", token.user_id},
       {"name", token.name},
       {"hash", token.hash},
       {"scopes", token.scopes},
       {"now", now_ms},
       {"expires", token.expires_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return token;
}

Result<Token> find_token(Transaction& tx, std::string_view hash, std::int64_t now_ms) {
  return read_one(tx.query_one(kSelect + "join users u on u.id = t.user_id where t.hash = :hash and u.disabled = 0 "
                                         "and (t.expires_ms is null or t.expires_ms > :now)",
                               {{"hash", hash}, {"now", now_ms}}, "token"),
                  read_token);
}

Result<void> touch_token(Transaction& tx, std::string_view id, std::int64_t now_ms) {
  return must_change(tx.execute("update tokens set last_used_ms = :now where id = :id", {{"now", now_ms}, {"id", id}}),
                     "token");
}

Result<std::vector<Token>> list_tokens(Transaction& tx, std::string_view user_id) {
  return read_all(tx.query(kSelect + "where t.user_id = :user order by t.created_ms, t.id", {{"user", user_id}}),
                  read_token);
}

Result<void> delete_token(Transaction& tx, std::string_view id, std::string_view user_id) {
  return must_change(
      tx.execute("delete from tokens where id = :id and user_id = :user", {{"id", id}, {"user", user_id}}), "token");
}

Result<std::int64_t> delete_tokens_of_user(Transaction& tx, std::string_view user_id) {
  return tx.execute("delete from tokens where user_id = :user", {{"user", user_id}});
}

}  // namespace fairlead::store
