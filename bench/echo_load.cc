// Load for a WebSocket relay: N clients that each send a message through the relay to an origin, which answers it,
// again and again; origin and clients in one thread of this process. Says what the relay cost: CPU time of its process
// for each message relayed in one direction (an echo is two), which a busy machine changes little.
//
//   echo_load ORIGIN_PORT RELAY_PORT HOST RELAY_PID CONNECTIONS PAYLOAD SECONDS
//
// Prints one line: messages, CPU microseconds a message, messages a second.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

// User and system time of a process, in microseconds.
double cpu_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string stat = text.str();
  std::istringstream rest(stat.substr(stat.rfind(')') + 2));
  std::string field;
  double ticks = 0;
  for (int i = 3; i <= 15 && rest >> field; ++i) {
    if (i >= 14) ticks += std::atof(field.c_str());
  }
  return ticks * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::string frame(std::size_t size, bool masked) {
  std::string out(1, '\x82');
  const char bit = masked ? '\x80' : '\0';
  if (size < 126) {
    out += static_cast<char>(bit | static_cast<char>(size));
  } else {
    out += static_cast<char>(bit | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size & 0xff);
  }
  if (masked) out += std::string(4, '\0');  // a key of nothing: the payload is as it is
  return out + std::string(size, 'x');
}

struct End {
  int fd = -1;
  bool client = false, open = false;
  std::string head;
  std::size_t partial = 0;  // bytes of the message under way
};

class Load {
 public:
  Load(int origin, int relay, std::string host, std::size_t payload)
      : relay_(relay), host_(std::move(host)), from_client_(frame(payload, true)), from_origin_(frame(payload, false)) {
    poller_ = ::epoll_create1(0);
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in at = loopback(origin);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) die("bind");
    if (::listen(listener_, 4096) != 0) die("listen");
    watch(listener_, nullptr);
  }

  void connect() {
    auto end = std::make_unique<End>();
    end->client = true;
    end->fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in at = loopback(relay_);
    if (::connect(end->fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) die("connect");
    prepare(*end);
    say(*end, "GET / HTTP/1.1\r\nHost: " + host_ +
                  "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    const std::size_t before = opened_;
    ends_.push_back(std::move(end));
    while (opened_ == before) turn(1000);
  }

  void turn(int timeout_ms) {
    epoll_event events[512];
    const int n = ::epoll_wait(poller_, events, 512, timeout_ms);
    for (int i = 0; i < n; ++i) {
      if (events[i].data.ptr == nullptr) {
        accept();
      } else {
        read(*static_cast<End*>(events[i].data.ptr));
      }
    }
  }

  void begin() {
    for (auto& end : ends_) {
      if (end->client) say(*end, from_client_);
    }
  }
  std::uint64_t messages() const { return messages_; }

 private:
  void watch(int fd, End* end) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = end;
    ::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event);
  }
  void prepare(End& end) {
    const int on = 1;
    ::setsockopt(end.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(end.fd, F_SETFL, O_NONBLOCK);
    watch(end.fd, &end);
  }
  void accept() {
    auto end = std::make_unique<End>();
    end->fd = ::accept(listener_, nullptr, nullptr);
    if (end->fd < 0) return;
    prepare(*end);
    ends_.push_back(std::move(end));
  }
  static void say(End& end, const std::string& text) {
    if (::send(end.fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) die("send");
  }

  void read(End& end) {
    const ssize_t n = ::recv(end.fd, buffer_, sizeof buffer_, 0);
    if (n <= 0) {
      if (n == 0 || errno != EAGAIN) die("the relay ended a connection");
      return;
    }
    if (!end.open) return open(end, std::string_view(buffer_, static_cast<std::size_t>(n)));
    const std::size_t size = end.client ? from_origin_.size() : from_client_.size();
    end.partial += static_cast<std::size_t>(n);
    for (; end.partial >= size; end.partial -= size) {
      ++messages_;
      say(end, end.client ? from_client_ : from_origin_);
    }
  }

  void open(End& end, std::string_view bytes) {
    end.head += bytes;
    if (end.head.find("\r\n\r\n") == std::string::npos) return;
    end.open = true;
    if (end.client) {
      if (end.head.find(" 101 ") == std::string::npos) die("the handshake was refused");
      ++opened_;
    } else {
      say(end,
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    }
  }

  const int relay_;
  const std::string host_, from_client_, from_origin_;
  int poller_ = -1, listener_ = -1;
  std::vector<std::unique_ptr<End>> ends_;
  std::size_t opened_ = 0;
  std::uint64_t messages_ = 0;
  char buffer_[65536];
};

}  // namespace

int main(int count, char** words) {
  if (count != 8) {
    std::fprintf(stderr, "echo_load ORIGIN_PORT RELAY_PORT HOST RELAY_PID CONNECTIONS PAYLOAD SECONDS\n");
    return 2;
  }
  const auto number = [&](int i) { return std::atoi(words[i]); };
  const auto load = std::make_unique<Load>(number(1), number(2), words[3], static_cast<std::size_t>(number(6)));
  for (int i = 0; i < number(5); ++i) load->connect();
  load->begin();
  using Clock = std::chrono::steady_clock;
  const auto run = [&](std::chrono::duration<double> time) {
    const auto until = Clock::now() + time;
    while (Clock::now() < until) load->turn(100);
  };
  run(std::chrono::seconds(1));  // warm
  const std::uint64_t messages = load->messages();
  const double cpu = cpu_of(number(4));
  const double seconds = number(7);
  run(std::chrono::duration<double>(seconds));
  const auto done = static_cast<double>(load->messages() - messages);
  std::printf("%.0f %.4f %.0f\n", done, (cpu_of(number(4)) - cpu) / done, done / seconds);
}
