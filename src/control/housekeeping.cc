#include "control/housekeeping.h"

#include "base/log.h"
#include "control/certificates.h"
#include "store/logins.h"
#include "store/policy_changes.h"
#include "store/setup_links.h"

namespace fairlead::control {

Housekeeping::Housekeeping(Context& context) : context_(context), thread_(&Housekeeping::run, this) {}

Housekeeping::~Housekeeping() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Housekeeping::run() {
  for (;;) {
    once();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kEvery, [this] { return stop_; });
    if (stop_) return;
  }
}

void Housekeeping::once() {
  const auto swept = context_.database.write([this](store::Transaction& tx) -> base::Result<void> {
    const std::int64_t now = context_.now_ms();
    if (auto done = store::delete_expired_logins(tx, now); !done) return std::unexpected(done.error());
    if (auto done = store::delete_spent_setup_links(tx, now); !done) return std::unexpected(done.error());
    const auto last = store::last_policy_change(tx);
    if (!last) return std::unexpected(last.error());
    if (auto done = store::prune_policy_changes(tx, *last - kPolicyChangesKept); !done) {
      return std::unexpected(done.error());
    }
    return {};
  });
  if (!swept) base::log_warn("housekeeping: {}", base::describe(swept.error()));
  const auto told = write_expiry_notices(context_);
  if (!told) base::log_warn("housekeeping: certificates: {}", told.error().detail);
  if (told && *told > 0) context_.notice_written();
}

}  // namespace fairlead::control
