#include "edge/edge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "base/log.h"
#include "net/testing/peers.h"
#include "net/testing/scarce_memory.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using net::testing::Net;
using net::testing::Received;
using net::testing::ScarceMemory;
using ::testing::HasSubstr;
using ::testing::StartsWith;

model::EdgeConfig config_of(unsigned workers) {
  model::EdgeConfig config;
  config.workers = workers;
  config.access_log = "off";
  config.listeners.push_back({.address = "127.0.0.1:0"});
  model::DomainPolicy domain;
  domain.name = "live.test";
  domain.origins.push_back({.host = "127.0.0.1", .http_port = 1});
  domain.health_check.active.path = "/healthz";
  config.domains.push_back(domain);
  return config;
}

// A letter or a connection that throws in a real worker's thread: counted, logged, and the worker goes on to serve, to
// obey and to end.
TEST(Edge, a_worker_survives_what_is_thrown_in_it) {
  std::promise<void> finished;
  Edge edge(config_of(2), [&] { finished.set_value(); });
  ASSERT_TRUE(edge.start());
  net::testing::World world(Net::kernel);
  const auto ask = [&] {
    return world.run(net::testing::say_and_collect(world.loop(), edge.addresses().at(0),
                                                   "GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n"));
  };
  EXPECT_THAT(ask().bytes, StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(edge.metrics(), HasSubstr("\nfairlead_worker_exceptions_total 0\n"));

  ::testing::internal::CaptureStderr();
  ScarceMemory::fail_elsewhere(1);
  edge.apply(config_of(2));  // its letters allocate where they are read
  const base::TimePoint due = base::later(base::monotonic_now(), base::seconds(10));
  while (edge.metrics().find("\nfairlead_worker_exceptions_total 1\n") == std::string::npos &&
         base::monotonic_now() < due) {
    ask();  // the letter, or a connection: whichever allocates first
  }
  EXPECT_EQ(ScarceMemory::end_elsewhere(), 0);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("ended by an exception: std::bad_alloc"));
  EXPECT_THAT(edge.metrics(), HasSubstr("\nfairlead_worker_exceptions_total 1\n"));

  edge.apply(config_of(2));
  for (int i = 0; i < 20; ++i) EXPECT_THAT(ask().bytes, StartsWith("HTTP/1.1 404"));
  edge.stop();
  EXPECT_EQ(finished.get_future().wait_for(base::seconds(10)), std::future_status::ready);
  edge.wait();
}

}  // namespace
}  // namespace fairlead::edge
