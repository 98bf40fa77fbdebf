#pragma once
// What goes into a statement and what comes out of it: named parameters and rows of integers and texts. Plain values,
// owned by whoever holds them; nothing here knows an engine. Two types are enough for both of them: times are integers
// (milliseconds since 1970 UTC), truth is 0 or 1, documents are JSON texts, and bytes are base64 texts.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fairlead::store {

// monostate is SQL's NULL.
using Value = std::variant<std::monostate, std::int64_t, std::string>;

// The value of `:name` in a statement, which may name it more than once. Texts must be UTF-8 without NUL: both engines
// then keep and compare the same bytes (Transaction refuses others as malformed).
struct Param {
  std::string name;
  Value value;

  template <std::integral Integer>
  Param(std::string_view n, Integer v) : name(n), value(static_cast<std::int64_t>(v)) {}
  Param(std::string_view n, std::string v) : name(n), value(std::move(v)) {}
  Param(std::string_view n, std::string_view v) : name(n), value(std::string(v)) {}
  Param(std::string_view n, const char* v) : name(n), value(std::string(v)) {}
  template <class T>
  Param(std::string_view n, const std::optional<T>& v) : name(n) {
    if (v) value = Value(*v);
  }
};
using Params = std::vector<Param>;

// One row of an answer, its columns in the order of the statement's list.
using Row = std::vector<Value>;

// Reads a row from left to right, one call for each column. A column of another type, or one too many, is a bug in the
// statement: std::logic_error, which Database turns into Error{internal}.
class Columns {
 public:
  explicit Columns(const Row& row) : row_(row) {}
  std::int64_t integer();
  bool truth() { return integer() != 0; }
  std::string text();
  std::optional<std::int64_t> optional_integer();
  std::optional<std::string> optional_text();

 private:
  const Value& next();

  const Row& row_;
  std::size_t at_ = 0;
};

// Whether `text` is well-formed UTF-8 (RFC 3629) without U+0000: what both engines store unchanged.
bool is_storable(std::string_view text);

}  // namespace fairlead::store
