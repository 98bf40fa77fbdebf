#include "bench/load/frames.h"

#include <gtest/gtest.h>

#include <random>

namespace fairlead::bench {
namespace {

struct Frame {
  FrameHead head;
  std::string payload;
};

// Reads `stream` in cuts of random sizes up to `most`.
std::vector<Frame> read(std::string_view stream, std::size_t most, std::mt19937& random) {
  FrameReader reader;
  std::vector<Frame> frames;
  while (!stream.empty()) {
    std::string_view chunk = stream.substr(0, 1 + random() % most);
    stream.remove_prefix(chunk.size());
    for (bool more = true; more;) {
      const auto step = reader.next(chunk);
      switch (step.what) {
        case FrameReader::What::more: more = false; break;
        case FrameReader::What::broken: ADD_FAILURE() << "broken"; return frames;
        case FrameReader::What::head: frames.push_back({reader.head(), {}}); break;
        case FrameReader::What::payload: {
          Frame& f = frames.back();
          EXPECT_EQ(step.at, f.payload.size());
          std::string plain(step.piece.size(), '\0');
          mask(plain.data(), step.piece.data(), plain.size(), f.head.masked ? f.head.key : MaskKey{}, step.at);
          f.payload += plain;
          EXPECT_EQ(step.last, f.payload.size() == f.head.length);
        }
      }
    }
  }
  return frames;
}

TEST(FrameReader, reads_what_was_written_however_it_was_cut) {
  std::mt19937 random(1);
  const std::size_t sizes[] = {0, 1, 7, 8, 64, 125, 126, 1000, 65535, 65536, 200'000};
  for (const bool masked : {false, true}) {
    std::string stream;
    std::vector<std::string> payloads;
    for (const std::size_t size : sizes) {
      std::string payload(size, '\0');
      for (char& c : payload) c = static_cast<char>(random());
      const MaskKey key{1, 0xfe, 3, 0x80};
      append_head(stream, Opcode::binary, size % 2 == 0, size, masked ? &key : nullptr);
      const std::size_t at = stream.size();
      stream += payload;
      if (masked) mask(stream.data() + at, payload.data(), size, key, 0);
      payloads.push_back(payload);
    }
    for (const std::size_t most : {std::size_t{1}, std::size_t{5}, std::size_t{70'000}, stream.size()}) {
      const auto frames = read(stream, most, random);
      ASSERT_EQ(frames.size(), std::size(sizes));
      for (std::size_t i = 0; i < frames.size(); ++i) {
        EXPECT_EQ(frames[i].payload, payloads[i]);
        EXPECT_EQ(frames[i].head.fin, sizes[i] % 2 == 0);
        EXPECT_EQ(frames[i].head.opcode, Opcode::binary);
        EXPECT_EQ(frames[i].head.masked, masked);
      }
    }
  }
}

TEST(FrameReader, refuses_lengths_that_are_not_the_shortest_or_too_long) {
  for (const std::string_view head :
       {std::string_view("\x82\x7e\x00\x7d", 4), std::string_view("\x82\x7f\0\0\0\0\0\0\xff\xff", 10),
        std::string_view("\x82\x7f\x80\0\0\0\0\1\0\0", 10)}) {
    FrameReader reader;
    std::string_view rest = head;
    EXPECT_EQ(reader.next(rest).what, FrameReader::What::broken);
    EXPECT_EQ(reader.next(rest).what, FrameReader::What::broken);
  }
}

TEST(Frames, a_head_is_as_long_as_it_says) {
  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{125}, std::uint64_t{126}, std::uint64_t{65535},
                                     std::uint64_t{65536}, std::uint64_t{1} << 40}) {
    const MaskKey key{};
    std::string plain, masked;
    append_head(plain, Opcode::text, true, length);
    append_head(masked, Opcode::text, true, length, &key);
    EXPECT_EQ(plain.size(), head_size(length, false));
    EXPECT_EQ(masked.size(), head_size(length, true));
  }
}

}  // namespace
}  // namespace fairlead::bench
