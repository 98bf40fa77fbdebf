#include "model/config_change.h"

namespace fairlead::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ConfigChange, NamesWhatNeedsARestartAndKeepsIt) {
  EdgeConfig running;
  running.listeners = {{.address = "0.0.0.0:80"}};
  EdgeConfig next = running;
  EXPECT_THAT(needs_restart(running, next), IsEmpty());

  next.drain_time = milliseconds(5000);
  next.limits.max_sessions = 7;
  next.log_level = "debug";
  next.domains.emplace_back().name = "a.example";
  EXPECT_THAT(needs_restart(running, next), IsEmpty());
  EXPECT_EQ(reloadable(running, next), next);

  next.listeners[0].backlog = 1;
  next.workers = 2;
  next.admin_address = "127.0.0.1:1";
  next.access_log = "off";
  next.resolvers = {"10.0.0.2"};
  EXPECT_THAT(needs_restart(running, next), ElementsAre("listeners", "workers", "admin", "access_log", "resolvers"));
  const EdgeConfig now = reloadable(running, next);
  EXPECT_THAT(needs_restart(running, now), IsEmpty());
  EXPECT_EQ(now.domains, next.domains);
  EXPECT_EQ(now.limits, next.limits);
  EXPECT_EQ(now.drain_time, next.drain_time);
}

}  // namespace
}  // namespace fairlead::model
