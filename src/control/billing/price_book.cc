#include "control/billing/price_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/billing/days.h"
#include "control/in_transaction.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using store::BillingMethod;
using store::BillingPeriod;
using store::Transaction;

namespace {

Json tariff_json(const std::optional<Tariff>& tariff) {
  if (!tariff) return nullptr;
  Json tiers = Json::array();
  for (const Tier& t : tariff->tiers)
    tiers.push_back({{"up_to", t.up_to ? Json(*t.up_to) : Json()}, {"price", t.price_micro}});
  return {{"mode", to_string(tariff->mode)}, {"tiers", std::move(tiers)}};
}

// The member, or null.
const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::optional<Tariff> read_tariff(const Json& document, const std::string& at, std::vector<Detail>& problems) {
  if (document.is_null()) return std::nullopt;
  Tariff tariff;
  tariff.mode = member(document, "mode") == "volume" ? TierMode::volume : TierMode::graduated;
  const Json& tiers = member(document, "tiers");
  if (!tiers.is_array()) {
    problems.push_back({at, "missing-key", "a tariff has tiers", ""});
    return std::nullopt;
  }
  for (const Json& tier : tiers) {
    const Json &up_to = member(tier, "up_to"), &price = member(tier, "price");
    Tier one;
    if (up_to.is_number_integer()) one.up_to = up_to.get<std::int64_t>();
    one.price_micro = price.is_number_integer() ? price.get<std::int64_t>() : -1;
    tariff.tiers.push_back(one);
  }
  if (const auto wrong = check_tiers(tariff.tiers))
    problems.push_back({fmt::format("{}/tiers/{}", at, wrong->tier), "bad-value", std::string(wrong->what),
                        "up_to ascends; the last tier has none"});
  return tariff;
}

base::Result<PriceBook> book_of(const store::StoredPriceBook& row) {
  auto book = read_price_book(Json::parse(row.document, nullptr, false));
  // What stands in the database was written by us.
  if (!book) return base::fail(base::Code::internal, base::Side::none, "price book " + row.id + " cannot be read");
  book->id = row.id;
  book->scope = row.scope;
  return std::move(*book);
}

Outcome<PriceBookView> view_of(store::StoredPriceBook row) {
  auto book = book_of(row);
  if (!book) return failed(book);
  return PriceBookView{std::move(row), std::move(*book)};
}

// The newest day that has begun for whom the scope is about.
Outcome<LocalDate> newest_day(Transaction& tx, const store::Account* account, std::int64_t now_ms) {
  constexpr std::int64_t kFarthestEast = 14 * 3600;
  if (account == nullptr) return TimeZone::find("UTC")->date_of(now_ms / 1000 + kFarthestEast);
  auto day = billing_day_at(tx, *account, now_ms);
  if (!day) return failed(day);
  return day->day;
}

// A scope that lacks a tariff somebody is billed by, now or later, would stop their bills.
Outcome<void> offers_what_is_used(Transaction& tx, const PriceBook& book, const std::string& scope, LocalDate from,
                                  std::int64_t now_ms) {
  const std::int64_t since_ms = std::min(now_ms, TimeZone::find("UTC")->begin_of(from) * 1000);
  auto used = store::methods_in_use(tx, scope, to_text(from), since_ms);
  if (!used) return failed(used);
  std::string lacking;
  for (const auto& use : *used) {
    if (book.tariff(use.method, use.period) != nullptr) continue;
    lacking += fmt::format("{}there is no tariff for {}, paid by the {}: {} billed so, or will be",
                           lacking.empty() ? "" : "; ", store::to_string(use.method), store::to_string(use.period),
                           use.accounts == 1 ? "1 account is" : fmt::format("{} accounts are", use.accounts));
  }
  if (!lacking.empty()) return refuse(409, "wrong_state", std::move(lacking));
  return {};
}

// The day of the scope's next book after `day`; none while there is none.
base::Result<std::string> next_effective(Transaction& tx, const std::string& scope, LocalDate day) {
  auto books = store::price_books_of(tx, scope);
  if (!books) return std::unexpected(books.error());
  for (const auto& row : *books) {
    if (row.effective_day > to_text(day)) return row.effective_day;
  }
  return std::string("9999-12-31");
}

// Whether none of the account's days [from, until) has a tariff, or is on a bill.
base::Result<bool> have_no_tariff(Transaction& tx, const store::Account& account, LocalDate from,
                                  const std::string& until, std::int64_t now_ms) {
  const auto unpriced = [&](const std::string& name, BillingMethod method, BillingPeriod period) -> base::Result<bool> {
    auto book = price_book_on(tx, account.id, parse_local_date(name).value_or(from));
    if (!book) return std::unexpected(book.error());
    return !*book || (*book)->tariff(method, period) == nullptr;
  };
  auto closed = store::billing_days(tx, account.id, to_text(from), until);
  if (!closed) return std::unexpected(closed.error());
  for (const auto& day : *closed) {
    if (day.day == until) continue;
    auto free = unpriced(day.day, day.method, day.period);
    if (!free || !*free || day.statement_id) return free && !day.statement_id ? free : false;
  }
  auto history = store::methods_of(tx, account.id);
  if (!history) return std::unexpected(history.error());
  auto days = AccountDays::load(tx, account);
  if (!days) return std::unexpected(days.error());
  if (history->empty()) return false;  // nothing waits
  auto span = next_day_to_close(tx, *days, account.id, *history);
  if (!span) return std::unexpected(span.error());
  for (; span->begin_s <= now_ms / 1000; *span = days->after(*span)) {
    const std::string name = to_text(span->day);
    if (span->day < from || name >= until) continue;
    const auto& choice = method_of_day(*history, span->begin_s);
    auto free = unpriced(name, choice.method, choice.period);
    if (!free || !*free) return free;
  }
  return true;
}

// Whether a book may be of a day that has begun: where no prices are in effect, or for days that have none.
Outcome<void> may_be_dated_back(Transaction& tx, const PriceBook& book, const store::Account* account, LocalDate today,
                                std::int64_t now_ms) {
  const std::string scope = account == nullptr ? "" : account->id;
  auto until = next_effective(tx, scope, book.effective);
  if (!until) return failed(until);
  auto present = store::price_book_on(tx, scope, to_text(today));
  if (!present) return failed(present);
  bool may = !*present;
  if (!may && account != nullptr) {
    auto none = have_no_tariff(tx, *account, book.effective, *until, now_ms);
    if (!none) return failed(none);
    may = *none;
  }
  if (!may)
    return refuse(409, "wrong_state",
                  fmt::format("prices are in effect already: new ones take effect after {}", to_text(today)));
  auto others = store::accounts_closed_otherwise(tx, scope, to_text(book.effective), *until, book.basis);
  if (!others) return failed(others);
  if (*others == 0) return {};
  return refuse(
      409, "wrong_state",
      fmt::format("days on or after {} were closed by the other basis than {} ({} accounts): prices with this "
                  "basis can only begin after them",
                  to_text(book.effective), store::to_string(book.basis), *others));
}

// Prices so high that a bill could not be counted.
Outcome<void> can_be_counted(const PriceBook& book) {
  std::vector<Detail> problems;
  const auto check = [&](const char* at, const std::optional<Tariff>& tariff, BillingMethod method) {
    if (!tariff) return;
    const std::int64_t most = method == BillingMethod::traffic ? kMostBytes : kMostMbps * kMbps;
    auto lines = rate(*tariff, static_cast<std::uint64_t>(most), book.unit(method));
    if (lines && amount_of(*lines)) return;
    problems.push_back({at, "out-of-range", "amounts would be too large to be counted",
                        "lower prices, or for a larger unit: an exabyte, or a petabit a second, must have an amount"});
  };
  check("/traffic/day", book.traffic_day, BillingMethod::traffic);
  check("/traffic/month", book.traffic_month, BillingMethod::traffic);
  check("/bandwidth/day", book.bandwidth_day, BillingMethod::bandwidth);
  check("/bandwidth/month", book.bandwidth_month, BillingMethod::bandwidth);
  if (!problems.empty()) return invalid(std::move(problems));
  return {};
}

// The row, if it exists for the caller.
Outcome<store::StoredPriceBook> find(Transaction& tx, const Caller& caller, const std::string& id) {
  auto row = store::find_price_book(tx, id);
  if (!row && row.error().code != base::Code::not_found) return failed(row);
  if (!row || (!row->scope.empty() && !caller.sees(row->scope))) return not_found("price book");
  return std::move(*row);
}

AuditedChange change_of(const PriceBookView& view, std::string_view action) {
  AuditedChange change;
  if (!view.row.scope.empty()) change.account_id = view.row.scope;
  change.action = action;
  change.object_type = "price_book";
  change.object_name = view.row.id;
  return change;
}

}  // namespace

const Tariff* PriceBook::tariff(BillingMethod method, BillingPeriod period) const {
  const bool traffic = method == BillingMethod::traffic, day = period == BillingPeriod::day;
  const auto& found = traffic ? (day ? traffic_day : traffic_month) : (day ? bandwidth_day : bandwidth_month);
  return found ? &*found : nullptr;
}

Json to_json(const PriceBook& book) {
  return {{"effective", to_text(book.effective)},
          {"currency", book.currency},
          {"basis", store::to_string(book.basis)},
          {"unit_bytes", book.unit_bytes},
          {"traffic", {{"day", tariff_json(book.traffic_day)}, {"month", tariff_json(book.traffic_month)}}},
          {"bandwidth", {{"day", tariff_json(book.bandwidth_day)}, {"month", tariff_json(book.bandwidth_month)}}}};
}

Outcome<PriceBook> read_price_book(const Json& document) {
  PriceBook book;
  std::vector<Detail> problems;
  const Json& effective = member(document, "effective");
  const auto day = effective.is_string() ? parse_local_date(effective.get_ref<const std::string&>()) : std::nullopt;
  if (day) {
    book.effective = *day;
  } else {
    problems.push_back({"/effective", "bad-value", "this is no day", "2026-04-01"});
  }
  if (const Json& currency = member(document, "currency"); currency.is_string()) book.currency = currency;
  if (member(document, "basis") == "wire") book.basis = store::BillingBasis::wire;
  if (const Json& unit = member(document, "unit_bytes"); unit.is_number_integer()) book.unit_bytes = unit;
  struct {
    const char *method, *period;
    std::optional<Tariff>& into;
  } const tariffs[] = {{"traffic", "day", book.traffic_day},
                       {"traffic", "month", book.traffic_month},
                       {"bandwidth", "day", book.bandwidth_day},
                       {"bandwidth", "month", book.bandwidth_month}};
  bool any = false;
  for (const auto& t : tariffs) {
    t.into =
        read_tariff(member(member(document, t.method), t.period), fmt::format("/{}/{}", t.method, t.period), problems);
    any = any || t.into;
  }
  if (!any && problems.empty()) problems.push_back({"", "missing-key", "a price book has at least one tariff", ""});
  if (!problems.empty()) return invalid(std::move(problems));
  return book;
}

base::Result<std::optional<PriceBook>> price_book_on(Transaction& tx, std::string_view account_id, LocalDate day) {
  auto row = store::price_book_on(tx, account_id, to_text(day));
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  auto book = book_of(**row);
  if (!book) return std::unexpected(book.error());
  return std::optional(std::move(*book));
}

base::Result<std::vector<PriceBook>> price_books_from(Transaction& tx, std::string_view account_id, LocalDate day) {
  auto present = price_book_on(tx, account_id, day);
  if (!present) return std::unexpected(present.error());
  std::vector<PriceBook> books;
  if (*present) books.push_back(std::move(**present));
  std::optional<LocalDate> own;  // from when on everybody's are not this account's
  for (const std::string_view scope : {account_id, std::string_view()}) {
    auto rows = store::price_books_of(tx, scope);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) {
      auto book = book_of(row);
      if (!book) return std::unexpected(book.error());
      if (!scope.empty() && !own) own = book->effective;
      if (book->effective <= day || (scope.empty() && own && *own <= book->effective)) continue;
      books.push_back(std::move(*book));
    }
  }
  return books;
}

Outcome<PriceBookView> create_price_book(Context& context, const Caller& caller, PriceBook book,
                                         const std::optional<std::string>& account_id) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<PriceBookView> {
    const std::int64_t now = context.now_ms();
    std::optional<store::Account> account;
    if (account_id) {
      auto found = account_for(tx, caller, account_id);
      if (!found) return std::unexpected(found.error());
      account = std::move(*found);
    }
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());
    if (!caller.is_operator()) return refuse(403, "forbidden", "prices are the operators' to set");
    if (auto sound = can_be_counted(book); !sound) return std::unexpected(sound.error());
    const auto today = newest_day(tx, account ? &*account : nullptr, now);
    if (!today) return std::unexpected(today.error());
    if (book.effective <= *today) {
      auto may = may_be_dated_back(tx, book, account ? &*account : nullptr, *today, now);
      if (!may) return std::unexpected(may.error());
    }
    const auto offered = offers_what_is_used(tx, book, account ? account->id : "", book.effective, now);
    if (!offered) return std::unexpected(offered.error());
    store::StoredPriceBook row;
    row.scope = account ? account->id : "";
    row.effective_day = to_text(book.effective);
    row.document = to_json(book).dump();
    row.created_by = caller.user_id;
    row.created_ms = now;
    auto stored = store::insert_price_book(tx, std::move(row));
    if (!stored) return failed(stored);
    auto view = view_of(std::move(*stored));
    if (!view) return view;
    AuditedChange change = change_of(*view, "price_book.create");
    change.new_value = to_json(view->book);
    if (auto written = audit(tx, caller, change, now); !written) return failed(written);
    return view;
  });
}

Outcome<void> delete_price_book(Context& context, const Caller& caller, const std::string& id) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<void> {
    const std::int64_t now = context.now_ms();
    auto row = find(tx, caller, id);
    if (!row) return std::unexpected(row.error());
    if (auto may = require_write(caller); !may) return std::unexpected(may.error());
    if (!caller.is_operator()) return refuse(403, "forbidden", "prices are the operators' to set");
    std::optional<store::Account> account;
    if (!row->scope.empty()) {
      auto found = store::find_account(tx, row->scope);
      if (!found) return failed(found);
      account = std::move(*found);
    }
    const auto today = newest_day(tx, account ? &*account : nullptr, now);
    if (!today) return std::unexpected(today.error());
    auto view = view_of(std::move(*row));
    if (!view) return std::unexpected(view.error());
    if (view->book.effective <= *today) return refuse(409, "wrong_state", "these prices have taken effect");
    if (auto gone = store::delete_price_book(tx, id); !gone) return failed(gone);
    auto instead = price_books_from(tx, view->row.scope, view->book.effective);
    if (!instead) return failed(instead);
    for (const PriceBook& one : *instead) {
      const LocalDate from = std::max(one.effective, view->book.effective);
      const auto offered = offers_what_is_used(tx, one, view->row.scope, from, now);
      if (!offered) return offered;
    }
    AuditedChange change = change_of(*view, "price_book.delete");
    change.old_value = to_json(view->book);
    if (auto written = audit(tx, caller, change, now); !written) return failed(written);
    return {};
  });
}

Outcome<PriceBookView> get_price_book(Context& context, const Caller& caller, const std::string& id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<PriceBookView> {
    auto row = find(tx, caller, id);
    if (!row) return std::unexpected(row.error());
    return view_of(std::move(*row));
  });
}

Outcome<store::Page<PriceBookView>> list_price_books(Context& context, const Caller& caller,
                                                     const std::optional<std::string>& account_id,
                                                     const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<PriceBookView>> {
    std::optional<std::string> of;
    if (account_id || !caller.sees_all()) {
      of = listed_account(caller, account_id);
      if (!of) return store::Page<PriceBookView>();
    }
    auto rows = store::list_price_books(tx, of, page);
    if (!rows && rows.error().code == base::Code::malformed)
      return invalid("?after", "bad-value", "this is not the `next` of a page");
    if (!rows) return failed(rows);
    store::Page<PriceBookView> views;
    views.total = rows->total;
    views.next = rows->next;
    for (auto& row : rows->items) {
      auto view = view_of(std::move(row));
      if (!view) return std::unexpected(view.error());
      views.items.push_back(std::move(*view));
    }
    return views;
  });
}

}  // namespace fairlead::control
