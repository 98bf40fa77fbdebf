// The handshakes of TlsStream: waiting for them with a date and a stop, choosing the domain's context during the
// ClientHello, and turning what went wrong into an Error.

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "net/tls_hooks.h"
#include "net/tls_openssl.h"
#include "net/tls_own_records.h"
#include "net/tls_stream.h"

namespace fairlead::net {

using base::Code;
using base::Error;
using base::Side;

// One handshake in progress, in the frame of tls_accept or tls_connect. Awaiting it gives the Error, Code::ok for
// success.
class TlsStream::Handshake final : Timer {
 public:
  Handshake(TlsStream& stream, TlsServerSelector* selector, TimePoint deadline, StopToken stop)
      : Timer([](Timer& t) { static_cast<Handshake&>(t).expire(); }),
        stream_(stream),
        selector_(selector),
        deadline_(deadline),
        stop_(stop, OnStop{this}) {
    stream_.handshake_ = this;
  }
  ~Handshake() { stream_.handshake_ = nullptr; }

  bool await_ready() {
    if (!over_) go_on();
    return over_;
  }
  void await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    stream_.loop().timers().set(*this, deadline_);
  }
  Error await_resume() { return std::move(error_); }

  // Whether the readiness that was reported is still of interest.
  bool step(Events events) {
    if (over_) return false;
    go_on();
    if (over_) return false;
    // Readiness of the kind that does not help now is taken off by the caller.
    return (events & kWritable) ? wants_ == kWritable : wants_ == kReadable;
  }

  TlsServerSelector* selector() const { return selector_; }
  void refuse_name(std::string name) {
    refused_ = true;
    stream_.server_name_ = std::move(name);
  }

 private:
  struct OnStop {
    Handshake* self;
    void operator()() const { self->finish(Error(Code::cancelled, self->side(), "TLS handshake")); }
  };

  Side side() const { return selector_ ? Side::client : Side::origin; }
  base::Retry retry() const { return selector_ ? base::Retry::never : base::Retry::elsewhere; }
  std::string whose() const {
    std::string text = fmt::format("TLS handshake with {}", stream_.peer().to_string());
    if (!stream_.server_name_.empty()) text += fmt::format(" for {}", stream_.server_name_);
    return text;
  }

  void expire() { finish(Error(Code::timeout, side(), whose() + ": took too long", retry())); }

  // One step as far as the bytes at hand allow. Never resumes the waiter itself.
  void go_on() {
    clear_openssl_errors();
    const int result = SSL_do_handshake(stream_.ssl_.get());
    if (result == 1) {
      if (!stream_.takeover_) {
        stream_.stay_with_library();
      } else if (selector_ || SSL_version(stream_.ssl_.get()) != TLS1_3_VERSION) {
        stream_.take_over();
      }  // else later: the session tickets, by which the next connection resumes, are still to come
      // Bytes of the application that came with the last flight are here already; no readiness tells of them.
      stream_.buffered_ = stream_.own_ ? !stream_.own_->input.empty() : stream_.holds_input();
      finish(Error(Code::ok, Side::none));
      return;
    }
    switch (stream_.judge(result)) {
      case Outcome::wants_read: wait_for(kReadable); break;
      case Outcome::wants_write: wait_for(kWritable); break;
      case Outcome::ended:
      case Outcome::ended_bare:
        finish(Error(Code::closed, side(), whose() + ": the peer closed the connection", retry()));
        break;
      case Outcome::failed_below: {
        Error e = base::from_errno(stream_.io_error_, side(), whose());
        e.retry = retry();
        finish(std::move(e));
        break;
      }
      case Outcome::failed: finish(refusal()); break;
    }
  }

  void wait_for(Events events) {
    wants_ = events;
    stream_.want(events);
    if (stream_.cancelled()) finish(base::from_errno(ENOMEM, Side::edge, whose()));
  }

  // What OpenSSL's refusal was about: a name of no domain, a certificate, or TLS itself.
  Error refusal() const {
    if (refused_) {
      return Error(Code::not_found, side(),
                   fmt::format("TLS handshake with {}: no domain for server name '{}'", stream_.peer().to_string(),
                               stream_.server_name_));
    }
    const long verdict = SSL_get_verify_result(stream_.ssl_.get());
    if (!selector_ && verdict != X509_V_OK && stream_.client_context_->options().verify) {
      return Error(Code::certificate, side(), fmt::format("{}: {}", whose(), X509_verify_cert_error_string(verdict)),
                   retry());
    }
    return Error(Code::tls, side(), fmt::format("{}: {}", whose(), stream_.failure_text()), retry());
  }

  void finish(Error error) {
    if (over_) return;
    over_ = true;
    error_ = std::move(error);
    cancel();
    // Resumed by the loop: this runs inside the stream's own on_ready.
    if (waiter_) stream_.loop().ready(std::exchange(waiter_, {}));
  }

  TlsStream& stream_;
  TlsServerSelector* selector_;
  TimePoint deadline_;
  std::coroutine_handle<> waiter_;
  Error error_{Code::ok, Side::none};
  Events wants_ = 0;
  bool over_ = false;
  bool refused_ = false;
  StopCallback<OnStop> stop_;  // last: it may call finish() while it is built
};

bool TlsStream::step_handshake(Events events) { return handshake_->step(events); }

// Makes the SSL object over this stream's own BIO.
bool TlsStream::start(ssl_ctx_st* context, bool server, const TlsRecordsOptions& records) {
  count_ = records.count;
  if (records.kind == TlsRecordsKind::own) {
    try {
      TlsScratch::mine();
      takeover_.reset(new TlsTakeover(server));
    } catch (const std::bad_alloc&) {
      // OpenSSL's records then, if there is memory for those.
    }
  }
  ssl_.reset(context ? SSL_new(context) : nullptr);
  BIO* bio = ssl_ ? TlsStreamHooks::new_bio(this) : nullptr;
  if (!bio) return false;
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  if (takeover_) SSL_set_msg_callback(ssl_.get(), TlsStreamHooks::on_message);
  if (server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
  return true;
}

SSL_CTX* TlsStreamHooks::accepting_context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* c = SSL_CTX_new(TLS_server_method());
    if (!c || !set_common_options(c)) {
      SSL_CTX_free(c);
      return static_cast<SSL_CTX*>(nullptr);
    }
    SSL_CTX_set_client_hello_cb(c, on_client_hello, nullptr);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(c, on_ticket);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    // A ticket lives as long as the keys that open it are sure to.
    SSL_CTX_set_timeout(c, static_cast<long>(2 * TlsTicketKeys::kPeriod / base::seconds(1)));
    return c;
  }();
  return context;
}

bool TlsServerAccess::apply(SSL* ssl, const TlsServerContext& context) {
  const bool tickets = context.ticket_keys_ != nullptr;
  // Without keys of ours OpenSSL would seal tickets with its own, per context and never rotated.
  if (!tickets) SSL_set_options(ssl, SSL_OP_NO_TICKET);
  return SSL_set_SSL_CTX(ssl, context.ctx_) != nullptr &&
         SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(context.scope_.data()),
                                    static_cast<unsigned>(context.scope_.size())) == 1 &&
         SSL_set_min_proto_version(ssl, native_version(context.min_ == TlsVersion::tls1_3)) == 1 &&
         SSL_set_max_proto_version(ssl, native_version(context.max_ == TlsVersion::tls1_3)) == 1 &&
         SSL_set_num_tickets(ssl, tickets ? 2 : 0) == 1;
}

namespace {

// The host_name of a server_name extension (RFC 6066 section 3): a list of one name, 16-bit lengths. False: malformed.
bool parse_server_name(const unsigned char* data, std::size_t size, std::string* name) {
  if (size < 5) return false;
  const std::size_t list = static_cast<std::size_t>(data[0]) << 8 | data[1];
  const std::size_t length = static_cast<std::size_t>(data[3]) << 8 | data[4];
  if (list + 2 != size || data[2] != TLSEXT_NAMETYPE_host_name || length + 5 != size) return false;
  if (length == 0 || length > TLSEXT_MAXLEN_host_name) return false;
  name->assign(reinterpret_cast<const char*>(data) + 5, length);
  if (name->find('\0') != std::string::npos) return false;
  if (name->ends_with('.')) name->pop_back();
  std::transform(name->begin(), name->end(), name->begin(), [](unsigned char c) { return std::tolower(c); });
  return true;
}

}  // namespace

int TlsStreamHooks::on_client_hello(SSL* ssl, int* alert, void*) {
  TlsStream& s = stream(ssl);
  std::string name;
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  std::shared_ptr<const TlsServerContext> chosen;
  try {
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) == 1 &&
        !parse_server_name(data, size, &name)) {
      *alert = SSL_AD_DECODE_ERROR;
      return SSL_CLIENT_HELLO_ERROR;
    }
    chosen = s.handshake_->selector()->select(name);
  } catch (...) {
    // Nothing may fly through OpenSSL's frames.
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (!chosen) {
    s.handshake_->refuse_name(std::move(name));
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (!TlsServerAccess::apply(ssl, *chosen)) {
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  s.server_name_ = std::move(name);
  s.server_context_ = std::move(chosen);
  return SSL_CLIENT_HELLO_SUCCESS;
}

int TlsStreamHooks::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                              EVP_MAC_CTX* mac, int seal) {
  const TlsStream& s = stream(ssl);
  const TlsTicketKeys* keys = s.server_context_ ? TlsServerAccess::ticket_keys(*s.server_context_) : nullptr;
  if (!keys) return 0;  // no ticket is made, none is accepted
  if (seal) return keys->seal(name, iv, cipher, mac) ? 1 : -1;
  switch (keys->open(name, iv, cipher, mac)) {
    case TlsTicketKeys::Opened::yes: return 1;
    case TlsTicketKeys::Opened::yes_but_renew: return 2;
    case TlsTicketKeys::Opened::no: break;
  }
  return 0;
}

Task<base::Result<std::unique_ptr<TlsStream>>> tls_accept(std::unique_ptr<TcpStream> tcp, TlsServerSelector& selector,
                                                          TimePoint deadline, StopToken stop) {
  // These reads complete at once: they only fetch what was put back.
  std::unique_ptr<std::string> early;
  while (tcp->has_unread()) {
    const Chunk c = co_await tcp->read();
    if (c.ended()) co_return std::unexpected(base::from_errno(c.error, Side::client, "TLS handshake"));
    if (!early) early = std::make_unique<std::string>();
    early->append(c.view());
  }
  WireCount* const wire = tcp->wire();
  std::unique_ptr<TlsStream> stream(new TlsStream(*tcp));
  tcp.reset();
  stream->count_wire(wire);
  stream->early_ = std::move(early);
  if (!stream->start(TlsStreamHooks::accepting_context(), true, selector.records())) {
    co_return base::fail(Code::internal, Side::edge, "TLS: " + take_openssl_error());
  }
  Error error;
  {
    TlsStream::Handshake handshake(*stream, &selector, deadline, stop);
    error = co_await handshake;
  }
  if (error.code != Code::ok) co_return std::unexpected(std::move(error));
  co_return stream;
}

// What tls_connect needs beyond the handshake itself: the name as SNI and as what the certificate must cover.
bool TlsStream::expect_server(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  server_name_ = std::move(name);
  SSL* ssl = ssl_.get();
  // RFC 6066 section 3: literal addresses are not permitted in server_name; RFC 6125 has them compared as such.
  if (const auto ip = SocketAddress::from_ip(server_name_, 0)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), ip->ip().c_str()) != 1) return false;
  } else if (!server_name_.empty()) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(ssl, server_name_.c_str()) != 1) return false;
    if (SSL_set_tlsext_host_name(ssl, server_name_.c_str()) != 1) return false;
  }
  TlsClientAccess::resume(*client_context_, session_key(), ssl);
  return true;
}

Task<base::Result<std::unique_ptr<TlsStream>>> tls_connect(std::unique_ptr<TcpStream> tcp,
                                                           std::shared_ptr<const TlsClientContext> context,
                                                           std::string server_name, TimePoint deadline, StopToken stop,
                                                           TlsRecordsOptions records) {
  std::unique_ptr<TlsStream> stream(new TlsStream(*tcp));
  tcp.reset();
  stream->client_context_ = std::move(context);
  // Without a name there is nothing to compare the certificate with, and OpenSSL would accept anybody's.
  if (server_name.empty() && stream->client_context_->options().verify) {
    co_return base::fail(Code::certificate, Side::origin, "TLS verification needs a server name");
  }
  if (!stream->start(TlsClientAccess::native(*stream->client_context_), false, records) ||
      !stream->expect_server(std::move(server_name))) {
    co_return base::fail(Code::internal, Side::edge, "TLS: " + take_openssl_error());
  }
  Error error;
  {
    TlsStream::Handshake handshake(*stream, nullptr, deadline, stop);
    error = co_await handshake;
  }
  if (error.code != Code::ok) co_return std::unexpected(std::move(error));
  stream->keep_renewed_session();
  co_return stream;
}

// In TLS 1.2 a ticket that the server renewed on resumption is not reported by OpenSSL's callback.
void TlsStream::keep_renewed_session() const {
  if (!resumed() || SSL_version(ssl_.get()) >= TLS1_3_VERSION) return;
  TlsClientAccess::store(*client_context_, session_key(), SSL_get1_session(ssl_.get()));
}

}  // namespace fairlead::net
