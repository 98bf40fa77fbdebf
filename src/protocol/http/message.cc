#include "protocol/http/message.h"

#include <algorithm>
#include <array>

#include "protocol/http/authority.h"

namespace fairlead::protocol {
namespace {

// What Connection may not take out of a message: see remove_hop_by_hop().
bool is_end_to_end(std::string_view name) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "host",     "authorization", "cookie",    "set-cookie",       "expect",        "date",
      "location", "forwarded",     "x-real-ip", "www-authenticate", "cache-control",
  };
  static constexpr std::array<std::string_view, 3> kPrefixes = {"content-", "x-forwarded-", "sec-websocket-"};
  const auto begins = [name](std::string_view prefix) {
    return name.size() >= prefix.size() && equal_nocase(name.substr(0, prefix.size()), prefix);
  };
  return std::any_of(kNames.begin(), kNames.end(), [name](std::string_view n) { return equal_nocase(n, name); }) ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(), begins);
}

bool is_always_hop_by_hop(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kNames = {"connection",        "keep-alive", "proxy-connection",
                                                             "transfer-encoding", "upgrade",    "trailer"};
  return std::any_of(kNames.begin(), kNames.end(), [name](std::string_view n) { return equal_nocase(n, name); });
}

// All values of a list field and one more member, as one field in the place of the first.
void append_to_list(Fields& fields, std::string_view name, std::string_view member) {
  std::string list;
  for (const Field field : fields) {
    if (!equal_nocase(field.name, name) || trim_ows(field.value).empty()) continue;
    if (!list.empty()) list += ", ";
    list += field.value;
  }
  if (list.empty()) return fields.set(name, member);
  list += ", ";
  list += member;
  fields.set(name, list);
}

// RFC 7239 4: a parameter's value is a token or a quoted-string; "host:port" and "[v6]" are no tokens.
std::string forwarded_value(std::string_view value) {
  if (is_token(value)) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) {
    authority = authority.substr(1, authority.find(']') - 1);
  } else if (const std::size_t colon = authority.find(':'); colon == authority.rfind(':')) {
    authority = authority.substr(0, colon);  // more than one colon is an IPv6 address without brackets
  }
  if (authority.ends_with('.')) authority.remove_suffix(1);
  std::string host(authority);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return host;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 511: return "Network Authentication Required";
    default: return "";
  }
}

void remove_hop_by_hop(Fields& fields) {
  std::vector<std::string> named;
  for (const std::string_view value : fields.all("connection")) {
    for_each_list_member(value, [&named](std::string_view name) {
      // "Upgrade" is named in every opening handshake, and goes by its own name.
      if (!is_always_hop_by_hop(name) && !is_end_to_end(name) && !equal_nocase(name, "te")) named.emplace_back(name);
      return true;
    });
  }
  const bool trailers = fields.has_token("te", "trailers");
  fields.remove_if([&named, trailers](const Field& f) {
    if (is_always_hop_by_hop(f.name) || (!trailers && equal_nocase(f.name, "te"))) return true;
    return std::any_of(named.begin(), named.end(), [&f](const std::string& n) { return equal_nocase(n, f.name); });
  });
  if (trailers) fields.set("TE", "trailers");
}

void add_forwarded(Fields& fields, const ForwardedInfo& info) {
  const std::string_view ip = unmapped(info.client_ip);
  const bool ipv6 = ip_family(ip) == IpFamily::ipv6;

  append_to_list(fields, "X-Forwarded-For", ip);
  fields.set("X-Real-IP", ip);
  fields.set("X-Forwarded-Proto", info.scheme);
  fields.set("X-Forwarded-Port", std::to_string(info.listen_port));
  if (info.host.empty()) {
    fields.remove("X-Forwarded-Host");
  } else {
    fields.set("X-Forwarded-Host", info.host);
  }

  std::string element = "for=" + (ipv6 ? "\"[" + std::string(ip) + "]\"" : std::string(ip));
  if (!info.host.empty()) element += ";host=" + forwarded_value(info.host);
  element += ";proto=" + std::string(info.scheme);
  append_to_list(fields, "Forwarded", element);
}

}  // namespace fairlead::protocol
