#pragma once
// What commands print: tables for people, JSON for programs (`-o json`), never both. Columns are as wide as what stands
// in them, counted in cells of a terminal (a Chinese character takes two). Texts from the network cannot drive the
// terminal: control characters are replaced. Bold headings only on a terminal, and not with NO_COLOR (no-color.org).

#include <nlohmann/json.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

struct Column {
  std::string title;
  std::string pointer;  // RFC 6901, into an item: "/name"
  bool right = false;   // numbers
};

class Output {
 public:
  using Json = nlohmann::ordered_json;

  // `file` is not owned.
  Output(std::FILE* file, bool json, bool bold);
  // On standard output: bold when that is a terminal.
  static Output standard(bool json);

  bool json() const { return json_; }

  // A list of objects. People get a table, or `nothing` when it is empty; programs an array.
  void list(const std::vector<Column>& columns, const std::vector<Json>& items, std::string_view nothing);
  // One object. People get a line for each column ("Name   live.example.com"), programs the object.
  void object(const std::vector<Column>& fields, const Json& item);
  // For people: a line. For programs: `value`, unless it is null.
  void done(std::string_view line, const Json& value = {});
  // For programs: a line of what goes on and on.
  void line(std::string_view line);
  // For people only, as it is (it ends with a newline).
  void text(std::string_view text);

 private:
  void put(std::string_view text);
  void flush();

  std::FILE* file_;
  bool json_;
  bool bold_;
};

// Cells that a text takes in a terminal; malformed UTF-8 counts a cell a byte.
std::size_t display_width(std::string_view text);

// A value as a cell shows it: texts as they are, "-" for null, "yes" and "no", lists with commas.
std::string cell_text(const nlohmann::ordered_json& value);

}  // namespace fairlead::cli
