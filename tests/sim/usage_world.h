#pragma once
// UsageWorld: seventy-five simulated minutes of an edge: two workers, eight domains of two accounts, and the clients'
// lives (usage_clients.h), as a seed draws them. In the middle policies change, a switch goes off and on, the table of
// regions becomes another; in the end the edge drains. Every ten seconds of its wall clock what was counted goes the
// way of the edge: UsageRecorder, to `append`. Header only.

#include "tests/sim/usage_clients.h"

#include <fstream>
#include <functional>

#include "edge/usage/recorder.h"
#include "edge/worker.h"

namespace fairlead::sim {

class UsageWorld {
 public:
  struct Hooks {
    edge::UsageRecorder::Append append, hand_over;  // the second at the end, for what the first has not taken
    std::function<void(std::int64_t now_ms)> tick;  // after each record()
  };

  // `ids`: of the domains, by name. `folder`: for the table of networks and the access log.
  UsageWorld(std::uint64_t seed, std::int64_t start_ms, std::map<std::string, std::string> ids, std::string folder,
             Hooks hooks)
      : options_(draw(seed)),
        poller_(options_),
        loop_(poller_),
        stage_(loop_, start_ms, seed * 31 + 7),
        start_ms_(start_ms),
        folder_(std::move(folder)),
        hooks_(std::move(hooks)),
        shared_(2, model::GlobalLimits{}),
        peers_(loop_),
        random_(seed * 19 + 2),
        clients_(poller_, loop_, stage_, seed, options_.split == net::Split::none, policies_) {
    for (unsigned i = 0; i < 2; ++i) {
      workers_.push_back(
          std::make_unique<edge::Worker>(i, loop_, resolver_, shared_, model::GlobalLimits{}, seed * 2 + i));
    }
    for (const auto& [name, id] : ids) policies_[name] = policy_of(name, id);
  }

  void run() {
    write_networks();
    apply();
    EXPECT_TRUE(shared_.log.open(log_path()));
    for (unsigned i = 0; i < 2; ++i) {
      const std::string ip = "10.0.0." + std::to_string(i + 1);
      EXPECT_TRUE(workers_[i]->listen({.address = ip + ":8080", .h2c = true}));
      EXPECT_TRUE(workers_[i]->listen({.address = ip + ":8081", .proxy_protocol_from = {"10.9.0.0/16"}}));
    }
    OriginPeer origins(stage_);
    net::Acceptor origin(
        loop_, [&](int h, const net::SocketAddress& p) { peers_.spawn(origins.serve(h, p)); }, [](int) {});
    ASSERT_TRUE(origin.open(net::SocketAddress::from_ip("10.0.0.9", 80).value(), {}));
    recorder_ = std::make_unique<edge::UsageRecorder>(shared_.counters, shared_.places, "edge-1", 1, stage_.clock.ms(),
                                                      loop_.now(), hooks_.append);
    net::TaskScope ticking(loop_);
    ticking.spawn(ticks());
    peers_.spawn(story());
    loop_.run_until([&] { return finished_ && peers_.size() == 0; });
    ASSERT_TRUE(finished_ && peers_.size() == 0) << "somebody is stuck at " << stage_.clock.ms() - start_ms_;
    last_tick_ = true;
    loop_.run_until([&] { return ticking.size() == 0; });
    ASSERT_EQ(ticking.size(), 0u);
    origin.close();
    EXPECT_EQ(poller_.sim().open_handles(), 0u) << "connections leaked";
    EXPECT_EQ(poller_.sim().misuses(), 0u);
    EXPECT_FALSE(poller_.sim().livelocked());
    EXPECT_TRUE(recorder_->hand_over(hooks_.hand_over));
    EXPECT_EQ(recorder_->stats().held, 0u);
    EXPECT_EQ(recorder_->stats().lost_records, 0u);
    EXPECT_EQ(clients_.lives().size(), static_cast<std::size_t>(Life::kLives)) << "a kind of life that nobody led";
  }

  Stage& stage() { return stage_; }
  edge::EdgeShared& shared() { return shared_; }
  const edge::UsageRecorder& recorder() const { return *recorder_; }
  std::string log_path() const { return folder_ + "/access.log"; }
  std::int64_t end_ms() const { return stage_.clock.ms(); }
  int lives() const {
    int all = 0;
    for (const auto& [kind, n] : clients_.lives()) all += n;
    return all;
  }

 private:
  using Life = UsageClients::Life;
  static constexpr std::int64_t kMinute = 60'000;
  static constexpr std::int64_t kLivesEnd = 70 * kMinute + 50'000;  // then only those stay who wait for the drain

  static net::SimOptions draw(std::uint64_t seed) {
    net::SimRandom r(seed);
    net::SimOptions o;
    o.seed = r.next();
    o.split = seed % 2 == 0 ? net::Split::random : net::Split::none;
    o.odd_eagain = r.chance(0.5) ? 0.05 : 0;
    o.latency = std::chrono::microseconds(50 + r.below(4000));
    o.jitter = std::chrono::microseconds(r.below(1000));
    o.send_buffer = 4096 + r.below(60000);
    o.receive_buffer = 4096 + r.below(60000);
    return o;
  }

  static model::DomainPolicy policy_of(const std::string& name, const std::string& id) {
    using namespace std::chrono_literals;
    model::DomainPolicy p;
    p.name = name;
    p.id = id;
    p.origins.push_back({.host = name == kDead ? "10.0.0.8" : "10.0.0.9", .http_port = 80});
    p.websocket.connection_timeout = name == kQuotes ? 20s : 600s;
    if (name == kOff) p.websocket.enabled = false;
    if (name == kAged) p.websocket.max_session_age = 45s;
    if (name == kBeat) p.websocket.heartbeat = {.interval = 60s, .to = model::HeartbeatTo::both, .pong_timeout = 5s};
    return p;
  }

  void apply() {
    std::vector<model::DomainPolicy> all;
    for (const auto& [name, p] : policies_) all.push_back(p);
    snapshot_ = model::PolicySnapshot::replace(snapshot_, all, ++revision_);
    table_ = edge::DomainTable::build(table_.get(), snapshot_, shared_.tickets);
    for (auto& w : workers_) w->apply(table_, model::GlobalLimits{});
  }

  // ---- where clients are -----------------------------------------------------------------------------------------

  void write_networks() {
    std::ofstream(folder_ + "/networks.yaml") << [this] {
      std::string text = "networks:\n";
      for (const UsageClients::Network& n : clients_.networks()) {
        if (n.region != "unknown") {
          text += "  - { cidr: " + n.prefix + "0/24, region: " + n.region + ", isp: " + n.isp + " }\n";
        }
      }
      return text;
    }();
    model::GeoConfig geo;
    geo.table = folder_ + "/networks.yaml";
    ASSERT_TRUE(shared_.geo.configure(geo));
  }

  // ---- what happens ----------------------------------------------------------------------------------------------

  // ---- all of it -------------------------------------------------------------------------------------------------

  std::int64_t elapsed() const { return stage_.clock.ms() - start_ms_; }

  net::Task<void> crowd(std::uint64_t first) {
    for (std::uint64_t n = first; elapsed() < kLivesEnd - 5 * kMinute; ++n) {
      // Each kind once, then as drawn.
      auto life = static_cast<Life>(n < first + 2 ? n % static_cast<std::uint64_t>(Life::kLives)
                                                  : random_.below(static_cast<std::uint64_t>(Life::kLives)));
      co_await stage_.rest(0, 30'000);
      co_await clients_.live(life);
    }
    // Near the end of the hour those that are soon over.
    while (elapsed() < kLivesEnd - 20'000) {
      co_await clients_.live(random_.chance(0.5) ? Life::page : Life::off);
      co_await stage_.rest(1000, 10'000);
    }
  }

  net::Task<void> until(std::int64_t after_start_ms) {
    co_await loop_.sleep_until(stage_.clock.at(start_ms_ + after_start_ms));
  }
  net::Task<void> turn_switch(bool on, model::OnDisable how) {
    co_await stage_.hush(kSwitch);
    policies_[kSwitch].websocket.enabled = on;
    policies_[kSwitch].websocket.on_disable = how;
    policies_[kSwitch].websocket.drain_time = std::chrono::seconds(20);
    apply();
    co_await loop_.sleep_for(base::seconds(25));
    stage_.go_on(kSwitch);
  }

  net::Task<void> disturbances() {
    co_await until(17 * kMinute + 30'000);
    policies_[kLiveA].limits.max_sessions = 100'000;
    apply();
    co_await until(25 * kMinute);
    for (int i = 0; i < 3; ++i) peers_.spawn(clients_.stay_h1(kSwitch));
    co_await until(26 * kMinute + 10'000);
    co_await turn_switch(false, model::OnDisable::drain);
    co_await until(36 * kMinute + 40'000);
    co_await turn_switch(true, model::OnDisable::drain);
    co_await until(41 * kMinute + 20'000);
    co_await stage_.hush("");
    clients_.networks()[1].region = "FR";
    clients_.networks()[2].isp = "Example Fibre";
    write_networks();
    stage_.go_on("");
    co_await until(50 * kMinute + 5'000);
    peers_.spawn(clients_.stay_h2(kSwitch));
    co_await until(51 * kMinute);
    co_await turn_switch(false, model::OnDisable::close);
    co_await until(57 * kMinute + 5'000);
    co_await turn_switch(true, model::OnDisable::close);
    co_await until(62 * kMinute);
    policies_[kLiveB].limits.max_sessions = 100'001;
    apply();
  }

  net::Task<void> story() {
    net::TaskScope all(loop_), stayers(loop_);
    all.spawn(disturbances());
    for (std::uint64_t i = 0; i < 24; ++i) all.spawn(crowd(2 * i));
    for (int i = 0; i < 6; ++i) stayers.spawn(clients_.stay_h1(i % 2 ? kLiveA : kLiveB));
    for (int i = 0; i < 2; ++i) stayers.spawn(clients_.stay_h2(i % 2 ? kLiveA : kLiveB));
    co_await all.join();
    EXPECT_LT(elapsed(), kLivesEnd + kMinute) << "the drain would be in two intervals";
    co_await stage_.hush("");
    stage_.go_on("");
    int drained = 0;
    for (auto& w : workers_) w->drain(base::seconds(60), [&drained] { ++drained; });
    co_await stayers.join();
    while (drained < 2) co_await loop_.sleep_for(base::milliseconds(100));
    finished_ = true;
  }

  net::Task<void> ticks() {
    constexpr std::int64_t kEvery = 10'000;
    for (bool last = false; !last;) {
      last = last_tick_;
      const std::int64_t next = stage_.clock.ms() - stage_.clock.ms() % kEvery + kEvery;
      co_await loop_.sleep_until(stage_.clock.at(next));
      last = last || last_tick_;
      recorder_->record(stage_.clock.ms(), loop_.now());
      if (next % (10 * kMinute) == 0) {
        for (auto& w : workers_) w->abandon_meters(base::seconds(600));
      }
      hooks_.tick(stage_.clock.ms());
    }
  }

  const net::SimOptions options_;
  CountingPoller poller_;
  net::EventLoop loop_;
  Stage stage_;
  const std::int64_t start_ms_;
  const std::string folder_;
  const Hooks hooks_;
  net::StaticResolver resolver_;
  edge::EdgeShared shared_;
  std::vector<std::unique_ptr<edge::Worker>> workers_;
  net::TaskScope peers_;
  std::unique_ptr<edge::UsageRecorder> recorder_;
  net::SimRandom random_;
  std::map<std::string, model::DomainPolicy> policies_;
  UsageClients clients_;
  model::PolicySnapshot::Ptr snapshot_;
  std::shared_ptr<const edge::DomainTable> table_;
  std::uint64_t revision_ = 0;
  bool finished_ = false, last_tick_ = false;
};

}  // namespace fairlead::sim
