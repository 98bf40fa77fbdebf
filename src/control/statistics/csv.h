#pragma once
// Csv: a table as RFC 4180 has it: lines end with CRLF, the first holds the names of the columns, and cells with
// commas, quotes or line breaks are quoted. A cell that a spreadsheet would take for a formula (it begins with = + - @,
// a tab or a line break) is given an apostrophe first: names of domains and regions come from strangers.

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::control {

std::string csv_cell(std::string_view text);

class Csv {
 public:
  explicit Csv(const std::vector<std::string>& columns) { add(columns); }
  void add(const std::vector<std::string>& cells);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace fairlead::control
