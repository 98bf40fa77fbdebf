#pragma once
// OutboxSender: the thread that takes notices out of the outbox (store/outbox.h) and sends them: e-mail and webhooks.
// Owned by ControlPlane; uses the database, the configuration and the secrets (sealed mails), which must outlive it.
// Several control planes may send from one database: a notice is claimed for kLease, sent, reported. Delivery is at
// least once; repetitions carry the same id.
//
// What fails is tried again after Delays.first, then twice as long each time up to Delays.longest, each a little more
// or less than that so that they do not come back all at once; for Delays.give_up after it was written, then it has
// failed for good. What the other side refuses for good is not tried again. A notice for which there is no
// configuration any more (no mail server, an unknown webhook) is kept like one that failed, with that as its reason. A
// mail server or webhook that could not be reached rests for Delays.rest: notices for it wait without a try, so that
// one dead receiver does not hold up the others.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "model/control_config.h"
#include "store/database.h"

namespace fairlead::control {

class Secrets;

struct Delays {
  std::chrono::milliseconds first = std::chrono::seconds(30);
  std::chrono::milliseconds longest = std::chrono::hours(1);
  std::chrono::milliseconds give_up = std::chrono::hours(72);
  std::chrono::milliseconds rest = std::chrono::seconds(30);
  std::chrono::milliseconds lease = std::chrono::seconds(60);    // longer than any one attempt can take
  std::chrono::milliseconds look = std::chrono::seconds(30);     // for what others wrote, at least this often
  std::chrono::milliseconds keep = std::chrono::hours(30 * 24);  // done and failed ones, before they are forgotten
};

class OutboxSender {
 public:
  static constexpr std::chrono::seconds kStopGrace{5};  // for the attempt under way when stop() is called

  struct Counters {
    std::uint64_t sent = 0, retried = 0, failed = 0;  // retried: attempts that will be made again
  };

  // `now_ms`: since 1970 UTC, called from the sender's thread. Starts the thread.
  OutboxSender(store::Database& database, const model::ControlConfig& config, const Secrets& secrets,
               std::function<std::int64_t()> now_ms, Delays delays = {});
  ~OutboxSender();  // stop()
  OutboxSender(const OutboxSender&) = delete;
  OutboxSender& operator=(const OutboxSender&) = delete;

  // A notice was written (and committed), or the clock was moved. Any thread, never blocks.
  void notify();

  // Ends the thread: waits kStopGrace for the attempt under way, then breaks it off and leaves it for another time. Any
  // thread, more than once.
  void stop();

  Counters counters() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

// The time from attempt number `attempts` (1 is the first) to the next: doubled each time, within `longest`, times
// 0.8 to 1.2 by `chance` (0 to 1).
std::chrono::milliseconds retry_delay(const Delays& delays, std::int64_t attempts, double chance);

}  // namespace fairlead::control
