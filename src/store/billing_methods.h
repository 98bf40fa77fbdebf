#pragma once
// Billing methods (R18): how an account is billed from which instant on, for ever: bills of old days need it. A row in
// the future is the pending change. Beside it the account's time zones by instant, where one was changed. Values;
// functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

enum class BillingMethod : std::uint8_t { traffic, bandwidth };
enum class BillingPeriod : std::uint8_t { day, month };
std::string_view to_string(BillingMethod method);
std::string_view to_string(BillingPeriod period);
BillingMethod billing_method_of(std::string_view word);  // of a word to_string gives; another is a bug
BillingPeriod billing_period_of(std::string_view word);

struct MethodChoice {
  std::string id;
  std::string account_id;
  BillingMethod method = BillingMethod::traffic;
  BillingPeriod period = BillingPeriod::day;
  std::int64_t effective_ms = 0;  // since 1970 UTC, as all times here
  std::int64_t chosen_ms = 0;
  std::string chosen_by;  // a user's id
  bool told = false;      // the account was told that it is in effect
  bool operator==(const MethodChoice&) const = default;
};

// id is set here; the account's billing is due (billing_due.h). Conflict "unique:" when the account has one of that
// instant. The row as stored.
base::Result<MethodChoice> insert_method(Transaction& tx, MethodChoice choice);
// Ascending by instant.
base::Result<std::vector<MethodChoice>> methods_of(Transaction& tx, std::string_view account_id);
base::Result<void> mark_method_told(Transaction& tx, std::string_view id);
// A pending one that is taken back.
base::Result<void> delete_method(Transaction& tx, std::string_view id);

struct MethodUse {
  BillingMethod method = BillingMethod::traffic;
  BillingPeriod period = BillingPeriod::day;
  std::int64_t accounts = 0;
  bool operator==(const MethodUse&) const = default;
};
// How accounts are billed at `since_ms` or later, pending changes with them: of those that prices of a scope (""
// everybody's, or an account's id) which begin on `day` are for. By method and period.
base::Result<std::vector<MethodUse>> methods_in_use(Transaction& tx, std::string_view scope, std::string_view day,
                                                    std::int64_t since_ms);

struct ZoneSince {
  std::int64_t from_ms = 0;
  std::string time_zone;
  bool operator==(const ZoneSince&) const = default;
};
// Notes that the account's time zone was `before` so far and is `now_zone` from `now_ms` on.
base::Result<void> note_time_zone(Transaction& tx, std::string_view account_id, std::string_view before,
                                  std::string_view now_zone, std::int64_t now_ms);
// Ascending; the first from instant 0. Empty: it has always been what the account says.
base::Result<std::vector<ZoneSince>> zones_of(Transaction& tx, std::string_view account_id);

}  // namespace fairlead::store
