#pragma once
// ByteStream: a duplex channel of bytes. TCP, TLS, one HTTP/2 stream or a simulated socket, and the caller cannot tell.
//
//   Chunk c = co_await stream.read();        // lent until the reader's next suspension; c.size == 0: over
//   int err = co_await stream.write(c);      // 0 when all is accepted; back-pressure is a write that has not completed
//
// One read and one write may be outstanding. An idle stream holds no buffer: bytes are read into the loop's shared
// buffer when there are any. A write that the kernel takes at once allocates nothing; what it does not take is copied
// (at most one write's worth) and the writer waits.
//
// read() and write() are plain awaiters, not coroutines: they live in the frame that awaits them, and only try_read and
// try_write are virtual (EVENT-LOOP figures: a coroutine per read costs 9-23 ns and 150 bytes).
//
// Errors are errno values: ECANCELED after cancel(), ETIMEDOUT after interrupt_read(ETIMEDOUT), EPROTO for TLS failures
// (failure_text() has the words), else what the kernel said. The caller knows which side the stream is.

#include <sys/uio.h>

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/address.h"
#include "net/event_loop.h"

namespace fairlead::net {

struct Chunk {
  const char* data = nullptr;  // null with a size: see in_pipe()
  std::uint32_t size = 0;      // 0: see error
  int error = 0;               // with size 0: 0 = end of stream, else errno
  std::string_view view() const { return {data, size}; }
  bool ended() const { return size == 0; }
  // The bytes are in the loop's pipe, not in memory: they can be written on, not looked at.
  bool in_pipe() const { return !data && size != 0; }
};

class ByteStream {
 public:
  explicit ByteStream(EventLoop& loop) : loop_(loop) {}
  virtual ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  EventLoop& loop() const { return loop_; }

  class Read;
  class Write;
  class Flush;
  // A read of at most `most` bytes (the shared buffer's size at most).
  Read read(std::size_t most = EventLoop::kReadBuffer);
  // The same for bytes that nobody need look at (PipePool::kFill at most): the chunk may be one that is in_pipe(),
  // which is written on with write(chunk) and nothing else before the reader's next suspension.
  Read read_through(std::size_t most);
  // Whether read_through() can do more than read() for bytes that go to `sink`.
  bool passes_to(const ByteStream& sink) const { return has_pipes_ && sink.has_pipes_ && loop_.pipes().possible(); }
  // `more`: what is written next follows at once, and small bytes may wait for it. For who can afford the 200 ms that
  // the kernel waits when it does not follow.
  Write write(Chunk chunk, bool more = false);
  // write() in two halves, for who has no room for a Write in the frame of its coroutine: 0 when all was accepted,
  // EAGAIN when some is parked, upon which flush() is awaited and gives what write() would have, else the error.
  int begin_write(Chunk chunk, bool more = false);
  Flush flush();
  Write write(std::string_view bytes);
  // Two pieces as one write, e.g. a head and the bytes behind it.
  Write write(std::string_view first, std::string_view second);

  // Puts bytes back in front of what will be read next. They are copied; without memory for that it throws
  // std::bad_alloc, and what was put back before is still there.
  void unread(std::string_view bytes);
  bool has_unread() const { return pushback_ != nullptr; }

  // Tells the peer that no more will be written (FIN; close_notify before it on TLS). After the last write completed.
  virtual void shutdown_write() = 0;
  // The same for a stream that is destroyed next: what closing a socket tells the peer anyway need not be said before it.
  virtual void shutdown_before_close() { shutdown_write(); }
  // The same for a peer that has nothing more to say. Where that can do no harm the socket is closed at once, and the
  // stream is as after cancel(); else the peer's end is still to be read.
  virtual void finish() { shutdown_write(); }

  // Completes the outstanding read, if any, with `error`. Not sticky.
  void interrupt_read(int error);
  // Completes the outstanding read and write with `error`, and every later one at once. Sticky; idempotent.
  void cancel(int error = 125 /* ECANCELED */);
  bool cancelled() const { return cancel_error_ != 0; }

  // True when the peer has gone away or failed while nobody was reading (noticed from readiness only).
  bool hung_up() const { return hung_up_; }
  // A reset instead of an orderly close when the stream is destroyed.
  virtual void abort_on_close() {}
  // Words for the last EPROTO.
  virtual std::string failure_text() const { return {}; }
  // TLS: the peer ended without close_notify.
  virtual bool truncated() const { return false; }
  // From now on nobody asks whom it leads to: what was kept for that is given up.
  virtual void forget_peer() {}
  // What the peer's side of this stream is, for logs: "TLSv1.3 …", empty on plain.
  virtual std::string_view tls_version() const { return {}; }

  // Of the write that failed: the bytes, at its end, that the peer has not accepted.
  std::size_t unsent() const { return unsent_; }
  // Bytes waiting to be accepted by the peer, in user space.
  std::size_t parked() const { return parked_ ? parked_->size - parked_->sent : 0; }

 protected:
  // > 0 bytes, 0 end of stream, -EAGAIN nothing now, other -errno.
  virtual ssize_t try_read(char* buffer, std::size_t size) = 0;
  virtual ssize_t try_write(const iovec* pieces, int count) = 0;
  // With more to come at once.
  virtual ssize_t try_write_more(const iovec* pieces, int count) { return try_write(pieces, count); }
  // From this stream into an empty pipe, and from a pipe to it.
  virtual ssize_t try_fill(Poller::Pipe, std::size_t) { return -38 /* ENOSYS */; }
  virtual ssize_t try_drain(Poller::Pipe, std::size_t) { return -38 /* ENOSYS */; }
  // Asks to hear of readiness: of reading when a reader waits, of writing when something is parked.
  virtual void want_read() = 0;
  virtual void want_write() = 0;

  // The implementation calls these when something may go on. Return false when nobody is waiting for it.
  bool readable();
  bool writable();
  // For implementations that bytes are brought to, instead of being told of readiness. How many bytes a waiting reader
  // takes at once (0: nobody waits); handing it that many or fewer, which runs the reader, so that this stream may be
  // gone afterwards; and having the reader look, next turn, at what try_read will give.
  std::size_t reader_takes() const;
  void deliver(std::string_view bytes);
  void look_again();
  void set_hung_up() { hung_up_ = true; }

 private:
  struct Pushback {
    std::uint32_t size, at;
    char bytes[1];
  };
  struct Parked {
    std::size_t size, sent;
    Poller::Pipe pipe;  // the bytes are in it, unless it is none
    char bytes[1];
  };
  struct FreeDeleter {
    void operator()(void* p) const;
  };
  ssize_t read_some(char* buffer, std::size_t size);
  Chunk read_chunk(std::size_t most);  // error EAGAIN: nothing now
  Chunk read_into_pipe(std::size_t most);
  int write_now(const iovec* pieces, int count, bool more);  // 0 all taken, EAGAIN rest parked, else errno
  int write_from_pipe(std::size_t size);                     // the same, of what is in the pipe at hand
  ssize_t write_parked();
  static Parked* new_parked(std::size_t size, std::size_t room);  // null: no memory
  int unload(Poller::Pipe pipe, std::size_t size);
  void drop_parked();
  void complete_read(Chunk c);
  void complete_write(int error);

  EventLoop& loop_;
  struct Writer {
    Waiter waiter;
    int error = 0;
  };
  int begin_write(const iovec* pieces, bool more);
  Read* reader_ = nullptr;
  Writer* writer_ = nullptr;
  std::unique_ptr<Parked, FreeDeleter> parked_;
  std::unique_ptr<Pushback, FreeDeleter> pushback_;
  std::uint32_t unsent_ = 0;
  std::int16_t cancel_error_ = 0;
  bool hung_up_ : 1 = false;
  bool deferred_ : 1 = false;  // in the loop's list of streams to look at next turn

 protected:
  // Set while the implementation holds decrypted bytes of which no readiness will tell; the loop then asks again in
  // its next turn, so that one busy stream does not starve the others.
  bool buffered_ : 1 = false;
  // try_fill() and try_drain() work.
  bool has_pipes_ : 1 = false;

 private:
  friend class Read;
  friend class Write;
  friend class Flush;
  friend class EventLoop;
};

class ByteStream::Read {
 public:
  Read(ByteStream& stream, std::uint32_t most, bool through) : stream_(stream), most_(most), through_(through) {}
  bool await_ready() { return stream_.cancel_error_ != 0; }
  bool await_suspend(Waiter h);
  Chunk await_resume() {
    if (stream_.cancel_error_ != 0 && chunk_.size == 0) return Chunk{nullptr, 0, stream_.cancel_error_};
    return chunk_;
  }

 private:
  friend class ByteStream;
  ByteStream& stream_;
  Waiter waiter_;
  Chunk chunk_;
  std::uint32_t most_;
  bool through_;
};

class ByteStream::Write : Writer {
 public:
  Write(ByteStream& stream, std::string_view a, std::string_view b, bool more = false) : stream_(stream), more_(more) {
    pieces_[0] = {const_cast<char*>(a.data()), a.size()};
    pieces_[1] = {const_cast<char*>(b.data()), b.size()};
  }
  // Tries at once; suspends only when the peer does not take it all.
  bool await_ready();
  void await_suspend(Waiter h) {
    waiter = h;
    stream_.writer_ = this;
  }
  int await_resume() const { return error; }

 private:
  friend class ByteStream;
  ByteStream& stream_;
  iovec pieces_[2];
  bool more_;
};

class ByteStream::Flush : Writer {
 public:
  explicit Flush(ByteStream& stream) : stream_(stream) {}
  bool await_ready();
  void await_suspend(Waiter h) {
    waiter = h;
    stream_.writer_ = this;
  }
  int await_resume() const { return error; }

 private:
  ByteStream& stream_;
};
inline ByteStream::Flush ByteStream::flush() { return Flush(*this); }

inline std::size_t ByteStream::reader_takes() const { return reader_ && !pushback_ ? reader_->most_ : 0; }
inline ByteStream::Read ByteStream::read(std::size_t most) {
  return Read(*this, static_cast<std::uint32_t>(most < EventLoop::kReadBuffer ? most : EventLoop::kReadBuffer), false);
}
inline ByteStream::Read ByteStream::read_through(std::size_t most) {
  return Read(*this, static_cast<std::uint32_t>(most < PipePool::kFill ? most : PipePool::kFill), true);
}
inline ByteStream::Write ByteStream::write(Chunk chunk, bool more) { return Write(*this, chunk.view(), {}, more); }
inline ByteStream::Write ByteStream::write(std::string_view bytes) { return Write(*this, bytes, {}); }
inline ByteStream::Write ByteStream::write(std::string_view first, std::string_view second) {
  return Write(*this, first, second);
}

// Interrupts a stream's read at a date, for as long as it lives: `ReadDeadline guard(stream, when);`
class ReadDeadline final : Timer {
 public:
  ReadDeadline(ByteStream& stream, TimePoint when)
      : Timer([](Timer& t) { static_cast<ReadDeadline&>(t).stream_.interrupt_read(110 /* ETIMEDOUT */); }),
        stream_(stream) {
    stream.loop().timers().set(*this, when);
  }
  void move(TimePoint when) { stream_.loop().timers().set(*this, when); }

 private:
  ByteStream& stream_;
};

// Cancels a stream at a date, for as long as it lives.
class StreamDeadline final : Timer {
 public:
  StreamDeadline(ByteStream& stream, TimePoint when)
      : Timer([](Timer& t) { static_cast<StreamDeadline&>(t).stream_.cancel(110 /* ETIMEDOUT */); }), stream_(stream) {
    stream.loop().timers().set(*this, when);
  }
  void move(TimePoint when) { stream_.loop().timers().set(*this, when); }

 private:
  ByteStream& stream_;
};

}  // namespace fairlead::net
