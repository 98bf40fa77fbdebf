#pragma once
// Statements (R19): bills, by the day or by the month, itemised by tiers, with what the other method would have cost
// beside them. An issued statement is a canonical JSON document that nobody changes: late records become lines of a
// later one. Everything in it follows from usage, closed days, price books and the ledger, and recompute_statement()
// makes it again from them, to the byte.
//
// What is charged together: of a statement's days those of one method, price book and basis; their traffic is rated as
// one quantity. Bandwidth paid by the day is each day's peak; paid by the month it is the mean of the days' peaks over
// all days of that month, days billed otherwise counting as nothing and dates that were left out (days.h) not at all.
// Amounts are in micro-units, rounded half up for each line (rating.h).
//
// An adjustment costs what its day's charge would have cost more. It is on the next statement; when that has nothing in
// its currency, on one of its own, without days.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/billing/days.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/accounts.h"
#include "store/billing_statements.h"
#include "store/page.h"

namespace fairlead::control {

// What is complete: each day paid by the day, each month paid by the month once its last day is closed. `next`: the
// first day that is not closed. Those in which nothing passed are settled here, without a bill; of the others the first
// days, which issue_statements() takes one by one, each in a transaction of its own: one that cannot be issued holds up
// no other.
struct ReadyStatements {
  std::vector<std::string> first_days;
  int idle = 0;        // settled without
  bool waits = false;  // there are some without a price
};
base::Result<ReadyStatements> ready_statements(store::Transaction& tx, const store::Account& account, LocalDate next);

// Issues that which begins with `first_day`: a bill for each currency. How many. Errors: of the store; too_large when
// an amount is beyond 64 bits.
base::Result<int> issue_statements(store::Transaction& tx, Context& context, const store::Account& account,
                                   LocalDate next, const std::string& first_day);

// What is not issued yet, oldest first: closed days that wait, and the day under way as far as it has come.
struct RunningBill {
  nlohmann::ordered_json document;  // like a statement's, without number and date
  std::string waits_for;            // "period": its end; "price": a price book
};
Outcome<std::vector<RunningBill>> running_bills(Context& context, const Caller& caller, const PointsReader& points,
                                                const std::optional<std::string>& account_id);

struct StatementView {
  store::Statement row;
  std::string account_name;  // as it is now
};
Outcome<StatementView> get_statement(Context& context, const Caller& caller, std::int64_t number);
// Newest first, without documents.
Outcome<store::Page<StatementView>> list_statements(Context& context, const Caller& caller,
                                                    const std::optional<std::string>& account_id,
                                                    const store::PageRequest& page);

struct Recomputed {
  bool equal = false;
  std::string document;     // as it comes out now
  int days_from_usage = 0;  // of its days, those whose usage is still kept
  int days_from_store = 0;  // the others: taken from what was closed
};
Outcome<Recomputed> recompute_statement(Context& context, const Caller& caller, const PointsReader& points,
                                        std::int64_t number);
base::Result<Recomputed> recompute(store::Transaction& tx, const PointsReader& points,
                                   const store::Statement& statement);

// A line of RFC 4180 for each itemised line.
std::string statement_csv(const nlohmann::ordered_json& document);

}  // namespace fairlead::control
