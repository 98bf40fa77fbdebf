#pragma once
// Origin: the WebSocket service that answers the load. What it does is in the path: /echo sends every frame back,
// /sink answers each message with 8 bytes, /source?size=N with one of N bytes (64 by default). The first 8 bytes of an
// answer are those of the message, so that a client can tell which it is to. Any other path is 404.
//
// Runs on any loop, also on that of the clients, which spares context switches where load and origin share a core.

#include <memory>
#include <string>
#include <unordered_set>

#include "base/error.h"
#include "bench/load/frames.h"
#include "net/acceptor.h"
#include "net/socket_stream.h"
#include "net/task_scope.h"

namespace fairlead::bench {

class Origin {
 public:
  explicit Origin(net::EventLoop& loop);
  ~Origin();

  base::Result<void> open(const net::SocketAddress& at) { return acceptor_.open(at, {}); }
  const net::SocketAddress& address() const { return acceptor_.address(); }
  // Cancels what lives and waits for its end.
  net::Task<void> stop();

 private:
  enum class Service : std::uint8_t { echo, sink, source };
  struct Request {
    Service service = Service::echo;
    std::uint64_t size = 64;  // of a source's answer
  };
  // A connection after its opening handshake.
  struct Connection {
    net::TcpStream& stream;
    Request asked{};
    FrameReader frames{};
    char stamp[8] = {};            // first bytes of the message under way
    std::string owed{};            // the stamps of messages that a source has yet to answer
    std::uint64_t message_at = 0;  // payload of its frames that have ended
    bool over = false;
  };

  net::Task<void> serve(std::unique_ptr<net::TcpStream> stream);
  net::Task<bool> open_session(net::TcpStream& stream, Request& asked);
  net::Task<void> answer(Connection& c);
  // What `chunk` is answered with goes to out_, but for what a source owes.
  void take(Connection& c, std::string_view chunk);
  void take_payload(Connection& c, const FrameReader::Step& step);
  net::Task<bool> send_source(Connection& c, std::string_view stamp);

  net::EventLoop& loop_;
  net::TaskScope scope_;
  net::Acceptor acceptor_;
  std::unordered_set<net::TcpStream*> live_;
  std::string out_;  // what is about to be written; the stream copies what it cannot write at once
};

// Content that both sides know: 64 KiB of printable characters, repeated.
const std::string& pattern();

}  // namespace fairlead::bench
