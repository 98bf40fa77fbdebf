#pragma once
// Page: a metrics page in the making, family by family. It holds one family at a time, so that a scrape of 10,000
// domains needs room for the text and for one family, not for a tree of all. The data model and the text format are
// prometheus-cpp's. Used by exposition.cc and exposition_domains.cc alone.

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "edge/telemetry/counters.h"

namespace fairlead::edge::exposition {

struct Label {
  const char* name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

// One metric under all its labels. Goes onto the page when it goes out of scope.
class Family {
 public:
  Family(std::ostream& out, prometheus::MetricType type, const char* name, const char* help) : out_(out) {
    family_.name = name;
    family_.help = help;
    family_.type = type;
  }
  ~Family() { prometheus::TextSerializer().Serialize(out_, {std::move(family_)}); }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  // Of a counter or a gauge.
  void add(Labels labels, double value) {
    auto& m = metric(labels);
    (family_.type == prometheus::MetricType::Counter ? m.counter.value : m.gauge.value) = value;
  }
  void add(Labels labels, std::uint64_t value) { add(labels, static_cast<double>(value)); }
  // Of a summary without quantiles: how many, and their sum.
  void add_summary(Labels labels, std::uint64_t count, double sum) {
    auto& m = metric(labels);
    m.summary.sample_count = count;
    m.summary.sample_sum = sum;
  }
  prometheus::ClientMetric& metric(Labels labels) {
    auto& m = family_.metric.emplace_back();
    m.label.reserve(labels.size());
    for (const Label& l : labels) m.label.push_back({l.name, std::string(l.value)});
    return m;
  }

 private:
  std::ostream& out_;
  prometheus::MetricFamily family_;
};

class Page {
 public:
  Family counter(const char* name, const char* help) { return {out_, prometheus::MetricType::Counter, name, help}; }
  Family gauge(const char* name, const char* help) { return {out_, prometheus::MetricType::Gauge, name, help}; }
  Family summary(const char* name, const char* help) { return {out_, prometheus::MetricType::Summary, name, help}; }
  Family histogram(const char* name, const char* help) { return {out_, prometheus::MetricType::Histogram, name, help}; }
  std::string take() { return std::move(out_).str(); }

 private:
  std::ostringstream out_;
};

// The metrics that have a `domain` label or are sums over domains.
void add_domains(Page& page, const CounterRegistry& registry);

}  // namespace fairlead::edge::exposition
