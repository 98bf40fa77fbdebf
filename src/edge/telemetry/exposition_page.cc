#include "edge/telemetry/exposition_page.h"

#include <charconv>
#include <cmath>

namespace fairlead::edge::exposition {
namespace {

constexpr std::string_view kInfinity = "+Inf";

// The shortest text that reads back as the same number.
template <class T>
void append_number(std::string& out, T v) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(v)) {
      out += std::isnan(v) ? "NaN" : v > 0 ? kInfinity : "-Inf";
      return;
    }
    // 1000000 and not 1e+06; exact up to 2^53.
    if (std::abs(v) < 1e15 && v == std::trunc(v)) return append_number(out, static_cast<std::int64_t>(v));
  }
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}

// A label's value: backslash, quote and newline are escaped, all else stands for itself.
void append_escaped(std::string& out, std::string_view value) {
  for (;;) {
    const auto plain = value.find_first_of("\\\"\n");
    out += value.substr(0, plain);
    if (plain == std::string_view::npos) return;
    out += '\\';
    out += value[plain] == '\n' ? 'n' : value[plain];
    value.remove_prefix(plain + 1);
  }
}

}  // namespace

void Page::begin(std::string_view type, std::string_view name, std::string_view help) {
  name_ = name;
  for (const std::string_view part : {std::string_view("# HELP "), name, std::string_view(" "), help,
                                      std::string_view("\n# TYPE "), name, std::string_view(" "), type}) {
    text_ += part;
  }
  text_ += '\n';
}

// Everything of a sample before its value. `bound`: the value of `le`, of a bucket.
void Page::series(std::string_view suffix, Labels labels, std::string_view bound) {
  text_ += name_;
  text_ += suffix;
  if (labels.size() != 0 || !bound.empty()) {
    char before = '{';
    const auto label = [&](std::string_view name, std::string_view value) {
      text_ += before;
      before = ',';
      text_ += name;
      text_ += "=\"";
      append_escaped(text_, value);
      text_ += '"';
    };
    for (const Label& l : labels) label(l.name, l.value);
    if (!bound.empty()) label("le", bound);
    text_ += '}';
  }
  text_ += ' ';
}

template <class T>
void Page::value(T v) {
  append_number(text_, v);
  text_ += '\n';
}

void Page::add(Labels labels, std::uint64_t v) {
  series("", labels);
  value(v);
}

void Page::add(Labels labels, double v) {
  series("", labels);
  value(v);
}

void Page::add_summary(Labels labels, std::uint64_t count, double sum) {
  series("_count", labels);
  value(count);
  series("_sum", labels);
  value(sum);
}

void Page::add_histogram(Labels labels, std::span<const double> bounds, std::span<const std::uint64_t> buckets,
                         double sum) {
  std::uint64_t total = 0;
  for (const std::uint64_t n : buckets) total += n;
  add_summary(labels, total, sum);
  std::uint64_t below = 0;
  std::string bound;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    bound.clear();
    if (i < bounds.size()) {
      append_number(bound, bounds[i]);
    } else {
      bound = kInfinity;
    }
    series("_bucket", labels, bound);
    value(below += buckets[i]);
  }
}

}  // namespace fairlead::edge::exposition
