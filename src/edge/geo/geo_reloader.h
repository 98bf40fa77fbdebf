#pragma once
// GeoReloader: keeps the geo table what its files say (R24). Owned by the edge, one for a process. configure() loads
// what the configuration names, at start and at each reload; a thread looks every kEvery whether one of the files is
// another (by device, inode, size and times), waits until it has been left alone for as long, and loads them again. A
// set of files that is no good changes nothing: the table stays, and the log says why once.
//
// Workers look up through a GeoView of their own: one load of an atomic number per look-up tells it whether there is a
// new table. Nothing is posted to them and no session is touched; a session keeps the place it was given.

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "edge/geo/geo_table.h"

namespace fairlead::edge {

class GeoReloader {
 public:
  static constexpr base::milliseconds kEvery{2000};

  struct Stats {
    std::uint64_t loads = 0;     // tables put in place
    std::uint64_t failures = 0;  // sets of files that were no good
    std::int64_t loaded_ms = 0;  // the last of the tables, wall clock; 0: none yet
    bool failed = false;         // the last set was no good, and the table is older
  };

  // Knows nothing until configure(). `places` outlives it.
  explicit GeoReloader(Places& places, base::milliseconds every = kEvery);
  ~GeoReloader();
  GeoReloader(const GeoReloader&) = delete;
  GeoReloader& operator=(const GeoReloader&) = delete;

  // Loads at once what `config` names, whether or not it has changed (SIGHUP), and watches these files from now on.
  // False: the log says what is wrong; what there was stays, and the files are loaded once they are mended. Blocks for
  // about a second. Any thread.
  bool configure(const model::GeoConfig& config);

  // Any thread.
  GeoTable::Ptr table(std::uint64_t* epoch = nullptr) const;
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }  // another with each table
  Stats stats() const;

 private:
  // What tells whether a file is another one; all zero: it is not there.
  using Stamp = std::array<std::uint64_t, 5>;
  using Stamps = std::array<Stamp, 3>;
  static Stamps look(const model::GeoConfig& config);
  bool load();  // with work_ held
  void watch();

  Places& places_;
  const base::milliseconds every_;

  std::mutex work_;  // of these: one loads at a time; before mutex_
  model::GeoConfig config_;
  Stamps loaded_{}, seen_{};        // of the last try; of the last look
  std::vector<GeoTable::Ptr> old_;  // until no view has them: what is large is not freed by a worker

  mutable std::mutex mutex_;  // of these
  std::condition_variable wake_;
  bool ending_ = false;
  GeoTable::Ptr table_ = GeoTable::empty();
  Stats stats_;
  std::atomic<std::uint64_t> epoch_{1};

  std::thread thread_;  // last: it uses the others
};

// One thread's way to the newest table. The reloader outlives it.
class GeoView {
 public:
  explicit GeoView(const GeoReloader& source) : source_(&source) {}
  PlaceId find(const net::SocketAddress& address) {
    if (epoch_ != source_->epoch()) table_ = source_->table(&epoch_);
    return table_->find(address);
  }

 private:
  const GeoReloader* source_;
  std::uint64_t epoch_ = 0;
  GeoTable::Ptr table_;
};

}  // namespace fairlead::edge
