#include "protocol/http1/head_parser.h"

#include "protocol/http1/head_grammar.h"
#include "protocol/http1/head_rules.h"

namespace fairlead::protocol {
namespace {

// What both feed() do: scan, and hand a complete head to `accept`.
template <class Accept>
detail::Ruled<std::size_t> advance(detail::HeadScanner& scanner, std::string_view input, Accept accept) {
  const auto found = scanner.feed(input);
  if (!found) return std::unexpected(found.error());
  if (!found->head.empty()) {
    const detail::Ruled<void> good = accept(found->head);
    if (!good) return std::unexpected(good.error());
    scanner.reset();
  }
  return found->consumed;
}

}  // namespace

RequestHeadParser::RequestHeadParser(HeadLimits limits) : scanner_(limits, true) {}

base::Result<std::size_t> RequestHeadParser::feed(std::string_view input) {
  if (done_) return 0;
  if (!refusal_) {
    const auto used = advance(scanner_, input, [this](std::string_view head) { return accept(head); });
    if (used) return *used;
    refusal_ = used.error();
  }
  return base::fail(refusal_->code, base::Side::client, std::string(refusal_->why));
}

detail::Ruled<void> RequestHeadParser::accept(std::string_view text) {
  auto head = detail::read_request_head(text);
  if (!head) return std::unexpected(head.error());
  if (const auto good = detail::resolve_target(*head); !good) return good;
  const auto framing = detail::framing_of(head->fields, head->version);
  if (!framing) return std::unexpected(framing.error());
  const auto expects = detail::expects_continue(*head);
  if (!expects) return std::unexpected(expects.error());
  framing_ = *framing;
  expect_continue_ = *expects;
  keep_alive_ = detail::persists(head->fields, head->version);
  head_ = std::move(*head);
  done_ = true;
  return {};
}

void RequestHeadParser::reset() {
  scanner_.reset();
  head_ = {};
  framing_ = {};
  done_ = keep_alive_ = expect_continue_ = false;
  refusal_.reset();
}

ResponseHeadParser::ResponseHeadParser(std::string_view request_method, HeadLimits limits) : scanner_(limits, false) {
  reset(request_method);
}

base::Result<std::size_t> ResponseHeadParser::feed(std::string_view input) {
  if (done_) return 0;
  if (!refusal_) {
    const auto used = advance(scanner_, input, [this](std::string_view head) { return accept(head); });
    if (used) return *used;
    refusal_ = used.error();
  }
  return base::fail(refusal_->code, base::Side::origin, std::string(refusal_->why), base::Retry::elsewhere);
}

detail::Ruled<void> ResponseHeadParser::accept(std::string_view text) {
  auto head = detail::read_response_head(text);
  if (!head) return std::unexpected(head.error());
  const auto said = detail::framing_of(head->fields, head->version);
  if (!said) return std::unexpected(said.error());
  const int status = head->status;

  // RFC 9112 6.3, rules 1, 2, then the fields, then the connection's end.
  const bool never = status / 100 == 1 || status == 204 || status == 304;
  if (never || to_head_ || (to_connect_ && status / 100 == 2)) {
    framing_ = {};
  } else if (said->kind == BodyFraming::Kind::none && !head->fields.contains("content-length")) {
    framing_ = {BodyFraming::Kind::until_close, 0};
  } else {
    framing_ = *said;
  }
  if (status / 100 == 1 || status == 204) head->fields.remove("content-length");  // RFC 9110 8.6
  keep_alive_ = detail::persists(head->fields, head->version) && status != 101 &&
                framing_.kind != BodyFraming::Kind::until_close && !(to_connect_ && status / 100 == 2);
  head_ = std::move(*head);
  done_ = true;
  return {};
}

void ResponseHeadParser::reset() {
  scanner_.reset();
  head_ = {};
  framing_ = {};
  done_ = keep_alive_ = false;
  refusal_.reset();
}

void ResponseHeadParser::reset(std::string_view request_method) {
  reset();
  to_head_ = request_method == "HEAD";
  to_connect_ = request_method == "CONNECT";
}

}  // namespace fairlead::protocol
