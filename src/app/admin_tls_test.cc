// The admin server over TLS, with OpenSSL for a client.

#include <latch>
#include <thread>

#include "app/admin_server.h"
#include "app/testing/admin_client.h"
#include "net/testing/tls_certificates.h"

namespace fairlead::app {
namespace {

using control::ApiRequest;
using control::ApiResponse;
using testing::AdminClient;
using testing::Answer;

model::AdminTls certificate(const std::string& name) {
  const net::TlsKeyPair pair = net::testing::make_identity({name}).pair();
  return {pair.chain_pem, pair.key_pem};
}

class AdminTlsTest : public ::testing::Test {
 protected:
  AdminTlsTest() {
    handlers_.metrics = [this] { return page_; };
    handlers_.ready_reason = [] { return std::string(); };
    handlers_.ready = [] { return true; };
    handlers_.api = [this](const ApiRequest& request) {
      return ApiResponse{200, {{"x-secure", request.secure ? "1" : "0"}, {"x-tls", request.tls ? "1" : "0"}}, request.path + request.body + page_};
    };
  }
  ~AdminTlsTest() override { server_.stop(); }
  void start(const std::string& address = "127.0.0.1:0") {
    const auto started = server_.start(address, certificate("one.example.com"), handlers_);
    ASSERT_TRUE(started) << base::describe(started.error());
  }
  std::string name_shown() {
    AdminClient client(server_.address(), AdminClient::Tls::yes);
    return client.shake() ? client.server_name() : "";
  }

  std::string page_;
  AdminServer::Handlers handlers_;
  AdminServer server_;
};

TEST_F(AdminTlsTest, BothVersionsAndAConnectionThatStays) {
  start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    AdminClient client(server_.address(), AdminClient::Tls::yes);
    SSL_set_min_proto_version(client.ssl(), version);
    SSL_set_max_proto_version(client.ssl(), version);
    ASSERT_TRUE(client.shake());
    EXPECT_EQ(client.server_name(), "one.example.com");
    for (int i = 0; i < 20; ++i) {
      const Answer a = client.ask("POST", "/v1/x", "", "hello");
      EXPECT_EQ(a.body, "/v1/xhello");
      EXPECT_EQ(a.fields.at("x-secure"), "1");
      EXPECT_EQ(a.fields.at("x-tls"), "1");
      EXPECT_EQ(a.fields.at("strict-transport-security"), "max-age=31536000");
    }
    EXPECT_EQ(client.ask("GET", "/v1/x", "Connection: close\r\n").status, 200);
    EXPECT_EQ(client.to_end(), "");
    EXPECT_TRUE(client.ended());  // with close_notify
  }
}

TEST_F(AdminTlsTest, OldVersionsAndOtherProtocolsAreRefused) {
  start();
  AdminClient old(server_.address(), AdminClient::Tls::yes);
  SSL_set_security_level(old.ssl(), 0);  // so that the client itself would
  SSL_set_min_proto_version(old.ssl(), TLS1_1_VERSION);
  SSL_set_max_proto_version(old.ssl(), TLS1_1_VERSION);
  EXPECT_FALSE(old.shake());
  AdminClient h2(server_.address(), AdminClient::Tls::yes);
  SSL_set_alpn_protos(h2.ssl(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  EXPECT_FALSE(h2.shake());
  AdminClient both(server_.address(), AdminClient::Tls::yes);
  SSL_set_alpn_protos(both.ssl(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"), 12);
  ASSERT_TRUE(both.shake());
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.ssl(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
  EXPECT_EQ(both.ask("GET", "/healthz").body, "ok\n");
}

TEST_F(AdminTlsTest, HttpInTheClearGetsNothing) {
  start();
  AdminClient plain(server_.address());
  plain.send("GET /v1/x HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(plain.to_end().find("HTTP/"), std::string::npos);
  EXPECT_EQ(name_shown(), "one.example.com");
}

TEST_F(AdminTlsTest, LargeBodiesBothWays) {
  page_ = std::string(8u << 20, 'p');
  start();
  AdminClient client(server_.address(), AdminClient::Tls::yes);
  ASSERT_TRUE(client.shake());
  const std::string body(AdminServer::kMaxPayload, 'b');
  const Answer a = client.ask("PUT", "/v1/x", "", body);
  EXPECT_EQ(a.body, "/v1/x" + body + page_);
  EXPECT_EQ(client.ask("GET", "/metrics").body, page_);
}

// What OpenSSL has read ahead is no reason to wait for the socket.
TEST_F(AdminTlsTest, RequestsMayBeSentAhead) {
  start();
  AdminClient client(server_.address(), AdminClient::Tls::yes);
  ASSERT_TRUE(client.shake());
  std::string ahead;
  for (int i = 0; i < 20; ++i) ahead += fmt::format("GET /v1/{} HTTP/1.1\r\nHost: a\r\n\r\n", i);
  client.send(ahead);                // in one record
  client.send(ahead.substr(0, 40));  // and in several
  client.send(ahead.substr(40));
  const auto began = base::monotonic_now();
  for (int i = 0; i < 40; ++i) EXPECT_EQ(client.answer().body, fmt::format("/v1/{}", i % 20));
  EXPECT_LT(base::monotonic_now() - began, AdminServer::kIdle / 2);
}

TEST_F(AdminTlsTest, ANewCertificateDisturbsNobody) {
  start();
  AdminClient before(server_.address(), AdminClient::Tls::yes);
  ASSERT_TRUE(before.shake());
  EXPECT_EQ(before.ask("GET", "/v1/x").status, 200);
  ASSERT_TRUE(server_.replace_tls(certificate("two.example.com")));
  EXPECT_EQ(name_shown(), "two.example.com");
  EXPECT_EQ(before.ask("GET", "/v1/x").status, 200);
  EXPECT_EQ(before.server_name(), "one.example.com");

  model::AdminTls mixed = certificate("three.example.com");
  mixed.key_pem = net::testing::make_identity({"four.example.com"}).pair().key_pem;
  const auto refused = server_.replace_tls(mixed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::malformed);
  EXPECT_EQ(name_shown(), "two.example.com");
  EXPECT_FALSE(server_.replace_tls({}));
}

TEST_F(AdminTlsTest, TlsIsNotTurnedOnOrOffMeanwhile) {
  ASSERT_TRUE(server_.start("127.0.0.1:0", handlers_));
  const auto replaced = server_.replace_tls(certificate("one.example.com"));
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().code, base::Code::unsupported);
  AdminServer never;
  EXPECT_FALSE(never.replace_tls(certificate("one.example.com")));
}

TEST_F(AdminTlsTest, WhereItMayListen) {
  start("0.0.0.0:0");  // an API, and the world can reach it
  EXPECT_EQ(AdminServer().start("unix:/tmp/fairlead-never.sock", certificate("x"), handlers_).error().code,
            base::Code::unsupported);
  EXPECT_EQ(AdminServer().start("127.0.0.1:0", {"no certificate", "no key"}, handlers_).error().code,
            base::Code::malformed);
}

// Two that hold their handshakes up, one silent and one half-way, are cut at the date of a handshake.
TEST_F(AdminTlsTest, AHandshakeHasADate) {
  start();
  AdminClient silent(server_.address()), half(server_.address());
  half.send(std::string("\x16\x03\x01\x02\x00\x01", 6));  // a record's head: 512 bytes of a ClientHello to come
  const auto began = base::monotonic_now();
  EXPECT_EQ(name_shown(), "one.example.com");
  EXPECT_EQ(silent.to_end(), "");
  EXPECT_EQ(half.to_end(), "");
  const auto took = base::monotonic_now() - began;
  EXPECT_GE(took, AdminServer::kDeadline - base::seconds(1));
  EXPECT_LT(took, AdminServer::kDeadline + base::seconds(4));
}

TEST_F(AdminTlsTest, StopWaitsForNoHandshakeAndNoIdleConnection) {
  start();
  AdminClient silent(server_.address()), idle(server_.address(), AdminClient::Tls::yes);
  ASSERT_TRUE(idle.shake());
  EXPECT_EQ(idle.ask("GET", "/v1/x").status, 200);
  const auto began = base::monotonic_now();
  server_.stop();
  EXPECT_LT(base::monotonic_now() - began, AdminServer::kDeadline / 2);
}

TEST_F(AdminTlsTest, Streams) {
  std::latch told(1);
  handlers_.api = [&](const ApiRequest&) {
    return ApiResponse{200, {{"content-type", "text/event-stream"}}, {}, [&](control::ApiSink& sink) {
                         sink.write("data: 1\n\n");
                         if (sink.wait(std::chrono::hours(1))) return true;
                         told.count_down();
                         return false;
                       }};
  };
  start();
  {
    AdminClient client(server_.address(), AdminClient::Tls::yes);
    ASSERT_TRUE(client.shake());
    client.send("GET /v1/stream HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.head().fields.at("transfer-encoding"), "chunked");
    EXPECT_EQ(client.until("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  }
  told.wait();
}

TEST_F(AdminTlsTest, ManyClientsAndACertificateThatChanges) {
  start();
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> clients;
    for (int t = 0; t < 6; ++t) {
      clients.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          AdminClient client(server_.address(), AdminClient::Tls::yes);
          if (!client.shake()) continue;
          for (int j = 0; j < 3; ++j) good += client.ask("GET", "/v1/x").body == "/v1/x";
        }
      });
    }
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(server_.replace_tls(certificate(i % 2 ? "one" : "two")));
  }
  EXPECT_GE(good, 60);  // an answer may end its connection while others wait, which costs the requests after it
}

}  // namespace
}  // namespace fairlead::app
