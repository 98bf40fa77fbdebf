#include "control/billing/price_book.h"

#include <fmt/format.h>

#include "control/account_access.h"
#include "control/audit_trail.h"
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
Outcome<LocalDate> newest_day(const store::Account* account, std::int64_t now_ms) {
  constexpr std::int64_t kFarthestEast = 14 * 3600;
  if (account == nullptr) return TimeZone::find("UTC")->date_of(now_ms / 1000 + kFarthestEast);
  auto zone = TimeZone::find(account->time_zone);
  if (!zone) return failed(zone);
  return zone->date_of(now_ms / 1000);
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
    const auto today = newest_day(account ? &*account : nullptr, now);
    if (!today) return std::unexpected(today.error());
    if (book.effective <= *today) {
      auto present = store::price_book_on(tx, account ? account->id : "", to_text(*today));
      if (!present) return failed(present);
      if (*present)
        return refuse(409, "wrong_state",
                      fmt::format("prices are in effect already: new ones take effect after {}", to_text(*today)));
    }
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
    const auto today = newest_day(account ? &*account : nullptr, now);
    if (!today) return std::unexpected(today.error());
    auto view = view_of(std::move(*row));
    if (!view) return std::unexpected(view.error());
    if (view->book.effective <= *today) return refuse(409, "wrong_state", "these prices have taken effect");
    if (auto gone = store::delete_price_book(tx, id); !gone) return failed(gone);
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
