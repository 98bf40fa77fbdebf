#pragma once
// BodyDecoder takes the framing off an HTTP/1.x body (RFC 9112 6, 7): it says which bytes of the input are content,
// where the body ends, and what trailers it had. Nothing is copied or buffered but a trailer section's current line; an
// exchange owns one and feeds it what the head parser left.
//
// The chunked coding is a state machine of our own, not Beast's: Beast wants each chunk header contiguous in its
// buffer, takes the extension grammar loosely and leaves bounds to the caller; here every byte is judged once as it
// arrives, the chunk-size is at most 16 digits and below 2^63, only CRLF ends a line, extensions follow the grammar of
// RFC 9112 7.1.1 and are bounded over the whole body, so is the trailer section.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/http/fields.h"
#include "protocol/http1/head_parser.h"

namespace fairlead::protocol {

struct BodyLimits {
  std::size_t max_extension_bytes = 16384;  // chunk extensions of the whole body
  std::size_t max_trailer_bytes = 8192;     // the trailer section, CRLFs included
  std::size_t max_trailer_fields = 50;
};

class BodyDecoder {
 public:
  // `side` is whose body it is (client or origin): the side of every error.
  explicit BodyDecoder(BodyFraming framing, base::Side side = base::Side::client, BodyLimits limits = {});

  struct Step {
    std::size_t consumed = 0;  // bytes of the input used, framing and content
    std::string_view data;     // content, pointing into the input; one run, may be empty
    bool done = false;         // the body ended at `consumed`; the rest of the input is not its
  };

  // Until the input is used up or done: each step returns at most one run of content, so call again with the rest. A
  // step uses at least one byte of a non-empty input unless the body is done. Errors: malformed, too_large; the decoder
  // is spent after one.
  base::Result<Step> feed(std::string_view input);

  // The peer ended its stream. Right for until_close and for a body that is done; otherwise Error{closed}: the body is
  // cut short and must not be passed on as complete (RFC 9112 8).
  base::Result<void> finish();

  bool done() const { return state_ == State::done; }

  // Content bytes so far.
  std::uint64_t total() const { return total_; }

  // The trailer section, once done(); names that may not come in trailers (framing, routing, authentication, request
  // modifiers, response control: RFC 9110 6.5.1) and hop-by-hop names are dropped.
  const Fields& trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t {
    size_first,
    size,
    ext_or_end,
    ext_name_first,
    ext_name,
    ext_after_name,
    ext_value_first,
    ext_token,
    ext_quoted,
    ext_escaped,
    ext_after_value,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf,
    fixed,
    to_close,
    done,
    failed
  };
  base::Result<Step> feed_chunked(std::string_view input);
  Step take(std::string_view input, std::size_t at);
  base::Result<void> chunk_header_byte(unsigned char c);
  base::Result<void> end_size(unsigned char c);
  base::Result<void> trailer_byte(unsigned char c);
  base::Result<void> end_trailer_line();
  std::unexpected<base::Error> broken(base::Code code, std::string_view why);

  State state_;
  base::Side side_;
  std::uint8_t digits_ = 0;  // of the chunk-size so far
  std::uint64_t left_ = 0;   // content bytes to come of this chunk, or of the body
  std::uint64_t total_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_fields_ = 0;
  BodyLimits limits_;
  std::string line_;  // the trailer line under way
  Fields trailers_;
};

// Whether a field may be passed on when it came in a trailer section (see BodyDecoder::trailers).
bool allowed_in_trailers(std::string_view name);

}  // namespace fairlead::protocol
