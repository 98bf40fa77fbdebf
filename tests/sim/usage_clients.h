#pragma once
// UsageClients: the clients of a simulated hour, in four networks: lives of sixteen kinds over HTTP/1.1 and HTTP/2,
// with and without a PROXY header, each of which counts for itself what it says and hears. Owned by a UsageWorld;
// header only.

#include "tests/sim/counting_poller.h"
#include "tests/sim/usage_peers.h"

#include <functional>
#include <memory>

#include "edge/testing/http2_client.h"
#include "model/domain_policy.h"

namespace fairlead::sim {

inline const std::string kLiveA = "live.a.test", kQuotes = "quotes.a.test", kOff = "off.a.test", kAged = "aged.a.test";
inline const std::string kLiveB = "live.b.test", kBeat = "beat.b.test", kSwitch = "switch.b.test",
                         kDead = "dead.b.test";
inline const std::vector<std::string> kDomainsA{kLiveA, kQuotes, kOff, kAged}, kDomainsB{kLiveB, kBeat, kSwitch, kDead};

class UsageClients {
 public:
  enum class Life : std::uint8_t {
    closes,
    origin_closes,
    client_killed,
    origin_killed,
    timeout,
    aged,
    beat,
    mute,
    switched,
    off,
    refused,
    dead,
    page,
    page_then_session,
    http2,
    neighbours,
    kLives
  };
  struct Network {
    std::string prefix, region, isp;
  };

  // All of these outlive it. `whole_frames`: the network cuts nothing where it need not.
  UsageClients(CountingPoller& poller, net::EventLoop& loop, Stage& stage, std::uint64_t seed, bool whole_frames,
               const std::map<std::string, model::DomainPolicy>& policies)
      : random_(seed * 77 + 5),
        poller_(poller),
        loop_(loop),
        stage_(stage),
        whole_frames_(whole_frames),
        policies_(policies) {}

  // The networks, of which no client is to come while they change.
  std::vector<Network>& networks() { return networks_; }

  // A life from beginning to end, in a domain that suits it.
  net::Task<void> live(Life life) {
    ++lives_[life];
    const std::string live = random_.chance(0.5) ? kLiveA : kLiveB;
    switch (life) {
      case Life::timeout: return life_h1(life, kQuotes);
      case Life::aged: return life_h1(life, kAged);
      case Life::beat:
      case Life::mute: return life_h1(life, kBeat);
      case Life::switched: return life_h1(life, kSwitch);
      case Life::off: return life_h1(life, kOff);
      case Life::dead: return life_h1(life, kDead);
      case Life::http2: return life_h2(random_.chance(0.8) ? live : kSwitch, false);
      // Where the network cuts a frame's header off, nobody could say beforehand whose that is.
      case Life::neighbours: return whole_frames_ ? life_neighbours() : life_h2(live, false);
      default: return life_h1(life, live);
    }
  }
  // Sessions that stay until the edge ends them.
  net::Task<void> stay_h1(std::string domain) { return life_h1(Life::closes, std::move(domain), true); }
  net::Task<void> stay_h2(std::string domain) { return life_h2(std::move(domain), true); }

  const std::map<Life, int>& lives() const { return lives_; }

 private:
  static constexpr std::int64_t kMinute = 60'000;

  // What a client's connection carries is this meter's now.
  struct Wire {
    std::optional<Book> book;
    bool http = false;
    void carry(const Book& b, bool for_http = false) {
      book.emplace(b);
      http = for_http;
    }
  };

  // Connects to a domain from somewhere; null: does not happen. Within a move.
  net::Task<std::unique_ptr<net::TcpStream>> connect(std::shared_ptr<Wire> wire, Whose* whose, bool may_proxy,
                                                     bool for_http = false) {
    const Network& from = networks_[random_.below(networks_.size())];
    whose->region = from.region;
    whose->isp = from.isp;
    const std::string ip = from.prefix + std::to_string(1 + random_.below(250));
    const bool proxied = may_proxy && random_.chance(0.3);
    poller_.sim().set_client_address(net::SocketAddress::from_ip(proxied ? "10.9.0.1" : ip, 0).value());
    const std::string to = "10.0.0." + std::to_string(1 + random_.below(2));
    wire->carry(book(*whose), for_http);
    auto made = co_await net::connect_tcp(loop_, net::SocketAddress::from_ip(to, proxied ? 8081 : 8080).value(),
                                          base::later(loop_.now(), base::seconds(10)));
    if (!made) {
      ADD_FAILURE() << base::describe(made.error());
      co_return nullptr;
    }
    poller_.listen_to((*made)->handle(), [wire](bool written, std::size_t n) {
      wire->book->add((wire->http ? Meter::http_wire_bytes_in : Meter::wire_bytes_in) + (written ? 0 : 1), n);
    });
    if (proxied) {
      const std::string header = "PROXY TCP4 " + ip + " " + to + " 40000 8081\r\n";
      const int error = co_await (*made)->write(header);
      EXPECT_EQ(error, 0);
    }
    co_return std::move(*made);
  }
  Book book(const Whose& whose) { return Book(stage_.clients, stage_.clock, whose); }

  // ---- what clients do -------------------------------------------------------------------------------------------

  net::Task<int> open_h1(net::TcpStream& stream, Wire& wire, Book book, std::string path) {
    wire.carry(book);
    const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
    const std::string head = "GET " + path + " HTTP/1.1\r\nHost: " + book.whose().domain +
                             "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: " +
                             key + "\r\n\r\n";
    const int error = co_await stream.write(head);
    EXPECT_EQ(error, 0);
    const auto answer = co_await net::testing::read_until(stream, "\r\n\r\n");
    const int status = answer.bytes.size() > 12 ? std::atoi(answer.bytes.c_str() + 9) : 0;
    const std::string size = header_value(answer.bytes, "content-length");
    if (!size.empty()) (void)co_await net::testing::read_exactly(stream, std::stoul(size));
    count_handshake(book, status);
    co_return status;
  }
  void count_handshake(Book& book, int status) {
    book.add(Meter::handshakes + static_cast<unsigned>(status));
    book.add(Meter::handshake_seconds);
    if (policies_.at(book.whose().domain).websocket.enabled) book.add(Meter::origin_seconds);
  }

  net::Task<void> request_h1(net::TcpStream& stream, Wire& wire, Book book) {
    wire.carry(book, true);
    const bool post = random_.chance(0.3), lost = !post && random_.chance(0.2);
    const std::size_t size = random_.below(20000);
    std::string bytes = (post   ? "POST /up"
                         : lost ? "GET /lost"
                                : "GET /page/" + std::to_string(size)) +
                        std::string(" HTTP/1.1\r\nHost: ") + book.whose().domain + "\r\n";
    if (post) bytes += "Content-Length: " + std::to_string(size) + "\r\n";
    bytes += "\r\n" + (post ? letters(random_, size) : "");
    const int error = co_await stream.write(bytes);
    EXPECT_EQ(error, 0);
    const auto answer = co_await net::testing::read_until(stream, "\r\n\r\n");
    const std::string length = header_value(answer.bytes, "content-length");
    const auto body = co_await net::testing::read_exactly(stream, std::stoul("0" + length));
    EXPECT_EQ(body.bytes.size(), post || lost ? 5 : size);
    book.add(Meter::requests + static_cast<unsigned>(std::atoi(answer.bytes.c_str() + 9)));
    if (post) book.add(Meter::http_bytes_in, size);
    book.add(Meter::http_bytes_out, body.bytes.size());
  }

  net::Task<void> finish_h1(net::TcpStream& stream) {
    stream.shutdown_write();
    const auto rest = co_await net::testing::read_all(stream);
    EXPECT_EQ(rest.error, 0);
    EXPECT_EQ(rest.bytes, "");
  }

  // Messages with rests between.
  net::Task<void> talk(ClientSession& s, std::uint64_t messages, std::int64_t most_rest_ms) {
    for (std::uint64_t i = 0; i < messages && !s.closed(); ++i) {
      co_await stage_.free(s.book().whose().domain);
      if (s.closed()) break;
      {
        const Stage::Move move(stage_, s.book().whose().domain);
        co_await s.exchange();
      }
      co_await stage_.rest(100, most_rest_ms);
    }
  }

  // What comes so much later must not come near a boundary.
  bool clear_in(std::int64_t ms) const {
    const std::int64_t at = (stage_.clock.ms() + ms) % (model::kUsageInterval * 1000);
    return at > 3000 && at < 295'000;
  }
  net::Task<void> until_clear(const std::string& domain, std::function<bool()> clear) {
    for (;;) {
      co_await stage_.free(domain);
      if (clear()) co_return;
      co_await loop_.sleep_for(base::milliseconds(1500));
    }
  }

  net::Task<void> end_of(ClientSession& s, Life life) {
    const std::string domain = s.book().whose().domain;
    if (life == Life::timeout) {
      while (!clear_in(20'000)) co_await talk(s, 1, 1500);
      co_await s.end();
    } else if (life == Life::aged || life == Life::mute) {
      if (life == Life::mute) s.be_mute();
      co_await s.end();
    } else {
      co_await stage_.free(domain);
      const Stage::Move move(stage_, domain);
      if (s.closed()) {
        co_await s.end();
      } else if (life == Life::origin_closes) {
        co_await s.have_closed();
      } else if (life == Life::origin_killed) {
        co_await s.have_killed();
      } else if (life == Life::client_killed) {
        co_await loop_.sleep_for(base::milliseconds(100));
        s.kill();
      } else {
        co_await s.close();
      }
    }
  }

  net::Task<void> session_h1(net::TcpStream& stream, Book book, Life life, bool stays) {
    ClientSession s(stage_, stream, book);
    net::TaskScope tasks(loop_);
    tasks.spawn(s.listen(tasks));
    if (stays) {
      co_await stay(s);
    } else {
      const bool quick = life == Life::timeout || life == Life::aged;
      co_await talk(s, 1 + random_.below(life == Life::aged ? 3 : 9), quick ? 7000 : 25'000);
      co_await end_of(s, life);
    }
    co_await tasks.join();
    if (life != Life::client_killed) stream.shutdown_write();
  }

  // Long: through many intervals, with something to say now and then, until the edge drains.
  net::Task<void> stay(ClientSession& s) {
    while (!s.closed()) {
      co_await talk(s, 1, 100);
      for (std::uint64_t rests = random_.below(30); rests > 0 && !s.closed(); --rests) co_await stage_.rest(3000, 6000);
    }
    co_await s.end();
  }

  net::Task<void> life_h1(Life life, std::string domain, bool stays = false) {
    co_await until_clear(domain, [this, life] {
      if (life == Life::aged) return clear_in(45'000);
      // A heartbeat comes every minute from then on, and an unanswered one ends the session five seconds later.
      const std::int64_t in_minute = stage_.clock.ms() % kMinute;
      return (life != Life::beat && life != Life::mute) || (in_minute > 5000 && in_minute < 45'000);
    });
    const auto wire = std::make_shared<Wire>();
    std::unique_ptr<net::TcpStream> stream;
    Whose whose;
    whose.domain = domain;
    int status = 0;
    const bool pages = life == Life::page || life == Life::page_then_session;
    {
      const Stage::Move move(stage_, domain);
      stream = co_await connect(wire, &whose, true, pages);
      if (!stream) co_return;
      if (pages) {
        co_await request_h1(*stream, *wire, book(whose));
      } else {
        status = co_await open_h1(*stream, *wire, book(whose), life == Life::refused ? "/refuse" : "/chat");
      }
    }
    for (std::uint64_t more = pages ? random_.below(5) : 0; more > 0; --more) {
      co_await stage_.rest(10, 20'000);
      co_await stage_.free(domain);
      const Stage::Move move(stage_, domain);
      co_await request_h1(*stream, *wire, book(whose));
    }
    if (life == Life::page_then_session) {
      co_await stage_.free(domain);
      const Stage::Move move(stage_, domain);
      status = co_await open_h1(*stream, *wire, book(whose), "/chat");
    }
    if (status == 101) {
      co_await session_h1(*stream, book(whose), life, stays);
    } else {
      const int expected = life == Life::page ? 0 : life == Life::dead ? 502 : 403;
      EXPECT_EQ(status, expected) << domain;
      co_await stage_.free(domain);
      const Stage::Move move(stage_, domain);
      co_await finish_h1(*stream);
    }
  }

  // ---- over HTTP/2 -----------------------------------------------------------------------------------------------

  net::Task<std::uint32_t> open_h2(edge::testing::Http2Peer& peer, Book book) {
    protocol::Fields head = protocol::testing::http2_head("CONNECT", "/chat", book.whose().domain, "http");
    head.add(":protocol", "websocket");
    const std::uint32_t id = peer.ask(head, false);
    co_await peer.answer(id);
    EXPECT_EQ(peer.seen(id).head.status, policies_.at(book.whose().domain).websocket.enabled ? 200 : 403)
        << book.whose().domain << " at " << stage_.clock.ms();
    count_handshake(book, peer.seen(id).head.status);
    co_return id;
  }

  // `first`: of its connection, for which the edge does not wait long.
  net::Task<void> session_h2(edge::testing::Http2Peer& peer, Book book, bool stays, bool first) {
    const std::string domain = book.whose().domain;
    if (!first) co_await stage_.rest(1, 3000);
    if (!first) co_await stage_.free(domain);
    std::uint32_t id = 0;
    {
      const Stage::Move move(stage_, domain);
      id = co_await open_h2(peer, book);
      if (peer.seen(id).head.status != 200) co_await peer.whole_answer(id);
    }
    if (peer.seen(id).head.status != 200) co_return;
    edge::testing::Http2Tunnel tunnel(peer, id);
    ClientSession s(stage_, tunnel, book);
    net::TaskScope tasks(loop_);
    tasks.spawn(s.listen(tasks));
    if (stays) {
      co_await stay(s);
    } else {
      co_await talk(s, 1 + random_.below(9), 15'000);
      co_await end_of(s, random_.chance(0.5) ? Life::closes : Life::origin_closes);
    }
    co_await tasks.join();
    tunnel.shutdown_write();
    co_await stage_.rest(50, 60);
  }

  net::Task<void> life_h2(std::string domain, bool stays = false) {
    co_await stage_.free(domain);
    const auto wire = std::make_shared<Wire>();
    Whose whose;
    whose.domain = domain;
    net::TaskScope running(loop_), sessions(loop_);
    std::unique_ptr<edge::testing::Http2Peer> peer;
    {
      const Stage::Move move(stage_, domain);
      auto stream = co_await connect(wire, &whose, false);
      if (!stream) co_return;
      peer = std::make_unique<edge::testing::Http2Peer>(std::move(stream));
      running.spawn(peer->run());
      sessions.spawn(session_h2(*peer, book(whose), stays, true));
    }
    for (std::uint64_t more = random_.below(3); more > 0; --more) {
      sessions.spawn(session_h2(*peer, book(whose), stays, false));
    }
    co_await sessions.join();
    co_await stage_.free(domain);
    const Stage::Move move(stage_, domain);
    peer->close();
    co_await running.join();
  }

  // Sessions of two accounts, and requests, on one connection. One of them at a time moves, so that even what the
  // connection carries beside their data (frame headers, windows) is that one's and no other's.
  net::Task<void> life_neighbours() {
    const auto wire = std::make_shared<Wire>();
    Whose whose[2];
    net::TaskScope running(loop_), tasks(loop_);
    std::unique_ptr<edge::testing::Http2Peer> peer;
    std::unique_ptr<edge::testing::Http2Tunnel> tunnels[2];
    std::unique_ptr<ClientSession> sessions[2];
    for (int i = 0; i < 2; ++i) {
      const std::string domain = i == 0 ? kLiveA : kLiveB;
      co_await stage_.free(domain);
      const Stage::Move move(stage_, domain);
      whose[i].domain = domain;
      if (i == 0) {
        auto stream = co_await connect(wire, &whose[0], false);
        if (!stream) co_return;
        whose[1] = whose[0];
        peer = std::make_unique<edge::testing::Http2Peer>(std::move(stream));
        running.spawn(peer->run());
      }
      wire->carry(book(whose[i]));
      const std::uint32_t id = co_await open_h2(*peer, book(whose[i]));
      tunnels[i] = std::make_unique<edge::testing::Http2Tunnel>(*peer, id);
      sessions[i] = std::make_unique<ClientSession>(stage_, *tunnels[i], book(whose[i]));
      tasks.spawn(sessions[i]->listen(tasks));
      co_await settle();
    }
    std::string word;  // that one of the origins waits for
    std::uint64_t waits = 0;
    for (std::uint64_t more = 4 + random_.below(8); more > 0 || !word.empty(); more -= more > 0 ? 1 : 0) {
      co_await stage_.rest(100, 15'000);
      // While one waits for its origin the other has its turn, and then the edge is the first to speak to the one.
      const bool comes = !word.empty() && random_.chance(0.5);
      const std::uint64_t i = word.empty() ? random_.below(2) : comes ? waits : 1 - waits;
      co_await stage_.free(whose[i].domain);
      const Stage::Move move(stage_, whose[i].domain);
      const bool request = !comes && random_.chance(0.3);
      wire->carry(book(whose[i]), request);
      if (comes) {
        co_await sessions[i]->hear_what_was_asked(std::exchange(word, {}));
      } else if (request) {
        co_await request_h2(*peer, book(whose[i]));
      } else if (word.empty() && random_.chance(0.5)) {
        word = "w" + std::to_string(++words_);
        waits = i;
        co_await sessions[i]->ask_for_later(word);
      } else {
        co_await sessions[i]->exchange();
      }
      co_await settle();
    }
    for (int i = 0; i < 2; ++i) {
      co_await stage_.free(whose[i].domain);
      const Stage::Move move(stage_, whose[i].domain);
      wire->carry(book(whose[i]));
      co_await sessions[i]->close();
      tunnels[i]->shutdown_write();
      co_await settle();
    }
    co_await tasks.join();
    co_await stage_.free(whose[1].domain);
    const Stage::Move move(stage_, whose[1].domain);
    for (auto& t : tunnels) t.reset();
    peer->close();
    co_await running.join();
  }
  net::Task<void> settle() { co_await loop_.sleep_for(base::milliseconds(200)); }

  net::Task<void> request_h2(edge::testing::Http2Peer& peer, Book book) {
    const std::size_t size = random_.below(20000);
    protocol::Fields head =
        protocol::testing::http2_head("GET", "/page/" + std::to_string(size), book.whose().domain, "http");
    const std::uint32_t id = peer.ask(head, true);
    co_await peer.whole_answer(id);
    EXPECT_EQ(peer.seen(id).body.size(), size);
    book.add(Meter::requests + static_cast<unsigned>(peer.seen(id).head.status));
    book.add(Meter::http_bytes_out, size);
    peer.codec().consume(id, size);
    peer.flush();
  }

  net::SimRandom random_;
  CountingPoller& poller_;
  net::EventLoop& loop_;
  Stage& stage_;
  const bool whole_frames_;
  const std::map<std::string, model::DomainPolicy>& policies_;
  std::vector<Network> networks_{{"198.51.100.", "CN-GD", "Example Telecom"},
                                 {"203.0.113.", "DE", "Example Telecom"},
                                 {"192.0.2.", "DE", "Example Mobile"},
                                 {"100.64.7.", "unknown", "unknown"}};
  std::map<Life, int> lives_;
  int words_ = 0;
};

}  // namespace fairlead::sim
