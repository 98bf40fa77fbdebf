#pragma once
// JsonLine: one flat JSON object, written as text by hand: about a microsecond for an access log line, no allocation
// once the buffer has grown, and nothing but std::bad_alloc is thrown (a library's document allocates even in its
// destructor, which ends the process of who is out of memory). Tests compare what it writes with a JSON library.

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace fairlead::edge {

// `s` with quotes and escapes. Bytes that are not UTF-8 become U+FFFD, one for each longest part that could have begun
// a character.
void append_json_string(std::string& out, std::string_view s);

// Writes ,"name":value. `name` is ours and needs no escaping.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
  }
  template <std::integral T>
  void number(std::string_view name, T value) {
    key(name);
    char digits[24];
    out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  void end() { out_ += "}\n"; }

 private:
  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }
  std::string& out_;
  bool first_ = true;
};

}  // namespace fairlead::edge
