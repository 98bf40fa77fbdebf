#include "net/tls_context.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <mutex>
#include <set>

#include "net/tls_hooks.h"
#include "net/tls_openssl.h"

namespace fairlead::net {
namespace {

using base::Code;
using base::Side;

// Forward secrecy and AEAD only; AES-128 first because it is quickest and strong enough. A client without AES
// instructions puts ChaCha first, and then so do we (SSL_OP_PRIORITIZE_CHACHA).
constexpr const char* kServerCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
// Towards origins, which are not always ours to upgrade, CBC suites come last instead of never.
constexpr const char* kClientCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES";
constexpr const char* kCipherSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

auto internal_error() { return base::fail(Code::internal, Side::edge, "TLS context: " + take_openssl_error()); }

// RFC 7301 section 3.1: names of 1 to 255 bytes, each after its length.
base::Result<std::string> alpn_wire(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) {
      return base::fail(Code::unsupported, Side::config, "an ALPN name has 1 to 255 bytes");
    }
    wire += static_cast<char>(name.size());
    wire += name;
  }
  if (wire.size() > 65535) return base::fail(Code::unsupported, Side::config, "too many ALPN names");
  return wire;
}

// `wire` is the chosen context's list; it lives as long as the context, which the stream holds.
int on_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
            unsigned offered_size, void* wire) {
  const auto& mine = *static_cast<const std::string*>(wire);
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(mine.data()),
                                          static_cast<unsigned>(mine.size()), offered, offered_size);
  *out = chosen;
  // RFC 7301 section 3.2: nothing in common ends the handshake with no_application_protocol.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Two certificates with keys of one of these would silently replace each other inside a context.
std::string_view key_family(const CertificateInfo& info) {
  return std::string_view(info.key_type).substr(0, info.key_type.find(' '));
}

// What tickets are bound to, as OpenSSL's session id context (at most 32 bytes): a hash of the domain's name. The two
// prefixes keep a name from looking like a list of certificates.
std::string scope_of(const TlsServerOptions& options, const std::vector<ParsedKeyPair>& pairs) {
  std::string text = "name:" + options.session_scope;
  if (options.session_scope.empty()) {
    text = "certificates:";
    for (const ParsedKeyPair& pair : pairs) {
      unsigned char digest[EVP_MAX_MD_SIZE];
      unsigned size = 0;
      if (X509_digest(pair.chain.front().get(), EVP_sha256(), digest, &size) == 1) {
        text.append(reinterpret_cast<char*>(digest), size);
      }
    }
  }
  std::string scope(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(scope.data()));
  return scope;
}

// The system's CAs, once per process: 150 certificates for each of 10,000 domains would be a gigabyte.
X509_STORE* system_store() {
  static X509_STORE* const store = [] {
    X509_STORE* s = X509_STORE_new();
    if (s && X509_STORE_set_default_paths(s) != 1) {
      X509_STORE_free(s);
      s = nullptr;
    }
    clear_openssl_errors();
    return s;
  }();
  return store;
}

}  // namespace

bool set_common_options(SSL_CTX* ctx) {
  // Explicit, so that what the machine's openssl.cnf says does not decide what a client meets.
  SSL_CTX_set_security_level(ctx, 2);
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(ctx, 1);
  // Asked of the stream, which has somewhere to put them only while its records are to be taken over.
  SSL_CTX_set_keylog_callback(ctx, TlsStreamHooks::on_secret);
  return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 && SSL_CTX_set_ciphersuites(ctx, kCipherSuites) == 1;
}

int native_version(bool tls1_3) { return tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION; }

std::string_view TlsServerAccess::alpn_name(const TlsServerContext& context, std::string_view chosen) {
  const std::string_view wire = context.alpn_wire_;
  for (std::size_t at = 0; at < wire.size();) {
    const std::size_t size = static_cast<unsigned char>(wire[at]);
    if (wire.substr(at + 1, size) == chosen) return wire.substr(at + 1, size);
    at += 1 + size;
  }
  return {};
}

std::string_view TlsClientAccess::alpn_name(const TlsClientContext& context, std::string_view chosen) {
  for (const std::string& name : context.options_.alpn) {
    if (name == chosen) return name;
  }
  return {};
}

base::Result<std::shared_ptr<const TlsServerContext>> TlsServerContext::create(const TlsServerOptions& options) {
  if (options.certificates.empty()) return base::fail(Code::malformed, Side::config, "TLS needs a certificate");
  if (options.min_version > options.max_version) {
    return base::fail(Code::unsupported, Side::config, "the lowest TLS version is above the highest");
  }
  std::shared_ptr<TlsServerContext> context(new TlsServerContext);
  context->ctx_ = SSL_CTX_new(TLS_server_method());
  SSL_CTX* ctx = context->ctx_;
  if (!ctx || !set_common_options(ctx)) return internal_error();
  // Tickets carry the sessions; a cache on our side would be memory that an attacker fills.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  const std::string ciphers = options.ciphers.empty() ? kServerCiphers : options.ciphers;
  if (SSL_CTX_set_cipher_list(ctx, ciphers.c_str()) != 1) {
    return base::fail(Code::unsupported, Side::config,
                      fmt::format("no usable cipher in '{}': {}", ciphers, take_openssl_error()));
  }

  // Each key type has its own place in the context; OpenSSL picks by the client's signature algorithms.
  std::vector<ParsedKeyPair> pairs;
  std::set<std::string_view> families;
  for (const TlsKeyPair& texts : options.certificates) {
    auto pair = parse_key_pair(texts.chain_pem, texts.key_pem);
    if (!pair) return std::unexpected(std::move(pair.error()));
    if (auto ok = use_key_pair(ctx, *pair); !ok) return std::unexpected(std::move(ok.error()));
    pairs.push_back(std::move(*pair));
  }
  for (const ParsedKeyPair& pair : pairs) {
    if (!families.insert(key_family(pair.info)).second) {
      return base::fail(Code::conflict, Side::config,
                        fmt::format("two certificates with {} keys; give one of each key type", key_family(pair.info)));
    }
    context->infos_.push_back(pair.info);
  }

  auto wire = alpn_wire(options.alpn);
  if (!wire) return std::unexpected(std::move(wire.error()));
  context->alpn_wire_ = std::move(*wire);
  if (!context->alpn_wire_.empty()) SSL_CTX_set_alpn_select_cb(ctx, on_alpn, &context->alpn_wire_);
  context->scope_ = scope_of(options, pairs);
  context->ticket_keys_ = options.ticket_keys;
  context->min_ = options.min_version;
  context->max_ = options.max_version;
  clear_openssl_errors();
  return std::shared_ptr<const TlsServerContext>(std::move(context));
}

TlsServerContext::~TlsServerContext() { SSL_CTX_free(ctx_); }

bool TlsServerContext::covers(std::string_view host) const {
  for (const CertificateInfo& info : infos_) {
    for (const std::string& name : info.names) {
      if (certificate_name_covers(name, host)) return true;
    }
  }
  return false;
}

std::int64_t TlsServerContext::not_after() const {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const CertificateInfo& info : infos_) first = std::min(first, info.not_after);
  return first;
}

// Sessions of origins by name and address, newest first. Shared by the workers, hence the lock; taken when a handshake
// begins and when a ticket arrives.
struct TlsClientContext::SessionCache {
  struct Entry {
    std::string key;
    SessionPtr session;
  };
  std::mutex mutex;
  std::deque<Entry> entries;
};

void TlsClientAccess::store(const TlsClientContext& context, const std::string& key, SSL_SESSION* session) {
  auto& cache = *context.cache_;
  SessionPtr owned(session);
  std::lock_guard lock(cache.mutex);
  // The newest ticket is the best one: it lives longest and is sealed with the newest key.
  std::erase_if(cache.entries, [&](const auto& e) { return e.key == key; });
  cache.entries.push_front({key, std::move(owned)});
  if (cache.entries.size() > TlsClientContext::kSessions) cache.entries.pop_back();
}

bool TlsClientAccess::resume(const TlsClientContext& context, const std::string& key, SSL* ssl) {
  if (!context.options_.resume) return false;
  auto& cache = *context.cache_;
  std::lock_guard lock(cache.mutex);
  for (auto& e : cache.entries) {
    if (e.key != key) continue;
    if (SSL_SESSION_is_resumable(e.session.get()) != 1) return false;
    // A copy, because OpenSSL writes into the session of a connection and this one is shared by the workers.
    const SessionPtr copy(SSL_SESSION_dup(e.session.get()));
    return copy && SSL_set_session(ssl, copy.get()) == 1;
  }
  return false;
}

base::Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::create(const TlsClientOptions& options) {
  std::shared_ptr<TlsClientContext> context(new TlsClientContext);
  context->options_ = options;
  context->cache_ = std::make_unique<SessionCache>();
  context->ctx_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX* ctx = context->ctx_;
  if (!ctx || !set_common_options(ctx) || SSL_CTX_set_cipher_list(ctx, kClientCiphers) != 1 ||
      SSL_CTX_set_min_proto_version(ctx, native_version(options.min_version == TlsVersion::tls1_3)) != 1) {
    return internal_error();
  }
  if (!options.verify) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
    // Whoever turned verification off has an old or home-made certificate; its key size is no reason to refuse it.
    SSL_CTX_set_security_level(ctx, 0);
  } else {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    if (options.ca_pem.empty()) {
      if (!system_store()) return base::fail(Code::not_found, Side::config, "the system has no CA certificates");
      SSL_CTX_set1_cert_store(ctx, system_store());
    } else {
      auto certs = parse_certificates(options.ca_pem, "the CA file");
      if (!certs) return std::unexpected(std::move(certs.error()));
      for (const X509Ptr& cert : *certs) {
        if (X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert.get()) != 1) return internal_error();
      }
      // A bundle may name an intermediate or the origin's own self-signed certificate as the end of trust.
      X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx), X509_V_FLAG_PARTIAL_CHAIN);
    }
  }
  auto wire = alpn_wire(options.alpn);
  if (!wire) return std::unexpected(std::move(wire.error()));
  // Unlike its sisters this function returns 0 for success.
  if (!wire->empty() && SSL_CTX_set_alpn_protos(ctx, reinterpret_cast<const unsigned char*>(wire->data()),
                                                static_cast<unsigned>(wire->size())) != 0) {
    return internal_error();
  }
  // Sessions are reported and then kept in our own cache: OpenSSL's is by session id, and we look for a name.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, TlsStreamHooks::on_new_session);
  clear_openssl_errors();
  return std::shared_ptr<const TlsClientContext>(std::move(context));
}

TlsClientContext::~TlsClientContext() { SSL_CTX_free(ctx_); }

std::size_t TlsClientContext::sessions() const {
  std::lock_guard lock(cache_->mutex);
  return cache_->entries.size();
}

}  // namespace fairlead::net
