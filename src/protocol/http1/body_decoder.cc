#include "protocol/http1/body_decoder.h"

#include <algorithm>
#include <array>

#include "protocol/http1/head_rules.h"

namespace fairlead::protocol {
namespace {

constexpr int kMaxSizeDigits = 16;

int hex_digit(unsigned char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_token_char(unsigned char c) {
  const char text = static_cast<char>(c);
  return is_token({&text, 1});
}

bool is_quotable(unsigned char c) { return c == '\t' || (c >= 0x20 && c != 0x7f); }  // RFC 9110 5.6.4

}  // namespace

bool allowed_in_trailers(std::string_view name) {
  static constexpr std::array<std::string_view, 39> kNames = {
      // framing, routing, this hop
      "transfer-encoding", "content-length", "host", "connection", "keep-alive", "proxy-connection", "upgrade", "te",
      "trailer", "via", "forwarded", "x-real-ip",
      // authentication, state
      "authorization", "www-authenticate", "proxy-authenticate", "proxy-authorization", "authentication-info",
      "proxy-authentication-info", "cookie", "set-cookie",
      // request modifiers and conditionals
      "cache-control", "expect", "max-forwards", "pragma", "range", "if-match", "if-none-match", "if-modified-since",
      "if-unmodified-since", "if-range",
      // response control, content
      "age", "date", "expires", "location", "retry-after", "vary", "warning", "content-type", "content-range"};
  static constexpr std::array<std::string_view, 3> kPrefixes = {"x-forwarded-", "sec-", "content-encoding"};
  return std::none_of(kNames.begin(), kNames.end(), [name](std::string_view n) { return equal_nocase(n, name); }) &&
         std::none_of(kPrefixes.begin(), kPrefixes.end(), [name](std::string_view p) {
           return name.size() >= p.size() && equal_nocase(name.substr(0, p.size()), p);
         });
}

BodyDecoder::BodyDecoder(BodyFraming framing, base::Side side, BodyLimits limits) : side_(side), limits_(limits) {
  switch (framing.kind) {
    case BodyFraming::Kind::none: state_ = State::done; return;
    case BodyFraming::Kind::length:
      left_ = framing.length;
      state_ = left_ == 0 ? State::done : State::fixed;
      return;
    case BodyFraming::Kind::chunked: state_ = State::size_first; return;
    case BodyFraming::Kind::until_close: state_ = State::to_close; return;
  }
  state_ = State::failed;
}

std::unexpected<base::Error> BodyDecoder::broken(base::Code code, std::string_view why) {
  state_ = State::failed;
  return base::fail(code, side_, std::string(why));
}

base::Result<BodyDecoder::Step> BodyDecoder::feed(std::string_view input) {
  switch (state_) {
    case State::done: return Step{0, {}, true};
    case State::failed: return broken(base::Code::malformed, "body is broken");
    case State::to_close: total_ += input.size(); return Step{input.size(), input, false};
    case State::fixed: return take(input, 0);
    default: return feed_chunked(input);
  }
}

// One run of content, which begins at `at`.
BodyDecoder::Step BodyDecoder::take(std::string_view input, std::size_t at) {
  const std::string_view run =
      input.substr(at, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - at)));
  left_ -= run.size();
  total_ += run.size();
  if (left_ == 0) state_ = state_ == State::fixed ? State::done : State::data_cr;
  return {at + run.size(), run, done()};
}

base::Result<BodyDecoder::Step> BodyDecoder::feed_chunked(std::string_view input) {
  for (std::size_t at = 0; at < input.size(); ++at) {
    if (state_ == State::data) return take(input, at);
    const auto c = static_cast<unsigned char>(input[at]);
    const auto good = state_ == State::trailer || state_ == State::trailer_lf ? trailer_byte(c) : chunk_header_byte(c);
    if (!good) return std::unexpected(good.error());
    if (state_ == State::done) return Step{at + 1, {}, true};
  }
  return Step{input.size(), {}, false};
}

// A byte of RFC 9112 7.1: chunk-size [chunk-ext] CRLF, or of the CRLF after chunk-data.
base::Result<void> BodyDecoder::chunk_header_byte(unsigned char c) {
  using enum State;
  const bool in_extension = state_ >= ext_or_end && state_ <= ext_after_value && c != '\r';
  if ((in_extension || c == ';') && ++extension_bytes_ > limits_.max_extension_bytes) {
    return broken(base::Code::too_large, "chunk extensions too long");
  }
  const bool blank = c == ' ' || c == '\t';
  switch (state_) {
    case size_first:
    case size: {
      if (const int digit = hex_digit(c); digit >= 0) {
        if (++digits_ > kMaxSizeDigits || left_ >> 59 != 0)
          return broken(base::Code::malformed, "chunk-size too large");
        left_ = left_ << 4 | static_cast<unsigned>(digit);
        state_ = size;
        return {};
      }
      if (state_ == size_first) return broken(base::Code::malformed, "chunk without a size");
      return end_size(c);
    }
    case ext_or_end:  // BWS before ";": RFC 9112 7.1.1
      if (blank) return {};
      if (c != ';') return broken(base::Code::malformed, "malformed chunk extension");
      state_ = ext_name_first;
      return {};
    case ext_name_first:
      if (blank) return {};
      if (!is_token_char(c)) return broken(base::Code::malformed, "malformed chunk extension");
      state_ = ext_name;
      return {};
    case ext_name:
      if (is_token_char(c)) return {};
      [[fallthrough]];
    case ext_after_name:
      if (c == '=') {
        state_ = ext_value_first;
        return {};
      }
      if (blank) {
        state_ = ext_after_name;
        return {};
      }
      // White space with nothing after it ("5;a ") is outside the grammar.
      if (c == '\r' && state_ == ext_after_name) return broken(base::Code::malformed, "malformed chunk extension");
      return end_size(c);
    case ext_value_first:
      if (blank) return {};
      if (c == '"') {
        state_ = ext_quoted;
      } else if (is_token_char(c)) {
        state_ = ext_token;
      } else {
        return broken(base::Code::malformed, "malformed chunk extension");
      }
      return {};
    case ext_token:
      if (is_token_char(c)) return {};
      return end_size(c);
    case ext_quoted:
      if (!is_quotable(c)) return broken(base::Code::malformed, "malformed chunk extension");
      if (c == '\\') state_ = ext_escaped;
      if (c == '"') state_ = ext_after_value;
      return {};
    case ext_escaped:
      if (!is_quotable(c)) return broken(base::Code::malformed, "malformed chunk extension");
      state_ = ext_quoted;
      return {};
    case ext_after_value: return end_size(c);
    case size_lf:
      if (c != '\n') return broken(base::Code::malformed, "chunk-size line without LF");
      digits_ = 0;
      state_ = left_ == 0 ? trailer : data;
      return {};
    case data_cr:
      if (c != '\r') return broken(base::Code::malformed, "chunk longer than its size");
      state_ = data_lf;
      return {};
    case data_lf:
      if (c != '\n') return broken(base::Code::malformed, "chunk longer than its size");
      state_ = size_first;
      return {};
    default: return broken(base::Code::internal, "body decoder in a wrong state");
  }
}

// What may follow a chunk-size or a complete extension: the end of the line, the next extension, or blanks before it.
base::Result<void> BodyDecoder::end_size(unsigned char c) {
  switch (c) {
    case '\r': state_ = State::size_lf; return {};
    case ';': state_ = State::ext_name_first; return {};
    case ' ':
    case '\t': state_ = State::ext_or_end; return {};
    default: return broken(base::Code::malformed, "malformed chunk-size line");
  }
}

base::Result<void> BodyDecoder::trailer_byte(unsigned char c) {
  if (++trailer_bytes_ > limits_.max_trailer_bytes) return broken(base::Code::too_large, "trailer section too long");
  if (state_ == State::trailer_lf) {
    if (c != '\n') return broken(base::Code::malformed, "bare CR in the trailer section");
    state_ = State::trailer;
    return end_trailer_line();
  }
  if (c == '\r') {
    state_ = State::trailer_lf;
    return {};
  }
  if (c == '\n') return broken(base::Code::malformed, "bare LF in the trailer section");
  if (!is_quotable(c)) return broken(base::Code::malformed, "control character in the trailer section");
  line_ += static_cast<char>(c);
  return {};
}

base::Result<void> BodyDecoder::end_trailer_line() {
  if (line_.empty()) {
    state_ = State::done;
    std::string().swap(line_);
    return {};
  }
  if (++trailer_fields_ > limits_.max_trailer_fields) return broken(base::Code::too_large, "too many trailer fields");
  const auto field = detail::split_field_line(line_);
  if (!field) return broken(base::Code::malformed, field.error().why);
  if (allowed_in_trailers(field->name)) trailers_.add(field->name, field->value);
  line_.clear();
  return {};
}

base::Result<void> BodyDecoder::finish() {
  if (state_ == State::to_close) state_ = State::done;
  if (state_ == State::done) return {};
  if (state_ == State::failed) return broken(base::Code::malformed, "body is broken");
  state_ = State::failed;
  return base::fail(base::Code::closed, side_, "body cut short");
}

}  // namespace fairlead::protocol
