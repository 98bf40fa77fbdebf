#pragma once
// SimulatedClient: one client connection of a fuzz target over the simulated network. It says what it is told, bytes as
// they are, and looks at what comes: frames in an order that RFC 9113 5.1 allows. A polite one answers PING and gives
// windows back as a real client does, by itself.

#include "http2_frames.h"
#include "simulated_origin.h"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "protocol/http2/server_codec.h"

namespace fairlead::fuzz {

class SimulatedClient {
 public:
  // A polite one gives a window back once it has taken `most_owed` bytes of it.
  SimulatedClient(net::TaskScope& scope, std::unique_ptr<net::TcpStream> stream, bool polite, std::size_t most_owed)
      : end_(std::make_shared<PeerEnd>(scope, std::move(stream))),
        polite_(polite),
        most_owed_(most_owed),
        said_([this](const Http2Frame& frame, bool whole) { look_at_own(frame, whole); }),
        heard_([this](const Http2Frame& frame, bool whole) { look_at(frame, whole); }) {}

  PeerEnd& end() { return *end_; }
  std::uint32_t newest_stream() const { return newest_stream_; }
  std::uint32_t next_stream() const { return newest_stream_ == 0 ? 1 : newest_stream_ + 2; }

  void say(std::string_view bytes) {
    end_->say(bytes);
    const std::string_view preface = protocol::kHttp2Preface;
    while (speaks_ == Speaks::unknown && !bytes.empty()) {
      if (bytes.front() != preface[greeted_]) {
        speaks_ = Speaks::other;
      } else if (++greeted_ == preface.size()) {
        speaks_ = Speaks::http2;
      }
      bytes.remove_prefix(1);
    }
    if (speaks_ == Speaks::http2) said_.feed(bytes);
  }

  // Reads to the end.
  static net::Task<void> listen(std::shared_ptr<SimulatedClient> self) {
    for (;;) {
      const net::Chunk chunk = co_await self->end_->stream().read();
      if (chunk.size == 0) break;
      if (self->heard_nothing_) self->begin_to_hear(*chunk.data);
      if (self->hears_http2_) self->heard_.feed(chunk.view());
      const std::string answer = std::exchange(self->answer_, {});
      if (!answer.empty()) self->say(answer);
    }
    self->end_->leave(false);
  }

 private:
  enum class Speaks : std::uint8_t { unknown, http2, other };
  struct Stream {
    bool ended = false, reset = false, answered = false;
    std::size_t owed = 0;  // of its window
  };
  static constexpr std::size_t kLargestFrame = 16384;  // the edge takes no more from a client that would take more

  // HTTP/2 begins with the length of a SETTINGS frame. When the edge begins to drain in the middle of a preface, "PRI"
  // is enough for it.
  void begin_to_hear(char first) {
    heard_nothing_ = false;
    hears_http2_ = first != 'H';
    constexpr std::size_t kTelling = 3;
    require(!hears_http2_ || greeted_ >= kTelling, "HTTP/2 is spoken to who spoke it first");
  }

  void look_at_own(const Http2Frame& frame, bool whole) {
    if (!whole && frame.type == Http2Frame::kHeaders && frame.stream % 2 == 1 && frame.stream < 1u << 30) {
      newest_stream_ = std::max(newest_stream_, frame.stream);
    }
  }

  void look_at(const Http2Frame& frame, bool whole) {
    using F = Http2Frame;
    if (whole) {
      if (frame.type == F::kPing && (frame.flags & F::kAck) == 0 && polite_) {
        answer_ += http2_frame(F::kPing, F::kAck, 0, frame.opening);
      }
      return;
    }
    require(frame.length <= kLargestFrame, "no frame larger than allowed");
    require(frame.type <= F::kContinuation && frame.type != 5 && frame.type != 2, "a type of frame that servers send");
    require(!std::exchange(first_, false) || frame.type == F::kSettings, "SETTINGS first");
    require((frame.type == F::kContinuation) == (in_head_ != 0), "nothing comes between the frames of a head");
    if (frame.type == F::kContinuation) {
      require(frame.stream == in_head_, "a head goes on where it began");
      if ((frame.flags & F::kEndHeaders) != 0) in_head_ = 0;
      return;
    }
    if (frame.stream == 0) {
      require(frame.type != F::kData && frame.type != F::kHeaders && frame.type != F::kReset, "of a stream");
      return;
    }
    require(frame.stream % 2 == 1, "streams are the client's");
    Stream& stream = streams_[frame.stream];
    if (frame.type == F::kReset) {
      require(!stream.reset, "a stream is reset once");
      stream.reset = true;
    }
    if (frame.type != F::kHeaders && frame.type != F::kData) return;
    require(!stream.reset && !stream.ended, "nothing more on a stream that is over");
    require(stream.answered || frame.type == F::kHeaders, "the head comes first");
    stream.answered = true;
    stream.ended = (frame.flags & F::kEndStream) != 0;
    if (frame.type == F::kHeaders && (frame.flags & F::kEndHeaders) == 0) in_head_ = frame.stream;
    if (frame.type != F::kData || !polite_) return;
    give_back(0, owed_, frame.length);
    if (!stream.ended) give_back(frame.stream, stream.owed, frame.length);
  }

  void give_back(std::uint32_t stream, std::size_t& owed, std::size_t taken) {
    owed += taken;
    if (owed < most_owed_) return;
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(owed >> shift);
    answer_ += http2_frame(8, 0, stream, bytes);
    owed = 0;
  }

  std::shared_ptr<PeerEnd> end_;
  bool polite_;
  std::size_t most_owed_, owed_ = 0;  // of the connection's window
  bool heard_nothing_ = true, hears_http2_ = false;
  bool first_ = true;  // no frame was heard
  Speaks speaks_ = Speaks::unknown;
  std::size_t greeted_ = 0;
  std::uint32_t newest_stream_ = 0;  // 0: none yet
  std::uint32_t in_head_ = 0;        // the stream of a head that goes on
  std::unordered_map<std::uint32_t, Stream> streams_;
  std::string answer_;
  Http2Frames said_, heard_;
};

}  // namespace fairlead::fuzz
