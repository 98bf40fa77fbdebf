// Hard ends of ByteStream over every net: resets, hang-ups while nobody reads, streams destroyed in the middle of a
// batch of events.

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "net/byte_stream.h"
#include "net/testing/stream_tools.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using base::milliseconds;
using testing::every_net;
using testing::every_simulated_net;
using testing::Net;
using testing::net_name;
using testing::read_all;
using testing::read_exactly;
using testing::Received;
using testing::TcpPair;
using testing::World;

class ByteStreamEnd : public ::testing::TestWithParam<Net> {
 protected:
  // Everything that is written in one turn arrives at one time, so that events come in batches.
  World world{GetParam(), {.seed = 5, .jitter = Duration(0), .shuffle = false}};
  TcpPair pair = world.pair();
};
INSTANTIATE_TEST_SUITE_P(Net, ByteStreamEnd, every_net(), net_name);

Task<int> say(ByteStream& stream, std::string text) {
  const int error = co_await stream.write(text);
  co_return error;
}
Task<void> read_into(ByteStream& stream, Received& out) { out = co_await read_all(stream); }
Task<void> write_into(ByteStream& stream, int& out) {
  const std::string block(100'000, 'w');
  int error = 0;
  while (error == 0) error = co_await stream.write(block);
  out = error;
}
Task<void> pause(EventLoop& loop, Duration d) { co_await loop.sleep_for(d); }

TEST_P(ByteStreamEnd, a_reset_ends_the_peers_read_and_later_writes) {
  Received got;
  world.scope().spawn(read_into(*pair.far, got));
  pair.near->abort_on_close();
  pair.near.reset();
  world.finish();
  EXPECT_EQ(got.error, ECONNRESET);
  EXPECT_EQ(world.run(say(*pair.far, "anybody?")), EPIPE);
}

TEST_P(ByteStreamEnd, a_write_to_a_cancelled_stream_leaves_all_of_it_unsent) {
  pair.near->cancel(ECONNRESET);
  EXPECT_EQ(pair.near->unsent(), 0u);
  EXPECT_EQ(world.run(say(*pair.near, "five!")), ECONNRESET);
  EXPECT_EQ(pair.near->unsent(), 5u);
}

TEST_P(ByteStreamEnd, a_reset_ends_a_parked_write_with_nobody_reading) {
  int written = 0;
  world.scope().spawn(write_into(*pair.far, written));
  world.run_until([&] { return pair.far->parked() != 0; });
  pair.near->abort_on_close();
  pair.near.reset();
  world.finish();
  EXPECT_TRUE(written == ECONNRESET || written == EPIPE) << written;
  EXPECT_EQ(pair.far->parked(), 0u);
}

TEST_P(ByteStreamEnd, a_reset_ends_a_reader_and_a_parked_writer_both) {
  int written = 0;
  Received got;
  world.scope().spawn(read_into(*pair.far, got));
  world.scope().spawn(write_into(*pair.far, written));
  world.run_until([&] { return pair.far->parked() != 0; });
  pair.near->abort_on_close();
  pair.near.reset();
  world.finish();
  // The error is reported once; who asks second hears that it is over.
  EXPECT_TRUE(written == ECONNRESET || written == EPIPE) << written;
  EXPECT_TRUE(got.error == ECONNRESET || (got.error == 0 && written == ECONNRESET)) << got.error;
}

// RFC 9293 has no such rule, but every kernel does it: data that arrives and is never read becomes a reset.
TEST_P(ByteStreamEnd, closing_with_unread_data_resets_the_peer) {
  EXPECT_EQ(world.run(say(*pair.far, "never read")), 0);
  world.run(pause(world.loop(), milliseconds(5)));
  Received got;
  world.scope().spawn(read_into(*pair.far, got));
  pair.near.reset();
  world.finish();
  EXPECT_EQ(got.error, ECONNRESET);
}

TEST_P(ByteStreamEnd, who_is_finished_with_is_closed_at_once) {
  EXPECT_EQ(world.run(say(*pair.near, "last words")), 0);
  Received reader;
  world.scope().spawn(read_into(*pair.near, reader));
  pair.near->finish();
  const Received got = world.run(read_all(*pair.far));
  EXPECT_EQ(got.bytes, "last words");
  EXPECT_EQ(got.error, 0);
  EXPECT_EQ(reader.error, ECANCELED);
  EXPECT_EQ(world.run(say(*pair.near, "more")), ECANCELED);
  pair.near->finish();
  // Nobody is there any more, though the stream is.
  int written = 0;
  world.scope().spawn(write_into(*pair.far, written));
  world.finish();
  EXPECT_TRUE(written == ECONNRESET || written == EPIPE) << written;
}

TEST_P(ByteStreamEnd, who_is_finished_with_and_has_ended_too_is_closed_at_once) {
  pair.far->shutdown_write();
  world.run(pause(world.loop(), milliseconds(5)));
  pair.near->finish();
  EXPECT_TRUE(pair.near->cancelled());
  EXPECT_EQ(world.run(read_all(*pair.far)).error, 0);
}

// Else the peer would be reset, and might not see what it was sent last.
TEST_P(ByteStreamEnd, who_is_finished_with_but_has_said_more_is_heard) {
  EXPECT_EQ(world.run(say(*pair.near, "last words")), 0);
  EXPECT_EQ(world.run(say(*pair.far, "one more thing")), 0);
  world.run(pause(world.loop(), milliseconds(5)));
  Received heard;
  pair.near->finish();
  EXPECT_FALSE(pair.near->cancelled());
  world.scope().spawn(read_into(*pair.near, heard));
  const Received got = world.run(read_all(*pair.far));
  EXPECT_EQ(got.bytes, "last words");
  EXPECT_EQ(got.error, 0);
  pair.far.reset();
  world.finish();
  EXPECT_EQ(heard.bytes, "one more thing");
  EXPECT_EQ(heard.error, 0);
}

TEST_P(ByteStreamEnd, a_reader_that_waits_hears_what_was_found_at_the_finish) {
  // Reading already, of a socket in which the bytes are, but told of nothing yet.
  std::string heard;
  auto listen = [](ByteStream& stream, std::string& out) -> Task<void> {
    const Chunk c = co_await stream.read();
    out = c.view();
  };
  EXPECT_EQ(world.run(say(*pair.far, "x")), 0);
  world.run(pause(world.loop(), milliseconds(5)));
  world.scope().spawn(listen(*pair.near, heard));
  pair.near->finish();
  EXPECT_FALSE(pair.near->cancelled());
  world.finish();
  EXPECT_EQ(heard, "x");
}

TEST_P(ByteStreamEnd, what_was_put_back_is_heard_after_the_finish) {
  pair.near->unread("put back");
  pair.near->finish();
  EXPECT_FALSE(pair.near->cancelled());
  pair.far.reset();
  EXPECT_EQ(world.run(read_all(*pair.near)).bytes, "put back");
}

TEST_P(ByteStreamEnd, writing_to_a_peer_that_has_closed_is_answered_by_a_reset) {
  pair.near.reset();
  int written = 0;
  world.scope().spawn(write_into(*pair.far, written));
  world.finish();
  EXPECT_TRUE(written == ECONNRESET || written == EPIPE) << written;
}

TEST_P(ByteStreamEnd, a_hang_up_while_nobody_reads_is_noticed_and_costs_no_turns) {
  // The far end has read before, so that it is watched; now nobody reads there.
  EXPECT_EQ(world.run(say(*pair.near, "x")), 0);
  EXPECT_EQ(world.run(read_exactly(*pair.far, 1)).bytes, "x");
  EXPECT_FALSE(pair.far->hung_up());
  pair.near->abort_on_close();
  pair.near.reset();
  int turns = 0;
  bool over = false;
  auto rest = [](EventLoop& loop, bool& flag) -> Task<void> {
    co_await loop.sleep_for(milliseconds(200));
    flag = true;
  };
  world.scope().spawn(rest(world.loop(), over));
  world.run_until([&] {
    ++turns;
    return over;
  });
  EXPECT_TRUE(pair.far->hung_up());
  EXPECT_LE(turns, 10);
  // The reader that comes at last hears of it.
  EXPECT_EQ(world.run(read_all(*pair.far)).error, ECONNRESET);
}

TEST_P(ByteStreamEnd, data_and_its_end_wait_quietly_for_a_reader) {
  EXPECT_EQ(world.run(say(*pair.near, "x")), 0);
  EXPECT_EQ(world.run(read_exactly(*pair.far, 1)).bytes, "x");
  EXPECT_EQ(world.run(say(*pair.near, "kept")), 0);
  pair.near->shutdown_write();
  int turns = 0;
  bool over = false;
  auto rest = [](EventLoop& loop, bool& flag) -> Task<void> {
    co_await loop.sleep_for(milliseconds(200));
    flag = true;
  };
  world.scope().spawn(rest(world.loop(), over));
  world.run_until([&] {
    ++turns;
    return over;
  });
  EXPECT_LE(turns, 12);
  const Received got = world.run(read_all(*pair.far));
  EXPECT_EQ(got.bytes, "kept");
  EXPECT_EQ(got.error, 0);
}

// ---- destruction in the middle of a batch
// -----------------------------------------------------------------------------

struct Crowd {
  std::vector<TcpPair> pairs;
};

// Reads once; then destroys every other stream of the crowd, whose events of the same batch are still to come.
Task<void> kill_the_others(Crowd& crowd, std::size_t self, bool& killed) {
  const Chunk c = co_await crowd.pairs[self].far->read();
  if (c.ended() || killed) co_return;
  killed = true;
  for (std::size_t i = 0; i < crowd.pairs.size(); ++i) {
    if (i != self) crowd.pairs[i].far->cancel();
  }
}

TEST_P(ByteStreamEnd, later_events_of_a_batch_do_not_reach_streams_that_are_gone) {
  for (int round = 0; round < 20; ++round) {
    Crowd crowd;
    for (int i = 0; i < 8; ++i) crowd.pairs.push_back(world.pair());
    // All have been read once and stay watched with nobody reading, except the killer.
    for (auto& p : crowd.pairs) {
      EXPECT_EQ(world.run(say(*p.near, "x")), 0);
      EXPECT_EQ(world.run(read_exactly(*p.far, 1)).bytes, "x");
    }
    bool killed = false;
    auto killer = [](Crowd& all, std::size_t self, bool& done) -> Task<void> {
      const Chunk c = co_await all.pairs[self].far->read();
      EXPECT_FALSE(c.ended());
      for (std::size_t i = 0; i < all.pairs.size(); ++i) {
        if (i == self) continue;
        all.pairs[i].far.reset();
      }
      done = true;
    };
    world.scope().spawn(killer(crowd, static_cast<std::size_t>(round) % crowd.pairs.size(), killed));
    for (auto& p : crowd.pairs) EXPECT_EQ(world.run(say(*p.near, "y")), 0);
    world.run_until([&] { return killed; });
    world.finish();
  }
}

TEST_P(ByteStreamEnd, the_first_of_a_batch_may_cancel_the_readers_of_all_others) {
  Crowd crowd;
  for (int i = 0; i < 8; ++i) crowd.pairs.push_back(world.pair());
  bool killed = false;
  for (std::size_t i = 0; i < crowd.pairs.size(); ++i) world.scope().spawn(kill_the_others(crowd, i, killed));
  for (auto& p : crowd.pairs) EXPECT_EQ(world.run(say(*p.near, "x")), 0);
  world.finish();
  EXPECT_TRUE(killed);
}

// One entry of a batch with both sides ready: the writer, resumed first, ends the stream.
TEST_P(ByteStreamEnd, a_writer_may_destroy_its_stream_while_its_readable_event_is_pending) {
  auto writer = [](TcpPair& p, std::size_t size, bool& done) -> Task<void> {
    const std::string block(size, 'w');
    co_await p.far->write(block);
    p.far.reset();
    done = true;
  };
  bool done = false;
  // Interest in reading, without a reader.
  EXPECT_EQ(world.run(say(*pair.near, "x")), 0);
  EXPECT_EQ(world.run(read_exactly(*pair.far, 1)).bytes, "x");
  world.scope().spawn(writer(pair, world.kernel() ? 16 << 20 : 64 << 10, done));  // more than fits between the two
  world.run_until([&] { return pair.far->parked() != 0; });
  EXPECT_EQ(world.run(say(*pair.near, "y")), 0);
  Received got;
  world.scope().spawn(read_into(*pair.near, got));
  world.finish();
  EXPECT_TRUE(done);
}

class SimulatedByteStreamEnd : public ByteStreamEnd {};
INSTANTIATE_TEST_SUITE_P(Net, SimulatedByteStreamEnd, every_simulated_net(), net_name);

TEST_P(SimulatedByteStreamEnd, what_arrived_before_a_reset_is_read_first) {
  EXPECT_EQ(world.run(say(*pair.near, "last words")), 0);
  world.run(pause(world.loop(), milliseconds(5)));
  world.sim()->reset_connection(pair.near->handle());
  const Received got = world.run(read_all(*pair.far));
  EXPECT_EQ(got.bytes, "last words");
  EXPECT_EQ(got.error, ECONNRESET);
  EXPECT_EQ(world.run(read_all(*pair.near)).error, ECONNRESET);
}

TEST_P(SimulatedByteStreamEnd, a_silent_peer_is_found_by_a_deadline_only) {
  world.sim()->black_hole(pair.near->peer());
  EXPECT_EQ(world.run(say(*pair.far, "lost")), 0);
  auto wait = [](ByteStream& stream) -> Task<int> {
    ReadDeadline deadline(stream, base::later(stream.loop().now(), base::seconds(60)));
    const Chunk c = co_await stream.read();
    co_return c.error;
  };
  EXPECT_EQ(world.run(wait(*pair.near)), ETIMEDOUT);
  // What was lost comes when the way is open again.
  world.sim()->heal(pair.near->peer());
  EXPECT_EQ(world.run(read_exactly(*pair.near, 4)).bytes, "lost");
}

TEST_P(SimulatedByteStreamEnd, no_handle_is_left_and_no_call_was_wrong) {
  pair.near.reset();
  pair.far.reset();
  EXPECT_EQ(world.sim()->open_handles(), 0u);
  EXPECT_EQ(world.sim()->misuses(), 0u);
}

}  // namespace
}  // namespace fairlead::net
