#include "store/billing_packs.h"

#include <array>

#include "store/billing_due.h"
#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr std::array<std::string_view, 4> kStates = {"active", "used_up", "expired", "cancelled"};
constexpr Sql kProduct = "id, name, bytes, validity_days, currency, price_micro, on_sale, created_ms";
constexpr Sql kPack =
    "id, account_id, product_id, name, bytes, remaining, currency, price_micro, from_day, until_day, state, bought_by, "
    "bought_ms, ended_ms, told";

PackProduct read_product(Columns& c) {
  PackProduct p;
  p.id = c.text();
  p.name = c.text();
  p.bytes = c.integer();
  p.validity_days = c.integer();
  p.currency = c.text();
  p.price_micro = c.integer();
  p.on_sale = c.truth();
  p.created_ms = c.integer();
  return p;
}

Pack read_pack(Columns& c) {
  Pack p;
  p.id = c.text();
  p.account_id = c.text();
  p.product_id = c.text();
  p.name = c.text();
  p.bytes = c.integer();
  p.remaining = c.integer();
  p.currency = c.text();
  p.price_micro = c.integer();
  p.from_day = c.text();
  p.until_day = c.text();
  p.state = value_of<PackState>(kStates, c.text());
  p.bought_by = c.text();
  p.bought_ms = c.integer();
  p.ended_ms = c.optional_integer();
  p.told = c.integer();
  return p;
}

}  // namespace

std::string_view to_string(PackState state) { return word_of(kStates, state); }

Result<PackProduct> insert_pack_product(Transaction& tx, PackProduct p) {
  p.id = new_id(p.created_ms);
  auto done = tx.execute("insert into pack_products (" + kProduct +
                             ") values (:id, :name, :bytes, :days, :currency, :price, :on_sale, :now)",
                         {{"id", p.id},
                          {"name", p.name},
                          {"bytes", p.bytes},
                          {"days", p.validity_days},
                          {"currency", p.currency},
                          {"price", p.price_micro},
                          {"on_sale", p.on_sale ? 1 : 0},
                          {"now", p.created_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return p;
}

Result<PackProduct> find_pack_product(Transaction& tx, std::string_view id) {
  return read_one(
      tx.query_one("select " + kProduct + " from pack_products where id = :id", {{"id", id}}, "pack product"),
      read_product);
}

Result<void> retire_pack_product(Transaction& tx, std::string_view id) {
  return must_change(tx.execute("update pack_products set on_sale = 0 where id = :id", {{"id", id}}), "pack product");
}

Result<Page<PackProduct>> list_pack_products(Transaction& tx, bool on_sale_only, const PageRequest& page) {
  Filter filter;
  if (on_sale_only) filter.add("on_sale = 1");
  Filter after = filter;
  if (!page.after.empty()) after.add("name > :after", "after", page.after);
  return read_page(tx, "pack_products", kProduct, filter, after, "name", page, read_product,
                   [](const PackProduct& p) { return p.name; });
}

Result<Pack> insert_pack(Transaction& tx, Pack p) {
  p.id = new_id(p.bought_ms);
  auto done = tx.execute("insert into packs (" + kPack +
                             ") values (:id, :account, :product, :name, :bytes, :remaining, :currency, :price, "
                             ":from_day, :until_day, :state, :by, :now, :ended, :told)",
                         {{"id", p.id},
                          {"account", p.account_id},
                          {"product", p.product_id},
                          {"name", p.name},
                          {"bytes", p.bytes},
                          {"remaining", p.remaining},
                          {"currency", p.currency},
                          {"price", p.price_micro},
                          {"from_day", p.from_day},
                          {"until_day", p.until_day},
                          {"state", to_string(p.state)},
                          {"by", p.bought_by},
                          {"now", p.bought_ms},
                          {"ended", p.ended_ms},
                          {"told", p.told}});
  if (!done) return std::unexpected(std::move(done.error()));
  if (auto due = add_billing_due(tx, p.account_id); !due) return std::unexpected(std::move(due.error()));
  return p;
}

Result<Pack> find_pack(Transaction& tx, std::string_view id) {
  return read_one(tx.query_one("select " + kPack + " from packs where id = :id", {{"id", id}}, "resource pack"),
                  read_pack);
}

Result<void> update_pack(Transaction& tx, const Pack& p) {
  return must_change(
      tx.execute("update packs set remaining = :remaining, state = :state, ended_ms = :ended, told = :told "
                 "where id = :id",
                 {{"remaining", p.remaining},
                  {"state", to_string(p.state)},
                  {"ended", p.ended_ms},
                  {"told", p.told},
                  {"id", p.id}}),
      "resource pack");
}

Result<std::vector<Pack>> active_packs(Transaction& tx, std::string_view account_id) {
  return read_all(tx.query("select " + kPack +
                               " from packs where account_id = :account and state = 'active' "
                               "order by until_day, bought_ms, id",
                           {{"account", account_id}}),
                  read_pack);
}

Result<Page<Pack>> list_packs(Transaction& tx, const std::optional<std::string>& account_id, const PageRequest& page) {
  Filter filter;
  filter.equal("account_id", "account", account_id);
  Filter after = filter;
  if (!page.after.empty()) {
    auto key = parse_time_key(page.after);
    if (!key) return std::unexpected(std::move(key.error()));
    after.add("(bought_ms, id) > (:after_ms, :after_id)", "after_ms", key->at_ms);
    after.give("after_id", key->id);
  }
  return read_page(tx, "packs", kPack, filter, after, "bought_ms, id", page, read_pack,
                   [](const Pack& p) { return to_text(TimeKey{p.bought_ms, p.id}); });
}

}  // namespace fairlead::store
