#pragma once
// Billing days: what an account used on each of its local days, kept once the day was closed and never changed: what
// comes later is an adjustment, a row of its own. Values; functions work inside the caller's transaction and fail as
// database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/billing_methods.h"
#include "store/transaction.h"

namespace fairlead::store {

// What is counted for bills: frames as relayed, or all on the wire.
enum class BillingBasis : std::uint8_t { frames, wire };
std::string_view to_string(BillingBasis basis);
BillingBasis billing_basis_of(std::string_view word);  // of a word to_string gives; another is a bug

// From edge to client, of all domains of the account.
struct DayFigures {
  std::int64_t bytes_out = 0, wire_bytes_out = 0;  // of the day
  std::int64_t peak_bytes_out = 0, peak_at_s = 0;  // of its highest five minutes, and which (0: of none)
  std::int64_t peak_wire_bytes_out = 0, peak_wire_at_s = 0;
  bool operator==(const DayFigures&) const = default;
};

struct BillingDay {
  std::string account_id;
  std::string day;                      // "2026-03-29", in the account's time zone
  std::int64_t begin_s = 0, end_s = 0;  // since 1970 UTC
  BillingMethod method = BillingMethod::traffic;
  BillingPeriod period = BillingPeriod::day;
  BillingBasis basis = BillingBasis::frames;
  DayFigures figures;
  std::int64_t pack_bytes = 0;  // of them, taken from resource packs
  std::int64_t closed_ms = 0;
  std::int64_t checks = 0;  // how often it was looked for late records
  std::optional<std::int64_t> next_check_ms;
  bool settled = false;  // it is on a statement, or there was nothing to bill
  std::optional<std::string> statement_id;
  bool operator==(const BillingDay&) const = default;
};

base::Result<void> insert_billing_day(Transaction& tx, const BillingDay& day);
// The account's last one; none before the first.
base::Result<std::optional<BillingDay>> last_billing_day(Transaction& tx, std::string_view account_id);
base::Result<BillingDay> find_billing_day(Transaction& tx, std::string_view account_id, std::string_view day);
// Of an account, days [from, to], ascending.
base::Result<std::vector<BillingDay>> billing_days(Transaction& tx, std::string_view account_id, std::string_view from,
                                                   std::string_view to);
base::Result<std::vector<BillingDay>> unsettled_days(Transaction& tx, std::string_view account_id);
base::Result<std::vector<BillingDay>> days_of_statement(Transaction& tx, std::string_view statement_id);
base::Result<void> settle_day(Transaction& tx, const BillingDay& day, const std::optional<std::string>& statement_id);
// How many accounts have days [from, until) that were closed by another basis than this: of those that prices of a
// scope
// ("" everybody's, or an account's id) are for.
base::Result<std::int64_t> accounts_closed_otherwise(Transaction& tx, std::string_view scope, std::string_view from,
                                                     std::string_view until, BillingBasis basis);
// Those of an account to be looked at again by `now_ms`, ascending by day, at most `limit`.
base::Result<std::vector<BillingDay>> days_to_check(Transaction& tx, std::string_view account_id, std::int64_t now_ms,
                                                    std::int64_t limit);
// When the next of them is; none when there is none.
base::Result<std::optional<std::int64_t>> next_check_of(Transaction& tx, std::string_view account_id);
base::Result<void> set_next_check(Transaction& tx, const BillingDay& day, std::int64_t checks,
                                  std::optional<std::int64_t> next_check_ms);

// What came after a day was closed.
struct Adjustment {
  std::string id;
  std::string account_id, day;
  std::int64_t number = 0;                                   // 1, 2, ... of the account: the order they were found in
  std::int64_t bytes_out = 0, wire_bytes_out = 0;            // more than before
  std::int64_t peak_bytes_out = 0, peak_wire_bytes_out = 0;  // what the peaks are now
  std::int64_t pack_bytes = 0;                               // of the further bytes, taken from resource packs
  std::int64_t found_ms = 0;
  std::optional<std::string> statement_id;  // that it is on
  bool operator==(const Adjustment&) const = default;
};

// id and number are set here. The row as stored.
base::Result<Adjustment> insert_adjustment(Transaction& tx, Adjustment adjustment);
// Of an account's days [from, to], by number.
base::Result<std::vector<Adjustment>> adjustments_of(Transaction& tx, std::string_view account_id,
                                                     std::string_view from, std::string_view to);
// On no statement yet, by number; and those of a statement.
base::Result<std::vector<Adjustment>> unsettled_adjustments(Transaction& tx, std::string_view account_id);
base::Result<std::vector<Adjustment>> adjustments_of_statement(Transaction& tx, std::string_view statement_id);
base::Result<void> settle_adjustment(Transaction& tx, std::string_view id, std::string_view statement_id);

}  // namespace fairlead::store
