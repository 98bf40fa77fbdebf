#include "edge/usage/shipper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "edge/usage/durable_file.h"

namespace fairlead::edge {

using base::Result;
using base::Retry;

UsageShipper::UsageShipper(UsageJournal& journal, cluster::UsageBus& bus)
    : journal_(journal), bus_(bus), thread_([this] { run(); }) {}

UsageShipper::~UsageShipper() { end(base::milliseconds(0)); }

void UsageShipper::notify() {
  {
    const std::lock_guard lock(mutex_);
    appended_ = true;
  }
  wake_.notify_one();
}

bool UsageShipper::end(base::milliseconds time) {
  {
    const std::lock_guard lock(mutex_);
    if (!ending_) {
      ending_ = true;
      give_up_ = std::chrono::steady_clock::now() + time;
    }
  }
  wake_.notify_one();
  // The second time, which may be the destructor's, the journal may be gone.
  if (thread_.joinable()) {
    thread_.join();
    all_shipped_ = journal_.stats().waiting == 0;
  }
  return all_shipped_;
}

UsageShipper::Stats UsageShipper::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

bool UsageShipper::over() const { return ending_ && std::chrono::steady_clock::now() >= give_up_; }

void UsageShipper::run() {
  base::milliseconds pause = kFirstPause;
  for (bool on = true; on;) {
    try {
      on = step(pause);
    } catch (const std::exception& e) {  // no memory
      base::log_error("usage: {}", e.what());
      journal_.rewind();
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kLongestPause, [this] { return ending_; });
      on = !ending_;
    }
  }
  if (auto kept = journal_.save_position(); !kept) base::log_warn("usage journal: {}", base::describe(kept.error()));
}

bool UsageShipper::step(base::milliseconds& pause) {
  {
    const std::lock_guard lock(mutex_);
    if (over()) return false;
    appended_ = false;
  }
  const auto entry = journal_.next();
  Result<void> taken;
  if (!entry) {
    taken = std::unexpected(entry.error());
  } else if (*entry) {
    taken = bus_.publish((*entry)->set);
  } else {
    std::unique_lock lock(mutex_);
    if (ending_) return false;
    wake_.wait(lock, [this] { return appended_ || ending_; });
    return true;
  }
  if (!entry || (!taken && taken.error().retry != Retry::never)) {
    journal_.rewind();
    if (!rest(pause, taken.error())) return false;
    pause = std::min(pause * 2, kLongestPause);
    return true;
  }
  pause = kFirstPause;
  if (!taken) set_aside(**entry, taken.error());
  journal_.acknowledge((*entry)->number);
  const std::lock_guard lock(mutex_);
  if (taken) ++stats_.shipped;
  if (stats_.waiting) base::log_info("usage: sets are taken again");
  stats_.waiting = false;
  stats_.trouble.clear();
  return true;
}

bool UsageShipper::rest(base::milliseconds pause, const base::Error& why) {
  std::unique_lock lock(mutex_);
  ++stats_.retries;
  std::string trouble = base::describe(why);
  if (trouble != stats_.trouble) base::log_warn("usage: a set is not taken, and waits: {}", trouble);
  stats_.trouble = std::move(trouble);
  stats_.waiting = true;
  // What is appended meanwhile waits behind this one, and is no reason to hurry.
  const auto due = std::chrono::steady_clock::now() + pause;
  while (std::chrono::steady_clock::now() < due && !over()) {
    wake_.wait_until(lock, ending_ ? std::min(due, give_up_) : due);
  }
  return !over();
}

void UsageShipper::set_aside(const UsageJournal::Entry& entry, const base::Error& why) {
  const std::string path = journal_.folder() + "/rejected";
  Result<void> kept;
  if (auto file = open_file(path, O_WRONLY | O_CREAT); !file) {
    kept = std::unexpected(file.error());
  } else {
    struct stat now{};
    const bool known = ::fstat(file->get(), &now) == 0;
    const auto size = known ? static_cast<std::uint64_t>(now.st_size) : 0;
    std::string record;
    usage_format::append_record(record, size, entry.number, base::wall_clock_ms(), entry.set);
    if (!known) {
      kept = file_error(path);
    } else if (size + record.size() > kMaxRejectedBytes) {
      kept = base::fail(base::Code::overloaded, base::Side::config, fmt::format("{} is full", path));
    } else {
      kept = write_at(*file, record, size, path);
      if (kept && ::fsync(file->get()) != 0) kept = file_error(path);
      if (kept && size == 0) kept = sync_folder(journal_.folder());
      if (!kept && ::ftruncate(file->get(), now.st_size) != 0) base::log_warn("{}", file_error(path).error().context);
    }
  }
  base::log_error("usage: a set is refused for ever ({}) and {}", base::describe(why),
                  kept ? "lies in " + path : "is lost: " + base::describe(kept.error()));
  const std::lock_guard lock(mutex_);
  ++stats_.rejected;
  if (!kept) ++stats_.lost;
}

}  // namespace fairlead::edge
