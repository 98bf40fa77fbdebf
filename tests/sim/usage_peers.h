#pragma once
// The two ends of a session in a simulated hour, each of which counts for itself what it says and hears: a WebSocket
// client, always listening, and an origin that does what it is told. What the edge says itself (Ping, Close) and what
// answers it is known by its looks, and is in nobody's count but the wire's. Header only.
//
// What a message asks of the origin: 'e' to say it back, 'q' the same behind a Ping of its own, 'pN' to push N
// messages, "bye" to close, "die" to reset its connection. Pings of clients begin with "c:", those of origins with
// "o:".

#include "tests/sim/peers.h"
#include "tests/sim/usage_stage.h"

#include <array>
#include <deque>

#include "net/socket_stream.h"
#include "net/task_scope.h"

namespace fairlead::sim {

inline constexpr bool kIn = false, kOut = true;  // as in Meter: from the client, to it

inline void count_frame(Book& book, bool out, const Frame& f, std::size_t bytes, bool first_of_message) {
  const unsigned way = out ? 1 : 0;
  book.add(Meter::bytes_in + way, bytes);
  switch (f.opcode) {
    case 0: book.add(Meter::frames_continuation_in + way); break;
    case 1: book.add(Meter::frames_text_in + way); break;
    case 2: book.add(Meter::frames_binary_in + way); break;
    case 8: book.add(Meter::frames_close_in + way); break;
    case 9: book.add(Meter::frames_ping_in + way); break;
    case 10: book.add(Meter::frames_pong_in + way); break;
    default: ADD_FAILURE() << "opcode " << int(f.opcode);
  }
  if (first_of_message) book.add((f.opcode == 1 ? Meter::messages_text_in : Meter::messages_binary_in) + way);
}

// In the shortest form of RFC 6455 5.2, which is all that peers here write.
inline std::size_t size_on_wire(const Frame& f) {
  const std::size_t n = f.payload.size();
  return 2 + (n < 126 ? 0 : n < 65536 ? 2 : 8) + (f.masked ? 4 : 0) + n;
}

// A message cut into frames.
inline std::vector<Frame> frames_of(net::SimRandom& random, std::uint8_t opcode, bool masked, std::string payload) {
  std::vector<Frame> frames;
  for (;;) {
    const bool cut = frames.size() < 3 && random.chance(0.2);
    const std::size_t n = cut ? random.below(payload.size() + 1) : payload.size();
    frames.emplace_back(!cut, frames.empty() ? opcode : std::uint8_t{0}, masked, payload.substr(0, n));
    if (!cut) return frames;
    payload.erase(0, n);
  }
}

inline std::string letters(net::SimRandom& random, std::size_t size) {
  std::string s(size, 0);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 8 == 0) word = random.next();
    s[i] = static_cast<char>('a' + (word >> (i % 8 * 8) & 0xff) % 26);
  }
  return s;
}

class ClientSession {
 public:
  ClientSession(Stage& stage, net::ByteStream& stream, Book book)
      : stage_(stage), stream_(stream), book_(std::move(book)), changed_(stage.loop) {
    book_.add(Meter::sessions_opened);
  }

  bool over() const { return over_; }          // nothing will come any more
  bool closed() const { return close_sent_; }  // no further message will be said
  const Book& book() const { return book_; }
  void be_mute() { mute_ = true; }  // answers no Ping of the edge's any more

  // All that comes, until the stream ends. To be spawned in a scope of the session's own.
  net::Task<void> listen(net::TaskScope& answers) {
    FrameReader reader(stream_);
    std::string message;
    while (auto f = co_await reader.next()) {
      EXPECT_FALSE(f->masked);
      heard(std::move(*f), message, answers);
      changed_.raise();
      if (close_seen_) break;
    }
    if (!close_seen_) {
      EXPECT_FALSE(reader.torn);
      if (mute_) {
        ended(3);
      } else if (lost_expected_) {
        ended(1);
      } else {
        EXPECT_TRUE(close_sent_ || given_up_) << "no Close, error " << reader.error << " at " << where();
      }
    }
    while (!given_up_) {
      const net::Chunk c = co_await stream_.read();
      if (c.size == 0) break;
    }
    over_ = true;
    changed_.raise();
  }

  // A message and all that is said to it.
  net::Task<void> exchange() {
    net::SimRandom& random = stage_.random;
    if (random.chance(0.2)) co_await ping();
    const std::uint64_t kind = random.below(10);
    std::string text = kind < 6 ? "e" : kind == 6 ? "q" : "p" + std::to_string(random.below(4));
    static constexpr std::size_t kSizes[] = {0, 1, 20, 125, 126, 900, 3000, 3000, 12000};
    text += letters(random, random.chance(0.02) ? 66000 : kSizes[random.below(std::size(kSizes))]);
    if (random.chance(0.05)) text.clear();
    if (!text.empty() && text[0] == 'p') {
      for (char n = '0'; n < text[1]; ++n) expected_.push_back(std::nullopt);
    } else {
      expected_.push_back(text);
    }
    co_await say(random.chance(0.5) ? 1 : 2, std::move(text));
    while (!expected_.empty() && !over_) co_await changed_.wait();
    EXPECT_TRUE(expected_.empty()) << "no echo at " << where();
  }
  // Has the origin say something unasked: it is told now, and does so when it is released.
  net::Task<void> ask_for_later(std::string word) {
    expected_.push_back(std::nullopt);
    co_await say(1, word);
  }
  net::Task<void> hear_what_was_asked(std::string word) {
    stage_.release(word);
    while (!expected_.empty() && !over_) co_await changed_.wait();
    EXPECT_TRUE(expected_.empty()) << "nothing came at " << where();
  }
  net::Task<void> ping() {
    ++pings_;
    co_await send(Frame(true, 9, true, "c:" + letters(stage_.random, stage_.random.below(100))), true);
    while (pings_ != 0 && !over_) co_await changed_.wait();
  }
  net::Task<void> say(std::uint8_t opcode, std::string text) {
    for (Frame& f : frames_of(stage_.random, opcode, true, std::move(text))) co_await send(std::move(f), true);
  }
  // Begins the closing handshake, and waits for its end.
  net::Task<void> close() {
    co_await send(Frame(true, 8, true, std::string("\x03\xe8", 2)), true);
    co_await end();
  }
  net::Task<void> end() {
    while (!over_) co_await changed_.wait();
  }
  // Has the origin do it.
  net::Task<void> have_closed() {
    co_await send(Frame(true, 1, true, "bye"), true);
    co_await end();
  }
  net::Task<void> have_killed() {
    lost_expected_ = true;
    co_await send(Frame(true, 1, true, "die"), true);
    co_await end();
  }
  // Nothing is under way: the stream is given up without a word.
  void kill() {
    given_up_ = true;
    ended(1);
    stream_.abort_on_close();
    stream_.cancel();
  }

 private:
  std::string where() const { return book_.whose().domain + " " + std::to_string(stage_.clock.ms()); }

  static constexpr std::uint16_t kGoingAway = 1001;  // said by nobody here but the edge

  net::Task<void> send(Frame f, bool counts) {
    while (writing_) co_await changed_.wait();
    if (close_sent_) co_return;
    writing_ = true;
    close_sent_ = f.opcode == 8;
    if (counts) count_frame(book_, kIn, f, size_on_wire(f), f.opcode == 1 || f.opcode == 2);
    const std::string bytes = encode(f, &stage_.random);
    const int error = co_await stream_.write(bytes);
    EXPECT_TRUE(error == 0 || given_up_ || mute_) << error << " at " << where();
    writing_ = false;
    changed_.raise();
  }

  void heard(Frame f, std::string& message, net::TaskScope& answers) {
    const bool edges_ping = f.opcode == 9 && !f.payload.starts_with("o:");
    const bool edges_close = f.opcode == 8 && close_code_of(f) == kGoingAway;
    if (!edges_ping && !edges_close) count_frame(book_, kOut, f, size_on_wire(f), f.opcode == 1 || f.opcode == 2);
    switch (f.opcode) {
      case 8:
        close_seen_ = true;
        ended(edges_close ? cause_in(f.payload.substr(2)) : 0);
        answers.spawn(send(Frame(true, 8, true, f.payload), !edges_close));
        break;
      case 9:
        if (!mute_) answers.spawn(send(Frame(true, 10, true, f.payload), !edges_ping));
        break;
      case 10:
        EXPECT_GT(pings_, 0);
        --pings_;
        break;
      default:
        message += f.payload;
        if (!f.fin) break;
        if (expected_.empty()) {
          ADD_FAILURE() << "a message that nobody asked for";
        } else {
          EXPECT_EQ(expected_.front().value_or(message), message);
          expected_.pop_front();
        }
        message.clear();
    }
  }

  // What the edge's Close says that the cause is.
  static unsigned cause_in(std::string_view reason) {
    if (reason.starts_with("connection_timeout")) return 2;
    if (reason.starts_with("pong_timeout")) return 3;
    if (reason.starts_with("max_session_age")) return 4;
    if (reason.starts_with("websocket disabled")) return 7;
    if (reason.starts_with("edge going away")) return 8;
    ADD_FAILURE() << "a Close of the edge's: " << reason;
    return 11;
  }
  void ended(unsigned cause) {
    if (std::exchange(end_counted_, true)) return;
    book_.add(Meter::sessions_closed + cause);
    stage_.open_ms += stage_.clock.ms() - opened_ms_;
  }

  Stage& stage_;
  net::ByteStream& stream_;
  Book book_;
  Signal changed_;
  std::deque<std::optional<std::string>> expected_;  // none: any
  const std::int64_t opened_ms_ = stage_.clock.ms();
  int pings_ = 0;  // that wait for their Pongs
  bool writing_ = false, close_sent_ = false, close_seen_ = false, over_ = false;
  bool mute_ = false, lost_expected_ = false, given_up_ = false, end_counted_ = false;
};

// One connection from the edge: requests of HTTP/1.1, maybe a session in the end.
class OriginPeer {
 public:
  explicit OriginPeer(Stage& stage) : stage_(stage) {}

  net::Task<void> serve(int handle, net::SocketAddress peer) {
    net::TcpStream stream(stage_.loop, handle, peer);
    for (;;) {
      const auto head = co_await net::testing::read_until(stream, "\r\n\r\n");
      if (!head.bytes.ends_with("\r\n\r\n")) co_return;
      const std::string path =
          head.bytes.substr(head.bytes.find(' ') + 1, head.bytes.find(' ', 5) - head.bytes.find(' ') - 1);
      const std::string key = header_value(head.bytes, "sec-websocket-key");
      std::string answer;
      if (!key.empty() && path != "/refuse") {
        answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            protocol::accept_key(key) + "\r\n\r\n";
        const int error = co_await stream.write(answer);
        if (error == 0) co_await session(stream, header_value(head.bytes, "host"));
        co_return;
      }
      const std::string body_size = header_value(head.bytes, "content-length");
      if (!body_size.empty()) (void)co_await net::testing::read_exactly(stream, std::stoul(body_size));
      const int status = path == "/refuse" ? 403 : path == "/lost" ? 404 : 200;
      const std::size_t size = path.starts_with("/page/") ? std::stoul(path.substr(6)) : 5;
      answer = "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
               std::string(size, 'x');
      const int error = co_await stream.write(answer);
      if (error != 0) co_return;
    }
  }

 private:
  net::Task<void> say(net::ByteStream& stream, Book& book, std::uint8_t opcode, std::string text) {
    for (const Frame& f : frames_of(stage_.random, opcode, false, std::move(text))) {
      count_frame(book, kOut, f, size_on_wire(f), f.opcode != 0);
      const std::string bytes = encode(f, nullptr);
      const int error = co_await stream.write(bytes);
      EXPECT_EQ(error, 0);
    }
  }
  // One frame, which counts or does not.
  net::Task<void> control(net::ByteStream& stream, Book* book, std::uint8_t opcode, std::string payload) {
    const Frame f(true, opcode, false, std::move(payload));
    if (book) count_frame(*book, kOut, f, size_on_wire(f), false);
    const std::string bytes = encode(f, nullptr);
    (void)co_await stream.write(bytes);
  }

  net::Task<void> session(net::TcpStream& stream, std::string host) {
    Book book(stage_.origins, stage_.clock, Whose{host, "", ""});
    FrameReader reader(stream);
    std::string message;
    std::uint8_t opcode = 0;
    bool close_sent = false;
    while (auto f = co_await reader.next()) {
      EXPECT_TRUE(f->masked);
      const bool edges =
          (f->opcode == 9 && !f->payload.starts_with("c:")) || (f->opcode == 8 && close_code_of(*f) == 1001);
      if (!edges) count_frame(book, kIn, *f, size_on_wire(*f), f->opcode == 1 || f->opcode == 2);
      if (f->opcode == 8) {
        if (!close_sent) co_await control(stream, edges ? nullptr : &book, 8, f->payload);
        break;
      }
      if (f->opcode == 9) co_await control(stream, edges ? nullptr : &book, 10, f->payload);
      if (f->opcode >= 8) continue;
      if (f->opcode != 0) opcode = f->opcode;
      message += f->payload;
      if (!f->fin) continue;
      const std::string asked = std::exchange(message, {});
      if (asked == "die") {
        stream.abort_on_close();
        co_return;
      }
      if (asked == "bye") {
        close_sent = true;
        co_await control(stream, &book, 8, std::string("\x0f\xa1", 2));
        continue;
      }
      if (asked.starts_with("q")) co_await control(stream, &book, 9, "o:" + letters(stage_.random, 6));
      if (asked.starts_with("p")) {
        for (char n = '0'; n < asked[1]; ++n) {
          co_await say(stream, book, opcode, letters(stage_.random, stage_.random.below(5000)));
        }
      } else if (asked.starts_with("w")) {
        co_await stage_.released(asked);
        co_await say(stream, book, opcode, letters(stage_.random, stage_.random.below(3000)));
      } else {
        co_await say(stream, book, opcode, asked);
      }
    }
    stream.shutdown_write();
    for (;;) {
      const net::Chunk c = co_await stream.read();
      if (c.size == 0) break;
    }
  }

  Stage& stage_;
};

}  // namespace fairlead::sim
