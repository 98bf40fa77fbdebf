#pragma once
// JsonLine: one flat JSON object, written as text by hand: about a microsecond for an access log line, no allocation
// once the buffer has grown, and nothing but std::bad_alloc is thrown (a library's document allocates even in its
// destructor, which ends the process of who is out of memory). Tests compare what it writes with a JSON library.

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace fairlead::edge {

// `s` with quotes and escapes. Bytes that are not UTF-8 become U+FFFD, one for each longest part that could have begun
// a character.
void append_json_string(std::string& out, std::string_view s);

// A name as it stands in the object, with what is around it: ,"name":. Known when compiled, so that it is one copy.
template <std::size_t N>
struct JsonName {
  consteval JsonName(const char (&name)[N]) {  // NOLINT: written as a literal
    text[0] = ',';
    text[1] = '"';
    for (std::size_t i = 0; i + 1 < N; ++i) text[i + 2] = name[i];
    text[N + 1] = '"';
    text[N + 2] = ':';
  }
  char text[N + 3];
};

// line.text<"name">(value); the name is ours and needs no escaping.
class JsonLine {
 public:
  explicit JsonLine(std::string& out) : out_(out), start_(out.size()) {}
  template <JsonName Name>
  void text(std::string_view value) {
    out_.append(Name.text, sizeof Name.text);
    append_json_string(out_, value);
  }
  template <JsonName Name, std::integral T>
  void number(T value) {
    constexpr std::size_t kName = sizeof Name.text;
    char all[kName + 24];
    std::memcpy(all, Name.text, kName);
    out_.append(all, static_cast<std::size_t>(std::to_chars(all + kName, all + sizeof all, value).ptr - all));
  }
  void end() {
    if (out_.size() == start_) out_ += ',';
    out_[start_] = '{';
    out_ += "}\n";
  }

 private:
  std::string& out_;
  std::size_t start_;
};

}  // namespace fairlead::edge
