#include "protocol/http1/head_rules.h"

#include <algorithm>
#include <vector>

#include "protocol/http/authority.h"
#include "protocol/http/target.h"

namespace fairlead::protocol::detail {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "HTTP/1.1" and "HTTP/1.0" pass; another version of the right form is told from garbage.
Ruled<void> check_version(std::string_view text) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) {
    return refused("no HTTP version");
  }
  if (text[5] != '1' || text[7] > '1') return not_done_here(505, "HTTP version other than 1.0 and 1.1");
  return {};
}

Ruled<BodyFraming> chunked_framing(const Fields::Only& coding, HttpVersion version) {
  if (version == HttpVersion::http10) return refused("Transfer-Encoding in HTTP/1.0");
  if (coding.count != 1) return refused("more than one Transfer-Encoding");
  if (equal_nocase(coding.value, "chunked")) return BodyFraming{BodyFraming::Kind::chunked, 0};
  // A coding we do not know is 501 (RFC 9112 6.1); a list in which "chunked" is not the one last member frames nothing.
  std::vector<std::string_view> members;
  for_each_list_member(coding.value, [&members](std::string_view m) {
    members.push_back(m);
    return true;
  });
  if (members.empty() || !std::all_of(members.begin(), members.end(), is_token))
    return refused("malformed Transfer-Encoding");
  const auto chunked = std::find_if(members.begin(), members.end(), [](auto m) { return equal_nocase(m, "chunked"); });
  if (chunked != members.end() && chunked + 1 != members.end())
    return refused("chunked is not the last transfer coding");
  if (members.size() == 1 && chunked != members.end()) return refused("malformed Transfer-Encoding");
  return not_done_here(501, "transfer coding other than chunked");
}

}  // namespace

Ruled<void> check_request_line(std::string_view line) {
  if (line.empty()) return refused("empty line before the request");
  const std::size_t first = line.find(' ');
  const std::string_view method = line.substr(0, first);
  if (!is_token(method)) return refused("method is no token");
  if (first == std::string_view::npos) return refused("request line without a target");
  const std::string_view rest = line.substr(first + 1);
  const std::size_t second = rest.find(' ');
  const std::string_view target = rest.substr(0, second);
  if (target.empty()) return refused("request line with superfluous white space");
  if (const auto wrong = fault_in_target(target); !wrong.empty()) return refused(wrong);
  if (second == std::string_view::npos) return refused("HTTP/0.9 request");
  const std::string_view version = rest.substr(second + 1);
  if (version.find_first_of(" \t") != std::string_view::npos)
    return refused("request line with superfluous white space");
  if (method == "PRI" && target == "*" && version == "HTTP/2.0")
    return not_done_here(505, "HTTP/2 preface where HTTP/1 is spoken");
  if (const auto good = check_version(version); !good) return good;
  if (method == "CONNECT") return not_done_here(501, "CONNECT");
  return {};
}

Ruled<void> check_status_line(std::string_view line) {
  if (line.empty()) return refused("empty line before the answer");
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return refused("no status line");
  if (const auto good = check_version(line.substr(0, space)); !good) return good;
  const std::string_view status = line.substr(space + 1, 3);
  if (status.size() != 3 || !std::all_of(status.begin(), status.end(), is_digit) || status[0] == '0') {
    return refused("no status of three digits");
  }
  // The space before an empty reason is often forgotten; nothing else may follow the digits.
  const std::string_view rest = line.substr(space + 4);
  if (!rest.empty() && rest[0] != ' ') return refused("no status of three digits");
  return {};
}

Ruled<FieldLine> split_field_line(std::string_view line) {
  if (line.starts_with(' ') || line.starts_with('\t')) return refused("folded field line");  // RFC 9112 5.2
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refused("field line without a colon");
  const std::string_view name = line.substr(0, colon);
  if (name.empty()) return refused("empty field name");
  if (name.ends_with(' ') || name.ends_with('\t')) return refused("white space before the colon");  // RFC 9112 5.1
  if (!is_token(name)) return refused("field name is no token");
  return FieldLine{name, trim_ows(line.substr(colon + 1))};
}

Ruled<BodyFraming> framing_of(const Fields& fields, HttpVersion version) {
  const Fields::Only stated = fields.only("content-length");
  const Fields::Only coding = fields.only("transfer-encoding");
  if (coding.count != 0 && stated.count != 0) return refused("Content-Length and Transfer-Encoding together");
  if (coding.count != 0) return chunked_framing(coding, version);
  if (stated.count == 0) return BodyFraming{};
  if (stated.count > 1) return refused("more than one Content-Length");
  const std::string_view text = stated.value;
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return refused("Content-Length is no number");
  constexpr std::uint64_t kMost = INT64_MAX;  // so that no reader's signed 64 bits overflow
  std::uint64_t length = 0;
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMost - digit) / 10) return refused("Content-Length too large");
    length = length * 10 + digit;
  }
  if (length == 0) return BodyFraming{};
  return BodyFraming{BodyFraming::Kind::length, length};
}

Ruled<void> resolve_target(RequestHead& head) {
  const Fields::Only named = head.fields.only("host");
  if (named.count > 1) return refused("more than one Host");
  if (named.count == 0 && head.version != HttpVersion::http10) return refused("no Host");  // RFC 9112 3.2
  std::optional<Authority> host;
  if (named.count != 0) {
    host = parse_authority(named.value);
    if (!host) return refused("Host is no host[:port]");
    head.authority = to_text(*host);
  }
  if (head.target.starts_with('/')) return {};
  if (head.target == "*") {
    if (const auto wrong = fault_in_origin_form(head.method, head.target); !wrong.empty()) return refused(wrong);
    return {};
  }

  // absolute-form, which every server must take (RFC 9112 3.2.2)
  const std::size_t colon = head.target.find("://");
  if (colon == std::string::npos) return refused("target is neither a path nor an absolute URI");
  std::string scheme = head.target.substr(0, colon);
  for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (scheme != "http" && scheme != "https") return refused("target with a scheme other than http and https");
  const std::string rest = head.target.substr(colon + 3);
  const std::size_t path = rest.find_first_of("/?");
  const auto authority = parse_authority(std::string_view(rest).substr(0, path));
  if (!authority) return refused("target with a malformed authority");
  // A proxy would have to let the target win; two names for one request are what request smuggling is made of.
  if (host && !same_authority(*authority, *host, scheme)) return refused("Host and the target's authority differ");
  head.scheme = std::move(scheme);
  head.authority = to_text(*authority);
  if (path == std::string::npos) {
    head.target = head.method == "OPTIONS" ? "*" : "/";  // RFC 9112 3.2.4
  } else {
    head.target = rest[path] == '/' ? rest.substr(path) : "/" + rest.substr(path);
  }
  return {};
}

bool persists(const Fields& fields, HttpVersion version) {
  if (fields.has_token("connection", "close")) return false;
  return version != HttpVersion::http10 || fields.has_token("connection", "keep-alive");
}

Ruled<bool> expects_continue(const RequestHead& head) {
  bool expects = false;
  for (const std::string_view value : head.fields.all("expect")) {
    if (!equal_nocase(value, "100-continue")) return not_done_here(417, "expectation other than 100-continue");
    expects = head.version != HttpVersion::http10;
  }
  return expects;
}

}  // namespace fairlead::protocol::detail
