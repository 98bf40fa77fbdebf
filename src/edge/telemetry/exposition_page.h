#pragma once
// Page: a metrics page in the making, in the Prometheus text format 0.0.4, family by family. Written straight into its
// string: 10,000 busy domains are 320,000 series, for which prometheus-cpp's tree of metrics and its serializer (which
// writes labels through a stream, character by character) took 270 ms of CPU and this takes 100. The library remains
// the judge: a test gives both the same series and wants the same text. Used by exposition*.cc alone.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "edge/telemetry/counters.h"

namespace fairlead::edge::exposition {

struct Label {
  std::string_view name;
  std::string_view value;  // UTF-8; escaped here
};
using Labels = std::initializer_list<Label>;

// Names and help texts are literals: names of the grammar, help without backslash and newline.
class Page {
 public:
  // Each begins a family: its HELP and TYPE, once. The samples that follow are its own.
  void counter(std::string_view name, std::string_view help) { begin("counter", name, help); }
  void gauge(std::string_view name, std::string_view help) { begin("gauge", name, help); }
  void summary(std::string_view name, std::string_view help) { begin("summary", name, help); }
  void histogram(std::string_view name, std::string_view help) { begin("histogram", name, help); }

  // One series of the family; no two with the same labels.
  void add(Labels labels, std::uint64_t value);
  void add(Labels labels, double value);
  // Of a summary without quantiles: how many, and their sum.
  void add_summary(Labels labels, std::uint64_t count, double sum);
  // Of a histogram. `buckets` are not cumulative: one for each bound, and one for what is beyond the last.
  void add_histogram(Labels labels, std::span<const double> bounds, std::span<const std::uint64_t> buckets, double sum);

  std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view type, std::string_view name, std::string_view help);
  void series(std::string_view suffix, Labels labels, std::string_view bound = {});
  template <class T>
  void value(T v);

  std::string text_;
  std::string_view name_;
};

// The metrics that have a `domain` label or are sums over domains.
void add_domains(Page& page, const CounterRegistry& registry);

}  // namespace fairlead::edge::exposition
