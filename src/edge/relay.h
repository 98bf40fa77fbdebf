#pragma once
// Relay: one direction of a session. Takes chunks from one side, lets the FrameScanner mark where frames begin and end,
// and writes the same bytes on to the other: payload is neither unmasked, altered nor copied. The edge's own frames
// (Ping, Close) enter at frame boundaries only, and nothing is written after a Close.
//
// Of a large frame, once its header was seen, the payload goes through a pipe from socket to socket, unseen, where both
// sides are plain TCP (ADR 0014): never past the frame's end, so that boundaries are where they were, and what a sink
// that blocks has not taken is parked as ever.
//
// The hot path is one read, one scan, one write: no allocation, no lock, no look
// at the clock. Everything rare (an own frame to insert, a Pong to take out, a Close, a violation) goes through
// `pass_slowly`, which assembles the bytes to write in a string of its own.

#include <array>
#include <cstdint>
#include <string>

#include "edge/keepalive.h"
#include "edge/telemetry/meter_cell.h"
#include "net/byte_stream.h"
#include "protocol/websocket/frame_scanner.h"

namespace fairlead::edge {

class Session;

class Relay final : net::Resumable {
 public:
  // `meter`: of this direction; kept up to date while the session is open, and outlives the relay.
  Relay(Session& session, Peer from, protocol::FrameScanner::Options options, WebSocketMeter::Direction& meter)
      : session_(session), scanner_(options), meter_(&meter), from_(from) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // It ends by itself and calls Session::ended.
  void start();

  // Asks for a Ping of the edge's own, or the Close that the session has, to be written this way at the next boundary.
  void request_ping(Session& session);
  void request_close(Session& session);

  // Bytes of the source that the sink has accepted: what counts. The edge's own frames, and what was dropped behind a
  // Close or answers the edge's own Ping, are not among them.
  std::uint64_t passed() const { return passed_; }
  std::uint64_t received() const { return received_; }  // bytes read, answers to the edge's own Pings aside
  const protocol::FrameScanner& scanner() const { return scanner_; }
  // Frames and messages that were passed on, or were to be when the sink failed.
  std::uint64_t frames() const { return scanner_.frames() - dropped_frames_; }
  std::uint64_t messages() const { return scanner_.messages() - dropped_messages_; }
  // From the side this relay reads: a Close, or what counts as one because none will be found any more.
  bool close_received() const { return flags_ & kCloseReceived; }
  // A Close it was, and the side has nothing more to say.
  bool said_close() const { return (flags_ & (kCloseReceived | kBroken)) == kCloseReceived; }
  bool close_flushed() const { return flags_ & kCloseFlushed; }  // accepted by the side this relay writes
  // A Close is asked for or being written, and not accepted yet.
  bool close_pending() const { return (flags_ & (kCloseWanted | kCloseWritten)) && !(flags_ & kCloseFlushed); }
  bool reading() const { return flags_ & kReading; }  // waits for bytes, not for the sink to take some
  bool source_ended() const { return flags_ & kSourceEnded; }
  bool sink_shut() const { return flags_ & kSinkShut; }

 private:
  enum Flag : std::uint16_t {
    kPingWanted = 1,
    kCloseWanted = 2,
    kCloseReceived = 4,
    kCloseWritten = 8,  // a Close went out, or is on its way: nothing may follow
    kCloseFlushed = 16,
    kDiscard = 32,  // nothing more may be written; what comes is read, looked at and dropped
    kSourceEnded = 64,
    kSinkShut = 128,
    kHolding = 256,   // held_ is not empty
    kReading = 512,   // suspended in a read
    kBulk = 1024,     // large frames are passing: only what is no payload of theirs is read
    kSlowly = 2048,   // what is being written went through write_slowly()
    kOver = 4096,     // nothing more will be read
    kEnded = 8192,    // resumed once more, to tell the session
    kBroken = 16384,  // a violation stands for the source's Close
  };
  // Whether a chunk must take the slow way.
  static constexpr std::uint16_t kSlow = kPingWanted | kCloseWanted | kDiscard | kHolding;

  // A frame with so many bytes of payload to come is a large one; of one, so many are left for a pipe to be cheaper
  // than a copy (figures: docs/adr/0014).
  static constexpr std::uint64_t kLarge = 32 * 1024;
  static constexpr std::uint64_t kPipeFrom = 4 * 1024;
  static constexpr std::size_t kLongestHeader = 14;
  net::ByteStream::Read next_read(Session& session) const;
  bool note_bulk(net::Chunk chunk);
  // The edge has something to say, and may.
  bool own_due() const { return (flags_ & (kPingWanted | kCloseWanted)) && sink_at_boundary(); }
  // One of the two that a relay ever waits for, in one place: a coroutine's frame would be 190 bytes beside every idle
  // session, twice, to keep them and the line it stands in (ADR 0015).
  union Wait {
    Wait() {}
    net::ByteStream::Read read;
    net::ByteStream::Flush flush;
  };
  void resume() override;
  void go_on();
  bool read(net::Chunk& chunk);  // false: waits, and is resumed
  bool settle(int& error);
  void run(int error);
  int pass(Session& session, net::Chunk chunk);
  int write_slowly(Session& session, net::Chunk chunk, protocol::FrameScanner::Step step);
  bool passed_on(Session& session, int error);
  bool passed_slowly(Session& session, int error);
  bool end(Session& session);

  friend class Session;
  void wake(Session& session);
  // What is to be written for this chunk; looks at frames one by one.
  void pass_slowly(Session& session, net::Chunk chunk, protocol::FrameScanner::Step step, std::string& out);
  // The own frames asked for, appended where the sink stands at a boundary.
  void append_own(Session& session, std::string& out);
  void append_last(Session& session, std::string& out);
  // Whether the sink stands between two frames: held bytes have not been sent.
  bool sink_at_boundary() const { return scanner_.at_boundary() || (flags_ & kHolding); }
  bool is_own_pong(Session& session) const;
  // How many of the last bytes seen belong to a frame of which it is not known yet whether it may be passed on.
  std::uint32_t undecided(Session& session) const;
  void release_held(std::string& out);
  void drop_held();
  void shut_sink(Session& session);
  void finish_sink(Session& session);  // the same when its Close has come, too
  // What is looked at and dropped is counted apart.
  protocol::FrameScanner::Step scan(const char* data, std::size_t size);
  void count_passed(std::size_t bytes) {
    passed_ += bytes;
    meter_->bytes.add(bytes);
  }
  void set(std::uint16_t f) { flags_ = static_cast<std::uint16_t>(flags_ | f); }
  void clear(std::uint16_t f) { flags_ = static_cast<std::uint16_t>(flags_ & ~f); }

  Session& session_;
  protocol::FrameScanner scanner_;
  std::uint64_t received_ = 0, passed_ = 0;
  WebSocketMeter::Direction* meter_;
  std::uint32_t dropped_frames_ = 0, dropped_messages_ = 0;
  std::uint32_t writing_ = 0;  // bytes that were given to the sink last, and of those the source's
  std::uint32_t passing_ = 0;
  std::uint16_t flags_ = 0;
  // The beginning of a frame whose fate is open: half a header (a violation must be found before anything of its frame
  // is sent, or no Close could follow), a Close without its code, or what may be the Pong the edge waits for.
  std::array<char, 13> held_;
  std::uint8_t held_size_ : 7 = 0;
  const Peer from_ : 1;
  Wait wait_;
};

}  // namespace fairlead::edge
