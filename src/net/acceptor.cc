#include "net/acceptor.h"

#include <cerrno>

#include "net/guard.h"

namespace fairlead::net {

Acceptor::Acceptor(EventLoop& loop, OnAccept on_accept, OnExhausted on_exhausted)
    : Timer([](Timer& t) { static_cast<Acceptor&>(t).go_on(); }),
      loop_(loop),
      on_accept_(std::move(on_accept)),
      on_exhausted_(std::move(on_exhausted)) {}

Acceptor::~Acceptor() { close(); }

base::Result<void> Acceptor::open(const SocketAddress& at, const ListenOptions& options) {
  const int h = loop_.poller().listen(at, options, &address_);
  if (h < 0) return std::unexpected(base::from_errno(-h, base::Side::edge, "listen on " + at.to_string()));
  handle_ = h;
  go_on();
  return {};
}

void Acceptor::close() {
  if (handle_ < 0) return;
  Timer::cancel();
  loop_.poller().forget(this);
  loop_.poller().close(handle_);
  handle_ = -1;
  watching_ = false;
}

void Acceptor::go_on() {
  if (watching_ || handle_ < 0) return;
  if (loop_.poller().watch(handle_, this, Poller::kNotWatched, kReadable) < 0) {
    loop_.timers().set(*this, base::later(loop_.now(), kRest));
    return;
  }
  watching_ = true;
}

void Acceptor::rest() {
  if (handle_ < 0) return;  // closed by its callback
  loop_.poller().watch(handle_, this, kReadable, Poller::kNotWatched);
  watching_ = false;
  loop_.timers().set(*this, base::later(loop_.now(), kRest));
}

void Acceptor::on_ready(Events) {
  for (int i = 0; i < kPerTurn && handle_ >= 0; ++i) {
    SocketAddress peer;
    const int h = loop_.poller().accept(handle_, &peer);
    if (h >= 0) {
      if (guarded("accepting a connection", [&] { on_accept_(h, peer); })) continue;
      rest();
      return;
    }
    if (h == -EAGAIN) return;
    if (h == -EMFILE || h == -ENFILE || h == -ENOBUFS || h == -ENOMEM) {
      rest();  // first: should the callback throw, the acceptor still does not spin
      on_exhausted_(-h);
      return;
    }
    // ECONNABORTED and its kin: that one client is gone, the next may be fine.
  }
}

}  // namespace fairlead::net
