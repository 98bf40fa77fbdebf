// Health checks of a domain's origins (R13): active ones ask, passive ones watch.

#include <fmt/format.h>

#include <algorithm>

#include "model/policy_words.h"
#include "model/read_parts.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

std::optional<std::uint16_t> status_code(std::string_view text) {
  if (text.size() != 3 || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const int value = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  if (value < 100 || value > 599) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

// "200-399", or one status.
void read_status(MapReader& map, ActiveHealthCheck& out) {
  const auto field = map.find("status");
  const auto text = field ? field->text(16) : std::nullopt;
  if (!text) return;
  const std::size_t dash = text->find('-');
  const auto from = status_code(std::string_view(*text).substr(0, dash));
  const auto to = dash == std::string::npos ? from : status_code(std::string_view(*text).substr(dash + 1));
  if (!from || !to || *from > *to) {
    field->error("bad-status", fmt::format("\"{}\" is not a range of HTTP statuses", shown(*text)),
                 "for example 200-399, or 200; allowed: 100 to 599");
    return;
  }
  out.status_from = *from;
  out.status_to = *to;
}

// Active checks are on when there is a path to ask for.
void read_active(MapReader& map, const DomainPolicy& policy, ActiveHealthCheck& out) {
  if (map.read("path", out.path, limits::kMaxPath)) {
    const bool printable = std::ranges::all_of(out.path, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    if (!out.path.starts_with('/') || !printable) {
      map.at("path").error("bad-path", fmt::format("\"{}\" is not the path of a request", shown(out.path)),
                           "it begins with \"/\" and has no spaces: /healthz");
    }
  }
  if (map.read("host", out.host, limits::kMaxDomainName) && !is_host_name(out.host) && !canonical_ip(out.host)) {
    map.at("host").error("bad-host", fmt::format("\"{}\" is not a host name", shown(out.host)));
  }
  // Where nothing is said, ask by the scheme that sessions will use; the plain port of `follow` is the cheaper one.
  const bool plain_everywhere =
      std::ranges::all_of(policy.origins, [](const Origin& origin) { return origin.http_port.has_value(); });
  if (policy.websocket.origin_scheme == OriginScheme::https || !plain_everywhere) out.scheme = OriginScheme::https;
  map.read("scheme", out.scheme, kCheckScheme);
  const bool interval_read = map.read("interval", out.interval, limits::kHealthInterval);
  const bool timeout_read = map.read("timeout", out.timeout, limits::kHealthTimeout);
  map.read_count("healthy_after", out.healthy_after, limits::kHealthCount);
  map.read_count("unhealthy_after", out.unhealthy_after, limits::kHealthCount);
  read_status(map, out);

  // Overlapping checks of one origin would count one failure twice.
  if (out.timeout > out.interval) {
    if (timeout_read) {
      map.at("timeout").warning("timeout-beyond-interval",
                                fmt::format("the timeout ({}) is longer than the interval ({})",
                                            format_duration(out.timeout), format_duration(out.interval)),
                                "a check is given up when the next one is due");
    } else {
      out.timeout = out.interval;  // the default gives way to what was stated
    }
  }
  if (interval_read && !map.has("path")) {
    map.field().warning("unused-key", "active health checks are off: there is no \"path\" to ask for",
                        "for example: path: /healthz");
  }
}

// A 5xx, a refusal and a timeout are counted alike; which of them count is the operator's choice.
void read_passive(MapReader& map, PassiveHealthCheck& out) {
  const auto field = map.find("passive");
  if (!field) return;
  MapReader passive(*field);
  passive.read("enabled", out.enabled);
  passive.read_count("failures", out.failures, limits::kHealthCount);
  passive.read("window", out.window, limits::kPassiveWindow);
  passive.read("eject", out.eject, limits::kPassiveEject);
  passive.read("count_5xx", out.count_5xx);
  passive.read("count_refused", out.count_refused);
  passive.read("count_timeout", out.count_timeout);
  if (out.enabled && !out.count_5xx && !out.count_refused && !out.count_timeout) {
    field->warning("unused-key", "passive health checks are on but count no kind of failure",
                   "set enabled: false, or count one");
  }
}

}  // namespace

void read_health_check(MapReader& domain, DomainPolicy& policy) {
  const auto field = domain.find("health_check");
  if (!field) return;
  MapReader map(*field);
  if (!map) return;
  read_active(map, policy, policy.health_check.active);
  read_passive(map, policy.health_check.passive);
}

}  // namespace fairlead::model
