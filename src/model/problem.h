#pragma once
// Problem: one thing that is wrong (or doubtful) in a document that a person wrote, said so that the person can mend
// it without reading our source: where it is, what is wrong, what would be right. Readers collect all of them and
// never stop at the first. Problems are plain values; whoever reads a document owns the list.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

// A place in a text, both counted from 1, columns in bytes. 0 = the document as a whole.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Mark&) const = default;
};

struct Location {
  std::string file;  // as the user named it
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  auto operator<=>(const Location&) const = default;
};

// An error refuses the document; a warning is only told.
enum class Severity : std::uint8_t { error, warning };
std::string_view to_string(Severity severity);

struct Problem {
  Severity severity = Severity::error;
  std::string code;     // stable and short, for programs: "unknown-key", "out-of-range", "duplicate-domain", ...
  std::string pointer;  // RFC 6901 JSON pointer: "/domains/0/websocket/connection_timeout"; empty = the whole
  Location location;
  std::string message;  // one sentence without a full stop
  std::string hint;     // what would be right; may be empty
  bool operator==(const Problem&) const = default;
};

// "fairlead.yaml:12:7: error: unknown key "certificats" (did you mean "certificates"?)". A location without a line
// prints the file alone.
std::string describe(const Problem& problem);

// By file, line, column, then errors before warnings, then message. What a person would read twice (a shared, anchored
// value that is wrong for many domains) stays once.
void sort_problems(std::vector<Problem>& problems);

bool has_errors(const std::vector<Problem>& problems);
std::size_t count(const std::vector<Problem>& problems, Severity severity);

}  // namespace fairlead::model
