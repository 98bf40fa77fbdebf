#include "edge/http1_linger.h"

namespace fairlead::edge {

net::Task<void> linger(net::ByteStream& stream) {
  if (stream.cancelled()) co_return;
  stream.shutdown_write();
  const net::StreamDeadline deadline(stream, base::later(stream.loop().now(), kLingerTime));
  std::size_t seen = 0;
  while (seen < kLingerBytes) {
    const net::Chunk chunk = co_await stream.read();
    if (chunk.size == 0) co_return;
    seen += chunk.size;
  }
}

}  // namespace fairlead::edge
