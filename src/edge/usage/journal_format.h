#pragma once
// The bytes of a usage journal's segment (edge/usage/journal.h): records one after the other behind a head. Pure. A
// reader trusts nothing it finds: a record counts when its checksums hold and its number is higher than the one before,
// and after a damaged place reading goes on at the next record that does.
//
//   segment  = "FLUSAGE" version:1 first:8 crc:4              first: the number its first record would have
//   record   = marker:4 head_crc:4 length:4 number:8 time:8 body_crc:4 body
//
// Numbers are little-endian; checksums are CRC-32 (ISO 3309): of what stands before it in a segment's head; in a
// record's, of where in the file it stands (8 bytes) and the 24 bytes behind it, so that a record inside another one's
// body, or moved, is none.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::edge::usage_format {

inline constexpr std::size_t kSegmentHead = 20;
inline constexpr std::size_t kRecordHead = 32;
inline constexpr std::size_t kMaxBody = 16u << 20;

void append_segment_head(std::string& out, std::uint64_t first);
// `at`: where in its file it will stand.
void append_record(std::string& out, std::uint64_t at, std::uint64_t number, std::int64_t time_ms,
                   std::string_view body);

enum class HeadState : std::uint8_t {
  good,
  damaged,
  newer,  // whole, and of a program that writes another form
};
HeadState check_segment_head(std::string_view bytes, std::uint64_t first);

struct Record {
  std::uint64_t number = 0;
  std::int64_t time_ms = 0;  // when it was appended, wall clock
  std::string_view body;
  std::size_t at = 0, end = 0;  // where in the bytes it stands
};

// Walks over records. `bytes` outlives it and what it gives, and begins at `base` of its file; reading begins at `at`
// of them, and only numbers above `after` count.
class RecordReader {
 public:
  RecordReader(std::string_view bytes, std::size_t at, std::uint64_t after, std::uint64_t base = 0)
      : bytes_(bytes), at_(at), after_(after), base_(base) {}

  // The next record, past what is damaged; nothing at the end.
  std::optional<Record> next();
  // Behind the last record that was given; what follows, when next() gave nothing, is no record.
  std::size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  std::size_t at_;
  std::uint64_t after_;
  std::uint64_t base_;
};

}  // namespace fairlead::edge::usage_format
