#include "store/users.h"

#include <array>

#include "model/syntax.h"
#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;
using model::lower_case;

namespace {

constexpr std::array<std::string_view, 3> kRoles = {"customer", "operator", "auditor"};

constexpr Sql kColumns = "id, account_id, email, role, password_hash, disabled, revision, created_ms, updated_ms";

User read_user(Columns& c) {
  User user;
  user.id = c.text();
  user.account_id = c.text();
  user.email = c.text();
  user.role = value_of<UserRole>(kRoles, c.text());
  user.password_hash = c.text();
  user.disabled = c.truth();
  user.revision = c.integer();
  user.created_ms = c.integer();
  user.updated_ms = c.integer();
  return user;
}

}  // namespace

std::string_view to_string(UserRole role) { return word_of(kRoles, role); }

Result<User> insert_user(Transaction& tx, User user, std::int64_t now_ms) {
  user.id = new_id(now_ms);
  user.email = lower_case(user.email);
  user.revision = 1;
  user.created_ms = user.updated_ms = now_ms;
  auto done = tx.execute(
      "insert into users (id, account_id, email, role, password_hash, disabled, revision, created_ms, updated_ms) "
      "values (:id, :account, :email, :role, :password, :disabled, 1, :now, :now)",
      {{"id", user.id},
       {"account", user.account_id},
       {"email", user.email},
       {"role", to_string(user.role)},
       {"password", user.password_hash},
       {"disabled", user.disabled},
       {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return user;
}

Result<User> find_user(Transaction& tx, std::string_view id) {
  const auto sql = "select " + kColumns + " from users where id = :id";
  return read_one(tx.query_one(sql, {{"id", id}}, "user"), read_user);
}

Result<User> find_user_by_email(Transaction& tx, std::string_view email) {
  const auto sql = "select " + kColumns + " from users where email = :email";
  return read_one(tx.query_one(sql, {{"email", lower_case(email)}}, "user"), read_user);
}

Result<User> update_user(Transaction& tx, const User& user, std::int64_t expected_revision, std::int64_t now_ms) {
  auto done = must_match(tx.execute("update users set email = :email, role = :role, password_hash = :password, "
                                    "disabled = :disabled, revision = revision + 1, updated_ms = :now "
                                    "where id = :id and revision = :expected",
                                    {{"email", lower_case(user.email)},
                                     {"role", to_string(user.role)},
                                     {"password", user.password_hash},
                                     {"disabled", user.disabled},
                                     {"now", now_ms},
                                     {"id", user.id},
                                     {"expected", expected_revision}}),
                         tx, "users", user.id, expected_revision, "user");
  if (!done) return std::unexpected(std::move(done.error()));
  return find_user(tx, user.id);
}

Result<void> delete_user(Transaction& tx, std::string_view id, std::int64_t expected_revision) {
  return must_match(tx.execute("delete from users where id = :id and revision = :expected",
                               {{"id", id}, {"expected", expected_revision}}),
                    tx, "users", id, expected_revision, "user");
}

Result<std::int64_t> count_operators(Transaction& tx) {
  return read_one(tx.query_one("select count(*) from users where role = 'operator'", {}, "users"),
                  [](Columns& c) { return c.integer(); });
}

Result<std::int64_t> count_able_operators(Transaction& tx, std::string_view except) {
  return read_one(tx.query_one("select count(*) from users where role = 'operator' and disabled = 0 "
                               "and password_hash <> '' and id <> :except",
                               {{"except", except}}, "users"),
                  [](Columns& c) { return c.integer(); });
}

Result<Page<User>> list_users(Transaction& tx, const std::optional<std::string>& account_id, const PageRequest& page) {
  Filter filter;
  filter.equal("account_id", "account", account_id);
  Filter after = filter;
  if (!page.after.empty()) after.add("email > :after", "after", page.after);
  return read_page(tx, "users", kColumns, filter, after, "email", page, read_user,
                   [](const User& user) { return user.email; });
}

}  // namespace fairlead::store
