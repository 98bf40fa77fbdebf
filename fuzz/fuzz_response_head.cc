// Response heads: as fuzz_request_head.cc. The first byte chooses the method of the request that is answered.

#include "support.h"

#include <string>

#include "protocol/http1/head_parser.h"
#include "protocol/http1/serialize.h"

namespace fairlead::protocol {
namespace {

using fuzz::require;
using Kind = BodyFraming::Kind;

struct Outcome {
  bool done = false;
  std::string why;
  std::size_t consumed = 0;
  ResponseHead head;
  BodyFraming framing;
  bool keep_alive = false;
  bool operator==(const Outcome&) const = default;
};

Outcome run(const fuzz::Pieces& pieces, std::string_view method, HeadLimits limits) {
  ResponseHeadParser parser(method, limits);
  Outcome out;
  for (const std::string_view piece : pieces) {
    const auto used = parser.feed(piece);
    if (!used) {
      out.why = used.error().context;
      out.consumed = 0;
      break;
    }
    require(parser.done() ? *used <= piece.size() : *used == piece.size(), "takes everything until done");
    out.consumed += *used;
    if (parser.done()) break;
  }
  out.done = parser.done();
  out.head = parser.head();
  out.framing = parser.framing();
  out.keep_alive = parser.keep_alive();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::string_view kMethods[] = {"GET", "HEAD", "CONNECT", "POST"};
  const std::string_view method = kMethods[data[0] & 3];
  const std::string_view input = fuzz::text_of(data + 1, size - 1);
  const HeadLimits limits{.max_bytes = 2048, .max_fields = 20, .max_start_line = 512};
  const Outcome out = fuzz::same_for_all_cuts(input, [&](const auto& pieces) { return run(pieces, method, limits); });
  if (!out.done) return 0;

  const Fields& fields = out.head.fields;
  const int status = out.head.status;
  require(status >= 100 && status <= 999, "three digits");
  require(fields.count("content-length") + fields.count("transfer-encoding") <= 1, "one framing field");
  const bool bodiless = status < 200 || status == 204 || status == 304 || method == "HEAD";
  require(!bodiless || out.framing.kind == Kind::none, "no body where there is none");
  require(out.framing.kind != Kind::until_close || !out.keep_alive, "the end of the stream ends the connection");
  require(out.framing.kind != Kind::chunked || fields.contains("transfer-encoding"), "chunked when it says so");

  std::string text;
  require(append_response_head(text, out.head), "an accepted head can be written");
  Outcome again = run({text}, method, {});
  require(again.done && again.consumed == text.size(), "what was written is accepted");
  ResponseHead expected = out.head;
  expected.version = HttpVersion::http11;
  require(again.head == expected, "reads back the same");
  require(again.framing == out.framing, "framing survives");
  return 0;
}

}  // namespace fairlead::protocol
