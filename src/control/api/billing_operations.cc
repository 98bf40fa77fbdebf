#include "control/api/billing_operations.h"

#include <charconv>

#include "control/api/body.h"
#include "control/billing/methods.h"
#include "control/billing/packs.h"
#include "control/billing/price_book.h"
#include "control/billing/statements.h"

namespace fairlead::control {
namespace {

Json choice_json(const store::MethodChoice& choice) {
  return {{"method", store::to_string(choice.method)},
          {"period", store::to_string(choice.period)},
          {"effective", date(choice.effective_ms)},
          {"chosen", date(choice.chosen_ms)}};
}
Json choice_json(const std::optional<store::MethodChoice>& choice) { return choice ? choice_json(*choice) : Json(); }

Outcome<Reply> reply_of(const Outcome<BillingView>& view) {
  if (!view) return std::unexpected(view.error());
  Json history = Json::array();
  for (const auto& choice : view->history) history.push_back(choice_json(choice));
  Reply reply;
  reply.body = {{"account_id", view->account.id},
                {"account_name", view->account.name},
                {"time_zone", view->account.time_zone},
                {"current", choice_json(view->current)},
                {"pending", choice_json(view->pending)},
                {"history", std::move(history)},
                {"price_book", view->prices ? Json(view->prices->id) : Json()}};
  return reply;
}

Json shown(const PriceBookView& view) {
  Json out = {{"id", view.row.id}, {"account_id", view.row.scope.empty() ? Json() : Json(view.row.scope)}};
  out.update(to_json(view.book));
  out["created"] = date(view.row.created_ms);
  return out;
}

Json shown(const store::PackProduct& p) {
  return {{"id", p.id},
          {"name", p.name},
          {"bytes", p.bytes},
          {"validity_days", p.validity_days},
          {"currency", p.currency},
          {"price", p.price_micro},
          {"on_sale", p.on_sale},
          {"created", date(p.created_ms)}};
}

Json shown(const PackView& view) {
  const store::Pack& p = view.pack;
  const bool frozen = view.frozen && p.state == store::PackState::active;
  return {{"id", p.id},
          {"account_id", p.account_id},
          {"product_id", p.product_id},
          {"name", p.name},
          {"bytes", p.bytes},
          {"remaining", p.remaining},
          {"currency", p.currency},
          {"price", p.price_micro},
          {"from", p.from_day},
          {"until", p.until_day},
          {"state", frozen ? "frozen" : std::string(store::to_string(p.state))},
          {"bought", date(p.bought_ms)},
          {"ended", date(p.ended_ms)}};
}

Json shown(const store::LedgerEntry& e) {
  return {{"id", e.transaction_id + "." + std::to_string(e.line)},
          {"transaction", e.transaction_id},
          {"line", e.line},
          {"account_id", e.account_id},
          {"at", date(e.at_ms)},
          {"kind", e.kind},
          {"unit", e.unit},
          {"debit", e.debit},
          {"credit", e.credit},
          {"amount", e.amount},
          {"reference", e.reference}};
}

Json shown(const StatementView& view) {
  const store::Statement& s = view.row;
  return {{"id", s.id},
          {"number", s.number},
          {"account_id", s.account_id},
          {"account_name", view.account_name},
          {"period", store::to_string(s.period)},
          {"from", s.from_day},
          {"to", s.to_day},
          {"currency", s.currency},
          {"amount", s.amount_micro},
          {"issued", date(s.issued_ms)}};
}

template <class T>
Outcome<Reply> one(const Outcome<T>& value, int status = 200) {
  if (!value) return std::unexpected(value.error());
  Reply reply;
  reply.status = status;
  reply.body = shown(*value);
  return reply;
}
template <class T>
Outcome<Reply> many(const Outcome<store::Page<T>>& page) {
  if (!page) return std::unexpected(page.error());
  Reply reply;
  reply.body = page_json(*page, [](const T& item) { return shown(item); });
  return reply;
}
Outcome<Reply> nothing(const Outcome<void>& done) {
  if (!done) return std::unexpected(done.error());
  Reply reply;
  reply.status = 204;
  return reply;
}

// What the dispatcher has checked to be there and to be a number.
std::int64_t number_member(const Json& body, const char* name) { return body.at(name).get<std::int64_t>(); }
std::int64_t bill_number(const Call& call) {
  std::int64_t number = 0;
  const std::string& text = call.path("bill");
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void add_method_operations(Operations& operations, Context& context) {
  operations["getBilling"] = [&context](const Call& call) {
    return reply_of(get_billing(context, call.caller, call.query("account_id")));
  };
  operations["chooseBillingMethod"] = [&context](const Call& call) {
    const auto method = store::billing_method_of(text_member(call.body, "method").value_or(""));
    const auto period = store::billing_period_of(text_member(call.body, "period").value_or(""));
    return reply_of(choose_method(context, call.caller, text_member(call.body, "account_id"), method, period));
  };
  operations["cancelBillingChange"] = [&context](const Call& call) {
    return reply_of(cancel_method_change(context, call.caller, text_member(call.body, "account_id")));
  };
}

// Of every price book: they are made and taken back, and never changed.
constexpr std::int64_t kPricesRevision = 1;

Outcome<Reply> reply_of(const Outcome<PriceBookView>& view, int status) {
  auto reply = one(view, status);
  if (reply) reply->revision = kPricesRevision;
  return reply;
}

void add_price_operations(Operations& operations, Context& context) {
  operations["listPriceBooks"] = [&context](const Call& call) {
    return many(list_price_books(context, call.caller, call.query("account_id"), call.page()));
  };
  operations["createPriceBook"] = [&context](const Call& call) -> Outcome<Reply> {
    auto book = read_price_book(call.body);
    if (!book) return std::unexpected(book.error());
    return reply_of(create_price_book(context, call.caller, std::move(*book), text_member(call.body, "account_id")),
                    201);
  };
  operations["getPriceBook"] = [&context](const Call& call) {
    return reply_of(get_price_book(context, call.caller, call.path("price_book_id")), 200);
  };
  operations["deletePriceBook"] = [&context](const Call& call) -> Outcome<Reply> {
    if (call.expected_revision.value_or(kPricesRevision) != kPricesRevision)
      return refuse(412, "revision_conflict", "prices are never changed: read them again");
    return nothing(delete_price_book(context, call.caller, call.path("price_book_id")));
  };
}

void add_pack_operations(Operations& operations, Context& context) {
  operations["listPackProducts"] = [&context](const Call& call) {
    return many(list_pack_products(context, call.caller, call.page()));
  };
  operations["createPackProduct"] = [&context](const Call& call) {
    store::PackProduct product;
    product.name = text_member(call.body, "name").value_or("");
    product.bytes = number_member(call.body, "bytes");
    product.validity_days = number_member(call.body, "validity_days");
    product.currency = text_member(call.body, "currency").value_or("");
    product.price_micro = number_member(call.body, "price");
    return one(create_pack_product(context, call.caller, std::move(product)), 201);
  };
  operations["retirePackProduct"] = [&context](const Call& call) {
    return nothing(retire_pack_product(context, call.caller, call.path("product")));
  };
  operations["listResourcePacks"] = [&context](const Call& call) {
    return many(list_packs(context, call.caller, call.query("account_id"), call.page()));
  };
  operations["buyResourcePack"] = [&context](const Call& call) {
    return one(buy_pack(context, call.caller, text_member(call.body, "account_id"),
                        text_member(call.body, "product_id").value_or("")),
               201);
  };
  operations["getResourcePack"] = [&context](const Call& call) {
    return one(get_pack(context, call.caller, call.path("pack_id")));
  };
  operations["cancelResourcePack"] = [&context](const Call& call) {
    return one(cancel_pack(context, call.caller, call.path("pack_id")));
  };
  operations["listPackLedger"] = [&context](const Call& call) {
    return many(list_ledger(context, call.caller, std::nullopt, call.path("pack_id"), call.page()));
  };
  operations["listLedger"] = [&context](const Call& call) {
    return many(list_ledger(context, call.caller, call.query("account_id"), std::nullopt, call.page()));
  };
  operations["getPackForecast"] = [&context](const Call& call) -> Outcome<Reply> {
    auto view = get_pack_forecast(context, call.caller, call.query("account_id"));
    if (!view) return std::unexpected(view.error());
    const PackForecast& f = view->forecast;
    Reply reply;
    reply.body = {{"account_id", view->account_id},
                  {"remaining", f.remaining},
                  {"daily_bytes", f.daily_bytes},
                  {"days_known", f.days_known},
                  {"exhausted_on", f.exhausted_on ? Json(to_text(*f.exhausted_on)) : Json()},
                  {"expiring_unused", f.expiring_unused},
                  {"frozen", view->frozen}};
    return reply;
  };
}

void add_bill_operations(Operations& operations, Context& context, const PointsReader& points) {
  operations["listBills"] = [&context](const Call& call) {
    return many(list_statements(context, call.caller, call.query("account_id"), call.page()));
  };
  operations["getBill"] = [&context](const Call& call) -> Outcome<Reply> {
    auto view = get_statement(context, call.caller, bill_number(call));
    if (!view) return std::unexpected(view.error());
    Reply reply;
    reply.text = std::move(view->row.document);
    return reply;
  };
  operations["getBillCsv"] = [&context](const Call& call) -> Outcome<Reply> {
    auto view = get_statement(context, call.caller, bill_number(call));
    if (!view) return std::unexpected(view.error());
    Reply reply;
    reply.text = statement_csv(Json::parse(view->row.document, nullptr, false));
    reply.content_type = "text/csv";
    return reply;
  };
  operations["recomputeBill"] = [&context, points](const Call& call) -> Outcome<Reply> {
    const std::int64_t number = bill_number(call);
    auto again = recompute_statement(context, call.caller, points, number);
    if (!again) return std::unexpected(again.error());
    Reply reply;
    reply.body = {{"number", number},
                  {"equal", again->equal},
                  {"days_from_usage", again->days_from_usage},
                  {"days_from_store", again->days_from_store}};
    return reply;
  };
  operations["listRunningBills"] = [&context, points](const Call& call) -> Outcome<Reply> {
    auto bills = running_bills(context, call.caller, points, call.query("account_id"));
    if (!bills) return std::unexpected(bills.error());
    Json items = Json::array();
    for (auto& bill : *bills) items.push_back({{"waits_for", bill.waits_for}, {"bill", std::move(bill.document)}});
    Reply reply;
    reply.body = {{"items", std::move(items)}};
    return reply;
  };
}

}  // namespace

void add_billing_operations(Operations& operations, Context& context, PointsReader points) {
  add_method_operations(operations, context);
  add_price_operations(operations, context);
  add_pack_operations(operations, context);
  add_bill_operations(operations, context, points);
}

}  // namespace fairlead::control
