#pragma once
// PolicyFile: the edge's own copy of its last policy on disk, so that it starts with that when everything else is down
// (R28). Owned by the application, one for a path. The file is sealed (libsodium's secretstream, XChaCha20-Poly1305),
// for private keys are in it, and so a damaged or exchanged file is known for what it is: load() gives a whole snapshot
// or none. It is replaced as a whole: whenever the process or the machine dies, the old one is there or the new one.

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "model/policy_snapshot.h"

namespace fairlead::edge {

class PolicyFile {
 public:
  using Key = std::array<unsigned char, 32>;
  // Between the beginnings of two writes; and a write is followed by kRest times the time that it took, so that a large
  // policy that changes all the time costs the machine little.
  static constexpr base::milliseconds kInterval{1000};
  static constexpr int kRest = 4;

  // Touches nothing yet. The folder of `path` must exist when the first snapshot is stored.
  PolicyFile(std::string path, const Key& key);
  // Writes what is pending, without waiting for its turn.
  ~PolicyFile();
  PolicyFile(const PolicyFile&) = delete;
  PolicyFile& operator=(const PolicyFile&) = delete;

  // What was stored last, with its revision. Errors (config side): not_found (no such file), malformed (damaged, or
  // sealed with another key), unsupported (of a newer program), forbidden, resources. Before the first store().
  base::Result<model::PolicySnapshot::Ptr> load() const;

  // Any thread; returns at once. A thread of its own writes, the newest only. What cannot be written is tried again
  // until something newer comes; the log says when that begins and when it is over.
  void store(model::PolicySnapshot::Ptr snapshot);

  // Waits until what was stored before is on disk, or one try has failed: then its error. Any thread.
  base::Result<void> flush();

  // Files written so far, and the revision of what lies on disk by this object's knowledge (0: nothing was written or
  // loaded yet). Any thread.
  std::uint64_t writes() const { return writes_.load(); }
  std::uint64_t revision() const { return revision_.load(); }

 private:
  void writer();
  void write_pending(std::unique_lock<std::mutex>& lock);
  base::Result<void> write(const model::PolicySnapshot& snapshot) const;

  const std::string path_;
  const Key key_;
  std::atomic<std::uint64_t> writes_{0};
  mutable std::atomic<std::uint64_t> revision_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  model::PolicySnapshot::Ptr pending_;  // guarded by mutex_, as are the next five
  bool writing_ = false;
  bool hurry_ = false;  // somebody waits in flush()
  bool stop_ = false;
  std::uint64_t tries_ = 0;
  base::Result<void> last_{};
  std::thread thread_;
};

}  // namespace fairlead::edge
