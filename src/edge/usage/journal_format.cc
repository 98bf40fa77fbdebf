#include "edge/usage/journal_format.h"

#include <zlib.h>

#include <algorithm>

namespace fairlead::edge::usage_format {
namespace {

constexpr std::string_view kMagic = "FLUSAGE";
constexpr char kVersion = 1;
constexpr std::string_view kMarker = "\xf5\x9dUR";  // 0xf5 is in no text of a set: they are UTF-8

constexpr std::size_t kCrcAt = 4, kLengthAt = 8, kNumberAt = 12, kTimeAt = 20, kBodyCrcAt = 28;

template <class N>
void put(std::string& out, N n) {
  for (std::size_t i = 0; i < sizeof n; ++i) out.push_back(static_cast<char>(n >> (8 * i)));
}
template <class N>
N get(std::string_view bytes, std::size_t at) {
  N n = 0;
  for (std::size_t i = 0; i < sizeof n; ++i) n |= static_cast<N>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return n;
}

std::uint32_t crc(std::string_view bytes, std::uint32_t before = 0) {
  return static_cast<std::uint32_t>(
      ::crc32_z(before, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

// Of a record's head, less marker and checksum.
std::uint32_t head_crc(std::string_view rest, std::uint64_t at) {
  std::string place;
  put(place, at);
  return crc(rest, crc(place));
}

// The record that stands exactly there.
std::optional<Record> record_at(std::string_view bytes, std::size_t at, std::uint64_t after, std::uint64_t base) {
  if (bytes.size() - at < kRecordHead || bytes.substr(at, kMarker.size()) != kMarker) return std::nullopt;
  const std::string_view head = bytes.substr(at, kRecordHead);
  if (get<std::uint32_t>(head, kCrcAt) != head_crc(head.substr(kLengthAt), base + at)) return std::nullopt;
  const auto length = get<std::uint32_t>(head, kLengthAt);
  if (length > kMaxBody || length > bytes.size() - at - kRecordHead) return std::nullopt;
  Record out;
  out.number = get<std::uint64_t>(head, kNumberAt);
  out.time_ms = static_cast<std::int64_t>(get<std::uint64_t>(head, kTimeAt));
  out.body = bytes.substr(at + kRecordHead, length);
  out.at = at;
  out.end = at + kRecordHead + length;
  if (out.number <= after || get<std::uint32_t>(head, kBodyCrcAt) != crc(out.body)) return std::nullopt;
  return out;
}

}  // namespace

void append_segment_head(std::string& out, std::uint64_t first) {
  std::string head(kMagic);
  head.push_back(kVersion);
  put(head, first);
  put(head, crc(head));
  out += head;
}

void append_record(std::string& out, std::uint64_t at, std::uint64_t number, std::int64_t time_ms,
                   std::string_view body) {
  std::string head;
  put(head, static_cast<std::uint32_t>(body.size()));
  put(head, number);
  put(head, static_cast<std::uint64_t>(time_ms));
  put(head, crc(body));
  out += kMarker;
  put(out, head_crc(head, at));
  out += head;
  out += body;
}

HeadState check_segment_head(std::string_view bytes, std::uint64_t first) {
  if (bytes.size() < kSegmentHead || !bytes.starts_with(kMagic)) return HeadState::damaged;
  if (get<std::uint32_t>(bytes, 16) != crc(bytes.substr(0, 16))) return HeadState::damaged;
  if (bytes[kMagic.size()] != kVersion) return HeadState::newer;
  return get<std::uint64_t>(bytes, 8) == first ? HeadState::good : HeadState::damaged;
}

std::optional<Record> RecordReader::next() {
  for (std::size_t at = at_; at < bytes_.size();) {
    if (const auto record = record_at(bytes_, at, after_, base_)) {
      at_ = record->end;
      after_ = record->number;
      return record;
    }
    at = bytes_.find(kMarker, at + 1);  // npos ends it
  }
  return std::nullopt;
}

}  // namespace fairlead::edge::usage_format
