#include "edge/geo/places.h"

#include <mutex>

#include "model/text_check.h"
#include "model/usage.h"

namespace fairlead::edge {
namespace {

// At most kMaxUsageText bytes, whole characters of UTF-8, none of them a control character.
std::string usable(std::string_view name) {
  std::string out(name.substr(0, model::kMaxUsageText));
  if (out.size() < name.size()) {  // perhaps in the middle of a character
    while (!out.empty() && (static_cast<unsigned char>(name[out.size()]) & 0xc0) == 0x80) out.pop_back();
  }
  const bool text = !model::find_bad_byte(out);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (!text && byte >= 0x80)) c = '?';
  }
  return out;
}

}  // namespace

PlaceNames::PlaceNames() { number(model::kUnknownPlace); }

PlaceNames::~PlaceNames() {
  for (const auto& block : blocks_) delete block.load(std::memory_order_relaxed);
}

std::uint16_t PlaceNames::number(std::string_view name) {
  if (name.empty()) return 0;
  {
    const std::shared_lock lock(mutex_);
    if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
  }
  std::string mine = usable(name);
  const std::unique_lock lock(mutex_);
  if (const auto known = numbers_.find(mine); known != numbers_.end()) return known->second;
  const std::size_t next = size_.load(std::memory_order_relaxed);
  if (next == kMaxNames) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  auto& block = blocks_[next / kBlock];
  if (!block.load(std::memory_order_relaxed)) block.store(new Block(), std::memory_order_release);
  std::string& kept = (*block.load(std::memory_order_relaxed))[next % kBlock];
  kept = std::move(mine);
  numbers_.emplace(kept, static_cast<std::uint16_t>(next));
  size_.store(next + 1, std::memory_order_release);
  return static_cast<std::uint16_t>(next);
}

std::string_view PlaceNames::name(std::uint16_t number) const {
  if (number >= size()) return model::kUnknownPlace;
  return (*blocks_[number / kBlock].load(std::memory_order_acquire))[number % kBlock];
}

}  // namespace fairlead::edge
