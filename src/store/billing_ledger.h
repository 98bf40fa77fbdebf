#pragma once
// Ledger: double-entry book-keeping of resource packs' bytes and of money (R20). Append only: what was wrong is undone
// by a further transaction. An entry moves an amount of one unit from its credit account to its debit account, so
// whatever is written, the balances of all accounts of a unit sum up to zero: nothing appears, nothing is lost.
// append_ledger checks more: that no pack's balance falls below zero. Values; functions work inside the caller's
// transaction and fail as database.h says.
//
// Accounts of bytes:  granted    where packs' bytes come from (its balance is what was ever sold, less what came back)
//                     pack:ID    what a pack has left
//                     used       taken for a day (reference "day:2026-03-29", or "day:2026-03-29:1" of an adjustment)
//                     expired    left over at the pack's end
// Accounts of money:  receivable  what the customer owes;  revenue:packs, revenue:traffic, revenue:bandwidth
// Each belongs to one customer's account besides; `granted` too.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

inline constexpr std::string_view kBytesUnit = "bytes";  // of money: the currency, "USD", in micro-units

struct LedgerEntry {
  std::string transaction_id;
  std::int64_t line = 0;   // 1, 2, ... of the transaction
  std::string account_id;  // the customer's
  std::int64_t at_ms = 0;  // since 1970 UTC
  std::string kind;        // pack.bought, pack.used, pack.expired, pack.cancelled, bill.issued
  std::string unit;
  std::string debit, credit;
  std::int64_t amount = 0;  // above 0
  std::string reference;    // what it is for: pack:ID, day:DAY, bill:NUMBER
  bool operator==(const LedgerEntry&) const = default;
};

// Writes one transaction: of each entry account_id, unit, debit, credit, amount and reference are the caller's. Its id;
// none when there are no entries. Errors: internal when an amount is not above zero, debit is credit, or a pack would
// have less than nothing.
base::Result<std::string> append_ledger(Transaction& tx, std::string_view kind, std::vector<LedgerEntry> entries,
                                        std::int64_t now_ms);

// Debits less credits.
base::Result<std::int64_t> ledger_balance(Transaction& tx, std::string_view account_id, std::string_view unit,
                                          std::string_view ledger_account);

struct LedgerBalance {
  std::string unit, account;
  std::int64_t balance = 0;
  bool operator==(const LedgerBalance&) const = default;
};
// Of every account of a customer's, by unit and name.
base::Result<std::vector<LedgerBalance>> ledger_balances(Transaction& tx, std::string_view account_id);

// Entries for one thing, in order.
base::Result<std::vector<LedgerEntry>> ledger_of_reference(Transaction& tx, std::string_view account_id,
                                                           std::string_view reference);
// Of a customer's, oldest first; `touching`: only of this ledger account; empty: of all.
base::Result<Page<LedgerEntry>> list_ledger(Transaction& tx, std::string_view account_id, std::string_view touching,
                                            const PageRequest& page);

}  // namespace fairlead::store
