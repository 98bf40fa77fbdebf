#pragma once
// Biller: the thread that keeps bills going: closes days that are over, looks for late records, ends packs, issues
// statements, tells of changes that took effect. Each account is a transaction of its own, and each step may be
// repeated: whatever is interrupted goes on the next time. Instants come from Context::now_ms.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "control/billing/days.h"
#include "control/context.h"

namespace fairlead::control {

struct Settled {
  int days = 0, late = 0, packs_ended = 0, statements = 0, told = 0;
  bool any() const { return days + late + packs_ended + statements + told > 0; }
};

// All that is due for one account, in one transaction; at most kDaysAtOnce days.
base::Result<Settled> settle_account(store::Transaction& tx, Context& context, const PointsReader& points,
                                     const std::string& account_id);
// Whether there is anything that settle_account would do. Reads only: a writer's turn is dear.
base::Result<bool> is_due(store::Transaction& tx, std::int64_t now_ms, const std::string& account_id);

// Of all accounts, until nothing is due; an account that fails is logged and left for the next time.
Settled settle_all(Context& context, const PointsReader& points);

class Biller {
 public:
  static constexpr std::chrono::seconds kEvery{60};

  Biller(Context& context, PointsReader points);  // starts the thread
  ~Biller();

 private:
  void run();

  Context& context_;
  const PointsReader points_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fairlead::control
