#pragma once
// Sql: a text of SQL, or a piece of one, that was written in this program. It is made of literals at compile time and
// of other Sql, and of nothing else: that a value gets into a statement by its text and not as a parameter does not
// compile. Statements therefore cannot be bent by what clients send, whatever it is. Internal to src/store.

#include <cstddef>
#include <string>
#include <string_view>

namespace fairlead::store {

class Sql {
 public:
  template <std::size_t N>
  consteval Sql(const char (&literal)[N]) : text_(literal, N - 1) {}  // NOLINT(google-explicit-constructor)
  constexpr std::string_view text() const { return text_; }

 private:
  friend class SqlText;
  constexpr explicit Sql(std::string_view text) : text_(text) {}

  std::string_view text_;
};

// Pieces put together. Owns its text; the Sql it turns into is valid as long as it is.
class SqlText {
 public:
  SqlText() = default;
  operator Sql() const { return Sql(std::string_view(text_)); }  // NOLINT(google-explicit-constructor)
  bool empty() const { return text_.empty(); }

  SqlText& operator+=(Sql more) {
    text_ += more.text();
    return *this;
  }
  friend SqlText operator+(Sql a, Sql b);

 private:
  std::string text_;
};

inline SqlText operator+(Sql a, Sql b) {
  SqlText both;
  both += a;
  both += b;
  return both;
}

}  // namespace fairlead::store
