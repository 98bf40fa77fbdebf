#pragma once
// Charges: days and late records turned into what they cost, and into the document of a bill. What statements.h issues,
// shows and works out again is made here, so that all three are the same. Inside the caller's transaction; reads price
// books and nothing else.

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/billing/days.h"
#include "control/billing/price_book.h"
#include "store/accounts.h"
#include "store/billing_days.h"

namespace fairlead::control {

// Price books of one account by day, each read once.
class Prices {
 public:
  Prices(store::Transaction& tx, std::string account_id) : tx_(tx), account_id_(std::move(account_id)) {}
  // Null when there is none.
  base::Result<const PriceBook*> on(const std::string& day);
  // How many days the month of `day` has for the account: those of the calendar, less dates that were left out
  // (days.h). `drafts`: days that are not closed yet.
  base::Result<std::int64_t> days_in_month_of(const std::string& day, const std::vector<store::BillingDay>& drafts);

 private:
  store::Transaction& tx_;
  const std::string account_id_;
  std::map<std::string, std::optional<PriceBook>, std::less<>> by_day_;
  std::optional<AccountDays> calendar_;
};

// Days that are charged together, as one quantity.
struct Charge {
  store::BillingMethod method = store::BillingMethod::traffic;
  store::BillingPeriod period = store::BillingPeriod::day;
  store::BillingBasis basis = store::BillingBasis::frames;
  const PriceBook* book = nullptr;
  std::vector<store::BillingDay> days;  // ascending
  std::int64_t quantity = 0;            // bytes less those of packs; sum of peaks
  std::int64_t share = 1;               // what the quantity is divided by: days of the month that exist
  std::vector<RatedLine> lines;
  std::int64_t amount_micro = 0;
};

// The charges of days of one period, in order of their first days. `instead`: as if they were billed by that method,
// without packs. None when a day has no price.
base::Result<std::optional<std::vector<Charge>>> charges_of(Prices& prices, const std::vector<store::BillingDay>& days,
                                                            std::optional<store::BillingMethod> instead = {});

struct LateCharge {
  store::Adjustment adjustment;
  store::BillingMethod method = store::BillingMethod::traffic;
  store::BillingBasis basis = store::BillingBasis::frames;
  std::int64_t bytes = 0;
  std::int64_t peak_before = 0, peak = 0;
  std::string currency;
  std::int64_t amount_micro = 0;  // below zero where a volume tier makes more cost less
};
// What a late record adds to its day's charge. None when that has no price.
base::Result<std::optional<LateCharge>> late_charge_of(store::Transaction& tx, Prices& prices,
                                                       const store::Adjustment& adjustment);

struct Bill {
  std::string account_id;
  store::BillingPeriod period = store::BillingPeriod::day;
  std::string currency;
  std::vector<Charge> charges;  // or none, and late records only
  std::vector<LateCharge> late;
  std::optional<std::vector<Charge>> instead;  // by the other method; none: it has no price that can be counted
  std::int64_t amount_micro = 0;

  // Of its days; without any, of what came late.
  std::string from_day() const;
  std::string to_day() const;
};
// Sums up; too_large beyond 64 bits.
base::Result<std::int64_t> total_of(const std::vector<Charge>& charges, const std::vector<LateCharge>& late);

// The document of a bill; `number` and `issued_ms` are none while it runs. Equal bills have equal texts.
nlohmann::ordered_json document_of(const Bill& bill, std::optional<std::int64_t> number,
                                   std::optional<std::int64_t> issued_ms);

}  // namespace fairlead::control
