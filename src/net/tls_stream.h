#pragma once
// TlsStream: a ByteStream that is TLS over a handle of the loop's poller, ours as server (tls_accept) or as client
// (tls_connect). It exists only after a completed handshake. OpenSSL does the records; its input and output go through
// Poller::read and write, so the same stream runs over the kernel and over the simulated network.
//
// An idle stream costs OpenSSL's own objects and about two hundred bytes more: no buffer of ours, and OpenSSL's are
// released while they are empty (SSL_MODE_RELEASE_BUFFERS). Everything read from the library here goes through
// handshake(), try_read, try_write and shutdown_write; an own TLS 1.3 record layer that takes over the traffic keys
// after the handshake replaces the last three and keeps this interface.
//
// End of stream: close_notify, or a bare FIN, which sets truncated(). Both leave the other direction open (RFC 8446
// section 6.1). Errors: EPROTO with failure_text() for what TLS refuses, ECONNRESET and other errno values from below.
// Renegotiation is refused (RFC 8446 has none; RFC 5746 for 1.2).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/socket_stream.h"
#include "net/tls_context.h"

struct ssl_st;
struct bio_st;
struct bio_method_st;

namespace fairlead::net {

class TlsStream final : public SocketStream {
 public:
  // Sends close_notify when that is still due and possible at once. What was written arrives, as over TCP, unless
  // application data was left unread.
  ~TlsStream() override;

  // close_notify, then FIN, as soon as the socket takes them. After the last write completed.
  void shutdown_write() override;
  void abort_on_close() override;
  std::string failure_text() const override;
  bool truncated() const override { return truncated_; }

  // Server: what the client named in SNI, lower case, maybe empty. Client: the name we verified against.
  const std::string& server_name() const { return server_name_; }
  std::string_view alpn() const;                  // chosen protocol, empty when none
  std::string_view tls_version() const override;  // "TLSv1.2", "TLSv1.3"
  std::string_view cipher() const;                // "TLS_AES_128_GCM_SHA256"
  bool resumed() const;
  // Server: the context that select() returned. Null on the client side.
  const std::shared_ptr<const TlsServerContext>& server_context() const { return server_context_; }

 protected:
  ssize_t try_read(char* buffer, std::size_t size) override;
  ssize_t try_write(const iovec* pieces, int count) override;
  void want_read() override;
  void want_write() override;
  bool on_idle_ready(Events events) override;

 private:
  friend Task<base::Result<std::unique_ptr<TlsStream>>> tls_accept(std::unique_ptr<TcpStream> tcp,
                                                                   TlsServerSelector& selector, TimePoint deadline,
                                                                   StopToken stop);
  friend Task<base::Result<std::unique_ptr<TlsStream>>> tls_connect(std::unique_ptr<TcpStream> tcp,
                                                                    std::shared_ptr<const TlsClientContext> context,
                                                                    std::string server_name, TimePoint deadline,
                                                                    StopToken stop);
  friend struct TlsStreamHooks;  // OpenSSL's callbacks
  class Handshake;
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };

  // What an operation of the library that did not succeed means.
  enum class Outcome : std::uint8_t {
    wants_read,
    wants_write,
    ended,         // close_notify
    ended_bare,    // end of stream without it
    failed_below,  // io_error_
    failed,        // failure_
  };

  TlsStream(EventLoop& loop, int handle, SocketAddress peer);
  bool start(ssl_ctx_st* context, bool server);
  bool expect_server(std::string name);
  bool step_handshake(Events events);
  Outcome judge(int result);
  bool holds_input() const;
  void finish_closing();
  void take_leftovers();
  std::string session_key() const;
  void keep_renewed_session() const;

  std::unique_ptr<ssl_st, SslDeleter> ssl_;
  std::string server_name_;
  std::shared_ptr<const TlsServerContext> server_context_;
  std::shared_ptr<const TlsClientContext> client_context_;
  std::unique_ptr<std::string> early_;    // bytes that came before TLS took over, until they are consumed
  std::unique_ptr<std::string> failure_;  // words of the first EPROTO
  Handshake* handshake_ = nullptr;        // while it runs
  int io_error_ = 0;                      // what the poller last failed with
  int read_end_ = kOpen;                  // kOpen, 0 = end of stream, else errno: what every later read gives
  int write_error_ = 0;                   // what every later write gives
  std::uint32_t early_at_ = 0;
  bool eof_ : 1 = false;  // the poller said end of stream
  bool truncated_ : 1 = false;
  bool closing_ : 1 = false;           // close_notify waits for room
  bool closed_ : 1 = false;            // FIN was sent
  bool aborted_ : 1 = false;           // to be closed by a reset
  bool read_needs_write_ : 1 = false;  // a read waits for the socket to take bytes
  bool write_needs_read_ : 1 = false;  // a write waits for bytes from the peer
  static constexpr int kOpen = -1;
};

// Takes over an accepted connection and does the server's handshake. Bytes the TcpStream has in unread() come first
// (what followed a PROXY header). `selector` must outlive the call. Errors: side client: tls (the library's words),
// not_found (select() said no), closed or reset during the handshake, timeout, cancelled. On failure the connection is
// closed.
Task<base::Result<std::unique_ptr<TlsStream>>> tls_accept(std::unique_ptr<TcpStream> tcp, TlsServerSelector& selector,
                                                          TimePoint deadline, StopToken stop = {});

// The client's handshake towards an origin. `server_name` is what the certificate must cover: a DNS name, also sent as
// SNI, or an IP address, verified as such and not sent (RFC 6066 section 3). Errors: side origin: certificate (why it
// was not accepted), tls, closed, reset, timeout, cancelled.
Task<base::Result<std::unique_ptr<TlsStream>>> tls_connect(std::unique_ptr<TcpStream> tcp,
                                                           std::shared_ptr<const TlsClientContext> context,
                                                           std::string server_name, TimePoint deadline,
                                                           StopToken stop = {});

}  // namespace fairlead::net
