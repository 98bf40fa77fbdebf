// The floor: bytes from one socket to the other and back, by epoll, and nothing else. No HTTP, no frames, no clock, no
// counter, no log, no TLS. What any relay costs above it is its own; what this costs is the kernel's, on this machine, now.
// For the bench only: floor_relay PORT ORIGIN_PORT, on 127.0.0.1, until it is killed.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kBuffer = 65536;
constexpr int kBatch = 512;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

void no_delay(int fd) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// One of the two sockets of a pair.
struct End {
  int fd = -1;
  End* other = nullptr;
  std::string unsent;  // what the other end sent and this one does not take yet
  bool reading = true, writing = false, over = false;
};
struct Pair {
  std::array<End, 2> ends;
};

class Floor {
 public:
  Floor(std::uint16_t port, std::uint16_t origin) : origin_(loopback(origin)) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (epoll_ < 0 || listener_ < 0) fail("socket");
    const int one = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    no_delay(listener_);  // those it accepts inherit it
    const sockaddr_in at = loopback(port);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0 || ::listen(listener_, 4096) < 0) fail("listen");
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, kBatch> events;
    for (;;) {
      const int n = ::epoll_wait(epoll_, events.data(), kBatch, -1);
      if (n < 0 && errno != EINTR) fail("epoll_wait");
      for (int i = 0; i < n; ++i) {
        const epoll_event& e = events[static_cast<std::size_t>(i)];
        End* const end = static_cast<End*>(e.data.ptr);
        if (!end) {
          accept_all();
        } else if (!end->over) {
          if (e.events & EPOLLOUT) drain(*end);
          if (!end->over && (e.events & (EPOLLIN | EPOLLHUP | EPOLLERR))) pass(*end);
        }
      }
      gone_.clear();  // no event of this batch can name them any more
    }
  }

 private:
  void watch(int operation, int fd, std::uint32_t events, End* end) {
    epoll_event e{};
    e.events = events;
    e.data.ptr = end;
    if (::epoll_ctl(epoll_, operation, fd, &e) < 0) fail("epoll_ctl");
  }
  void rewatch(End& e) { watch(EPOLL_CTL_MOD, e.fd, (e.reading ? EPOLLIN : 0u) | (e.writing ? EPOLLOUT : 0u), &e); }

  void accept_all() {
    for (int fd; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      const int origin = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (origin < 0) fail("socket");
      no_delay(origin);
      if (::connect(origin, reinterpret_cast<const sockaddr*>(&origin_), sizeof origin_) < 0) {  // on loopback: at once
        ::close(origin);
        ::close(fd);
        continue;
      }
      auto* pair = new Pair;
      pair->ends[0] = {fd, &pair->ends[1], {}};
      pair->ends[1] = {origin, &pair->ends[0], {}};
      for (End& e : pair->ends) watch(EPOLL_CTL_ADD, e.fd, EPOLLIN, &e);
    }
  }

  void pass(End& from) {
    End& to = *from.other;
    const ssize_t n = ::recv(from.fd, buffer_.get(), kBuffer, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close(from);
    const ssize_t sent = ::send(to.fd, buffer_.get(), static_cast<std::size_t>(n), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return close(from);
    if (sent == n) return;
    to.unsent.assign(buffer_.get() + std::max<ssize_t>(sent, 0), buffer_.get() + n);
    to.writing = true;
    from.reading = false;
    rewatch(to);
    rewatch(from);
  }

  void drain(End& to) {
    const ssize_t sent = ::send(to.fd, to.unsent.data(), to.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return close(to);
    if (sent > 0) to.unsent.erase(0, static_cast<std::size_t>(sent));
    if (!to.unsent.empty()) return;
    to.writing = false;
    to.other->reading = true;
    rewatch(to);
    rewatch(*to.other);
  }

  // Either end's is both's.
  void close(End& end) {
    End& first = end.other > &end ? end : *end.other;
    for (End* e : {&end, end.other}) {
      e->over = true;
      ::close(e->fd);
    }
    gone_.emplace_back(reinterpret_cast<Pair*>(&first));  // the array's first is the pair's
  }

  sockaddr_in origin_;
  int epoll_ = -1, listener_ = -1;
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(kBuffer);
  std::vector<std::unique_ptr<Pair>> gone_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: floor_relay PORT ORIGIN_PORT\n", stderr);
    return 2;
  }
  Floor(static_cast<std::uint16_t>(std::atoi(argv[1])), static_cast<std::uint16_t>(std::atoi(argv[2]))).run();
}
