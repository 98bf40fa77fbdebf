#include "store/logins.h"

#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

Login read_login(Columns& c) {
  Login login;
  login.session_hash = c.text();
  login.user_id = c.text();
  login.csrf = c.text();
  login.created_ms = c.integer();
  login.expires_ms = c.integer();
  return login;
}

}  // namespace

Result<Login> insert_login(Transaction& tx, Login login, std::int64_t now_ms) {
  login.created_ms = now_ms;
  auto done = tx.execute(
      "insert into logins (session_hash, user_id, csrf, created_ms, expires_ms) "
      "values (:hash, :user, :csrf, :now, :expires)",
      {{"hash", login.session_hash},
       {"user", login.user_id},
       {"csrf", login.csrf},
       {"now", now_ms},
       {"expires", login.expires_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return login;
}

Result<Login> find_login(Transaction& tx, std::string_view session_hash, std::int64_t now_ms) {
  return read_one(tx.query_one("select l.session_hash, l.user_id, l.csrf, l.created_ms, l.expires_ms from logins l "
                               "join users u on u.id = l.user_id "
                               "where l.session_hash = :hash and l.expires_ms > :now and u.disabled = 0",
                               {{"hash", session_hash}, {"now", now_ms}}, "login"),
                  read_login);
}

Result<void> extend_login(Transaction& tx, std::string_view session_hash, std::int64_t expires_ms) {
  return must_change(tx.execute("update logins set expires_ms = :expires where session_hash = :hash",
                                {{"expires", expires_ms}, {"hash", session_hash}}),
                     "login");
}

Result<void> delete_login(Transaction& tx, std::string_view session_hash) {
  auto done = tx.execute("delete from logins where session_hash = :hash", {{"hash", session_hash}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Result<std::int64_t> delete_logins_of_user(Transaction& tx, std::string_view user_id) {
  return tx.execute("delete from logins where user_id = :user", {{"user", user_id}});
}

Result<std::int64_t> delete_other_logins(Transaction& tx, std::string_view user_id,
                                         std::string_view kept_session_hash) {
  return tx.execute("delete from logins where user_id = :user and session_hash <> :kept",
                    {{"user", user_id}, {"kept", kept_session_hash}});
}

Result<std::int64_t> delete_expired_logins(Transaction& tx, std::int64_t now_ms) {
  return tx.execute("delete from logins where expires_ms <= :now", {{"now", now_ms}});
}

}  // namespace fairlead::store
