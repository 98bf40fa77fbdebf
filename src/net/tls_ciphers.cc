#include "net/tls_ciphers.h"

#include "net/tls_openssl.h"

namespace fairlead::net {

base::Result<void> check_tls_ciphers(const std::string& ciphers) {
  clear_openssl_errors();
  const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context || !set_common_options(context.get()))
    return base::fail(base::Code::internal, base::Side::edge, take_openssl_error());
  if (SSL_CTX_set_cipher_list(context.get(), ciphers.c_str()) == 1) return {};
  return base::fail(base::Code::unsupported, base::Side::config,
                    "no usable cipher in \"" + ciphers + "\": " + take_openssl_error());
}

}  // namespace fairlead::net
