// Part of programs built with ThreadSanitizer, and of no other. cpp-httplib comes from Debian, built without it: that a
// second thread may read a function's static because the first has made it is known to a guard which ThreadSanitizer
// cannot see, so two first answers at once look like a race. Here one answer of each kind is made before there is a
// second thread. A suppression would not do: ours is called by the library, and calls it, in every stack of the admin
// listener, so one by module or function would hide races of ours.

#include <httplib.h>

#include <algorithm>
#include <string>

namespace {

class Memory final : public httplib::Stream {
 public:
  explicit Memory(std::string request) : request_(std::move(request)) {}
  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t n = request_.copy(to, size, read_);
    read_ += n;
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char*, std::size_t size) override { return static_cast<ssize_t>(size); }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }

 private:
  const std::string request_;
  std::size_t read_ = 0;
};

class Rehearsal final : public httplib::Server {
 public:
  Rehearsal() {
    Get("/whole", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(std::string(4096, 'x'), "application/json");
    });
    Get("/bits", [](const httplib::Request&, httplib::Response& response) {
      response.set_chunked_content_provider("text/event-stream", [](std::size_t, httplib::DataSink& to) {
        to.write("x", 1);
        to.done();
        return true;
      });
    });
    Get("/to-the-end", [](const httplib::Request&, httplib::Response& response) {
      response.set_content_provider("text/event-stream", [](std::size_t, httplib::DataSink& to) {
        to.done();
        return true;
      });
    });
    svr_sock_ = 0;  // without one it takes itself to be shutting down, and asks no provider
    for (const char* path : {"/whole", "/bits", "/to-the-end", "/none"}) {
      for (const char* method : {"GET ", "HEAD "}) {
        for (const char* field : {"", "Accept-Encoding: gzip\r\n"}) {
          Memory stream(std::string(method) + path + " HTTP/1.1\r\n" + field + "\r\n");
          bool closed = false;
          process_request(stream, false, closed, {});
        }
      }
    }
    svr_sock_ = INVALID_SOCKET;
  }
};

[[maybe_unused]] const Rehearsal rehearsal;

}  // namespace
