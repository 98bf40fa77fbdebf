#include "net/socket_stream.h"

#include <cassert>
#include <cerrno>

namespace fairlead::net {

SocketStream::SocketStream(EventLoop& loop, int handle, SocketAddress peer)
    : ByteStream(loop), handle_(handle), peer_(std::make_unique<SocketAddress>(std::move(peer))) {}

SocketStream::SocketStream(SocketStream& from)
    : ByteStream(from.loop()), handle_(from.release()), peer_(std::move(from.peer_)) {}

const SocketAddress SocketStream::kNoPeer;

SocketStream::~SocketStream() {
  if (handle_ >= 0) close_handle();
}

void SocketStream::close_handle() {
  loop().poller().forget(this);
  loop().poller().close(handle_);
  handle_ = -1;
  watched_ = Poller::kNotWatched;
}

int SocketStream::release() {
  Poller& poller = loop().poller();
  poller.forget(this);
  if (watched_ != Poller::kNotWatched) poller.watch(handle_, this, watched_, Poller::kNotWatched);
  watched_ = Poller::kNotWatched;
  return std::exchange(handle_, -1);
}

void SocketStream::want(Events more) {
  const Events now = watched_ == Poller::kNotWatched ? 0 : watched_;
  const Events after = now | more;
  if (after == watched_) return;
  // A failure here (no memory) would leave the stream deaf: better that its waiters hear of it.
  if (const int e = loop().poller().watch(handle_, this, watched_, after); e < 0) {
    cancel(-e);
    return;
  }
  watched_ = after;
}

void SocketStream::unwant(Events less) {
  if (watched_ == Poller::kNotWatched || !(watched_ & less)) return;
  loop().poller().watch(handle_, this, watched_, watched_ & ~less);
  watched_ &= ~less;
}

// Level-triggered: interest in reading stays on from message to message (no call per message) and is taken off only
// when an event finds no reader; interest in writing is on only while something is parked.
void SocketStream::on_ready(Events events) {
  if (events & kWritable) {
    Poller& poller = loop().poller();
    if (on_idle_ready(kWritable)) return;
    if (parked() == 0) {
      poller.watch(handle_, this, watched_, watched_ & ~kWritable);
      watched_ &= ~kWritable;
      return;
    }
    // Taken off first, because the writer's resumption may destroy this stream; a short write puts it back.
    poller.watch(handle_, this, watched_, watched_ & ~kWritable);
    watched_ &= ~kWritable;
    writable();
    return;
  }
  if (on_idle_ready(events)) return;
  if (readable()) return;
  if (events & kHangup) {
    // Nobody reads: hangup cannot be masked, so the handle leaves the poller until somebody waits again.
    set_hung_up();
    loop().poller().watch(handle_, this, watched_, Poller::kNotWatched);
    watched_ = Poller::kNotWatched;
    if (parked() != 0) writable();
    return;
  }
  loop().poller().watch(handle_, this, watched_, watched_ & ~kReadable);
  watched_ &= ~kReadable;
}

ssize_t TcpStream::try_read(char* buffer, std::size_t size) { return read_socket(buffer, size); }

ssize_t TcpStream::try_write(const iovec* pieces, int count) { return write_socket(pieces, count); }

ssize_t TcpStream::try_write_more(const iovec* pieces, int count) {
  return counted_out(loop().poller().write_more(handle(), pieces, count));
}

ssize_t TcpStream::try_fill(Poller::Pipe pipe, std::size_t size) {
  return counted_in(loop().poller().fill(pipe, handle(), size));
}

ssize_t TcpStream::try_drain(Poller::Pipe pipe, std::size_t size) {
  return counted_out(loop().poller().drain(pipe, handle(), size));
}

// A socket that is closed with bytes unread is reset, and the peer may lose what it was sent last.
void TcpStream::finish() {
  if (cancelled()) return;
  if (parked() == 0 && !has_unread()) {
    char unexpected;
    if (read_socket(&unexpected, 1) <= 0) {
      close_handle();
      return cancel();
    }
    unread({&unexpected, 1});
    look_again();
  }
  shutdown_write();
}

void TcpStream::shutdown_write() { loop().poller().shutdown_write(handle()); }

namespace {

// Waits for a connecting handle to become writable, a date, or a request to stop.
class ConnectWait final : Pollable, Timer {
 public:
  ConnectWait(TcpStream& stream, TimePoint deadline, StopToken stop)
      : Timer([](Timer& t) { static_cast<ConnectWait&>(t).finish(ETIMEDOUT); }),
        stream_(stream),
        loop_(stream.loop()),
        handle_(stream.handle()),
        deadline_(deadline),
        stop_(stop, OnStop{this}) {}
  ~ConnectWait() { loop_.poller().forget(this); }

  bool await_ready() const { return error_ != 0; }
  bool await_suspend(std::coroutine_handle<> h) {
    if (const int e = loop_.poller().watch(handle_, this, Poller::kNotWatched, kWritable); e < 0) {
      error_ = -e;
      return false;
    }
    waiter_ = h;
    loop_.timers().set(*this, deadline_);
    return true;
  }
  int await_resume() {
    if (failed_) error_ = -loop_.poller().connect_result(handle_);
    return error_;
  }

 private:
  struct OnStop {
    ConnectWait* self;
    void operator()() const { self->finish(ECANCELED); }
  };
  // Writable and nothing else: it is there. Only of another end the socket must be asked.
  void on_ready(Events events) override {
    failed_ = (events & kHangup) != 0;
    finish(0);
  }
  void finish(int error) {
    error_ = error;
    if (!waiter_) return;
    cancel();
    // Handed over to the stream, of which an answer will be read: one call less than ending it here and beginning anew.
    if (loop_.poller().watch(handle_, &stream_, kWritable, kReadable) == 0) {
      stream_.watched_for(kReadable);
    } else {
      loop_.poller().watch(handle_, this, kWritable, Poller::kNotWatched);
    }
    loop_.ready(std::exchange(waiter_, {}));
  }
  TcpStream& stream_;
  EventLoop& loop_;
  int handle_;
  TimePoint deadline_;
  std::coroutine_handle<> waiter_;
  int error_ = 0;
  bool failed_ = false;
  StopCallback<OnStop> stop_;
};

}  // namespace

Task<base::Result<std::unique_ptr<TcpStream>>> connect_tcp(EventLoop& loop, SocketAddress to, TimePoint deadline,
                                                           StopToken stop) {
  const int handle = loop.poller().connect(to);
  if (handle < 0) co_return std::unexpected(base::from_errno(-handle, base::Side::origin, to.to_string()));
  std::unique_ptr<TcpStream> stream;
  try {
    stream = std::make_unique<TcpStream>(loop, handle, to);
  } catch (...) {
    loop.poller().close(handle);  // nobody's yet
    throw;
  }
  int error = 0;
  {
    ConnectWait wait(*stream, deadline, stop);
    error = co_await wait;
  }
  if (error != 0)
    co_return std::unexpected(base::from_errno(error, base::Side::origin, "connect to " + to.to_string()));
  co_return stream;
}

}  // namespace fairlead::net
