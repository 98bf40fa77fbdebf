#include "net/byte_stream.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>

namespace fairlead::net {

void ByteStream::FreeDeleter::operator()(void* p) const { ::operator delete(p); }

ByteStream::~ByteStream() {
  assert(!reader_ && !writer_ && "a stream is not destroyed while somebody waits on it");
  if (deferred_) loop_.undefer(this);
  drop_parked();
}

bool ByteStream::Read::await_suspend(Waiter h) {
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
  error = stream_.begin_write(pieces_, more_);
  if (error != EAGAIN) return true;
  error = 0;
  return false;
}

// What was parked may be gone since: who cancelled it has said so.
bool ByteStream::Flush::await_ready() {
  assert(!stream_.writer_ && "one write may be outstanding");
  error = stream_.cancel_error_;
  return error != 0 || !stream_.parked_;
}

int ByteStream::begin_write(Chunk chunk, bool more) {
  const iovec pieces[2] = {{const_cast<char*>(chunk.data), chunk.size}, {nullptr, 0}};
  return begin_write(pieces, more);
}

int ByteStream::begin_write(const iovec* pieces, bool more) {
  assert(!writer_ && !parked_ && "one write may be outstanding");
  const std::size_t size = pieces[0].iov_len + pieces[1].iov_len;
  const bool piped = !pieces[0].iov_base && pieces[0].iov_len != 0;
  if (cancel_error_ != 0) {
    unsent_ = static_cast<std::uint32_t>(size);
    if (piped) loop_.pipes().drop();
    return cancel_error_;
  }
  if (piped) [[unlikely]]
    return write_from_pipe(size);
  return write_now(pieces, 2, more);
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
  const ssize_t n = read_some(buffer, std::min(most, EventLoop::kReadBuffer));
  if (n > 0) return Chunk{buffer, static_cast<std::uint32_t>(n), 0};
  return Chunk{nullptr, 0, static_cast<int>(-n)};
}

Chunk ByteStream::read_into_pipe(std::size_t most) {
  PipePool& pipes = loop_.pipes();
  if (!has_pipes_ || pushback_ || !pipes.possible() || !pipes.take()) return read_chunk(most);
  const ssize_t n = try_fill(pipes.at_hand(), most);
  if (n > 0) {
    pipes.set_filled(static_cast<std::size_t>(n));
    return Chunk{nullptr, static_cast<std::uint32_t>(n), 0};
  }
  if (!Poller::pipe_refused(n)) return Chunk{nullptr, 0, static_cast<int>(-n)};
  pipes.set_impossible();
  return read_chunk(most);
}

bool ByteStream::readable() {
  if (!reader_) return false;
  const Chunk c = reader_->through_ ? read_into_pipe(reader_->most_) : read_chunk(reader_->most_);
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

ByteStream::Parked* ByteStream::new_parked(std::size_t size, std::size_t room) {
  try {
    auto* p = static_cast<Parked*>(::operator new(offsetof(Parked, bytes) + room));
    p->size = size;
    p->sent = 0;
    p->pipe = {};
    return p;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void ByteStream::drop_parked() {
  if (!parked_) return;
  if (parked_->pipe.in >= 0) loop_.pipes().give_back(parked_->pipe, parked() == 0);
  parked_.reset();
}

int ByteStream::write_from_pipe(std::size_t size) {
  PipePool& pipes = loop_.pipes();
  assert(pipes.filled() == size && "a chunk in the pipe is written whole, and before anything else is read");
  const ssize_t n = try_drain(pipes.at_hand(), size);
  if (n == static_cast<ssize_t>(size)) {
    pipes.set_empty();
    return 0;
  }
  int error = 0;
  if (Poller::pipe_refused(n)) {
    pipes.set_impossible();
    error = unload(pipes.release(), size);
  } else if (n < 0 && n != -EAGAIN) {
    error = static_cast<int>(-n);
  } else if (Parked* p = new_parked(size, 0)) {
    p->sent = n > 0 ? static_cast<std::size_t>(n) : 0;
    p->pipe = pipes.release();
    parked_.reset(p);
  } else {
    error = ENOMEM;
  }
  if (error != 0) {
    unsent_ = static_cast<std::uint32_t>(size - (n > 0 ? static_cast<std::size_t>(n) : 0));
    pipes.drop();
    return error;
  }
  want_write();
  return cancel_error_ != 0 ? cancel_error_ : EAGAIN;
}

// Takes what is in a pipe into memory: the source could fill it, but this stream cannot be written to from it.
int ByteStream::unload(Poller::Pipe pipe, std::size_t size) {
  Parked* p = new_parked(size, size);
  int error = p ? 0 : ENOMEM;
  for (std::size_t have = 0; error == 0 && have < size;) {
    const ssize_t n = loop_.poller().unload(pipe, p->bytes + have, size - have);
    if (n > 0) {
      have += static_cast<std::size_t>(n);
    } else {
      error = n < 0 ? static_cast<int>(-n) : EIO;
    }
  }
  loop_.pipes().give_back(pipe, error == 0);
  if (error == 0) {
    parked_.reset(p);
  } else {
    FreeDeleter()(p);
  }
  return error;
}

int ByteStream::write_now(const iovec* pieces, int count, bool more) {
  const ssize_t n = more ? try_write_more(pieces, count) : try_write(pieces, count);
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
  Parked* const p = new_parked(total - taken, total - taken);
  if (!p) {
    unsent_ = static_cast<std::uint32_t>(total - taken);
    return ENOMEM;
  }
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

ssize_t ByteStream::write_parked() {
  if (parked_->pipe.in >= 0) return try_drain(parked_->pipe, parked());
  const iovec rest{parked_->bytes + parked_->sent, parked()};
  return try_write(&rest, 1);
}

bool ByteStream::writable() {
  if (!parked_) return false;
  const ssize_t n = write_parked();
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
  drop_parked();
  complete_write(error);
  return true;
}

void ByteStream::complete_write(int error) {
  Writer* w = std::exchange(writer_, nullptr);
  if (!w) return;
  w->error = error;
  w->waiter.resume();
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
  cancel_error_ = static_cast<std::int16_t>(error);
  unsent_ = static_cast<std::uint32_t>(parked());
  interrupt_read(error);
  if (Writer* w = std::exchange(writer_, nullptr)) {
    w->error = error;
    loop_.ready(w->waiter);
  }
  drop_parked();
}

}  // namespace fairlead::net
