// The frame scanner against the slow model, whole, byte by byte and at random cuts. The first byte holds the options,
// the second the limit on a message; the rest is the stream.

#include "support.h"

#include <string>

#include "protocol/testing/drive_scanner.h"

namespace fairlead::protocol {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::uint8_t kRsv[] = {0, 0x40, 0x70, 0x20};
  FrameScanner::Options options;
  options.from_client = (data[0] & 1) == 0;
  options.validate = (data[0] & 2) == 0;
  options.allowed_rsv = kRsv[data[0] >> 2 & 3];
  options.max_message = data[1];
  const std::string_view stream = fuzz::text_of(data + 2, size - 2);

  const testing::StreamSeen model = testing::scan_slowly(stream, options);
  for (const auto& pieces : {fuzz::Pieces{stream}, fuzz::every_byte(stream), fuzz::at_random(stream)}) {
    std::string why;
    const auto seen = testing::drive(pieces, options, [](const char* what) { fuzz::require(false, what); });
    const bool same = testing::agrees(seen, model, why);
    fuzz::require(same, why.c_str());
  }
  return 0;
}

}  // namespace fairlead::protocol
