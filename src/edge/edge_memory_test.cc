// An edge that runs out of memory where it begins and where it ends: it starts whole or not at all, and it ends
// whatever was refused on the way. (What its connections do then: out_of_memory_test.cc.)

#include <gtest/gtest.h>

#include <future>
#include <new>

#include "base/log.h"
#include "edge/edge.h"
#include "net/testing/scarce_memory.h"

namespace fairlead::edge {
namespace {

using net::testing::ScarceMemory;

model::EdgeConfig config_of(unsigned workers) {
  model::EdgeConfig config;
  config.workers = workers;
  config.access_log = "off";
  config.drain_time = base::seconds(1);
  config.listeners.push_back({.address = "127.0.0.1:0"});
  model::DomainPolicy domain;
  domain.name = "live.test";
  domain.origins.push_back({.host = "127.0.0.1", .http_port = 1});
  config.domains.push_back(domain);
  return config;
}

class EdgeMemory : public ::testing::Test {
 protected:
  EdgeMemory() { base::log_set_level(base::LogLevel::off); }
  ~EdgeMemory() override { base::log_set_level(base::LogLevel::info); }
};

// The allocations of start() include those of its threads, of which some have been made when one cannot be.
TEST_F(EdgeMemory, it_starts_whole_or_not_at_all) {
  int threw = 0, failed = 0;
  long n = 0;
  for (bool happened = true; happened && n < 5000; ++n) {
    Edge edge(config_of(3), [] {});
    bool started = false;
    ScarceMemory::fail_nth(n);
    try {
      const base::Result<void> result = edge.start();
      happened = ScarceMemory::end();
      started = result.has_value();
      if (!started) {
        EXPECT_EQ(result.error().code, base::Code::resources) << base::describe(result.error());
        ++failed;
      }
    } catch (const std::bad_alloc&) {
      happened = ScarceMemory::end();
      ++threw;
    }
    EXPECT_EQ(edge.ready(), started) << "allocation " << n;
    if (started) {
      edge.stop();
      edge.wait();
    }
    if (!happened) {
      EXPECT_TRUE(started);
    }
  }
  EXPECT_GT(threw, 10);
  EXPECT_EQ(failed, 3) << "one for each worker's thread";
}

// Each worker's steps towards its end fail, one after the other, and are tried again.
TEST_F(EdgeMemory, it_ends_whatever_is_refused_meanwhile) {
  for (const bool drain : {false, true}) {
    for (long count = 1; count <= 12; ++count) {
      std::promise<void> finished;
      Edge edge(config_of(2), [&] { finished.set_value(); });
      ASSERT_TRUE(edge.start());
      ScarceMemory::fail_elsewhere(count);
      if (drain) {
        edge.drain();
      } else {
        edge.stop();
      }
      const bool ended = finished.get_future().wait_for(base::seconds(10)) == std::future_status::ready;
      EXPECT_EQ(ScarceMemory::end_elsewhere(), 0) << count;
      ASSERT_TRUE(ended) << count << " refusals, " << (drain ? "drain" : "stop");
      edge.wait();
    }
  }
}

}  // namespace
}  // namespace fairlead::edge
