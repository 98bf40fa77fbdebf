// The throttles under a clock that is moved by hand.

#include "control/throttle.h"

#include <atomic>
#include <thread>

namespace fairlead::control {
namespace {

constexpr std::int64_t kStart = 1'800'000'000'000;

TEST(ClientKey, AHostIsOneClient) {
  EXPECT_EQ(client_key("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(client_key("::ffff:192.0.2.1"), client_key("192.0.2.1"));
  EXPECT_EQ(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(client_key("2001:db8:1:2::1"), client_key("2001:db8:1:3::1"));
  EXPECT_NE(client_key("192.0.2.1"), client_key("192.0.2.2"));
  EXPECT_EQ(client_key(""), "");
}

TEST(RecentTable, TheLeastRecentlyUsedGoes) {
  RecentTable<int> table(2);
  table.get("a", 1);
  table.get("b", 2);
  EXPECT_EQ(table.get("a", 9), 1);
  table.get("c", 3);
  EXPECT_EQ(table.find("b"), nullptr);
  ASSERT_NE(table.find("a"), nullptr);
  EXPECT_EQ(*table.find("c"), 3);
  EXPECT_EQ(table.size(), 2u);
  table.erase("a");
  table.erase("never");
  EXPECT_EQ(table.find("a"), nullptr);
  EXPECT_EQ(table.size(), 1u);
}

TEST(RecentTable, LongKeysAreCut) {
  RecentTable<int> table(2);
  table.get(std::string(1'000'000, 'x'), 1);
  EXPECT_NE(table.find(std::string(320, 'x')), nullptr);
}

TEST(RateLimit, ABurstAndThenTheRate) {
  RateLimit limit(10, 20);
  std::int64_t now = kStart;
  int wait = 0;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(limit.take("a", now, &wait));
  EXPECT_FALSE(limit.take("a", now, &wait));
  EXPECT_EQ(wait, 1);
  EXPECT_FALSE(limit.take("a", now + 99));
  now += 100;
  EXPECT_TRUE(limit.take("a", now));
  EXPECT_FALSE(limit.take("a", now));
  // Over a minute: the rate, to the request.
  int taken = 0;
  for (int i = 0; i < 60'000; ++i) taken += limit.take("a", ++now);
  EXPECT_EQ(taken, 600);
  // After any pause no more than the burst.
  now += 365LL * 86'400'000;
  taken = 0;
  while (limit.take("a", now)) ++taken;
  EXPECT_EQ(taken, 20);
}

TEST(RateLimit, SlowRatesSayHowLong) {
  RateLimit limit(1, 1);
  int wait = 0;
  EXPECT_TRUE(limit.take("a", kStart));
  EXPECT_FALSE(limit.take("a", kStart, &wait));
  EXPECT_EQ(wait, 1);
  EXPECT_FALSE(limit.take("a", kStart + 999, &wait));
  EXPECT_TRUE(limit.take("a", kStart + 1000, &wait));
}

TEST(RateLimit, ClientsDoNotShare) {
  RateLimit limit(1, 2);
  EXPECT_TRUE(limit.take("a", kStart) && limit.take("a", kStart));
  EXPECT_FALSE(limit.take("a", kStart));
  EXPECT_TRUE(limit.take("b", kStart));
}

TEST(RateLimit, ZeroIsNoLimit) {
  RateLimit limit(0);
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(limit.take("a", kStart));
  EXPECT_EQ(limit.keys(), 0u);
}

TEST(RateLimit, AClockSetBackGivesNothingAndTakesNothing) {
  RateLimit limit(10, 2);
  EXPECT_TRUE(limit.take("a", kStart) && limit.take("a", kStart));
  EXPECT_FALSE(limit.take("a", kStart - 3'600'000));
  EXPECT_TRUE(limit.take("a", kStart - 3'600'000 + 100));  // and time goes on from there
}

TEST(RateLimit, ManyAddressesCostBoundedMemory) {
  RateLimit limit(1, 1, 100);
  EXPECT_TRUE(limit.take("me", kStart));
  for (int i = 0; i < 100'000; ++i) {
    limit.take(std::to_string(i), kStart);
    // Who goes on asking is not forgotten for the others' sake.
    ASSERT_TRUE(i % 50 != 0 || !limit.take("me", kStart));
  }
  EXPECT_EQ(limit.keys(), 100u);
}

TEST(RateLimit, ThreadsTakeNoMoreThanThereIs) {
  RateLimit limit(1, 500);
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) taken += limit.take("a", kStart);
      });
    }
  }
  EXPECT_EQ(taken, 500);
}

class LoginGuardTest : public ::testing::Test {
 protected:
  std::optional<int> refused(const char* email, const std::string& address) {
    return guard_.refused_for_s(email, address, now_);
  }
  void fail(const char* email, const std::string& address, int times = 1) {
    for (int i = 0; i < times; ++i) guard_.failed(email, address, now_);
  }
  static std::string host(int i) { return fmt::format("198.51.{}.{}", i / 250, i % 250 + 1); }

  LoginGuard guard_;
  std::int64_t now_ = kStart;
};

TEST_F(LoginGuardTest, FiveTriesAreFreeThenTheWaitDoubles) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt) << i;
    fail("a@example.com", "192.0.2.1");
  }
  for (const int wait : {2, 4, 8, 16, 32, 900, 900}) {
    EXPECT_EQ(refused("a@example.com", "192.0.2.1"), wait);
    now_ += wait * 1000 - 1;
    EXPECT_EQ(refused("a@example.com", "192.0.2.1"), 1);
    now_ += 1;
    if (wait == 900) break;
    EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
    fail("a@example.com", "192.0.2.1");
  }
  // Fifteen minutes after the last failure it is forgotten.
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
    fail("a@example.com", "192.0.2.1");
  }
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), 2);
}

TEST_F(LoginGuardTest, BeingRefusedDoesNotProlongTheWait) {
  fail("a@example.com", "192.0.2.1", 6);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(refused("a@example.com", "192.0.2.1"), 4);
  now_ += 4000;
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
}

TEST_F(LoginGuardTest, TheCaseOfAnEMailAddressIsNoWayRound) {
  fail("a@example.com", "192.0.2.1", 5);
  EXPECT_EQ(refused("A@Example.COM", "192.0.2.1"), 2);
}

TEST_F(LoginGuardTest, AStrangerDoesNotShutTheUserOut) {
  fail("a@example.com", "203.0.113.9", 500);
  EXPECT_NE(refused("a@example.com", "203.0.113.9"), std::nullopt);
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
  for (int i = 0; i < 1000; ++i) fail("a@example.com", host(i), 5);  // nor do a thousand
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
  fail("a@example.com", "192.0.2.1", 1);  // and a slip is forgiven, even then
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
}

TEST_F(LoginGuardTest, UnderAttackFromManyHostsEachHasFewerTries) {
  for (int i = 0; i < 50; ++i) fail("a@example.com", host(i));
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
  fail("a@example.com", "192.0.2.1", 2);
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), 2);
  fail("a@example.com", "192.0.2.1", 3);
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), 900);
  fail("b@example.com", "192.0.2.1", 2);  // others are not attacked
  EXPECT_EQ(refused("b@example.com", "192.0.2.1"), std::nullopt);
}

TEST_F(LoginGuardTest, OnePasswordTriedOnManyUsers) {
  for (int i = 0; i < 50; ++i) {
    const std::string email = fmt::format("u{}@example.com", i);
    EXPECT_EQ(refused(email.c_str(), "203.0.113.9"), std::nullopt);
    fail(email.c_str(), "203.0.113.9");
  }
  EXPECT_EQ(refused("next@example.com", "203.0.113.9"), 2);
  for (int i = 0; i < 10; ++i) fail(fmt::format("v{}@example.com", i).c_str(), "203.0.113.9");
  EXPECT_EQ(refused("next@example.com", "203.0.113.9"), 900);
  EXPECT_EQ(refused("next@example.com", "192.0.2.1"), std::nullopt);
  // An account of one's own does not buy more tries at the others.
  guard_.succeeded("mine@example.com", "203.0.113.9");
  EXPECT_EQ(refused("next@example.com", "203.0.113.9"), 900);
}

TEST_F(LoginGuardTest, BehindLoopbackStandMany) {
  for (const char* address : {"127.0.0.1", "::1", ""}) {
    for (int i = 0; i < 200; ++i) fail(fmt::format("u{}@example.com", i).c_str(), address);
    EXPECT_EQ(refused("next@example.com", address), std::nullopt) << address;
    fail("next@example.com", address, 10);
    EXPECT_EQ(refused("next@example.com", address), 900) << address;
    now_ += LoginGuard::kWindowMs;
  }
}

TEST_F(LoginGuardTest, SuccessForgetsThePair) {
  fail("a@example.com", "192.0.2.1", 6);
  guard_.succeeded("a@example.com", "192.0.2.1");
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
  fail("a@example.com", "192.0.2.1", 4);
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
}

TEST_F(LoginGuardTest, AWholeIpv6NetworkIsOneClient) {
  for (int i = 0; i < 10; ++i) fail("a@example.com", fmt::format("2001:db8:1:2::{:x}", i + 1));
  EXPECT_EQ(refused("a@example.com", "2001:db8:1:2::ffff"), 900);
}

TEST_F(LoginGuardTest, AClockSetBackKeepsNobodyOut) {
  fail("a@example.com", "192.0.2.1", 10);
  now_ -= 86'400'000;
  EXPECT_EQ(refused("a@example.com", "192.0.2.1"), std::nullopt);
}

TEST_F(LoginGuardTest, ManyFailuresCostBoundedMemory) {
  LoginGuard guard(100);
  for (int i = 0; i < 10'000; ++i) guard.failed(fmt::format("u{}@example.com", i), host(i), now_);
  EXPECT_EQ(guard.keys(), 300u);
}

}  // namespace
}  // namespace fairlead::control
