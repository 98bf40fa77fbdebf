#include "edge/geo/geo_reloader.h"

#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"

namespace fairlead::edge {

GeoReloader::GeoReloader(Places& places, base::milliseconds every) : places_(places), every_(every) {}

GeoReloader::~GeoReloader() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

GeoReloader::Stamps GeoReloader::look(const model::GeoConfig& config) {
  const std::string* const paths[] = {&config.city, &config.asn, &config.table};
  Stamps out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    struct stat now{};
    if (paths[i]->empty() || ::stat(paths[i]->c_str(), &now) != 0) continue;
    const auto time = [](const timespec& t) {
      return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
    };
    out[i] = {static_cast<std::uint64_t>(now.st_dev), static_cast<std::uint64_t>(now.st_ino),
              static_cast<std::uint64_t>(now.st_size), time(now.st_mtim), time(now.st_ctim)};
  }
  return out;
}

bool GeoReloader::configure(const model::GeoConfig& config) {
  const std::lock_guard working(work_);
  config_ = config;
  const bool good = load();
  // Only where there is something to watch: most edges have no such files.
  if (!thread_.joinable() && config_ != model::GeoConfig()) thread_ = std::thread([this] { watch(); });
  return good;
}

bool GeoReloader::load() {
  // Before the files are read: who changes one meanwhile is seen at the next look.
  loaded_ = seen_ = look(config_);
  auto made = GeoTable::load(config_, places_);
  if (!made) {
    for (const model::Problem& problem : made.error()) base::log_error("geo: {}", model::describe(problem));
    base::log_error("geo: regions and ISPs are looked up in the files as they were before");
  }
  GeoTable::Ptr before;
  {
    const std::lock_guard lock(mutex_);
    stats_.failed = !made;
    if (!made) {
      ++stats_.failures;
      return false;
    }
    before = std::exchange(table_, std::move(*made));
    ++stats_.loads;
    stats_.loaded_ms = base::wall_clock_ms();
    epoch_.fetch_add(1, std::memory_order_release);
  }
  old_.push_back(std::move(before));
  return true;
}

void GeoReloader::watch() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, every_, [this] { return ending_; });
      if (ending_) return;
    }
    try {
      const std::lock_guard working(work_);
      std::erase_if(old_, [](const GeoTable::Ptr& table) { return table.use_count() == 1; });
      const Stamps now = look(config_);
      const bool rests = now == std::exchange(seen_, now);
      if (now != loaded_ && rests && load()) base::log_info("geo: the files have changed and are in use");
    } catch (const std::exception& e) {  // no memory; tried again when it changes
      base::log_error("geo: {}", e.what());
    }
  }
}

GeoTable::Ptr GeoReloader::table(std::uint64_t* epoch) const {
  const std::lock_guard lock(mutex_);
  if (epoch) *epoch = epoch_.load(std::memory_order_relaxed);
  return table_;
}

GeoReloader::Stats GeoReloader::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace fairlead::edge
