#include "model/syntax.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "model/limits.h"

namespace fairlead::model {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Digits only, no sign, no leading zero (an "010" is 8 to some and 10 to others).
std::optional<unsigned> small_number(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  unsigned value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (value > max) return std::nullopt;
  return value;
}

// An address as the network writes it: 4 or 16 bytes of `data`. inet_pton knows no zones, no octal and no short forms,
// which is as strict as a configuration should be.
struct Bytes {
  std::array<unsigned char, 16> data{};
  int family = 0;
};
std::optional<Bytes> parse_ip(std::string_view text) {
  char copy[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  Bytes bytes;
  for (const int family : {AF_INET, AF_INET6}) {
    bytes.family = family;
    if (::inet_pton(family, copy, bytes.data.data()) == 1) return bytes;
  }
  return std::nullopt;
}

}  // namespace

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > limits::kMaxDomainName) return false;
  std::string_view label;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('.', start), text.size());
    label = text.substr(start, end - start);
    if (label.empty() || label.size() > limits::kMaxLabel || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; })) return false;
    start = end + 1;
  }
  // RFC 1123 §2.1: the highest label is never all digits, so "1.2.3" and "10.0.0.300" are failed addresses.
  return !std::ranges::all_of(label, is_digit);
}

std::optional<std::string> canonical_ip(std::string_view text) {
  const auto bytes = parse_ip(text);
  if (!bytes) return std::nullopt;
  char out[INET6_ADDRSTRLEN];
  if (::inet_ntop(bytes->family, bytes->data.data(), out, sizeof out) == nullptr) return std::nullopt;
  return std::string(out);
}

bool is_ipv4(std::string_view text) {
  const auto bytes = parse_ip(text);
  return bytes && bytes->family == AF_INET;
}

bool is_loopback(std::string_view ip) {
  const auto bytes = parse_ip(ip);
  if (!bytes) return false;
  if (bytes->family == AF_INET) return bytes->data[0] == 127;
  return ip == "::1";
}

NetworkSyntax check_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto bytes = parse_ip(text.substr(0, slash));
  if (!bytes) return NetworkSyntax::bad;
  if (slash == std::string_view::npos) return NetworkSyntax::good;
  const unsigned width = bytes->family == AF_INET ? 32 : 128;
  const auto prefix = small_number(text.substr(slash + 1), width);
  if (!prefix) return NetworkSyntax::bad;
  // Whoever writes 10.0.0.1/8 meant 10.0.0.1/32 or 10.0.0.0/8; guessing would open or close the door wrongly.
  for (unsigned bit = *prefix; bit < width; ++bit) {
    if (bytes->data[bit / 8] & (0x80u >> bit % 8)) return NetworkSyntax::host_bits;
  }
  return NetworkSyntax::good;
}

std::optional<IpPort> parse_ip_port(std::string_view text) {
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find("]:");
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    port = text.substr(close + 2);
    if (is_ipv4(host)) return std::nullopt;
  } else {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (!is_ipv4(host)) return std::nullopt;
  }
  auto ip = canonical_ip(host);
  const auto number = small_number(port, 65'535);
  if (!ip || !number) return std::nullopt;
  return IpPort{std::move(*ip), static_cast<std::uint16_t>(*number)};
}

std::string to_string(const IpPort& address) {
  return address.ip.find(':') == std::string::npos ? fmt::format("{}:{}", address.ip, address.port)
                                                   : fmt::format("[{}]:{}", address.ip, address.port);
}

std::optional<Url> parse_url(std::string_view text) {
  if (!std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#' && c != '\\'; })) {
    return std::nullopt;
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  Url out;
  out.scheme = text.substr(0, colon);
  if (!std::ranges::all_of(out.scheme, [](char c) { return c >= 'a' && c <= 'z'; })) return std::nullopt;
  text.remove_prefix(colon + 3);
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, end);
  out.rest = text.substr(end);
  std::string_view host = authority;
  std::string_view port;
  const std::size_t close = authority.find(']');
  if (authority.starts_with('[')) {
    if (close == std::string_view::npos) return std::nullopt;
    host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (is_ipv4(host) || !canonical_ip(host)) return std::nullopt;
  } else {
    host = authority.substr(0, authority.find(':'));
    port = authority.substr(host.size());
    if (!is_ipv4(host) && !is_host_name(host)) return std::nullopt;
  }
  if (!port.empty()) {
    const auto number = port.starts_with(':') ? small_number(port.substr(1), 65'535) : std::nullopt;
    if (!number || *number == 0) return std::nullopt;
    out.port = static_cast<std::uint16_t>(*number);
  }
  out.host = canonical_ip(host).value_or(lower_case(host));
  return out;
}

bool is_mail_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at);
  if (local.front() == '.' || local.back() == '.' || local.find("..") != std::string_view::npos) return false;
  const bool atoms = std::ranges::all_of(local, [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  });
  return atoms && is_host_name(text.substr(at + 1));
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Bytes above 0x7f are obs-text: allowed by the grammar, and sent as they are.
bool is_header_value(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (blank(text.front()) || blank(text.back()))) return false;
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
  });
}

bool is_reserved_header(std::string_view name) {
  static constexpr std::string_view kReserved[] = {
      "connection", "keep-alive",         "proxy-connection", "te",
      "trailer",    "transfer-encoding",  "upgrade",          "content-length",
      "host",       "proxy-authenticate", "http2-settings",   "content-range",
      "date",       "fairlead-error"};
  const std::string folded = lower_case(name);
  return folded.starts_with("sec-websocket-") || std::ranges::find(kReserved, folded) != std::end(kReserved);
}

PemContents scan_pem(std::string_view text) {
  static constexpr std::string_view kBegin = "-----BEGIN ";
  static constexpr std::string_view kDashes = "-----";
  PemContents out;
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at)) {
    // Text between blocks is allowed and ignored (RFC 7468 §2): tools print subjects there.
    const std::size_t label_at = at + kBegin.size();
    const std::size_t label_end = text.find(kDashes, label_at);
    if (label_end == std::string_view::npos || label_end - label_at > 64) {
      out.malformed = true;
      return out;
    }
    const std::string_view label = text.substr(label_at, label_end - label_at);
    const std::size_t body_at = label_end + kDashes.size();
    const std::string end_line = fmt::format("-----END {}-----", label);
    const std::size_t body_end = text.find(end_line, body_at);
    if (body_end == std::string_view::npos) {
      out.malformed = true;
      return out;
    }
    std::string_view body = text.substr(body_at, body_end - body_at);
    // The old OpenSSL form of an encrypted key carries two header lines before the base64.
    const bool old_encryption = body.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos;
    const bool clean = std::ranges::all_of(body, [](char c) {
      return is_alnum(c) || c == '+' || c == '/' || c == '=' || c == '\n' || c == '\r' || c == ' ' || c == '\t';
    });
    const bool something = std::ranges::any_of(body, is_alnum);
    if (!something || (!clean && !old_encryption)) out.malformed = true;

    if (label == "CERTIFICATE" || label == "TRUSTED CERTIFICATE" || label == "X509 CERTIFICATE") {
      ++out.certificates;
    } else if (label == "ENCRYPTED PRIVATE KEY" || (label.ends_with("PRIVATE KEY") && old_encryption)) {
      ++out.encrypted_keys;
    } else if (label.ends_with("PRIVATE KEY")) {
      ++out.keys;
    }
    at = body_end + end_line.size();
  }
  return out;
}

std::string pem_blocks(std::string_view text) {
  static constexpr std::string_view kBegin = "-----BEGIN ";
  static constexpr std::string_view kEnd = "-----END ";
  static constexpr std::string_view kDashes = "-----";
  std::string out;
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at)) {
    const std::size_t end_line = text.find(kEnd, at);
    if (end_line == std::string_view::npos) break;
    const std::size_t end = text.find(kDashes, end_line + kEnd.size());
    if (end == std::string_view::npos) break;
    out += text.substr(at, end + kDashes.size() - at);
    out += '\n';
    at = end + kDashes.size();
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

}  // namespace fairlead::model
