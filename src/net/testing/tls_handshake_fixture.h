#pragma once
// The fixture of the handshake and resumption tests: an authority, contexts served by name, and handshakes with our own
// client or with OpenSSL's. The networks these tests run on are listed here.

#include <memory>
#include <string>
#include <type_traits>

#include "net/testing/tls_fixture.h"

namespace fairlead::net::testing {

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

template <class Net>
class TlsHandshakeTest : public LoopTest<Net> {
 public:
  TlsHandshakeTest() : authority(make_certificate({.common_name = "Test CA", .authority = true})) {
    selector.kind = Net::kRecords;
  }

  TestCertificate leaf(std::vector<std::string> names, KeyKind key = KeyKind::ecdsa) {
    const std::string common = names.front();
    return make_certificate({.common_name = common, .names = std::move(names), .key = key}, &authority);
  }
  std::shared_ptr<const TlsServerContext> serve(TlsServerOptions options) {
    auto made = TlsServerContext::create(options);
    EXPECT_TRUE(made.has_value()) << base::describe(made.error());
    selector.contexts.push_back(*made);
    return *made;
  }
  std::shared_ptr<const TlsClientContext> trusting(TlsClientOptions options = {}) {
    if (options.ca_pem.empty()) options.ca_pem = authority.pem;
    auto made = TlsClientContext::create(options);
    EXPECT_TRUE(made.has_value()) << base::describe(made.error());
    return *made;
  }
  // The server's end of a handshake with a peer that is not our code.
  struct RawPair {
    std::unique_ptr<RawPeer> peer;
    typename LoopTest<Net>::Accepted server = base::fail(base::Code::internal, base::Side::none, "not run");
    bool shook = false;
  };
  Task<> run_handshake(RawPeer* peer, bool* out) { *out = co_await peer->handshake(); }
  RawPair raw_client(const std::function<void(SSL_CTX*)>& configure, const std::function<void(SSL*)>& before = {}) {
    RawPair pair;
    auto tcp = this->tcp_pair();
    pair.peer = std::make_unique<RawPeer>(std::move(tcp.client), configure);
    if (before) before(pair.peer->ssl());
    this->scope.spawn(
        this->accept_into(std::move(tcp.server), &selector, this->in(base::seconds(30)), {}, &pair.server));
    this->scope.spawn(run_handshake(pair.peer.get(), &pair.shook));
    this->finish();
    return pair;
  }
  // The other way round: our client's end of a handshake with such a peer, whose certificate `served` is.
  struct RawServed {
    std::unique_ptr<RawPeer> peer;
    typename LoopTest<Net>::Accepted client = base::fail(base::Code::internal, base::Side::none, "not run");
    bool shook = false;
  };
  RawServed raw_server(const TestCertificate& served, const std::function<void(SSL_CTX*)>& configure = {}) {
    RawServed pair;
    auto tcp = this->tcp_pair();
    pair.peer = std::make_unique<RawPeer>(
        std::move(tcp.server),
        [&](SSL_CTX* ctx) {
          const TlsKeyPair texts = served.pair();
          EXPECT_TRUE(use_key_pair(ctx, *parse_key_pair(texts.chain_pem, texts.key_pem)));
          if (configure) configure(ctx);
        },
        true);
    this->scope.spawn(run_handshake(pair.peer.get(), &pair.shook));
    this->scope.spawn(this->connect_into(std::move(tcp.client), trusting(), "live.example.com",
                                         this->in(base::seconds(30)), {}, &pair.client));
    this->finish();
    return pair;
  }
  // What the peer of a refused handshake was told. An alert is sent once: a network that takes nothing just then loses
  // it.
  void expect_alert(const RawPair& pair, std::string_view words) {
    const std::string& said = pair.peer->error();
    EXPECT_TRUE(has(said, words) || (Net::kOddEagain && has(said, "end of stream"))) << said;
  }
  Task<> raw_read(RawPeer* peer, std::string* out) { *out = co_await peer->read(); }
  Task<> raw_write(RawPeer* peer, std::string bytes) { EXPECT_TRUE(co_await peer->write(std::move(bytes))); }
  Task<> raw_flush(RawPeer* peer) { EXPECT_TRUE(co_await peer->flush()); }

  TestCertificate authority;
  ListSelector selector;
};

using TlsNets = ::testing::Types<Own<KernelNet>, Own<SimRandomNet>, Own<SimBytewiseNet>, Library<KernelNet>,
                                 Library<SimRandomNet>, Library<SimBytewiseNet>>;
struct TlsNetNames {
  template <class T>
  static std::string GetName(int) {
    const std::string network = T::kKernel ? "Kernel" : T::kBytewise ? "SimBytewise" : "SimRandom";
    return network + (T::kRecords == TlsRecordsKind::own ? "Own" : "Library");
  }
};
}  // namespace fairlead::net::testing
