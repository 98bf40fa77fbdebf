// Request heads: the outcome does not depend on cuts; what is accepted keeps the rules that make smuggling impossible,
// as counted here once more; what is written of it reads back as the same.

#include "support.h"

#include <optional>
#include <string>

#include "protocol/http/authority.h"
#include "protocol/http1/head_parser.h"
#include "protocol/http1/serialize.h"

namespace fairlead::protocol {
namespace {

using fuzz::require;

struct Outcome {
  bool done = false;
  int status = 0;
  std::string why;
  std::size_t consumed = 0;
  RequestHead head;
  BodyFraming framing;
  bool keep_alive = false, expect_continue = false;
  bool operator==(const Outcome&) const = default;
};

Outcome run(const fuzz::Pieces& pieces, HeadLimits limits) {
  RequestHeadParser parser(limits);
  Outcome out;
  for (const std::string_view piece : pieces) {
    const auto used = parser.feed(piece);
    if (!used) {
      out.why = used.error().context;
      out.consumed = 0;
      break;
    }
    require(*used <= piece.size(), "consumes what it is given");
    require(parser.done() || *used == piece.size(), "takes everything until done");
    out.consumed += *used;
    if (parser.done()) break;
  }
  out.done = parser.done();
  out.status = parser.suggested_status();
  require(out.why.empty() == (out.status == 0), "an error and only an error has a status");
  out.head = parser.head();
  out.framing = parser.framing();
  out.keep_alive = parser.keep_alive();
  out.expect_continue = parser.expect_continue();
  return out;
}

std::optional<Outcome> write_and_read(const RequestHead& head) {
  std::string text;
  require(append_request_head(text, head), "an accepted head can be written");
  Outcome out = run({text}, {.max_bytes = 1u << 20, .max_fields = 1u << 20, .max_start_line = 1u << 20});
  if (!out.done) return std::nullopt;
  require(out.consumed == text.size(), "the parser ends where the writer ended");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const HeadLimits limits{.max_bytes = 2048, .max_fields = 20, .max_start_line = 512};
  const Outcome out = fuzz::same_for_all_cuts(input, [&](const auto& pieces) { return run(pieces, limits); });
  if (!out.done) return 0;

  const Fields& fields = out.head.fields;
  const std::string_view used = input.substr(0, out.consumed);
  require(used.size() <= limits.max_bytes + 2 && used.ends_with("\r\n\r\n"), "a head ends with an empty line");
  for (std::size_t i = 0; i < used.size(); ++i) {
    require(used[i] != '\0' && (used[i] != '\n' || (i > 0 && used[i - 1] == '\r')) &&
                (used[i] != '\r' || used[i + 1] == '\n'),
            "no NUL, no bare CR or LF");
  }
  require(fields.size() <= limits.max_fields, "bounded fields");
  require(fields.count("host") <= 1 && (fields.count("host") == 1 || out.head.version == HttpVersion::http10),
          "one Host");
  require(fields.count("content-length") + fields.count("transfer-encoding") <= 1, "one framing field");
  require((out.framing.kind == BodyFraming::Kind::chunked) == fields.contains("transfer-encoding"),
          "chunked when it says so");
  require(out.framing.kind != BodyFraming::Kind::until_close, "a request's body has an end of its own");
  require(out.head.target.starts_with('/') || (out.head.target == "*" && out.head.method == "OPTIONS"), "origin-form");
  require(out.head.authority.empty() || to_text(*parse_authority(out.head.authority)) == out.head.authority,
          "normal authority");
  if (const auto host = fields.find("host")) {
    require(host_of(*host) == host_of(out.head.authority), "one host, whoever asks");
  } else if (out.head.authority.empty()) {
    return 0;  // HTTP/1.0 without Host: cannot be written as 1.1
  }

  // A first writing may add Host and forget scheme and version; from then on nothing changes.
  const auto second = write_and_read(out.head);
  require(second.has_value(), "what was written is accepted");
  require(second->framing == out.framing && second->head.target == out.head.target &&
              second->head.method == out.head.method,
          "framing, method and target survive");
  if (fields.contains("host")) require(second->head.fields == fields, "fields survive");
  const auto third = write_and_read(second->head);
  require(third.has_value() && third->head == second->head && third->keep_alive == second->keep_alive,
          "reads back the same");
  return 0;
}

}  // namespace fairlead::protocol
