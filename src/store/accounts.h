#pragma once
// Accounts: whom domains, users and bills belong to. A customer's account owns domains; an operator's runs the edges.
// Values; functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <string>
#include <string_view>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

enum class AccountKind : std::uint8_t { customer, operator_ };
// Whether a domain that does not say has WebSocket on (R2): by its acceleration, or by this word for the account.
enum class WebSocketDefault : std::uint8_t { by_acceleration, on, off };
enum class AccountState : std::uint8_t { active, suspended, closed };

struct Account {
  std::string id;
  std::string name;  // unique
  AccountKind kind = AccountKind::customer;
  bool identity_verified = false;  // the real name was proved
  bool email_verified = false;
  std::string time_zone = "UTC";  // IANA name; bills begin and end by it
  WebSocketDefault websocket_default = WebSocketDefault::by_acceleration;
  AccountState state = AccountState::active;
  std::int64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;  // since 1970 UTC
  bool operator==(const Account&) const = default;
};

std::string_view to_string(AccountKind kind);
std::string_view to_string(AccountState state);
std::string_view to_string(WebSocketDefault word);

// Makes the account at `now_ms`: id, revision (1) and times are set here, the rest is `account`'s. The row as stored.
base::Result<Account> insert_account(Transaction& tx, Account account, std::int64_t now_ms);

base::Result<Account> find_account(Transaction& tx, std::string_view id);
base::Result<Account> find_account_by_name(Transaction& tx, std::string_view name);

// Writes everything but id, kind and created_ms over the row `account.id`, if its revision is the expected one. The row
// as stored, with its next revision.
base::Result<Account> update_account(Transaction& tx, Account account, std::int64_t expected_revision,
                                     std::int64_t now_ms);

// By name.
base::Result<Page<Account>> list_accounts(Transaction& tx, std::string_view name_contains, const PageRequest& page);

}  // namespace fairlead::store
