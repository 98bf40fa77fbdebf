// The contract of Poller, which the kernel's and the simulated one must keep alike: what is ready when, what a mask
// masks, and who is told.

#include "net/poller.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using base::milliseconds;
using testing::every_net;
using testing::Net;
using testing::net_name;
using testing::World;

// A raw handle with its interest; remembers what it was told.
class Probe final : public Pollable {
 public:
  Probe(Poller& poller, int handle) : poller_(poller), handle_(handle) {}
  ~Probe() { close(); }
  void close() {
    if (handle_ < 0) return;
    poller_.forget(this);
    poller_.close(std::exchange(handle_, -1));
  }
  void give_up() { handle_ = -1; }  // it is another's
  void watch(Events after) {
    EXPECT_EQ(poller_.watch(handle_, this, watched_, after), 0);
    watched_ = after;
  }
  ssize_t write(std::string_view text) {
    const iovec piece{const_cast<char*>(text.data()), text.size()};
    return poller_.write(handle_, &piece, 1);
  }
  ssize_t read(std::size_t most = 100) {
    if (buffer_.size() < most) buffer_.resize(most);
    return poller_.read(handle_, buffer_.data(), most);
  }
  int handle() const { return handle_; }
  void on_ready(Events events) override {
    seen |= events;
    ++calls;
    if (then) then(events);
  }
  Events seen = 0;
  int calls = 0;
  std::function<void(Events)> then;

 private:
  Poller& poller_;
  int handle_;
  std::vector<char> buffer_;
  Events watched_ = Poller::kNotWatched;
};

class PollerTest : public ::testing::TestWithParam<Net> {
 protected:
  World world{GetParam(), {.seed = 77, .jitter = Duration(0)}};
  Poller& poller = world.poller();

  // Two connected raw handles: the one that connected first.
  std::pair<int, int> connected() {
    SocketAddress at;
    const int l = poller.listen(world.loopback(), {}, &at);
    Probe listener(poller, l);
    const int near = poller.connect(at);
    EXPECT_GE(near, 0);
    listener.watch(kReadable);
    world.run_until([&] { return (listener.seen & kReadable) != 0; });
    const int far = poller.accept(l, nullptr);
    EXPECT_GE(far, 0);
    Probe connecting(poller, near);
    connecting.watch(kWritable);
    world.run_until([&] { return connecting.seen != 0; });
    EXPECT_EQ(connecting.seen, kWritable);  // alone: it is there, and need not be asked
    EXPECT_EQ(poller.connect_result(near), 0);
    connecting.watch(Poller::kNotWatched);
    connecting.give_up();
    return {near, far};
  }
  void rest(Duration d = milliseconds(30)) {
    auto sleep = [](EventLoop& loop, Duration how_long) -> Task<void> { co_await loop.sleep_for(how_long); };
    world.run(sleep(world.loop(), d));
  }
};
INSTANTIATE_TEST_SUITE_P(Net, PollerTest, every_net(), net_name);

TEST_P(PollerTest, neither_end_of_a_connection_waits_for_more_before_it_sends) {
  if (world.sim()) return;  // nothing waits there
  const auto [a, b] = connected();
  Probe near(poller, a), far(poller, b);
  for (const int handle : {a, b}) {
    int on = 0;
    socklen_t size = sizeof on;
    ASSERT_EQ(::getsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    EXPECT_EQ(on, 1);
  }
}

TEST_P(PollerTest, an_idle_connection_is_writable_and_not_readable) {
  const auto [a, b] = connected();
  Probe near(poller, a), far(poller, b);
  near.watch(kReadable | kWritable);
  far.watch(kReadable);
  world.run_until([&] { return near.calls >= 3; });  // level-triggered: again every turn
  EXPECT_EQ(near.seen, kWritable);
  EXPECT_EQ(far.seen, 0u);
  EXPECT_EQ(near.read(), -EAGAIN);
  near.watch(kReadable);
  const int before = near.calls;
  rest();
  EXPECT_LE(near.calls, before + 1);
}

TEST_P(PollerTest, readable_until_read_and_silent_while_masked) {
  const auto [a, b] = connected();
  Probe near(poller, a), far(poller, b);
  far.watch(0);
  EXPECT_EQ(near.write("x"), 1);
  rest();
  EXPECT_EQ(far.calls, 0);
  far.watch(kReadable);
  world.run_until([&] { return far.calls >= 3; });
  EXPECT_EQ(far.seen, kReadable);
  EXPECT_EQ(far.read(), 1);
  EXPECT_EQ(far.read(), -EAGAIN);
  const int before = far.calls;
  rest();
  EXPECT_LE(far.calls, before + 1);
  // Not watched at all, and watched again.
  far.watch(Poller::kNotWatched);
  EXPECT_EQ(near.write("y"), 1);
  rest();
  EXPECT_LE(far.calls, before + 1);
  far.watch(kReadable);
  world.run_until([&] { return far.calls > before + 1; });
}

// Who waited for a connection gives the handle to whom it is for, in one call.
TEST_P(PollerTest, another_takes_a_handle_over) {
  const auto [a, b] = connected();
  Probe far(poller, b), before(poller, a);
  before.watch(kWritable);
  world.run_until([&] { return before.calls > 0; });
  Probe after(poller, a);
  EXPECT_EQ(poller.watch(a, &after, kWritable, kReadable), 0);
  const int told = before.calls;
  EXPECT_EQ(far.write("x"), 1);
  world.run_until([&] { return after.calls > 0; });
  EXPECT_EQ(after.seen, kReadable);
  EXPECT_EQ(before.calls, told);
  before.give_up();
}

TEST_P(PollerTest, the_end_of_a_stream_is_readable_and_both_ends_are_a_hangup) {
  const auto [a, b] = connected();
  Probe near(poller, a), far(poller, b);
  EXPECT_EQ(poller.shutdown_write(a), 0);
  EXPECT_EQ(near.write("x"), -EPIPE);
  far.watch(kReadable);
  world.run_until([&] { return far.calls >= 1; });
  EXPECT_EQ(far.seen, kReadable);
  EXPECT_EQ(far.read(), 0);
  EXPECT_EQ(far.read(), 0);
  far.watch(0);
  near.watch(0);
  EXPECT_EQ(poller.shutdown_write(b), 0);
  // Over in both directions: reported without being asked for.
  world.run_until([&] { return near.calls >= 1 && far.calls >= 2; });
  EXPECT_EQ(near.seen, kHangup);
  EXPECT_EQ(far.seen, kReadable | kHangup);
}

TEST_P(PollerTest, a_reset_is_everything_at_once) {
  const auto [a, b] = connected();
  Probe near(poller, a), far(poller, b);
  far.watch(0);
  poller.reset_on_close(a);
  near.close();
  world.run_until([&] { return far.calls >= 1; });
  EXPECT_EQ(far.seen, kHangup);
  far.watch(kReadable | kWritable);
  world.run_until([&] { return (far.seen & kReadable) != 0; });
  EXPECT_EQ(far.seen, kReadable | kWritable | kHangup);
  EXPECT_EQ(far.read(), -ECONNRESET);  // once
  EXPECT_EQ(far.read(), 0);
  EXPECT_EQ(far.write("x"), -EPIPE);
}

TEST_P(PollerTest, a_full_connection_is_not_writable_until_it_is_read) {
  const auto [a, b] = connected();
  Probe near(poller, a), far(poller, b);
  const std::string block(1 << 20, 'b');
  std::size_t sent = 0, got = 0;
  std::size_t before = 0;
  do {
    before = sent;
    for (ssize_t n = 0; n >= 0; n = near.write(block)) sent += static_cast<std::size_t>(n);
    rest(milliseconds(100));  // what is on its way arrives
  } while (sent != before);
  EXPECT_EQ(near.write("x"), -EAGAIN);
  near.watch(kWritable);
  const int calls = near.calls;
  rest();
  EXPECT_EQ(near.calls, calls);
  far.watch(kReadable);
  far.then = [&](Events) {
    const ssize_t n = far.read(1 << 20);
    if (n > 0) got += static_cast<std::size_t>(n);
  };
  world.run_until([&] { return got == sent && near.calls > calls; });
}

TEST_P(PollerTest, a_refused_connect_is_told_once_by_its_result) {
  SocketAddress at;
  poller.close(poller.listen(world.loopback(), {}, &at));
  const int handle = poller.connect(at);
  ASSERT_GE(handle, 0);
  Probe probe(poller, handle);
  probe.watch(kWritable);
  world.run_until([&] { return probe.calls >= 1; });
  EXPECT_TRUE(probe.seen & kWritable);
  EXPECT_TRUE(probe.seen & kHangup);
  EXPECT_EQ(poller.connect_result(handle), -ECONNREFUSED);
  EXPECT_EQ(poller.connect_result(handle), 0);
}

// All are ready at once; the first to be told destroys the others, whose turn would come in the same batch.
TEST_P(PollerTest, who_is_forgotten_in_the_middle_of_a_batch_is_not_told) {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::unique_ptr<Probe>> near, far;
    int told = 0;
    for (int i = 0; i < 6; ++i) {
      const auto [a, b] = connected();
      near.push_back(std::make_unique<Probe>(poller, a));
      far.push_back(std::make_unique<Probe>(poller, b));
    }
    for (auto& p : far) {
      p->watch(kReadable);
      p->then = [&, self = p.get()](Events) {
        ++told;
        for (auto& other : far) {
          if (other.get() != self) other->close();
        }
      };
    }
    for (auto& p : near) EXPECT_EQ(p->write("x"), 1);
    world.run_until([&] { return told != 0; });
    // Turns go on; the one that is left is told again and again, the others never.
    world.run_until([&] { return told >= 4; });
    int heard = 0;
    for (auto& p : far) heard += p->calls != 0 ? 1 : 0;
    EXPECT_EQ(heard, 1);
  }
}

// Readable and writable are two calls; what the first destroys is not there for the second.
TEST_P(PollerTest, the_second_call_for_one_entry_is_not_made_to_who_is_gone) {
  const auto [a, b] = connected();
  Probe near(poller, a), far(poller, b);
  EXPECT_EQ(near.write("x"), 1);
  rest();
  far.watch(kReadable | kWritable);
  far.then = [&](Events) { far.close(); };
  world.run_until([&] { return far.calls >= 1; });
  rest();
  EXPECT_EQ(far.calls, 1);
  EXPECT_EQ(far.seen, kWritable);
}

TEST_P(PollerTest, wake_ends_a_wait) {
  poller.wake();
  bool stuck = false;
  EXPECT_TRUE(poller.wait(base::kNever, &stuck).empty());
  EXPECT_FALSE(stuck);
  const TimePoint before = poller.now();
  EXPECT_TRUE(poller.wait(base::later(before, milliseconds(10)), &stuck).empty());
  EXPECT_GE(poller.now(), before + milliseconds(10));
}

}  // namespace
}  // namespace fairlead::net
