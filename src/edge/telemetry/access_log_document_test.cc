// docs/access-log.md is part of the interface: its fields, causes and examples are held against the code.

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <set>

#include "edge/telemetry/access_log.h"

namespace fairlead::edge {
namespace {

using nlohmann::ordered_json;

std::vector<std::string> document() {
  std::ifstream in(std::filesystem::path(FAIRLEAD_SOURCE_DIR) / "docs/access-log.md");
  EXPECT_TRUE(in);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The names in the first column of the tables below a heading, up to the next heading.
std::vector<std::string> rows_under(const std::string& heading) {
  std::vector<std::string> names;
  bool here = false;
  for (const std::string& line : document()) {
    if (line.starts_with("## ")) here = line == "## " + heading;
    if (here && line.starts_with("| `")) names.push_back(line.substr(3, line.find('`', 3) - 3));
  }
  return names;
}

std::vector<std::string> fields_of(const ordered_json& json) {
  std::vector<std::string> names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  return names;
}

ordered_json line_with_everything() {
  AccessRecord r;
  r.session = true;
  r.error = "x";
  r.origin_error = "x";
  r.stream = 1;
  std::string line;
  append_json(line, r);
  return ordered_json::parse(line);
}

TEST(AccessLogDocument, NamesEveryFieldInItsOrder) {
  EXPECT_EQ(rows_under("Fields"), fields_of(line_with_everything()));
}

TEST(AccessLogDocument, NamesEveryCause) {
  std::vector<std::string> causes;
  for (std::size_t i = 0; i < kCloseCauses; ++i) causes.emplace_back(to_string(static_cast<CloseCause>(i)));
  EXPECT_EQ(std::set(causes.begin(), causes.end()).size(), kCloseCauses);
  EXPECT_EQ(rows_under("Causes"), causes);
  for (const CloseBy by : {CloseBy::client, CloseBy::origin, CloseBy::edge, CloseBy::operator_}) {
    const std::string word = "`" + std::string(to_string(by)) + "`";
    const auto lines = document();
    EXPECT_TRUE(std::ranges::any_of(lines, [&](const std::string& line) {
      return line.starts_with("| `close_by`") && line.find(word) != std::string::npos;
    })) << word;
  }
}

// An example has the fields of the log, in its order, with their types.
TEST(AccessLogDocument, ExamplesAreLinesOfTheLog) {
  const ordered_json all = line_with_everything();
  const auto order = fields_of(all);
  int examples = 0;
  for (const std::string& line : document()) {
    if (!line.starts_with("{")) continue;
    ++examples;
    const auto json = ordered_json::parse(line);
    std::size_t at = 0;
    for (const auto& [name, value] : json.items()) {
      const auto place = static_cast<std::size_t>(std::ranges::find(order, name) - order.begin());
      ASSERT_LT(place, order.size()) << name;
      EXPECT_GE(place, at) << name << " stands too late";
      at = place;
      EXPECT_EQ(value.is_string(), all[name].is_string()) << name;
    }
    for (std::size_t i = 0; order[i] != "frames_in"; ++i) EXPECT_TRUE(json.contains(order[i])) << order[i];
    for (const char* name : {"frames_in", "frames_out", "messages_in", "messages_out", "close_code"}) {
      EXPECT_EQ(json.contains(name), json.contains("session")) << name;
    }
  }
  EXPECT_GE(examples, 3);
}

}  // namespace
}  // namespace fairlead::edge
