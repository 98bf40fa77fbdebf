#pragma once
// Housekeeping: what must be forgotten in time, and what must be told in time: ended logins, spent links, old policy
// changes, and certificates that are about to end. One thread, once at the start and then every kEvery; nothing here is
// urgent, and what fails is tried again the next time.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "control/context.h"

namespace fairlead::control {

class Housekeeping {
 public:
  static constexpr std::chrono::hours kEvery{1};
  static constexpr std::int64_t kPolicyChangesKept = 100'000;  // a follower that is further behind reads all domains

  explicit Housekeeping(Context& context);  // starts the thread
  ~Housekeeping();

 private:
  void run();
  void once();

  Context& context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fairlead::control
