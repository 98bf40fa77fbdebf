#include "edge/tcp_tunnel.h"

#include <algorithm>
#include <optional>

#include "edge/origin_dial.h"
#include "edge/problem.h"
#include "edge/tunnel_opening.h"
#include "edge/worker.h"

namespace fairlead::edge {
namespace {

// Both directions of one tunnel; ends when both are over, when nothing moved for `idle`, or when asked to stop.
class TcpTunnel final : net::Timer {
 public:
  TcpTunnel(net::ByteStream& client, net::ByteStream& origin, TunnelMeter& meter, base::Duration idle)
      : Timer([](Timer& t) { static_cast<TcpTunnel&>(t).look(); }),
        client_(client),
        origin_(origin),
        meter_(meter),
        idle_(idle) {}

  net::Task<void> run(net::StopToken stop) {
    last_ = client_.loop().now();
    client_.loop().timers().set(*this, base::later(last_, idle_));
    const net::StopCallback on_stop(stop, [this] { end(CloseBy::operator_, CloseCause::drain); });
    // Both are made before either starts: one that runs must not be left behind for want of the other.
    net::Task<void> to_client = pump(origin_, client_, out, meter_.bytes_out, CloseBy::origin);
    net::Task<void> to_origin = pump(client_, origin_, in, meter_.bytes_in, CloseBy::client);
    net::TaskScope scope(client_.loop(), [this](const char*) { end(CloseBy::edge, CloseCause::internal_error); });
    scope.spawn(std::move(to_client));
    scope.spawn(std::move(to_origin));
    co_await scope.join();
    Timer::cancel();
  }

  std::uint64_t in = 0, out = 0;
  CloseBy by = CloseBy::client;
  CloseCause cause = CloseCause::connection_lost;

 private:
  // Behind a read that brought as much as this, the next one goes through a pipe (ADR 0014): these bytes have no frames
  // that somebody had to look at.
  static constexpr std::size_t kBulk = 16 * 1024;
  static net::ByteStream::Read next_read(net::ByteStream& from, const net::ByteStream& to, bool bulk) {
    return bulk && from.passes_to(to) ? from.read_through(net::PipePool::kFill) : from.read();
  }

  net::Task<void> pump(net::ByteStream& from, net::ByteStream& to, std::uint64_t& bytes, Counter& counter,
                       CloseBy side) {
    bool bulk = false;
    for (;;) {
      const net::Chunk chunk = co_await next_read(from, to, bulk);
      if (chunk.size == 0) {
        if (!std::exchange(ended_, true)) by = side;
        // A broken side takes the other with it; one that ended in order may still be sent to.
        if (chunk.error != 0) to.cancel();
        break;
      }
      bulk = chunk.size >= kBulk;
      last_ = client_.loop().now();
      const int error = co_await to.write(chunk);
      const std::size_t taken = chunk.size - (error != 0 ? std::min<std::size_t>(chunk.size, to.unsent()) : 0);
      bytes += taken;
      counter.add(taken);
      if (error != 0) {
        from.cancel();
        break;
      }
      last_ = client_.loop().now();
    }
    if (!to.cancelled()) to.shutdown_write();
  }

  void look() {
    const net::TimePoint due = base::later(last_, idle_);
    if (due > client_.loop().now()) {
      client_.loop().timers().set(*this, due);
    } else {
      end(CloseBy::edge, CloseCause::connection_timeout);
    }
  }

  void end(CloseBy who, CloseCause why) {
    if (!std::exchange(ended_, true)) {
      by = who;
      cause = why;
    }
    client_.cancel();
    origin_.cancel();
  }

  net::ByteStream &client_, &origin_;
  TunnelMeter& meter_;
  base::Duration idle_;
  net::TimePoint last_{};
  bool ended_ = false;
};

// Counted for as long as it lives, however the tunnel ends.
class OpenTunnel {
 public:
  explicit OpenTunnel(TunnelMeter& m) : open_(m.open) {
    m.opened.add();
    open_.add();
  }
  ~OpenTunnel() { open_.sub(); }
  OpenTunnel(const OpenTunnel&) = delete;
  OpenTunnel& operator=(const OpenTunnel&) = delete;

 private:
  Counter& open_;
};

}  // namespace

net::Task<void> serve_tcp_tunnel(Worker& worker, std::unique_ptr<net::SocketStream> accepted, const ClientInfo& info,
                                 const std::string& domain_name) {
  std::shared_ptr<MeterCell> cell;  // outlives the stream, which counts its bytes in it
  const std::unique_ptr<net::SocketStream> client = std::move(accepted);
  const net::TimePoint opened = worker.loop().now();
  AccessRecord record;
  record.opened_ms = base::wall_clock_ms();
  record.domain = domain_name;
  record.client = info.peer.ip();
  record.client_port = info.peer.port();
  record.protocol = "tcp";
  record.region = worker.places().region(info.place);
  record.isp = worker.places().isp(info.place);
  record.tls = info.tls_version;
  const auto domain = worker.domain_named(domain_name);
  if (!domain) {
    worker.counters().unknown_domain.add();
    record.error = "unknown_domain";
  } else if (const auto seat =
                 worker.admission().enter_session(info.peer, domain->policy(), domain->shared().seats, opened);
             !seat) {
    record.error = problem_of_limit(seat.error(), worker.counters()).code;
  } else {
    auto origin = co_await dial_tunnel(worker, info, domain);
    if (!origin) {
      record.error = problem_of(origin.error()).code;
      record.close_by = to_string(CloseBy::origin);
    } else {
      record.origin = origin->address;
      // All that passive health can learn of bytes it does not understand: the origin took the connection.
      origin->answered(worker, 200);
      cell = worker.meter(*domain, info);
      TunnelMeter& meter = cell->tunnel;
      net::WireCount* const own_wire = client->wire();
      if (own_wire) net::move_count(*own_wire, meter.wire);
      client->count_wire(&meter.wire);
      std::optional<OpenTunnel> open(std::in_place, meter);
      TcpTunnel tunnel(*client, *origin->stream, meter, domain->policy().websocket.connection_timeout);
      // Drain leaves it alone: bytes of an unknown protocol cannot be told to go, so they have until the time is up.
      co_await tunnel.run(worker.stop_token());
      open.reset();
      record.bytes_in = tunnel.in;
      record.bytes_out = tunnel.out;
      record.close_by = to_string(tunnel.by);
      record.close_cause = to_string(tunnel.cause);
    }
  }
  record.duration_ms = (worker.loop().now() - opened) / base::milliseconds(1);
  worker.log().write(record);
}

}  // namespace fairlead::edge
