#include "net/epoll_poller.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace fairlead::net {
namespace {

// A message is one write here, so waiting for more (Nagle) can only delay it.
void set_no_delay(int fd) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int native_family(const SocketAddress& a) {
  switch (a.family()) {
    case Family::ipv4: return AF_INET;
    case Family::unix_: return AF_UNIX;
    default: return AF_INET6;
  }
}

// In a process of several threads the library's recv() and send() switch cancellation (pthread_cancel) on and off
// around each call: 35 ns, of 230 for one that finds nothing. Nobody here is cancelled.
ssize_t receive(int fd, void* buffer, std::size_t size) {
  return ::syscall(SYS_recvfrom, fd, buffer, size, 0, nullptr, nullptr);
}
ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  return ::syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}

ssize_t send_pieces(int fd, const iovec* pieces, int count, int flags) {
  ssize_t n;
  do {
    if (count == 2 && pieces[1].iov_len == 0) count = 1;
    if (count == 1) {
      n = send(fd, pieces[0].iov_base, pieces[0].iov_len, flags);
    } else {
      msghdr m{};
      m.msg_iov = const_cast<iovec*>(pieces);
      m.msg_iovlen = static_cast<std::size_t>(count);
      n = ::sendmsg(fd, &m, flags);
    }
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

// Slots for a megabyte in pages: a network card's packets take a slot each however small they are.
constexpr int kPipeSize = 1 << 20;

ssize_t splice_some(int from, int to, std::size_t size) {
  ssize_t n;
  do {
    n = ::splice(from, nullptr, to, nullptr, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

}  // namespace

EpollPoller::EpollPoller() : now_(base::monotonic_now()), events_(std::make_unique<epoll_event[]>(kBatch)) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || wake_fd_ < 0) throw std::system_error(errno, std::system_category(), "epoll");
  epoll_event e{};
  e.events = EPOLLIN;
  e.data.ptr = nullptr;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_fd_, &e);
  ready_.reserve(kBatch);
}

EpollPoller::~EpollPoller() {
  ::close(wake_fd_);
  ::close(epoll_);
}

int EpollPoller::listen(const SocketAddress& at, const ListenOptions& options, SocketAddress* bound) {
  const int fd = ::socket(native_family(at), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int one = 1;
  if (at.family() != Family::unix_) {
    set_no_delay(fd);  // what is accepted inherits it
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (options.reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (at.family() == Family::ipv6) {
      const int only = options.v6_only ? 1 : 0;
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
  }
  sockaddr_storage native;
  const socklen_t length = at.to_native(&native);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&native), length) < 0 || ::listen(fd, options.backlog) < 0) {
    const int e = errno;
    ::close(fd);
    return -e;
  }
  if (bound) *bound = local_address(fd);
  return fd;
}

int EpollPoller::accept(int handle, SocketAddress* peer) {
  sockaddr_storage native;
  socklen_t length = sizeof native;
  const int fd = ::accept4(handle, reinterpret_cast<sockaddr*>(&native), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -errno;
  if (peer) *peer = SocketAddress::from_native(reinterpret_cast<sockaddr*>(&native), length);
  return fd;
}

int EpollPoller::connect(const SocketAddress& to) {
  const int fd = ::socket(native_family(to), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (to.family() != Family::unix_) set_no_delay(fd);
  sockaddr_storage native;
  const socklen_t length = to.to_native(&native);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&native), length) < 0 && errno != EINPROGRESS) {
    const int e = errno;
    ::close(fd);
    return -e;
  }
  return fd;
}

int EpollPoller::connect_result(int handle) {
  int e = 0;
  socklen_t length = sizeof e;
  if (::getsockopt(handle, SOL_SOCKET, SO_ERROR, &e, &length) < 0) return -errno;
  return -e;
}

ssize_t EpollPoller::read(int handle, char* buffer, std::size_t size) {
  ssize_t n;
  do {
    n = receive(handle, buffer, size);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

ssize_t EpollPoller::write(int handle, const iovec* pieces, int count) {
  return send_pieces(handle, pieces, count, MSG_NOSIGNAL);
}

ssize_t EpollPoller::write_more(int handle, const iovec* pieces, int count) {
  return send_pieces(handle, pieces, count, MSG_NOSIGNAL | MSG_MORE);
}

int EpollPoller::shutdown_write(int handle) { return ::shutdown(handle, SHUT_WR) < 0 ? -errno : 0; }

void EpollPoller::close(int handle) { ::close(handle); }

SocketAddress EpollPoller::local_address(int handle) {
  sockaddr_storage native;
  socklen_t length = sizeof native;
  if (::getsockname(handle, reinterpret_cast<sockaddr*>(&native), &length) < 0) return {};
  return SocketAddress::from_native(reinterpret_cast<sockaddr*>(&native), length);
}

void EpollPoller::reset_on_close(int handle) {
  const linger l{1, 0};
  ::setsockopt(handle, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

int EpollPoller::open_pipe(Pipe* pipe) {
  // splice() knows no MSG_NOSIGNAL. A signal that this thread blocks stays with it and does nothing.
  if (!pipe_signal_blocked_) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    pipe_signal_blocked_ = true;
  }
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
  // Refused above the user's share (pipe-user-pages-soft): then it has its 16 slots, and a read takes less.
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipeSize);
  pipe->out = ends[0];
  pipe->in = ends[1];
  return 0;
}

void EpollPoller::close_pipe(Pipe pipe) {
  ::close(pipe.in);
  ::close(pipe.out);
}

ssize_t EpollPoller::fill(Pipe pipe, int handle, std::size_t size) { return splice_some(handle, pipe.in, size); }

ssize_t EpollPoller::drain(Pipe pipe, int handle, std::size_t size) { return splice_some(pipe.out, handle, size); }

ssize_t EpollPoller::unload(Pipe pipe, char* buffer, std::size_t size) {
  ssize_t n;
  do {
    n = ::read(pipe.out, buffer, size);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

int EpollPoller::watch(int handle, Pollable* who, Events before, Events after) {
  if (before == after) return 0;
  epoll_event e{};
  e.data.ptr = who;
  const int op = before == kNotWatched ? EPOLL_CTL_ADD : after == kNotWatched ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  if (after != kNotWatched) {
    if (after & kReadable) e.events |= EPOLLIN;
    if (after & kWritable) e.events |= EPOLLOUT;
  }
  return ::epoll_ctl(epoll_, op, handle, &e) < 0 ? -errno : 0;
}

void EpollPoller::forget(Pollable* who) {
  for (Ready& r : ready_) {
    if (r.who == who) r.who = nullptr;
  }
}

int EpollPoller::wait_for_events(TimePoint until) {
  const bool forever = until == base::kNever;
  const Duration left = forever ? Duration(0) : std::max(Duration(0), until - base::monotonic_now());
  if (fine_timeout_) {
    timespec timeout{};
    timeout.tv_sec = left / base::seconds(1);
    timeout.tv_nsec = (left % base::seconds(1)).count();
    const int n = ::epoll_pwait2(epoll_, events_.get(), kBatch, forever ? nullptr : &timeout, nullptr);
    if (n >= 0 || (errno != ENOSYS && errno != EPERM)) return n;
    fine_timeout_ = false;  // a kernel before 5.11, a seccomp filter, valgrind: whole milliseconds, rounded up
  }
  constexpr Duration kLongest = std::chrono::hours(24);
  const auto ms = (std::min(left, kLongest) + base::milliseconds(1) - Duration(1)) / base::milliseconds(1);
  return ::epoll_wait(epoll_, events_.get(), kBatch, forever ? -1 : static_cast<int>(ms));
}

std::span<Poller::Ready> EpollPoller::wait(TimePoint until, bool*) {
  const int n = wait_for_events(until);
  now_ = base::monotonic_now();
  ready_.clear();
  for (int i = 0; i < n; ++i) {
    const epoll_event& e = events_[static_cast<std::size_t>(i)];
    if (!e.data.ptr) {
      std::uint64_t count;
      [[maybe_unused]] const auto got = ::read(wake_fd_, &count, sizeof count);
      continue;
    }
    Events events = 0;
    if (e.events & EPOLLIN) events |= kReadable;
    if (e.events & EPOLLOUT) events |= kWritable;
    if (e.events & (EPOLLHUP | EPOLLERR)) events |= kHangup;
    ready_.push_back({static_cast<Pollable*>(e.data.ptr), events});
  }
  return ready_;
}

void EpollPoller::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_fd_, &one, sizeof one);
}

}  // namespace fairlead::net
