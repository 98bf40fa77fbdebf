#include "edge/origin/origin_state.h"

#include <gtest/gtest.h>

#include <thread>

namespace fairlead::edge {
namespace {

using base::milliseconds;
using base::seconds;

struct OriginStateTest : ::testing::Test {
  base::TimePoint now{seconds(1000)};
  model::PassiveHealthCheck policy;  // 3 failures within 10 s: aside for 10 s
  std::shared_ptr<OriginState> origin = std::make_shared<OriginState>("live.example.com", "10.0.0.1", 80, 443);

  void report(Outcome o, base::Duration after = {}) {
    now += after;
    origin->report(o, policy, now);
  }
  void eject() {
    for (int i = 0; i < 3; ++i) report(Outcome::refused);
    ASSERT_TRUE(origin->ejected(now));
  }
};

TEST_F(OriginStateTest, has_a_label_for_people) {
  EXPECT_EQ(origin->label(), "10.0.0.1:80,443");
  EXPECT_EQ(OriginState("d", "::1", std::nullopt, 8443).label(), "[::1]:8443");
  EXPECT_EQ(OriginState("d", "a.example", 80, std::nullopt).label(), "a.example:80");
}

TEST_F(OriginStateTest, unknown_counts_as_up) {
  EXPECT_EQ(origin->active_health(), ActiveHealth::unknown);
  EXPECT_TRUE(origin->available(now));
  EXPECT_TRUE(origin->set_active_health(ActiveHealth::down));
  EXPECT_FALSE(origin->set_active_health(ActiveHealth::down));
  EXPECT_FALSE(origin->available(now));
  EXPECT_TRUE(origin->set_active_health(ActiveHealth::up));
  EXPECT_TRUE(origin->available(now));
}

TEST_F(OriginStateTest, leases_count_sessions_and_requests_apart) {
  OriginLease a(origin, OriginLease::Kind::session), b(origin, OriginLease::Kind::request);
  EXPECT_EQ(origin->sessions(), 1u);
  EXPECT_EQ(origin->requests(), 1u);
  OriginLease c = std::move(a);
  EXPECT_EQ(origin->live(), 2u);
  b = std::move(c);  // gives its own back
  EXPECT_EQ(origin->sessions(), 1u);
  EXPECT_EQ(origin->requests(), 0u);
  b.give_back();
  b.give_back();
  EXPECT_EQ(origin->live(), 0u);
}

TEST_F(OriginStateTest, ejects_after_failures_in_a_row) {
  report(Outcome::refused);
  report(Outcome::timeout);
  report(Outcome::success);
  report(Outcome::refused);
  report(Outcome::status_5xx);
  EXPECT_FALSE(origin->ejected(now));
  report(Outcome::other);
  EXPECT_TRUE(origin->ejected(now));
  EXPECT_EQ(origin->ejected_at(), now);
  EXPECT_EQ(origin->ejections(), 1u);
  EXPECT_TRUE(origin->ejected(now + seconds(10) - milliseconds(1)));
  EXPECT_FALSE(origin->ejected(now + seconds(10)));
  EXPECT_TRUE(origin->half_open(now + seconds(10)));
  EXPECT_EQ(origin->outcomes(Outcome::refused), 2u);
}

TEST_F(OriginStateTest, failures_count_within_the_window_only) {
  report(Outcome::refused);
  report(Outcome::refused, seconds(9));
  report(Outcome::refused, seconds(2));  // 11 s after the first
  EXPECT_FALSE(origin->ejected(now));
  report(Outcome::refused, seconds(1));  // the last three span 3 s
  EXPECT_TRUE(origin->ejected(now));
}

TEST_F(OriginStateTest, what_is_configured_not_to_count_does_not) {
  policy.count_5xx = policy.count_refused = policy.count_timeout = false;
  for (int i = 0; i < 10; ++i) {
    report(Outcome::refused);
    report(Outcome::timeout);
    report(Outcome::status_5xx);
  }
  EXPECT_FALSE(origin->ejected(now));
  report(Outcome::other);
  report(Outcome::other);
  report(Outcome::status_5xx);  // an answer, so the origin lives: the row ends
  report(Outcome::other);
  EXPECT_FALSE(origin->ejected(now));
  report(Outcome::refused);  // says nothing at all
  report(Outcome::other);
  report(Outcome::other);
  EXPECT_TRUE(origin->ejected(now));
  policy.enabled = false;
  report(Outcome::refused);
  EXPECT_FALSE(origin->ejected(now));
}

TEST_F(OriginStateTest, half_open_lets_one_try_and_its_success_takes_the_origin_back) {
  eject();
  EXPECT_FALSE(origin->begin_trial(policy, now));
  now += seconds(10);
  EXPECT_TRUE(origin->available(now));
  EXPECT_TRUE(origin->begin_trial(policy, now));
  EXPECT_FALSE(origin->begin_trial(policy, now));
  EXPECT_FALSE(origin->available(now));
  report(Outcome::success);
  EXPECT_TRUE(origin->available(now));
  EXPECT_FALSE(origin->half_open(now));
  EXPECT_TRUE(origin->begin_trial(policy, now));
  EXPECT_TRUE(origin->begin_trial(policy, now));  // healthy: as many as want to
}

TEST_F(OriginStateTest, a_failed_trial_ejects_at_once) {
  eject();
  now += seconds(10);
  EXPECT_TRUE(origin->begin_trial(policy, now));
  report(Outcome::timeout, seconds(4));
  EXPECT_EQ(origin->ejections(), 2u);
  EXPECT_EQ(origin->ejected_at(), now);
  EXPECT_TRUE(origin->ejected(now + seconds(9)));
  EXPECT_TRUE(origin->half_open(now + seconds(10)));
}

TEST_F(OriginStateTest, a_trial_that_never_reports_only_delays_the_next) {
  eject();
  now += seconds(10);
  EXPECT_TRUE(origin->begin_trial(policy, now));
  now += seconds(10);
  EXPECT_TRUE(origin->begin_trial(policy, now));
}

TEST_F(OriginStateTest, stragglers_from_before_the_ejection_do_not_count) {
  eject();
  report(Outcome::success, seconds(1));
  EXPECT_TRUE(origin->ejected(now));
  report(Outcome::refused, seconds(8));
  EXPECT_TRUE(origin->half_open(now + seconds(1)));  // not prolonged
  origin->force_trial();                             // panic: somebody was sent there all the same
  report(Outcome::success);
  EXPECT_TRUE(origin->available(now));
}

TEST_F(OriginStateTest, errors_say_whether_the_origin_is_to_blame) {
  using base::Code;
  using base::Error;
  using base::Side;
  EXPECT_EQ(outcome_of(Error(Code::timeout, Side::origin)), Outcome::timeout);
  EXPECT_EQ(outcome_of(Error(Code::refused, Side::origin)), Outcome::refused);
  EXPECT_EQ(outcome_of(Error(Code::closed, Side::origin)), Outcome::refused);
  EXPECT_EQ(outcome_of(Error(Code::certificate, Side::origin)), Outcome::other);
  EXPECT_EQ(outcome_of(Error(Code::cancelled, Side::edge)), std::nullopt);
  EXPECT_EQ(outcome_of(Error(Code::cancelled, Side::origin)), std::nullopt);
  EXPECT_EQ(outcome_of(Error(Code::resources, Side::edge)), std::nullopt);
  EXPECT_EQ(outcome_of(Error(Code::reset, Side::client)), std::nullopt);
}

TEST_F(OriginStateTest, one_of_many_workers_wins_the_trial) {
  eject();
  now += seconds(10);
  for (int round = 0; round < 50; ++round, now += seconds(10)) {
    std::atomic<int> won{0};
    std::vector<std::thread> workers;
    for (int w = 0; w < 4; ++w) {
      workers.emplace_back([&] {
        if (!origin->begin_trial(policy, now)) return;
        ++won;
        origin->report(Outcome::refused, policy, now);
      });
    }
    for (auto& t : workers) t.join();
    EXPECT_EQ(won, 1);
  }
}

}  // namespace
}  // namespace fairlead::edge
