#include "edge/origin/origin_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <thread>

namespace fairlead::edge {
namespace {

using base::milliseconds;
using base::seconds;
using model::BalancePolicy;
using model::HashKey;

model::Origin origin(std::string host, std::uint32_t weight = 10,
                     model::OriginPriority priority = model::OriginPriority::primary) {
  model::Origin o;
  o.host = std::move(host);
  o.weight = weight;
  o.priority = priority;
  return o;
}

struct OriginSetTest : ::testing::Test {
  base::TimePoint now{seconds(1000)};
  model::DomainPolicy policy;
  std::shared_ptr<OriginSet> set;
  net::SocketAddress client = net::SocketAddress::from_ip("203.0.113.9", 5000).value();
  protocol::RequestHead head;

  OriginSetTest() {
    policy.name = "live.example.com";
    head.method = "GET";
    head.target = "/";
  }
  void build() { set = OriginSet::build(std::make_shared<model::DomainPolicy>(policy), set.get()); }
  void hosts(std::initializer_list<model::Origin> list) {
    policy.origins = list;
    build();
  }
  PickContext context() { return {false, &head, client, now}; }
  // The host picked, or the error's words.
  std::string pick(const Tried& tried = {}) {
    const auto p = set->pick(context(), tried);
    return p ? p->origin->host : p.error().context;
  }
  std::string picks(int n) {
    std::string all;
    for (int i = 0; i < n; ++i) all += pick();
    return all;
  }
  void down(std::size_t i) { set->state(i)->set_active_health(ActiveHealth::down); }
  void eject(std::size_t i) {
    for (int n = 0; n < 3; ++n) set->state(i)->report(Outcome::refused, policy.health_check.passive, now);
  }
};

TEST_F(OriginSetTest, a_choice_says_all_that_a_connection_needs) {
  policy.origins = {origin("a")};
  policy.origins[0].https_port = 8443;
  build();
  const auto plain = set->pick(context());
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->index, 0u);
  EXPECT_EQ(plain->port, 80);
  EXPECT_FALSE(plain->https);
  EXPECT_EQ(plain->state, set->state(0));
  EXPECT_FALSE(plain->set_cookie);
  const auto secure = set->pick({true, nullptr, client, now});
  ASSERT_TRUE(secure);
  EXPECT_EQ(secure->port, 8443);
  EXPECT_TRUE(secure->https);
}

TEST_F(OriginSetTest, round_robin_is_smooth_and_exact) {
  hosts({origin("a", 50), origin("b", 10), origin("c", 10)});
  EXPECT_EQ(picks(7), "aabacaa");
  EXPECT_EQ(picks(7), "aabacaa");
  hosts({origin("x"), origin("y")});
  EXPECT_EQ(picks(4), "xyxy");
}

TEST_F(OriginSetTest, a_missing_turn_goes_to_all_the_others) {
  hosts({origin("a"), origin("b"), origin("c"), origin("d")});
  down(1);
  std::map<char, int> share;
  for (const char c : picks(300)) ++share[c];
  EXPECT_EQ(share['b'], 0);
  for (const char c : {'a', 'c', 'd'}) EXPECT_NEAR(share[c], 100, 1) << c;
}

TEST_F(OriginSetTest, the_rotation_goes_on_over_reloads) {
  hosts({origin("a"), origin("b")});
  EXPECT_EQ(pick(), "a");
  build();
  EXPECT_EQ(pick(), "b");
}

TEST_F(OriginSetTest, reload_keeps_states_of_the_same_origins_only) {
  hosts({origin("a"), origin("b")});
  const auto a = set->state(0), b = set->state(1);
  policy.origins = {origin("b", 77), origin("a"), origin("c")};
  policy.origins[1].http_port = 8080;  // another server
  build();
  EXPECT_EQ(set->state(0), b);
  EXPECT_NE(set->state(1), a);
  EXPECT_NE(set->state(1), nullptr);
}

TEST_F(OriginSetTest, least_sessions_goes_by_weight_and_rotates_equals) {
  policy.load_balancing.policy = BalancePolicy::least_sessions;
  hosts({origin("a", 20), origin("b", 10), origin("c", 10)});
  std::vector<OriginLease> leases;
  std::map<std::string, int> count;
  for (int i = 0; i < 40; ++i) {
    const auto p = set->pick(context());
    ASSERT_TRUE(p);
    ++count[p->origin->host];
    leases.emplace_back(p->state, i % 2 ? OriginLease::Kind::session : OriginLease::Kind::request);
  }
  EXPECT_EQ(count["a"], 20);
  EXPECT_EQ(count["b"], 10);
  EXPECT_EQ(count["c"], 10);
  // b's all end: the next ones go there.
  for (auto& l : leases) {
    if (l.origin()->host() == "b") l.give_back();
  }
  for (int i = 0; i < 9; ++i) {
    const auto p = set->pick(context());
    EXPECT_EQ(p->origin->host, "b");
    leases.emplace_back(p->state, OriginLease::Kind::session);
  }
  leases.clear();
  hosts({origin("x"), origin("y"), origin("z")});
  std::set<std::string> seen;
  for (int i = 0; i < 3; ++i) seen.insert(pick());
  EXPECT_EQ(seen.size(), 3u);
}

TEST_F(OriginSetTest, consistent_hash_moves_only_what_it_must) {
  policy.load_balancing = {
      .policy = BalancePolicy::consistent_hash, .hash_key = HashKey::header, .hash_name = "X-Room"};
  for (int i = 0; i < 10; ++i) policy.origins.push_back(origin("host" + std::to_string(i)));
  build();
  constexpr int kKeys = 10'000;
  const auto all = [&] {
    std::vector<std::string> hosts;
    for (int k = 0; k < kKeys; ++k) {
      head.fields.set("X-Room", "room-" + std::to_string(k));
      hosts.push_back(pick());
    }
    return hosts;
  };
  const auto ten = all();
  EXPECT_EQ(all(), ten);
  std::map<std::string, int> share;
  for (const auto& h : ten) ++share[h];
  for (const auto& [h, n] : share) EXPECT_NEAR(n, kKeys / 10, 120) << h;  // four standard deviations

  // One more: 1/11 of the keys move, all of them to it.
  policy.origins.insert(policy.origins.begin() + 3, origin("new"));
  build();
  const auto eleven = all();
  int moved = 0;
  for (int k = 0; k < kKeys; ++k) {
    if (eleven[k] == ten[k]) continue;
    ++moved;
    EXPECT_EQ(eleven[k], "new");
  }
  EXPECT_NEAR(moved, kKeys / 11, 120);

  // One ill: its keys go to all the others, nobody else's move, and they come back.
  down(0);
  const auto ill = all();
  std::set<std::string> heirs;
  for (int k = 0; k < kKeys; ++k) {
    if (eleven[k] == "host0") {
      heirs.insert(ill[k]);
    } else {
      EXPECT_EQ(ill[k], eleven[k]);
    }
  }
  EXPECT_EQ(heirs.size(), 10u);
  set->state(0)->set_active_health(ActiveHealth::up);
  EXPECT_EQ(all(), eleven);
}

TEST_F(OriginSetTest, consistent_hash_obeys_weights) {
  policy.load_balancing.policy = BalancePolicy::consistent_hash;
  policy.load_balancing.hash_key = HashKey::path;
  hosts({origin("a", 30), origin("b", 10)});
  int a = 0;
  for (int k = 0; k < 10'000; ++k) {
    head.target = "/room/" + std::to_string(k) + "?x=" + std::to_string(k);
    a += pick() == "a";
  }
  EXPECT_NEAR(a, 7500, 180);
}

TEST_F(OriginSetTest, each_hash_key_is_what_it_says) {
  for (int i = 0; i < 20; ++i) policy.origins.push_back(origin("host" + std::to_string(i)));
  policy.load_balancing.policy = BalancePolicy::consistent_hash;
  // What changes with `vary` must change the origin now and then; what does not, never.
  const auto distinct = [&](auto vary) {
    build();
    std::set<std::string> hosts;
    for (int i = 0; i < 50; ++i) {
      head.fields.clear();
      head.target = "/";
      vary(i);
      hosts.insert(pick());
    }
    return hosts.size();
  };
  policy.load_balancing.hash_key = HashKey::client_address;
  EXPECT_GT(distinct([&](int i) { client = net::SocketAddress::from_ip("10.0.0." + std::to_string(i), 1).value(); }),
            10u);
  EXPECT_EQ(distinct([&](int i) { client = client.with_port(static_cast<std::uint16_t>(i)); }), 1u);
  policy.load_balancing.hash_key = HashKey::path;
  EXPECT_GT(distinct([&](int i) { head.target = "/" + std::to_string(i); }), 10u);
  EXPECT_EQ(distinct([&](int i) { head.target = "/a?" + std::to_string(i); }), 1u);
  policy.load_balancing.hash_key = HashKey::query;
  policy.load_balancing.hash_name = "room";
  EXPECT_GT(distinct([&](int i) { head.target = "/?x=1&room=" + std::to_string(i) + "&y=2"; }), 10u);
  EXPECT_EQ(distinct([&](int i) { head.target = "/?room=1&other=" + std::to_string(i); }), 1u);
  policy.load_balancing.hash_key = HashKey::cookie;
  policy.load_balancing.hash_name = "sid";
  EXPECT_GT(distinct([&](int i) { head.fields.add("Cookie", "a=b; sid=" + std::to_string(i)); }), 10u);
  EXPECT_EQ(distinct([&](int i) { head.fields.add("Cookie", "sid=7; a=" + std::to_string(i)); }), 1u);
}

TEST_F(OriginSetTest, without_the_key_it_goes_round_robin) {
  policy.load_balancing.policy = BalancePolicy::consistent_hash;
  policy.load_balancing.hash_key = HashKey::query;
  policy.load_balancing.hash_name = "room";
  hosts({origin("a"), origin("b")});
  EXPECT_EQ(picks(4), "abab");
  for (const char* target : {"/?room=", "/?rooms=1", "/?room", "/x?", "/?=&&&"}) {
    head.target = target;
    EXPECT_EQ(picks(2), "ab") << target;
  }
  const auto tunnel = [&] { return set->pick({false, nullptr, client, now})->origin->host; };
  EXPECT_NE(tunnel(), tunnel());
}

TEST_F(OriginSetTest, cookie_persistence_keeps_a_client_on_its_origin) {
  policy.load_balancing.persistence = model::Persistence::cookie;
  policy.load_balancing.cookie_max_age = milliseconds(1500);
  hosts({origin("10.0.0.1"), origin("10.0.0.2"), origin("10.0.0.3")});
  const auto first = set->pick(context());
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->set_cookie);
  const std::string cookie = set->persistence_cookie(first->index, true);
  EXPECT_THAT(cookie, ::testing::StartsWith("fairlead-origin="));
  EXPECT_THAT(cookie, ::testing::HasSubstr("Max-Age=2"));
  EXPECT_THAT(cookie, ::testing::HasSubstr("Secure"));
  EXPECT_THAT(cookie, ::testing::Not(::testing::HasSubstr("10.0.0")));
  EXPECT_NE(cookie, set->persistence_cookie(1, true));
  head.fields.add("Cookie", "x=1; " + cookie.substr(0, cookie.find(';')));
  for (int i = 0; i < 5; ++i) {
    const auto again = set->pick(context());
    EXPECT_EQ(again->index, first->index);
    EXPECT_FALSE(again->set_cookie);
  }
  // Another revision, another order: the same origin.
  std::swap(policy.origins[0], policy.origins[2]);
  build();
  EXPECT_EQ(pick(), "10.0.0.1");
  // Tried, ill or gone: anew, with a new cookie.
  Tried tried;
  tried.add(2);
  const auto retry = set->pick(context(), tried);
  EXPECT_NE(retry->index, 2u);
  EXPECT_TRUE(retry->set_cookie);
  eject(2);
  const auto moved = set->pick(context());
  EXPECT_NE(moved->index, 2u);
  EXPECT_TRUE(moved->set_cookie);
  policy.origins.pop_back();
  build();
  EXPECT_TRUE(set->pick(context())->set_cookie);
}

TEST_F(OriginSetTest, a_token_belongs_to_one_domain) {
  policy.load_balancing.persistence = model::Persistence::cookie;
  hosts({origin("a")});
  const std::string here = set->persistence_cookie(0, false);
  policy.name = "other.example.com";
  set.reset();
  build();
  EXPECT_NE(set->persistence_cookie(0, false), here);
}

TEST_F(OriginSetTest, backups_serve_only_while_no_primary_can) {
  hosts({origin("a"), origin("b"), origin("s", 10, model::OriginPriority::backup),
         origin("t", 10, model::OriginPriority::backup)});
  EXPECT_EQ(picks(4), "abab");
  down(0);
  EXPECT_EQ(picks(2), "bb");
  eject(1);
  std::map<char, int> share;
  for (const char c : picks(10)) ++share[c];
  EXPECT_EQ(share['s'], 5);
  EXPECT_EQ(share['t'], 5);
  now += seconds(10);
  EXPECT_EQ(pick(), "b");  // half-open: one tries
  EXPECT_THAT(pick(), ::testing::AnyOf("s", "t"));
  set->state(1)->report(Outcome::success, policy.health_check.passive, now);
  EXPECT_EQ(picks(2), "bb");
}

TEST_F(OriginSetTest, what_was_tried_is_not_picked_again) {
  hosts({origin("a"), origin("b"), origin("s", 10, model::OriginPriority::backup)});
  Tried tried;
  std::string order;
  for (int i = 0; i < 3; ++i) {
    const auto p = set->pick(context(), tried);
    ASSERT_TRUE(p);
    order += p->origin->host;
    tried.add(p->index);
  }
  EXPECT_EQ(order, "abs");
  EXPECT_EQ(pick(tried), "no further origin to try");
  EXPECT_EQ(tried.count(), 3u);
}

TEST_F(OriginSetTest, all_down_is_an_error_but_all_ejected_is_panic) {
  hosts({origin("a"), origin("b"), origin("s", 10, model::OriginPriority::backup)});
  eject(1);
  now += milliseconds(10);
  eject(0);
  now += milliseconds(10);
  eject(2);
  EXPECT_EQ(pick(), "b");  // ejected longest ago
  // It fails again: then it is no longer the one ejected longest ago.
  now += milliseconds(10);
  set->state(1)->report(Outcome::refused, policy.health_check.passive, now);
  EXPECT_EQ(pick(), "a");
  // A retry does not panic.
  Tried tried;
  tried.add(0);
  EXPECT_EQ(pick(tried), "no further origin to try");
  // Those that checks found down are not picked even then.
  down(0);
  EXPECT_EQ(pick(), "s");
  down(1);
  down(2);
  const auto none = set->pick(context());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().context, "all origins are down");
  EXPECT_EQ(none.error().code, base::Code::unreachable);
  EXPECT_EQ(none.error().side, base::Side::origin);
}

TEST_F(OriginSetTest, panic_that_succeeds_takes_the_origin_back) {
  hosts({origin("a"), origin("b")});
  eject(0);
  eject(1);
  const std::string host = pick();
  const std::size_t i = host == "a" ? 0 : 1;
  set->state(i)->report(Outcome::success, policy.health_check.passive, now);
  EXPECT_TRUE(set->state(i)->available(now));
  EXPECT_EQ(picks(3), host + host + host);
}

TEST_F(OriginSetTest, switched_off_passive_health_ignores_old_ejections) {
  hosts({origin("a"), origin("b")});
  eject(0);
  policy.health_check.passive.enabled = false;
  build();
  EXPECT_THAT(picks(2), ::testing::HasSubstr("a"));
}

TEST_F(OriginSetTest, origins_without_the_scheme_s_port_are_no_candidates) {
  policy.origins = {origin("a"), origin("b")};
  policy.origins[0].https_port.reset();
  build();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(set->pick({true, &head, client, now})->origin->host, "b");
  policy.origins[1].https_port.reset();
  build();
  EXPECT_EQ(set->pick({true, &head, client, now}).error().context, "no origin has a port for https");
}

TEST_F(OriginSetTest, an_origin_listed_twice_is_one_origin) {
  hosts({origin("a"), origin("a"), origin("b")});
  EXPECT_EQ(set->state(0), set->state(1));
  EXPECT_NE(set->state(0), set->state(2));
}

TEST_F(OriginSetTest, takes_as_many_origins_as_a_domain_may_have) {
  for (std::size_t i = 0; i < model::limits::kMaxOriginsPerDomain; ++i) {
    policy.origins.push_back(origin("h" + std::to_string(i), 1 + i % 100));
  }
  build();
  Tried tried;
  for (std::size_t i = 0; i < policy.origins.size(); ++i) {
    const auto p = set->pick(context(), tried);
    ASSERT_TRUE(p);
    tried.add(p->index);
  }
  EXPECT_FALSE(set->pick(context(), tried));
}

// Random health under every policy: a pick is never an origin it must not be, and there is one whenever there may be.
TEST_F(OriginSetTest, picks_are_always_allowed) {
  const std::uint64_t seed = 20240917;
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2000; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
    set.reset();
    policy.origins.clear();
    const std::size_t n = 1 + random() % 6;
    for (std::size_t i = 0; i < n; ++i) {
      policy.origins.push_back(origin(std::string(1, static_cast<char>('a' + i)), 1 + random() % 100,
                                      random() % 3 ? model::OriginPriority::primary : model::OriginPriority::backup));
      if (random() % 4 == 0) policy.origins[i].http_port.reset();
    }
    policy.load_balancing.policy = static_cast<BalancePolicy>(random() % 3);
    policy.load_balancing.persistence = static_cast<model::Persistence>(random() % 2);
    build();
    Tried tried;
    bool primary = false, any = false;
    for (std::size_t i = 0; i < n; ++i) {
      if (random() % 4 == 0) down(i);
      if (random() % 4 == 0) eject(i);
      if (random() % 4 == 0) tried.add(i);
      if (policy.origins[i].http_port && !tried.contains(i) && set->state(i)->available(now)) {
        any = true;
        primary = primary || policy.origins[i].priority == model::OriginPriority::primary;
      }
    }
    const auto p = set->pick(context(), tried);
    if (!p) {
      EXPECT_FALSE(any);
      continue;
    }
    EXPECT_TRUE(p->origin->http_port.has_value());
    EXPECT_FALSE(tried.contains(p->index));
    EXPECT_NE(p->state->active_health(), ActiveHealth::down);
    if (!any) continue;  // panic
    EXPECT_FALSE(p->state->ejected(now));
    EXPECT_EQ(p->origin->priority == model::OriginPriority::primary, primary);
  }
}

TEST_F(OriginSetTest, workers_share_one_rotation) {
  hosts({origin("a", 30), origin("b", 10)});
  std::atomic<int> a{0};
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) a += pick() == "a";
    });
  }
  for (auto& t : workers) t.join();
  EXPECT_EQ(a, 3000);
}

}  // namespace
}  // namespace fairlead::edge
