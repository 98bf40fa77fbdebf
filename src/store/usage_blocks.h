#pragma once
// Usage blocks: usage that a roll-up has packed. A row holds one domain's series over one stretch of time, as a text
// that the control plane knows how to read (control/usage/block.h). What a row is about is its shelf: the length of its
// points (tier), by what they are split (dimension), and which meters are in it (part): a reader fetches the rows of
// the few shelves it needs and leaves the large ones alone. What is not split at all lies in tables apart. Values;
// functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"
#include "store/usage_points.h"

namespace fairlead::store {

enum class UsageTier : std::uint8_t { five_minutes, hours, days };
enum class UsageDimension : std::uint8_t { total, region, isp, full };
enum class UsagePart : std::uint8_t { bytes, answers, rest };
std::string_view to_string(UsageTier tier);

struct UsageShelf {
  UsageTier tier = UsageTier::five_minutes;
  UsageDimension dimension = UsageDimension::total;
  UsagePart part = UsagePart::bytes;
  // As the column holds it, for a person to read: TIER DIMENSION PART, a digit each.
  std::int64_t number() const {
    return 100 * static_cast<std::int64_t>(tier) + 10 * static_cast<std::int64_t>(dimension) +
           static_cast<std::int64_t>(part);
  }
};

struct UsageBlock {
  UsageShelf shelf;
  std::string domain_id;
  std::int64_t start_s = 0;  // of its first point, seconds since 1970 UTC
  std::string body;
};

// Those of a domain that begin at start_s, on these shelves (at most a hundred): body by UsageShelf::number().
base::Result<std::map<std::int64_t, std::string>> find_usage_blocks(Transaction& tx,
                                                                    const std::vector<UsageShelf>& shelves,
                                                                    std::string_view domain_id, std::int64_t start_s);
// Writes them over what is there; one with an empty body goes.
base::Result<void> put_usage_blocks(Transaction& tx, std::vector<UsageBlock> blocks);
// Each block of `shelf` that begins in [from_s, to_s), in no order.
base::Result<void> each_usage_block(Transaction& tx, UsageShelf shelf, const UsageDomains& domains, std::int64_t from_s,
                                    std::int64_t to_s, const EachUsage& each);
// Deletes blocks of a shelf that begin before `before_s`, at most `limit`. How many.
base::Result<std::int64_t> delete_usage_blocks(Transaction& tx, UsageShelf shelf, std::int64_t before_s,
                                               std::int64_t limit);
// Whether there is a block of a tier, of all keys together, that begins before `before_s`.
base::Result<bool> has_usage_blocks_before(Transaction& tx, UsageTier tier, std::int64_t before_s);
// Where the last block of a tier, of all keys together, begins; none: there is none.
base::Result<std::optional<std::int64_t>> last_usage_block_s(Transaction& tx, UsageTier tier);

// Since when points of a tier are kept: a UTC midnight, 0 while nothing was ever removed. It never goes back.
base::Result<std::int64_t> usage_kept_since(Transaction& tx, UsageTier tier);
base::Result<void> set_usage_kept_since(Transaction& tx, UsageTier tier, std::int64_t since_s);

}  // namespace fairlead::store
