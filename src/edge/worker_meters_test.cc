// Where a worker counts its clients: a cell for each domain and kind of client, forgotten when nobody uses it.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "edge/worker.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using namespace std::chrono_literals;
using Cell = std::shared_ptr<MeterCell>;

class WorkerMeters : public ::testing::Test {
 protected:
  ~WorkerMeters() override {
    bool stopped = false;
    worker_.stop([&stopped] { stopped = true; });
    world_.run_until([&stopped] { return stopped; });
    world_.finish();
  }

  // The worker obeys a revision in which the name is that domain's; what it is for sessions that begin then.
  std::shared_ptr<const Domain> publish(const std::string& id, const std::string& name = "live.test") {
    model::DomainPolicy policy;
    policy.id = id;
    policy.name = name;
    snapshot_ = model::PolicySnapshot::build(snapshot_, {model::PolicyEdit::put(policy)}, ++revision_);
    table_ = DomainTable::build(table_.get(), snapshot_, shared_.tickets);
    worker_.apply(table_, {});
    return table_->by_name(name);
  }
  static ClientInfo client(PlaceId place = {}, bool tls = false, std::string_view protocol = "h1") {
    ClientInfo info;
    info.place = place;
    info.tls = tls;
    info.protocol = protocol;
    return info;
  }
  void pass(base::Duration time) { world_.run(sleep(time)); }
  net::Task<void> sleep(base::Duration time) { co_await world_.loop().sleep_for(time); }
  std::size_t cells() { return shared_.counters.cells_written(); }

  net::testing::World world_{net::testing::Net::sim_whole};
  net::StaticResolver resolver_;
  EdgeShared shared_{1, model::GlobalLimits{}};
  Worker worker_{0, world_.loop(), resolver_, shared_, model::GlobalLimits{}, 1};
  model::PolicySnapshot::Ptr snapshot_ = model::PolicySnapshot::empty();
  std::shared_ptr<const DomainTable> table_;
  std::uint64_t revision_ = 0;
};

TEST_F(WorkerMeters, ACellForEachKindOfClient) {
  const auto domain = publish("id 1");
  const auto other = publish("id 2", "other.test");
  std::set<Cell> all;
  for (const auto& d : {domain, other}) {
    for (const PlaceId place : {PlaceId{}, PlaceId{.region = 1}, PlaceId{.region = 1, .isp = 1}}) {
      for (const bool tls : {false, true}) {
        for (const std::string_view protocol : {"h1", "h2"}) {
          const Cell cell = worker_.meter(*d, client(place, tls, protocol));
          EXPECT_TRUE(all.insert(cell).second);
          EXPECT_EQ(worker_.meter(*d, client(place, tls, protocol)), cell);
          EXPECT_EQ(cell->key.domain_id, d->policy().id);
          EXPECT_EQ(cell->key.domain, d->policy().name);
          EXPECT_EQ(cell->key.place, place);
          EXPECT_EQ(cell->key.scheme, tls ? model::UsageScheme::wss : model::UsageScheme::ws);
          EXPECT_EQ(cell->key.protocol, protocol == "h2" ? model::UsageProtocol::h2 : model::UsageProtocol::h1);
          EXPECT_FALSE(cell->abandoned);
        }
      }
    }
  }
  EXPECT_EQ(cells(), all.size());
  // Another revision of the same domain goes on with the same cells.
  EXPECT_TRUE(all.contains(worker_.meter(*publish("id 1"), client())));
  EXPECT_EQ(worker_.counters().meters_exhausted.get(), 0u);
}

// The name changes hands. What began under the old id is counted there, also when it asks after the change.
TEST_F(WorkerMeters, ANameOfAnotherDomainIsCountedApart) {
  const auto before = publish("id 1");
  const Cell old = worker_.meter(*before, client());
  const auto after = publish("id 2");
  const Cell now = worker_.meter(*after, client());
  EXPECT_NE(now, old);
  EXPECT_TRUE(old->abandoned);
  EXPECT_EQ(now->key.domain_id, "id 2");
  // A handshake that was under way when the policy changed.
  const Cell late = worker_.meter(*before, client());
  EXPECT_EQ(late->key.domain_id, "id 1");
  EXPECT_EQ(worker_.meter(*after, client())->key.domain_id, "id 2");
  // Whoever counts on has its cell still; who records usage has all of them.
  old->websocket.out.bytes.add(1);
  now->websocket.out.bytes.add(10);
  late->websocket.out.bytes.add(100);
  std::map<std::string, std::uint64_t> sums;
  for (const auto& cell : shared_.counters.cells(CounterRegistry::Cells::written)) {
    sums[cell->key.domain_id] += cell->websocket.out.bytes.get();
  }
  EXPECT_EQ(sums, (std::map<std::string, std::uint64_t>{{"id 1", 101}, {"id 2", 10}}));
}

TEST_F(WorkerMeters, WhatNobodyUsesIsForgotten) {
  const auto domain = publish("id 1");
  Cell used = worker_.meter(*domain, client({.region = 1}));
  Cell unused = worker_.meter(*domain, client({.region = 2}));
  const std::weak_ptr<MeterCell> forgotten = unused;
  unused.reset();
  pass(5min);
  const std::weak_ptr<MeterCell> recent = worker_.meter(*domain, client({.region = 3}));
  pass(6min);
  worker_.abandon_meters(10min);
  EXPECT_FALSE(used->abandoned);
  EXPECT_FALSE(recent.lock()->abandoned) << "used six minutes ago";
  EXPECT_TRUE(forgotten.lock()->abandoned);
  EXPECT_EQ(worker_.meter(*domain, client({.region = 1})), used);
  EXPECT_EQ(worker_.meter(*domain, client({.region = 3})), recent.lock());
  // A client of that kind gets another one; the old one is its recorder's.
  const Cell again = worker_.meter(*domain, client({.region = 2}));
  EXPECT_NE(again, forgotten.lock());
  EXPECT_FALSE(again->abandoned);
  used.reset();
  pass(11min);
  worker_.abandon_meters(10min);
  EXPECT_FALSE(again->abandoned) << "held here";
  for (const auto& cell : shared_.counters.cells(CounterRegistry::Cells::written)) {
    EXPECT_EQ(cell->abandoned, cell != again);
  }
}

TEST_F(WorkerMeters, BeyondTheBoundAPlaceIsUnknown) {
  const auto domain = publish("id 1");
  const auto place = [](std::size_t i) {
    return PlaceId{.region = static_cast<std::uint16_t>(1 + i / 256), .isp = static_cast<std::uint16_t>(1 + i % 256)};
  };
  for (std::size_t i = 0; i < Worker::kMaxMeters; ++i) worker_.meter(*domain, client(place(i)));
  EXPECT_EQ(worker_.counters().meters_exhausted.get(), 0u);
  EXPECT_EQ(worker_.meter(*domain, client(place(Worker::kMaxMeters)))->key.place, PlaceId());
  EXPECT_EQ(worker_.meter(*domain, client(place(Worker::kMaxMeters + 1)))->key.place, PlaceId());
  EXPECT_EQ(worker_.meter(*domain, client())->key.place, PlaceId());
  EXPECT_EQ(worker_.counters().meters_exhausted.get(), 2u) << "who is of no known place has lost nothing";
  EXPECT_EQ(cells(), Worker::kMaxMeters + 1);
  // Those that have a cell keep it, schemes and protocols are told apart, and another domain is, too.
  EXPECT_EQ(worker_.meter(*domain, client(place(7)))->key.place, place(7));
  const Cell wss = worker_.meter(*domain, client(place(7), true));
  EXPECT_EQ(wss->key.place, PlaceId());
  EXPECT_EQ(wss->key.scheme, model::UsageScheme::wss);
  EXPECT_EQ(worker_.meter(*publish("id 2", "other.test"), client(place(7)))->key.domain_id, "id 2");
  // Room again, once some were forgotten.
  pass(1s);
  worker_.abandon_meters(1s);
  EXPECT_EQ(worker_.meter(*domain, client(place(Worker::kMaxMeters)))->key.place, place(Worker::kMaxMeters));
}

}  // namespace
}  // namespace fairlead::edge
