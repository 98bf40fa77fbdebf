// Flow control of ByteStream over every net: parking, slow readers, bulk transfer in both directions at once.

#include <cerrno>
#include <string>

#include "net/byte_stream.h"
#include "net/testing/stream_tools.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using testing::ByteHash;
using testing::every_net;
using testing::Net;
using testing::net_name;
using testing::receive_hash;
using testing::send_random;
using testing::TcpPair;
using testing::World;

class ByteStreamFlow : public ::testing::TestWithParam<Net> {};
INSTANTIATE_TEST_SUITE_P(Net, ByteStreamFlow, every_net(), net_name);

Task<void> send_and_end(ByteStream& stream, std::uint64_t seed, std::uint64_t size, std::size_t most, ByteHash& hash) {
  int error = 0;
  hash = co_await send_random(stream, seed, size, most, &error);
  EXPECT_EQ(error, 0);
  stream.shutdown_write();
}

Task<void> receive(ByteStream& stream, ByteHash& hash) {
  int error = 0;
  hash = co_await receive_hash(stream, &error);
  EXPECT_EQ(error, 0);
}

TEST_P(ByteStreamFlow, bulk_in_both_directions_arrives_intact) {
  // Whole buffers: what the wire can carry. Cut at drawn places, or into bytes: as many events as that.
  // Checked for races, a byte costs thirty times as much.
#ifdef __SANITIZE_THREAD__
  std::uint64_t size = 8 << 20;
#else
  std::uint64_t size = 64 << 20;
#endif
  SimOptions options{.seed = 3, .send_buffer = 256 << 10, .receive_buffer = 256 << 10, .max_segment = 64 << 10};
  if (GetParam() == Net::sim_random) {
    size = 1 << 20;
    options = {.seed = 4, .odd_eagain = 0.1};
  } else if (GetParam() == Net::sim_bytewise) {
    size = 100'000;
    options = {.seed = 5, .odd_eagain = 0.1};
  }
  World world(GetParam(), options);
  TcpPair pair = world.pair();
  ByteHash near_sent, near_got, far_sent, far_got;
  world.scope().spawn(send_and_end(*pair.near, 11, size, 100'000, near_sent));
  world.scope().spawn(send_and_end(*pair.far, 12, size, 100'000, far_sent));
  world.scope().spawn(receive(*pair.near, near_got));
  world.scope().spawn(receive(*pair.far, far_got));
  world.finish();
  EXPECT_EQ(near_sent.size(), size);
  EXPECT_EQ(far_got, near_sent);
  EXPECT_EQ(near_got, far_sent);
}

// A writer whose reader does not read: it waits, holds at most what one write brought, and costs no turns meanwhile.
TEST_P(ByteStreamFlow, a_writer_parks_and_costs_nothing_until_its_reader_reads) {
  World world(GetParam());
  TcpPair pair = world.pair();
  constexpr std::size_t kBlock = 64 * 1024;
  const std::uint64_t size = world.kernel() ? 64 << 20 : 256 << 10;
  ByteHash sent, got;
  world.scope().spawn(send_and_end(*pair.near, 21, size, kBlock, sent));
  // Until everything between the two is full: then nothing happens any more.
  std::size_t parked = 0;
  bool quiet = false;
  auto watch_quiet = [](EventLoop& loop, ByteStream& stream, std::size_t& seen, bool& flag) -> Task<void> {
    do {
      seen = stream.parked();
      co_await loop.sleep_for(base::milliseconds(50));
    } while (stream.parked() == 0 || stream.parked() != seen);
    flag = true;
  };
  world.scope().spawn(watch_quiet(world.loop(), *pair.near, parked, quiet));
  world.run_until([&] { return quiet; });
  EXPECT_GT(parked, 0u);
  EXPECT_LE(parked, kBlock);
  int turns = 0;
  bool over = false;
  auto pause = [](EventLoop& loop, bool& flag) -> Task<void> {
    co_await loop.sleep_for(base::milliseconds(100));
    flag = true;
  };
  world.scope().spawn(pause(world.loop(), over));
  world.run_until([&] {
    ++turns;
    return over;
  });
  EXPECT_EQ(pair.near->parked(), parked);
  EXPECT_LE(turns, 8);  // the pause's own wake-ups, one a level of the wheel
  world.scope().spawn(receive(*pair.far, got));
  world.finish();
  EXPECT_EQ(sent.size(), size);
  EXPECT_EQ(got, sent);
  EXPECT_EQ(pair.near->parked(), 0u);
}

// Interest in writing goes with what was parked: room that comes later is nobody's business.
Task<void> write_until_error(ByteStream& stream, int& error) {
  const std::string block(256 << 10, 'w');
  while (error == 0) error = co_await stream.write(block);
}

TEST_P(ByteStreamFlow, a_cancelled_writer_costs_no_turns_when_there_is_room_again) {
  World world(GetParam());
  TcpPair pair = world.pair();
  int error = 0;
  world.scope().spawn(write_until_error(*pair.near, error));
  world.run_until([&] { return pair.near->parked() != 0; });
  pair.near->cancel();
  world.finish();
  EXPECT_EQ(error, ECANCELED);
  // The far end reads what there is, so that the near one becomes writable.
  auto drain = [](ByteStream& stream) -> Task<void> {
    ReadDeadline deadline(stream, base::later(stream.loop().now(), base::milliseconds(200)));
    co_await testing::read_all(stream);
  };
  world.run(drain(*pair.far));
  int turns = 0;
  bool over = false;
  auto pause = [](EventLoop& loop, bool& flag) -> Task<void> {
    co_await loop.sleep_for(base::milliseconds(100));
    flag = true;
  };
  world.scope().spawn(pause(world.loop(), over));
  world.run_until([&] {
    ++turns;
    return over;
  });
  EXPECT_LE(turns, 8);
}

// An echo has a reader that turns writer: one direction's back-pressure must not stop the other for good.
Task<void> echo_all(ByteStream& stream) {
  const int error = co_await testing::echo(stream);
  EXPECT_EQ(error, 0);
}

TEST_P(ByteStreamFlow, an_echo_returns_what_it_gets) {
  World world(GetParam(), {.seed = 9, .odd_eagain = 0.2});
  TcpPair pair = world.pair();
  ByteHash sent, got;
  world.scope().spawn(echo_all(*pair.far));
  world.scope().spawn(send_and_end(*pair.near, 31, GetParam() == Net::sim_bytewise ? 20'000 : 500'000, 5000, sent));
  world.scope().spawn(receive(*pair.near, got));
  world.finish();
  EXPECT_EQ(got, sent);
}

// A direction that stops for a while loses nothing and goes on.
TEST(ByteStreamStall, a_stalled_direction_goes_on_where_it_stopped) {
  World world(Net::sim_random);
  TcpPair pair = world.pair();
  ByteHash sent, got;
  world.sim()->stall(pair.near->handle(), Flow::outgoing, base::seconds(30));
  const TimePoint start = world.loop().now();
  world.scope().spawn(send_and_end(*pair.near, 41, 50'000, 3000, sent));
  world.scope().spawn(receive(*pair.far, got));
  world.finish();
  EXPECT_EQ(got, sent);
  EXPECT_GE(world.loop().now() - start, base::seconds(30));
  EXPECT_LT(world.loop().now() - start, base::seconds(31));
}

}  // namespace
}  // namespace fairlead::net
