// Whose the bytes of an HTTP/2 connection are: to the byte all of them somebody's, whatever comes in which order.
#include "edge/http2/wire_shares.h"

#include <gtest/gtest.h>

#include <random>

namespace fairlead::edge {
namespace {

using Wire = WireShares::Wire;

struct Totals {
  std::uint64_t in = 0, out = 0;
  bool operator==(const Totals&) const = default;
};
void PrintTo(const Totals& t, std::ostream* out) { *out << "in " << t.in << ", out " << t.out; }

Totals of(const net::WireCount& wire) { return {wire.in.get(), wire.out.get()}; }

TEST(WireShares, PayloadIsItsStreamsAndTheRestIsTheLasts) {
  net::WireCount total;
  WireShares shares(&total);
  const Wire a = std::make_shared<net::WireCount>(), b = std::make_shared<net::WireCount>();
  // A preface, SETTINGS and a request, before there is a stream: nobody's yet.
  total.in.add(100);
  shares.settle_in();
  EXPECT_EQ(shares.last(), nullptr);
  shares.serves(a);
  total.in.add(9 + 20);
  shares.came(a, 20);
  shares.settle_in();
  EXPECT_EQ(of(*a), (Totals{129, 0}));
  // Payload of both in one read: the frame heads are b's, heard last.
  total.in.add(9 + 5 + 9 + 7);
  shares.came(a, 5);
  shares.came(b, 7);
  shares.settle_in();
  EXPECT_EQ(of(*a), (Totals{134, 0}));
  EXPECT_EQ(of(*b), (Totals{25, 0}));
  // Written in one go; what is framed meanwhile is of the next write.
  shares.framed(a, 1000);
  shares.framed(b, 50);
  shares.begin_write();
  shares.framed(a, 30);
  total.out.add(9 + 1000 + 9 + 50);
  shares.end_write(true);
  EXPECT_EQ(of(*a), (Totals{134, 1000}));
  EXPECT_EQ(of(*b), (Totals{25, 68}));
  shares.begin_write();
  total.out.add(39);
  shares.end_write(true);
  EXPECT_EQ(of(*a), (Totals{134, 1039}));
  EXPECT_EQ(shares.last(), a);
}

TEST(WireShares, AWriteThatFailedIsWhatTheSocketTook) {
  net::WireCount total;
  WireShares shares(&total);
  const Wire a = std::make_shared<net::WireCount>(), b = std::make_shared<net::WireCount>();
  shares.serves(a);
  shares.framed(b, 1000);
  shares.begin_write();
  total.out.add(300);
  shares.end_write(false);
  EXPECT_EQ(a->out.get() + b->out.get(), 300u);
  // Nothing of it comes again.
  shares.begin_write();
  shares.end_write(true);
  EXPECT_EQ(a->out.get() + b->out.get(), 300u);
}

TEST(WireShares, WithoutACounterOrAMeterThereIsNothingToDo) {
  WireShares nowhere(nullptr);
  const Wire a = std::make_shared<net::WireCount>();
  nowhere.serves(a);
  nowhere.came(a, 10);
  nowhere.framed(a, 10);
  nowhere.begin_write();
  nowhere.settle_in();
  nowhere.end_write(true);
  EXPECT_EQ(of(*a), Totals());
  // A stream that nobody meters (refused before it had a domain): the one before pays for what it said.
  net::WireCount total;
  WireShares shares(&total);
  shares.serves(a);
  total.in.add(10);
  shares.came(nullptr, 5);
  shares.settle_in();
  shares.framed(nullptr, 40);
  shares.begin_write();
  total.out.add(49);
  shares.end_write(true);
  EXPECT_EQ(of(*a), (Totals{10, 49}));
}

// Random stories: streams come and go, reads carry several streams' frames and pieces of frames, writes are cut,
// overlap with reads and with what is framed meanwhile, and one may fail. At each rest the streams have all that
// passed, and none has less than its payload.
TEST(WireShares, TheSumIsTheConnectionsWhateverTheOrder) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&random](std::uint64_t n) { return random() % n; };
    net::WireCount total;
    WireShares shares(&total);
    std::vector<Wire> streams;
    std::vector<Totals> payload;
    std::uint64_t to_write = 0, writing = 0, written = 0;
    bool under_way = false, failed = false;
    const auto end_write = [&] {
      failed = below(40) == 0;
      const std::uint64_t rest = failed ? below(writing - written + 1) : writing - written;
      total.out.add(rest);
      shares.end_write(!failed);
      under_way = false;
    };
    const auto settled = [&] {
      Totals sum;
      for (const Wire& s : streams) {
        sum.in += s->in.get();
        sum.out += s->out.get();
      }
      return sum;
    };
    std::vector<std::uint64_t> framed, in_write;  // by stream
    for (int step = 0; step < 200 && !failed; ++step) {
      switch (below(4)) {
        case 0:  // a read
          total.in.add(below(50));
          if (streams.size() < 5 && below(3) == 0) {
            streams.push_back(std::make_shared<net::WireCount>());
            payload.emplace_back();
            framed.push_back(0);
            shares.serves(streams.back());
          }
          for (std::uint64_t n = below(4); n > 0 && !streams.empty(); --n) {
            const std::size_t s = below(streams.size());
            const std::uint64_t size = below(2000);
            total.in.add(size + below(30));
            shares.came(streams[s], size);
            payload[s].in += size;
          }
          shares.settle_in();
          if (!streams.empty()) {
            EXPECT_EQ(settled().in, total.in.get());
          }
          break;
        case 1:  // frames of a stream, or of none
          to_write += 9 + below(20);
          if (!streams.empty()) {
            const std::size_t s = below(streams.size());
            const std::uint64_t size = below(3000);
            to_write += size;
            shares.framed(streams[s], size);
            framed[s] += size;
          }
          break;
        case 2:  // a write begins, or takes a part
          if (!under_way && to_write > 0) {
            shares.begin_write();
            under_way = true;
            writing = std::exchange(to_write, 0) + below(30);  // TLS's part
            written = 0;
            in_write = std::exchange(framed, std::vector<std::uint64_t>(streams.size()));
          } else if (under_way) {
            const std::uint64_t part = below(writing - written + 1);
            total.out.add(part);
            written += part;
          }
          break;
        case 3:
          if (!under_way) break;
          end_write();
          if (!failed) {
            for (std::size_t s = 0; s < in_write.size(); ++s) payload[s].out += in_write[s];
          }
          if (!streams.empty()) {
            EXPECT_EQ(settled().out, total.out.get());
          }
          break;
      }
      EXPECT_LE(settled().in, total.in.get());
      EXPECT_LE(settled().out, total.out.get());
      if (::testing::Test::HasFailure()) return;
    }
    // The end of the connection, as it is written there.
    if (under_way) end_write();
    shares.settle_in();
    shares.end_write(false);
    if (!streams.empty()) {
      EXPECT_EQ(settled(), of(total));
    }
    for (std::size_t s = 0; s < streams.size(); ++s) {
      EXPECT_GE(streams[s]->in.get(), payload[s].in);
      EXPECT_GE(streams[s]->out.get(), payload[s].out);
    }
  }
}

}  // namespace
}  // namespace fairlead::edge
