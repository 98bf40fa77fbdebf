// Usage sets: what is decoded has that one form, is in order, and adds up as a map does.

#include "support.h"

#include <algorithm>
#include <map>

#include "model/usage.h"

namespace fairlead::model {
namespace {

using fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto set = decode_usage(input);
  if (!set) {
    require(set.error().retry == base::Retry::never && !set.error().context.empty(), "an error that says what");
    return 0;
  }
  require(encode_usage(*set) == input, "one form");
  require(set->interval_s % kUsageInterval == 0, "an interval begins there");
  require(!decode_usage(input.substr(0, input.size() - 1)), "nothing can be missing");
  UsageValues sum;
  std::map<Meter, std::uint64_t> expected;
  const UsageRecord* before = nullptr;
  for (const UsageRecord& record : set->records) {
    require(!before || before->key < record.key, "keys ascend");
    require(!record.values.empty(), "something was counted");
    require(std::ranges::is_sorted(record.values, std::ranges::less_equal(), &UsageValues::value_type::first) ||
                record.values.size() == 1,
            "meters ascend");
    add_usage(sum, record.values);
    for (const auto& [meter, n] : record.values) expected[meter] += n;
    before = &record;
  }
  require(sum.size() == expected.size(), "as many meters as in the map");
  for (const auto& [meter, n] : expected) require(usage_of(sum, meter) == n, "the map's sum");
  return 0;
}

}  // namespace fairlead::model
