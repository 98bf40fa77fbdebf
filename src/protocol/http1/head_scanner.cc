#include "protocol/http1/head_scanner.h"

#include <algorithm>
#include <array>

#include "protocol/http/text_run.h"
#include "protocol/http1/head_rules.h"

namespace fairlead::protocol::detail {
namespace {

enum class Class : std::uint8_t { plain, cr, lf, forbidden };

constexpr std::array<Class, 256> make_classes() {
  std::array<Class, 256> table{};
  for (int c = 0; c < 0x20; ++c) table[c] = Class::forbidden;
  table['\t'] = Class::plain;
  table['\r'] = Class::cr;
  table['\n'] = Class::lf;
  table[0x7f] = Class::forbidden;
  return table;
}
constexpr std::array<Class, 256> kClasses = make_classes();

}  // namespace

void HeadScanner::reset() {
  last_was_cr_ = false;
  leading_ = 0;
  size_ = line_start_ = field_count_ = 0;
  // An idle connection keeps no buffer.
  std::string().swap(buffer_);
}

Refusal HeadScanner::too_large() const {
  if (line_start_ == 0) return {base::Code::too_large, 414, "start line too long"};
  return {base::Code::too_large, 431, "head too large"};
}

Ruled<HeadScanner::Found> HeadScanner::feed(std::string_view input) {
  Found found;
  // RFC 9112 2.2: an empty line before the request line is skipped; one, because more of them are no client's slip.
  while (request_ && size_ == 0 && leading_ < 2 && found.consumed < input.size()) {
    const char c = input[found.consumed];
    if (c != "\r\n"[leading_]) {
      if (leading_ == 1) return refused("bare CR");
      break;
    }
    ++leading_;
    ++found.consumed;
  }
  input.remove_prefix(found.consumed);
  if (input.empty()) return found;

  const std::size_t before = size_;
  std::string_view text = input;
  if (before != 0) {
    // No more than may belong to the head: what follows it can be long.
    buffer_.append(input.substr(0, limits_.max_bytes + 1 - before));
    text = buffer_;
  }
  const Ruled<bool> complete = scan(text);
  if (!complete) return std::unexpected(complete.error());
  found.consumed += size_ - before;
  if (*complete) {
    found.head = text.substr(0, size_);
  } else if (before == 0) {
    buffer_.assign(text);
  }
  return found;
}

// Goes on at size_; true when the head ended there. The limits are positions in the head, so that they are passed at
// the same byte whatever the cuts.
Ruled<bool> HeadScanner::scan(std::string_view text) {
  while (size_ < text.size()) {
    const std::size_t limit =
        line_start_ == 0 ? std::min(limits_.max_start_line, limits_.max_bytes) : limits_.max_bytes;
    const std::size_t end = std::min(text.size(), limit);
    Class kind = Class::plain;
    std::size_t at = size_;
    if (last_was_cr_) {
      if (at < end && text[at] != '\n') return refused("bare CR");
    } else {
      at += text_run(text.substr(0, end), at);
      while (at < end && (kind = kClasses[static_cast<unsigned char>(text[at])]) == Class::plain) ++at;
      if (at < end && kind == Class::lf) return refused("bare LF");
      if (at < end && kind == Class::forbidden) return refused("control character in the head");
    }
    if (at == end) {
      size_ = end;
      if (text.size() > limit) return std::unexpected(too_large());
      break;
    }
    size_ = at + 1;
    if (!last_was_cr_) {
      last_was_cr_ = true;
      continue;
    }
    last_was_cr_ = false;
    const Ruled<bool> complete = end_line(text.substr(line_start_, at - 1 - line_start_), at + 1);
    if (!complete || *complete) return complete;
  }
  return false;
}

// A line ended; true when it is the empty one that ends the head.
Ruled<bool> HeadScanner::end_line(std::string_view line, std::size_t next) {
  const bool start_line = line_start_ == 0;
  line_start_ = next;
  if (start_line) {
    const Ruled<void> good = request_ ? check_request_line(line) : check_status_line(line);
    if (!good) return std::unexpected(good.error());
    return false;
  }
  if (line.empty()) return true;
  if (++field_count_ > limits_.max_fields) {
    return std::unexpected(Refusal{base::Code::too_large, 431, "too many fields"});
  }
  const auto field = split_field_line(line);
  if (!field) return std::unexpected(field.error());
  return false;
}

}  // namespace fairlead::protocol::detail
