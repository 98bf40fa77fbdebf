#include "store/accounts.h"

#include <array>

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr std::array<std::string_view, 2> kKinds = {"customer", "operator"};
constexpr std::array<std::string_view, 3> kStates = {"active", "suspended", "closed"};

constexpr std::array<std::string_view, 3> kWebSocketDefaults = {"by-acceleration", "on", "off"};

constexpr Sql kColumns =
    "id, name, kind, identity_verified, email_verified, time_zone, websocket_default, state, revision, created_ms, "
    "updated_ms";

Account read_account(Columns& c) {
  Account a;
  a.id = c.text();
  a.name = c.text();
  a.kind = value_of<AccountKind>(kKinds, c.text());
  a.identity_verified = c.truth();
  a.email_verified = c.truth();
  a.time_zone = c.text();
  a.websocket_default = value_of<WebSocketDefault>(kWebSocketDefaults, c.text());
  a.state = value_of<AccountState>(kStates, c.text());
  a.revision = c.integer();
  a.created_ms = c.integer();
  a.updated_ms = c.integer();
  return a;
}

}  // namespace

std::string_view to_string(AccountKind kind) { return word_of(kKinds, kind); }
std::string_view to_string(AccountState state) { return word_of(kStates, state); }
std::string_view to_string(WebSocketDefault word) { return word_of(kWebSocketDefaults, word); }

Result<Account> insert_account(Transaction& tx, Account a, std::int64_t now_ms) {
  a.id = new_id(now_ms);
  a.revision = 1;
  a.created_ms = a.updated_ms = now_ms;
  auto done = tx.execute(
      "insert into accounts (id, name, kind, identity_verified, email_verified, time_zone, websocket_default, state, "
      "revision, "
      "created_ms, updated_ms) values (:id, :name, :kind, :identity, :email, :zone, :websocket, :state, 1, :now, :now)",
      {{"id", a.id},
       {"name", a.name},
       {"kind", to_string(a.kind)},
       {"identity", a.identity_verified},
       {"email", a.email_verified},
       {"zone", a.time_zone},
       {"websocket", to_string(a.websocket_default)},
       {"state", to_string(a.state)},
       {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return a;
}

Result<Account> find_account(Transaction& tx, std::string_view id) {
  const auto sql = "select " + kColumns + " from accounts where id = :id";
  return read_one(tx.query_one(sql, {{"id", id}}, "account"), read_account);
}

Result<Account> find_account_by_name(Transaction& tx, std::string_view name) {
  const auto sql = "select " + kColumns + " from accounts where name = :name";
  return read_one(tx.query_one(sql, {{"name", name}}, "account"), read_account);
}

Result<Account> update_account(Transaction& tx, Account a, std::int64_t expected_revision, std::int64_t now_ms) {
  auto done =
      must_match(tx.execute("update accounts set name = :name, identity_verified = :identity, email_verified = :email, "
                            "time_zone = :zone, websocket_default = :websocket, state = :state, revision = revision + "
                            "1, updated_ms = :now "
                            "where id = :id and revision = :expected",
                            {{"name", a.name},
                             {"identity", a.identity_verified},
                             {"email", a.email_verified},
                             {"zone", a.time_zone},
                             {"websocket", to_string(a.websocket_default)},
                             {"state", to_string(a.state)},
                             {"now", now_ms},
                             {"id", a.id},
                             {"expected", expected_revision}}),
                 tx, "accounts", a.id, expected_revision, "account");
  if (!done) return std::unexpected(std::move(done.error()));
  return find_account(tx, a.id);
}

Result<Page<Account>> list_accounts(Transaction& tx, std::string_view name_contains, const PageRequest& page) {
  Filter filter;
  if (!name_contains.empty()) filter.add("name like :pattern escape '!'", "pattern", contains_pattern(name_contains));
  Filter after = filter;
  if (!page.after.empty()) after.add("name > :after", "after", page.after);
  return read_page(tx, "accounts", kColumns, filter, after, "name", page, read_account,
                   [](const Account& a) { return a.name; });
}

}  // namespace fairlead::store
