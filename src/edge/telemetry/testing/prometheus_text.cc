#include "edge/telemetry/testing/prometheus_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace fairlead::edge::testing {
namespace {

bool is_name(std::string_view s, bool label) {
  if (s.empty() || (s[0] >= '0' && s[0] <= '9')) return false;
  for (const char c : s) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!letter && (label || c != ':')) return false;
  }
  return !label || !s.starts_with("__");
}

bool parse_value(std::string_view text, double& out) {
  if (text == "+Inf" || text == "-Inf" || text == "NaN") {
    out =
        text == "NaN" ? std::nan("") : std::copysign(std::numeric_limits<double>::infinity(), text[0] == '-' ? -1 : 1);
    return true;
  }
  const std::string copy(text);
  char* end = nullptr;
  if (copy.empty() || copy.find_first_not_of("0123456789+-.eE") != std::string::npos) return false;
  out = std::strtod(copy.c_str(), &end);
  return *end == '\0';
}

class Parser {
 public:
  // Empty, or what is wrong with `line`.
  std::string take(std::string_view line) {
    if (line.empty()) return "an empty line";
    if (line.find_first_of("\r\t") != std::string_view::npos) return "a control character";
    if (line.starts_with("# HELP ")) return take_help(line.substr(7));
    if (line.starts_with("# TYPE ")) return take_type(line.substr(7));
    if (line.starts_with("#")) return "a comment that is neither HELP nor TYPE";
    return take_sample(line);
  }
  std::string finish() { return families_.empty() ? "" : check_family(families_.back()); }
  std::vector<PrometheusFamily> families() { return std::move(families_); }

 private:
  std::string take_help(std::string_view rest) {
    const auto space = rest.find(' ');
    if (space == std::string_view::npos || space + 1 == rest.size()) return "HELP without words";
    const std::string name(rest.substr(0, space));
    if (!is_name(name, false)) return "not a metric's name: " + name;
    if (!names_.insert(name).second) return "a second HELP, or a family in two places: " + name;
    if (auto wrong = finish(); !wrong.empty()) return wrong;
    families_.push_back({name, "", std::string(rest.substr(space + 1)), {}});
    return "";
  }
  std::string take_type(std::string_view rest) {
    const auto space = rest.find(' ');
    if (space == std::string_view::npos) return "TYPE without a type";
    if (families_.empty() || families_.back().name != rest.substr(0, space)) return "TYPE not after its HELP";
    auto& family = families_.back();
    if (!family.type.empty()) return "a second TYPE";
    family.type = rest.substr(space + 1);
    if (!std::set<std::string>{"counter", "gauge", "histogram", "summary"}.contains(family.type)) {
      return "not a type: " + family.type;
    }
    const bool total = family.name.ends_with("_total");
    if (total != (family.type == "counter")) return "_total is for counters, all of them: " + family.name;
    for (const char* unit : {"milliseconds", "_ms", "_kb", "_mb", "minutes", "percent"}) {
      if (family.name.find(unit) != std::string::npos) return "not a base unit: " + family.name;
    }
    return "";
  }

  std::string take_sample(std::string_view line) {
    if (families_.empty() || families_.back().type.empty()) return "a sample without HELP and TYPE";
    PrometheusSample sample;
    const auto name_end = line.find_first_of("{ ");
    if (name_end == std::string_view::npos) return "a sample without a value";
    sample.name = line.substr(0, name_end);
    std::string_view rest = line.substr(name_end);
    if (rest[0] == '{') {
      rest.remove_prefix(1);
      if (auto wrong = take_labels(rest, sample); !wrong.empty()) return wrong;
    }
    if (!rest.starts_with(" ")) return "no space before the value";
    if (!parse_value(rest.substr(1), sample.value)) return "not a number: " + std::string(rest.substr(1));
    auto& family = families_.back();
    const std::string suffix = sample.name.starts_with(family.name) ? sample.name.substr(family.name.size()) : "?";
    const bool plain = family.type == "counter" || family.type == "gauge";
    const std::set<std::string> allowed = plain ? std::set<std::string>{""}
                                          : family.type == "summary"
                                              ? std::set<std::string>{"_sum", "_count"}
                                              : std::set<std::string>{"_bucket", "_sum", "_count"};
    if (!allowed.contains(suffix)) return sample.name + " in the family " + family.name;
    if ((suffix == "_bucket") != sample.labels.contains("le")) return "`le` belongs to buckets, all of them";
    if (family.type != "gauge" && !(sample.value >= 0)) return "a counter below 0";
    std::string series = sample.name;
    for (const auto& [k, v] : sample.labels) series += "\n" + k + "=" + v;
    if (!series_.insert(series).second) return "a series twice";
    family.samples.push_back(std::move(sample));
    return "";
  }

  // `rest` begins behind the {, and is left behind the }.
  static std::string take_labels(std::string_view& rest, PrometheusSample& sample) {
    for (;;) {
      const auto equals = rest.find("=\"");
      if (equals == std::string_view::npos) return "a label without a value";
      const std::string name(rest.substr(0, equals));
      if (!is_name(name, true)) return "not a label's name: " + name;
      rest.remove_prefix(equals + 2);
      std::string value;
      std::size_t i = 0;
      for (; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\') {
          if (++i == rest.size() || (rest[i] != '\\' && rest[i] != '"' && rest[i] != 'n')) return "a wrong escape";
          value += rest[i] == 'n' ? '\n' : rest[i];
        } else {
          value += rest[i];
        }
      }
      if (i == rest.size()) return "a label's value without an end";
      if (!sample.labels.emplace(name, value).second) return "a label twice: " + name;
      const char next = i + 1 < rest.size() ? rest[i + 1] : '\0';
      rest.remove_prefix(std::min(i + 2, rest.size()));
      if (next == '}') return "";
      if (next != ',') return "neither , nor } behind a label";
    }
  }

  // What can be said of a family only at its end.
  static std::string check_family(const PrometheusFamily& family) {
    if (family.type.empty()) return "HELP without TYPE: " + family.name;
    if (family.type != "histogram") return "";
    struct Buckets {
      double bound = -std::numeric_limits<double>::infinity(), last = 0, count = -1;
      bool sum = false;
    };
    std::map<std::map<std::string, std::string>, Buckets> by_labels;
    for (const auto& s : family.samples) {
      auto labels = s.labels;
      labels.erase("le");
      auto& b = by_labels[labels];
      if (s.name.ends_with("_bucket")) {
        double bound = 0;
        if (!parse_value(s.labels.at("le"), bound) || !(bound > b.bound)) return "`le` does not ascend: " + family.name;
        if (s.value < b.last) return "a bucket smaller than the one before it: " + family.name;
        b.bound = bound;
        b.last = s.value;
      } else if (s.name.ends_with("_count")) {
        b.count = s.value;
      } else {
        b.sum = true;
      }
    }
    for (const auto& [labels, b] : by_labels) {
      if (!std::isinf(b.bound) || b.count != b.last || !b.sum) return "an incomplete histogram: " + family.name;
    }
    return "";
  }

  std::vector<PrometheusFamily> families_;
  std::set<std::string> names_, series_;
};

const PrometheusSample* find(const std::vector<PrometheusFamily>& families, std::string_view name,
                             const std::map<std::string, std::string>& labels) {
  for (const auto& family : families) {
    for (const auto& sample : family.samples) {
      if (sample.name == name && sample.labels == labels) return &sample;
    }
  }
  return nullptr;
}

}  // namespace

std::expected<std::vector<PrometheusFamily>, std::string> parse_prometheus_text(std::string_view text) {
  Parser parser;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return std::unexpected("the last line has no end");
    if (auto wrong = parser.take(text.substr(0, end)); !wrong.empty()) {
      return std::unexpected("line " + std::to_string(number) + ": " + wrong + ": " + std::string(text.substr(0, end)));
    }
    text.remove_prefix(end + 1);
  }
  if (auto wrong = parser.finish(); !wrong.empty()) return std::unexpected(wrong);
  return parser.families();
}

double value_of(const std::vector<PrometheusFamily>& families, std::string_view name,
                const std::map<std::string, std::string>& labels) {
  if (const auto* sample = find(families, name, labels)) return sample->value;
  ADD_FAILURE() << "no such series: " << name << ' ' << ::testing::PrintToString(labels);
  return std::nan("");
}

bool has_series(const std::vector<PrometheusFamily>& families, std::string_view name,
                const std::map<std::string, std::string>& labels) {
  return find(families, name, labels) != nullptr;
}

}  // namespace fairlead::edge::testing
