#include "cli/billing_verbs.h"

#include "cli/document_json.h"
#include "cli/yaml_writer.h"
#include <fmt/format.h>

namespace fairlead::cli {
namespace {

constexpr std::size_t kAll = 100'000;

std::string money(const Json& micro, const Json& currency) {
  if (!micro.is_number_integer()) return "-";
  const auto value = micro.get<std::int64_t>();
  const auto size = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  return fmt::format("{}{}.{:06} {}", value < 0 ? "-" : "", size / 1'000'000, size % 1'000'000,
                     currency.is_string() ? currency.get<std::string>() : "");
}

// With the amounts at `from` as texts at `to`.
std::vector<Json> with_money(const Output& out, std::vector<Json> items, const char* from, const char* to) {
  if (out.json()) return items;
  for (Json& item : items) item[to] = money(item.value(from, Json()), item.value("currency", Json()));
  return items;
}

// The account's id in a body, when one is given.
Told<Json> body_for(Desk& desk, const std::string& account) {
  Json body = Json::object();
  if (account.empty()) return body;
  const auto id = account_id(desk, account);
  if (!id) return std::unexpected(id.error());
  body["account_id"] = *id;
  return body;
}

Told<std::string> product_id(Desk& desk, const std::string& name_or_id) {
  std::string id;
  const auto done = desk.api.each("/v1/pack-products", {}, [&](const Json& item) {
    if (item.value("name", "") == name_or_id || item.value("id", "") == name_or_id) id = item.value("id", "");
    return id.empty();
  });
  if (!done) return std::unexpected(done.error());
  if (id.empty()) return trouble(fmt::format("no resource pack \"{}\" is offered", name_or_id));
  return id;
}

const std::vector<Column> kBilling = {
    {"Account", "/account_name"},       {"Time zone", "/time_zone"},     {"Billed by", "/current/method"},
    {"Paid by the", "/current/period"}, {"Since", "/current/effective"}, {"Will be billed by", "/pending/method"},
    {"Paid by the", "/pending/period"}, {"From", "/pending/effective"},  {"Price book", "/price_book"}};

Told<void> show_billing(Desk& desk, const Told<ApiReply>& reply) {
  if (!reply) return std::unexpected(reply.error());
  desk.out.object(kBilling, reply->json);
  return {};
}

void show_bill(Desk& desk, const Json& bill) {
  if (desk.out.json()) {
    desk.out.object({}, bill);
    return;
  }
  Json head = bill;
  head["total"] = money(bill.value("amount", Json()), bill.value("currency", Json()));
  const Json other = bill.value("what_if", Json());
  if (other.is_object()) {
    head["other"] = fmt::format("{} by {}", money(other.value("amount", Json()), bill.value("currency", Json())),
                                other.value("method", ""));
  }
  desk.out.object({{"Bill", "/number"},
                   {"Account", "/account_id"},
                   {"Period", "/period"},
                   {"From", "/from"},
                   {"To", "/to"},
                   {"Issued", "/issued"},
                   {"Amount", "/total"},
                   {"It would have been", "/other"}},
                  head);
  std::vector<Json> lines;
  for (const Json& charge : bill.value("charges", Json::array())) {
    for (Json line : charge.value("lines", Json::array())) {
      for (const char* key : {"method", "from", "to"}) line[key] = charge.value(key, Json());
      line["money"] = money(line.value("amount", Json()), bill.value("currency", Json()));
      line["each"] = money(line.value("price", Json()), Json());
      lines.push_back(std::move(line));
    }
  }
  for (Json late : bill.value("adjustments", Json::array())) {
    for (const char* key : {"from", "to"}) late[key] = late.value("day", Json());
    late["tier"] = "late";
    late["quantity"] = late.value("bytes", Json());
    late["money"] = money(late.value("amount", Json()), bill.value("currency", Json()));
    lines.push_back(std::move(late));
  }
  desk.out.text("\n");
  desk.out.list({{"METHOD", "/method"},
                 {"FROM", "/from"},
                 {"TO", "/to"},
                 {"TIER", "/tier", true},
                 {"QUANTITY", "/quantity", true},
                 {"PRICE", "/each", true},
                 {"AMOUNT", "/money", true}},
                lines, "resource packs cover all of it");
}

Told<void> deleted(Desk& desk, const char* what, std::initializer_list<std::string_view> path,
                   std::string_view method) {
  ApiCall call;
  if (method == "DELETE") call.if_match = "*";
  const auto reply = desk.api.send(method, api_path(path), call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(what, reply->json);
  return {};
}

}  // namespace

Told<void> bill_list(Desk& desk, const std::string& account, std::size_t most) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto items = desk.api.list("/v1/bills", *query, most);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"BILL", "/number", true},
                 {"ACCOUNT", "/account_name"},
                 {"PERIOD", "/period"},
                 {"FROM", "/from"},
                 {"TO", "/to"},
                 {"AMOUNT", "/money", true},
                 {"ISSUED", "/issued"}},
                with_money(desk.out, *items, "amount", "money"), "no bills");
  return {};
}

Told<void> bill_running(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto reply = desk.api.get("/v1/running-bills", *query);
  if (!reply) return std::unexpected(reply.error());
  if (desk.out.json()) {
    desk.out.object({}, reply->json);
    return {};
  }
  const Json items = reply->json.value("items", Json::array());
  if (items.empty()) desk.out.done("no billing method has been chosen");
  for (const Json& item : items) {
    show_bill(desk, item.value("bill", Json::object()));
    if (item.value("waits_for", "") == "price") desk.out.done("it waits for a price book");
    desk.out.text("\n");
  }
  return {};
}

Told<void> bill_show(Desk& desk, const std::string& number, bool csv) {
  if (!csv) {
    const auto reply = desk.api.get(api_path({"bills", number}));
    if (!reply) return std::unexpected(reply.error());
    show_bill(desk, reply->json);
    return {};
  }
  const auto reply = desk.api.get(api_path({"bills", number, "csv"}));
  if (!reply) return std::unexpected(reply.error());
  if (desk.out.json()) {
    desk.out.done("", Json(reply->body));
  } else {
    desk.out.text(reply->body);
  }
  return {};
}

Told<void> bill_check(Desk& desk, const std::string& number) {
  const auto reply = desk.api.get(api_path({"bills", number, "recompute"}));
  if (!reply) return std::unexpected(reply.error());
  const bool equal = reply->json.value("equal", false);
  desk.out.done(fmt::format("bill {} comes out {}: {} days from usage, {} from what was closed", number,
                            equal ? "the same, byte for byte" : "otherwise", reply->json.value("days_from_usage", 0),
                            reply->json.value("days_from_store", 0)),
                reply->json);
  if (!equal)
    return trouble(fmt::format("bill {} comes out otherwise: usage may have come late, look again tomorrow", number));
  return {};
}

Told<void> billing_show(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  return show_billing(desk, desk.api.get("/v1/billing", *query));
}

Told<void> billing_choose(Desk& desk, const std::string& method, const std::string& period,
                          const std::string& account) {
  auto body = body_for(desk, account);
  if (!body) return std::unexpected(body.error());
  ApiCall call;
  call.body = std::move(*body);
  call.body["method"] = method;
  call.body["period"] = period;
  return show_billing(desk, desk.api.send("POST", "/v1/billing/method", call));
}

Told<void> billing_cancel(Desk& desk, const std::string& account) {
  auto body = body_for(desk, account);
  if (!body) return std::unexpected(body.error());
  ApiCall call;
  call.body = std::move(*body);
  return show_billing(desk, desk.api.send("POST", "/v1/billing/cancel", call));
}

Told<void> pack_list(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto items = desk.api.list("/v1/resource-packs", *query, kAll);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"NAME", "/name"},
                 {"STATE", "/state"},
                 {"BYTES", "/bytes", true},
                 {"LEFT", "/remaining", true},
                 {"FROM", "/from"},
                 {"UNTIL", "/until"},
                 {"PRICE", "/money", true},
                 {"ID", "/id"}},
                with_money(desk.out, *items, "price", "money"), "no resource packs");
  return {};
}

Told<void> pack_buy(Desk& desk, const std::string& product, const std::string& account) {
  auto body = body_for(desk, account);
  if (!body) return std::unexpected(body.error());
  const auto id = product_id(desk, product);
  if (!id) return std::unexpected(id.error());
  ApiCall call;
  call.body = std::move(*body);
  call.body["product_id"] = *id;
  const auto reply = desk.api.send("POST", "/v1/resource-packs", call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("resource pack {} is bought: {} bytes until {}", reply->json.value("id", "?"),
                            reply->json.value("bytes", 0LL), reply->json.value("until", "?")),
                reply->json);
  return {};
}

Told<void> pack_cancel(Desk& desk, const std::string& id) {
  return deleted(desk, "the resource pack is cancelled", {"resource-packs", id, "cancel"}, "POST");
}

Told<void> pack_show(Desk& desk, const std::string& id) {
  const auto reply = desk.api.get(api_path({"resource-packs", id}));
  if (!reply) return std::unexpected(reply.error());
  Json pack = reply->json;
  if (!desk.out.json()) pack["money"] = money(pack.value("price", Json()), pack.value("currency", Json()));
  desk.out.object({{"Id", "/id"},
                   {"Name", "/name"},
                   {"State", "/state"},
                   {"Bytes", "/bytes"},
                   {"Left", "/remaining"},
                   {"From", "/from"},
                   {"Until", "/until"},
                   {"Price", "/money"},
                   {"Bought", "/bought"},
                   {"Ended", "/ended"}},
                  pack);
  return {};
}

Told<void> pack_ledger(Desk& desk, const std::string& id, const std::string& account) {
  auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  if (!id.empty()) query->clear();
  const auto items =
      desk.api.list(id.empty() ? "/v1/ledger" : api_path({"resource-packs", id, "ledger"}), *query, kAll);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"AT", "/at"},
                 {"KIND", "/kind"},
                 {"TO", "/debit"},
                 {"FROM", "/credit"},
                 {"AMOUNT", "/amount", true},
                 {"UNIT", "/unit"},
                 {"FOR", "/reference"}},
                *items, "no entries");
  return {};
}

Told<void> pack_forecast(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto reply = desk.api.get("/v1/pack-forecast", *query);
  if (!reply) return std::unexpected(reply.error());
  desk.out.object({{"Left", "/remaining"},
                   {"A day", "/daily_bytes"},
                   {"Mean of days", "/days_known"},
                   {"Exhausted on", "/exhausted_on"},
                   {"Will expire unused", "/expiring_unused"},
                   {"Frozen", "/frozen"}},
                  reply->json);
  return {};
}

Told<void> pack_products(Desk& desk) {
  const auto items = desk.api.list("/v1/pack-products", {}, kAll);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"NAME", "/name"},
                 {"BYTES", "/bytes", true},
                 {"DAYS", "/validity_days", true},
                 {"PRICE", "/money", true},
                 {"ON SALE", "/on_sale"},
                 {"ID", "/id"}},
                with_money(desk.out, *items, "price", "money"), "no resource packs are offered");
  return {};
}

Told<void> pack_offer(Desk& desk, const PackOfferArgs& args) {
  ApiCall call;
  call.body = {{"name", args.name},
               {"bytes", args.bytes},
               {"validity_days", args.validity_days},
               {"currency", args.currency},
               {"price", args.price_micro}};
  const auto reply = desk.api.send("POST", "/v1/pack-products", call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("{} is on sale", args.name), reply->json);
  return {};
}

Told<void> pack_retire(Desk& desk, const std::string& product) {
  const auto id = product_id(desk, product);
  if (!id) return std::unexpected(id.error());
  return deleted(desk, "it is no longer on sale", {"pack-products", *id, "retire"}, "POST");
}

Told<void> price_list(Desk& desk, const std::string& account) {
  const auto query = account_query(desk, account);
  if (!query) return std::unexpected(query.error());
  const auto items = desk.api.list("/v1/price-books", *query, kAll);
  if (!items) return std::unexpected(items.error());
  desk.out.list({{"EFFECTIVE", "/effective"},
                 {"ACCOUNT", "/account_id"},
                 {"CURRENCY", "/currency"},
                 {"BASIS", "/basis"},
                 {"CREATED", "/created"},
                 {"ID", "/id"}},
                *items, "no prices");
  return {};
}

Told<void> price_show(Desk& desk, const std::string& id) {
  const auto reply = desk.api.get(api_path({"price-books", id}));
  if (!reply) return std::unexpected(reply.error());
  if (desk.out.json()) {
    desk.out.object({}, reply->json);
  } else {
    desk.out.text(to_yaml(reply->json));
  }
  return {};
}

Told<void> price_set(Desk& desk, const std::string& file, const std::string& account) {
  auto extra = body_for(desk, account);
  if (!extra) return std::unexpected(extra.error());
  auto document = read_document(file);
  if (!document) return std::unexpected(document.error());
  ApiCall call;
  call.body = std::move(*document);
  if (call.body.is_object()) call.body.update(*extra);
  const auto reply = desk.api.send("POST", "/v1/price-books", call);
  if (!reply) return std::unexpected(reply.error());
  desk.out.done(fmt::format("price book {} is in effect from {} on", reply->json.value("id", "?"),
                            reply->json.value("effective", "?")),
                reply->json);
  return {};
}

Told<void> price_delete(Desk& desk, const std::string& id) {
  return deleted(desk, "the price book is gone", {"price-books", id}, "DELETE");
}

}  // namespace fairlead::cli
