#include "edge/origin_connection.h"

namespace fairlead::edge {

using base::Side;

net::Task<base::Result<void>> OriginConnection::send(std::string_view a, std::string_view b, net::TimePoint deadline) {
  const net::StreamDeadline guard(*stream_, deadline);
  const int error = co_await stream_->write(a, b);
  if (error != 0) {
    co_return std::unexpected(base::from_errno(error, Side::origin, "write to " + stream_->peer().to_string()));
  }
  co_return base::Result<void>{};
}

net::Task<base::Result<protocol::ResponseHead>> OriginConnection::read_head(net::TimePoint deadline) {
  parser_.reset();
  body_.reset();
  const net::ReadDeadline guard(*stream_, deadline);
  for (;;) {
    const net::Chunk chunk = co_await stream_->read();
    if (chunk.size == 0) {
      const std::string who = stream_->peer().to_string();
      if (chunk.error == 0) {
        co_return base::fail(base::Code::closed, Side::origin, who + " closed without an answer",
                             base::Retry::elsewhere);
      }
      co_return std::unexpected(base::from_errno(chunk.error, Side::origin, "answer of " + who));
    }
    answered_ = true;
    const auto used = parser_.feed(chunk.view());
    if (!used) co_return std::unexpected(used.error());
    if (parser_.done()) {
      stream_->unread(chunk.view().substr(*used));
      co_return parser_.take_head();
    }
  }
}

Http1BodyReader& OriginConnection::body() {
  if (!body_) body_.emplace(*stream_, parser_.framing(), Side::origin);
  return *body_;
}

}  // namespace fairlead::edge
