#pragma once
// The doors between the contexts, the stream and OpenSSL's callbacks. Private to the tls_*.cc files.

#include <memory>
#include <string>

#include "net/tls_context.h"
#include "net/tls_openssl.h"
#include "net/tls_stream.h"

namespace fairlead::net {

// OpenSSL calls these with the SSL object; its application data is the TlsStream.
struct TlsStreamHooks {
  static TlsStream& stream(SSL* ssl) { return *static_cast<TlsStream*>(SSL_get_app_data(ssl)); }

  // The context every accepted connection begins with: it has no certificate, only the callbacks below; the selected
  // domain's context takes its place during the ClientHello. nullptr when OpenSSL cannot make one.
  static SSL_CTX* accepting_context();

  static int on_client_hello(SSL* ssl, int* alert, void*);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                       int seal);
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  // While the records are to be taken over: the secrets as they come into force, and every record and message.
  static void on_secret(const SSL* ssl, const char* line);
  static void on_message(int sent, int version, int type, const void* bytes, std::size_t size, SSL* ssl, void*);

  // The BIO that reads and writes through the stream's poller.
  static BIO* new_bio(TlsStream* stream);
  static int bio_read(BIO* bio, char* out, int size);
  static int bio_read_record(BIO* bio, char* out, std::size_t size);
  static int bio_write(BIO* bio, const char* data, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
};

struct TlsServerAccess {
  // Gives `ssl` everything of `context`: what SSL_set_SSL_CTX carries (certificates, TLS 1.2 ciphers, ALPN) and what it
  // does not (versions, ticket options, session scope).
  static bool apply(SSL* ssl, const TlsServerContext& context);
  // The name as the context has it, which lives as long; empty for none.
  static std::string_view alpn_name(const TlsServerContext& context, std::string_view chosen);
  static const TlsTicketKeys* ticket_keys(const TlsServerContext& context) { return context.ticket_keys_.get(); }
};

struct TlsClientAccess {
  static SSL_CTX* native(const TlsClientContext& context) { return context.ctx_; }
  static std::string_view alpn_name(const TlsClientContext& context, std::string_view chosen);
  // Keeps `session` (takes the reference over) as the last one of `key`.
  static void store(const TlsClientContext& context, const std::string& key, SSL_SESSION* session);
  // Offers the last session of `key`, if there is one.
  static bool resume(const TlsClientContext& context, const std::string& key, SSL* ssl);
};

}  // namespace fairlead::net
