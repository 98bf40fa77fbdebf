#pragma once
// A fuzz input as a script: bytes that the client says, as they are, and between them commands, so that an input is any
// sequence of client bytes and of all else that may happen meanwhile. A command is kMark, a letter and its arguments;
// kMark twice is that byte itself. Bytes that some mutation puts in or takes out move nothing else about.
//
//   |            everything said so far arrives before anything more is said
//   c            what follows is said by the client, up to the next command
//   o            what follows is said by the origin, on its newest connection
//   F t f s      what follows is the payload of a frame of type t with the flags f on stream s (see stream_of)
//   Q k p        a request on the next stream: k says what kind, /p is its path (see the target)
//   t n          time passes: kSteps[n]
//   n            the client opens one more connection, and speaks on that from now on
//   e n          the client ends its side of the connection (n even) or resets it
//   z n          nothing reaches the client for kSteps[n]
//   O n          something happens to the origin's newest connection, or to its listener (see the target)
//   S n          a new policy: WebSocket on or off, the domain gone, the way sessions are told
//   D n          the edge drains

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace fairlead::fuzz {

inline constexpr char kMark = static_cast<char>(0xee);

struct Command {
  char letter = 'c';
  std::array<std::uint8_t, 3> arguments{};
  std::string bytes;
};

inline constexpr std::array<base::Duration, 16> kSteps = {
    base::milliseconds(1),    base::milliseconds(10), base::milliseconds(100), base::milliseconds(500),
    base::seconds(1),         base::seconds(2),       base::seconds(3),        base::seconds(5),
    base::milliseconds(5500), base::seconds(8),       base::seconds(10),       base::seconds(15),
    base::seconds(21),        base::seconds(31),      base::seconds(61),       base::seconds(76)};

inline base::Duration step(std::uint8_t n) { return kSteps[n % kSteps.size()]; }

// What is no command stays what it is: bytes.
inline std::vector<Command> read_script(std::string_view input) {
  constexpr std::string_view kLetters = "|coFQtnezOSD";
  constexpr std::size_t kArguments[] = {0, 0, 0, 3, 2, 1, 0, 1, 1, 1, 1, 1};
  std::vector<Command> script(1);
  const auto forget_silence = [&script] {
    const Command& last = script.back();
    if ((last.letter == 'c' || last.letter == 'o') && last.bytes.empty()) script.pop_back();
  };
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::size_t which =
        input[i] == kMark && i + 1 < input.size() ? kLetters.find(input[i + 1]) : std::string_view::npos;
    if (which == std::string_view::npos) {
      script.back().bytes += input[i];
      if (input[i] == kMark && i + 1 < input.size() && input[i + 1] == kMark) ++i;
      continue;
    }
    ++i;
    forget_silence();
    Command next;
    next.letter = kLetters[which];
    for (std::size_t n = 0; n < kArguments[which] && i + 1 < input.size(); ++n) {
      next.arguments[n] = static_cast<std::uint8_t>(input[++i]);
    }
    const bool with_bytes = next.letter == 'c' || next.letter == 'o' || next.letter == 'F';
    script.push_back(std::move(next));
    if (!with_bytes) script.emplace_back();
  }
  forget_silence();
  return script;
}

// The stream that the last argument of `F` means: 0 the connection, up to 127 the n-th of the client's, from there on
// counted back from the newest.
inline std::uint32_t stream_of(std::uint8_t n, std::uint32_t newest) {
  if (n < 128) return n == 0 ? 0 : n * 2u - 1;
  const std::uint32_t back = (n - 128u) * 2;
  return newest > back ? newest - back : 1;
}

}  // namespace fairlead::fuzz
