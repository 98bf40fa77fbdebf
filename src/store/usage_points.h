#pragma once
// Usage points: usage of the five-minute intervals that no roll-up has taken yet, a row for each domain and interval
// (usage_blocks.h has the rest), the numbers that stand for names of regions and ISPs in all texts of usage, and the
// sums of what came for no interval that is kept. Whoever takes usage in adds to a row by reading and writing it in one
// transaction. What is in the texts the control plane knows (control/usage/block.h). Values; functions work inside the
// caller's transaction and fail as database.h says.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/transaction.h"

namespace fairlead::store {

// Which domains a reading is about.
struct UsageDomains {
  enum class Of : std::uint8_t { listed, account, all } of = Of::listed;
  std::vector<std::string> ids;  // listed: these
  std::string account_id;        // account: all that it has or had

  static UsageDomains list(std::vector<std::string> ids) { return {Of::listed, std::move(ids), {}}; }
  static UsageDomains of_account(std::string id) { return {Of::account, {}, std::move(id)}; }
  // All that ever had usage, and not their sums (usage_sums.h).
  static UsageDomains every() { return {Of::all, {}, {}}; }
};

struct OpenUsage {
  std::string domain_id;
  std::int64_t at_s = 0;  // the interval's beginning, seconds since 1970 UTC
  std::string total;      // of all keys together
  std::string body;       // by key
  bool operator==(const OpenUsage&) const = default;
};

// Those there are of these domains and this interval, in any order.
base::Result<std::vector<OpenUsage>> open_usage_at(Transaction& tx, std::int64_t at_s,
                                                   const std::vector<std::string>& domain_ids);
// Writes them over whatever is there. No two of one domain and interval.
base::Result<void> put_open_usage(Transaction& tx, const std::vector<OpenUsage>& rows);

// Each row of [from_s, to_s), in no order; `text`: its total, or its body. The views are valid during the call alone;
// an error from it ends the reading and is returned.
using EachUsage =
    std::function<base::Result<void>(std::string_view domain_id, std::int64_t at_s, std::string_view text)>;
enum class OpenText : std::uint8_t { total, body };
base::Result<void> each_open_usage(Transaction& tx, const UsageDomains& domains, std::int64_t from_s, std::int64_t to_s,
                                   OpenText text, const EachUsage& each);

// The domains and sums, and UTC days, that have rows before `before_s`: the oldest day first, then by domain, at most
// `limit`.
struct OpenDay {
  std::string domain_id;
  std::int64_t day_s = 0;  // its beginning
  bool operator==(const OpenDay&) const = default;
};
base::Result<std::vector<OpenDay>> open_usage_days(Transaction& tx, std::int64_t before_s, std::int64_t limit);
// Deletes a domain's rows of [from_s, to_s). How many there were.
base::Result<std::int64_t> delete_open_usage(Transaction& tx, std::string_view domain_id, std::int64_t from_s,
                                             std::int64_t to_s);
base::Result<std::int64_t> count_open_usage(Transaction& tx);
// The first and the last interval that has a row; none: there are none.
base::Result<std::optional<std::int64_t>> first_open_usage_s(Transaction& tx);
base::Result<std::optional<std::int64_t>> last_open_usage_s(Transaction& tx);

// Names and their numbers, from 1, in order of numbers. A name keeps its number for ever.
base::Result<std::vector<std::pair<std::int64_t, std::string>>> list_usage_names(Transaction& tx);
// The name's number; none: nothing was ever counted under it.
base::Result<std::optional<std::int64_t>> find_usage_name(Transaction& tx, std::string_view name);
// The same, but it gets one.
base::Result<std::int64_t> ensure_usage_name(Transaction& tx, std::string_view name);

// What came too late or too early to be part of any statistics, summed up for each edge.
struct UsageOutOfRange {
  std::string edge;
  std::string reason;     // "late", "early"
  std::int64_t sets = 0;  // how many
  std::string total;      // their sum, in the form of OpenUsage::total
  std::int64_t updated_ms = 0;
  bool operator==(const UsageOutOfRange&) const = default;
};
base::Result<std::optional<UsageOutOfRange>> find_usage_out_of_range(Transaction& tx, std::string_view edge,
                                                                     std::string_view reason);
base::Result<void> put_usage_out_of_range(Transaction& tx, const UsageOutOfRange& row);
base::Result<std::vector<UsageOutOfRange>> list_usage_out_of_range(Transaction& tx);

}  // namespace fairlead::store
