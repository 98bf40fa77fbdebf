// Bytes that pass from stream to stream through a pipe (ADR 0014), over every net: they arrive as if they had been
// copied, and whatever ends on the way, what was parked and what was not accepted is known to the byte.

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "net/byte_stream.h"
#include "net/socket_stream.h"
#include "net/testing/scarce_memory.h"
#include "net/testing/stream_tools.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using testing::ByteHash;
using testing::every_net;
using testing::every_simulated_net;
using testing::Net;
using testing::net_name;
using testing::receive_hash;
using testing::ScarceMemory;
using testing::send_random;
using testing::TcpPair;
using testing::World;

struct Pumped {
  std::uint64_t bytes = 0, in_pipe = 0, largest = 0;
  int error = 0;
  bool over = false;
};

// What a relay does, with every byte unseen.
Task<void> pump(ByteStream& from, ByteStream& to, std::size_t most, Pumped& seen) {
  for (;;) {
    const Chunk c = co_await from.read_through(most);
    if (c.ended()) {
      seen.error = c.error;
      if (c.error == 0) to.shutdown_write();
      break;
    }
    seen.bytes += c.size;
    seen.largest = std::max<std::uint64_t>(seen.largest, c.size);
    if (c.in_pipe()) seen.in_pipe += c.size;
    seen.error = co_await to.write(c);
    if (seen.error != 0) break;
  }
  seen.over = true;
}

Task<void> send_and_end(ByteStream& stream, std::uint64_t seed, std::uint64_t size, ByteHash& hash) {
  int error = 0;
  hash = co_await send_random(stream, seed, size, 100'000, &error);
  EXPECT_EQ(error, 0);
  stream.shutdown_write();
}

Task<void> receive(ByteStream& stream, ByteHash& hash, int& error) { hash = co_await receive_hash(stream, &error); }

Task<void> write_all(ByteStream& stream, std::string bytes, int& error) { error = co_await stream.write(bytes); }

// client.near -> client.far = source -> sink = origin.near -> origin.far
struct Way {
  explicit Way(World& world) : client(world.pair()), origin(world.pair()) {}
  TcpPair client, origin;
  ByteStream& source() { return *client.far; }
  ByteStream& sink() { return *origin.near; }
};

SimOptions narrow(std::uint64_t seed) { return {.seed = seed, .odd_eagain = 0.1, .pipe_room = 5000}; }

class ByteStreamPipe : public ::testing::TestWithParam<Net> {
 protected:
  // Nothing of what went through is left in a pipe.
  void expect_clean() {
    if (world.sim()) {
      EXPECT_EQ(world.sim()->filled_pipes(), 0u);
      EXPECT_EQ(world.sim()->misuses(), 0u);
    }
  }
  // Fills everything there is between the client and an origin that does not read.
  void block(Way& way, Pumped& seen) {
    world.scope().spawn(write_all(*way.client.near, std::string(world.kernel() ? 64 << 20 : 60'000, 'x'), sent_));
    world.scope().spawn(pump(way.source(), way.sink(), 1 << 20, seen));
    std::size_t before = 0;
    auto quiet = [](EventLoop& loop, ByteStream& sink, std::size_t& parked, bool& is) -> Task<void> {
      do {
        parked = sink.parked();
        co_await loop.sleep_for(base::milliseconds(50));
      } while (sink.parked() == 0 || sink.parked() != parked);
      is = true;
    };
    bool is_quiet = false;
    world.scope().spawn(quiet(world.loop(), way.sink(), before, is_quiet));
    world.run_until([&] { return is_quiet; });
    EXPECT_GT(way.sink().parked(), 0u);
  }
  World world{GetParam(), narrow(1)};
  int sent_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Net, ByteStreamPipe, every_net(), net_name);

TEST_P(ByteStreamPipe, what_passes_arrives_intact_and_is_counted_on_both_wires) {
  const std::uint64_t size = world.kernel() ? 48 << 20 : GetParam() == Net::sim_bytewise ? 50'000 : 500'000;
  Way way(world);
  WireCount in, out;
  way.client.far->count_wire(&in);
  way.origin.near->count_wire(&out);
  EXPECT_TRUE(way.source().passes_to(way.sink()));
  ByteHash sent, got;
  Pumped seen;
  int error = -1;
  world.scope().spawn(send_and_end(*way.client.near, 5, size, sent));
  world.scope().spawn(pump(way.source(), way.sink(), 1 << 20, seen));
  world.scope().spawn(receive(*way.origin.far, got, error));
  world.finish();
  EXPECT_EQ(error, 0);
  EXPECT_EQ(got, sent);
  EXPECT_EQ(seen.error, 0);
  EXPECT_EQ(seen.bytes, size);
  EXPECT_EQ(seen.in_pipe, size);
  EXPECT_LE(seen.largest, PipePool::kFill);
  EXPECT_EQ(in.in.get(), size);
  EXPECT_EQ(out.out.get(), size);
  EXPECT_EQ(world.loop().pipes().counts().bytes.get(), size);
  EXPECT_LE(world.loop().pipes().counts().open.get(), 2u);
  expect_clean();
}

Task<void> read_by(ByteStream& stream, std::size_t most, std::size_t& size, bool& piped, int& error) {
  const Chunk c = co_await stream.read_through(most);
  size = c.size;
  piped = c.in_pipe();
  error = c.error;
}

TEST_P(ByteStreamPipe, a_read_takes_no_more_than_it_was_asked_to_and_what_nobody_wrote_on_is_gone) {
  Way way(world);
  int error = 0;
  world.run(write_all(*way.client.near, std::string(1000, 'a') + std::string(10, 'b'), error));
  std::size_t got = 0;
  while (got < 1000) {
    std::size_t size = 0;
    bool piped = false;
    world.run(read_by(way.source(), 1000 - got, size, piped, error));
    ASSERT_TRUE(piped);
    ASSERT_LE(size, 1000 - got);
    got += size;
  }
  Pumped seen;
  world.scope().spawn(pump(way.source(), way.sink(), 1 << 20, seen));
  const auto rest = world.run(testing::read_exactly(*way.origin.far, 10));
  EXPECT_EQ(rest.bytes, std::string(10, 'b'));
  way.client.near->shutdown_write();
  world.finish();
  expect_clean();
}

TEST_P(ByteStreamPipe, what_was_put_back_comes_first_and_from_memory) {
  Way way(world);
  way.source().unread("put back");
  std::size_t size = 0;
  bool piped = true;
  int error = 0;
  world.run(read_by(way.source(), 1 << 20, size, piped, error));
  EXPECT_EQ(size, 8u);
  EXPECT_FALSE(piped);
}

TEST_P(ByteStreamPipe, the_end_of_the_source_is_the_end) {
  Way way(world);
  way.client.near->shutdown_write();
  std::size_t size = 1;
  bool piped = true;
  int error = -1;
  world.run(read_by(way.source(), 1 << 20, size, piped, error));
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(error, 0);
}

TEST_P(ByteStreamPipe, a_read_that_is_interrupted_loses_nothing) {
  Way way(world);
  std::size_t size = 0;
  bool piped = false;
  int error = 0;
  world.scope().spawn(read_by(way.source(), 1 << 20, size, piped, error));
  way.source().interrupt_read(EINTR);
  world.finish();
  EXPECT_EQ(error, EINTR);
  world.run(write_all(*way.client.near, "x", error));
  world.run(read_by(way.source(), 1 << 20, size, piped, error));
  EXPECT_EQ(size, 1u);
  EXPECT_TRUE(piped);
}

// All that the sink has not accepted, wherever it is.
TEST_P(ByteStreamPipe, a_sink_that_fails_with_bytes_in_the_pipe_says_how_many) {
  Way way(world);
  Pumped seen;
  block(way, seen);
  const std::size_t parked = way.sink().parked();
  way.origin.far->abort_on_close();
  way.origin.far.reset();
  world.run_until([&] { return seen.over; });
  EXPECT_TRUE(seen.error == ECONNRESET || seen.error == EPIPE) << seen.error;
  EXPECT_EQ(way.sink().unsent(), parked);
  EXPECT_EQ(way.sink().parked(), 0u);
  expect_clean();
  way.client.near->cancel();
  world.finish();
}

TEST_P(ByteStreamPipe, a_cancelled_sink_says_how_many_and_gives_the_pipe_back) {
  Way way(world);
  Pumped seen;
  block(way, seen);
  const std::size_t parked = way.sink().parked();
  way.sink().cancel();
  EXPECT_EQ(way.sink().unsent(), parked);
  EXPECT_EQ(way.sink().parked(), 0u);
  expect_clean();
  world.run_until([&] { return seen.over; });
  EXPECT_EQ(seen.error, ECANCELED);
  way.client.near->cancel();
  world.finish();
}

TEST_P(ByteStreamPipe, a_slow_reader_gets_everything_in_the_end) {
  Way way(world);
  Pumped seen;
  block(way, seen);
  ByteHash got;
  int error = -1;
  world.scope().spawn(receive(*way.origin.far, got, error));
  world.run_until([&] { return sent_ != 0 || got.size() != 0 || way.client.near->parked() == 0; });
  way.client.near->shutdown_write();
  world.finish();
  EXPECT_EQ(got.size(), seen.bytes);
  EXPECT_EQ(seen.bytes, world.kernel() ? 64u << 20 : 60'000u);
  expect_clean();
}

TEST_P(ByteStreamPipe, a_write_to_a_cancelled_sink_takes_nothing_and_leaves_no_pipe_full) {
  Way way(world);
  Pumped seen;
  int error = 0;
  way.sink().cancel();
  world.scope().spawn(pump(way.source(), way.sink(), 1 << 20, seen));
  world.run(write_all(*way.client.near, "lost", error));
  world.finish();
  EXPECT_EQ(seen.error, ECANCELED);
  EXPECT_EQ(way.sink().unsent(), seen.bytes);
  expect_clean();
}

TEST_P(ByteStreamPipe, a_stream_destroyed_with_bytes_parked_gives_its_pipe_back) {
  Way way(world);
  Pumped seen;
  block(way, seen);
  way.sink().cancel();
  world.run_until([&] { return seen.over; });
  way.origin.near.reset();
  expect_clean();
  way.client.near->cancel();
  world.finish();
}

// Where it cannot be done, bytes are copied, and nobody is told but the counters.
class ByteStreamPipeRefused : public ::testing::TestWithParam<Net> {
 protected:
  static void carries(SimOptions options) {
    World world(GetParam(), options);
    Way way(world);
    ByteHash sent, got;
    Pumped seen;
    int error = -1;
    world.scope().spawn(send_and_end(*way.client.near, 9, 40'000, sent));
    world.scope().spawn(pump(way.source(), way.sink(), 1 << 20, seen));
    world.scope().spawn(receive(*way.origin.far, got, error));
    world.finish();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(got, sent);
    EXPECT_EQ(world.loop().pipes().counts().impossible.get(), 1u);
    EXPECT_FALSE(way.source().passes_to(way.sink()));
    EXPECT_EQ(world.sim()->filled_pipes(), 0u);
    EXPECT_EQ(world.sim()->misuses(), 0u);
  }
};
INSTANTIATE_TEST_SUITE_P(Net, ByteStreamPipeRefused, every_simulated_net(), net_name);

TEST_P(ByteStreamPipeRefused, by_a_poller_without_pipes) { carries({.seed = 2, .pipe_room = 0}); }
TEST_P(ByteStreamPipeRefused, by_the_source) { carries({.seed = 3, .fill_error = EINVAL}); }
TEST_P(ByteStreamPipeRefused, by_the_sink_with_bytes_in_the_pipe) { carries({.seed = 4, .drain_error = EINVAL}); }

TEST(ByteStreamPipeMemory, what_cannot_be_parked_is_an_error_of_the_write_and_its_size_is_known) {
  World world(Net::kernel);
  Way way(world);
  int sent = 0;
  world.scope().spawn(write_all(*way.client.near, std::string(64 << 20, 'x'), sent));
  Pumped seen;
  auto scarce = [](ByteStream& from, ByteStream& to, Pumped& out) -> Task<void> {
    for (;;) {
      const Chunk c = co_await from.read_through(1 << 20);
      out.bytes += c.size;
      ScarceMemory::fail_nth(0);
      out.error = co_await to.write(c);
      ScarceMemory::end();
      if (out.error != 0) break;
    }
  };
  world.scope().spawn(scarce(way.source(), way.sink(), seen));
  world.run_until([&] { return seen.error != 0; });
  EXPECT_EQ(seen.error, ENOMEM);
  EXPECT_EQ(way.sink().parked(), 0u);
  const std::uint64_t taken = seen.bytes - way.sink().unsent();
  way.sink().shutdown_write();
  ByteHash got;
  int error = -1;
  world.run(receive(*way.origin.far, got, error));
  EXPECT_EQ(got.size(), taken);
  way.client.near->cancel();
  world.finish();
}

TEST_P(ByteStreamPipe, pipes_are_bounded_and_few_are_kept) {
  PipePool& pipes = world.loop().pipes();
  std::vector<Poller::Pipe> held;
  for (std::size_t i = 0; i < PipePool::kMost; ++i) {
    ASSERT_TRUE(pipes.take());
    held.push_back(pipes.release());
  }
  EXPECT_FALSE(pipes.take());
  EXPECT_EQ(pipes.counts().exhausted.get(), 1u);
  EXPECT_TRUE(pipes.possible());
  for (std::size_t i = 0; i < held.size(); ++i) pipes.give_back(held[i], i % 2 == 0);
  EXPECT_EQ(pipes.counts().open.get(), PipePool::kKept + 1);
  EXPECT_TRUE(pipes.take());
  PipeCounts elsewhere;
  pipes.count_in(&elsewhere);
  EXPECT_EQ(elsewhere.open.get(), PipePool::kKept + 1);
  pipes.count_in(nullptr);
  EXPECT_EQ(elsewhere.open.get(), 0u);
}

}  // namespace
}  // namespace fairlead::net
