#pragma once
// Page: a part of a long list, and where the next part begins. Lists go by key, not by number of rows passed over: a
// page costs the same wherever it lies, and rows that come or go between two requests neither repeat nor hide others.
// Values.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::store {

inline constexpr std::int64_t kMaxPage = 500;  // rows; a larger wish gets this many

struct PageRequest {
  std::string after;        // Page::next of the page before; empty for the first
  std::int64_t limit = 50;  // rows, 1 to kMaxPage

  std::int64_t rows() const { return std::clamp<std::int64_t>(limit, 1, kMaxPage); }
};

template <class T>
struct Page {
  std::vector<T> items;
  std::int64_t total = 0;  // of all pages, by the same snapshot
  std::string next;        // opaque; empty when this is the last page
};

}  // namespace fairlead::store
