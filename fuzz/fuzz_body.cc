// Bodies: content, trailers and end do not depend on cuts; what is written of a decoded body decodes to the same. The
// first byte chooses the framing and how tight the limits are.

#include "support.h"

#include <string>

#include "protocol/http1/body_decoder.h"
#include "protocol/http1/serialize.h"

namespace fairlead::protocol {
namespace {

using fuzz::require;
using Kind = BodyFraming::Kind;

struct Outcome {
  bool done = false, failed = false, ended = false;
  std::string why, data;
  std::size_t consumed = 0;
  Fields trailers;
  bool operator==(const Outcome&) const = default;
};

Outcome run(const fuzz::Pieces& pieces, BodyFraming framing, BodyLimits limits) {
  BodyDecoder decoder(framing, base::Side::client, limits);
  Outcome out;
  for (std::string_view piece : pieces) {
    while (!piece.empty() && !decoder.done() && !out.failed) {
      const auto step = decoder.feed(piece);
      if (!step) {
        out.failed = true;
        out.why = step.error().context;
        out.consumed = 0;
        break;
      }
      require(step->consumed > 0 && step->consumed <= piece.size(), "each step makes progress");
      require(step->data.empty() || (step->data.data() >= piece.data() &&
                                     step->data.data() + step->data.size() == piece.data() + step->consumed),
              "content lies at the end of what was consumed");
      require(step->done == decoder.done(), "step and decoder agree");
      out.data += step->data;
      out.consumed += step->consumed;
      piece.remove_prefix(step->consumed);
    }
    if (decoder.done() || out.failed) break;
  }
  out.done = decoder.done();
  out.trailers = decoder.trailers();
  require(decoder.total() == out.data.size(), "the total is that of the content");
  out.ended = decoder.finish().has_value();
  require(out.ended == (out.done || (framing.kind == Kind::until_close && !out.failed)), "only a whole body ends well");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view input = fuzz::text_of(data + 1, size - 1);
  BodyFraming framing{Kind::chunked, 0};
  if ((choice & 7) == 1) framing = {Kind::length, choice >> 3};
  if ((choice & 7) == 2) framing = {Kind::until_close, 0};
  BodyLimits limits;
  if ((choice & 0x80) != 0) limits = {.max_extension_bytes = 8, .max_trailer_bytes = 64, .max_trailer_fields = 3};
  const Outcome out = fuzz::same_for_all_cuts(input, [&](const auto& pieces) { return run(pieces, framing, limits); });
  if (framing.kind == Kind::length && out.done)
    require(out.data == input.substr(0, framing.length), "as long as it says");
  if (framing.kind == Kind::until_close) require(out.data == input, "everything");
  if (framing.kind != Kind::chunked || !out.done) return 0;

  for (const Field& field : out.trailers) require(allowed_in_trailers(field.name), "no forbidden trailer");
  require(out.trailers.size() <= limits.max_trailer_fields, "bounded trailers");
  std::string text;
  if (!out.data.empty()) {
    append_chunk_header(text, out.data.size());
    text += out.data;
    text += kChunkEnd;
  }
  require(append_last_chunk(text, out.trailers), "accepted trailers can be written");
  const Outcome again = run({text}, framing, {});
  require(again.done && again.consumed == text.size() && again.data == out.data && again.trailers == out.trailers,
          "reads back the same");
  return 0;
}

}  // namespace fairlead::protocol
