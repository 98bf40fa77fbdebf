// The JSON line of an AccessRecord, written by hand: a line costs a microsecond, and no allocation once the buffer has
// grown. (Tests compare every line with a JSON library.)

#include <array>
#include <charconv>
#include <concepts>

#include "base/clock.h"
#include "edge/telemetry/access_log.h"

namespace fairlead::edge {
namespace {

// What a byte of a string is to JSON.
enum class Byte : std::uint8_t { plain, escape, high };
constexpr auto kBytes = [] {
  std::array<Byte, 256> kind{};
  for (std::size_t i = 0; i < 256; ++i) kind[i] = i < 0x20 ? Byte::escape : i < 0x80 ? Byte::plain : Byte::high;
  kind['"'] = kind['\\'] = Byte::escape;
  return kind;
}();

void append_escape(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 0xf];
  }
}

// One multi-byte sequence at the head of `s` (whose first byte is >= 0x80). `length` is what to step over: the sequence
// if it is well-formed, else its longest part that could have begun one (at least a byte). Table 3-7 of Unicode 15:
// only the second byte's range depends on the first, which keeps out overlong forms, surrogates and > U+10FFFF.
struct Sequence {
  std::size_t length;
  bool valid;
};
Sequence scan_sequence(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = at(0);
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == s.size() || at(i) < low || at(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {length, true};
}

void append_string(std::string& out, std::string_view s) {
  out += '"';
  std::size_t run = 0;  // where the bytes not yet copied begin
  for (std::size_t i = 0; i < s.size();) {
    switch (kBytes[static_cast<unsigned char>(s[i])]) {
      case Byte::plain: ++i; continue;
      case Byte::escape:
        out += s.substr(run, i - run);
        append_escape(out, static_cast<unsigned char>(s[i]));
        run = ++i;
        continue;
      case Byte::high: {
        const Sequence seq = scan_sequence(s.substr(i));
        if (!seq.valid) {
          out += s.substr(run, i - run);
          out += "\xef\xbf\xbd";
          run = i + seq.length;
        }
        i += seq.length;
      }
    }
  }
  out += s.substr(run);
  out += '"';
}

// Writes ,"name":value. `name` is ours and needs no escaping.
class Line {
 public:
  explicit Line(std::string& out) : out_(out) { out_ += '{'; }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_string(out_, value);
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

}  // namespace

void append_json(std::string& out, const AccessRecord& r) {
  Line line(out);
  line.text("time", base::format_utc_ms(base::wall_clock_ms()));
  line.text("domain", r.domain);
  line.text("client", r.client);
  line.number("client_port", r.client_port);
  line.text("protocol", r.protocol);
  line.text("tls", r.tls);
  line.text("method", r.method);
  line.text("target", r.target);
  line.number("status", r.status);
  line.text("origin", r.origin);
  line.number("origin_status", r.origin_status);
  line.number("opened_ms", r.opened_ms);
  line.number("duration_ms", r.duration_ms);
  line.number("bytes_in", r.bytes_in);
  line.number("bytes_out", r.bytes_out);
  if (r.session) {
    line.number("frames_in", r.frames_in);
    line.number("frames_out", r.frames_out);
    line.number("messages_in", r.messages_in);
    line.number("messages_out", r.messages_out);
  }
  if (r.session || !r.close_by.empty()) line.text("close_by", r.close_by);
  if (r.session || !r.close_cause.empty()) line.text("close_cause", r.close_cause);
  if (r.session) {
    line.number("close_code", r.close_code);
    line.text("session", r.session_id);
  }
  if (!r.error.empty()) line.text("error", r.error);
  if (!r.origin_error.empty()) line.text("origin_error", r.origin_error);
  if (r.stream != 0) line.number("stream", r.stream);
  line.end();
}

}  // namespace fairlead::edge
