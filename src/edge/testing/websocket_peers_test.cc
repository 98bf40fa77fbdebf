// The WebSocket peers against each other, without an edge between them.

#include "edge/testing/websocket_peers.h"

#include <string>

#include "net/testing/peers.h"
#include "net/testing/world.h"

namespace fairlead::edge::testing {
namespace {

using net::testing::every_net;
using net::testing::net_name;
using net::testing::Server;
using net::testing::TcpPair;
using net::testing::World;

class WebSocketPeers : public ::testing::TestWithParam<net::testing::Net> {
 protected:
  World world{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Net, WebSocketPeers, every_net(), net_name);

// The examples of RFC 6455 5.7.
TEST(WebSocketFrames, are_those_of_the_rfc) {
  EXPECT_EQ(encode_frame(Opcode::text, "Hello", std::nullopt), "\x81\x05Hello");
  EXPECT_EQ(encode_frame(Opcode::text, "Hello", protocol::MaskKey{0x37, 0xfa, 0x21, 0x3d}),
            "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  EXPECT_EQ(encode_frame(Opcode::text, "Hel", std::nullopt, false), "\x01\x03Hel");
  EXPECT_EQ(encode_frame(Opcode::binary, std::string(256, 'x'), std::nullopt).substr(0, 4),
            std::string("\x82\x7e\x01\x00", 4));
  EXPECT_EQ(encode_frame(Opcode::binary, std::string(65536, 'x'), std::nullopt).substr(0, 10),
            std::string("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

struct Story {
  int status = 0;
  std::string said;
  int close_code = 0;
  bool ended = false;
};

Task<Story> tell(World& world, net::SocketAddress to) {
  Story story;
  net::testing::RawClient raw(world.loop());
  const bool up = co_await raw.connect(to);
  if (!up) co_return story;
  WebSocketPeer client(raw.stream(), WebSocketPeer::client(9));
  story.status = co_await client.open("live.example.com", "/chat?room=1");
  if (story.status != 101) co_return story;
  for (const std::size_t size : {0u, 1u, 125u, 126u, 70'000u}) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    co_await client.send(Opcode::binary, text);
    const Frame f = co_await client.receive_message();
    story.said += f.is(Opcode::binary) && f.payload == text && !f.masked ? '=' : '!';
  }
  co_await client.send(Opcode::text, "frag", false);
  co_await client.send(Opcode::ping, "between");
  co_await client.send(Opcode::continuation, "ments");
  const Frame fragment = co_await client.receive();
  const Frame pong = co_await client.receive();
  const Frame rest = co_await client.receive();
  story.said += fragment.payload + "/" + pong.payload + "/" + rest.payload;
  if (!pong.is(Opcode::pong) || fragment.fin || !rest.is(Opcode::continuation)) story.said += "?";
  co_await client.close(4001, "enough");
  const Frame answer = co_await client.receive();
  story.close_code = answer.is(Opcode::close) && answer.close_reason() == "enough" ? answer.close_code() : -1;
  const Frame end = co_await client.receive();
  story.ended = end.state == Frame::State::ended;
  co_return story;
}

TEST_P(WebSocketPeers, open_echo_and_close) {
  Server origin(world.loop(), websocket_echo);
  ASSERT_TRUE(origin.open(world.loopback()));
  const Story story = world.run(tell(world, origin.address()));
  EXPECT_EQ(story.status, 101);
  EXPECT_EQ(story.said, "=====frag/between/ments");
  EXPECT_EQ(story.close_code, 4001);
  EXPECT_TRUE(story.ended);
  world.run(origin.stop());
}

Task<int> ask_for_a_page(World& world, net::SocketAddress to) {
  net::testing::RawClient raw(world.loop());
  const bool up = co_await raw.connect(to);
  if (!up) co_return -1;
  co_await raw.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const net::testing::Received r = co_await raw.read_until("\r\n");
  co_return r.bytes == "HTTP/1.1 400 Bad Request\r\n" ? 400 : 0;
}

TEST_P(WebSocketPeers, an_origin_refuses_what_is_no_handshake) {
  Server origin(world.loop(), websocket_echo);
  ASSERT_TRUE(origin.open(world.loopback()));
  EXPECT_EQ(world.run(ask_for_a_page(world, origin.address())), 400);
  world.run(origin.stop());
}

Task<std::string> receive_states(WebSocketPeer& peer) {
  std::string states;
  for (;;) {
    const Frame f = co_await peer.receive(1000);
    if (f.ok()) {
      states += 'f';
      continue;
    }
    states += f.state == Frame::State::ended ? 'e' : f.error == EMSGSIZE ? 'm' : 'x';
    co_return states;
  }
}

// An end inside a frame is not an end.
TEST_P(WebSocketPeers, tell_an_orderly_end_from_a_cut_frame) {
  for (const auto& [bytes, states] : std::initializer_list<std::pair<std::string, std::string>>{
           {encode_frame(Opcode::text, "whole", std::nullopt), "fe"},
           {encode_frame(Opcode::text, "whole", std::nullopt) + "\x81", "fx"},
           {encode_frame(Opcode::text, "cut", std::nullopt).substr(0, 4), "x"},
           {encode_frame(Opcode::text, std::string(2000, 'x'), std::nullopt), "m"},
           {"", "e"}}) {
    TcpPair pair = world.pair();
    WebSocketPeer sender(*pair.near, WebSocketPeer::origin());
    WebSocketPeer receiver(*pair.far, WebSocketPeer::client(1));
    EXPECT_EQ(world.run(sender.send_raw(bytes)), 0);
    pair.near->shutdown_write();
    EXPECT_EQ(world.run(receive_states(receiver)), states);
  }
}

}  // namespace
}  // namespace fairlead::edge::testing
