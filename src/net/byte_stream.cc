#include "net/byte_stream.h"

#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>

namespace fairlead::net {

void ByteStream::FreeDeleter::operator()(void* p) const { ::operator delete(p); }

ByteStream::~ByteStream() {
  assert(!reader_ && !writer_ && "a stream is not destroyed while somebody waits on it");
  if (deferred_) loop_.undefer(this);
}

bool ByteStream::Read::await_suspend(std::coroutine_handle<> h) {
  assert(!stream_.reader_ && "one read may be outstanding");
  if (stream_.pushback_) {
    chunk_ = stream_.read_chunk(most_);
    return false;
  }
  waiter_ = h;
  stream_.reader_ = this;
  if (stream_.buffered_) {
    stream_.loop_.defer(&stream_);
  } else {
    stream_.want_read();
  }
  return true;
}

bool ByteStream::Write::await_ready() {
  assert(!stream_.writer_ && "one write may be outstanding");
  if (stream_.cancel_error_ != 0) {
    stream_.unsent_ = static_cast<std::uint32_t>(pieces_[0].iov_len + pieces_[1].iov_len);
    error_ = stream_.cancel_error_;
    return true;
  }
  error_ = stream_.write_now(pieces_, 2);
  if (error_ != EAGAIN) return true;
  error_ = 0;
  return false;
}

ssize_t ByteStream::read_some(char* buffer, std::size_t size) {
  if (!pushback_) return try_read(buffer, size);
  const std::size_t n = std::min<std::size_t>(size, pushback_->size - pushback_->at);
  std::memcpy(buffer, pushback_->bytes + pushback_->at, n);
  pushback_->at += static_cast<std::uint32_t>(n);
  if (pushback_->at == pushback_->size) pushback_.reset();
  return static_cast<ssize_t>(n);
}

Chunk ByteStream::read_chunk(std::size_t most) {
  char* buffer = loop_.read_buffer();
  const ssize_t n = read_some(buffer, most);
  if (n > 0) return Chunk{buffer, static_cast<std::uint32_t>(n), 0};
  return Chunk{nullptr, 0, static_cast<int>(-n)};
}

bool ByteStream::readable() {
  if (!reader_) return false;
  const Chunk c = read_chunk(reader_->most_);
  if (c.error == EAGAIN) {
    want_read();
  } else {
    complete_read(c);  // this stream may be gone now
  }
  return true;
}

void ByteStream::deliver(std::string_view bytes) {
  complete_read(Chunk{bytes.data(), static_cast<std::uint32_t>(bytes.size()), 0});
}

void ByteStream::look_again() {
  if (reader_) loop_.defer(this);
}

void ByteStream::complete_read(Chunk c) {
  Read* r = std::exchange(reader_, nullptr);
  r->chunk_ = c;
  r->waiter_.resume();
}

int ByteStream::write_now(const iovec* pieces, int count) {
  const ssize_t n = try_write(pieces, count);
  std::size_t total = 0, taken = 0;
  for (int i = 0; i < count; ++i) total += pieces[i].iov_len;
  if (n < 0) {
    if (n != -EAGAIN) {
      unsent_ = static_cast<std::uint32_t>(total);
      return static_cast<int>(-n);
    }
  } else {
    taken = static_cast<std::size_t>(n);
  }
  if (taken == total) return 0;
  Parked* p = nullptr;
  try {
    p = static_cast<Parked*>(::operator new(offsetof(Parked, bytes) + total - taken));
  } catch (const std::bad_alloc&) {
    unsent_ = static_cast<std::uint32_t>(total - taken);
    return ENOMEM;
  }
  p->size = total - taken;
  p->sent = 0;
  char* to = p->bytes;
  for (int i = 0; i < count; ++i) {
    const std::size_t skip = std::min(taken, pieces[i].iov_len);
    taken -= skip;
    if (pieces[i].iov_len == skip) continue;  // an empty piece has no address, which memcpy must not see
    std::memcpy(to, static_cast<const char*>(pieces[i].iov_base) + skip, pieces[i].iov_len - skip);
    to += pieces[i].iov_len - skip;
  }
  parked_.reset(p);
  want_write();
  // The poller could not take the handle: cancelled, and nobody waits yet who could have been told.
  return cancel_error_ != 0 ? cancel_error_ : EAGAIN;
}

bool ByteStream::writable() {
  if (!parked_) return false;
  const iovec rest{parked_->bytes + parked_->sent, parked_->size - parked_->sent};
  const ssize_t n = try_write(&rest, 1);
  if (n == -EAGAIN) {
    want_write();
    return true;
  }
  int error = 0;
  if (n < 0) {
    error = static_cast<int>(-n);
    unsent_ = static_cast<std::uint32_t>(parked());
  } else {
    parked_->sent += static_cast<std::size_t>(n);
    if (parked_->sent < parked_->size) {
      want_write();
      return true;
    }
  }
  parked_.reset();
  complete_write(error);
  return true;
}

void ByteStream::complete_write(int error) {
  Write* w = std::exchange(writer_, nullptr);
  if (!w) return;
  w->error_ = error;
  w->waiter_.resume();
}

void ByteStream::unread(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::size_t old = pushback_ ? pushback_->size - pushback_->at : 0;
  auto* p = static_cast<Pushback*>(::operator new(offsetof(Pushback, bytes) + bytes.size() + old));
  p->size = static_cast<std::uint32_t>(bytes.size() + old);
  p->at = 0;
  std::memcpy(p->bytes, bytes.data(), bytes.size());
  if (old) std::memcpy(p->bytes + bytes.size(), pushback_->bytes + pushback_->at, old);
  pushback_.reset(p);
}

void ByteStream::interrupt_read(int error) {
  Read* r = std::exchange(reader_, nullptr);
  if (!r) return;
  r->chunk_ = Chunk{nullptr, 0, error};
  // Never resumed in place: whoever interrupts is still running and may be what the reader's end destroys.
  loop_.ready(r->waiter_);
}

void ByteStream::cancel(int error) {
  if (cancel_error_ != 0) return;
  cancel_error_ = error;
  unsent_ = static_cast<std::uint32_t>(parked());
  interrupt_read(error);
  if (Write* w = std::exchange(writer_, nullptr)) {
    w->error_ = error;
    loop_.ready(w->waiter_);
  }
  parked_.reset();
}

}  // namespace fairlead::net
