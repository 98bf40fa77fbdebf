#pragma once
// What the TLS tests run on: a loop over the kernel or over a simulated network (same test text on both), connected
// pairs of streams, and a peer that speaks TLS by OpenSSL alone, to do what our own client never would.

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "net/acceptor.h"
#include "net/epoll_poller.h"
#include "net/event_loop.h"
#include "net/sim_poller.h"
#include "net/task_scope.h"
#include "net/testing/tls_certificates.h"
#include "net/tls_context.h"
#include "net/tls_openssl.h"
#include "net/tls_records.h"
#include "net/tls_stream.h"

namespace fairlead::net::testing {

inline SimOptions sim_options(std::uint64_t seed, Split split, double odd_eagain = 0) {
  SimOptions options;
  options.seed = seed;
  options.split = split;
  options.odd_eagain = odd_eagain;
  return options;
}

struct KernelNet {
  static constexpr bool kKernel = true, kBytewise = false, kOddEagain = false;
  EpollPoller poller;
};
struct SimRandomNet {
  static constexpr bool kKernel = false, kBytewise = false, kOddEagain = true;
  SimPoller poller{sim_options(20240611, Split::random, 0.02)};
};
// Nothing is cut, so what fits the buffers is the same every time.
struct SimWholeNet {
  static constexpr bool kKernel = false, kBytewise = false, kOddEagain = false;
  SimPoller poller{sim_options(3, Split::none)};
};
// Every read gives one byte and every write takes one.
struct SimBytewiseNet {
  static constexpr bool kKernel = false, kBytewise = true, kOddEagain = false;
  SimPoller poller{sim_options(7, Split::bytewise)};
};
// With our own records where TLS allows them, or with OpenSSL's everywhere: the same tests hold for both.
template <class Net>
struct Own : Net {
  static constexpr TlsRecordsKind kRecords = TlsRecordsKind::own;
};
template <class Net>
struct Library : Net {
  static constexpr TlsRecordsKind kRecords = TlsRecordsKind::openssl;
};

template <class Net>
constexpr TlsRecordsKind records_of() {
  if constexpr (requires { Net::kRecords; }) return Net::kRecords;
  return TlsRecordsKind::own;
}

// A selector over a list of contexts: the first that covers the name; without a name the first of all.
class ListSelector final : public TlsServerSelector {
 public:
  std::vector<std::shared_ptr<const TlsServerContext>> contexts;
  std::vector<std::string> asked;
  bool throws = false;
  TlsRecordsKind kind = TlsRecordsKind::own;
  TlsRecordsOptions records() const override { return {kind, &count}; }
  mutable TlsRecordsCount count;
  std::shared_ptr<const TlsServerContext> select(std::string_view sni) override {
    asked.emplace_back(sni);
    if (throws) throw std::runtime_error("selector");
    for (const auto& c : contexts) {
      if (sni.empty() || c->covers(sni)) return c;
    }
    return nullptr;
  }
};

// Owns the loop and drives tasks to their ends.
template <class Net>
class LoopHarness {
 public:
  using Accepted = base::Result<std::unique_ptr<TlsStream>>;

  LoopHarness() : loop(net.poller), scope(loop) {}

  // Runs until every spawned task is over. A test that hangs ends here, with its name, instead of in the runner's
  // timeout.
  void finish() {
    struct Guard final : Timer {
      Guard() : Timer([](Timer& t) { static_cast<Guard&>(t).fired = true; }) {}
      bool fired = false;
    } guard;
    loop.timers().set(guard, base::later(loop.now(), base::seconds(60)));
    loop.run_until([&] { return scope.size() == 0 || guard.fired; });
    if (scope.size() == 0) return;
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    std::fprintf(stderr, "%s.%s: %zu tasks never ended\n", info->test_suite_name(), info->name(), scope.size());
    std::abort();
  }

  TimePoint in(Duration d) const { return base::later(loop.now(), d); }

  struct TcpPair {
    std::unique_ptr<TcpStream> client, server;
  };
  // Two connected TCP streams.
  TcpPair tcp_pair() {
    TcpPair pair;
    Acceptor acceptor(
        loop,
        [&](int handle, const SocketAddress& peer) { pair.server = std::make_unique<TcpStream>(loop, handle, peer); },
        [](int error) { ADD_FAILURE() << error; });
    EXPECT_TRUE(acceptor.open(*SocketAddress::from_ip("127.0.0.1", 0), ListenOptions{}).has_value());
    scope.spawn(dial(acceptor.address(), &pair.client));
    loop.run_until([&] { return scope.size() == 0 && pair.server; });
    return pair;
  }
  Task<> dial(SocketAddress at, std::unique_ptr<TcpStream>* out) {
    auto connected = co_await connect_tcp(loop, at, base::kNever);
    EXPECT_TRUE(connected.has_value());
    if (connected) *out = std::move(*connected);
  }

  Task<> accept_into(std::unique_ptr<TcpStream> tcp, TlsServerSelector* selector, TimePoint deadline, StopToken stop,
                     Accepted* out) {
    *out = co_await tls_accept(std::move(tcp), *selector, deadline, stop);
  }
  Task<> connect_into(std::unique_ptr<TcpStream> tcp, std::shared_ptr<const TlsClientContext> context, std::string name,
                      TimePoint deadline, StopToken stop, Accepted* out) {
    *out = co_await tls_connect(std::move(tcp), std::move(context), std::move(name), deadline, stop,
                                TlsRecordsOptions{records_of<Net>(), nullptr});
  }

  // Both sides of a handshake, or the errors of both.
  struct TlsPair {
    Accepted client = base::fail(base::Code::internal, base::Side::none, "not run");
    Accepted server = base::fail(base::Code::internal, base::Side::none, "not run");
  };
  TlsPair shake(TlsServerSelector& selector, std::shared_ptr<const TlsClientContext> context, std::string name) {
    TlsPair pair;
    TcpPair tcp = tcp_pair();
    scope.spawn(accept_into(std::move(tcp.server), &selector, in(base::seconds(30)), {}, &pair.server));
    scope.spawn(connect_into(std::move(tcp.client), std::move(context), std::move(name), in(base::seconds(30)), {},
                             &pair.client));
    finish();
    return pair;
  }

  // Reads until the end (or an error, stored in *error).
  Task<> read_all(ByteStream* stream, std::string* out, int* error = nullptr) {
    for (;;) {
      const Chunk c = co_await stream->read();
      if (c.ended()) {
        if (error) *error = c.error;
        co_return;
      }
      out->append(c.view());
    }
  }
  Task<> read_exactly(ByteStream* stream, std::size_t size, std::string* out) {
    while (out->size() < size) {
      const Chunk c = co_await stream->read(size - out->size());
      EXPECT_FALSE(c.ended()) << c.error;
      if (c.ended()) co_return;
      out->append(c.view());
    }
  }
  Task<> write_all(ByteStream* stream, std::string bytes, int* error = nullptr) {
    const int e = co_await stream->write(bytes);
    if (error) {
      *error = e;
    } else {
      EXPECT_EQ(e, 0);
    }
  }
  Task<> read_once(ByteStream* stream, int* error, std::size_t* size) {
    const Chunk c = co_await stream->read();
    *error = c.error;
    *size = c.size;
  }

  Net net;
  EventLoop loop;
  TaskScope scope;
};

template <class Net>
class LoopTest : public ::testing::Test, public LoopHarness<Net> {};

// Bytes that repeat only after a long while, the same for a seed.
inline std::string pattern(std::size_t size, std::uint64_t seed = 1) {
  SimRandom random(seed);
  std::string s(size, '\0');
  for (char& c : s) c = static_cast<char>(random.next());
  return s;
}

// TLS by OpenSSL over memory, carried over a TcpStream: a peer that is not our code.
class RawPeer {
 public:
  RawPeer(std::unique_ptr<TcpStream> tcp, const std::function<void(SSL_CTX*)>& configure, bool server = false)
      : tcp_(std::move(tcp)), ctx_(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())) {
    SSL_CTX_set_security_level(ctx_.get(), 0);
    configure(ctx_.get());
    ssl_.reset(SSL_new(ctx_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  }
  SSL* ssl() { return ssl_.get(); }
  TcpStream& tcp() { return *tcp_; }
  const std::string& error() const { return error_; }
  void drop() { tcp_.reset(); }

  // True when done; false with error() otherwise.
  Task<bool> handshake() {
    for (;;) {
      ERR_clear_error();
      const int r = SSL_do_handshake(ssl_.get());
      const int why = SSL_get_error(ssl_.get(), r);
      if (r != 1 && why != SSL_ERROR_WANT_READ) error_ = take_openssl_error();
      if (!co_await flush()) co_return false;
      if (r == 1) co_return true;
      if (why != SSL_ERROR_WANT_READ) co_return false;
      if (!co_await feed()) co_return false;
    }
  }
  // Reads once: the bytes, or empty at the end.
  Task<std::string> read() {
    char buffer[16384];
    for (;;) {
      ERR_clear_error();
      const int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (n > 0) co_return std::string(buffer, static_cast<std::size_t>(n));
      const int why = SSL_get_error(ssl_.get(), n);
      if (why != SSL_ERROR_WANT_READ) {
        error_ = take_openssl_error(why == SSL_ERROR_ZERO_RETURN ? "close_notify" : "?");
        co_await flush();
        co_return std::string();
      }
      if (!co_await flush()) co_return std::string();
      if (!co_await feed()) co_return std::string();
    }
  }
  Task<bool> write(std::string bytes) {
    SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    co_return co_await flush();
  }
  // What OpenSSL wants to send, onto the wire.
  Task<bool> flush() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    const std::string bytes(data, static_cast<std::size_t>(size));
    (void)BIO_reset(out_);
    if (bytes.empty()) co_return true;
    const int e = co_await tcp_->write(bytes);
    co_return e == 0;
  }

 private:
  Task<bool> feed() {
    const Chunk c = co_await tcp_->read();
    if (c.ended()) {
      if (error_.empty()) error_ = c.error == 0 ? "end of stream" : "connection failed";
      co_return false;
    }
    BIO_write(in_, c.data, static_cast<int>(c.size));
    co_return true;
  }

  struct SslFree {
    void operator()(SSL* s) const { SSL_free(s); }
  };
  std::unique_ptr<TcpStream> tcp_;
  SslCtxPtr ctx_;
  std::unique_ptr<SSL, SslFree> ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::string error_;
};

}  // namespace fairlead::net::testing
