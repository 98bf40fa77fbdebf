#pragma once
// PriceBook: an operator's prices from a day on (R19), for everybody or for one account: a tariff for each billing
// method and period; what has none is not offered. Once a book is in effect anywhere it is never changed or removed:
// the next one takes its place from its own day on. So what is billed by it can be worked out again at any time.
//
// A day is billed by the account's own book that is in effect on it, else by everybody's.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/billing/rating.h"
#include "control/calendar.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/billing_days.h"
#include "store/billing_methods.h"
#include "store/billing_prices.h"
#include "store/page.h"

namespace fairlead::control {

// Bandwidth is counted in bytes of five minutes, so that it stays a whole number: 1 Mbit/s is 10^6 x 300 / 8 of them.
inline constexpr std::int64_t kMbps = 37'500'000;

// The most of a bill's period that prices must be able to say: an exabyte; a petabit a second.
inline constexpr std::int64_t kMostBytes = 1'000'000'000'000'000'000, kMostMbps = 1'000'000'000;

struct PriceBook {
  std::string id;
  std::string scope;  // "": everybody's; or an account's id
  LocalDate effective;
  std::string currency;                                     // three letters, ISO 4217 as a rule
  store::BillingBasis basis = store::BillingBasis::frames;  // what is counted
  std::int64_t unit_bytes = 1'000'000'000;                  // what traffic's prices and tiers are for
  std::optional<Tariff> traffic_day, traffic_month;         // tiers of a day's traffic, of a month's
  std::optional<Tariff> bandwidth_day, bandwidth_month;     // of a day's peak in Mbit/s, of the month's mean of them
  bool operator==(const PriceBook&) const = default;

  const Tariff* tariff(store::BillingMethod method, store::BillingPeriod period) const;  // null: not offered
  // What a unit of the method's tariffs is, in what is counted.
  std::int64_t unit(store::BillingMethod method) const {
    return method == store::BillingMethod::traffic ? unit_bytes : kMbps;
  }
};

// The contract's PriceBookCreate without account_id. read: invalid with every problem and its pointer.
nlohmann::ordered_json to_json(const PriceBook& book);
Outcome<PriceBook> read_price_book(const nlohmann::ordered_json& document);

// That which a day of the account is billed by; none when there is none.
base::Result<std::optional<PriceBook>> price_book_on(store::Transaction& tx, std::string_view account_id,
                                                     LocalDate day);

// Those the account is billed by from a day on: that in effect on it, and those that are to come, in no order.
base::Result<std::vector<PriceBook>> price_books_from(store::Transaction& tx, std::string_view account_id,
                                                      LocalDate day);

struct PriceBookView {
  store::StoredPriceBook row;
  PriceBook book;
};
// By an operator. A book takes effect on a day that has not begun anywhere (of an account's own: not for the account),
// else wrong_state; but where nothing was in effect yet the first one may be of any day, and an account's own may be of
// days that have no tariff. wrong_state as well when it lacks a tariff that somebody is billed by, or will be, and when
// days that were closed already counted by the other basis. name_taken when the scope has one of that day. invalid when
// its prices make amounts beyond 64 bits (kMostBytes, kMostMbps).
Outcome<PriceBookView> create_price_book(Context& context, const Caller& caller, PriceBook book,
                                         const std::optional<std::string>& account_id);
// wrong_state when it has taken effect, or when what is in effect without it lacks a tariff that is in use.
Outcome<void> delete_price_book(Context& context, const Caller& caller, const std::string& id);
// Customers see everybody's and their own.
Outcome<PriceBookView> get_price_book(Context& context, const Caller& caller, const std::string& id);
Outcome<store::Page<PriceBookView>> list_price_books(Context& context, const Caller& caller,
                                                     const std::optional<std::string>& account_id,
                                                     const store::PageRequest& page);

}  // namespace fairlead::control
