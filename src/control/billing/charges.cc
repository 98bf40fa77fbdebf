#include "control/billing/charges.h"

#include <algorithm>

#include "base/clock.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using base::Result;
using store::BillingBasis;
using store::BillingDay;
using store::BillingMethod;
using store::BillingPeriod;

namespace {

std::unexpected<base::Error> too_much() {
  return base::fail(base::Code::too_large, base::Side::none, "an amount beyond 64 bits");
}

std::int64_t quantity_of(const Charge& charge, const BillingDay& day, bool with_packs) {
  if (charge.method == BillingMethod::bandwidth) return peak_of(day.figures, charge.basis);
  return std::max<std::int64_t>(0, bytes_of(day.figures, charge.basis) - (with_packs ? day.pack_bytes : 0));
}

// The tariff that days of a charge have in its book; null when there is none.
const Tariff* tariff_of(const Charge& charge) { return charge.book->tariff(charge.method, charge.period); }

Result<void> rate_charge(Charge& charge) {
  auto lines = rate(*tariff_of(charge), static_cast<std::uint64_t>(charge.quantity), charge.book->unit(charge.method),
                    charge.share);
  if (!lines) return std::unexpected(lines.error());
  auto amount = amount_of(*lines);
  if (!amount) return std::unexpected(amount.error());
  charge.lines = std::move(*lines);
  charge.amount_micro = *amount;
  return {};
}

Result<std::int64_t> share_of(Prices& prices, const Charge& charge) {
  if (charge.method != BillingMethod::bandwidth || charge.period == BillingPeriod::day) return 1;
  return prices.days_in_month_of(charge.days.front().day, charge.days);
}

// Days of one charge: paid by the day each stands alone.
bool belongs_to(const Charge& charge, const BillingDay& day, BillingMethod method, const PriceBook& book) {
  return charge.period == BillingPeriod::month && charge.method == method && charge.basis == day.basis &&
         charge.book->id == book.id;
}

Json charge_json(const Charge& charge, bool with_packs) {
  const bool traffic = charge.method == BillingMethod::traffic;
  const Tariff& tariff = *tariff_of(charge);
  Json lines = Json::array();
  for (const RatedLine& line : charge.lines) {
    const auto& tier = tariff.tiers[line.tier];
    lines.push_back({{"tier", line.tier + 1},
                     {"up_to", tier.up_to ? Json(*tier.up_to) : Json()},
                     {"quantity", line.quantity},
                     {"price", line.price_micro},
                     {"amount", line.amount_micro}});
  }
  std::int64_t bytes = 0, packs = 0, peak = 0;
  for (const BillingDay& day : charge.days) {
    bytes = add_up_to_most(bytes, bytes_of(day.figures, charge.basis));
    packs = add_up_to_most(packs, with_packs ? day.pack_bytes : 0);
    peak = std::max(peak, peak_of(day.figures, charge.basis));
  }
  Json out = {{"method", store::to_string(charge.method)},
              {"from", charge.days.front().day},
              {"to", charge.days.back().day},
              {"days", charge.days.size()},
              {"price_book", charge.book->id},
              {"mode", to_string(tariff.mode)},
              {"unit", charge.book->unit(charge.method)},
              {"share", charge.share}};
  if (traffic) {
    out["bytes"] = bytes;
    out["pack_bytes"] = packs;
  } else {
    out["peak_bps"] = bits_per_second(peak);
  }
  out["quantity"] = charge.quantity;
  out["lines"] = std::move(lines);
  out["amount"] = charge.amount_micro;
  return out;
}

}  // namespace

Result<const PriceBook*> Prices::on(const std::string& day) {
  auto known = by_day_.find(day);
  if (known == by_day_.end()) {
    const auto date = parse_local_date(day);
    if (!date) return base::fail(base::Code::internal, base::Side::none, "a billing day has no date");
    auto book = price_book_on(tx_, account_id_, *date);
    if (!book) return std::unexpected(book.error());
    known = by_day_.emplace(day, std::move(*book)).first;
  }
  return known->second ? &*known->second : nullptr;
}

Result<std::int64_t> Prices::days_in_month_of(const std::string& day, const std::vector<BillingDay>& drafts) {
  constexpr std::int64_t kLongestGap = 7;  // dates; there is none of more than three
  const LocalDate month = first_of_month(parse_local_date(day).value_or(LocalDate()));
  if (!calendar_) {
    auto account = store::find_account(tx_, account_id_);
    if (!account) return std::unexpected(account.error());
    auto days = AccountDays::load(tx_, *account);
    if (!days) return std::unexpected(days.error());
    calendar_ = std::move(*days);
  }
  auto days = store::billing_days(tx_, account_id_, to_text(plus_days(month, -kLongestGap)),
                                  to_text(plus_days(first_of_next_month(month), -1)));
  if (!days) return std::unexpected(days.error());
  for (const BillingDay& draft : drafts) {
    if (days->empty() || draft.day > days->back().day) days->push_back(draft);
  }
  return days_in_month(month) - calendar_->left_out(*days, month);
}

Result<std::optional<std::vector<Charge>>> charges_of(Prices& prices, const std::vector<BillingDay>& days,
                                                      std::optional<BillingMethod> instead) {
  std::vector<Charge> charges;
  for (const BillingDay& day : days) {
    auto book = prices.on(day.day);
    if (!book) return std::unexpected(book.error());
    const BillingMethod method = instead.value_or(day.method);
    if (*book == nullptr || (*book)->tariff(method, day.period) == nullptr) return std::nullopt;
    auto same = std::ranges::find_if(charges, [&](const Charge& c) { return belongs_to(c, day, method, **book); });
    if (same == charges.end()) {
      Charge charge;
      charge.method = method;
      charge.period = day.period;
      charge.basis = day.basis;
      charge.book = *book;
      same = charges.insert(charges.end(), std::move(charge));
    }
    same->days.push_back(day);
    if (__builtin_add_overflow(same->quantity, quantity_of(*same, day, !instead), &same->quantity)) return too_much();
  }
  for (Charge& charge : charges) {
    auto share = share_of(prices, charge);
    if (!share) return std::unexpected(share.error());
    charge.share = *share;
    if (auto rated = rate_charge(charge); !rated) return std::unexpected(rated.error());
  }
  return charges;
}

Result<std::optional<LateCharge>> late_charge_of(store::Transaction& tx, Prices& prices,
                                                 const store::Adjustment& adjustment) {
  auto day = store::find_billing_day(tx, adjustment.account_id, adjustment.day);
  if (!day) return std::unexpected(day.error());
  // The charge that its day is, or was, a part of.
  std::vector<BillingDay> together{*day};
  std::string from = day->day, to = day->day;
  if (day->period == BillingPeriod::month) {
    const LocalDate date = parse_local_date(day->day).value_or(LocalDate());
    from = to_text(first_of_month(date));
    to = to_text(plus_days(first_of_next_month(date), -1));
    auto month = store::billing_days(tx, adjustment.account_id, from, to);
    if (!month) return std::unexpected(month.error());
    together.clear();
    for (BillingDay& one : *month) {
      if (one.period == BillingPeriod::month) together.push_back(std::move(one));
    }
  }
  auto charges = charges_of(prices, together);
  if (!charges) return std::unexpected(charges.error());
  if (!*charges) return std::nullopt;
  const auto has = [](const Charge& c, const std::string& name) {
    return std::ranges::any_of(c.days, [&](const BillingDay& d) { return d.day == name; });
  };
  auto charge = std::ranges::find_if(**charges, [&](const Charge& c) { return has(c, day->day); });

  LateCharge late;
  late.adjustment = adjustment;
  late.method = charge->method;
  late.basis = charge->basis;
  late.currency = charge->book->currency;
  const bool wire = late.basis == BillingBasis::wire;
  late.bytes = wire ? adjustment.wire_bytes_out : adjustment.bytes_out;
  late.peak_before = peak_of(day->figures, late.basis);
  late.peak = wire ? adjustment.peak_wire_bytes_out : adjustment.peak_bytes_out;
  // As it had become by what was found before.
  auto found = store::adjustments_of(tx, adjustment.account_id, from, to);
  if (!found) return std::unexpected(found.error());
  std::map<std::string, std::int64_t, std::less<>> peaks;
  for (const BillingDay& d : charge->days) peaks[d.day] = peak_of(d.figures, charge->basis);
  for (const store::Adjustment& earlier : *found) {
    if (earlier.number >= adjustment.number || !has(*charge, earlier.day)) continue;
    if (charge->method == BillingMethod::traffic) {
      const std::int64_t more = (wire ? earlier.wire_bytes_out : earlier.bytes_out) - earlier.pack_bytes;
      if (__builtin_add_overflow(charge->quantity, more, &charge->quantity)) return too_much();
    } else {
      const std::int64_t peak = wire ? earlier.peak_wire_bytes_out : earlier.peak_bytes_out;
      if (__builtin_add_overflow(charge->quantity, peak - peaks[earlier.day], &charge->quantity)) return too_much();
      peaks[earlier.day] = peak;
    }
  }
  late.peak_before = peaks[day->day];
  if (auto rated = rate_charge(*charge); !rated) return std::unexpected(rated.error());
  const std::int64_t before = charge->amount_micro;
  const std::int64_t more =
      charge->method == BillingMethod::traffic ? late.bytes - adjustment.pack_bytes : late.peak - late.peak_before;
  if (__builtin_add_overflow(charge->quantity, more, &charge->quantity)) return too_much();
  if (auto rated = rate_charge(*charge); !rated) return std::unexpected(rated.error());
  late.amount_micro = charge->amount_micro - before;
  return std::optional(std::move(late));
}

std::string Bill::from_day() const {
  if (!charges.empty()) return charges.front().days.front().day;
  const auto day = [](const LateCharge& one) -> const std::string& { return one.adjustment.day; };
  return late.empty() ? std::string() : day(*std::ranges::min_element(late, {}, day));
}

std::string Bill::to_day() const {
  std::string last;
  if (charges.empty()) {
    for (const LateCharge& one : late) last = std::max(last, one.adjustment.day);
  }
  for (const Charge& charge : charges) last = std::max(last, charge.days.back().day);
  return last;
}

Result<std::int64_t> total_of(const std::vector<Charge>& charges, const std::vector<LateCharge>& late) {
  std::int64_t sum = 0;
  for (const Charge& charge : charges) {
    if (__builtin_add_overflow(sum, charge.amount_micro, &sum)) return too_much();
  }
  for (const LateCharge& one : late) {
    if (__builtin_add_overflow(sum, one.amount_micro, &sum)) return too_much();
  }
  return sum;
}

Json document_of(const Bill& bill, std::optional<std::int64_t> number, std::optional<std::int64_t> issued_ms) {
  std::vector<const BillingDay*> days;
  Json charges = Json::array();
  for (const Charge& charge : bill.charges) {
    for (const BillingDay& day : charge.days) days.push_back(&day);
    charges.push_back(charge_json(charge, true));
  }
  std::ranges::sort(days, {}, &BillingDay::day);
  Json day_list = Json::array();
  for (const BillingDay* day : days) {
    const bool wire = day->basis == BillingBasis::wire;
    const std::int64_t peak_at = wire ? day->figures.peak_wire_at_s : day->figures.peak_at_s;
    day_list.push_back({{"day", day->day},
                        {"begin", base::format_utc_ms(day->begin_s * 1000)},
                        {"end", base::format_utc_ms(day->end_s * 1000)},
                        {"method", store::to_string(day->method)},
                        {"basis", store::to_string(day->basis)},
                        {"bytes", bytes_of(day->figures, day->basis)},
                        {"pack_bytes", day->pack_bytes},
                        {"peak_bytes", peak_of(day->figures, day->basis)},
                        {"peak_bps", bits_per_second(peak_of(day->figures, day->basis))},
                        {"peak_at", peak_at == 0 ? Json() : Json(base::format_utc_ms(peak_at * 1000))}});
  }
  Json late = Json::array();
  for (const LateCharge& one : bill.late) {
    late.push_back({{"day", one.adjustment.day},
                    {"number", one.adjustment.number},
                    {"method", store::to_string(one.method)},
                    {"basis", store::to_string(one.basis)},
                    {"bytes", one.bytes},
                    {"pack_bytes", one.adjustment.pack_bytes},
                    {"peak_bytes_before", one.peak_before},
                    {"peak_bytes", one.peak},
                    {"amount", one.amount_micro}});
  }
  Json what_if;
  if (bill.instead) {
    Json other = Json::array();
    std::int64_t amount = 0;
    for (const Charge& charge : *bill.instead) {
      other.push_back(charge_json(charge, false));
      amount += charge.amount_micro;
    }
    what_if = {
        {"method", store::to_string(bill.instead->front().method)}, {"charges", std::move(other)}, {"amount", amount}};
  }
  return {{"number", number ? Json(*number) : Json()},
          {"state", number ? "issued" : "open"},
          {"account_id", bill.account_id},
          {"period", store::to_string(bill.period)},
          {"from", bill.from_day()},
          {"to", bill.to_day()},
          {"issued", issued_ms ? Json(base::format_utc_ms(*issued_ms)) : Json()},
          {"currency", bill.currency},
          {"days", std::move(day_list)},
          {"charges", std::move(charges)},
          {"adjustments", std::move(late)},
          {"amount", bill.amount_micro},
          {"what_if", std::move(what_if)}};
}

}  // namespace fairlead::control
