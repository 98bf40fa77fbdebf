// An edge that a control plane steers: what it obeys, from when on, what becomes of live sessions, and what it says of
// them. Real workers, clients and origins over the kernel's loopback.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "base/log.h"
#include "edge/agent.h"
#include "edge/edge.h"
#include "edge/testing/websocket_peers.h"
#include "model/write_domain.h"
#include "net/testing/peers.h"
#include "net/testing/world.h"

namespace fairlead::edge {
namespace {

using model::PolicyEdit;
using model::PolicySnapshot;
using net::testing::Net;
using ::testing::ElementsAre;
using testing::Frame;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::WebSocketPeer;

model::EdgeConfig config_of(unsigned workers) {
  model::EdgeConfig config;
  config.workers = workers;
  config.access_log = "off";
  config.listeners.push_back({.address = "127.0.0.1:0"});
  return config;
}

cluster::PolicyUpdate update_of(std::uint64_t revision, std::vector<PolicyEdit> edits, bool whole = false) {
  cluster::PolicyUpdate update;
  update.revision = revision;
  update.whole = whole;
  update.edits = std::move(edits);
  return update;
}

// A running edge with an origin that echoes, and clients of it.
class EdgePolicy : public ::testing::Test {
 protected:
  struct Client {
    std::unique_ptr<net::TcpStream> stream;
    std::unique_ptr<WebSocketPeer> peer;
    int status = 0;
  };

  EdgePolicy() : origin_(world_.loop(), testing::websocket_echo) {
    base::log_set_level(base::LogLevel::warn);
    EXPECT_TRUE(origin_.open(world_.loopback()));
  }
  ~EdgePolicy() override {
    clients_.clear();
    if (edge_) {
      edge_->stop();
      edge_->wait();
    }
    world_.run(origin_.stop());
    world_.finish();
    base::log_set_level(base::LogLevel::info);
  }

  void start(PolicySnapshot::Ptr initial, PolicySource source = PolicySource::control, unsigned workers = 2) {
    edge_ = std::make_unique<Edge>(config_of(workers), [] {});
    const auto started = edge_->start(std::move(initial), source);
    ASSERT_TRUE(started) << base::describe(started.error());
    agent_ = std::make_unique<Agent>(*edge_, "edge-1");
  }
  model::DomainPolicy domain(std::string name, bool enabled = true) const {
    model::DomainPolicy p;
    p.name = std::move(name);
    p.origins.push_back({.host = "127.0.0.1", .http_port = origin_.address().port()});
    p.websocket.origin_scheme = model::OriginScheme::http;
    p.websocket.enabled = enabled;
    return p;
  }
  // The date from which every worker obeys `revision`.
  std::int64_t wait_applied(std::uint64_t revision) {
    const base::TimePoint due = base::later(base::monotonic_now(), base::seconds(20));
    while (base::monotonic_now() < due) {
      if (const auto at = edge_->applied_at(revision)) return *at;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "revision " << revision << " was not obeyed";
    return 0;
  }
  Client& open(const std::string& host, const std::string& target = "/chat") {
    auto client = std::make_unique<Client>();
    auto connected = world_.run(net::connect_tcp(world_.loop(), edge_->addresses().at(0), base::kNever));
    EXPECT_TRUE(connected);
    client->stream = std::move(*connected);
    client->peer = std::make_unique<WebSocketPeer>(*client->stream, WebSocketPeer::client(clients_.size() + 1));
    client->status = world_.run(client->peer->open(host, target));
    clients_.push_back(std::move(client));
    return *clients_.back();
  }
  // Sends a message and gets it back: until then all before it has been counted.
  void echo(Client& client, const std::string& text) {
    ASSERT_EQ(world_.run(client.peer->send(testing::Opcode::text, text)), 0);
    EXPECT_EQ(world_.run(client.peer->receive()).payload, text);
  }
  Frame receive(Client& client) { return world_.run(client.peer->receive()); }
  net::Task<void> breathe() { co_await world_.loop().sleep_for(base::milliseconds(1)); }
  // Says Close, too, and waits for the end of the connection.
  void answer_close(Client& client) {
    world_.run(client.peer->close(1001));
    EXPECT_FALSE(receive(client).ok());
  }

  net::testing::World world_{Net::kernel};
  net::testing::Server origin_;
  std::unique_ptr<Edge> edge_;
  std::unique_ptr<Agent> agent_;
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(EdgePolicy, it_begins_with_what_it_is_given) {
  const auto initial = PolicySnapshot::replace(nullptr, {domain("a.test")}, 77);
  start(initial, PolicySource::file);
  EXPECT_EQ(open("a.test").status, 101);
  EXPECT_EQ(open("b.test").status, 404);
  wait_applied(77);
  EXPECT_EQ(edge_->policy(), initial);
  const cluster::EdgeInfo info = agent_->info();
  EXPECT_EQ(info.id, "edge-1");
  EXPECT_EQ(info.state, "running");
  EXPECT_EQ(info.policy_source, "file");
  EXPECT_EQ(info.policy_revision, 77u);
  EXPECT_EQ(info.domains, 1u);
  EXPECT_EQ(info.sessions, 1u);
  EXPECT_GE(info.connections, 1u);
  EXPECT_EQ(info.workers, 2u);
  EXPECT_LE(std::abs(info.started_ms - base::wall_clock_ms()), 60'000);
  EXPECT_THAT(edge_->metrics(), HasSubstr("\nfairlead_policy_revision_published 77\n"));

  edge_->apply_policy(update_of(78, {PolicyEdit::put(domain("b.test"))}));
  wait_applied(78);
  EXPECT_EQ(agent_->info().policy_source, "control");
  EXPECT_EQ(open("b.test").status, 101);
}

TEST_F(EdgePolicy, without_a_policy_it_runs_and_is_not_ready) {
  start(PolicySnapshot::empty(), PolicySource::none);
  EXPECT_FALSE(edge_->ready());
  EXPECT_EQ(agent_->info().policy_source, "none");
  EXPECT_EQ(open("a.test").status, 404);
  // Even that there is no domain must have been said.
  edge_->apply_policy(update_of(1, {}, true));
  wait_applied(1);
  EXPECT_TRUE(edge_->ready());
  EXPECT_EQ(agent_->info().policy_source, "control");
}

TEST_F(EdgePolicy, the_agent_tells_what_is_obeyed) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test"), domain("b.test", false)}, 5));
  wait_applied(5);
  const auto before = agent_->policy_prints();
  ASSERT_TRUE(before) << base::describe(before.error());
  EXPECT_EQ(before->revision, 5u);
  EXPECT_EQ(before->domains, (decltype(before->domains){{"a.test", model::fingerprint(domain("a.test"))},
                                                        {"b.test", model::fingerprint(domain("b.test", false))}}));
  edge_->apply_policy(update_of(6, {PolicyEdit::put(domain("b.test")), PolicyEdit::remove("a.test")}));
  wait_applied(6);
  const auto after = agent_->policy_prints();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->revision, 6u);
  EXPECT_EQ(after->domains, (decltype(after->domains){{"b.test", model::fingerprint(domain("b.test"))}}));
}

// The sum of everything is the sum of its domains, also when one of them is gone: what was counted never goes back.
TEST_F(EdgePolicy, the_agent_sums_up_what_was_counted) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test"), domain("b.test")}, 1));
  Client &a = open("a.test"), &b = open("b.test");
  echo(a, "one");
  echo(b, "twenty");
  const auto parts = agent_->live_usage({{"", "a.test"}, {"", "b.test"}, {"", "c.test"}});
  ASSERT_TRUE(parts);
  auto total = agent_->live_total();
  ASSERT_TRUE(total);
  EXPECT_EQ(total->edge, "edge-1");
  EXPECT_EQ(total->started_ms, parts->started_ms);
  ASSERT_EQ(total->usage.size(), 1u);
  EXPECT_EQ(total->usage[0].sessions_open, 2u);
  const auto bytes = [](const cluster::LiveUsage& u) { return model::usage_of(u.values, model::Meter::bytes_in); };
  // A masked frame: two octets, four of the key, the payload.
  EXPECT_EQ(bytes(parts->usage[0]), 9u);
  EXPECT_EQ(bytes(total->usage[0]), 9u + 12u);
  EXPECT_EQ(model::usage_of(total->usage[0].values, model::Meter::sessions_opened), 2u);
  edge_->apply_policy(update_of(2, {PolicyEdit::remove("a.test")}));
  wait_applied(2);
  total = agent_->live_total();
  ASSERT_TRUE(total);
  EXPECT_EQ(bytes(total->usage[0]), 9u + 12u);
}

TEST_F(EdgePolicy, edits_change_what_they_name_and_a_whole_update_all) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test"), domain("b.test")}, 1));
  const auto before = edge_->policy();
  edge_->apply_policy(update_of(5, {PolicyEdit::put(domain("c.test")), PolicyEdit::remove("b.test")}));
  const auto edited = edge_->policy();
  EXPECT_EQ(edited->revision(), 5u);
  EXPECT_EQ(edited->find_name("a.test"), before->find_name("a.test"));
  EXPECT_EQ(edited->find_name("b.test"), nullptr);
  EXPECT_NE(edited->find_name("c.test"), nullptr);
  // From a store that was replaced: everything anew, and the number begins again.
  edge_->apply_policy(update_of(2, {PolicyEdit::put(domain("a.test")), PolicyEdit::put(domain("d.test"))}, true));
  const auto whole = edge_->policy();
  EXPECT_EQ(whole->revision(), 2u);
  EXPECT_EQ(whole->size(), 2u);
  EXPECT_EQ(whole->find_name("a.test"), before->find_name("a.test")) << "what is equal stays the same object";
  EXPECT_NE(whole->find_name("d.test"), nullptr);
}

// R1: the switch, under a second on every worker; only sessions of that domain hear of it.
TEST_F(EdgePolicy, the_switch_ends_the_sessions_of_its_domain) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test"), domain("b.test")}, 1));
  Client &ended = open("a.test"), &kept = open("b.test");
  ASSERT_EQ(ended.status, 101);
  ASSERT_EQ(kept.status, 101);
  echo(ended, "hello");
  const base::TimePoint begun = base::monotonic_now();
  edge_->apply_policy(update_of(2, {PolicyEdit::put(domain("a.test", false))}));
  const Frame close = receive(ended);
  const auto took = (base::monotonic_now() - begun) / base::milliseconds(1);
  EXPECT_TRUE(close.is(testing::Opcode::close));
  EXPECT_EQ(close.close_code(), 1001);
  EXPECT_EQ(close.close_reason(), "websocket disabled for this domain");
  EXPECT_LT(took, 1000);
  answer_close(ended);
  EXPECT_EQ(open("a.test").status, 403);
  echo(kept, "still here");
  edge_->apply_policy(update_of(3, {PolicyEdit::put(domain("a.test"))}));
  wait_applied(3);
  EXPECT_EQ(open("a.test").status, 101);
  // A whole update that says the same of b.test leaves its session alone, too.
  edge_->apply_policy(update_of(4, {PolicyEdit::put(domain("b.test"))}, true));
  wait_applied(4);
  echo(kept, "and still");
}

TEST_F(EdgePolicy, it_knows_from_when_on_a_revision_is_obeyed) {
  start(PolicySnapshot::replace(nullptr, {}, 10));
  const std::int64_t first = wait_applied(10);
  EXPECT_EQ(edge_->applied_at(3), first) << "obeyed since it began";
  EXPECT_EQ(edge_->applied_at(11), std::nullopt);
  edge_->apply_policy(update_of(20, {PolicyEdit::put(domain("a.test"))}));
  const std::int64_t second = wait_applied(20);
  EXPECT_GE(second, first);
  EXPECT_EQ(edge_->applied_at(15), second) << "by a later one";
  EXPECT_EQ(edge_->applied_at(10), first);
  EXPECT_EQ(edge_->applied().revision, 20u);
  for (std::uint64_t revision = 21; revision <= 1300; ++revision) edge_->apply_policy(update_of(revision, {}));
  EXPECT_GE(wait_applied(1300), second);
  EXPECT_EQ(edge_->applied_at(10), std::nullopt) << "too long ago";
  EXPECT_TRUE(edge_->applied_at(1250));
}

// A reload of the file beside a control plane: the file has no domains and takes none away.
TEST_F(EdgePolicy, a_reload_leaves_the_control_planes_domains) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test")}, 9));
  wait_applied(9);
  model::EdgeConfig next = config_of(2);
  next.drain_time = base::seconds(1);
  EXPECT_THAT(edge_->apply(next), IsEmpty());
  EXPECT_EQ(edge_->policy()->revision(), 9u);
  EXPECT_EQ(open("a.test").status, 101);
}

TEST_F(EdgePolicy, updates_from_one_thread_and_reloads_from_another) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test")}, 1));
  std::thread publisher([this] {
    for (std::uint64_t revision = 2; revision <= 200; ++revision) {
      edge_->apply_policy(update_of(revision, {PolicyEdit::put(domain("a.test", revision % 2 == 0))}));
    }
  });
  for (int i = 0; i < 100; ++i) edge_->apply(config_of(2));
  std::size_t pages = 0;
  for (int i = 0; i < 50; ++i) pages += edge_->metrics().empty() ? 0 : 1;
  publisher.join();
  EXPECT_EQ(pages, 50u);
  EXPECT_EQ(edge_->policy()->revision(), 200u);
  wait_applied(200);
  EXPECT_EQ(open("a.test").status, 101);
}

TEST_F(EdgePolicy, the_agent_tells_of_live_sessions) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test"), domain("b.test")}, 1));
  for (int i = 0; i < 5; ++i) ASSERT_EQ(open("a.test", fmt::format("/room/{}", i)).status, 101);
  Client& other = open("b.test");
  echo(other, "12345");
  echo(*clients_[0], "hello");
  const auto all = agent_->sessions({});
  ASSERT_TRUE(all) << base::describe(all.error());
  EXPECT_EQ(all->total, 6u);
  ASSERT_EQ(all->sessions.size(), 6u);
  EXPECT_EQ(all->next, "");

  cluster::SessionQuery query;
  query.domains = {"b.test"};
  const auto one = agent_->sessions(query);
  ASSERT_TRUE(one);
  ASSERT_EQ(one->sessions.size(), 1u);
  const cluster::SessionInfo& s = one->sessions[0];
  EXPECT_EQ(s.edge, "edge-1");
  EXPECT_EQ(s.domain, "b.test");
  EXPECT_EQ(s.client, "127.0.0.1");
  EXPECT_EQ(s.client_port, other.stream->local().port());
  EXPECT_EQ(s.protocol, "h1");
  EXPECT_EQ(s.target, "/chat");
  EXPECT_EQ(s.origin, fmt::format("127.0.0.1:{}", origin_.address().port()));
  EXPECT_EQ(s.bytes_in, 2u + 4 + 5);
  EXPECT_EQ(s.bytes_out, 2u + 5);
  EXPECT_EQ(s.frames_in, 1u);
  EXPECT_EQ(s.messages_out, 1u);
  EXPECT_FALSE(s.closing);
  EXPECT_LE(std::abs(s.opened_ms - base::wall_clock_ms()), 60'000);
  EXPECT_GE(s.idle_ms, 0);

  query.domains = {"a.test"};
  query.limit = 2;
  std::set<std::string> seen, targets;
  std::string last;
  for (std::size_t page = 0; page < 3; ++page) {
    const auto found = agent_->sessions(query);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->total, 5u);
    EXPECT_EQ(found->sessions.size(), page == 2 ? 1u : 2u);
    EXPECT_EQ(found->next.empty(), page == 2);
    for (const auto& session : found->sessions) {
      EXPECT_LT(last, session.id);
      last = session.id;
      seen.insert(session.id);
      targets.insert(session.target);
    }
    query.after = found->next;
  }
  EXPECT_EQ(seen.size(), 5u);
  EXPECT_EQ(targets.size(), 5u);

  query = {};
  query.client = "192.0.2.1";
  EXPECT_EQ(agent_->sessions(query)->total, 0u);
  query.client = "127.0.0.1";
  EXPECT_EQ(agent_->sessions(query)->total, 6u);
  query = {};
  query.domains = {"never.test"};
  EXPECT_EQ(agent_->sessions(query)->total, 0u);
  query.domains = {"b.test", "b.test"};
  EXPECT_EQ(agent_->sessions(query)->total, 1u) << "named twice, counted once";
}

TEST_F(EdgePolicy, the_agent_ends_one_session) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test"), domain("b.test")}, 1));
  Client &ended = open("a.test", "/one"), &kept = open("a.test", "/two");
  const auto page = agent_->sessions({});
  ASSERT_TRUE(page);
  std::string id;
  for (const auto& s : page->sessions) {
    if (s.target == "/one") id = s.id;
  }
  const auto code_of = [](const base::Result<void>& r) { return r ? base::Code::ok : r.error().code; };
  EXPECT_EQ(code_of(agent_->end_session("b.test", id)), base::Code::not_found) << "not a session of that domain";
  EXPECT_EQ(code_of(agent_->end_session("a.test", "nothing")), base::Code::not_found);
  EXPECT_EQ(code_of(agent_->end_session("a.test", id)), base::Code::ok);
  const Frame close = receive(ended);
  EXPECT_TRUE(close.is(testing::Opcode::close));
  EXPECT_EQ(close.close_code(), 1001);
  EXPECT_THAT(close.close_reason(), HasSubstr("operator"));
  answer_close(ended);
  echo(kept, "still here");
  const base::TimePoint due = base::later(base::monotonic_now(), base::seconds(20));
  while (agent_->sessions({})->total != 1 && base::monotonic_now() < due) {
    world_.run(breathe());  // the origin, too, has to say Close
  }
  EXPECT_EQ(agent_->sessions({})->total, 1u);
  EXPECT_THAT(edge_->metrics(), HasSubstr("cause=\"ended_by_operator\""));
  EXPECT_EQ(code_of(agent_->end_session("a.test", id)), base::Code::not_found);
}

// Workers that have gone answer nothing; who asks is told so in time, and nothing is left that could be written to.
TEST_F(EdgePolicy, who_asks_an_edge_that_has_ended_is_not_left_waiting) {
  start(PolicySnapshot::replace(nullptr, {domain("a.test")}, 1));
  edge_->stop();
  edge_->wait();
  const base::TimePoint begun = base::monotonic_now();
  const auto page = agent_->sessions({});
  EXPECT_FALSE(page && page->total != 0);
  EXPECT_LT(base::monotonic_now() - begun, base::seconds(10));
  EXPECT_EQ(agent_->info().state, "stopped");
}

TEST_F(EdgePolicy, asking_while_it_ends_is_safe) {
  for (int round = 0; round < 2; ++round) {
    std::promise<void> finished;
    Edge edge(config_of(2), [&] { finished.set_value(); });
    ASSERT_TRUE(edge.start(PolicySnapshot::replace(nullptr, {domain("a.test")}, 1)));
    Agent agent(edge, "edge-1");
    std::atomic<bool> over{false};
    std::thread asking([&] {
      while (!over) {
        agent.info();
        agent.sessions({});
        agent.end_session("a.test", "x");
      }
    });
    edge.stop();
    finished.get_future().wait();
    over = true;
    asking.join();
    edge.wait();
  }
}

// What one customer's click costs an edge of the designed size: 10,000 domains with 4 origins each.
TEST_F(EdgePolicy, a_change_among_ten_thousand_domains_is_quick) {
  std::vector<model::DomainPolicy> domains;
  for (int i = 0; i < 10'000; ++i) {
    domains.push_back(domain(fmt::format("d{}.example.com", i)));
    for (int o = 1; o < 4; ++o) domains.back().origins.push_back({.host = fmt::format("10.0.{}.{}", o, i % 250)});
  }
  const model::DomainPolicy off = domain("d5000.example.com", false);
  start(PolicySnapshot::replace(nullptr, std::move(domains), 1));
  wait_applied(1);
  base::Duration worst{}, sum{}, obeyed{};
  constexpr int kRounds = 20;
  for (std::uint64_t revision = 2; revision < 2 + kRounds; ++revision) {
    const auto update = update_of(revision, {PolicyEdit::put(revision % 2 == 0 ? off : domain("d5000.example.com"))});
    const base::TimePoint begun = base::monotonic_now();
    edge_->apply_policy(update);
    const base::Duration took = base::monotonic_now() - begun;
    worst = std::max(worst, took);
    sum += took;
    wait_applied(revision);
    obeyed = std::max(obeyed, base::monotonic_now() - begun);
  }
  const auto ms = [](base::Duration d) { return static_cast<double>(d.count()) / 1e6; };
  fmt::print("one of 10000 domains: {:.2f} ms, at worst {:.2f} ms; obeyed by all after {:.2f} ms at worst\n",
             ms(sum) / kRounds, ms(worst), ms(obeyed));
  EXPECT_LT(sum / kRounds, base::milliseconds(100));
}

}  // namespace
}  // namespace fairlead::edge
