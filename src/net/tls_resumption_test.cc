// Sessions that are taken up again: for as long as the ticket keys last, on the same domain only, and not at all when
// tickets are off.

#include "net/testing/tls_handshake_fixture.h"

namespace fairlead::net::testing {
namespace {

// One listener, so that the client's address of the server is the same from connection to connection.
template <class Net>
class TlsResumptionTest : public TlsHandshakeTest<Net> {
 public:
  // Connects again and again to one address, as an edge does to its origin, and carries a byte, so that the client has
  // its ticket. Whether the session was resumed.
  bool again(const std::shared_ptr<const TlsClientContext>& client, const std::string& name) {
    if (!acceptor) {
      acceptor = std::make_unique<Acceptor>(
          this->loop,
          [this](int handle, const SocketAddress& peer) {
            tcp = std::make_unique<TcpStream>(this->loop, handle, peer);
          },
          [](int error) { ADD_FAILURE() << error; });
      EXPECT_TRUE(acceptor->open(*SocketAddress::from_ip("127.0.0.1", 0), ListenOptions{}).has_value());
    }
    std::unique_ptr<TcpStream> mine;
    this->scope.spawn(this->dial(acceptor->address(), &mine));
    this->loop.run_until([&] { return this->scope.size() == 0 && tcp; });
    typename LoopTest<Net>::TlsPair pair;
    this->scope.spawn(
        this->accept_into(std::move(tcp), &this->selector, this->in(std::chrono::seconds(30)), {}, &pair.server));
    this->scope.spawn(
        this->connect_into(std::move(mine), client, name, this->in(std::chrono::seconds(30)), {}, &pair.client));
    this->finish();
    EXPECT_TRUE(pair.client.has_value()) << base::describe(pair.client.error());
    EXPECT_TRUE(pair.server.has_value());
    if (!pair.client || !pair.server) return false;
    std::string got;
    this->scope.spawn(this->write_all(pair.server->get(), "x"));
    this->scope.spawn(this->read_exactly(pair.client->get(), 1, &got));
    this->finish();
    EXPECT_EQ((*pair.client)->resumed(), (*pair.server)->resumed());
    return (*pair.client)->resumed();
  }
  std::shared_ptr<const TlsServerContext> serve_with(const std::shared_ptr<TlsTicketKeys>& keys, const char* name,
                                                     TlsVersion version, std::string session_scope = {}) {
    TlsServerOptions options;
    options.certificates = {this->leaf({name}).pair()};
    options.max_version = version;
    options.ticket_keys = keys;
    options.session_scope = session_scope.empty() ? name : std::move(session_scope);
    return this->serve(options);
  }

  std::unique_ptr<Acceptor> acceptor;
  std::unique_ptr<TcpStream> tcp;
};
TYPED_TEST_SUITE(TlsResumptionTest, TlsNets, TlsNetNames);

TYPED_TEST(TlsResumptionTest, ReconnectsResumeWhileTheKeysLast) {
  for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
    this->selector.contexts.clear();
    base::TimePoint now{};
    auto keys = std::make_shared<TlsTicketKeys>(now);
    this->serve_with(keys, "live.example.com", version);
    const auto client = this->trusting();
    EXPECT_FALSE(this->again(client, "live.example.com"));
    EXPECT_TRUE(this->again(client, "live.example.com"));
    EXPECT_TRUE(this->again(client, "live.example.com"));
    // Two rotations later the ticket still opens; the answer brings a new one under the new key.
    keys->rotate(now += TlsTicketKeys::kPeriod);
    keys->rotate(now += TlsTicketKeys::kPeriod);
    EXPECT_TRUE(this->again(client, "live.example.com"));
    keys->rotate(now += TlsTicketKeys::kPeriod);
    EXPECT_TRUE(this->again(client, "live.example.com"));
    keys->replace_all(now);
    EXPECT_FALSE(this->again(client, "live.example.com"));
  }
}

TYPED_TEST(TlsResumptionTest, TheThirdRotationEndsATicket) {
  base::TimePoint now{};
  auto keys = std::make_shared<TlsTicketKeys>(now);
  this->serve_with(keys, "live.example.com", TlsVersion::tls1_3);
  const auto client = this->trusting();
  EXPECT_FALSE(this->again(client, "live.example.com"));
  for (int i = 0; i < 3; ++i) keys->rotate(now += TlsTicketKeys::kPeriod);
  EXPECT_FALSE(this->again(client, "live.example.com"));
}

TYPED_TEST(TlsResumptionTest, ARenewedCertificateOfTheSameDomainResumes) {
  auto keys = std::make_shared<TlsTicketKeys>(base::TimePoint{});
  const auto old = this->serve_with(keys, "live.example.com", TlsVersion::tls1_3);
  const auto client = this->trusting();
  EXPECT_FALSE(this->again(client, "live.example.com"));
  this->selector.contexts.clear();
  TlsServerOptions renewed;
  renewed.certificates = {
      make_certificate({.common_name = "renewed", .names = {"live.example.com"}, .serial = 2}, &this->authority)
          .pair()};
  renewed.ticket_keys = keys;
  renewed.session_scope = "live.example.com";
  this->serve(renewed);
  EXPECT_TRUE(this->again(client, "live.example.com"));
}

// A peer that offers one domain's ticket under another domain's name, with the keys being the same for both.
TYPED_TEST(TlsResumptionTest, ATicketOfOneDomainDoesNotResumeInAnother) {
  for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
    this->selector.contexts.clear();
    auto keys = std::make_shared<TlsTicketKeys>(base::TimePoint{});
    this->serve_with(keys, "a.example.com", version);
    this->serve_with(keys, "b.example.com", version);
    SSL_SESSION* ticket = nullptr;
    const auto offer = [&](const char* name) {
      auto pair = this->raw_client([&](SSL_CTX* ctx) { SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); },
                                   [&](SSL* ssl) {
                                     SSL_set_tlsext_host_name(ssl, name);
                                     if (ticket) SSL_set_session(ssl, ticket);
                                   });
      EXPECT_TRUE(pair.shook) << pair.peer->error();
      EXPECT_TRUE(pair.server.has_value());
      if (!pair.server) return false;
      // TLS 1.3's tickets come behind the handshake, before the first bytes.
      std::string got;
      this->scope.spawn(this->write_all(pair.server->get(), "x"));
      this->scope.spawn(this->raw_read(pair.peer.get(), &got));
      this->finish();
      if (!ticket) ticket = SSL_get1_session(pair.peer->ssl());
      SSL_set_shutdown(pair.peer->ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
      return SSL_session_reused(pair.peer->ssl()) == 1;
    };
    EXPECT_FALSE(offer("a.example.com"));
    EXPECT_FALSE(offer("b.example.com"));
    EXPECT_TRUE(offer("a.example.com")) << "the ticket itself was good";
    SSL_SESSION_free(ticket);
  }
}

TYPED_TEST(TlsResumptionTest, WithoutTicketKeysNothingResumes) {
  for (const TlsVersion version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
    this->selector.contexts.clear();
    this->serve_with(nullptr, "live.example.com", version);
    const auto client = this->trusting();
    EXPECT_FALSE(this->again(client, "live.example.com"));
    EXPECT_FALSE(this->again(client, "live.example.com"));
    if (version == TlsVersion::tls1_3) {
      EXPECT_EQ(client->sessions(), 0u);
    }
  }
}

}  // namespace
}  // namespace fairlead::net::testing
