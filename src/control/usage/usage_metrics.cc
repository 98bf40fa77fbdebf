#include "control/usage/usage_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace fairlead::control {

namespace {

// A label's value in the text format: an edge's id comes over the bus.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace

std::string usage_metrics(const UsageIngestion::Counters& taken, const UsageKeeper::Status& kept, std::int64_t now_ms) {
  std::string out;
  const auto head = [&](std::string_view name, std::string_view kind, std::string_view help) {
    out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, kind, help);
  };
  constexpr std::string_view kSets = "fairlead_usage_sets_total";
  head(kSets, "counter", "Sets of usage that edges handed over, by what became of them.");
  for (const auto& [result, n] : {std::pair("taken", taken.taken), std::pair("duplicate", taken.duplicates),
                                  std::pair("refused", taken.refused), std::pair("out_of_range", taken.out_of_range)}) {
    out += fmt::format("{}{{result=\"{}\"}} {}\n", kSets, result, n);
  }
  constexpr std::string_view kLag = "fairlead_usage_lag_seconds";
  head(kLag, "gauge", "Since when usage of an edge was last taken in, counted to the end of that set.");
  for (const auto& [edge, to_ms] : taken.last_to_ms) {
    out += fmt::format("{}{{edge=\"{}\"}} {:.3f}\n", kLag, label(edge),
                       static_cast<double>(std::max<std::int64_t>(0, now_ms - to_ms)) / 1000);
  }
  constexpr std::string_view kDamaged = "fairlead_usage_damaged_rows_total";
  head(kDamaged, "counter", "Rows of usage in the store that could not be read and were set aside.");
  out += fmt::format("{} {}\n", kDamaged, taken.damaged_rows + kept.damaged_rows);
  constexpr std::string_view kOpen = "fairlead_usage_open_rows", kDays = "fairlead_usage_rolled_up_domain_days_total",
                             kTook = "fairlead_usage_roll_up_seconds",
                             kFailed = "fairlead_usage_roll_up_failures_total";
  head(kOpen, "gauge", "Domains' five-minute intervals that are not rolled up, at the last look.");
  out += fmt::format("{} {}\n", kOpen, kept.open_rows);
  head(kDays, "counter", "Domains' days that were rolled up.");
  out += fmt::format("{} {}\n", kDays, kept.days);
  head(kTook, "gauge", "How long the last roll-up took that had something to do.");
  out += fmt::format("{} {:.3f}\n", kTook, static_cast<double>(kept.last_roll_up_ms) / 1000);
  head(kFailed, "counter", "Roll-ups and removals of old usage that failed and are tried again.");
  out += fmt::format("{} {}\n", kFailed, kept.failures);
  return out;
}

}  // namespace fairlead::control
