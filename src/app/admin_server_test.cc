// The admin server over real sockets, spoken to by a client of a few lines that sees every byte.

#include "app/admin_server.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "net/address.h"

namespace fairlead::app {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct Answer {
  int status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
};

class Client {
 public:
  enum class When { now, later };
  explicit Client(const std::string& address, When when = When::now) {
    const auto at = net::SocketAddress::parse(address);
    EXPECT_TRUE(at);
    length_ = at->to_native(&native_);
    fd_ = ::socket(native_.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (when == When::now) connect();
    const timeval patience{30, 0};  // a server that hangs fails the test, it does not hang it
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void connect() { connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&native_), length_) == 0; }
  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  std::string read_to_end() {
    std::string text;
    char buffer[65536];
    ssize_t n;
    while ((n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0) text.append(buffer, static_cast<std::size_t>(n));
    ended_ = n == 0;
    return text;
  }
  // The stream ended as it should, neither by a reset nor by our patience.
  bool ended() const { return ended_; }

 private:
  sockaddr_storage native_{};
  socklen_t length_ = 0;
  int fd_ = -1;
  bool connected_ = false, ended_ = false;
};

Answer parse(const std::string& text) {
  Answer a;
  const auto head_end = text.find("\r\n\r\n");
  EXPECT_NE(head_end, std::string::npos) << "no answer: " << text;
  if (head_end == std::string::npos) return a;
  std::istringstream head(text.substr(0, head_end));
  std::string line;
  std::getline(head, line);
  EXPECT_TRUE(line.starts_with("HTTP/1.1 ")) << line;
  a.status = std::atoi(line.c_str() + 9);
  while (std::getline(head, line)) {
    if (line.ends_with('\r')) line.pop_back();
    std::string name = line.substr(0, line.find(':'));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    a.fields[name] = line.substr(line.find(':') + 2);
  }
  a.body = text.substr(head_end + 4);
  return a;
}

class AdminServerTest : public ::testing::Test {
 protected:
  AdminServerTest() {
    std::string pattern = (fs::temp_directory_path() / "fairlead-admin-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~AdminServerTest() override {
    server_.stop();
    fs::remove_all(folder_);
  }

  AdminServer::Handlers handlers() {
    return {[this] { return metrics_; }, [this] { return ready_.load(); }, [] { return std::string("draining"); }};
  }
  void start(const std::string& address = "127.0.0.1:0") {
    const auto started = server_.start(address, handlers());
    ASSERT_TRUE(started) << base::describe(started.error());
  }
  Answer ask(const std::string& method, const std::string& target, const std::string& fields = "",
             const std::string& body = "") {
    Client client(server_.address());
    EXPECT_TRUE(client.connected());
    client.send(method + " " + target + " HTTP/1.1\r\nHost: admin\r\n" + fields + "\r\n" + body);
    const std::string text = client.read_to_end();
    EXPECT_TRUE(client.ended());
    return parse(text);
  }
  static void expect_problem(const Answer& a, int status, const std::string& code) {
    EXPECT_EQ(a.status, status);
    EXPECT_EQ(a.fields.at("content-type"), "application/problem+json");
    EXPECT_EQ(a.fields.at("fairlead-error"), code);
    const auto json = nlohmann::json::parse(a.body, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << a.body;
    EXPECT_EQ(json["type"], "urn:fairlead:problem:" + code);
    EXPECT_EQ(json["code"], code);
    EXPECT_EQ(json["status"], status);
  }
  std::string unix_address() const { return "unix:" + (folder_ / "admin.sock").string(); }

  fs::path folder_;
  std::string metrics_ = "# HELP fairlead_x X.\n# TYPE fairlead_x gauge\nfairlead_x 1\n";
  std::atomic<bool> ready_{true};
  AdminServer server_;
};

TEST_F(AdminServerTest, Health) {
  start();
  EXPECT_NE(server_.port(), 0);
  EXPECT_EQ(server_.address(), "127.0.0.1:" + std::to_string(server_.port()));
  const Answer a = ask("GET", "/healthz");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "ok\n");
  EXPECT_EQ(a.fields.at("connection"), "close");
  ready_ = false;
  EXPECT_EQ(ask("GET", "/healthz").status, 200);  // alive, though not ready
}

TEST_F(AdminServerTest, ReadinessSaysWhyNot) {
  start();
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  ready_ = false;
  const Answer a = ask("GET", "/readyz");
  expect_problem(a, 503, "not_ready");
  EXPECT_EQ(nlohmann::json::parse(a.body)["detail"], "draining");
  EXPECT_EQ(a.fields.at("cache-control"), "no-store");
  ready_ = true;
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
}

TEST_F(AdminServerTest, Metrics) {
  start();
  const Answer a = ask("GET", "/metrics");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.fields.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(a.body, metrics_);
  EXPECT_EQ(ask("GET", "/metrics?x=y").body, metrics_);
}

TEST_F(AdminServerTest, ALargePageArrivesWhole) {
  for (int i = 0; metrics_.size() < (8u << 20); ++i) metrics_ += "fairlead_x{i=\"" + std::to_string(i) + "\"} 1\n";
  start();
  EXPECT_EQ(ask("GET", "/metrics").body, metrics_);
  const Answer zipped = ask("GET", "/metrics", "Accept-Encoding: br, gzip\r\n");
  EXPECT_EQ(zipped.fields.at("content-encoding"), "gzip");
  EXPECT_TRUE(zipped.body.starts_with("\x1f\x8b"));
  EXPECT_LT(zipped.body.size(), metrics_.size() / 4);
}

TEST_F(AdminServerTest, HeadHasTheHeadOfGet) {
  start();
  for (const char* target : {"/healthz", "/readyz", "/metrics"}) {
    const Answer get = ask("GET", target), head = ask("HEAD", target);
    EXPECT_EQ(head.status, 200) << target;
    EXPECT_EQ(head.body, "") << target;
    EXPECT_EQ(head.fields.at("content-length"), std::to_string(get.body.size())) << target;
    EXPECT_EQ(head.fields.at("content-type"), get.fields.at("content-type")) << target;
  }
}

TEST_F(AdminServerTest, AnythingElseIsNotFound) {
  start();
  for (const char* target : {"/", "/metrics/", "/Metrics", "/healthz/../metrics", "/v1/domains", "//metrics"}) {
    expect_problem(ask("GET", target), 404, "not_found");
  }
}

TEST_F(AdminServerTest, OtherMethodsAreRefusedWithTheirBodyUnread) {
  start();
  const std::string body(200'000, 'x');
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const Answer a = ask(method, "/metrics", "Content-Length: 200000\r\n", body);
    expect_problem(a, 405, "method_not_allowed");
    EXPECT_EQ(a.fields.at("allow"), "GET, HEAD");
  }
}

TEST_F(AdminServerTest, NonsenseIsRefused) {
  start();
  for (const std::string& text : {std::string("HELLO\r\n\r\n"), std::string("GET /healthz\r\n\r\n"),
                                  "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n"}) {
    Client client(server_.address());
    client.send(text);
    const Answer a = parse(client.read_to_end());
    EXPECT_GE(a.status, 400) << text.substr(0, 40);
    EXPECT_LT(a.status, 500) << text.substr(0, 40);
    EXPECT_EQ(a.fields.at("content-type"), "application/problem+json");
  }
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(AdminServerTest, AHandlerThatThrowsIsAnsweredWith500) {
  auto h = handlers();
  h.metrics = []() -> std::string { throw std::runtime_error("no such luck"); };
  ASSERT_TRUE(server_.start("127.0.0.1:0", std::move(h)));
  const Answer a = ask("GET", "/metrics");
  expect_problem(a, 500, "internal_error");
  EXPECT_EQ(a.body.find("luck"), std::string::npos);  // for the log alone
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(AdminServerTest, ManyClientsAtOnce) {
  start();
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 8; ++t) {
    clients.emplace_back([&] {
      for (int i = 0; i < 25; ++i) good += ask("GET", "/metrics").body == metrics_;
    });
  }
  for (auto& t : clients) t.join();
  EXPECT_EQ(good, 200);
}

// An edge has tens of thousands of descriptors open; what select() cannot take must be no trouble here.
TEST_F(AdminServerTest, WorksWithDescriptorsAbove1024) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit more = before;
  more.rlim_cur = std::min<rlim_t>(before.rlim_max, 4096);
  if (more.rlim_cur < 1200) GTEST_SKIP() << "the hard limit on descriptors is " << before.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &more), 0);
  std::vector<int> taken;
  while (taken.empty() || taken.back() < 1100) taken.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  start();
  EXPECT_EQ(ask("GET", "/metrics").body, metrics_);
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  for (const int fd : taken) ::close(fd);
  server_.stop();
  ::setrlimit(RLIMIT_NOFILE, &before);
}

// Without descriptors nothing can be accepted; afterwards it works, with no restart.
TEST_F(AdminServerTest, OutlivesAWantOfDescriptors) {
  start();
  Client waiting(server_.address(), Client::When::later);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_EQ(::dup(0), -1);
  waiting.connect();  // the kernel takes it, the server cannot
  ASSERT_TRUE(waiting.send("GET /healthz HTTP/1.1\r\nHost: admin\r\n\r\n"));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(parse(waiting.read_to_end()).status, 200);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

// More silent clients than threads and waiting places: some are turned away at once, the server goes on.
TEST_F(AdminServerTest, TooManyConnectionsAreTurnedAway) {
  start();
  constexpr std::size_t kRoom = AdminServer::kThreads + AdminServer::kMaxWaiting, kBeyond = 20;
  std::vector<std::unique_ptr<Client>> silent;
  std::vector<pollfd> ends;
  for (std::size_t i = 0; i < kRoom + kBeyond; ++i) {
    silent.push_back(std::make_unique<Client>(server_.address()));
    ends.push_back({silent.back()->fd(), POLLIN, 0});
  }
  // As many as are beyond the bound are closed, while the others are still held. Which, is a matter of how soon the
  // threads take theirs: until then those that come meanwhile find no room.
  std::size_t turned_away = 0;
  const auto patience = std::chrono::steady_clock::now() + AdminServer::kDeadline / 2;
  while (turned_away < kBeyond && std::chrono::steady_clock::now() < patience) {
    EXPECT_GE(::poll(ends.data(), ends.size(), 100), 0);
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (!ends[i].revents) continue;
      EXPECT_EQ(silent[i]->read_to_end(), "");
      EXPECT_TRUE(silent[i]->ended());
      ends[i] = {-1, 0, 0};  // of which poll() says nothing
      ++turned_away;
    }
  }
  EXPECT_GE(turned_away, kBeyond);
  EXPECT_LE(turned_away, kBeyond + AdminServer::kThreads);
  silent.clear();
  // Their ends are found one by one; until there is room again, a newcomer is turned away as well.
  bool answered = false;
  for (const auto late = std::chrono::steady_clock::now() + 30s;
       !answered && std::chrono::steady_clock::now() < late;) {
    Client again(server_.address());
    again.send("GET /healthz HTTP/1.1\r\nHost: admin\r\n\r\n");
    answered = again.read_to_end().starts_with("HTTP/1.1 200 ");
  }
  EXPECT_TRUE(answered);
}

// A client that sends nothing, or drips its request, holds a thread no longer than stop() takes.
TEST_F(AdminServerTest, StopDoesNotWaitForSilentClients) {
  start();
  Client silent(server_.address()), dripping(server_.address());
  dripping.send("GET /hea");
  EXPECT_EQ(ask("GET", "/healthz").status, 200);  // the others were accepted before this one
  const auto began = base::monotonic_now();
  server_.stop();
  EXPECT_LT(base::monotonic_now() - began, AdminServer::kDeadline / 2);
  EXPECT_FALSE(Client(server_.address()).connected());
  silent.read_to_end();
  EXPECT_TRUE(silent.ended());
}

TEST_F(AdminServerTest, StopLetsAnAnswerUnderWayBeWritten) {
  auto h = handlers();
  std::latch asked(1), go(1);
  h.metrics = [&] {
    asked.count_down();
    go.wait();
    return metrics_;
  };
  ASSERT_TRUE(server_.start("127.0.0.1:0", std::move(h)));
  Client client(server_.address());
  client.send("GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n");
  asked.wait();
  std::thread stopping([this] { server_.stop(); });
  // stop() has begun when nobody is accepted any more.
  while (Client(server_.address()).connected()) std::this_thread::yield();
  go.count_down();
  EXPECT_EQ(parse(client.read_to_end()).body, metrics_);
  stopping.join();
}

TEST_F(AdminServerTest, AnAddressInUseIsAnErrorAndNotShared) {
  start();
  AdminServer second;
  const auto started = second.start(server_.address(), handlers());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, base::Code::conflict);
  EXPECT_EQ(started.error().side, base::Side::config);
  EXPECT_THAT(started.error().context, ::testing::HasSubstr(server_.address()));
}

TEST_F(AdminServerTest, NonsenseForAnAddressIsMalformed) {
  for (const char* address : {"", "9180", "localhost:9180", "127.0.0.1", "127.0.0.1:99999", "[::1:9180", "unix:"}) {
    AdminServer server;
    const auto started = server.start(address, handlers());
    ASSERT_FALSE(started) << address;
    EXPECT_EQ(started.error().code, base::Code::malformed) << address;
  }
}

TEST_F(AdminServerTest, Ipv6) {
  start("[::1]:0");
  EXPECT_EQ(server_.address(), "[::1]:" + std::to_string(server_.port()));
  EXPECT_EQ(ask("GET", "/healthz").body, "ok\n");
}

TEST_F(AdminServerTest, AUnixSocketForOwnerAndGroup) {
  const mode_t umask_before = ::umask(0177);  // stricter than the mode it is to have
  start(unix_address());
  ::umask(umask_before);
  EXPECT_EQ(server_.address(), unix_address());
  EXPECT_EQ(server_.port(), 0);
  struct stat file{};
  ASSERT_EQ(::stat((folder_ / "admin.sock").c_str(), &file), 0);
  EXPECT_TRUE(S_ISSOCK(file.st_mode));
  EXPECT_EQ(file.st_mode & 07777, 0660u);
  EXPECT_EQ(ask("GET", "/metrics").body, metrics_);
  server_.stop();
  EXPECT_FALSE(fs::exists(folder_ / "admin.sock"));
}

TEST_F(AdminServerTest, AStaleSocketFileIsReplaced) {
  const auto address = net::SocketAddress::parse(unix_address());
  sockaddr_storage native{};
  const socklen_t length = address->to_native(&native);
  const int dead = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&native), length), 0);
  ::close(dead);
  ASSERT_TRUE(fs::exists(folder_ / "admin.sock"));
  start(unix_address());
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(AdminServerTest, ALiveSocketAndAPlainFileAreLeftAlone) {
  start(unix_address());
  {
    AdminServer second;
    const auto started = second.start(unix_address(), handlers());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, base::Code::conflict);
  }
  EXPECT_EQ(ask("GET", "/healthz").status, 200);  // the second one's end did not remove it

  const fs::path plain = folder_ / "notes.txt";
  std::ofstream(plain) << "keep me";
  AdminServer third;
  const auto started = third.start("unix:" + plain.string(), handlers());
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, base::Code::conflict);
  EXPECT_EQ(fs::file_size(plain), 7u);
}

TEST_F(AdminServerTest, StopRemovesNoSocketThatIsAnothers) {
  start(unix_address());
  fs::remove(folder_ / "admin.sock");
  AdminServer second;
  ASSERT_TRUE(second.start(unix_address(), handlers()));
  server_.stop();
  EXPECT_TRUE(fs::exists(folder_ / "admin.sock"));
}

}  // namespace
}  // namespace fairlead::app
