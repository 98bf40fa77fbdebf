#pragma once
// SocketStream: what TCP and TLS streams share, a handle with its interest at the poller. TcpStream: bytes as they are.
// connect_tcp(): one connection to one address. The handle is owned and closed with the stream.

#include "base/counter.h"
#include "base/error.h"
#include "net/byte_stream.h"
#include "net/task.h"

namespace fairlead::net {

// Bytes that sockets carried, above TCP: with TLS its records, handshake included. One thread adds, any may read.
struct WireCount {
  base::Counter in, out;
};
// By the thread that adds to both.
inline void move_count(WireCount& from, WireCount& to) {
  const std::uint64_t in = from.in.get(), out = from.out.get();
  from.in.sub(in);
  from.out.sub(out);
  to.in.add(in);
  to.out.add(out);
}

class SocketStream : public ByteStream, public Pollable {
 public:
  SocketStream(EventLoop& loop, int handle, SocketAddress peer);
  ~SocketStream() override;

  int handle() const { return handle_; }
  const SocketAddress& peer() const { return peer_ ? *peer_ : kNoPeer; }
  void forget_peer() override { peer_.reset(); }
  SocketAddress local() const { return loop().poller().local_address(handle_); }
  // From now on bytes of this socket are added to `to`, which outlives the stream or the next call. Null: nowhere.
  void count_wire(WireCount* to) { wire_ = to; }
  WireCount* wire() const { return wire_; }
  void abort_on_close() override { loop().poller().reset_on_close(handle_); }

  // The handle was put under watch in this stream's name, for these events (by who waited for its connection).
  void watched_for(Events events) { watched_ = events; }

  // Gives the handle away. Nobody may be waiting on this stream.
  int release();

  void on_ready(Events events) override;

 protected:
  // Takes over another's socket, of which nothing is left but the object. Allocates nothing, so that nothing can fail
  // while the handle is nobody's.
  explicit SocketStream(SocketStream& from);
  void want_read() override { want(kReadable); }
  void want_write() override { want(kWritable); }
  void want(Events more);
  void unwant(Events less);
  void close_handle();
  // Called when the handle becomes ready and neither a reader nor parked bytes wait: TLS handshakes hook in here.
  virtual bool on_idle_ready(Events) { return false; }
  // Of the socket itself, counted.
  ssize_t counted_in(ssize_t n) {
    if (n > 0 && wire_) wire_->in.add(static_cast<std::uint64_t>(n));
    return n;
  }
  ssize_t counted_out(ssize_t n) {
    if (n > 0 && wire_) wire_->out.add(static_cast<std::uint64_t>(n));
    return n;
  }
  ssize_t read_socket(char* buffer, std::size_t size) {
    return counted_in(loop().poller().read(handle_, buffer, size));
  }
  ssize_t write_socket(const iovec* pieces, int count) {
    return counted_out(loop().poller().write(handle_, pieces, count));
  }

 private:
  int handle_;
  Events watched_ = Poller::kNotWatched;
  WireCount* wire_ = nullptr;
  std::unique_ptr<SocketAddress> peer_;  // a word while the stream is a session's, and is not asked any more
  static const SocketAddress kNoPeer;
};

class TcpStream final : public SocketStream {
 public:
  TcpStream(EventLoop& loop, int handle, SocketAddress peer) : SocketStream(loop, handle, std::move(peer)) {
    has_pipes_ = true;
  }
  void shutdown_write() override;
  void shutdown_before_close() override {}
  void finish() override;

 protected:
  ssize_t try_read(char* buffer, std::size_t size) override;
  ssize_t try_write(const iovec* pieces, int count) override;
  ssize_t try_write_more(const iovec* pieces, int count) override;
  ssize_t try_fill(Poller::Pipe pipe, std::size_t size) override;
  ssize_t try_drain(Poller::Pipe pipe, std::size_t size) override;
};

// Connects to one address. Errors: from_errno with side origin; timeout when `deadline` passes; cancelled.
Task<base::Result<std::unique_ptr<TcpStream>>> connect_tcp(EventLoop& loop, SocketAddress to, TimePoint deadline,
                                                           StopToken stop = {});

}  // namespace fairlead::net
