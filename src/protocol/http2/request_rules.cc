#include "protocol/http2/request_rules.h"

#include <algorithm>
#include <utility>

#include "protocol/http/authority.h"
#include "protocol/http/target.h"
#include "protocol/http1/head_rules.h"

namespace fairlead::protocol::detail {
namespace {

void refuse(Http2Request& request, int status, std::string_view why) {
  request.refusal_status = status;
  request.refusal = why;
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9' || value > (INT64_MAX - static_cast<std::uint64_t>(c - '0')) / 10) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return digits.empty() ? std::nullopt : std::optional(value);
}

}  // namespace

bool RequestBuild::count(std::string_view name, std::string_view value) {
  bytes_ += field_size(name, value);
  if (!name.starts_with(':') && (name != "cookie" || !cookie_)) ++fields_;
  if (bytes_ > limits_.max_bytes || fields_ > limits_.max_fields) too_large_ = true;
  return !too_large_;
}

void RequestBuild::add(std::string_view name, std::string_view value) {
  if (!count(name, value)) return;
  if (name == ":method") {
    head_.method = value;
  } else if (name == ":path") {
    head_.target = value;
  } else if (name == ":scheme") {
    head_.scheme = value;
    for (char& c : head_.scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  } else if (name == ":authority") {
    authority_ = value;
  } else if (name == ":protocol") {
    head_.protocol = value;
  } else if (name == "host") {
    host_ = value;
  } else if (name == "cookie") {
    if (cookie_) {
      cookie_->append("; ").append(value);
    } else {
      cookie_ = value;
    }
  } else {
    head_.fields.add(name, value);
  }
}

void RequestBuild::add_invalid(std::string_view name, std::string_view value) {
  invalid_ = true;
  count(name, value);
}

Http2Request RequestBuild::finish(bool ended) && {
  Http2Request request;
  request.ended = ended;
  head_.version = HttpVersion::http2;
  if (cookie_) head_.fields.add("cookie", *cookie_);
  request.head = std::move(head_);
  if (const auto length = request.head.fields.find("content-length")) request.content_length = number(*length);
  judge(request);
  return request;
}

void RequestBuild::judge(Http2Request& request) {
  RequestHead& head = request.head;
  // First, for the log's sake: a refused request shows whom it was for, if it can be told.
  const std::string_view wrong_authority = fault_in_authority(head);
  if (too_large_) return refuse(request, 431, "head too large");
  if (invalid_) return refuse(request, 400, "field that is none");
  if (!is_token(head.method)) return refuse(request, 400, "method is no token");
  if (head.method == "CONNECT" && head.protocol.empty()) return refuse(request, 501, "CONNECT");
  if (head.scheme != "http" && head.scheme != "https") {
    return refuse(request, 400, "scheme other than http and https");
  }
  if (head.target.size() > limits_.max_start_line) return refuse(request, 414, "target too long");
  if (const auto wrong = fault_in_target(head.target); !wrong.empty()) return refuse(request, 400, wrong);
  if (const auto wrong = fault_in_origin_form(head.method, head.target); !wrong.empty()) {
    return refuse(request, 400, wrong);
  }
  if (!wrong_authority.empty()) return refuse(request, 400, wrong_authority);
  if (const auto expects = expects_continue(head); !expects) {
    return refuse(request, expects.error().status, expects.error().why);
  }
}

// Fills in head.authority. Two names for one request are what smuggling is made of, so :authority and Host have to
// agree (RFC 9113 8.3.1 lets a server refuse it; a proxy may not choose).
std::string_view RequestBuild::fault_in_authority(RequestHead& head) const {
  const auto authority = parse_authority(authority_);
  const auto host = host_ ? parse_authority(*host_) : std::nullopt;
  if (authority) {
    head.authority = to_text(*authority);
  } else if (authority_.empty() && host) {
    head.authority = to_text(*host);
  }
  if (!authority_.empty() && !authority) return ":authority is no host[:port]";
  if (host_ && !host) return "Host is no host[:port]";
  if (!authority && !host) return "neither :authority nor Host";
  if (authority && host && !same_authority(*authority, *host, head.scheme)) return "Host and :authority differ";
  return {};
}

}  // namespace fairlead::protocol::detail
