#pragma once
// HeadScanner splits what arrives of an HTTP/1 head into lines and refuses, at the byte where it shows, what servers
// are known to read differently. The first of the two layers of head_parser.h, internal to http1. It keeps a copy of
// the head only when the head comes in more than one piece.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"

namespace fairlead::protocol {

struct HeadLimits {
  std::size_t max_bytes = 32768;       // start line, fields and the empty line
  std::size_t max_fields = 100;        // field lines
  std::size_t max_start_line = 16384;  // the request or status line with its CRLF
  bool operator==(const HeadLimits&) const = default;
};

namespace detail {

// Why a head is not accepted. `status` is what a server answers with; of no use for a response.
struct Refusal {
  base::Code code = base::Code::malformed;
  int status = 400;
  std::string_view why;  // static text
};

// A value or the refusal of it.
template <class T>
using Ruled = std::expected<T, Refusal>;

class HeadScanner {
 public:
  // With `request`, one CRLF before the start line is skipped (RFC 9112 2.2).
  HeadScanner(HeadLimits limits, bool request) : limits_(limits), request_(request) {}

  struct Found {
    std::size_t consumed = 0;  // bytes of the input used
    // The complete head with its empty line, or empty while it is not complete. Points into the input or into the
    // scanner; valid until the next feed() or reset().
    std::string_view head;
  };
  Ruled<Found> feed(std::string_view input);

  // Whether any byte but a leading CRLF was seen.
  bool started() const { return size_ != 0; }
  void reset();

 private:
  Ruled<bool> scan(std::string_view text);
  Ruled<bool> end_line(std::string_view line, std::size_t next);
  Refusal too_large() const;

  HeadLimits limits_;
  bool request_;
  bool last_was_cr_ = false;
  std::uint8_t leading_ = 0;     // bytes of a leading CRLF seen
  std::size_t size_ = 0;         // bytes of the head scanned
  std::size_t line_start_ = 0;   // offset in the head of the line under way
  std::size_t field_count_ = 0;  // field lines that ended
  std::string buffer_;           // the head so far, when it did not come in one piece
};

}  // namespace detail
}  // namespace fairlead::protocol
