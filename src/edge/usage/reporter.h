#pragma once
// UsageReporter: the way of usage out of an edge: every ten seconds, on the wall clock's multiples of ten, the recorder
// takes what the workers have counted and appends it to the journal, and the shipper carries it from there to the bus.
// Owned by the application beside its Edge.
//
// What a crash loses (kill -9, power): what passed since the last append, so at most kEvery and what an append takes;
// the rest is in the journal and is shipped by the next process on the same folder. An orderly end loses nothing: end()
// records once more when the last session is over.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/error.h"
#include "cluster/usage_bus.h"
#include "edge/edge.h"
#include "edge/usage/journal.h"
#include "edge/usage/recorder.h"
#include "edge/usage/shipper.h"

namespace fairlead::edge {

class UsageReporter {
 public:
  static constexpr std::chrono::seconds kEvery{10};
  // Cells that nobody has used for so long are put together (a client of that kind gets a new one).
  static constexpr std::chrono::minutes kForget{10};

  // Opens the journal in `folder` and begins; what an earlier process left there is shipped first. Both outlive it.
  // Errors: those of UsageJournal::open() and next_epoch().
  static base::Result<std::unique_ptr<UsageReporter>> start(Edge& edge, cluster::UsageBus& bus, std::string edge_id,
                                                            const std::string& folder, UsageJournal::Options options);
  ~UsageReporter();  // end() without patience
  UsageReporter(const UsageReporter&) = delete;
  UsageReporter& operator=(const UsageReporter&) = delete;

  // After Edge::wait(): records what is left, ships for at most `patience` and ends. True when the other side has all.
  // What the journal does not take is handed over past it; what nobody takes then is lost, and the log says so.
  bool end(base::milliseconds patience);

  // Prometheus text, to be appended to the edge's. Any thread.
  std::string metrics() const;

 private:
  UsageReporter(Edge& edge, cluster::UsageBus& bus, std::string edge_id, std::unique_ptr<UsageJournal> journal,
                std::uint64_t epoch);
  void run();
  void record();

  Edge& edge_;
  cluster::UsageBus& bus_;
  std::unique_ptr<UsageJournal> journal_;
  UsageShipper shipper_;
  UsageRecorder recorder_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fairlead::edge
