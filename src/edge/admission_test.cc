#include "edge/admission.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fairlead::edge {
namespace {

using base::milliseconds;
using base::seconds;

net::SocketAddress ip(std::string_view text, std::uint16_t port = 4000) {
  return net::SocketAddress::from_ip(text, port).value();
}

// Everything without limits; tests set the one they are about.
model::GlobalLimits no_limits() {
  model::GlobalLimits g;
  g.max_sessions = 0;
  g.max_connections = 0;
  return g;
}

struct AdmissionTest : ::testing::Test {
  base::TimePoint now{seconds(1000)};
  model::GlobalLimits global = no_limits();
  model::DomainPolicy policy;
  DomainSeats seats;  // outlives what each test takes from it

  std::expected<SessionSeat, LimitName> session(Admission& a, std::string_view client) {
    return a.enter_session(ip(client), policy, seats, now);
  }
  static std::string refusal(const std::expected<SessionSeat, LimitName>& s) {
    return s ? "admitted" : std::string(to_string(s.error()));
  }
};

TEST_F(AdmissionTest, seats_are_small_and_move) {
  static_assert(sizeof(SessionSeat) <= 32 && sizeof(ConnectionSeat) <= 32);
  global.max_sessions = 1;
  Admission a(global);
  SessionSeat kept;
  {
    auto s = session(a, "10.0.0.1");
    ASSERT_TRUE(s);
    kept = std::move(*s);
  }
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "sessions_total");
  kept = SessionSeat();
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "admitted");
  kept.give_back();  // of nothing
  EXPECT_EQ(a.gauges(now).sessions, 0u);
}

TEST_F(AdmissionTest, connections_in_all_and_per_client) {
  global.max_connections = 3;
  global.max_connections_per_client = 2;
  Admission a(global);
  auto one = a.enter_connection(ip("10.0.0.1", 1));
  auto two = a.enter_connection(ip("10.0.0.1", 2));
  auto third_of_client = a.enter_connection(ip("10.0.0.1", 3));
  ASSERT_FALSE(third_of_client);
  EXPECT_EQ(third_of_client.error(), LimitName::connections_client);
  auto other = a.enter_connection(ip("10.0.0.2"));
  ASSERT_TRUE(other);
  auto fourth = a.enter_connection(ip("10.0.0.3"));
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error(), LimitName::connections_total);
  const AdmissionGauges g = a.gauges(now);
  EXPECT_EQ(g.connections, 3u);
  EXPECT_EQ(g.max_connections, 3u);
  EXPECT_EQ(g.tracked_clients, 2u);
  one->give_back();
  EXPECT_TRUE(a.enter_connection(ip("10.0.0.1", 5)));
}

TEST_F(AdmissionTest, sessions_per_client_domain_and_both) {
  global.max_sessions_per_client = 3;
  policy.limits.max_sessions = 4;
  policy.limits.max_sessions_per_client = 2;
  Admission a(global);
  model::DomainPolicy other_policy;
  DomainSeats other_seats;
  std::vector<SessionSeat> held;
  const auto hold = [&](auto s) {
    const std::string said = refusal(s);
    if (s) held.push_back(std::move(*s));
    return said;
  };
  EXPECT_EQ(hold(session(a, "10.0.0.1")), "admitted");
  EXPECT_EQ(hold(session(a, "10.0.0.1")), "admitted");
  EXPECT_EQ(hold(session(a, "10.0.0.1")), "sessions_domain_client");
  EXPECT_EQ(hold(a.enter_session(ip("10.0.0.1"), other_policy, other_seats, now)), "admitted");
  EXPECT_EQ(hold(a.enter_session(ip("10.0.0.1"), other_policy, other_seats, now)), "sessions_client");
  EXPECT_EQ(hold(session(a, "10.0.0.2")), "admitted");
  EXPECT_EQ(hold(session(a, "10.0.0.3")), "admitted");
  EXPECT_EQ(hold(session(a, "10.0.0.4")), "sessions_domain");
  // What was refused took nothing with it.
  EXPECT_EQ(seats.sessions(), 4u);
  EXPECT_EQ(other_seats.sessions(), 1u);
  EXPECT_EQ(a.gauges(now).sessions, 5u);
  EXPECT_EQ(a.gauges(now).tracked_clients, 3u);
  EXPECT_EQ(seats.tracked_clients(), 3u);
  held.clear();
  EXPECT_EQ(seats.sessions(), 0u);
  EXPECT_EQ(a.gauges(now).sessions, 0u);
  EXPECT_EQ(a.gauges(now).tracked_clients, 0u);
  EXPECT_EQ(seats.tracked_clients(), 0u);
}

TEST_F(AdmissionTest, rates_let_a_second_s_worth_in_at_once_and_then_one_by_one) {
  struct Case {
    std::uint32_t global, domain, domain_client;
    const char* name;
  };
  for (const Case& c :
       {Case{4, 0, 0, "rate_client"}, Case{0, 4, 0, "rate_domain"}, Case{0, 0, 4, "rate_domain_client"}}) {
    SCOPED_TRACE(c.name);
    global.handshakes_per_second_per_client = c.global;
    policy.limits.handshakes_per_second = c.domain;
    policy.limits.handshakes_per_second_per_client = c.domain_client;
    Admission a(global);
    DomainSeats fresh;
    const auto enter = [&] { return refusal(a.enter_session(ip("10.0.0.1"), policy, fresh, now)); };
    for (int i = 0; i < 4; ++i) EXPECT_EQ(enter(), "admitted") << i;
    EXPECT_EQ(enter(), c.name);
    now += milliseconds(249);
    EXPECT_EQ(enter(), c.name);
    now += milliseconds(1);
    EXPECT_EQ(enter(), "admitted");
    EXPECT_EQ(enter(), c.name);
    now += seconds(3600);  // and never more than a second's worth
    for (int i = 0; i < 4; ++i) EXPECT_EQ(enter(), "admitted") << i;
    EXPECT_EQ(enter(), c.name);
  }
}

TEST_F(AdmissionTest, a_client_over_its_rate_does_not_use_up_the_domain_s) {
  global.handshakes_per_second_per_client = 1;
  policy.limits.handshakes_per_second = 3;
  Admission a(global);
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "admitted");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(refusal(session(a, "10.0.0.1")), "rate_client");
  EXPECT_EQ(refusal(session(a, "10.0.0.2")), "admitted");
  EXPECT_EQ(refusal(session(a, "10.0.0.3")), "admitted");
  EXPECT_EQ(refusal(session(a, "10.0.0.4")), "rate_domain");
}

TEST_F(AdmissionTest, changed_limits_hold_at_once_and_take_no_seat_away) {
  Admission a(global);
  auto one = session(a, "10.0.0.1");
  auto two = session(a, "10.0.0.1");
  global.max_sessions_per_client = 1;
  a.set_limits(global);
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "sessions_client");
  EXPECT_EQ(seats.sessions(), 2u);
  EXPECT_EQ(refusal(session(a, "10.0.0.2")), "admitted");
  one->give_back();
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "sessions_client");
  two->give_back();
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "admitted");
  global.handshakes_per_second_per_client = 1;
  a.set_limits(global);
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "admitted");
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "rate_client");
  global.handshakes_per_second_per_client = 0;
  a.set_limits(global);
  EXPECT_EQ(refusal(session(a, "10.0.0.1")), "admitted");
}

TEST_F(AdmissionTest, ipv6_clients_count_by_64) {
  const auto key = [](std::string_view text) { return Admission::client_key(ip(text)); };
  EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_NE(key("10.0.0.1"), key("10.0.0.2"));
  EXPECT_EQ(key("10.0.0.1"), key("::ffff:10.0.0.1"));
  EXPECT_NE(key("::1"), key("0.0.0.0"));
  EXPECT_EQ(Admission::client_key(ip("10.0.0.1", 1)), Admission::client_key(ip("10.0.0.1", 2)));
}

TEST_F(AdmissionTest, statuses_and_names_of_limits) {
  EXPECT_EQ(status_of(LimitName::connections_total), 503);
  EXPECT_EQ(status_of(LimitName::sessions_total), 503);
  EXPECT_EQ(status_of(LimitName::sessions_domain), 503);
  for (const LimitName n :
       {LimitName::connections_client, LimitName::sessions_client, LimitName::sessions_domain_client,
        LimitName::rate_client, LimitName::rate_domain, LimitName::rate_domain_client}) {
    EXPECT_EQ(status_of(n), 429) << to_string(n);
  }
}

// A million clients come and go over 1,000 s: at no time more are tracked than came during the last second or so, with
// and without being refused, and none is left at the end although nothing but handshakes ever cleans up.
TEST_F(AdmissionTest, the_table_of_clients_does_not_grow) {
  global.handshakes_per_second_per_client = 2;
  policy.limits.handshakes_per_second_per_client = 1;
  Admission a(global);
  std::size_t most = 0, refused = 0;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    now += milliseconds(1);
    const std::uint32_t client = i / 2;  // each twice
    const std::string text = std::to_string(10 + (client >> 16)) + "." + std::to_string(client >> 8 & 255) + "." +
                             std::to_string(client & 255) + ".1";
    refused += !session(a, text);
    if (i % 1000 == 999) most = std::max(most, seats.tracked_clients());
  }
  EXPECT_EQ(refused, 500'000u);
  EXPECT_LT(most, 2000u);
  EXPECT_LT(a.gauges(now).tracked_clients, 2000u);
  now += seconds(2);
  EXPECT_EQ(a.gauges(now).tracked_clients, 0u);
}

TEST_F(AdmissionTest, workers_share_the_limits) {
  constexpr std::uint32_t kMost = 50;
  global.max_sessions = kMost;
  global.max_sessions_per_client = 20;
  global.max_connections_per_client = 1000;
  policy.limits.max_sessions_per_client = 20;
  Admission a(global);
  std::atomic<std::uint32_t> over{0}, admitted{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&, w] {
      std::vector<SessionSeat> held;
      for (int i = 0; i < 5000; ++i) {
        const net::SocketAddress client = ip("10.0.0." + std::to_string((w + i) % 5));
        auto connection = a.enter_connection(client);
        if (!connection) ++over;
        auto s = a.enter_session(client, policy, seats, now);
        if (seats.sessions() > kMost) ++over;
        if (s) {
          ++admitted;
          held.push_back(std::move(*s));
        }
        if (held.size() > 15 || (!s && !held.empty())) held.erase(held.begin());
      }
    });
  }
  for (auto& t : workers) t.join();
  EXPECT_EQ(over, 0u);
  EXPECT_GT(admitted, kMost);
  const AdmissionGauges g = a.gauges(now);
  EXPECT_EQ(g.sessions, 0u);
  EXPECT_EQ(g.connections, 0u);
  EXPECT_EQ(g.tracked_clients, 0u);
  EXPECT_EQ(seats.sessions(), 0u);
}

}  // namespace
}  // namespace fairlead::edge
