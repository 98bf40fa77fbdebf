#pragma once
// A strict reader of the Prometheus text format 0.0.4, for tests: it refuses what a scraper would refuse, and also what
// Prometheus' own linter would complain of. For the test programs only.

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::edge::testing {

struct PrometheusSample {
  std::string name;  // with its _bucket, _sum, _count
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct PrometheusFamily {
  std::string name, type, help;
  std::vector<PrometheusSample> samples;
};

// The families in their order, or "line N: what is wrong". Checked: the grammar; HELP and TYPE once, before the
// family's samples, which stand together; no series twice; counters end in _total, are not negative, and gauges do not
// end so; base units; buckets ascend, never shrink and end with +Inf, which equals _count.
std::expected<std::vector<PrometheusFamily>, std::string> parse_prometheus_text(std::string_view text);

// The value of one series (its labels must be just these); an absent one fails the calling test and is NaN.
double value_of(const std::vector<PrometheusFamily>& families, std::string_view name,
                const std::map<std::string, std::string>& labels);
bool has_series(const std::vector<PrometheusFamily>& families, std::string_view name,
                const std::map<std::string, std::string>& labels);

}  // namespace fairlead::edge::testing
