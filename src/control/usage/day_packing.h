#pragma once
// Packing of a domain's day: the texts of its five-minute intervals in, all blocks that are made of them out
// (layout.h, block.h). A pure function of what was read, so that several days can be packed beside each other and
// beside the store's work.

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/usage_blocks.h"

namespace fairlead::control {

struct DayTexts {
  std::string domain_id;
  std::int64_t day_s = 0;                                  // its beginning, a UTC midnight
  std::vector<std::pair<std::int64_t, std::string>> rows;  // open rows: interval, text
  // By UsageShelf::number(), of earlier roll-ups: five minutes of that day with all keys, and the days' blocks that it
  // belongs to.
  std::map<std::int64_t, std::string> present, days;
};

// The blocks, to be written over those there are. Errors: malformed (a text is damaged), unsupported (it is of a newer
// program). Any thread.
base::Result<std::vector<store::UsageBlock>> pack_day(const DayTexts& day);

}  // namespace fairlead::control
