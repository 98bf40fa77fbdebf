#pragma once
// UsageShipper: the thread that carries usage from the journal to the bus, in order, one set after the other. Wakes
// when told that something was appended; while the other side does not take a set it tries the same one again after 100
// ms, then twice that, and so on up to 5 s, and once it is taken again goes on as fast as the other side can.
//
// A set that nobody will ever take (Retry::never) must not hold up those behind it: it is set aside into the file
// `rejected` of the journal's folder (records as in journal_format.h, one after the other), where an operator can look
// at it, counted, and told in the log as an error. The file is bounded; what does not fit any more is counted as lost.

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "cluster/usage_bus.h"
#include "edge/usage/journal.h"

namespace fairlead::edge {

class UsageShipper {
 public:
  static constexpr base::milliseconds kFirstPause{100};
  static constexpr base::milliseconds kLongestPause{5000};
  static constexpr std::uint64_t kMaxRejectedBytes = 64u << 20;

  struct Stats {
    std::uint64_t shipped = 0;   // sets that the other side has
    std::uint64_t retries = 0;   // times that it did not take one
    std::uint64_t rejected = 0;  // sets set aside
    std::uint64_t lost = 0;      // of these, those that could not even be set aside
    bool waiting = false;        // the last try failed, the next one is due
    std::string trouble;         // why; empty: none
  };

  // Starts at once. Both outlive it.
  UsageShipper(UsageJournal& journal, cluster::UsageBus& bus);
  // Ends as end() does, without waiting for more.
  ~UsageShipper();
  UsageShipper(const UsageShipper&) = delete;
  UsageShipper& operator=(const UsageShipper&) = delete;

  // Something was appended. Any thread, returns at once.
  void notify();
  // Ships what is there for at most `time` more and ends; a call to the bus under way is waited for. True when nothing
  // is left in the journal.
  bool end(base::milliseconds time);

  Stats stats() const;  // any thread

 private:
  void run();
  // Carries one set, or waits for what would let it; false: it is time to end.
  bool step(base::milliseconds& pause);
  // Waits for `pause`; false: it is time to end.
  bool rest(base::milliseconds pause, const base::Error& why);
  void set_aside(const UsageJournal::Entry& entry, const base::Error& why);
  bool over() const;  // with mutex_ held

  UsageJournal& journal_;
  cluster::UsageBus& bus_;
  bool all_shipped_ = false;  // once it has ended

  mutable std::mutex mutex_;  // of these
  std::condition_variable wake_;
  bool appended_ = false;
  bool ending_ = false;
  std::chrono::steady_clock::time_point give_up_{};
  Stats stats_;

  std::thread thread_;  // last: it uses the others
};

}  // namespace fairlead::edge
