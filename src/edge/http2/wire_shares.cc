#include "edge/http2/wire_shares.h"

#include <new>

namespace fairlead::edge {

void WireShares::came(const Wire& wire, std::size_t bytes) {
  if (!wire || !total_) return;
  wire->in.add(bytes);
  counted_in_ += bytes;
  last_ = wire;
}

void WireShares::framed(const Wire& wire, std::size_t bytes) {
  if (!wire || !total_ || bytes == 0) return;
  if (framed_.empty() || framed_.back().wire != wire) {
    try {
      framed_.push_back({wire, 0});
    } catch (const std::bad_alloc&) {
      return;  // without memory for a note they are counted with the rest, for whoever is last
    }
  }
  framed_.back().bytes += bytes;
}

void WireShares::settle_in() {
  if (!last_ || !total_) return;
  const std::uint64_t now = total_->in.get();
  if (now <= counted_in_) return;  // bytes that were put back and not yet counted here
  last_->in.add(now - counted_in_);
  counted_in_ = now;
}

void WireShares::end_write(bool all_accepted) {
  if (!total_) return;
  if (all_accepted) {
    for (const Share& share : writing_) {
      share.wire->out.add(share.bytes);
      counted_out_ += share.bytes;
      last_ = share.wire;
    }
  }
  writing_.clear();
  const std::uint64_t now = total_->out.get();
  if (!last_ || now <= counted_out_) return;
  last_->out.add(now - counted_out_);
  counted_out_ = now;
}

}  // namespace fairlead::edge
