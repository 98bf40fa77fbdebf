#pragma once
// Resource packs (R20): prepaid WebSocket traffic with an end. A product is what an operator offers; a pack is what an
// account bought, as the product was then. What a pack has left is written together with the ledger's entry for it
// (billing_ledger.h). Values; functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

struct PackProduct {
  std::string id;
  std::string name;  // unique
  std::int64_t bytes = 0;
  std::int64_t validity_days = 0;
  std::string currency;
  std::int64_t price_micro = 0;
  bool on_sale = true;
  std::int64_t created_ms = 0;  // since 1970 UTC, as all times here
  bool operator==(const PackProduct&) const = default;
};

base::Result<PackProduct> insert_pack_product(Transaction& tx, PackProduct product);  // id is set here
base::Result<PackProduct> find_pack_product(Transaction& tx, std::string_view id);
base::Result<void> retire_pack_product(Transaction& tx, std::string_view id);  // no longer on sale
// By name.
base::Result<Page<PackProduct>> list_pack_products(Transaction& tx, bool on_sale_only, const PageRequest& page);

enum class PackState : std::uint8_t { active, used_up, expired, cancelled };
std::string_view to_string(PackState state);

struct Pack {
  std::string id;
  std::string account_id, product_id;
  std::string name;  // the product's
  std::int64_t bytes = 0, remaining = 0;
  std::string currency;
  std::int64_t price_micro = 0;
  std::string from_day, until_day;  // it can be used for these days of the account, both included
  PackState state = PackState::active;
  std::string bought_by;  // a user's id
  std::int64_t bought_ms = 0;
  std::optional<std::int64_t> ended_ms;
  std::int64_t told = 0;  // what the account was told of, bits of the control plane's
  bool operator==(const Pack&) const = default;
};

base::Result<Pack> insert_pack(Transaction& tx, Pack pack);  // id is set here
base::Result<Pack> find_pack(Transaction& tx, std::string_view id);
// Writes remaining, state, ended_ms and told over the row `pack.id`.
base::Result<void> update_pack(Transaction& tx, const Pack& pack);
// Active ones in the order they are used in: that which ends first at the head, then that which was bought first.
base::Result<std::vector<Pack>> active_packs(Transaction& tx, std::string_view account_id);
// Oldest first. malformed when `page.after` is not the `next` of a page.
base::Result<Page<Pack>> list_packs(Transaction& tx, const std::optional<std::string>& account_id,
                                    const PageRequest& page);

}  // namespace fairlead::store
