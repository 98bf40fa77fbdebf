#include "edge/http1_body.h"

#include <cerrno>
#include <cstring>

namespace fairlead::edge {

net::Task<base::Result<BodyPart>> Http1BodyReader::next(base::Duration idle) {
  if (decoder_.done()) co_return BodyPart{{}, true};
  for (;;) {
    net::Chunk chunk;
    {
      net::ReadDeadline deadline(stream_, base::later(stream_.loop().now(), idle));
      chunk = co_await stream_.read();
    }
    if (chunk.size == 0) {
      if (chunk.error != 0) co_return std::unexpected(base::from_errno(chunk.error, side_, "body"));
      if (stream_.truncated()) co_return base::fail(base::Code::closed, side_, "TLS ended without close_notify");
      if (auto end = decoder_.finish(); !end) co_return std::unexpected(end.error());
      co_return BodyPart{{}, true};
    }
    // The loop's read buffer is ours until the next suspension: move the content together at its beginning.
    char* const begin = const_cast<char*>(chunk.data);
    std::string_view rest = chunk.view();
    std::size_t kept = 0;
    bool done = false;
    while (!rest.empty() && !done) {
      auto step = decoder_.feed(rest);
      if (!step) co_return std::unexpected(step.error());
      if (!step->data.empty()) {
        if (begin + kept != step->data.data()) std::memmove(begin + kept, step->data.data(), step->data.size());
        kept += step->data.size();
      }
      rest.remove_prefix(step->consumed);
      done = step->done;
    }
    if (done) stream_.unread(rest);
    if (kept != 0 || done) co_return BodyPart{{begin, kept}, done};
  }
}

}  // namespace fairlead::edge
