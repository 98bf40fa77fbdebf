#pragma once
// UsageKeeper: the thread that keeps usage in order: begins sums where domains have become many (sums.h), packs what is
// open (rollup.h) a short while after each quarter of a UTC day, and what came late within kEvery, and once a day
// removes what is old (R22). What fails is tried again the next time. Owned by ControlPlane.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "control/context.h"

namespace fairlead::control {

class UsageKeeper {
 public:
  static constexpr std::chrono::minutes kEvery{1};

  explicit UsageKeeper(Context& context);  // starts the thread
  ~UsageKeeper();                          // ends it, after the transaction at hand

  struct Status {
    std::int64_t open_rows = 0;        // at the last look
    std::int64_t last_roll_up_ms = 0;  // how long the last one took that had something to do
    std::uint64_t days = 0;            // of domains, packed since the start
    std::uint64_t damaged_rows = 0;    // set aside
    std::uint64_t failures = 0;        // days that could not be packed, and passes that the store ended
  };
  Status status() const;

 private:
  void run();
  void once();
  void roll_up(std::int64_t now_s);
  void remove_old(std::int64_t now_s);

  Context& context_;
  std::int64_t removed_on_s_ = 0;  // the day that old usage was last removed
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Status status_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace fairlead::control
