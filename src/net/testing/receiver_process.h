#pragma once
// ReceiverProcess: a mail server, a receiver of webhooks or a DNS server for tests, run as a child process from
// tests/scenarios/harness/receivers.py (which the scenarios use too). Its port is known when the constructor returns;
// what it receives comes as lines of JSON, waited for with a limit. It ends with its owner: its standard input is
// closed, or closes by itself when the test program dies. Header only.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fairlead::net::testing {

class ReceiverProcess {
 public:
  // "smtp", "http" or "dns", and its options. Throws when it does not start.
  explicit ReceiverProcess(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/python3", "-W", "ignore", script()});
    std::vector<char*> argv;
    for (auto& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
    const auto hello = next(std::chrono::seconds(20));
    if (!hello) {
      end();
      throw std::runtime_error("the receiver did not start: " + arguments[4]);
    }
    port_ = std::stoi(hello->substr(hello->find(':') + 1));  // {"port": 1234}
  }
  ~ReceiverProcess() { end(); }
  ReceiverProcess(const ReceiverProcess&) = delete;
  ReceiverProcess& operator=(const ReceiverProcess&) = delete;

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // The next thing it received, as JSON, or none within `limit`.
  std::optional<std::string> next(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
      if (const auto end_of_line = text_.find('\n'); end_of_line != std::string::npos) {
        std::string line = text_.substr(0, end_of_line);
        text_.erase(0, end_of_line + 1);
        return line;
      }
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      pollfd wait{out_, POLLIN, 0};
      if (::poll(&wait, 1, static_cast<int>(left > 0 ? left : 0)) <= 0) return std::nullopt;
      char piece[4096];
      const ssize_t n = ::read(out_, piece, sizeof piece);
      if (n <= 0) return std::nullopt;
      text_.append(piece, static_cast<std::size_t>(n));
    }
  }

  // No more of it: its port is closed when this returns.
  void end() {
    if (pid_ < 0) return;
    ::close(in_);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(out_);
    pid_ = -1;
  }

 private:
  // The tree is found from where the test program lies: BUILD/src/test_x, somewhere below it.
  static std::string script() {
    namespace fs = std::filesystem;
    const fs::path name = "tests/scenarios/harness/receivers.py";
    for (const fs::path& start : {fs::read_symlink("/proc/self/exe"), fs::current_path() / "x"}) {
      for (fs::path folder = start.parent_path(); folder != folder.root_path(); folder = folder.parent_path()) {
        if (fs::exists(folder / name)) return folder / name;
      }
    }
    throw std::runtime_error("receivers.py is not above the test program");
  }

  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, port_ = 0;
  std::string text_;
};

}  // namespace fairlead::net::testing
