#pragma once
// Statements (R19): bills, by the day or by the month, itemised by tiers, with what the other method would have cost
// beside them. An issued statement is a canonical JSON document that nobody changes: late records become lines of a
// later one. Everything in it follows from usage, closed days, price books and the ledger, and recompute_statement()
// makes it again from them, to the byte.
//
// What is charged together: of a statement's days those of one method, price book and basis; their traffic is rated as
// one quantity. Bandwidth paid by the day is each day's peak; paid by the month it is the mean of the days' peaks over
// all days of that month, days billed otherwise counting as nothing. Amounts are in micro-units, rounded half up for
// each line (rating.h).
//
// An adjustment costs what its day's charge would have cost more. It is on the next statement in the same currency.

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

// Issues what is complete: each day paid by the day, each month paid by the month once its last day is closed. Days on
// which nothing passed get none. How many. A day without a price waits, and all after it. Errors: of the store.
base::Result<int> issue_statements(store::Transaction& tx, Context& context, const store::Account& account,
                                   const std::vector<store::MethodChoice>& history);

// Whether issue_statements would issue or settle anything. `next`: the first day that is not closed. Reads only.
base::Result<bool> statement_due(store::Transaction& tx, const std::string& account_id, LocalDate next);

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
