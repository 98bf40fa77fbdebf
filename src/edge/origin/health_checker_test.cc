#include "edge/origin/health_checker.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "net/resolver.h"
#include "net/testing/stream_tools.h"
#include "net/testing/tls_certificates.h"
#include "net/testing/world.h"
#include "net/tls_stream.h"

namespace fairlead::edge {
namespace {

using base::milliseconds;
using base::seconds;
using net::SocketAddress;
using net::testing::Net;
using net::testing::World;
using ::testing::HasSubstr;

// An HTTP origin that says what it is told to say to every request, and notes what it was asked and when.
class TestOrigin {
 public:
  enum class Manner { answer, silent, close, garbage };

  TestOrigin(World& world, SocketAddress at)
      : world_(world),
        scope_(world.loop()),
        acceptor_(
            world.loop(),
            [this](int h, const SocketAddress& p) {
              scope_.spawn(serve(std::make_unique<net::TcpStream>(world_.loop(), h, p)));
            },
            [](int error) { ADD_FAILURE() << error; }) {
    EXPECT_TRUE(acceptor_.open(at, {}));
  }
  ~TestOrigin() {
    acceptor_.close();
    scope_.request_stop();
    world_.run_until([&] { return scope_.size() == 0; });
  }

  Manner manner = Manner::answer;
  std::string status = "200 OK";
  std::string before;  // an interim answer
  net::TlsServerSelector* tls = nullptr;
  std::vector<std::string> heads;
  std::vector<base::TimePoint> times;

  std::uint16_t port() const { return acceptor_.address().port(); }

 private:
  net::Task<void> serve(std::unique_ptr<net::TcpStream> tcp) {
    std::unique_ptr<net::SocketStream> stream = std::move(tcp);
    if (tls) {
      auto secured =
          co_await net::tls_accept(std::unique_ptr<net::TcpStream>(static_cast<net::TcpStream*>(stream.release())),
                                   *tls, base::kNever, scope_.token());
      if (!secured) co_return;
      stream = std::move(*secured);
    }
    const auto cancel = [&stream] { stream->cancel(ECANCELED); };
    const net::StopCallback on_stop(scope_.token(), cancel);
    const auto head = co_await net::testing::read_until(*stream, "\r\n\r\n");
    if (!head.bytes.ends_with("\r\n\r\n")) co_return;
    heads.push_back(head.bytes);
    times.push_back(world_.loop().now());
    if (manner == Manner::silent) co_await stream->read();
    if (manner == Manner::silent || manner == Manner::close) co_return;
    const std::string text = manner == Manner::garbage
                                 ? "SSH-2.0-OpenSSH_9.2\r\n"
                                 : before + "HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n\r\nok";
    co_await stream->write(text);
    stream->shutdown_write();
    while (!(co_await stream->read()).ended()) {
    }
  }

  World& world_;
  net::TaskScope scope_;
  net::Acceptor acceptor_;
};

class HealthCheckerTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam()};
  net::StaticResolver resolver;
  Connector connector{world.loop(), resolver};
  std::unique_ptr<HealthChecker> checker = std::make_unique<HealthChecker>(world.loop(), connector, 7);
  model::DomainPolicy policy;
  std::shared_ptr<OriginSet> set;
  std::vector<std::unique_ptr<TestOrigin>> origins;

  HealthCheckerTest() {
    policy.name = "live.example.com";
    policy.health_check.active.path = "/healthz?deep=1";
    // Short, because over the kernel they are real.
    policy.health_check.active.interval = milliseconds(100);
    policy.health_check.active.timeout = milliseconds(60);
  }
  ~HealthCheckerTest() override {
    stop();
    checker.reset();
    origins.clear();
  }
  void stop() {
    checker->stop();
    world.run(join());
  }
  net::Task<void> join() { co_await checker->join(); }

  TestOrigin& add_origin(int n = 1) {
    const auto at = SocketAddress::from_ip("127.0.0." + std::to_string(n), 0).value();
    origins.push_back(std::make_unique<TestOrigin>(world, at));
    model::Origin o;
    o.host = at.ip();
    o.http_port = origins.back()->port();
    o.https_port = origins.back()->port();
    policy.origins.push_back(o);
    return *origins.back();
  }
  void apply() {
    set = OriginSet::build(std::make_shared<model::DomainPolicy>(policy), set.get());
    checker->set_targets({{set, tls}});
  }
  decltype(HealthTarget::tls) tls;

  OriginState& state(std::size_t i = 0) { return *set->state(i); }
  void until(ActiveHealth health, std::size_t i = 0) {
    world.run_until([&] { return state(i).active_health() == health; });
  }
  void until_checks(std::uint64_t passed, std::uint64_t failed) {
    world.run_until([&] { return state().checks_passed() >= passed && state().checks_failed() >= failed; });
  }
  net::Task<void> sleep(base::Duration d) { co_await world.loop().sleep_for(d); }
};

TEST_P(HealthCheckerTest, asks_as_documented) {
  TestOrigin& origin = add_origin();
  apply();
  until_checks(1, 0);
  EXPECT_THAT(origin.heads[0], ::testing::StartsWith("GET /healthz?deep=1 HTTP/1.1\r\nHost: live.example.com\r\n"));
  EXPECT_THAT(origin.heads[0], HasSubstr("\r\nUser-Agent: fairlead-health\r\n"));
  EXPECT_THAT(origin.heads[0], HasSubstr("\r\nConnection: close\r\n"));
  policy.health_check.active.host = "check.example.com";
  apply();
  until_checks(3, 0);
  EXPECT_THAT(origin.heads.back(), HasSubstr("\r\nHost: check.example.com\r\n"));
}

TEST_P(HealthCheckerTest, goes_down_and_up_after_so_many_in_a_row) {
  TestOrigin& origin = add_origin();
  apply();
  until(ActiveHealth::up);
  EXPECT_EQ(state().checks_passed(), 2u);
  origin.status = "503 Service Unavailable";
  until(ActiveHealth::down);
  EXPECT_EQ(state().checks_failed(), 3u);
  // One good one among bad ones does not help it.
  origin.status = "200 OK";
  world.run_until([&] { return state().checks_passed() == 3; });
  origin.status = "404 Not Found";
  world.run_until([&] { return state().checks_failed() == 4; });
  EXPECT_EQ(state().active_health(), ActiveHealth::down);
  origin.status = "301 Moved";
  until(ActiveHealth::up);
  EXPECT_EQ(state().checks_passed(), 5u);
}

TEST_P(HealthCheckerTest, comes_back_in_step_however_long_an_answer_takes) {
  TestOrigin& origin = add_origin();
  apply();
  until_checks(4, 0);
  for (std::size_t i = 1; i < origin.times.size(); ++i) {
    const auto between = origin.times[i] - origin.times[i - 1];
    // On the kernel a busy machine may skip a turn, but never come early.
    EXPECT_GE(between, milliseconds(60));
    if (!world.kernel()) {
      EXPECT_NEAR(static_cast<double>(between.count()), 1e8, 2e7);
    }
  }
}

TEST_P(HealthCheckerTest, every_way_to_fail_counts) {
  TestOrigin& origin = add_origin();
  policy.health_check.active.unhealthy_after = 1;
  policy.health_check.active.healthy_after = 1;
  apply();
  using Manner = TestOrigin::Manner;
  for (const Manner manner : {Manner::silent, Manner::close, Manner::garbage}) {
    SCOPED_TRACE(static_cast<int>(manner));
    until(ActiveHealth::up);
    origin.manner = manner;
    until(ActiveHealth::down);
    origin.manner = Manner::answer;
  }
  until(ActiveHealth::up);
  origins.clear();  // refuses
  until(ActiveHealth::down);
}

TEST_P(HealthCheckerTest, an_interim_answer_is_not_the_answer) {
  TestOrigin& origin = add_origin();
  policy.health_check.active.status_from = policy.health_check.active.status_to = 204;
  origin.before = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
  origin.status = "204 No Content";
  apply();
  until(ActiveHealth::up);
  EXPECT_EQ(state().checks_failed(), 0u);
}

TEST_P(HealthCheckerTest, a_reload_that_changes_nothing_disturbs_nothing) {
  TestOrigin& origin = add_origin();
  policy.health_check.active.unhealthy_after = 5;
  policy.health_check.active.interval = milliseconds(50);
  origin.manner = TestOrigin::Manner::close;
  apply();
  while (state().checks_failed() < 4) {
    // Reloads of what no check depends on; a check that began anew would never see five in a row, nor its first date.
    policy.layer7.client_max_body_size++;
    policy.origins[0].weight++;
    apply();
    world.run(sleep(milliseconds(20)));
  }
  EXPECT_EQ(checker->running(), 1u);
  until(ActiveHealth::down);
  EXPECT_EQ(state().checks_failed(), 5u);
  // What a check depends on: it begins anew, and the verdict stands until there is another.
  policy.health_check.active.path = "/other";
  apply();
  EXPECT_EQ(state().active_health(), ActiveHealth::down);
  origin.manner = TestOrigin::Manner::answer;
  until(ActiveHealth::up);
  EXPECT_THAT(origin.heads.back(), HasSubstr("GET /other "));
}

TEST_P(HealthCheckerTest, unchecked_means_unknown) {
  add_origin().manner = TestOrigin::Manner::close;
  apply();
  until(ActiveHealth::down);
  policy.health_check.active.path.clear();
  apply();
  EXPECT_EQ(checker->running(), 0u);
  EXPECT_EQ(state().active_health(), ActiveHealth::unknown);
  const auto failed = state().checks_failed();
  world.run(sleep(milliseconds(300)));
  EXPECT_EQ(state().checks_failed(), failed);
}

TEST_P(HealthCheckerTest, an_origin_without_the_port_is_not_checked) {
  add_origin();
  policy.origins[0].http_port.reset();
  apply();
  EXPECT_EQ(checker->running(), 0u);
  policy.health_check.active.scheme = model::OriginScheme::https;
  apply();
  EXPECT_EQ(checker->running(), 1u);
}

TEST_P(HealthCheckerTest, stops_in_the_middle_of_a_check) {
  TestOrigin& origin = add_origin();
  origin.manner = TestOrigin::Manner::silent;
  policy.health_check.active.timeout = seconds(60);
  apply();
  world.run_until([&] { return !origin.heads.empty(); });
  const auto start = world.loop().now();
  stop();
  EXPECT_LT(world.loop().now() - start, seconds(10));
  EXPECT_EQ(state().checks_failed(), 0u);
  apply();
  EXPECT_EQ(checker->running(), 0u);
}

class FirstSelector final : public net::TlsServerSelector {
 public:
  std::shared_ptr<const net::TlsServerContext> context;
  std::shared_ptr<const net::TlsServerContext> select(std::string_view) override { return context; }
};

TEST_P(HealthCheckerTest, checks_over_https_with_the_domain_s_settings) {
  const auto identity = net::testing::make_identity({"live.example.com"});
  FirstSelector selector;
  net::TlsServerOptions options;
  options.certificates = {identity.pair()};
  selector.context = net::TlsServerContext::create(options).value();
  TestOrigin& origin = add_origin();
  origin.tls = &selector;
  policy.health_check.active.scheme = model::OriginScheme::https;
  policy.health_check.active.interval = milliseconds(400);
  policy.health_check.active.timeout = milliseconds(300);
  policy.health_check.active.unhealthy_after = policy.health_check.active.healthy_after = 1;
  bool trusted = false;
  tls = [&](const model::Origin& o) -> base::Result<std::shared_ptr<const net::TlsClientContext>> {
    EXPECT_EQ(o.host, "127.0.0.1");
    net::TlsClientOptions client;
    if (trusted) client.ca_pem = identity.authority.pem;
    return net::TlsClientContext::create(client);
  };
  apply();
  until(ActiveHealth::down);  // an unknown authority
  trusted = true;
  until(ActiveHealth::up);
  tls = [](const model::Origin&) -> base::Result<std::shared_ptr<const net::TlsClientContext>> {
    return base::fail(base::Code::malformed, base::Side::config, "ca_file");
  };
  apply();
  until(ActiveHealth::down);
}

INSTANTIATE_TEST_SUITE_P(Net, HealthCheckerTest, ::testing::Values(Net::kernel, Net::sim_random, Net::sim_whole),
                         net::testing::net_name);

// --- What only the simulated network can be made to do.

class HealthCheckerSimTest : public HealthCheckerTest {};

TEST_P(HealthCheckerSimTest, out_of_descriptors_is_no_verdict) {
  add_origin();
  policy.health_check.active.unhealthy_after = 1;
  apply();
  until(ActiveHealth::up);
  world.sim()->set_max_handles(1);  // the origin's listener
  const auto passed = state().checks_passed();
  world.run(sleep(seconds(5)));
  EXPECT_EQ(state().checks_passed(), passed);
  EXPECT_EQ(state().checks_failed(), 0u);
  EXPECT_EQ(state().active_health(), ActiveHealth::up);
}

TEST_P(HealthCheckerSimTest, checks_of_many_origins_are_spread_over_the_interval) {
  TestOrigin& origin = add_origin();
  policy.health_check.active.interval = seconds(10);
  policy.origins.clear();
  for (int i = 0; i < 1000; ++i) {
    model::Origin o;
    o.host = fmt::format("host{}.example", i);
    o.http_port = origin.port();
    policy.origins.push_back(o);
    resolver.set(o.host, {world.loopback()});
  }
  std::vector<HealthTarget> targets;
  for (int d = 0; d < 4; ++d) {  // 250 of a domain
    model::DomainPolicy p = policy;
    p.name = fmt::format("d{}.example.com", d);
    p.origins.assign(policy.origins.begin() + d * 250, policy.origins.begin() + (d + 1) * 250);
    targets.push_back({OriginSet::build(std::make_shared<model::DomainPolicy>(p), nullptr), {}});
  }
  const auto start = world.loop().now();
  checker->set_targets(targets);
  EXPECT_EQ(checker->running(), 1000u);
  world.run(sleep(seconds(11)));
  std::map<std::int64_t, int> per_second;
  for (std::size_t i = 0; i < 1000; ++i) {
    ++per_second[std::chrono::duration_cast<seconds>(origin.times[i] - start).count()];
  }
  for (int s = 0; s < 10; ++s) EXPECT_NEAR(per_second[s], 100, 45) << s;
}

INSTANTIATE_TEST_SUITE_P(Net, HealthCheckerSimTest, ::testing::Values(Net::sim_whole), net::testing::net_name);

}  // namespace
}  // namespace fairlead::edge
