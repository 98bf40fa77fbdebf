// A segment of the usage journal. Any bytes: what is found in them is whole, in order and apart. And a segment that was
// written and then damaged at some places: every entry that no damage touched is found, and no other.
//
// The input, read as a script: a byte that counts the places; for each, two bytes of where and one that is XORed there;
// then entries, a byte of length before each. An entry with a marker and, behind it, checksums made for the very place
// where it will stand would be a record to any reader once its own head is damaged; the fuzzer is good at making them,
// no set has them, and so the marker's first byte is another here.

#include "support.h"

#include <string>
#include <utility>
#include <vector>

#include "edge/usage/journal_format.h"

namespace fairlead::edge::usage_format {
namespace {

using fuzz::require;

void check_any_bytes(std::string_view bytes) {
  RecordReader reader(bytes, 0, 0);
  std::size_t end = 0;
  std::uint64_t number = 0;
  while (const auto record = reader.next()) {
    require(record->at >= end && record->end > record->at && record->end <= bytes.size(), "apart, and inside");
    require(record->number > number, "numbers ascend");
    require(reader.at() == record->end, "it stands behind what it gave");
    std::string again;
    append_record(again, record->at, record->number, record->time_ms, record->body);
    require(again == bytes.substr(record->at, record->end - record->at), "one form");
    end = record->end;
    number = record->number;
  }
  require(reader.at() == end, "it stands behind the last");
  check_segment_head(bytes, 1);
}

void check_damage(std::string script_text) {
  std::ranges::replace(script_text, '\xf5', '\xf4');
  std::string_view script = script_text;
  if (script.empty()) return;
  const auto take = [&script]() -> unsigned {
    if (script.empty()) return 0;
    const auto byte = static_cast<unsigned char>(script.front());
    script.remove_prefix(1);
    return byte;
  };
  std::vector<std::pair<std::size_t, char>> places;
  for (unsigned n = take() % 32; n > 0; --n) {
    const std::size_t high = take(), low = take();
    places.emplace_back(high << 8 | low, static_cast<char>(take()));
  }
  struct Entry {
    std::uint64_t number;
    std::string_view body;
    std::size_t begin, end;
  };
  std::vector<Entry> entries;
  std::string bytes;
  append_segment_head(bytes, 1);
  while (!script.empty()) {
    const std::size_t length = std::min<std::size_t>(take(), script.size());
    const std::size_t begin = bytes.size();
    append_record(bytes, begin, entries.size() + 1, 1'700'000'000'000, script.substr(0, length));
    entries.push_back({entries.size() + 1, script.substr(0, length), begin, bytes.size()});
    script.remove_prefix(length);
  }
  require(check_segment_head(bytes, 1) == HeadState::good, "its own head");
  const std::string whole = bytes;
  for (const auto& [at, mask] : places) bytes[at % bytes.size()] = static_cast<char>(bytes[at % bytes.size()] ^ mask);
  RecordReader reader(bytes, kSegmentHead, 0);
  for (const Entry& entry : entries) {
    if (bytes.compare(entry.begin, entry.end - entry.begin, whole, entry.begin, entry.end - entry.begin) != 0) continue;
    const auto record = reader.next();
    require(record && record->number == entry.number && record->body == entry.body, "what was not touched is found");
  }
  require(!reader.next(), "and nothing else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, std::min<std::size_t>(size, 64 * 1024));
  check_any_bytes(input);
  check_damage(std::string(input));
  return 0;
}

}  // namespace fairlead::edge::usage_format
