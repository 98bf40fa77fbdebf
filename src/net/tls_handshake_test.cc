// The handshakes of TlsStream over both networks: which context is chosen, what is negotiated, who is refused and with
// which words, and what happens when the peer is slow, silent, or no TLS at all.

#include "net/testing/tls_handshake_fixture.h"

namespace fairlead::net::testing {
namespace {

using base::Code;
using base::Side;
using std::chrono::milliseconds;
using std::chrono::seconds;

TYPED_TEST_SUITE(TlsHandshakeTest, TlsNets, TlsNetNames);

// ---- which context ----

TYPED_TEST(TlsHandshakeTest, ServerNameSelectsTheContext) {
  const auto live = this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  const auto wild = this->serve({.certificates = {this->leaf({"*.example.org"}).pair()}});
  const auto client = this->trusting();
  const struct {
    const char* name;
    const TlsServerContext* context;
  } cases[] = {{"live.example.com", live.get()}, {"LIVE.example.com.", live.get()}, {"a.example.org", wild.get()}};
  for (const auto& c : cases) {
    auto pair = this->shake(this->selector, client, c.name);
    ASSERT_TRUE(pair.client.has_value()) << c.name << ": " << base::describe(pair.client.error());
    ASSERT_TRUE(pair.server.has_value());
    EXPECT_EQ((*pair.server)->server_context().get(), c.context) << c.name;
  }
  EXPECT_EQ(this->selector.asked, (std::vector<std::string>{"live.example.com", "live.example.com", "a.example.org"}));
}

TYPED_TEST(TlsHandshakeTest, UnknownServerNameIsRefused) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto pair = this->shake(this->selector, this->trusting(), "other.example.com");
  ASSERT_FALSE(pair.server.has_value());
  EXPECT_EQ(pair.server.error().code, Code::not_found);
  EXPECT_EQ(pair.server.error().side, Side::client);
  EXPECT_TRUE(has(pair.server.error().context, "other.example.com")) << pair.server.error().context;
  ASSERT_FALSE(pair.client.has_value());
  EXPECT_EQ(pair.client.error().code, Code::tls);
  EXPECT_EQ(pair.client.error().side, Side::origin);
  EXPECT_EQ(pair.client.error().retry, base::Retry::elsewhere);
  EXPECT_TRUE(has(pair.client.error().context, "unrecognized name")) << pair.client.error().context;
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TYPED_TEST(TlsHandshakeTest, NoServerNameAsksForTheDefault) {
  const auto live = this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto pair = this->raw_client([](SSL_CTX*) {});
  EXPECT_TRUE(pair.shook) << pair.peer->error();
  ASSERT_TRUE(pair.server.has_value());
  EXPECT_EQ((*pair.server)->server_name(), "");
  EXPECT_EQ((*pair.server)->server_context(), live);
}

TYPED_TEST(TlsHandshakeTest, AnExceptionInTheSelectorRefusesTheHandshake) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  this->selector.throws = true;
  auto pair = this->shake(this->selector, this->trusting(), "live.example.com");
  ASSERT_FALSE(pair.server.has_value());
  EXPECT_EQ(pair.server.error().code, Code::tls);
  EXPECT_TRUE(has(pair.client.error().context, "internal error")) << pair.client.error().context;
}

// The client's signature algorithms decide between certificates side by side.
TYPED_TEST(TlsHandshakeTest, EcdsaOrRsaByTheClient) {
  this->serve({.certificates = {this->leaf({"live.example.com"}, KeyKind::rsa).pair(),
                                this->leaf({"live.example.com"}, KeyKind::ecdsa).pair()}});
  const auto served_with = [&](const char* algorithms, int version) {
    auto pair = this->raw_client([&](SSL_CTX* ctx) {
      SSL_CTX_set1_sigalgs_list(ctx, algorithms);
      SSL_CTX_set_max_proto_version(ctx, version);
    });
    EXPECT_TRUE(pair.shook) << pair.peer->error();
    X509* cert = SSL_get0_peer_certificate(pair.peer->ssl());
    return cert ? EVP_PKEY_get_base_id(X509_get0_pubkey(cert)) : 0;
  };
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_EQ(served_with("RSA-PSS+SHA256:RSA+SHA256", version), EVP_PKEY_RSA);
    EXPECT_EQ(served_with("ECDSA+SHA256", version), EVP_PKEY_EC);
    EXPECT_EQ(served_with("ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256", version), EVP_PKEY_EC);
  }
}

// Everything comes from the chosen context, also what OpenSSL does not carry over when contexts are switched.
TYPED_TEST(TlsHandshakeTest, VersionsCiphersAndAlpnComeFromTheChosenContext) {
  this->serve({.certificates = {this->leaf({"new.example.com"}).pair()},
               .min_version = TlsVersion::tls1_3,
               .alpn = {"h2", "http/1.1"}});
  this->serve({.certificates = {this->leaf({"old.example.com"}).pair()},
               .max_version = TlsVersion::tls1_2,
               .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305",
               .alpn = {"http/1.1"}});
  const auto client = this->trusting({.alpn = {"http/1.1", "h2"}});
  auto fresh = this->shake(this->selector, client, "new.example.com");
  ASSERT_TRUE(fresh.client.has_value() && fresh.server.has_value());
  EXPECT_EQ((*fresh.server)->tls_version(), "TLSv1.3");
  EXPECT_EQ((*fresh.server)->alpn(), "h2") << "our order, not the client's";
  EXPECT_EQ((*fresh.client)->alpn(), "h2");
  auto old = this->shake(this->selector, client, "old.example.com");
  ASSERT_TRUE(old.client.has_value() && old.server.has_value());
  EXPECT_EQ((*old.server)->tls_version(), "TLSv1.2");
  EXPECT_EQ((*old.server)->cipher(), "ECDHE-ECDSA-CHACHA20-POLY1305");
  EXPECT_EQ((*old.server)->alpn(), "http/1.1");

  auto refused = this->raw_client([](SSL_CTX* ctx) { SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION); },
                                  [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "new.example.com"); });
  EXPECT_FALSE(refused.shook);
  this->expect_alert(refused, "protocol version");
}

TYPED_TEST(TlsHandshakeTest, NothingInCommonByAlpnIsRefused) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}, .alpn = {"h2", "http/1.1"}});
  auto pair = this->shake(this->selector, this->trusting({.alpn = {"mqtt"}}), "live.example.com");
  EXPECT_FALSE(pair.server.has_value());
  EXPECT_TRUE(has(pair.client.error().context, "no application protocol")) << pair.client.error().context;
  auto none = this->shake(this->selector, this->trusting(), "live.example.com");
  ASSERT_TRUE(none.server.has_value());
  EXPECT_EQ((*none.server)->alpn(), "");
}

TYPED_TEST(TlsHandshakeTest, BelowTls12IsRefused) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    auto pair = this->raw_client([&](SSL_CTX* ctx) {
      SSL_CTX_set_min_proto_version(ctx, version);
      SSL_CTX_set_max_proto_version(ctx, version);
      SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    });
    EXPECT_FALSE(pair.shook);
    ASSERT_FALSE(pair.server.has_value());
    EXPECT_EQ(pair.server.error().code, Code::tls);
    EXPECT_TRUE(has(pair.server.error().context, "unsupported protocol")) << pair.server.error().context;
    this->expect_alert(pair, "protocol version");
  }
}

TYPED_TEST(TlsHandshakeTest, WeakCiphersAreRefused) {
  this->serve({.certificates = {this->leaf({"live.example.com"}, KeyKind::rsa).pair()}});
  for (const char* cipher : {"AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256"}) {
    auto pair = this->raw_client([&](SSL_CTX* ctx) {
      SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
      EXPECT_EQ(SSL_CTX_set_cipher_list(ctx, cipher), 1);
    });
    EXPECT_FALSE(pair.shook) << cipher;
    EXPECT_TRUE(has(pair.server.error().context, "no shared cipher")) << pair.server.error().context;
  }
}

TYPED_TEST(TlsHandshakeTest, ChaChaWhenTheClientPrefersIt) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto pair = this->raw_client(
      [](SSL_CTX* ctx) { SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"); });
  ASSERT_TRUE(pair.server.has_value());
  EXPECT_EQ((*pair.server)->cipher(), "TLS_CHACHA20_POLY1305_SHA256");
}

// ---- verification of origins ----

TYPED_TEST(TlsHandshakeTest, OriginCertificatesAreVerified) {
  const auto stranger = make_certificate({.common_name = "Other CA", .authority = true});
  const struct {
    const char* what;
    TestCertificate certificate;
    const char* name;
    const char* words;  // null: accepted
  } cases[] = {
      {"good", this->leaf({"origin.example.com"}), "origin.example.com", nullptr},
      {"wildcard", this->leaf({"*.example.com"}), "origin.example.com", nullptr},
      {"address", this->leaf({"10.0.0.1"}), "10.0.0.1", nullptr},
      {"address 6", this->leaf({"2001:db8::1"}), "2001:db8::1", nullptr},
      {"wrong name", this->leaf({"other.example.com"}), "origin.example.com", "hostname mismatch"},
      {"wrong address", this->leaf({"10.0.0.2"}), "10.0.0.1", "IP address mismatch"},
      {"name for address", this->leaf({"origin.example.com"}), "10.0.0.1", "IP address mismatch"},
      {"two labels", this->leaf({"*.example.com"}), "a.b.example.com", "hostname mismatch"},
      {"expired",
       make_certificate({.common_name = "x", .names = {"origin.example.com"}, .from = -7200, .until = -3600},
                        &this->authority),
       "origin.example.com", "certificate has expired"},
      {"not yet",
       make_certificate({.common_name = "y", .names = {"origin.example.com"}, .from = 3600}, &this->authority),
       "origin.example.com", "not yet valid"},
      {"unknown CA", make_certificate({.common_name = "z", .names = {"origin.example.com"}}, &stranger),
       "origin.example.com", "unable to get local issuer certificate"},
      {"self-signed", make_certificate({.common_name = "s", .names = {"origin.example.com"}}), "origin.example.com",
       "self-signed certificate"},
  };
  for (const auto& c : cases) {
    this->selector.contexts.clear();
    const auto context = this->serve({.certificates = {c.certificate.pair()}});
    class Any final : public TlsServerSelector {
     public:
      explicit Any(std::shared_ptr<const TlsServerContext> context) : context_(std::move(context)) {}
      std::shared_ptr<const TlsServerContext> select(std::string_view) override { return context_; }

     private:
      std::shared_ptr<const TlsServerContext> context_;
    } any(context);
    auto pair = this->shake(any, this->trusting(), c.name);
    EXPECT_EQ(pair.client.has_value(), c.words == nullptr) << c.what;
    if (!pair.client && c.words) {
      EXPECT_EQ(pair.client.error().code, Code::certificate) << c.what;
      EXPECT_EQ(pair.client.error().side, Side::origin) << c.what;
      EXPECT_EQ(pair.client.error().retry, base::Retry::elsewhere) << c.what;
      EXPECT_TRUE(has(pair.client.error().context, c.words)) << c.what << ": " << pair.client.error().context;
    }
    // Without verification all of them are accepted.
    auto insecure = this->shake(any, this->trusting({.verify = false}), c.name);
    EXPECT_TRUE(insecure.client.has_value()) << c.what << ": " << base::describe(insecure.client.error());
  }
}

TYPED_TEST(TlsHandshakeTest, AnAddressIsNotSentAsServerName) {
  this->serve({.certificates = {this->leaf({"10.0.0.1"}).pair()}});
  auto pair = this->shake(this->selector, this->trusting(), "10.0.0.1");
  ASSERT_TRUE(pair.client.has_value()) << base::describe(pair.client.error());
  EXPECT_EQ(this->selector.asked, std::vector<std::string>{""});
  EXPECT_EQ((*pair.client)->server_name(), "10.0.0.1");
}

TYPED_TEST(TlsHandshakeTest, VerificationNeedsAName) {
  this->serve({.certificates = {this->leaf({"a.example"}).pair()}});
  auto pair = this->shake(this->selector, this->trusting(), "");
  ASSERT_FALSE(pair.client.has_value());
  EXPECT_EQ(pair.client.error().code, Code::certificate);
}

// ---- slow, silent and foreign peers ----

TYPED_TEST(TlsHandshakeTest, ASilentPeerTimesOut) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto tcp = this->tcp_pair();
  auto other = this->tcp_pair();
  typename LoopTest<TypeParam>::TlsPair pair;
  const TimePoint began = this->loop.now();
  this->scope.spawn(
      this->accept_into(std::move(tcp.server), &this->selector, this->in(milliseconds(40)), {}, &pair.server));
  this->scope.spawn(this->connect_into(std::move(other.client), this->trusting(), "live.example.com",
                                       this->in(milliseconds(40)), {}, &pair.client));
  this->finish();
  EXPECT_GE(this->loop.now() - began, milliseconds(40));
  ASSERT_FALSE(pair.server.has_value());
  EXPECT_EQ(pair.server.error().code, Code::timeout);
  EXPECT_EQ(pair.server.error().side, Side::client);
  EXPECT_EQ(pair.client.error().code, Code::timeout);
  EXPECT_EQ(pair.client.error().side, Side::origin);
}

TYPED_TEST(TlsHandshakeTest, StopEndsAHandshake) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto tcp = this->tcp_pair();
  StopSource stop;
  typename LoopTest<TypeParam>::TlsPair pair;
  this->scope.spawn(this->accept_into(std::move(tcp.server), &this->selector, base::kNever, stop, &pair.server));
  stop.request_stop();
  this->finish();
  ASSERT_FALSE(pair.server.has_value());
  EXPECT_EQ(pair.server.error().code, Code::cancelled);
  // And one that was asked before it began.
  this->scope.spawn(this->connect_into(std::move(tcp.client), this->trusting(), "live.example.com", base::kNever, stop,
                                       &pair.client));
  this->finish();
  EXPECT_EQ(pair.client.error().code, Code::cancelled);
}

TYPED_TEST(TlsHandshakeTest, APeerThatGoesAway) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  for (const bool reset : {false, true}) {
    auto tcp = this->tcp_pair();
    typename LoopTest<TypeParam>::Accepted server = base::fail(Code::internal, Side::none, "");
    this->scope.spawn(this->accept_into(std::move(tcp.server), &this->selector, this->in(seconds(30)), {}, &server));
    this->scope.spawn(this->write_all(tcp.client.get(), std::string("\x16\x03\x01\x02\x00\x01", 6)));
    this->loop.run_until([&] { return this->scope.size() == 1; });
    if (reset) tcp.client->abort_on_close();
    tcp.client.reset();
    this->finish();
    ASSERT_FALSE(server.has_value());
    EXPECT_EQ(server.error().code, reset ? Code::reset : Code::closed) << base::describe(server.error());
    EXPECT_EQ(server.error().side, Side::client);
  }
}

TYPED_TEST(TlsHandshakeTest, PlainHttpIsNoTls) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto tcp = this->tcp_pair();
  typename LoopTest<TypeParam>::Accepted server = base::fail(Code::internal, Side::none, "");
  this->scope.spawn(this->accept_into(std::move(tcp.server), &this->selector, this->in(seconds(30)), {}, &server));
  this->scope.spawn(this->write_all(tcp.client.get(), "GET / HTTP/1.1\r\nHost: live.example.com\r\n\r\n"));
  this->finish();
  ASSERT_FALSE(server.has_value());
  EXPECT_EQ(server.error().code, Code::tls);
  EXPECT_TRUE(has(server.error().context, "http request")) << server.error().context;
}

// What a PROXY header's reader had read too much is the beginning of the ClientHello.
TYPED_TEST(TlsHandshakeTest, UnreadBytesComeFirst) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto tcp = this->tcp_pair();
  typename LoopTest<TypeParam>::TlsPair pair;
  this->scope.spawn(this->connect_into(std::move(tcp.client), this->trusting(), "live.example.com",
                                       this->in(seconds(30)), {}, &pair.client));
  std::string first;
  this->scope.spawn(this->read_exactly(tcp.server.get(), 100, &first));
  this->loop.run_until([&] { return first.size() == 100; });
  tcp.server->unread(first.substr(50));
  tcp.server->unread(first.substr(0, 50));
  this->scope.spawn(this->accept_into(std::move(tcp.server), &this->selector, this->in(seconds(30)), {}, &pair.server));
  this->finish();
  ASSERT_TRUE(pair.server.has_value()) << base::describe(pair.server.error());
  ASSERT_TRUE(pair.client.has_value());
  std::string got;
  this->scope.spawn(this->write_all(pair.client->get(), "hello"));
  this->scope.spawn(this->read_exactly(pair.server->get(), 5, &got));
  this->finish();
  EXPECT_EQ(got, "hello");
}

// Bytes that arrive together with the last flight of the handshake are read without waiting for more.
TYPED_TEST(TlsHandshakeTest, BytesBehindTheLastFlightAreNotForgotten) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto tcp = this->tcp_pair();
  RawPeer peer(std::move(tcp.client), [](SSL_CTX*) {});
  typename LoopTest<TypeParam>::Accepted server = base::fail(Code::internal, Side::none, "");
  this->scope.spawn(this->accept_into(std::move(tcp.server), &this->selector, this->in(seconds(30)), {}, &server));
  auto eager = [](RawPeer* p) -> Task<> {
    // Finished and data leave in one write.
    SSL_do_handshake(p->ssl());
    EXPECT_TRUE(co_await p->flush());
    while (SSL_do_handshake(p->ssl()) != 1) {
      const Chunk c = co_await p->tcp().read();
      EXPECT_FALSE(c.ended());
      if (c.ended()) co_return;
      BIO_write(SSL_get_rbio(p->ssl()), c.data, static_cast<int>(c.size));
    }
    EXPECT_TRUE(co_await p->write("first words"));
  };
  this->scope.spawn(eager(&peer));
  this->finish();
  ASSERT_TRUE(server.has_value()) << base::describe(server.error());
  std::string got;
  this->scope.spawn(this->read_exactly(server->get(), 11, &got));
  this->finish();
  EXPECT_EQ(got, "first words");
}

// ---- after the handshake: what a peer may and may not ask for ----

TYPED_TEST(TlsHandshakeTest, KeyUpdatesArePassedThrough) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto pair = this->raw_client([](SSL_CTX*) {});
  ASSERT_TRUE(pair.server.has_value());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(SSL_key_update(pair.peer->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    std::string at_server, at_peer;
    this->scope.spawn(this->raw_write(pair.peer.get(), "ping"));
    this->scope.spawn(this->read_exactly(pair.server->get(), 4, &at_server));
    this->finish();
    EXPECT_EQ(at_server, "ping");
    this->scope.spawn(this->write_all(pair.server->get(), "pong"));
    this->scope.spawn(this->raw_read(pair.peer.get(), &at_peer));
    this->finish();
    EXPECT_EQ(at_peer, "pong") << pair.peer->error();
  }
}

TYPED_TEST(TlsHandshakeTest, AnOriginRenewsKeysAndSendsTicketsWhenItLikes) {
  auto pair = this->raw_server(this->leaf({"live.example.com"}));
  ASSERT_TRUE(pair.client.has_value()) << base::describe(pair.client.error());
  TlsStream& client = **pair.client;
  EXPECT_FALSE(client.own_records()) << "the tickets are still to come";
  for (int i = 0; i < 6; ++i) {
    std::string at_client, at_peer;
    if (i % 3 == 1) {
      EXPECT_EQ(SSL_key_update(pair.peer->ssl(), i == 1 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    }
    if (i == 2) {
      EXPECT_EQ(SSL_new_session_ticket(pair.peer->ssl()), 1);
    }
    this->scope.spawn(this->raw_write(pair.peer.get(), "ping"));
    this->scope.spawn(this->read_exactly(&client, 4, &at_client));
    this->finish();
    EXPECT_EQ(at_client, "ping");
    EXPECT_EQ(client.own_records(), TypeParam::kRecords == TlsRecordsKind::own);
    this->scope.spawn(this->write_all(&client, "pong"));
    this->scope.spawn(this->raw_read(pair.peer.get(), &at_peer));
    this->finish();
    EXPECT_EQ(at_peer, "pong") << pair.peer->error();
  }
}

// An origin that renews its keys ahead of its first data: the secrets of the handshake are no longer those in force.
TYPED_TEST(TlsHandshakeTest, KeysRenewedBeforeTheFirstDataAreLeftToTheLibrary) {
  auto pair = this->raw_server(this->leaf({"live.example.com"}));
  ASSERT_TRUE(pair.client.has_value()) << base::describe(pair.client.error());
  EXPECT_EQ(SSL_key_update(pair.peer->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  for (int i = 0; i < 3; ++i) {
    std::string at_client;
    this->scope.spawn(this->raw_write(pair.peer.get(), "ping"));
    this->scope.spawn(this->read_exactly(pair.client->get(), 4, &at_client));
    this->finish();
    EXPECT_EQ(at_client, "ping");
    EXPECT_FALSE((*pair.client)->own_records());
  }
}

// max_fragment_length (RFC 6066 section 4): what we send keeps to it.
TYPED_TEST(TlsHandshakeTest, APeerWithSmallRecordsGetsSmallRecords) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}});
  auto pair = this->raw_client(
      [](SSL_CTX* ctx) { SSL_CTX_set_tlsext_max_fragment_length(ctx, TLSEXT_max_fragment_length_512); });
  ASSERT_TRUE(pair.server.has_value());
  // Longer records than agreed on end the connection at the peer: record overflow.
  const std::string bytes = pattern(5000);
  std::string got;
  this->scope.spawn(this->write_all(pair.server->get(), bytes));
  auto all = [](TlsHandshakeTest<TypeParam>*, RawPeer* peer, std::string* out) -> Task<> {
    while (out->size() < 5000) {
      const std::string more = co_await peer->read();
      if (more.empty()) co_return;
      EXPECT_LE(more.size(), 512u);
      *out += more;
    }
  };
  this->scope.spawn(all(this, pair.peer.get(), &got));
  this->finish();
  EXPECT_TRUE(got == bytes) << got.size() << " " << pair.peer->error();
}

TYPED_TEST(TlsHandshakeTest, RenegotiationIsRefusedAndTheStreamGoesOn) {
  this->serve({.certificates = {this->leaf({"live.example.com"}).pair()}, .max_version = TlsVersion::tls1_2});
  auto pair = this->raw_client([](SSL_CTX*) {});
  ASSERT_TRUE(pair.server.has_value());
  SSL_renegotiate(pair.peer->ssl());
  SSL_do_handshake(pair.peer->ssl());
  this->scope.spawn(this->raw_flush(pair.peer.get()));
  this->finish();
  // The peer's ClientHello is answered by a warning, which a client may take for the end; ours to keep is the stream.
  int error = -1, wrote = -1;
  std::size_t size = 0;
  this->scope.spawn(this->read_once(pair.server->get(), &error, &size));
  std::string reply;
  this->scope.spawn(this->raw_read(pair.peer.get(), &reply));
  this->loop.run_until([&] { return this->scope.size() <= 1; });
  EXPECT_TRUE(has(pair.peer->error(), "no renegotiation")) << pair.peer->error();
  this->scope.spawn(this->write_all(pair.server->get(), "still here", &wrote));
  this->loop.run_until([&] { return wrote != -1; });
  EXPECT_EQ(wrote, 0);
  pair.peer->drop();
  this->finish();
}

}  // namespace
}  // namespace fairlead::net::testing
