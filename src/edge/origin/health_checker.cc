#include "edge/origin/health_checker.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <unordered_map>

#include "base/log.h"
#include "net/stop_token.h"
#include "protocol/http1/head_parser.h"
#include "protocol/http1/serialize.h"

namespace fairlead::edge {
namespace {

// A wildcard domain (".example.com") has no host of its own; the name below the dot is the nearest to one.
std::string host_name(const std::string& domain) { return domain.starts_with('.') ? domain.substr(1) : domain; }

}  // namespace

// Everything a check depends on. Two that are equal are the same check.
struct HealthChecker::Settings {
  std::shared_ptr<OriginState> state;
  model::ActiveHealthCheck active;
  model::Origin origin;
  model::OriginTls origin_tls;
  model::SendProxy proxy = model::SendProxy::off;
  std::string host;         // of the Host field
  std::string server_name;  // of TLS
  std::uint16_t port = 0;
  bool operator==(const Settings&) const = default;

  bool https() const { return active.scheme == model::OriginScheme::https; }
};

struct HealthChecker::Check {
  explicit Check(Settings s) : settings(std::move(s)) {}
  const Settings settings;
  decltype(HealthTarget::tls) tls;
  net::StopSource stop;
  base::TimePoint next;
  std::uint32_t passed_in_a_row = 0, failed_in_a_row = 0;
};

HealthChecker::HealthChecker(net::EventLoop& loop, Connector& connector, std::uint64_t seed)
    : loop_(loop), connector_(connector), random_(seed), scope_(loop) {}

HealthChecker::~HealthChecker() { assert(scope_.size() == 0 && "a HealthChecker is joined before it is destroyed"); }

void HealthChecker::set_targets(const std::vector<HealthTarget>& targets) {
  if (scope_.stop_requested()) return;
  // What runs now is claimed check by check below; what nobody claims ends.
  std::unordered_map<const OriginState*, std::shared_ptr<Check>> before;
  for (auto& check : checks_) before.emplace(check->settings.state.get(), std::move(check));
  checks_.clear();

  std::unordered_map<const OriginState*, bool> wanted;
  for (const HealthTarget& target : targets) {
    const model::DomainPolicy& policy = target.origins->policy();
    const model::ActiveHealthCheck& active = policy.health_check.active;
    if (active.path.empty()) continue;
    for (std::size_t i = 0; i < target.origins->size(); ++i) {
      Settings s;
      s.state = target.origins->state(i);
      s.active = active;
      s.origin = target.origins->origin(i);
      s.origin_tls = policy.origin_tls;
      s.proxy = policy.origin_proxy_protocol;
      s.host = !active.host.empty()                 ? active.host
               : !policy.origin_host_header.empty() ? policy.origin_host_header
                                                    : host_name(policy.name);
      s.server_name = policy.origin_tls.server_name.empty() ? host_name(policy.name) : policy.origin_tls.server_name;
      // Weight and priority do not concern a check.
      s.origin.weight = 0;
      s.origin.priority = model::OriginPriority::primary;
      // An origin that a domain lists twice is one origin and checked once.
      const auto port = s.https() ? s.origin.https_port : s.origin.http_port;
      if (!port || !wanted.emplace(s.state.get(), true).second) continue;
      s.port = *port;

      const auto old = before.find(s.state.get());
      if (old != before.end() && old->second->settings == s) {
        old->second->tls = target.tls;
        checks_.push_back(std::move(old->second));
        before.erase(old);
        continue;
      }
      auto check = std::make_shared<Check>(std::move(s));
      check->tls = target.tls;
      const base::Duration interval = check->settings.active.interval;
      check->next = base::later(
          loop_.now(), base::Duration(std::uniform_int_distribution<std::int64_t>(0, interval.count())(random_)));
      checks_.push_back(check);
      scope_.spawn(run(std::move(check)));
    }
  }
  for (auto& [state, check] : before) {
    check->stop.request_stop();
    if (wanted.contains(state)) continue;  // checked in another way from now on: the verdict stands until then
    if (check->settings.state->set_active_health(ActiveHealth::unknown)) {
      base::log_info("origin {} of {} is not checked any more", state->label(), state->domain());
    }
  }
}

void HealthChecker::stop() {
  scope_.request_stop();
  for (auto& check : checks_) check->stop.request_stop();
  checks_.clear();
}

net::Task<void> HealthChecker::join() { co_await scope_.join(); }

net::Task<void> HealthChecker::run(std::shared_ptr<Check> check) {
  while (co_await loop_.sleep_until(check->next, check->stop)) {
    const auto status = co_await ask(check);
    // Asked to stop meanwhile: another check, or none, judges this origin now.
    if (check->stop.stop_requested()) co_return;
    judge(*check, status);
    // In step with the first check, however long this one took; what was missed is not made up for.
    const base::Duration interval = check->settings.active.interval;
    check->next += interval * ((loop_.now() - check->next) / interval + 1);
  }
}

// The status of the answer.
net::Task<base::Result<int>> HealthChecker::ask(std::shared_ptr<Check> check) {
  const Settings& s = check->settings;
  ConnectRequest to;
  to.host = s.origin.host;
  to.port = s.port;
  to.deadline = base::later(loop_.now(), s.active.timeout);
  to.connect_timeout = s.active.timeout;
  to.proxy = s.proxy;
  to.server_name = s.server_name;
  if (s.https()) {
    auto tls = check->tls ? check->tls(s.origin) : base::fail(base::Code::tls, base::Side::config, "no TLS settings");
    if (!tls) co_return base::Result<int>(std::unexpect, std::move(tls.error()));
    to.tls = std::move(*tls);
  }
  const base::TimePoint deadline = to.deadline;
  auto stream = co_await connector_.connect(std::move(to), check->stop);
  if (!stream) co_return base::Result<int>(std::unexpect, std::move(stream.error()));

  // From here on one date and one stop end everything that waits on the stream.
  const auto cancel = [&stream] { (*stream)->cancel(ECANCELED); };
  const net::StopCallback on_stop(check->stop, cancel);
  const net::StreamDeadline due(**stream, deadline);

  protocol::RequestHead head;
  head.method = "GET";
  head.target = s.active.path;
  head.fields.add("Host", s.host);
  head.fields.add("User-Agent", "fairlead-health");
  head.fields.add("Accept", "*/*");
  head.fields.add("Connection", "close");
  std::string text;
  if (!protocol::append_request_head(text, head)) {
    co_return base::Result<int>(std::unexpect, base::Code::malformed, base::Side::config, "path or host of the check");
  }
  if (const int error = co_await (*stream)->write(text); error != 0) {
    co_return base::Result<int>(std::unexpect, base::from_errno(error, base::Side::origin, "send the request"));
  }
  protocol::ResponseHeadParser parser("GET");
  for (;;) {
    const net::Chunk chunk = co_await (*stream)->read();
    if (chunk.ended()) {
      if (chunk.error == 0) {
        co_return base::Result<int>(std::unexpect, base::Code::closed, base::Side::origin, "closed without an answer");
      }
      co_return base::Result<int>(std::unexpect, base::from_errno(chunk.error, base::Side::origin, "read the answer"));
    }
    for (std::string_view rest = chunk.view(); !rest.empty();) {
      const auto used = parser.feed(rest);
      if (!used) co_return base::Result<int>(std::unexpect, used.error());
      rest.remove_prefix(*used);
      if (!parser.done()) break;
      if (const int status = parser.head().status; status >= 200) co_return base::Result<int>(status);
      parser.reset();  // an interim answer (RFC 9110 15.2)
    }
  }
}

void HealthChecker::judge(Check& check, const base::Result<int>& status) {
  // The edge out of descriptors is no verdict on an origin.
  if (!status && status.error().side == base::Side::edge) return;
  const model::ActiveHealthCheck& active = check.settings.active;
  OriginState& state = *check.settings.state;
  const bool passed = status && *status >= active.status_from && *status <= active.status_to;
  state.count_check(passed);
  if (passed) {
    check.failed_in_a_row = 0;
    if (++check.passed_in_a_row < active.healthy_after) return;
    if (state.set_active_health(ActiveHealth::up)) {
      base::log_info("origin {} of {} is up: {} checks passed", state.label(), state.domain(), check.passed_in_a_row);
    }
    return;
  }
  check.passed_in_a_row = 0;
  if (++check.failed_in_a_row < active.unhealthy_after) return;
  if (!state.set_active_health(ActiveHealth::down)) return;
  const std::string why = status ? "status " + std::to_string(*status) : base::describe(status.error());
  base::log_warn("origin {} of {} is down: {} checks failed, the last: {}", state.label(), state.domain(),
                 check.failed_in_a_row, why);
}

}  // namespace fairlead::edge
