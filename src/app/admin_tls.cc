#include "app/admin_tls.h"

#include "net/tls_openssl.h"

namespace fairlead::app {
namespace {

// RFC 7301: a client that offers other protocols only is told so instead of being misunderstood.
int select_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                  void*) {
  static constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

base::Result<std::shared_ptr<ssl_ctx_st>> make_admin_tls(const model::AdminTls& tls) {
  auto pair = net::parse_key_pair(tls.chain_pem, tls.key_pem);
  if (!pair) return std::unexpected(std::move(pair.error()));
  net::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || !net::set_common_options(context.get()) ||
      SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
    return base::fail(base::Code::resources, base::Side::config, "admin TLS: " + net::take_openssl_error());
  }
  if (auto used = net::use_key_pair(context.get(), *pair); !used) return std::unexpected(std::move(used.error()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_alpn_select_cb(context.get(), select_http11, nullptr);
  return std::shared_ptr<ssl_ctx_st>(context.release(), SSL_CTX_free);
}

}  // namespace fairlead::app
