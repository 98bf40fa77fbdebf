#pragma once
// OriginState: what the edge knows of one origin of one domain while it runs: how much it carries, whether it is up,
// how it has done lately. Shared by all workers and by every revision of the policy that names the same (domain, host,
// ports), so a reload forgets nothing. All times are the caller's loop time.
//
// Two judges. Active checks say up or down (`unknown`, before the first verdict, counts as up). Passive health ejects
// an origin for `eject` after `failures` failures in a row within `window`; after that the origin is half-open: exactly
// one request at a time (one each `eject`, should it never report) tries it; its success takes the origin back, its
// failure ejects it again at once. What was under way when the ejection began no longer counts, either way.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/domain_policy.h"

namespace fairlead::edge {

enum class ActiveHealth : std::uint8_t { unknown, up, down };
std::string_view to_string(ActiveHealth health);

// How one handshake or request went, as far as the origin is to praise or to blame.
enum class Outcome : std::uint8_t {
  success,     // it answered; a refused handshake (4xx) is an answer too
  refused,     // refused, reset, closed early, unreachable
  timeout,     // no connection or no answer in time
  status_5xx,  // it answered 500 or above
  other,       // TLS or certificate failure, an answer that is no HTTP: its fault, and none of the above
};
inline constexpr std::size_t kOutcomes = 5;
std::string_view to_string(Outcome outcome);

// What an error says of the origin; nullopt when it says nothing (a stop, the edge's own lack of resources, the
// client's fault), and then nothing is to be reported.
std::optional<Outcome> outcome_of(const base::Error& error);

class OriginState : public std::enable_shared_from_this<OriginState> {
 public:
  OriginState(std::string domain, std::string host, std::optional<std::uint16_t> http_port,
              std::optional<std::uint16_t> https_port);
  OriginState(const OriginState&) = delete;
  OriginState& operator=(const OriginState&) = delete;

  const std::string& domain() const { return domain_; }
  const std::string& host() const { return host_; }
  std::optional<std::uint16_t> http_port() const { return http_port_; }
  std::optional<std::uint16_t> https_port() const { return https_port_; }
  // For logs and metrics: "10.0.0.1:80,443".
  const std::string& label() const { return label_; }

  // --- Load.
  std::uint32_t sessions() const { return sessions_.load(std::memory_order_relaxed); }
  std::uint32_t requests() const { return requests_.load(std::memory_order_relaxed); }
  std::uint32_t live() const { return sessions() + requests(); }

  // --- Health.
  ActiveHealth active_health() const { return active_.load(std::memory_order_relaxed); }
  // True when that is a change. Going from down to unknown (checks were switched off) is one.
  bool set_active_health(ActiveHealth health);

  // Set aside by passive health, its time not over (a half-open origin whose one trial is under way is, too).
  bool ejected(base::TimePoint now) const;
  // When the current or last ejection began; only meaningful while ejected().
  base::TimePoint ejected_at() const;
  // May be picked: not down, not ejected. A half-open origin whose trial is free is available; the picker must then
  // win begin_trial() before it uses it.
  bool available(base::TimePoint now) const { return active_health() != ActiveHealth::down && !ejected(now); }
  bool half_open(base::TimePoint now) const;
  // True for the one caller that may try a half-open origin now; true for all when it is not half-open. False while
  // another one's trial is under way.
  bool begin_trial(const model::PassiveHealthCheck& policy, base::TimePoint now);
  // An ejected origin is tried all the same, because there is no other (panic mode).
  void force_trial();

  // Once for every handshake or request that reached a verdict on this origin. Logs ejection and return, once each.
  void report(Outcome outcome, const model::PassiveHealthCheck& policy, base::TimePoint now);

  // --- Counters for the scraper; they never go back.
  std::uint64_t outcomes(Outcome o) const {
    return outcomes_[static_cast<std::size_t>(o)].load(std::memory_order_relaxed);
  }
  std::uint64_t ejections() const { return ejections_.load(std::memory_order_relaxed); }
  std::uint64_t checks_passed() const { return checks_passed_.load(std::memory_order_relaxed); }
  std::uint64_t checks_failed() const { return checks_failed_.load(std::memory_order_relaxed); }
  void count_check(bool passed) { (passed ? checks_passed_ : checks_failed_).fetch_add(1, std::memory_order_relaxed); }

 private:
  friend class OriginLease;
  void eject(const model::PassiveHealthCheck& policy, base::TimePoint now);
  void take_back();

  const std::string domain_, host_;
  const std::optional<std::uint16_t> http_port_, https_port_;
  const std::string label_;

  std::atomic<std::uint32_t> sessions_{0}, requests_{0};
  std::atomic<ActiveHealth> active_{ActiveHealth::unknown};

  // Ejection: nanoseconds of the loop's clock. until == 0: not ejected and not half-open. Changed under the mutex, read
  // without it.
  std::atomic<std::int64_t> ejected_until_{0};
  std::atomic<std::int64_t> ejected_at_{0};
  std::atomic<bool> failing_{false};  // recent_failures_ has something in it: the success path's only look
  std::mutex mutex_;
  std::vector<base::TimePoint> recent_failures_;  // in a row, the last `failures` of them
  bool on_trial_ = false;  // a verdict on the ejected origin is awaited; those that started before do not count

  std::atomic<std::uint64_t> outcomes_[kOutcomes]{};
  std::atomic<std::uint64_t> ejections_{0}, checks_passed_{0}, checks_failed_{0};
};

// One session or request that an origin carries, counted from the pick until its end: take it right after pick(), so
// that workers picking at the same time see each other. Move-only.
class OriginLease {
 public:
  enum class Kind : std::uint8_t { session, request };

  OriginLease() = default;
  OriginLease(std::shared_ptr<OriginState> origin, Kind kind);
  OriginLease(OriginLease&& o) noexcept : origin_(std::move(o.origin_)), kind_(o.kind_) {}
  OriginLease& operator=(OriginLease&& o) noexcept;
  ~OriginLease() { give_back(); }

  explicit operator bool() const { return origin_ != nullptr; }
  const std::shared_ptr<OriginState>& origin() const { return origin_; }
  void give_back();

 private:
  std::shared_ptr<OriginState> origin_;
  Kind kind_ = Kind::session;
};

}  // namespace fairlead::edge
