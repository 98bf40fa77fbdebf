// Blocks of usage: a text is refused or it is the one form of what is in it; reading it as a point, and merging it with
// itself, agree with that.

#include "support.h"

#include <string>
#include <vector>

#include "control/usage/block.h"

namespace fairlead::control {
namespace {

using fuzz::require;

// The column-by-column sum of `copies` of the text, written anew.
std::string merged(std::string_view text, unsigned slots, int copies) {
  BlockMerge merge(slots);
  for (int i = 0; i < copies; ++i) require(merge.add(text).has_value(), "a block can be merged");
  BlockWriter writer(slots, merge.keys());
  const auto done = merge.each([&](model::Meter meter, auto counts) { writer.column(meter, counts); });
  require(done.has_value(), "and all of it is good");
  return std::move(writer).finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto block = BlockReader::open(text);
  const auto point = decode_point(text);
  if (!block) {
    require(!is_block(text), "what cannot be opened is no block");
    require(!point || text.empty(), "and no point");
    return 0;
  }
  require(block->keys().size() <= size && block->columns().size() <= size, "no more than there are characters");
  if (!is_block(text)) {
    require(!point, "a point is a block");
    return 0;
  }
  require(point.has_value() == (block->slots() == 1), "a point is a block of one slot");
  if (point) require(encode_point(*point) == text, "a point has one form");
  require(merged(text, block->slots(), 1) == text, "a block has one form");
  // Twice the counts: all of them, but for those that are lost at the end of 64 bits.
  const std::string twice = merged(text, block->slots(), 2);
  require(twice.empty() || is_block(twice), "a sum is a block");
  return 0;
}

}  // namespace fairlead::control
