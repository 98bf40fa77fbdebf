#pragma once
// Acceptor: one listening socket on one loop (with SO_REUSEPORT every worker has its own and the kernel spreads the
// connections). Hands over accepted handles; survives running out of descriptors: it stops accepting for a moment
// instead of spinning, so live connections go on and new ones wait in the kernel's queue. It does the same when the
// callback throws, which is caught and logged here (guard.h): most likely there is no memory, and the next connection
// would fare no better now.

#include <functional>

#include "base/error.h"
#include "net/event_loop.h"

namespace fairlead::net {

class Acceptor final : public Pollable, Timer {
 public:
  // Called for each accepted handle; the callee owns it from the call on, also when it throws.
  using OnAccept = std::function<void(int handle, const SocketAddress& peer)>;
  // Called when accepting failed for want of a resource; the acceptor rests for kRest and then tries again.
  using OnExhausted = std::function<void(int error)>;

  Acceptor(EventLoop& loop, OnAccept on_accept, OnExhausted on_exhausted);
  ~Acceptor();

  // Errors: conflict (address in use), resources, malformed.
  base::Result<void> open(const SocketAddress& at, const ListenOptions& options);
  void close();
  bool is_open() const { return handle_ >= 0; }
  const SocketAddress& address() const { return address_; }

  void on_ready(Events events) override;

 private:
  static constexpr int kPerTurn = 64;  // so that a connection storm does not starve what is already connected
  static constexpr Duration kRest = base::milliseconds(50);
  void rest();
  void go_on();

  EventLoop& loop_;
  OnAccept on_accept_;
  OnExhausted on_exhausted_;
  int handle_ = -1;
  bool watching_ = false;
  SocketAddress address_;
};

}  // namespace fairlead::net
