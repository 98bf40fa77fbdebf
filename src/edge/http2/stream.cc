#include "edge/http2/stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "edge/http2/connection.h"

namespace fairlead::edge {

Http2Stream::Http2Stream(Http2Connection& connection, std::uint32_t id)
    : ByteStream(connection.loop()), connection_(connection), id_(id) {
  connection_.attach(*this);
}

Http2Stream::~Http2Stream() { connection_.detach(*this); }

void Http2Stream::count_wire(std::shared_ptr<net::WireCount> to) {
  wire_ = std::move(to);
  connection_.serves(wire_);
}

std::string_view Http2Stream::tls_version() const { return connection_.client().tls_version; }

void Http2Stream::shutdown_write() { connection_.end(*this, {}); }

ssize_t Http2Stream::try_read(char* buffer, std::size_t size) {
  if (inbox_.empty()) return end_seen_ ? 0 : -EAGAIN;
  const std::size_t n = std::min(size, inbox_.size() - read_);
  std::memcpy(buffer, inbox_.data() + read_, n);
  read_ += n;
  if (read_ == inbox_.size()) {
    inbox_ = std::string();  // an idle stream holds no buffer
    read_ = 0;
    buffered_ = end_seen_;
  }
  connection_.consumed(*this, n);
  return static_cast<ssize_t>(n);
}

ssize_t Http2Stream::try_write(const iovec* pieces, int count) {
  const auto view = [&](int i) {
    return i < count ? std::string_view(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len)
                     : std::string_view();
  };
  const auto sent = connection_.send(*this, view(0), view(1));
  if (sent.gone) return -ECONNRESET;
  waits_ = sent.blocked_by_window ? Waits::for_window : Waits::for_room;
  return sent.bytes != 0 || (view(0).empty() && view(1).empty()) ? static_cast<ssize_t>(sent.bytes) : -EAGAIN;
}

void Http2Stream::want_write() { connection_.wait_to_write(*this); }

void Http2Stream::received(std::string_view data) {
  const std::size_t taken = inbox_.empty() ? std::min(reader_takes(), data.size()) : 0;
  if (taken != data.size()) {
    // A reader that never quite catches up must not leave all that it has read behind it.
    if (read_ > inbox_.size() / 2) inbox_.erase(0, std::exchange(read_, 0));
    inbox_ += data.substr(taken);
    buffered_ = true;
  }
  if (taken != 0) {
    connection_.consumed(*this, taken);
    deliver(data.substr(0, taken));
  } else {
    look_again();
  }
}

void Http2Stream::ended() {
  end_seen_ = true;
  buffered_ = true;
  look_again();
}

void Http2Stream::closed(protocol::Http2Error error) {
  if (error == protocol::Http2Error::no_error && end_seen_) return;  // both sides had ended
  cancel(error == protocol::Http2Error::protocol_error ? EPROTO : ECONNRESET);
  gone_.request_stop();
}

}  // namespace fairlead::edge
