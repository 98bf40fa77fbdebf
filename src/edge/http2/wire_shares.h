#pragma once
// WireShares: whose the bytes of an HTTP/2 connection are. The payload of DATA frames is its stream's; what remains
// (frame headers, HEADERS, SETTINGS, WINDOW_UPDATE, PING, and TLS's records around it all) is counted with the stream
// that was heard or written last. So the sum over streams is, to the byte, what the connection carried. Owned by a
// connection.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/socket_stream.h"

namespace fairlead::edge {

class WireShares {
 public:
  using Wire = std::shared_ptr<net::WireCount>;

  // `total`: where the connection's socket counts; outlives this. Null: nothing is counted.
  explicit WireShares(net::WireCount* total) : total_(total) {}

  // A stream of that meter has begun, and is the last that was heard of.
  void serves(const Wire& wire) { last_ = wire; }

  // So much payload came for it, or was put behind what is to be written next.
  void came(const Wire& wire, std::size_t bytes);
  void framed(const Wire& wire, std::size_t bytes);

  // All that was read until now has been handed out.
  void settle_in();
  // What was framed until now is being written, as one write; and that write is over.
  void begin_write() { writing_.swap(framed_); }
  void end_write(bool all_accepted);

  // The last stream's, for what comes when no stream is left. May be null.
  const Wire& last() const { return last_; }

 private:
  struct Share {
    Wire wire;
    std::uint64_t bytes;
  };

  net::WireCount* total_;
  Wire last_;
  std::vector<Share> framed_, writing_;
  std::uint64_t counted_in_ = 0, counted_out_ = 0;  // of total_, handed out
};

}  // namespace fairlead::edge
