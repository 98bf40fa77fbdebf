#include "edge/origin/connector.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "net/event_loop.h"
#include "net/resolver.h"
#include "net/task_scope.h"
#include "net/tls_stream.h"
#include "protocol/proxy_protocol/proxy_protocol.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;

base::Error cancelled() { return base::Error(Code::cancelled, Side::edge, "connect"); }

// What went wrong on the way to one origin, as the caller has to see it: another origin may do better, unless it was
// the edge itself that could not.
base::Error as_origin_error(base::Error e) {
  switch (e.code) {
    case Code::cancelled: return cancelled();
    case Code::resources:
    case Code::conflict:  // no local port left
      e.side = Side::edge;
      e.code = Code::resources;
      e.retry = base::Retry::later;
      return e;
    default:
      e.side = Side::origin;
      e.retry = base::Retry::elsewhere;
      return e;
  }
}

using Reached = base::Result<std::unique_ptr<net::TcpStream>>;

// Happy eyeballs over a list of addresses. Lives in the frame of the coroutine that races, which joins before it ends.
class Race {
 public:
  Race(net::EventLoop& loop, base::TimePoint until) : loop_(loop), until_(until), attempts_(loop) {}

  net::Task<Reached> run(std::vector<net::SocketAddress> addresses, net::StopToken stop) {
    {
      const net::StopCallback on_stop(stop, Abandon{this});
      std::size_t next = 0;
      while (!over()) {
        const std::size_t failed_before = failed_;
        if (next < addresses.size()) attempts_.spawn(attempt(addresses[next++]));
        const bool more = next < addresses.size();
        if (over() || (!more && attempts_.size() == 0)) break;
        if (more && failed_ != failed_before) continue;  // it failed before it had to wait: no reason to wait either
        net::StopSource nudge;
        nudge_ = &nudge;
        co_await loop_.sleep_until(more ? base::later(loop_.now(), Connector::kNextAddressAfter) : base::kNever, nudge);
        nudge_ = nullptr;
      }
    }
    // Whoever lost still has its socket registered at the poller: it is asked, and awaited, before this frame goes.
    attempts_.request_stop();
    co_await attempts_.join();
    if (abandoned_) co_return std::unexpected(cancelled());
    if (winner_) co_return std::move(winner_);
    if (!last_error_) co_return base::fail(Code::unreachable, Side::origin, "no address");
    co_return std::unexpected(std::move(*last_error_));
  }

 private:
  struct Abandon {
    Race* race;
    void operator()() const {
      race->abandoned_ = true;
      race->nudge();
    }
  };

  bool over() const { return winner_ || abandoned_; }
  void nudge() {
    if (nudge_) nudge_->request_stop();
  }

  net::Task<void> attempt(net::SocketAddress to) {
    auto connected = co_await net::connect_tcp(loop_, to, until_, attempts_.token());
    if (over()) co_return;  // too late: the connection, if there is one, is closed here
    if (connected) {
      winner_ = std::move(*connected);
    } else {
      last_error_ = std::move(connected.error());
      ++failed_;
    }
    nudge();
  }

  net::EventLoop& loop_;
  base::TimePoint until_;
  net::TaskScope attempts_;
  net::StopSource* nudge_ = nullptr;  // ends the racer's sleep
  std::unique_ptr<net::TcpStream> winner_;
  std::optional<base::Error> last_error_;
  std::size_t failed_ = 0;
  bool abandoned_ = false;
};

net::Task<Reached> race(net::EventLoop& loop, std::vector<net::SocketAddress> addresses, base::TimePoint until,
                        net::StopToken stop) {
  Race race(loop, until);
  co_return co_await race.run(std::move(addresses), stop);
}

// Empty when the policy wants none.
std::string proxy_header(const ConnectRequest& request, const net::TcpStream& stream) {
  std::string out;
  const auto append = [&](const net::SocketAddress& from, const net::SocketAddress& to) {
    return request.proxy == model::SendProxy::v1
               ? protocol::append_proxy_v1(out, from.ip(), from.port(), to.ip(), to.port())
               : protocol::append_proxy_v2(out, from.ip(), from.port(), to.ip(), to.port());
  };
  if (request.proxy == model::SendProxy::off) return out;
  // Without IP addresses of a client (a health check, a Unix socket) the connection speaks for itself.
  if (append(request.source, request.destination)) return out;
  (void)append(stream.local(), stream.peer());
  return out;
}

// Writes what has to come before everything else.
net::Task<base::Result<void>> send_first(net::TcpStream& stream, std::string bytes, base::TimePoint deadline,
                                         net::StopToken stop) {
  const auto cancel = [&stream] { stream.cancel(ECANCELED); };
  const net::StopCallback on_stop(stop, cancel);
  const net::StreamDeadline due(stream, deadline);
  const int error = co_await stream.write(bytes);
  if (error != 0) {
    co_return std::unexpected(base::from_errno(error, Side::origin, "PROXY header to " + stream.peer().to_string()));
  }
  co_return base::Result<void>{};
}

}  // namespace

net::Task<base::Result<std::unique_ptr<net::SocketStream>>> Connector::connect(ConnectRequest request,
                                                                               net::StopToken stop) {
  using Connected = base::Result<std::unique_ptr<net::SocketStream>>;
  const base::TimePoint connected_by = std::min(request.deadline, base::later(loop_.now(), request.connect_timeout));

  auto resolved = co_await resolver_.resolve(request.host, connected_by, stop);
  if (!resolved) {
    base::Error error = as_origin_error(std::move(resolved.error()));
    error.context = "resolve " + request.host + (error.context.empty() ? "" : ": " + error.context);
    co_return Connected(std::unexpect, std::move(error));
  }
  for (net::SocketAddress& a : resolved->addresses) a = a.with_port(request.port);

  // The resolver has put the addresses in RFC 8305's order already.
  // One alone, which most are, needs no race.
  std::vector<net::SocketAddress>& addresses = resolved->addresses;
  net::Task<Reached> reaching = addresses.size() == 1 ? net::connect_tcp(loop_, addresses[0], connected_by, stop)
                                                      : race(loop_, std::move(addresses), connected_by, stop);
  auto tcp = co_await std::move(reaching);
  if (!tcp) co_return Connected(std::unexpect, as_origin_error(std::move(tcp.error())));

  if (std::string header = proxy_header(request, **tcp); !header.empty()) {
    const auto sent = co_await send_first(**tcp, std::move(header), request.deadline, stop);
    if (!sent) co_return Connected(std::unexpect, as_origin_error(sent.error()));
  }
  if (!request.tls) co_return Connected(std::move(*tcp));

  // TLS is not part of the race (RFC 8305 5 would allow it): an address that connects and then cannot speak TLS is one
  // origin's broken server, which another address seldom mends and a retry elsewhere does.
  const std::string peer = (*tcp)->peer().to_string();
  auto secured =
      co_await net::tls_connect(std::move(*tcp), request.tls, request.server_name, request.deadline, stop, records_);
  if (!secured) {
    base::Error error = as_origin_error(std::move(secured.error()));
    error.context = "TLS handshake with " + peer + (error.context.empty() ? "" : ": " + error.context);
    co_return Connected(std::unexpect, std::move(error));
  }
  co_return Connected(std::move(*secured));
}

}  // namespace fairlead::edge
