#pragma once
// Price books: operators' prices by date of effect, for everybody (scope "") or for one account (scope: its id). What
// is in a document the control plane knows. Values; functions work inside the caller's transaction and fail as
// database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

struct StoredPriceBook {
  std::string id;
  std::string scope;          // "" or an account's id
  std::string effective_day;  // "2026-04-01": from the beginning of that day in each account's time zone
  std::string document;       // JSON text
  std::string created_by;     // a user's id
  std::int64_t created_ms = 0;
  bool operator==(const StoredPriceBook&) const = default;
};

// id is set here. Conflict "unique:" when the scope has one of that day. The row as stored.
base::Result<StoredPriceBook> insert_price_book(Transaction& tx, StoredPriceBook book);
base::Result<StoredPriceBook> find_price_book(Transaction& tx, std::string_view id);
base::Result<void> delete_price_book(Transaction& tx, std::string_view id);

// The account's own that is in effect on a day (the latest not after it), else everybody's; none when there is neither.
base::Result<std::optional<StoredPriceBook>> price_book_on(Transaction& tx, std::string_view account_id,
                                                           std::string_view day);
// Of one scope, ascending by day.
base::Result<std::vector<StoredPriceBook>> price_books_of(Transaction& tx, std::string_view scope);
// All there are, or those for an account (its own and everybody's): everybody's first, then by scope and day.
base::Result<Page<StoredPriceBook>> list_price_books(Transaction& tx, const std::optional<std::string>& account_id,
                                                     const PageRequest& page);

}  // namespace fairlead::store
