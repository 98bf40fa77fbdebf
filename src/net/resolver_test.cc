// The resolvers, against a small DNS server on the loopback that this test writes itself: it counts what it is asked,
// keeps silent or fails when told to, and answers late when that matters.

#include "net/resolver.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "net/epoll_poller.h"
#include "net/task_scope.h"

namespace fairlead::net {
namespace {

using base::Code;
using std::chrono::milliseconds;
using std::chrono::seconds;

SocketAddress ip(const char* text) { return *SocketAddress::from_ip(text, 0); }

// RFC 1035, as far as A and AAAA questions need it.
class DnsServer final : public Pollable {
 public:
  struct Zone {
    std::vector<std::string> addresses;
    std::uint32_t ttl = 60;
    std::string alias;  // CNAME
    std::uint32_t alias_ttl = 60;
  };

  explicit DnsServer(EventLoop& loop) : loop_(loop) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    socklen_t size = sizeof at;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    loop_.poller().watch(fd_, this, Poller::kNotWatched, kReadable);
  }
  ~DnsServer() {
    loop_.poller().forget(this);
    ::close(fd_);
  }

  const std::string& address() const { return address_; }
  int asked(const std::string& name) const {
    const auto i = asked_.find(name);
    return i == asked_.end() ? 0 : i->second;
  }
  int held() const { return static_cast<int>(held_.size()); }
  // Answers what was held back.
  void release() {
    hold = false;
    for (auto& [question, from] : std::exchange(held_, {})) answer(question, from);
  }

  std::map<std::string, Zone> zones;
  bool silent = false;
  bool silent_for_ipv6 = false;
  bool hold = false;
  int rcode = 0;  // of every answer, when not 0

  void on_ready(Events) override {
    char buffer[512];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    for (;;) {
      const ssize_t n = ::recvfrom(fd_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 12) return;
      const std::string question(buffer, static_cast<std::size_t>(n));
      ++asked_[name_in(question)];
      if (silent || (silent_for_ipv6 && question[13 + name_in(question).size() + 2] == 28)) continue;
      if (hold) {
        held_.emplace_back(question, from);
      } else {
        answer(question, from);
      }
    }
  }

 private:
  static std::string name_in(const std::string& q) {
    std::string name;
    for (std::size_t at = 12; at < q.size() && q[at] != 0;) {
      const auto length = static_cast<unsigned char>(q[at]);
      if (!name.empty()) name += '.';
      name += q.substr(at + 1, length);
      at += 1u + length;
    }
    return name;
  }
  static void put16(std::string* out, unsigned v) {
    *out += static_cast<char>(v >> 8);
    *out += static_cast<char>(v);
  }
  static void record(std::string* out, const std::string& name, unsigned type, std::uint32_t ttl,
                     const std::string& data) {
    *out += name;
    put16(out, type);
    put16(out, 1);
    put16(out, ttl >> 16);
    put16(out, ttl & 0xffff);
    put16(out, static_cast<unsigned>(data.size()));
    *out += data;
  }
  static std::string wire_name(const std::string& name) {
    std::string out;
    for (std::size_t at = 0; at <= name.size();) {
      const auto dot = std::min(name.find('.', at), name.size());
      out += static_cast<char>(dot - at);
      out += name.substr(at, dot - at);
      at = dot + 1;
    }
    return out + '\0';
  }
  void answer(const std::string& question, const sockaddr_in& to) {
    const std::string name = name_in(question);
    const std::size_t name_end = 12 + name.size() + 2;
    const unsigned type =
        static_cast<unsigned char>(question[name_end]) << 8u | static_cast<unsigned char>(question[name_end + 1]);
    const auto zone = zones.find(name);
    const unsigned code = rcode != 0 ? static_cast<unsigned>(rcode) : zone == zones.end() ? 3u : 0u;
    std::string records;
    unsigned count = 0;
    if (code == 0) {
      std::string owner("\xc0\x0c", 2);  // the question's name
      if (!zone->second.alias.empty()) {
        record(&records, owner, 5, zone->second.alias_ttl, wire_name(zone->second.alias));
        owner = wire_name(zone->second.alias);
        ++count;
      }
      for (const std::string& text : zone->second.addresses) {
        const SocketAddress a = ip(text.c_str());
        const bool v4 = a.family() == Family::ipv4;
        if (type != (v4 ? 1u : 28u)) continue;
        const auto* bytes = reinterpret_cast<const char*>(a.bytes());
        record(&records, owner, type, zone->second.ttl, v4 ? std::string(bytes + 12, 4) : std::string(bytes, 16));
        ++count;
      }
    }
    std::string out = question.substr(0, 2);
    put16(&out, 0x8180 | code);
    put16(&out, 1);
    put16(&out, count);
    put16(&out, 0);
    put16(&out, 0);
    out += question.substr(12, name_end + 4 - 12);
    out += records;
    ::sendto(fd_, out.data(), out.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  EventLoop& loop_;
  int fd_ = -1;
  std::string address_;
  std::map<std::string, int> asked_;
  std::vector<std::pair<std::string, sockaddr_in>> held_;
};

// The kernel's sockets with a clock that can be put forward, so that no test waits for a TTL.
class ForwardPoller final : public Poller {
 public:
  void forward(Duration d) { ahead_ += d; }
  int listen(const SocketAddress& a, const ListenOptions& o, SocketAddress* b) override {
    return under_.listen(a, o, b);
  }
  int accept(int h, SocketAddress* p) override { return under_.accept(h, p); }
  int connect(const SocketAddress& to) override { return under_.connect(to); }
  int connect_result(int h) override { return under_.connect_result(h); }
  ssize_t read(int h, char* b, std::size_t n) override { return under_.read(h, b, n); }
  ssize_t write(int h, const iovec* p, int n) override { return under_.write(h, p, n); }
  int shutdown_write(int h) override { return under_.shutdown_write(h); }
  void close(int h) override { under_.close(h); }
  SocketAddress local_address(int h) override { return under_.local_address(h); }
  void reset_on_close(int h) override { under_.reset_on_close(h); }
  int watch(int h, Pollable* w, Events b, Events a) override { return under_.watch(h, w, b, a); }
  void forget(Pollable* w) override { under_.forget(w); }
  std::span<Ready> wait(TimePoint until, bool* stuck) override {
    return under_.wait(until == base::kNever ? until : until - ahead_, stuck);
  }
  TimePoint now() override { return under_.now() + ahead_; }
  void wake() override { under_.wake(); }

 private:
  EpollPoller under_;
  Duration ahead_{};
};

class ResolverTest : public ::testing::Test {
 public:
  using Answer = base::Result<ResolvedName>;

  ResolverTest() : loop(poller), server(loop), scope(loop) { make({server.address()}, milliseconds(500), 2); }

  void make(std::vector<std::string> servers, Duration timeout, int attempts) {
    CaresResolver::Options options;
    options.servers = std::move(servers);
    options.attempt_timeout = timeout;
    options.attempts = attempts;
    auto made = CaresResolver::create(loop, options);
    ASSERT_TRUE(made.has_value()) << base::describe(made.error());
    resolver = std::move(*made);
  }
  Task<> ask_into(std::string name, TimePoint deadline, StopToken stop, Answer* out) {
    *out = co_await resolver->resolve(std::move(name), deadline, stop);
  }
  void finish() {
    loop.run_until([&] { return scope.size() == 0; });
  }
  Answer ask(std::string name, Duration within = seconds(20)) {
    Answer out = base::fail(Code::internal, base::Side::none, "not run");
    scope.spawn(ask_into(std::move(name), base::later(loop.now(), within), {}, &out));
    finish();
    return out;
  }
  // The loop takes note of the time.
  void forward(Duration d) {
    poller.forward(d);
    turn();
  }
  // One turn, without waiting for an event that will not come.
  void turn() {
    bool called = false;
    loop.post([&] { called = true; });
    loop.run_until([&] { return called; });
  }

  ForwardPoller poller;
  EventLoop loop;
  DnsServer server;
  TaskScope scope;
  std::unique_ptr<CaresResolver> resolver;
};

TEST_F(ResolverTest, LiteralsNeedNoServer) {
  server.silent = true;
  for (const char* text : {"10.1.2.3", "::1", "[::1]", "2001:db8::5"}) {
    const auto a = ask(text);
    ASSERT_TRUE(a.has_value()) << text;
    ASSERT_EQ(a->addresses.size(), 1u);
    EXPECT_EQ(a->addresses[0].port(), 0);
    EXPECT_EQ(a->ttl, Resolver::kMaxTtl);
  }
  EXPECT_EQ(ask("[10.1.2.3]").error().code, Code::malformed);
  EXPECT_EQ(resolver->stats().lookups, 0u);
}

TEST_F(ResolverTest, BothFamiliesAlternate) {
  server.zones["origin.example.com"] = {{"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"}, 60, {}, 0};
  const auto a = ask("origin.example.com");
  ASSERT_TRUE(a.has_value()) << base::describe(a.error());
  ASSERT_EQ(a->addresses.size(), 4u);
  // One IPv6 address among the first two, whichever family this machine can reach.
  EXPECT_NE(a->addresses[0].family(), a->addresses[1].family());
  EXPECT_EQ(a->ttl, seconds(60));
  EXPECT_FALSE(a->stale);
  EXPECT_EQ(server.asked("origin.example.com"), 2);  // A and AAAA
}

TEST_F(ResolverTest, CachesForTheTtl) {
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 30, {}, 0};
  ASSERT_TRUE(ask("origin.example.com").has_value());
  forward(seconds(10));
  const auto a = ask("ORIGIN.example.com");
  ASSERT_TRUE(a.has_value());
  EXPECT_LE(a->ttl, seconds(20));
  EXPECT_GT(a->ttl, seconds(15));
  EXPECT_EQ(resolver->stats().queries, 1u);
  EXPECT_EQ(resolver->stats().hits, 1u);
  server.zones["origin.example.com"] = {{"192.0.2.9"}, 30, {}, 0};
  forward(seconds(21));
  const auto b = ask("origin.example.com");
  ASSERT_TRUE(b.has_value());
  EXPECT_EQ(b->addresses, std::vector{ip("192.0.2.9")});
  EXPECT_EQ(resolver->stats().queries, 2u);
}

TEST_F(ResolverTest, TtlIsClampedAndAnAliasCounts) {
  server.zones["short.example.com"] = {{"192.0.2.1"}, 0, {}, 0};
  server.zones["long.example.com"] = {{"192.0.2.1"}, 86400, {}, 0};
  server.zones["alias.example.com"] = {{"192.0.2.1"}, 200, "target.example.com", 7};
  EXPECT_EQ(ask("short.example.com")->ttl, seconds(1));
  EXPECT_EQ(ask("long.example.com")->ttl, seconds(300));
  const auto a = ask("alias.example.com");
  ASSERT_TRUE(a.has_value()) << base::describe(a.error());
  EXPECT_EQ(a->ttl, seconds(7));
}

TEST_F(ResolverTest, LookupsOfOneNameShareAQuery) {
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 60, {}, 0};
  server.hold = true;
  std::vector<Answer> answers(20, base::fail(Code::internal, base::Side::none, ""));
  for (auto& a : answers) scope.spawn(ask_into("origin.example.com", base::kNever, {}, &a));
  loop.run_until([&] { return server.held() == 2; });
  server.release();
  finish();
  for (const auto& a : answers) {
    ASSERT_TRUE(a.has_value());
    EXPECT_EQ(a->addresses, std::vector{ip("192.0.2.1")});
  }
  EXPECT_EQ(server.asked("origin.example.com"), 2);
  EXPECT_EQ(resolver->stats().queries, 1u);
  EXPECT_EQ(resolver->stats().lookups, 20u);
}

TEST_F(ResolverTest, UnknownNameIsRememberedForASecond) {
  const auto a = ask("nobody.example.com");
  ASSERT_FALSE(a.has_value());
  EXPECT_EQ(a.error().code, Code::not_found);
  EXPECT_EQ(a.error().side, base::Side::origin);
  EXPECT_EQ(a.error().retry, base::Retry::later);
  const auto queries = resolver->stats().queries;
  EXPECT_EQ(ask("nobody.example.com").error().code, Code::not_found);
  EXPECT_EQ(resolver->stats().queries, queries);
  server.zones["nobody.example.com"] = {{"192.0.2.1"}, 60, {}, 0};
  forward(milliseconds(1100));
  EXPECT_TRUE(ask("nobody.example.com").has_value());
}

TEST_F(ResolverTest, NameWithoutAddressesIsNotFound) {
  server.zones["empty.example.com"] = {{}, 60, {}, 0};
  EXPECT_EQ(ask("empty.example.com").error().code, Code::not_found);
}

TEST_F(ResolverTest, StaleAnswerServesWhenDnsFails) {
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 5, {}, 0};
  ASSERT_TRUE(ask("origin.example.com").has_value());
  server.rcode = 2;  // SERVFAIL
  forward(seconds(6));
  auto a = ask("origin.example.com");
  ASSERT_TRUE(a.has_value()) << base::describe(a.error());
  EXPECT_TRUE(a->stale);
  EXPECT_EQ(a->addresses, std::vector{ip("192.0.2.1")});
  EXPECT_EQ(a->ttl, seconds(1));
  forward(seconds(310));
  a = ask("origin.example.com");
  ASSERT_FALSE(a.has_value());
  EXPECT_EQ(a.error().code, Code::unreachable);
  EXPECT_EQ(a.error().retry, base::Retry::later);
}

TEST_F(ResolverTest, AWithdrawnNameIsNotServedStale) {
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 1, {}, 0};
  ASSERT_TRUE(ask("origin.example.com").has_value());
  server.zones.clear();
  forward(seconds(2));
  EXPECT_EQ(ask("origin.example.com").error().code, Code::not_found);
  server.rcode = 2;
  forward(seconds(2));
  EXPECT_EQ(ask("origin.example.com").error().code, Code::unreachable);
}

TEST_F(ResolverTest, DeadlineAndItsStaleAnswer) {
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 1, {}, 0};
  ASSERT_TRUE(ask("origin.example.com").has_value());
  forward(seconds(2));
  server.silent = true;
  const auto a = ask("origin.example.com", milliseconds(30));
  ASSERT_TRUE(a.has_value());
  EXPECT_TRUE(a->stale);
  const auto b = ask("other.example.com", milliseconds(30));
  ASSERT_FALSE(b.has_value());
  EXPECT_EQ(b.error().code, Code::timeout);
  EXPECT_EQ(b.error().side, base::Side::origin);
}

TEST_F(ResolverTest, SilentServerFailsAfterItsAttempts) {
  make({server.address()}, milliseconds(20), 2);
  server.silent = true;
  const auto a = ask("origin.example.com");
  ASSERT_FALSE(a.has_value());
  EXPECT_EQ(a.error().code, Code::unreachable);
  EXPECT_EQ(server.asked("origin.example.com"), 4);  // A and AAAA, twice
}

TEST_F(ResolverTest, SecondServerAnswersForASilentFirst) {
  DnsServer second(loop);
  second.zones["origin.example.com"] = {{"192.0.2.1"}, 60, {}, 0};
  server.silent = true;
  make({server.address(), second.address()}, milliseconds(20), 2);
  const auto a = ask("origin.example.com");
  ASSERT_TRUE(a.has_value()) << base::describe(a.error());
  EXPECT_EQ(a->addresses, std::vector{ip("192.0.2.1")});
}

// Some servers drop what they do not know, and AAAA is what they do not know.
TEST_F(ResolverTest, SilenceAboutIpv6DoesNotHideIpv4) {
  CaresResolver::Options options;
  options.servers = {server.address()};
  options.attempt_timeout = seconds(60);
  options.patience = milliseconds(5);
  resolver = *CaresResolver::create(loop, options);
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 60, {}, 0};
  server.silent_for_ipv6 = true;
  const auto a = ask("origin.example.com", seconds(20));
  ASSERT_TRUE(a.has_value()) << base::describe(a.error());
  EXPECT_EQ(a->addresses, std::vector{ip("192.0.2.1")});
  EXPECT_FALSE(a->stale);
  EXPECT_EQ(resolver->stats().impatient, 1u);
  // From the cache, although the full query is still under way.
  EXPECT_TRUE(ask("origin.example.com", seconds(20)).has_value());
  EXPECT_EQ(resolver->stats().hits, 1u);
}

TEST_F(ResolverTest, StopEndsOneWaiterOnly) {
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 60, {}, 0};
  server.hold = true;
  StopSource stop;
  Answer stopped = base::fail(Code::internal, base::Side::none, ""), other = stopped, late = stopped;
  scope.spawn(ask_into("origin.example.com", base::kNever, stop, &stopped));
  scope.spawn(ask_into("origin.example.com", base::kNever, {}, &other));
  stop.request_stop();
  turn();
  EXPECT_EQ(stopped.error().code, Code::cancelled);
  scope.spawn(ask_into("origin.example.com", base::kNever, stop, &late));
  EXPECT_EQ(late.error().code, Code::cancelled);
  loop.run_until([&] { return server.held() == 2; });
  server.release();
  finish();
  EXPECT_TRUE(other.has_value());
}

TEST_F(ResolverTest, AnswerWithoutWaitersIsKept) {
  server.zones["origin.example.com"] = {{"192.0.2.1"}, 60, {}, 0};
  server.hold = true;
  EXPECT_EQ(ask("origin.example.com", milliseconds(20)).error().code, Code::timeout);
  loop.run_until([&] { return server.held() == 2; });
  server.release();
  ASSERT_TRUE(ask("origin.example.com").has_value());
  EXPECT_EQ(resolver->stats().queries, 1u);
}

TEST_F(ResolverTest, DestructionWithAQueryUnderWay) {
  server.silent = true;
  EXPECT_EQ(ask("origin.example.com", milliseconds(5)).error().code, Code::timeout);
  resolver.reset();
  turn();
}

TEST_F(ResolverTest, HostsFileAnswersWithoutDns) {
  server.silent = true;
  const auto a = ask("localhost");
  ASSERT_TRUE(a.has_value()) << base::describe(a.error());
  EXPECT_TRUE(a->addresses[0].is_loopback());
  EXPECT_EQ(server.asked("localhost"), 0);
}

TEST_F(ResolverTest, BadNamesAndBadServersAreRefused) {
  for (const char* name : {"", ".", "a..b", "-\x01", "has space.example.com", "a/b"}) {
    const auto a = ask(name);
    ASSERT_FALSE(a.has_value()) << name;
    EXPECT_EQ(a.error().code, Code::malformed) << name;
  }
  EXPECT_EQ(ask(std::string(64, 'a') + ".example.com").error().code, Code::malformed);
  EXPECT_EQ(ask(std::string("a\0b.example.com", 15)).error().code, Code::malformed);
  for (const char* text : {"dns.example.com", "1.2.3", "10.0.0.1:99999", "unix:/x"}) {
    CaresResolver::Options options;
    options.servers = {text};
    const auto made = CaresResolver::create(loop, options);
    ASSERT_FALSE(made.has_value()) << text;
    EXPECT_EQ(made.error().code, Code::malformed);
    EXPECT_NE(made.error().context.find(text), std::string::npos);
  }
}

TEST_F(ResolverTest, TheCacheIsBounded) {
  server.rcode = 3;
  for (std::size_t i = 0; i < CaresResolver::kCacheSize + 50; ++i) {
    ASSERT_EQ(ask("n" + std::to_string(i) + ".example.com").error().code, Code::not_found);
  }
  EXPECT_EQ(resolver->stats().names, CaresResolver::kCacheSize);
  EXPECT_EQ(resolver->stats().queries, CaresResolver::kCacheSize + 50);
  // The newest is remembered.
  EXPECT_FALSE(ask("n" + std::to_string(CaresResolver::kCacheSize + 49) + ".example.com").has_value());
  EXPECT_EQ(resolver->stats().queries, CaresResolver::kCacheSize + 50);
}

TEST(Interleave, BeginsWithTheFirstFamilyAndKeepsTheOrder) {
  const auto a4 = ip("192.0.2.1"), b4 = ip("192.0.2.2"), c4 = ip("192.0.2.3"), a6 = ip("2001:db8::1"),
             b6 = ip("2001:db8::2");
  using V = std::vector<SocketAddress>;
  EXPECT_EQ(interleave_families({}), V{});
  EXPECT_EQ(interleave_families({a6, b6, a4, b4, c4}), (V{a6, a4, b6, b4, c4}));
  EXPECT_EQ(interleave_families({a4, b4, a6}), (V{a4, a6, b4}));
  EXPECT_EQ(interleave_families({a4, b4}), (V{a4, b4}));
}

TEST_F(ResolverTest, StaticResolverAnswersFromItsMap) {
  StaticResolver names({{"a.test", {ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1")}}}, seconds(2));
  Answer a = base::fail(Code::internal, base::Side::none, ""), b = a, c = a;
  auto task = [](StaticResolver* r, std::string name, Answer* out) -> Task<> {
    *out = co_await r->resolve(std::move(name), base::kNever);
  };
  scope.spawn(task(&names, "a.test", &a));
  scope.spawn(task(&names, "b.test", &b));
  scope.spawn(task(&names, "::1", &c));
  ASSERT_TRUE(a.has_value());
  EXPECT_EQ(a->addresses, (std::vector{ip("192.0.2.1"), ip("2001:db8::1"), ip("192.0.2.2")}));
  EXPECT_EQ(a->ttl, seconds(2));
  EXPECT_EQ(b.error().code, Code::not_found);
  EXPECT_TRUE(c.has_value());
  names.set("a.test", {});
  scope.spawn(task(&names, "a.test", &a));
  EXPECT_FALSE(a.has_value());
}

}  // namespace
}  // namespace fairlead::net
