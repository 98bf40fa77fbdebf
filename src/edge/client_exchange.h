#pragma once
// ClientExchange: one request of a client and its answer, the seam between frontends (http1_frontend.h, http2/) and
// what the edge does with a request (tunnel_opening.h, http_exchange.h). A frontend makes it once the head
// has been read; the consumer reads the body, then answers exactly once: interim heads, then either send_head …
// send_end, or accept_tunnel. Whatever a consumer does not read of the body is the frontend's to get rid of.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "edge/geo/places.h"
#include "model/domain_policy.h"
#include "net/byte_stream.h"
#include "net/socket_stream.h"
#include "net/task.h"
#include "net/tls_context.h"
#include "protocol/http/message.h"

namespace fairlead::edge {

// Who is at the other end of a client connection. Lives as long as the connection.
struct ClientInfo {
  net::SocketAddress peer;   // the real client: after a PROXY header, what that says
  net::SocketAddress local;  // the edge's side, likewise
  bool tls = false;
  std::string_view tls_version;  // "TLSv1.3", empty on plain
  std::string sni;
  std::shared_ptr<const net::TlsServerContext> tls_context;
  std::string_view protocol = "h1";  // or "h2"
  PlaceId place;                     // where the client is (R24)
};

// Where an exchange adds what it carries, while it does so. `wire` keeps all of them alive.
struct ExchangeMeter {
  std::shared_ptr<net::WireCount> wire;  // bytes of the client's connection
  base::Counter* body_in = nullptr;      // bytes of bodies; null: these are not counted
  base::Counter* body_out = nullptr;
};

// A run of body bytes, valid until the next call on the same exchange. `end` comes once, maybe with data.
struct BodyPart {
  std::string_view data;
  bool end = false;
};

// How the body of an answer will come.
struct AnswerBody {
  enum class Kind : std::uint8_t { none, length, unknown };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
};

class ClientExchange {
 public:
  virtual ~ClientExchange() = default;

  const protocol::RequestHead& head() const { return head_; }
  const ClientInfo& client() const { return *client_; }
  net::TimePoint started() const { return started_; }  // when the head was complete

  virtual bool has_body() const = 0;
  virtual std::optional<std::uint64_t> body_length() const = 0;  // nullopt: not stated
  // Errors: side client: malformed, closed, timeout (no byte for `idle`), too_large.
  virtual net::Task<base::Result<BodyPart>> read_body(base::Duration idle) = 0;
  virtual const protocol::Fields& trailers() const = 0;  // after the end
  // Completes an outstanding read_body with `cancelled`; the connection will not be reused.
  virtual void stop_reading() = 0;

  virtual net::Task<base::Result<void>> send_interim(protocol::ResponseHead head) = 0;
  // `hold` allows the frontend to wait with the head for the first bytes of the body, which are at hand.
  virtual net::Task<base::Result<void>> send_head(protocol::ResponseHead head, AnswerBody body, bool hold) = 0;
  virtual net::Task<base::Result<void>> send_body(std::string_view data) = 0;
  virtual net::Task<base::Result<void>> send_end(const protocol::Fields& trailers) = 0;
  // The answer cannot be completed: the client must not take it for whole (connection or stream is reset).
  virtual void abort_answer() = 0;

  // Accepts the opening handshake with `answer` (the origin's 101) and hands the client's stream over. What the client
  // sent already is in its unread bytes.
  virtual net::Task<base::Result<std::unique_ptr<net::ByteStream>>> accept_tunnel(protocol::ResponseHead answer) = 0;

  // HTTP/2: tells the requests of one connection apart. 0 otherwise.
  virtual std::uint32_t stream_id() const { return 0; }
  // Stops when nobody waits for the answer any more, so that no origin is kept busy with it: the client has reset the
  // stream, the connection is over, or the edge stops. Of this exchange's time: not to be used after accept_tunnel.
  virtual net::StopToken gone() = 0;
  // Whether it was the client who left before it was answered.
  virtual bool client_left() const { return false; }

  // The settings of the request's domain (add_header, keepalive_timeout), once it is known; must outlive the exchange.
  void obey(const model::Layer7& settings) { layer7_ = &settings; }

  // From now on, until the next request on the connection: what it carries is counted there, and before that what it
  // has carried for nobody yet (TLS handshake, this request's head). After accept_tunnel() that goes on for the tunnel.
  void count(ExchangeMeter meter) {
    meter_ = std::move(meter);
    count_wire(meter_.wire);
  }

  // For the log: the final status sent, 0 before; body bytes each way.
  int status() const { return status_; }
  std::uint64_t body_in() const { return body_in_; }
  std::uint64_t body_out() const { return body_out_; }

 protected:
  virtual void count_wire(const std::shared_ptr<net::WireCount>& to) = 0;
  void add_body_in(std::size_t bytes) {
    body_in_ += bytes;
    if (meter_.body_in) meter_.body_in->add(bytes);
  }
  void add_body_out(std::size_t bytes) {
    body_out_ += bytes;
    if (meter_.body_out) meter_.body_out->add(bytes);
  }
  // A further request begins.
  void begin_counting() {
    body_in_ = body_out_ = 0;
    meter_.body_in = meter_.body_out = nullptr;
  }

  ExchangeMeter meter_;
  protocol::RequestHead head_;
  const ClientInfo* client_ = nullptr;
  net::TimePoint started_{};
  const model::Layer7* layer7_ = nullptr;
  int status_ = 0;

 private:
  std::uint64_t body_in_ = 0, body_out_ = 0;
};

}  // namespace fairlead::edge
