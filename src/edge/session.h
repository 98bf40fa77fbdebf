#pragma once
// Session: one tunnel, from the 101 until both directions are over. Owns the client side, the origin side, its
// admission seat and its clocks, and reports exactly one SessionEnd, from which log, metrics and usage follow. (What
// comes before the 101 is tunnel_opening.h.)
//
// It lives on one worker. Two relays (relay.h) carry the bytes; the session decides when it is over. Rules of ending:
//   - A Close that passes is relayed; when one has passed each way the edge ends the client's stream, the origin its own,
//     kOriginEnds later at most.
//   - The edge's own end (a clock, the switch, drain) sends Close at a frame boundary to both sides, then waits
//     kCloseTimeout for theirs, counted from each step of the closing handshakes. After a Close the edge writes nothing
//     more that way.
//   - The end of one stream is passed on as the end of the other's sending side, after everything before it.
//   - Whatever is still open when the closing date comes is cut.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "edge/admission.h"
#include "edge/keepalive.h"
#include "edge/origin/origin_state.h"
#include "edge/relay.h"
#include "edge/session_end.h"
#include "edge/session_record.h"
#include "edge/telemetry/access_log.h"
#include "edge/telemetry/meter_cell.h"
#include "model/domain_policy.h"
#include "net/byte_stream.h"
#include "net/task_scope.h"

namespace fairlead::edge {

class SessionList;
struct DomainShared;

// A client connection, counted for as long as this lives.
class OpenConnection {
 public:
  OpenConnection() = default;
  explicit OpenConnection(Counter& open) : open_(&open) { open_->add(); }
  OpenConnection(OpenConnection&& o) noexcept : open_(std::exchange(o.open_, nullptr)) {}
  OpenConnection& operator=(OpenConnection&& o) noexcept {
    std::swap(open_, o.open_);
    return *this;
  }
  ~OpenConnection() {
    if (open_) open_->sub();
  }

 private:
  Counter* open_ = nullptr;
};

// A session as it is now.
struct SessionCounts {
  DirectionCount to_origin, to_client;
  base::Duration age{}, idle{};  // since the 101, and since the last data either way
  bool closing = false;          // the edge has asked for its end
};

// How long a peer has to answer the edge's Close, and the second side to end after the first: RFC 6455 7.1.1 leaves it
// to the implementation.
inline constexpr base::Duration kCloseTimeout = base::seconds(5);
// How long an origin may take to end its stream after both Closes, before the edge ends it.
inline constexpr base::Duration kOriginEnds = base::seconds(1);
// A Close waits for the end of the frame under way, as long as that moves, but no longer than this in all.
inline constexpr base::Duration kCloseLongest = base::seconds(60);

class Session final : net::Timer {
 public:
  // All a session is made of. `record` has what is known at the 101; the session fills in the end.
  struct Parts {
    std::shared_ptr<const model::DomainPolicy> policy;
    std::shared_ptr<MeterCell> meter;
    std::shared_ptr<DomainShared> shared;  // the seat is in it
    SessionSeat seat;
    OriginLease lease;
    std::unique_ptr<net::ByteStream> client;
    std::unique_ptr<net::ByteStream> origin;
    std::uint8_t allowed_rsv = 0;
    std::optional<SessionRecord> record;
    std::uint64_t seed = 0;  // of nonces
  };

  Session(Parts parts, SessionList& list);
  ~Session();

  // What a session keeps until it is over, in the place of whoever brought it about and would else have to wait.
  struct Keeps {
    net::TaskScope::Hold hold;  // of whom it must not outlive
    OpenConnection open;        // of HTTP/1, which gives its connection away
    ConnectionSeat seat;
  };
  // The story: relays run until both directions are over; then the end is reported, and the session destroys itself, with
  // nobody but the loop on the stack. Once.
  static void start(std::unique_ptr<Session> session, Keeps keeps);

  // Asks for an orderly end (Close to both sides). The first cause stays. `reason` must be static text.
  void close(CloseBy by, CloseCause cause, protocol::CloseCode code, std::string_view reason);
  // close() at a date, unless one is set that comes earlier.
  void close_at(TimePoint when, CloseBy by, CloseCause cause);
  // Ends at once, without words.
  void abort(CloseBy by, CloseCause cause);

  const model::DomainPolicy& policy() const { return *policy_; }
  const SessionRecord& record() const { return record_; }
  SessionCounts counts() const;  // up to this turn of the loop

 private:
  friend class Relay;
  friend class SessionList;

  // Called by the relays.
  net::EventLoop& loop() const { return client_->loop(); }
  Relay& from(Peer p) { return relays_[static_cast<std::size_t>(p)]; }
  net::ByteStream& stream(Peer p) { return p == Peer::client ? *client_ : *origin_; }
  void close_passed(Peer from, protocol::CloseCode code);  // `from` sent a Close
  void violated(Peer by, protocol::CloseCode code, std::string_view reason);
  void lost(Peer p, int error);  // the stream of `p` is over: 0 in order, else it failed
  void closing_progress();       // a Close came or went: see who has had both
  bool ends_by_itself(Peer p);   // `p` is the one to end its stream, and is given a moment for it
  bool last_relay() const { return running_ == 1; }
  bool ended() { return --running_ == 0; }  // true: the last relay calls finish(), when the loop resumes it
  void finish() noexcept;
  void failed_by_exception(const char* what);

  void on_clock();
  void set_clock();
  void begin_closing_date();
  bool drained_some();
  bool close_on_its_way();
  void pong_missing(Peer dead);
  void set_end(CloseBy by, CloseCause cause, std::uint16_t code);
  void cut();
  void report();

  Keeps keeps_;  // let go last: then the worker may be over
  std::shared_ptr<const model::DomainPolicy> policy_;
  std::shared_ptr<MeterCell> meter_;  // outlives the streams, which count their bytes in it
  std::unique_ptr<net::ByteStream> client_, origin_;
  std::array<Relay, kPeers> relays_;  // [client]: reads the client, writes to the origin
  TimePoint last_data_;               // R3; written by the relays, one store per chunk
  TimePoint opened_;
  TimePoint close_at_ = base::kNever;
  TimePoint closing_date_ = base::kNever;  // then what is still open is cut
  TimePoint closing_latest_ = base::kNever;
  std::unique_ptr<Keepalive> keepalive_;
  SessionRecord record_;
  std::shared_ptr<DomainShared> shared_;  // outlives the seat
  SessionSeat seat_;
  OriginLease lease_;
  SessionList& list_;
  Session* next_ = nullptr;
  Session** prev_ = nullptr;
  std::uint32_t parked_[kPeers] = {};  // what was unsent when the idle clock last looked
  const char* close_reason_ = nullptr;  // of the edge's own Close; it and its size, static text
  std::uint8_t close_reason_size_ = 0;
  protocol::CloseCode close_code_ = protocol::CloseCode::none;
  std::uint16_t end_code_ = 0;
  CloseBy end_by_ = CloseBy::edge, close_at_by_ = CloseBy::edge;
  CloseCause end_cause_ = CloseCause::internal_error, close_at_cause_ = CloseCause::drain;
  bool end_set_ = false;
  bool closing_ = false;  // the edge has asked both sides to close
  std::uint8_t running_ = 0;
  std::uint8_t close_steps_ = 0;  // Closes received and flushed so far, of four
};

// The sessions of one domain on one worker. A node list inside the sessions: nothing is allocated.
class SessionList {
 public:
  // `log` is told of the end of each; it outlives them. `seed` is random.
  SessionList(AccessLog& log, std::uint64_t seed) : log_(log), mask_state_(seed) {}
  SessionList(const SessionList&) = delete;
  SessionList& operator=(const SessionList&) = delete;
  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }
  // `visit` may end the session it is given, not destroy it.
  template <class F>
  void for_each(F visit) {
    for (Session* s = head_; s;) {
      Session* next = s->next_;
      visit(*s);
      s = next;
    }
  }

  // What the next frame of the edge's own is masked with (RFC 6455 5.3): a key that the author of the payload cannot
  // predict. The author is the edge itself, so a small generator will do.
  std::uint32_t next_mask() {
    mask_state_ = mask_state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(mask_state_ >> 32);
  }

 private:
  friend class Session;
  AccessLog& log_;
  std::uint64_t mask_state_;
  Session* head_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fairlead::edge
