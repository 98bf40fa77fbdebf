#pragma once
// SocketStream: what TCP and TLS streams share, a handle with its interest at the poller. TcpStream: bytes as they are.
// connect_tcp(): one connection to one address. The handle is owned and closed with the stream.

#include "base/error.h"
#include "net/byte_stream.h"
#include "net/task.h"

namespace fairlead::net {

class SocketStream : public ByteStream, public Pollable {
 public:
  SocketStream(EventLoop& loop, int handle, SocketAddress peer);
  ~SocketStream() override;

  int handle() const { return handle_; }
  const SocketAddress& peer() const { return peer_; }
  void set_peer(const SocketAddress& a) { peer_ = a; }
  SocketAddress local() const { return loop().poller().local_address(handle_); }
  void abort_on_close() override { loop().poller().reset_on_close(handle_); }

  // Gives the handle away (a TLS stream takes over a TCP one's). Nobody may be waiting on this stream.
  int release();

  void on_ready(Events events) override;

 protected:
  void want_read() override { want(kReadable); }
  void want_write() override { want(kWritable); }
  void want(Events more);
  void unwant(Events less);
  // Called when the handle becomes ready and neither a reader nor parked bytes wait: TLS handshakes hook in here.
  virtual bool on_idle_ready(Events) { return false; }

 private:
  int handle_;
  Events watched_ = Poller::kNotWatched;
  SocketAddress peer_;
};

class TcpStream final : public SocketStream {
 public:
  using SocketStream::SocketStream;
  void shutdown_write() override;

 protected:
  ssize_t try_read(char* buffer, std::size_t size) override;
  ssize_t try_write(const iovec* pieces, int count) override;
};

// Connects to one address. Errors: from_errno with side origin; timeout when `deadline` passes; cancelled.
Task<base::Result<std::unique_ptr<TcpStream>>> connect_tcp(EventLoop& loop, SocketAddress to, TimePoint deadline,
                                                           StopToken stop = {});

}  // namespace fairlead::net
