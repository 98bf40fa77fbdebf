// TLS over a bad network and under many threads. Each seed is one conversation with its own cuts, delays, stalls and
// resets; whatever happens, what arrives is a prefix of what was sent, nobody waits for ever, nothing spins and no
// socket is left. A failing seed is printed.

#include <thread>

#include "net/testing/tls_handshake_fixture.h"

namespace fairlead::net::testing {
namespace {

using std::chrono::milliseconds;

SimOptions bad_network(std::uint64_t seed) {
  SimRandom random(seed);
  SimOptions options;
  options.seed = seed;
  options.split = random.chance(0.2) ? Split::bytewise : random.chance(0.2) ? Split::none : Split::random;
  options.send_buffer = 64 + random.below(8192);
  options.receive_buffer = 64 + random.below(8192);
  options.odd_eagain = random.chance(0.5) ? 0.05 : 0;
  if (random.chance(0.5)) options.faults.reset = 0.01;
  if (random.chance(0.5)) {
    options.faults.stall = 0.02;
    options.faults.stall_most = std::chrono::seconds(3);
  }
  return options;
}

struct BadNet {
  static inline std::uint64_t next_seed = 1;
  SimPoller poller{bad_network(next_seed)};
};

// One conversation over the network of one seed.
class Conversation final : public LoopHarness<BadNet> {
 public:
  // Sends `bytes`, says the end; on an error leaves it in *error.
  Task<> send(TlsStream* stream, std::string bytes, int* error) {
    for (std::size_t at = 0; at < bytes.size() && *error == 0;) {
      const std::size_t n = std::min<std::size_t>(bytes.size() - at, 3000);
      *error = co_await stream->write(std::string_view(bytes).substr(at, n));
      at += n;
    }
    if (*error == 0) stream->shutdown_write();
  }
  Task<> receive(TlsStream* stream, std::string* out, int* error) {
    for (;;) {
      const Chunk c = co_await stream->read();
      if (c.ended()) {
        *error = c.error;
        co_return;
      }
      out->append(c.view());
    }
  }

  // Whether the whole conversation went through.
  bool run(const std::shared_ptr<const TlsServerContext>& served,
           const std::shared_ptr<const TlsClientContext>& client_context, std::string* wrong) {
    ListSelector selector;
    selector.contexts = {served};
    TlsPair pair;
    TcpPair tcp;
    Acceptor acceptor(
        loop,
        [&](int handle, const SocketAddress& peer) { tcp.server = std::make_unique<TcpStream>(loop, handle, peer); },
        [](int) {});
    if (!acceptor.open(*SocketAddress::from_ip("10.0.0.1", 0), ListenOptions{})) return false;
    scope.spawn(dial_bad(acceptor.address(), &tcp.client));
    loop.run_until([&] { return scope.size() == 0 && (tcp.server || !tcp.client); });
    if (!tcp.client || !tcp.server) return false;
    scope.spawn(accept_into(std::move(tcp.server), &selector, in(base::seconds(20)), {}, &pair.server));
    scope.spawn(connect_into(std::move(tcp.client), client_context, "live.example.com", in(base::seconds(20)), {},
                             &pair.client));
    finish();
    if (!pair.client || !pair.server) return false;
    TlsStream* client = pair.client->get();
    TlsStream* server = pair.server->get();
    StreamDeadline client_limit(*client, in(base::seconds(30))), server_limit(*server, in(base::seconds(30)));
    const std::string up = pattern(20000, 5), down = pattern(30000, 6);
    std::string at_server, at_client;
    int errors[4] = {};
    scope.spawn(send(client, up, &errors[0]));
    scope.spawn(send(server, down, &errors[1]));
    scope.spawn(receive(client, &at_client, &errors[2]));
    scope.spawn(receive(server, &at_server, &errors[3]));
    finish();
    if (!up.starts_with(at_server) || !down.starts_with(at_client)) *wrong = "bytes were changed";
    const bool whole = at_server == up && at_client == down;
    // An orderly end without all of the bytes would be the worst of lies.
    if (errors[3] == 0 && !server->truncated() && at_server != up) *wrong = "a cut stream to the origin looks complete";
    if (errors[2] == 0 && !client->truncated() && at_client != down)
      *wrong = "a cut stream to the client looks complete";
    return whole;
  }
  Task<> dial_bad(SocketAddress at, std::unique_ptr<TcpStream>* out) {
    auto connected = co_await connect_tcp(loop, at, in(base::seconds(10)));
    if (connected) *out = std::move(*connected);
  }
};

TEST(TlsSeeds, WhateverTheNetworkDoes) {
  // Signatures of Ed25519 have one length (ECDSA's have not), so every run of a seed cuts at the same places.
  const auto authority = make_certificate({.common_name = "Ed CA", .key = KeyKind::ed25519, .authority = true});
  const auto leaf =
      make_certificate({.common_name = "live", .names = {"live.example.com"}, .key = KeyKind::ed25519}, &authority);
  TlsServerOptions options{.certificates = {leaf.pair()}};
  options.ticket_keys = std::make_shared<TlsTicketKeys>(base::TimePoint{});
  const auto served = TlsServerContext::create(options);
  const auto client = TlsClientContext::create({.ca_pem = authority.pem});
  ASSERT_TRUE(served && client);
  int whole = 0;
  constexpr int kSeeds = 1000;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    BadNet::next_seed = seed;
    Conversation conversation;
    std::string wrong;
    whole += conversation.run(*served, *client, &wrong);
    const SimPoller& poller = conversation.net.poller;
    EXPECT_EQ(wrong, "") << "seed " << seed;
    EXPECT_FALSE(poller.livelocked()) << "seed " << seed;
    EXPECT_EQ(poller.misuses(), 0u) << "seed " << seed;
    EXPECT_EQ(poller.open_handles(), 0u) << "seed " << seed;
    if (::testing::Test::HasFailure()) return;
  }
  // Some networks are too bad, most are not: otherwise this test would say nothing.
  EXPECT_GT(whole, kSeeds / 2);
  EXPECT_LT(whole, kSeeds);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// One set of contexts and ticket keys, several workers, and keys that rotate meanwhile.
class Worker final : public LoopHarness<KernelNet> {
 public:
  void run(const std::shared_ptr<const TlsServerContext>& served,
           const std::shared_ptr<const TlsClientContext>& client_context, int times) {
    ListSelector selector;
    selector.contexts = {served};
    for (int i = 0; i < times; ++i) {
      auto pair = shake(selector, client_context, "live.example.com");
      ASSERT_TRUE(pair.client && pair.server);
      std::string got;
      scope.spawn(write_all(pair.server->get(), "hello"));
      scope.spawn(read_exactly(pair.client->get(), 5, &got));
      finish();
      EXPECT_EQ(got, "hello");
      resumed += (*pair.client)->resumed();
    }
  }
  int resumed = 0;
};

TEST(TlsThreads, ContextsAndKeysAreShared) {
  const auto identity = make_identity({"live.example.com"});
  TlsServerOptions options{.certificates = {identity.pair()}};
  const auto keys = std::make_shared<TlsTicketKeys>(base::TimePoint{}, milliseconds(1));
  options.ticket_keys = keys;
  const auto served = TlsServerContext::create(options);
  const auto client = TlsClientContext::create({.ca_pem = identity.authority.pem});
  ASSERT_TRUE(served && client);
  constexpr int kThreads = 4, kTimes = 30;
  std::vector<std::thread> threads;
  std::atomic<int> running = kThreads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      Worker worker;
      worker.run(*served, *client, kTimes);
      --running;
    });
  }
  base::TimePoint now{};
  while (running > 0) {
    keys->rotate(now += milliseconds(1));
    std::this_thread::yield();
  }
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace fairlead::net::testing
