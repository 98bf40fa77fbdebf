#include "control/ownership/ownership_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "control/delivery/destinations.h"
#include "control/delivery/http_client.h"
#include "net/txt_lookup.h"

namespace fairlead::control {

using base::Code;
using std::chrono::milliseconds;

namespace {

struct Finding {
  bool proved = false;
  std::string words;  // "... : no such record"
};

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// What became of a question, in words that say nothing of a network the asker cannot see.
std::string_view words_of(Code code) {
  switch (code) {
    case Code::not_found: return "there is none";
    case Code::timeout: return "no answer in time";
    case Code::malformed: return "the name cannot be asked for";
    case Code::forbidden: return "the name leads to an address that is not asked";
    case Code::refused:
    case Code::unreachable: return "no connection";
    case Code::too_large: return "more than a token";
    default: return "the question failed";
  }
}

net::DnsServers servers_of(const OwnershipSettings& settings, base::Duration timeout) {
  net::DnsServers dns;
  dns.servers = settings.resolvers;
  dns.timeout = timeout;
  dns.attempt_timeout = std::max<base::Duration>(timeout / 3, milliseconds(100));
  return dns;
}

Finding look_in_dns(std::string_view domain, std::string_view token, const OwnershipSettings& settings,
                    base::Duration timeout) {
  const std::string name = challenge_name(domain), wanted = challenge_value(token);
  Finding finding;
  finding.words = fmt::format("TXT record {} with the value {}: ", name, wanted);
  const auto texts = net::lookup_txt(name, servers_of(settings, timeout));
  if (!texts) {
    finding.words += texts.error().code == Code::unreachable ? "DNS failed" : words_of(texts.error().code);
    return finding;
  }
  finding.proved =
      std::any_of(texts->begin(), texts->end(), [&](const std::string& text) { return trim(text) == wanted; });
  finding.words += finding.proved       ? "found"
                   : texts->size() == 1 ? "another value"
                                        : fmt::format("{} other values", texts->size());
  return finding;
}

Finding look_for_file(const std::string& domain, std::string_view token, const OwnershipSettings& settings,
                      base::TimePoint end) {
  HttpCall call;
  const bool v6 = domain.contains(':');  // in brackets, RFC 3986 3.2.2
  call.url = fmt::format("http://{}{}{}{}{}", v6 ? "[" : "", domain, v6 ? "]" : "",
                         settings.http_port == 80 ? std::string() : fmt::format(":{}", settings.http_port), kProofPath);
  Finding finding;
  finding.words = fmt::format("file {} with the content {}: ", call.url, token);

  const base::Duration left = end - base::monotonic_now();
  auto addresses = net::lookup_addresses(domain, settings.http_port, servers_of(settings, left / 2));
  if (!addresses) {
    finding.words +=
        addresses.error().code == Code::not_found ? "the name has no address" : words_of(addresses.error().code);
    return finding;
  }
  const Reach reach = settings.allow_private ? Reach::private_ : Reach::internet;
  call.allowed = [reach](const net::SocketAddress& address) { return may_reach(address, reach); };
  // Those that are not to be asked are left out here, so that a name with one good address among them is not lost; what
  // is connected to is looked at once more then.
  std::erase_if(*addresses, [&](const net::SocketAddress& address) { return !call.allowed(address); });
  if (addresses->empty()) {
    finding.words += words_of(Code::forbidden);
    return finding;
  }
  call.addresses = std::move(*addresses);
  call.timeout = std::max(std::chrono::duration_cast<milliseconds>(end - base::monotonic_now()), milliseconds(1));
  call.connect_timeout = call.timeout;
  call.max_body = kMaxProof;
  const auto answer = http_call(call);
  if (!answer) {
    finding.words += words_of(answer.error().code);
  } else if (answer->status != 200) {
    const bool redirect = answer->status >= 300 && answer->status < 400;
    finding.words += fmt::format("status {}{}", answer->status, redirect ? " (redirects are not followed)" : "");
  } else {
    finding.proved = trim(answer->body) == token;
    finding.words += finding.proved ? "found" : "another content";
  }
  return finding;
}

}  // namespace

std::string challenge_name(std::string_view domain) {
  if (domain.starts_with('.')) domain.remove_prefix(1);
  return fmt::format("_fairlead-challenge.{}", domain);
}

std::string challenge_value(std::string_view token) { return fmt::format("fairlead-verification={}", token); }

OwnershipResult check_ownership(std::string_view domain, std::string_view token, const OwnershipSettings& settings) {
  OwnershipResult result;
  if (token.empty() || domain.empty()) {
    result.reason = "there is no token to look for";
    return result;
  }
  const bool wildcard = domain.starts_with('.');
  const base::TimePoint end = base::later(base::monotonic_now(), settings.time);
  const Finding record = look_in_dns(domain, token, settings, wildcard ? settings.time : settings.time / 2);
  result.reason = record.words;
  if (record.proved) {
    result.proved = true;
    result.method = "dns";
  } else if (!wildcard) {
    const Finding file = look_for_file(std::string(domain), token, settings, end);
    result.reason = file.proved ? file.words : result.reason + "; " + file.words;
    if (file.proved) {
      result.proved = true;
      result.method = "http";
    }
  }
  return result;
}

}  // namespace fairlead::control
