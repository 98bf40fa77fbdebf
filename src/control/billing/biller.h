#pragma once
// Biller: the thread that keeps bills going: closes days that are over, looks for late records, ends packs, issues
// statements, tells of changes that took effect. It looks at accounts that are due (store/billing_due.h). An account's
// days, late records and packs are one transaction, and each of its statements another: what fails is logged, counted
// and tried again, and undoes nothing else. Each step may be repeated: whatever is interrupted goes on the next time.
// Instants come from Context::now_ms.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "control/billing/days.h"
#include "control/context.h"

namespace fairlead::control {

struct Settled {
  int days = 0, late = 0, packs_ended = 0, statements = 0, told = 0;
  int failures = 0;  // transactions that were rolled back
  bool any() const { return days + late + packs_ended + statements + told > 0; }
  Settled& operator+=(const Settled& more);
};

// Of all accounts that are due, until nothing is; one that fails is left for the next time. `stop` is asked between
// transactions.
Settled settle_all(Context& context, const PointsReader& points, const std::function<bool()>& stop = {});

class Biller {
 public:
  static constexpr std::chrono::seconds kEvery{60};

  Biller(Context& context, PointsReader points);  // starts the thread
  ~Biller();                                      // ends it, after the transaction at hand

  struct Status {
    std::uint64_t days = 0, late = 0, statements = 0, failures = 0;  // since the start
    std::int64_t accounts_waiting = 0;                               // for a price, at the last look
  };
  Status status() const;

 private:
  void run();
  void once();

  Context& context_;
  const PointsReader points_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Status status_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// As Prometheus text: a part of ControlPlane::metrics(). Pure.
std::string billing_metrics(const Biller::Status& status);

}  // namespace fairlead::control
