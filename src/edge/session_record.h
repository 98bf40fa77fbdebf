#pragma once
// SessionRecord: what is known of a session at its 101, for its line in the access log and for who asks about live
// sessions, packed into one block of memory for as long as the session lasts. An AccessRecord, of a dozen strings,
// would be the largest thing beside an idle session. Immutable.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "edge/telemetry/access_log.h"

namespace fairlead::edge {

class SessionRecord {
 public:
  // Of a session's record: what its end will say is not kept.
  explicit SessionRecord(const AccessRecord& record);

  // `domain` as it was; it is not kept here, because the session's policy has it.
  AccessRecord unpack(std::string_view domain) const;

  std::string_view client() const { return text(kClient); }
  // 96 random bits, which are written as 24 hexadecimal digits; compare as those do.
  using Id = std::array<std::uint8_t, 12>;
  const Id& id() const { return block_->id; }
  std::array<char, 24> id_text() const;
  std::string session_id() const;  // the same; empty for none, which is all zeros

 private:
  enum Text : std::uint8_t { kClient, kProtocol, kTls, kMethod, kOrigin, kRegion, kIsp, kTexts };
  struct Block {
    std::int64_t opened_ms;
    std::uint32_t stream, target_size;
    std::uint16_t client_port;
    std::uint16_t status, origin_status;
    Id id;
    std::uint16_t end[kTexts];  // of each text, counted from the first one's beginning; what is beyond is cut off
    char texts[1];              // and the target behind them, which alone may be long
  };
  struct FreeBlock {
    void operator()(Block* block) const { ::operator delete(block); }
  };
  std::string_view text(Text which) const;

  std::unique_ptr<Block, FreeBlock> block_;
};

}  // namespace fairlead::edge
