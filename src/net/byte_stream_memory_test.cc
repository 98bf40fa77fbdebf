// A stream without memory for what it has to keep: the one who asked hears of it, and the stream is as it was.

#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <string>

#include "net/testing/scarce_memory.h"
#include "net/testing/stream_tools.h"
#include "net/testing/world.h"

namespace fairlead::net {
namespace {

using testing::Net;
using testing::ScarceMemory;
using testing::World;

Task<std::string> read_some(ByteStream& stream) {
  const Chunk c = co_await stream.read();
  std::string bytes(c.view());
  co_return bytes;
}

TEST(ByteStreamMemory, what_cannot_be_put_back_is_thrown_and_what_was_is_still_there) {
  World world(Net::kernel);
  testing::TcpPair pair = world.pair();
  pair.near->unread("world");
  ScarceMemory::fail_nth(0);
  EXPECT_THROW(pair.near->unread("hello "), std::bad_alloc);
  EXPECT_TRUE(ScarceMemory::end());
  EXPECT_EQ(world.run(read_some(*pair.near)), "world");
  EXPECT_FALSE(pair.near->has_unread());
}

// Writes until the kernel takes no more, with no memory for what it does not take.
Task<int> fill(ByteStream& stream) {
  const std::string bytes(1 << 20, 'x');
  for (int i = 0; i < 1000; ++i) {
    ScarceMemory::fail_nth(0);
    const int error = co_await stream.write(bytes);
    const bool happened = ScarceMemory::end();
    if (error != 0 || happened) co_return error;
  }
  co_return 0;
}

TEST(ByteStreamMemory, what_cannot_be_parked_is_an_error_of_the_write) {
  World world(Net::kernel);
  testing::TcpPair pair = world.pair();
  EXPECT_EQ(world.run(fill(*pair.near)), ENOMEM);
  EXPECT_EQ(pair.near->parked(), 0u);
}

}  // namespace
}  // namespace fairlead::net
