#pragma once
// Ends and an origin for fuzz targets over the simulated network. PeerEnd: one end of a connection of which anybody may
// say bytes at any time. SimulatedOrigin: an origin that answers by path, in all the ways, good and bad, in which
// origins answer; and that judges what it is asked: whatever the client sent, the edge writes HTTP/1.1 that a strict
// parser takes.

#include "support.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/acceptor.h"
#include "net/event_loop.h"
#include "net/socket_stream.h"
#include "net/task_scope.h"
#include "protocol/http1/body_decoder.h"
#include "protocol/http1/head_parser.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::fuzz {

// Kept by whoever uses it, the task that writes included.
class PeerEnd : public std::enable_shared_from_this<PeerEnd> {
 public:
  PeerEnd(net::TaskScope& scope, std::unique_ptr<net::TcpStream> stream) : scope_(scope), stream_(std::move(stream)) {}

  net::TcpStream& stream() { return *stream_; }
  int handle() const { return stream_->handle(); }
  // Everything said was taken by the network, or will never be.
  bool quiet() const { return !writing_; }
  bool open() const { return open_; }

  // Says `bytes` behind what was said before, without waiting for it.
  void say(std::string_view bytes) {
    if (!open_ || ending_ || bytes.empty()) return;
    outbox_ += bytes;
    write();
  }
  // Ends this direction when all is said.
  void end() {
    if (!open_ || std::exchange(ending_, true)) return;
    write();
  }
  // Nothing more is said, and whoever waits here waits no more.
  void leave(bool reset) {
    if (!std::exchange(open_, false)) return;
    if (reset) stream_->abort_on_close();
    stream_->cancel();
  }

 private:
  void write() {
    if (!std::exchange(writing_, true)) scope_.spawn(write_out(shared_from_this()));
  }
  static net::Task<void> write_out(std::shared_ptr<PeerEnd> self) {
    int error = 0;
    while (error == 0 && !self->outbox_.empty()) {
      const std::string piece = std::exchange(self->outbox_, {});
      error = co_await self->stream_->write(piece);
    }
    self->writing_ = false;
    if (error != 0) self->outbox_.clear();
    if (error == 0 && self->ending_ && self->open_) self->stream_->shutdown_write();
  }

  net::TaskScope& scope_;
  std::unique_ptr<net::TcpStream> stream_;
  std::string outbox_;
  bool writing_ = false, ending_ = false, open_ = true;
};

class SimulatedOrigin {
 public:
  // Its tasks run in `scope`, which is joined before this object dies. `big`: bytes of a large answer's body.
  SimulatedOrigin(net::EventLoop& loop, net::TaskScope& scope, net::SocketAddress at, std::size_t big)
      : loop_(loop),
        scope_(scope),
        at_(at),
        big_(big),
        acceptor_(loop, [this](int handle, const net::SocketAddress& peer) { accepted(handle, peer); }, [](int) {}) {}

  void open() {
    if (!acceptor_.is_open()) require(acceptor_.open(at_, {}).has_value(), "the origin listens");
  }
  void close() { acceptor_.close(); }
  bool is_open() const { return acceptor_.is_open(); }
  // Null when there is none, or it is over.
  std::shared_ptr<PeerEnd> newest() const { return ends_.empty() ? nullptr : ends_.back().lock(); }
  // Gives up on whatever was left here, by faults that are not the edge's.
  void leave_all() {
    for (const auto& e : ends_) {
      if (const auto end = e.lock()) end->leave(false);
    }
  }

 private:
  void accepted(int handle, const net::SocketAddress& peer) {
    auto end = std::make_shared<PeerEnd>(scope_, std::make_unique<net::TcpStream>(loop_, handle, peer));
    ends_.push_back(end);
    scope_.spawn(serve(std::move(end)));
  }

  // A connection: one request after the other, for as long as the answers allow.
  net::Task<void> serve(std::shared_ptr<PeerEnd> end) {
    bool again = true;
    while (again) {
      const protocol::HeadLimits any{.max_bytes = 1 << 20, .max_fields = 10000, .max_start_line = 1 << 20};
      protocol::RequestHeadParser parser(any);
      while (!parser.done()) {
        const net::Chunk chunk = co_await end->stream().read();
        if (chunk.size == 0) break;
        const auto used = parser.feed(chunk.view());
        require(used.has_value(), "an origin is sent heads that keep the grammar");
        end->stream().unread(chunk.view().substr(*used));
      }
      if (!parser.done()) break;
      again = co_await answer(*end, parser);
    }
    end->leave(false);
  }

  // False: the connection is over for this origin.
  net::Task<bool> answer(PeerEnd& end, protocol::RequestHeadParser& parser) {
    const protocol::RequestHead head = parser.take_head();
    const bool upgrade = protocol::wants_upgrade(head);
    // Whose letter is none of those below is answered in the plain way.
    const char how = head.target.size() > 1 ? head.target[1] : upgrade ? 't' : 'l';
    if (upgrade) {
      require(parser.framing().kind == protocol::BodyFraming::Kind::none, "no body goes with an opening handshake");
      require(protocol::parse_opening(head).has_value(), "an opening handshake keeps RFC 6455");
      const bool tunnel = co_await upgraded(end, head, how);
      if (tunnel) co_return false;
    }
    switch (how) {
      case 'q': co_return false;
      case 'z': end.leave(true); co_return false;
      case 'h': co_await drop_all(end); co_return false;  // never answers
      case 'd': co_await loop_.sleep_for(base::seconds(3)); break;
      case 'f':  // answers before it has read anything
        end.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        end.end();
        co_await drop_all(end);
        co_return false;
      default: break;
    }
    const bool read = co_await read_body(end, parser.framing());
    if (!read) co_return false;
    co_return co_await answer_http(end, how, upgrade);
  }

  // An opening handshake whose answer is 101; false when another kind of answer is due.
  net::Task<bool> upgraded(PeerEnd& end, const protocol::RequestHead& head, char how) {
    const std::string_view key = head.fields.find("sec-websocket-key").value_or("");
    if (std::string_view("tkwvbip").find(how) == std::string_view::npos) co_return false;
    std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    answer += how == 'k' ? std::string("c29tZXRoaW5nIGVsc2UgZW50aXJlbHk=") : protocol::accept_key(key);
    if (how == 'p') answer += "\r\nSec-WebSocket-Extensions: permessage-deflate";  // nobody offered it
    answer += "\r\n\r\n";
    using namespace std::string_view_literals;
    switch (how) {
      case 'i': answer += "\x81\x05hello\x88\x02\x03\xe8"sv; break;  // comes with the head
      case 'v': answer += "\x81\x81xxxxx"sv; break;                  // origins do not mask
      case 'b':
        answer += "\x82\x7f\0\0\0\0\0\x01\0\0"sv;
        answer.append(std::min<std::size_t>(big_, 65536), 'b');
        break;
      default: break;
    }
    end.say(answer);
    if (how == 'w') {
      co_await loop_.sleep_for(base::milliseconds(500));
      end.say(
          "\x81\x02hi\x89\x04ping\x01\x01"
          "a"sv);
      co_await loop_.sleep_for(base::seconds(2));
      end.say("\x80\x01z\x88\x02\x0f\xa1"sv);
    }
    for (;;) {
      const net::Chunk chunk = co_await end.stream().read();
      if (chunk.size == 0) break;
      // Not the client's frames, whose masks make them wrong here: one of its own for each piece that comes.
      if (how == 't') end.say(std::string("\x82\x01", 2) + *chunk.data);
    }
    end.end();
    co_return true;
  }

  net::Task<bool> read_body(PeerEnd& end, protocol::BodyFraming framing) {
    protocol::BodyDecoder body(framing, base::Side::client,
                               {.max_extension_bytes = 0, .max_trailer_bytes = 1 << 20, .max_trailer_fields = 10000});
    while (!body.done()) {
      const net::Chunk chunk = co_await end.stream().read();
      if (chunk.size == 0) co_return false;
      std::string_view rest = chunk.view();
      while (!rest.empty() && !body.done()) {
        const auto taken = body.feed(rest);
        require(taken.has_value(), "an origin is sent bodies that keep the grammar");
        rest.remove_prefix(taken->consumed);
      }
      end.stream().unread(rest);
    }
    co_return true;
  }

  net::Task<bool> answer_http(PeerEnd& end, char how, bool upgrade) {
    switch (how) {
      case 'c':
        end.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n5\r\nhello\r\n");
        co_await loop_.sleep_for(base::milliseconds(1));
        end.say("6;a=b\r\n world\r\n0\r\nX-Sum: 1\r\nHost: no\r\n\r\n");
        co_return true;
      case 's':
        end.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n");
        for (int i = 0; i < 4; ++i) {
          end.say("7\r\ndata: x\r\n");
          co_await loop_.sleep_for(base::seconds(2));
        }
        end.say("0\r\n\r\n");
        co_return true;
      case 'b':
        end.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(big_) + "\r\n\r\n");
        end.say(std::string(big_, 'b'));
        co_return true;
      case 'r':
        end.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nWWW-Authenticate: Basic\r\n\r\nno");
        co_return true;
      case 'e':
        end.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        co_await loop_.sleep_for(base::milliseconds(10));
        end.say("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        co_return true;
      case 'x':
        end.say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nno more than this");
        end.end();
        co_return false;
      case 'y':
        end.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense");
        co_await drop_all(end);
        co_return false;
      case 'u':
        end.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the close");
        end.end();
        co_await drop_all(end);
        co_return false;
      case 'g': end.say("ICY 200 OK\r\nnonsense\r\n\r\n"); co_return false;
      case 'n': end.say("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"); co_return true;
      case 'm': end.say("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n"); co_return true;
      case '5': end.say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"); co_return true;
      case 'o':
        end.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x01x");
        co_await drop_all(end);
        co_return false;
      default:
        end.say(upgrade ? "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nno WebSocket"
                        : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello");
        co_return true;
    }
  }

  static net::Task<void> drop_all(PeerEnd& end) {
    for (;;) {
      const net::Chunk chunk = co_await end.stream().read();
      if (chunk.size == 0) break;
    }
  }

  net::EventLoop& loop_;
  net::TaskScope& scope_;
  net::SocketAddress at_;
  std::size_t big_;
  net::Acceptor acceptor_;
  std::vector<std::weak_ptr<PeerEnd>> ends_;
};

}  // namespace fairlead::fuzz
