#include "control/billing/packs.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/billing/billing_notices.h"
#include "control/billing/days.h"
#include "control/billing/methods.h"
#include "control/in_transaction.h"
#include "control/installation_policy.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using base::Result;
using store::LedgerEntry;
using store::Pack;
using store::PackState;
using store::Transaction;

namespace {

// Bits of Pack::told.
constexpr std::int64_t kToldLittleLeft = 1, kToldLittleTime = 2;
constexpr std::int64_t kLittleLeft = 5;  // a fifth
constexpr std::int64_t kLittleTime = 7;  // days

LedgerEntry entry(const Pack& pack, std::string_view unit, std::string debit, std::string credit, std::int64_t amount,
                  std::string reference) {
  LedgerEntry e;
  e.account_id = pack.account_id;
  e.unit = unit;
  e.debit = std::move(debit);
  e.credit = std::move(credit);
  e.amount = amount;
  e.reference = std::move(reference);
  return e;
}
std::string ledger_name(const Pack& pack) { return "pack:" + pack.id; }

nlohmann::json notice_data(const Pack& pack) {
  return {{"pack", pack.id},
          {"name", pack.name},
          {"bytes", std::to_string(pack.bytes)},
          {"remaining", std::to_string(pack.remaining)},
          {"until", pack.until_day}};
}

Json audit_value(const Pack& pack) {
  return {{"product", pack.product_id}, {"name", pack.name},
          {"bytes", pack.bytes},        {"price", pack.price_micro},
          {"currency", pack.currency},  {"from", pack.from_day},
          {"until", pack.until_day},    {"state", store::to_string(pack.state)}};
}
Json audit_value(const store::PackProduct& p) {
  return {{"name", p.name},         {"bytes", p.bytes},       {"validity_days", p.validity_days},
          {"price", p.price_micro}, {"currency", p.currency}, {"on_sale", p.on_sale}};
}

Result<bool> is_frozen(Transaction& tx, std::string_view account_id, std::int64_t now_ms) {
  auto history = store::methods_of(tx, account_id);
  if (!history) return std::unexpected(history.error());
  const auto* now = method_at(*history, now_ms);
  return now != nullptr && now->method == store::BillingMethod::bandwidth;
}

Outcome<PackView> view_of(Transaction& tx, Pack pack, std::int64_t now_ms) {
  auto frozen = is_frozen(tx, pack.account_id, now_ms);
  if (!frozen) return failed(frozen);
  return PackView{std::move(pack), *frozen};
}

Outcome<Pack> find(Transaction& tx, const Caller& caller, const std::string& id) {
  auto pack = store::find_pack(tx, id);
  if (!pack && pack.error().code != base::Code::not_found) return failed(pack);
  if (!pack || !caller.sees(pack->account_id)) return not_found("resource pack");
  return std::move(*pack);
}

// The billing day under way.
Outcome<LocalDate> today_of(Transaction& tx, const store::Account& account, std::int64_t now_ms) {
  auto day = billing_day_at(tx, account, now_ms);
  if (!day) return failed(day);
  return day->day;
}

Outcome<void> operators_only(const Caller& caller) {
  if (auto may = require_write(caller); !may) return may;
  if (!caller.is_operator()) return refuse(403, "forbidden", "this is the operators' to do");
  return {};
}

template <class T>
Outcome<store::Page<T>> page_of(base::Result<store::Page<T>> page) {
  if (page) return std::move(*page);
  if (page.error().code == base::Code::malformed)
    return invalid("?after", "bad-value", "this is not the `next` of a page");
  return failed(page);
}

}  // namespace

Outcome<store::PackProduct> create_pack_product(Context& context, const Caller& caller, store::PackProduct product) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<store::PackProduct> {
    if (auto may = operators_only(caller); !may) return std::unexpected(may.error());
    product.created_ms = context.now_ms();
    product.on_sale = true;
    auto made = store::insert_pack_product(tx, product);
    if (!made) return failed(made);
    AuditedChange change{std::nullopt, "pack_product.create", "pack_product", made->name, {}, audit_value(*made)};
    if (auto written = audit(tx, caller, change, product.created_ms); !written) return failed(written);
    return std::move(*made);
  });
}

Outcome<void> retire_pack_product(Context& context, const Caller& caller, const std::string& id) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<void> {
    if (auto may = operators_only(caller); !may) return may;
    auto before = store::find_pack_product(tx, id);
    if (!before && before.error().code == base::Code::not_found) return not_found("pack product");
    if (!before) return failed(before);
    if (auto done = store::retire_pack_product(tx, id); !done) return failed(done);
    AuditedChange change{std::nullopt, "pack_product.retire", "pack_product", before->name, audit_value(*before), {}};
    if (auto written = audit(tx, caller, change, context.now_ms()); !written) return failed(written);
    return {};
  });
}

Outcome<store::Page<store::PackProduct>> list_pack_products(Context& context, const Caller& caller,
                                                            const store::PageRequest& page) {
  return read_in(context.database,
                 [&](Transaction& tx) { return page_of(store::list_pack_products(tx, !caller.sees_all(), page)); });
}

Outcome<PackView> buy_pack(Context& context, const Caller& caller, const std::optional<std::string>& account_id,
                           const std::string& product_id) {
  auto outcome = write_in(context.database, [&](Transaction& tx) -> Outcome<PackView> {
    const std::int64_t now = context.now_ms();
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());
    if (!caller.is_operator()) {
      auto policy = installation_policy(tx);
      if (!policy) return failed(policy);
      if (!policy->customers_buy_packs) return refuse(403, "forbidden", "ask the operator for resource packs");
    }
    if (account->kind == store::AccountKind::operator_)
      return refuse(409, "wrong_state", "an operator's account is not billed");
    auto product = store::find_pack_product(tx, product_id);
    if (!product && product.error().code == base::Code::not_found) return not_found("pack product");
    if (!product) return failed(product);
    if (!product->on_sale) {
      if (!caller.sees_all()) return not_found("pack product");
      return refuse(409, "wrong_state", "this product is no longer on sale");
    }
    const auto today = today_of(tx, *account, now);
    if (!today) return std::unexpected(today.error());

    Pack pack;
    pack.account_id = account->id;
    pack.product_id = product->id;
    pack.name = product->name;
    pack.bytes = pack.remaining = product->bytes;
    pack.currency = product->currency;
    pack.price_micro = product->price_micro;
    pack.from_day = to_text(*today);
    pack.until_day = to_text(plus_days(*today, product->validity_days));
    pack.bought_by = caller.user_id;
    pack.bought_ms = now;
    auto made = store::insert_pack(tx, std::move(pack));
    if (!made) return failed(made);
    std::vector<LedgerEntry> entries;
    entries.push_back(entry(*made, store::kBytesUnit, ledger_name(*made), "granted", made->bytes, ledger_name(*made)));
    if (made->price_micro > 0)
      entries.push_back(
          entry(*made, made->currency, "receivable", "revenue:packs", made->price_micro, ledger_name(*made)));
    if (auto done = store::append_ledger(tx, "pack.bought", std::move(entries), now); !done) return failed(done);
    AuditedChange change{account->id, "pack.buy", "pack", made->id, {}, audit_value(*made)};
    if (auto written = audit(tx, caller, change, now); !written) return failed(written);
    auto data = notice_data(*made);
    data["price"] = money_text(made->price_micro, made->currency);
    if (auto told = tell_account(tx, context, *account, "pack.bought", std::move(data)); !told) return failed(told);
    return view_of(tx, std::move(*made), now);
  });
  if (outcome) context.notice_written();
  return outcome;
}

Outcome<PackView> cancel_pack(Context& context, const Caller& caller, const std::string& id) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<PackView> {
    const std::int64_t now = context.now_ms();
    auto pack = find(tx, caller, id);
    if (!pack) return std::unexpected(pack.error());
    if (auto may = operators_only(caller); !may) return std::unexpected(may.error());
    if (pack->state != PackState::active || pack->remaining != pack->bytes)
      return refuse(409, "wrong_state", "only an unused pack can be cancelled");
    const Json before = audit_value(*pack);
    std::vector<LedgerEntry> entries;
    entries.push_back(entry(*pack, store::kBytesUnit, "granted", ledger_name(*pack), pack->bytes, ledger_name(*pack)));
    if (pack->price_micro > 0)
      entries.push_back(
          entry(*pack, pack->currency, "revenue:packs", "receivable", pack->price_micro, ledger_name(*pack)));
    if (auto done = store::append_ledger(tx, "pack.cancelled", std::move(entries), now); !done) return failed(done);
    pack->remaining = 0;
    pack->state = PackState::cancelled;
    pack->ended_ms = now;
    if (auto done = store::update_pack(tx, *pack); !done) return failed(done);
    AuditedChange change{pack->account_id, "pack.cancel", "pack", pack->id, before, audit_value(*pack)};
    if (auto written = audit(tx, caller, change, now); !written) return failed(written);
    return view_of(tx, std::move(*pack), now);
  });
}

Outcome<PackView> get_pack(Context& context, const Caller& caller, const std::string& id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<PackView> {
    auto pack = find(tx, caller, id);
    if (!pack) return std::unexpected(pack.error());
    return view_of(tx, std::move(*pack), context.now_ms());
  });
}

Outcome<store::Page<PackView>> list_packs(Context& context, const Caller& caller,
                                          const std::optional<std::string>& account_id,
                                          const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<PackView>> {
    std::optional<std::string> of;
    if (account_id || !caller.sees_all()) {
      of = listed_account(caller, account_id);
      if (!of) return store::Page<PackView>();
    }
    auto rows = page_of(store::list_packs(tx, of, page));
    if (!rows) return std::unexpected(rows.error());
    store::Page<PackView> views;
    views.total = rows->total;
    views.next = rows->next;
    for (Pack& pack : rows->items) {
      auto view = view_of(tx, std::move(pack), context.now_ms());
      if (!view) return std::unexpected(view.error());
      views.items.push_back(std::move(*view));
    }
    return views;
  });
}

Outcome<store::Page<LedgerEntry>> list_ledger(Context& context, const Caller& caller,
                                              const std::optional<std::string>& account_id,
                                              const std::optional<std::string>& pack_id,
                                              const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<LedgerEntry>> {
    if (pack_id) {
      auto pack = find(tx, caller, *pack_id);
      if (!pack) return std::unexpected(pack.error());
      return page_of(store::list_ledger(tx, pack->account_id, ledger_name(*pack), page));
    }
    const auto of = listed_account(caller, account_id);
    if (!of) return store::Page<LedgerEntry>();
    return page_of(store::list_ledger(tx, *of, "", page));
  });
}

Result<std::int64_t> draw_from_packs(Transaction& tx, Context& context, const store::Account& account,
                                     const std::string& day, std::int64_t bytes, const std::string& reference) {
  if (bytes <= 0) return 0;
  auto packs = store::active_packs(tx, account.id);
  if (!packs) return std::unexpected(packs.error());
  const std::int64_t now = context.now_ms();
  std::int64_t taken = 0;
  std::vector<LedgerEntry> entries;
  std::vector<Pack> changed;
  for (Pack& pack : *packs) {
    if (taken == bytes) break;
    if (day < pack.from_day || day > pack.until_day) continue;
    const std::int64_t part = std::min(pack.remaining, bytes - taken);
    if (part == 0) continue;
    taken += part;
    pack.remaining -= part;
    entries.push_back(entry(pack, store::kBytesUnit, "used", ledger_name(pack), part, reference));
    if (pack.remaining == 0) {
      pack.state = PackState::used_up;
      pack.ended_ms = now;
    }
    changed.push_back(pack);
  }
  if (auto done = store::append_ledger(tx, "pack.used", std::move(entries), now); !done)
    return std::unexpected(done.error());
  for (Pack& pack : changed) {
    std::string_view type;
    if (pack.state == PackState::used_up) type = "pack.used_up";
    if (pack.state == PackState::active && pack.remaining <= pack.bytes / kLittleLeft &&
        !(pack.told & kToldLittleLeft)) {
      type = "pack.ending";
      pack.told |= kToldLittleLeft;
    }
    if (auto done = store::update_pack(tx, pack); !done) return std::unexpected(done.error());
    if (type.empty()) continue;
    if (auto told = tell_account(tx, context, account, type, notice_data(pack)); !told)
      return std::unexpected(told.error());
  }
  return taken;
}

Result<int> expire_packs(Transaction& tx, Context& context, const store::Account& account, LocalDate day) {
  auto packs = store::active_packs(tx, account.id);
  if (!packs) return std::unexpected(packs.error());
  const std::int64_t now = context.now_ms();
  const std::string today = to_text(day), soon = to_text(plus_days(day, kLittleTime));
  int ended = 0;
  for (Pack& pack : *packs) {
    const bool over = pack.until_day < today;
    const auto from = parse_local_date(pack.from_day).value_or(day);
    const bool brief = pack.until_day <= to_text(plus_days(from, kLittleTime));  // whoever bought it knows
    if (!over && (brief || pack.until_day > soon || (pack.told & kToldLittleTime))) continue;
    const auto data = notice_data(pack);  // with what was left
    if (over) {
      std::vector<LedgerEntry> entries;
      entries.push_back(
          entry(pack, store::kBytesUnit, "expired", ledger_name(pack), pack.remaining, ledger_name(pack)));
      if (auto done = store::append_ledger(tx, "pack.expired", std::move(entries), now); !done)
        return std::unexpected(done.error());
      pack.remaining = 0;
      pack.state = PackState::expired;
      pack.ended_ms = now;
      ++ended;
    } else {
      pack.told |= kToldLittleTime;
    }
    if (auto done = store::update_pack(tx, pack); !done) return std::unexpected(done.error());
    if (auto told = tell_account(tx, context, account, over ? "pack.expired" : "pack.ending", data); !told)
      return std::unexpected(told.error());
  }
  return ended;
}

PackForecast forecast(const std::vector<Pack>& packs, std::int64_t daily_bytes, int days_known, LocalDate today) {
  PackForecast f;
  f.daily_bytes = daily_bytes;
  f.days_known = days_known;
  std::vector<Pack> left;
  for (const Pack& pack : packs) {
    if (pack.state == PackState::active && pack.until_day >= to_text(today)) left.push_back(pack);
  }
  std::ranges::sort(left, [](const Pack& a, const Pack& b) {
    return std::tie(a.until_day, a.bought_ms, a.id) < std::tie(b.until_day, b.bought_ms, b.id);
  });
  for (const Pack& pack : left) f.remaining = add_up_to_most(f.remaining, pack.remaining);
  // Pack by pack instead of day by day: a validity may be ten years.
  LocalDate day = today;
  std::int64_t need = daily_bytes;  // of `day`, still
  for (const Pack& pack : left) {
    std::int64_t rest = pack.remaining;
    if (daily_bytes > 0 && to_text(day) <= pack.until_day) {
      const std::int64_t first = std::min(rest, need);
      rest -= first;
      need -= first;
      if (need == 0) {
        const auto until = parse_local_date(pack.until_day).value_or(day);
        const std::int64_t days = std::min(rest / daily_bytes, days_between(day, until));
        rest -= days * daily_bytes;
        day = plus_days(day, days + 1);
        need = daily_bytes;
        if (to_text(day) <= pack.until_day) {
          need -= rest;
          rest = 0;
        }
      }
    }
    f.expiring_unused = add_up_to_most(f.expiring_unused, rest);
  }
  if (daily_bytes > 0 && !left.empty()) f.exhausted_on = day;
  return f;
}

Outcome<ForecastView> get_pack_forecast(Context& context, const Caller& caller,
                                        const std::optional<std::string>& account_id) {
  constexpr int kDays = 7;
  return read_in(context.database, [&](Transaction& tx) -> Outcome<ForecastView> {
    const std::int64_t now = context.now_ms();
    auto account = account_for(tx, caller, account_id);
    if (!account) return std::unexpected(account.error());
    const auto today = today_of(tx, *account, now);
    if (!today) return std::unexpected(today.error());
    auto packs = store::active_packs(tx, account->id);
    if (!packs) return failed(packs);
    auto last = store::billing_days(tx, account->id, to_text(plus_days(*today, -kDays)), to_text(*today));
    if (!last) return failed(last);
    std::int64_t sum = 0;
    for (const auto& day : *last) sum = add_up_to_most(sum, bytes_of(day.figures, day.basis));
    const int days = static_cast<int>(last->size());
    auto frozen = is_frozen(tx, account->id, now);
    if (!frozen) return failed(frozen);
    ForecastView view;
    view.account_id = account->id;
    view.forecast = forecast(*packs, days == 0 ? 0 : sum / days, days, *today);
    view.frozen = *frozen;
    return view;
  });
}

}  // namespace fairlead::control
