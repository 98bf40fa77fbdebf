#pragma once
// TlsStream: a ByteStream that is TLS over a handle of the loop's poller, ours as server (tls_accept) or as client
// (tls_connect). It exists only after a completed handshake. All input and output goes through Poller::read and write,
// so the same stream runs over the kernel and over the simulated network.
//
// OpenSSL does every handshake. The records that follow are done by one of two (ADR 0013):
// - our own TLS 1.3 record layer (tls_records.h), to which the connection's keys are handed when the handshake is over,
//   the OpenSSL object being freed: an idle stream then costs some hundred bytes. As server at once; as client with the
//   first data, because the tickets that later connections resume by come ahead of it.
// - OpenSSL, for TLS 1.2, for suites other than the three, and where TlsRecordsKind says so: its objects take 14 KB a
//   stream, without buffers, which are released while they are empty (SSL_MODE_RELEASE_BUFFERS).
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

struct TlsOwnRecords;
struct TlsTakeover;

class TlsStream final : public SocketStream {
 public:
  // Sends close_notify when that is still due and possible at once. What was written arrives, as over TCP, unless
  // application data was left unread.
  ~TlsStream() override;

  // close_notify, then FIN, as soon as the socket takes them. After the last write completed.
  void shutdown_write() override;
  void shutdown_before_close() override;
  // A client's stream remembers: tickets that come later are kept under its origin's address.
  void forget_peer() override {
    if (!client_context_) SocketStream::forget_peer();
  }
  void abort_on_close() override;
  std::string failure_text() const override;
  bool truncated() const override { return truncated_; }

  // Server: what the client named in SNI, lower case, maybe empty. Client: the name we verified against.
  const std::string& server_name() const { return server_name_; }
  std::string_view alpn() const;                  // chosen protocol, empty when none
  std::string_view tls_version() const override;  // "TLSv1.2", "TLSv1.3"
  std::string_view cipher() const;                // "TLS_AES_128_GCM_SHA256"
  bool resumed() const;
  // Whether the records are done by our own layer (now: as client that comes with the first data).
  bool own_records() const { return own_ != nullptr; }
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
                                                                    StopToken stop, TlsRecordsOptions records);
  friend struct TlsStreamHooks;  // OpenSSL's callbacks
  class Handshake;
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };
  struct OwnDeleter {
    void operator()(TlsOwnRecords* own) const;
  };
  struct TakeoverDeleter {
    void operator()(TlsTakeover* takeover) const;
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

  explicit TlsStream(TcpStream& tcp);
  bool start(ssl_ctx_st* context, bool server, const TlsRecordsOptions& records);
  void stay_with_library();

  // By OpenSSL (tls_stream_library.cc).
  ssize_t read_library(char* buffer, std::size_t size);
  ssize_t write_library(const iovec* pieces, int count);
  bool close_library();  // false: waits for room

  // By our own records (tls_stream_own.cc).
  void take_over();  // as soon as, and if, that is possible
  ssize_t read_own(char* buffer, std::size_t size);
  ssize_t write_own(const iovec* pieces, int count);
  bool close_own();
  int flush_pending();
  bool open_records(const unsigned char* input, std::size_t size, std::size_t* used, char* buffer, std::size_t room,
                    std::size_t* got);
  void fail_own();
  void break_own(int error);
  bool expect_server(std::string name);
  bool step_handshake(Events events);
  Outcome judge(int result);
  bool holds_input() const;
  bool say_close();
  void finish_closing();
  void take_leftovers();
  void take_leftovers_own();
  std::string session_key() const;
  void keep_renewed_session() const;

  std::unique_ptr<ssl_st, SslDeleter> ssl_;  // null once the records are our own
  std::unique_ptr<TlsOwnRecords, OwnDeleter> own_;
  std::unique_ptr<TlsTakeover, TakeoverDeleter> takeover_;  // while taking over is still to come
  std::string server_name_;
  std::shared_ptr<const TlsServerContext> server_context_;
  std::shared_ptr<const TlsClientContext> client_context_;
  // Bytes that came before OpenSSL asked for them: ahead of TLS, or, while the records are to be taken over, behind the
  // one record that it is given at a time.
  std::unique_ptr<std::string> early_;
  TlsRecordsCount* count_ = nullptr;
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
  bool close_sealed_ : 1 = false;      // ... and is made
  bool mid_record_ : 1 = false;        // OpenSSL has a record that is not out completely
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
                                                           StopToken stop = {}, TlsRecordsOptions records = {});

}  // namespace fairlead::net
