#include "edge/origin/origin_state.h"

#include <algorithm>

#include "base/log.h"

namespace fairlead::edge {
namespace {

std::int64_t nanoseconds(base::TimePoint t) { return t.time_since_epoch().count(); }

std::string make_label(const std::string& host, std::optional<std::uint16_t> http, std::optional<std::uint16_t> https) {
  std::string ports;
  if (http) ports = std::to_string(*http);
  if (https) ports += (http ? "," : "") + std::to_string(*https);
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, ports) : fmt::format("[{}]:{}", host, ports);
}

// Whether the outcome is held against the origin under this policy.
bool counts(Outcome outcome, const model::PassiveHealthCheck& policy) {
  switch (outcome) {
    case Outcome::success: return false;
    case Outcome::refused: return policy.count_refused;
    case Outcome::timeout: return policy.count_timeout;
    case Outcome::status_5xx: return policy.count_5xx;
    case Outcome::other: return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(ActiveHealth health) {
  switch (health) {
    case ActiveHealth::unknown: return "unknown";
    case ActiveHealth::up: return "up";
    case ActiveHealth::down: return "down";
  }
  return "unknown";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::success: return "success";
    case Outcome::refused: return "refused";
    case Outcome::timeout: return "timeout";
    case Outcome::status_5xx: return "status_5xx";
    case Outcome::other: return "other";
  }
  return "other";
}

std::optional<Outcome> outcome_of(const base::Error& error) {
  if (error.side != base::Side::origin) return std::nullopt;
  switch (error.code) {
    case base::Code::timeout: return Outcome::timeout;
    case base::Code::refused:
    case base::Code::reset:
    case base::Code::closed:
    case base::Code::unreachable:
    case base::Code::not_found: return Outcome::refused;  // its name has no address
    case base::Code::malformed:
    case base::Code::too_large:
    case base::Code::unsupported:
    case base::Code::tls:
    case base::Code::certificate:
    case base::Code::protocol: return Outcome::other;
    default: return std::nullopt;
  }
}

OriginState::OriginState(std::string domain, std::string host, std::optional<std::uint16_t> http_port,
                         std::optional<std::uint16_t> https_port)
    : domain_(std::move(domain)),
      host_(std::move(host)),
      http_port_(http_port),
      https_port_(https_port),
      label_(make_label(host_, http_port_, https_port_)) {}

bool OriginState::set_active_health(ActiveHealth health) {
  return active_.exchange(health, std::memory_order_relaxed) != health;
}

bool OriginState::ejected(base::TimePoint now) const {
  return ejected_until_.load(std::memory_order_relaxed) > nanoseconds(now);
}

base::TimePoint OriginState::ejected_at() const {
  return base::TimePoint(base::Duration(ejected_at_.load(std::memory_order_relaxed)));
}

bool OriginState::half_open(base::TimePoint now) const {
  const std::int64_t until = ejected_until_.load(std::memory_order_relaxed);
  return until != 0 && until <= nanoseconds(now);
}

bool OriginState::begin_trial(const model::PassiveHealthCheck& policy, base::TimePoint now) {
  if (ejected_until_.load(std::memory_order_relaxed) == 0) return true;
  std::lock_guard lock(mutex_);
  const std::int64_t until = ejected_until_.load(std::memory_order_relaxed);
  if (until == 0) return true;
  if (until > nanoseconds(now)) return false;
  // Nobody else for another `eject`: a trial that never reports (its client went away) delays the next by that much.
  ejected_until_.store(nanoseconds(base::later(now, policy.eject)), std::memory_order_relaxed);
  on_trial_ = true;
  return true;
}

void OriginState::force_trial() {
  std::lock_guard lock(mutex_);
  on_trial_ = ejected_until_.load(std::memory_order_relaxed) != 0;
}

void OriginState::report(Outcome outcome, const model::PassiveHealthCheck& policy, base::TimePoint now) {
  outcomes_[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
  const bool failed = counts(outcome, policy);
  // An answer with a 5xx that does not count still shows that the origin lives; a timeout that does not count, nothing.
  const bool alive = outcome == Outcome::success || (outcome == Outcome::status_5xx && !failed);
  // The common case, a success of an origin without a blemish, takes no lock.
  if (!policy.enabled || alive) {
    if (!failing_.load(std::memory_order_relaxed) && ejected_until_.load(std::memory_order_relaxed) == 0) return;
  } else if (!failed) {
    return;
  }

  std::lock_guard lock(mutex_);
  const bool set_aside = ejected_until_.load(std::memory_order_relaxed) != 0;
  if (!policy.enabled) {
    take_back();
  } else if (alive) {
    if (set_aside && !on_trial_) return;  // it was asked before the ejection
    if (set_aside) base::log_info("origin {} of {} answers again and is taken back", label_, domain_);
    take_back();
  } else if (set_aside) {
    if (on_trial_) eject(policy, now);
  } else {
    // Exact, not a restarted window: the last `failures` dates are kept and must all lie within it.
    const base::TimePoint oldest = now - std::min<base::Duration>(policy.window, now.time_since_epoch());
    std::erase_if(recent_failures_, [&](base::TimePoint t) { return t < oldest; });
    recent_failures_.push_back(now);
    failing_.store(true, std::memory_order_relaxed);
    if (recent_failures_.size() < policy.failures) return;
    base::log_warn("origin {} of {} is set aside for {} ms after {} failures in a row, the last: {}", label_, domain_,
                   policy.eject.count(), recent_failures_.size(), to_string(outcome));
    eject(policy, now);
  }
}

void OriginState::eject(const model::PassiveHealthCheck& policy, base::TimePoint now) {
  ejected_at_.store(nanoseconds(now), std::memory_order_relaxed);
  ejected_until_.store(nanoseconds(base::later(now, policy.eject)), std::memory_order_relaxed);
  ejections_.fetch_add(1, std::memory_order_relaxed);
  on_trial_ = false;
  recent_failures_.clear();
  failing_.store(false, std::memory_order_relaxed);
}

void OriginState::take_back() {
  ejected_until_.store(0, std::memory_order_relaxed);
  on_trial_ = false;
  recent_failures_.clear();
  failing_.store(false, std::memory_order_relaxed);
}

OriginLease::OriginLease(std::shared_ptr<OriginState> origin, Kind kind) : origin_(std::move(origin)), kind_(kind) {
  (kind_ == Kind::session ? origin_->sessions_ : origin_->requests_).fetch_add(1, std::memory_order_relaxed);
}

OriginLease& OriginLease::operator=(OriginLease&& o) noexcept {
  if (this == &o) return *this;
  give_back();
  origin_ = std::move(o.origin_);
  kind_ = o.kind_;
  return *this;
}

void OriginLease::give_back() {
  const auto origin = std::move(origin_);
  if (!origin) return;
  (kind_ == Kind::session ? origin->sessions_ : origin->requests_).fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace fairlead::edge
