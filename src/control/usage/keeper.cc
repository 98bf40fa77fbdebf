#include "control/usage/keeper.h"

#include "base/clock.h"
#include "base/log.h"
#include "control/usage/layout.h"
#include "control/usage/rollup.h"
#include "control/usage/sums.h"
#include "store/usage_points.h"

namespace fairlead::control {

UsageKeeper::UsageKeeper(Context& context) : context_(context), thread_(&UsageKeeper::run, this) {}

UsageKeeper::~UsageKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

UsageKeeper::Status UsageKeeper::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void UsageKeeper::run() {
  while (!stop_) {
    once();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kEvery, [this] { return stop_.load(); });
  }
}

void UsageKeeper::once() {
  const std::int64_t now_s = context_.now_ms() / 1000;
  if (const auto begun = begin_usage_sums(context_.database); !begun) {
    base::log_warn("sums of usage cannot be begun: {}", base::describe(begun.error()));
  }
  roll_up(now_s);
  remove_old(now_s);
  const auto open = context_.database.read(store::count_open_usage);
  const std::lock_guard lock(mutex_);
  if (open) status_.open_rows = *open;
}

void UsageKeeper::roll_up(std::int64_t now_s) {
  const auto begun = base::monotonic_now();
  const auto done = roll_up_usage(context_.database, {.before_s = closed_until_s(now_s), .stop = &stop_});
  if (!done) base::log_warn("usage cannot be rolled up: {}", base::describe(done.error()));
  const std::lock_guard lock(mutex_);
  status_.failures += done ? static_cast<std::uint64_t>(done->failed) : 1;
  if (done) status_.damaged_rows += static_cast<std::uint64_t>(done->aside);
  if (!done || done->days == 0) return;
  status_.days += static_cast<std::uint64_t>(done->days);
  status_.last_roll_up_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(base::monotonic_now() - begun).count();
}

void UsageKeeper::remove_old(std::int64_t now_s) {
  const std::int64_t today_s = now_s - now_s % kDay;
  if (removed_on_s_ == today_s) return;
  const auto done = remove_old_usage(context_.database, now_s, &stop_);
  if (done) {
    removed_on_s_ = today_s;
    if (*done > 0) base::log_info("usage: {} blocks were removed that were older than is kept", *done);
    return;
  }
  base::log_warn("old usage cannot be removed: {}", base::describe(done.error()));
  const std::lock_guard lock(mutex_);
  ++status_.failures;
}

}  // namespace fairlead::control
