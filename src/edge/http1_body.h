#pragma once
// Http1BodyReader: the body of one HTTP/1.1 message off a stream, of a client's request or an origin's answer, framing
// removed as it comes: each call gives the content of one read, whatever the number of chunks in it, compacted in
// place. Bytes behind the body are put back into the stream.

#include "edge/client_exchange.h"
#include "net/byte_stream.h"
#include "protocol/http1/body_decoder.h"

namespace fairlead::edge {

class Http1BodyReader {
 public:
  Http1BodyReader(net::ByteStream& stream, protocol::BodyFraming framing, base::Side side)
      : stream_(stream), decoder_(framing, side), side_(side) {}

  // The next part; empty data with `end` false never comes. `idle`: the longest wait for a byte. Errors: side as
  // constructed; timeout, closed (cut short), reset, malformed, too_large, cancelled.
  net::Task<base::Result<BodyPart>> next(base::Duration idle);

  bool done() const { return decoder_.done(); }
  std::uint64_t total() const { return decoder_.total(); }
  const protocol::Fields& trailers() const { return decoder_.trailers(); }

 private:
  net::ByteStream& stream_;
  protocol::BodyDecoder decoder_;
  base::Side side_;
};

}  // namespace fairlead::edge
