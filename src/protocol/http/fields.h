#pragma once
// Fields: the header (or trailer) fields of one HTTP message, in the order they came. Names compare without regard to
// case (RFC 9110 5.1) and keep the case they came in, so that what is relayed looks like what was received. It is a
// value: it owns its text, copies and compares. It checks nothing; the parsers and the serialiser do.
//
// All names and values stand one after the other in one piece of text, so a head is made and copied with two allocations
// whatever it has in it; what is overwritten or removed stays there until the object goes, which is soon. Look-ups walk
// the list: a head has some twenty fields, for which that is quicker than any index.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::protocol {

// ASCII case-insensitive equality, the comparison of field names, tokens and hosts.
namespace detail {
bool equal_bytes_nocase(const char* a, const char* b, std::size_t size);
}
inline bool equal_nocase(std::string_view a, std::string_view b) {
  // Most names differ in their length already, and most others in their first letter: bit 0x20 apart, both are one.
  return a.size() == b.size() && (a.empty() || ((a[0] ^ b[0]) & ~0x20) == 0) &&
         detail::equal_bytes_nocase(a.data(), b.data(), a.size());
}

// Without optional white space (SP, HTAB) at both ends, RFC 9110 5.6.3.
std::string_view trim_ows(std::string_view text);

// Whether every character is a tchar and there is at least one: RFC 9110 5.6.2.
bool is_token(std::string_view text);

// Whether the text may stand as a field value: HTAB, SP, visible ASCII and obs-text, no CR, LF, NUL or other control
// character (RFC 9110 5.5).
bool is_field_value(std::string_view text);

// One field of a Fields, whose text it points into: until the next change of that object.
struct Field {
  std::string_view name;
  std::string_view value;
  bool operator==(const Field&) const = default;
};

class Fields {
 public:
  class const_iterator;

  // At the end, whether or not the name is there already. Name and value may be views into this object, here and below.
  void add(std::string_view name, std::string_view value);

  // The one field of that name: the first keeps its place and takes the value, the others go; added if absent.
  void set(std::string_view name, std::string_view value);

  // All fields of that name; how many there were.
  std::size_t remove(std::string_view name);

  // Every field for which `pred(const Field&)` is true; how many there were.
  template <class Pred>
  std::size_t remove_if(Pred pred) {
    return std::erase_if(list_, [this, &pred](const Place& p) { return pred(field(p)); });
  }

  // The first value of that name. The view lives until the next change of this object.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }

  // For a name that should be there once: how often it is, and the first value ("" if none; a view as of find()).
  struct Only {
    std::size_t count = 0;
    std::string_view value;
  };
  Only only(std::string_view name) const;

  // All values of that name in order; views as of find().
  std::vector<std::string_view> all(std::string_view name) const;

  // Whether `token` is a member of the comma-separated list (RFC 9110 5.6.1) that all fields of that name form
  // together. Compared without case. A member's parameters count as part of it ("a;q=1" is not the token "a").
  bool has_token(std::string_view name, std::string_view token) const;

  const_iterator begin() const;
  const_iterator end() const;
  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  void clear();

  // Room for that many fields with that much text, names and values.
  void reserve(std::size_t fields, std::size_t text);

  // The size of the fields as HTTP/1 would write them, in bytes: name, ": ", value, CRLF of each.
  std::size_t bytes() const;

  bool operator==(const Fields& other) const;

 private:
  // Where a field stands in the text: its name, and behind that its value.
  struct Place {
    std::uint32_t at;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };

  Field field(const Place& p) const {
    const char* const name = text_.data() + p.at;
    return {{name, p.name_size}, {name + p.name_size, p.value_size}};
  }
  Place append(std::string_view name, std::string_view value);

  std::string text_;
  std::vector<Place> list_;
};

class Fields::const_iterator {
 public:
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = std::input_iterator_tag;  // of the older kind: what * gives is no reference
  using value_type = Field;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = Field;

  const_iterator() = default;

  struct Arrow {
    Field field;
    const Field* operator->() const { return &field; }
  };
  Arrow operator->() const { return {**this}; }
  Field operator*() const { return of_->field(of_->list_[at_]); }
  const_iterator& operator++() {
    ++at_;
    return *this;
  }
  const_iterator operator++(int) {
    const_iterator before = *this;
    ++at_;
    return before;
  }
  bool operator==(const const_iterator& other) const { return at_ == other.at_; }

 private:
  friend class Fields;
  const_iterator(const Fields& of, std::size_t at) : of_(&of), at_(at) {}

  const Fields* of_ = nullptr;
  std::size_t at_ = 0;
};

inline Fields::const_iterator Fields::begin() const { return {*this, 0}; }
inline Fields::const_iterator Fields::end() const { return {*this, list_.size()}; }

// Calls `visit(std::string_view)` for each non-empty member of a comma-separated list, trimmed. A comma inside a quoted
// string does not separate (RFC 9110 5.6.1, 5.6.4). The visitor returns false to stop; the result says whether the end
// was reached.
template <class Visit>
bool for_each_list_member(std::string_view list, Visit visit) {
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size()) {
      if (quoted && list[i] == '\\') {
        ++i;
        if (i < list.size()) continue;
      } else if (list[i] == '"') {
        quoted = !quoted;
      }
      if (i < list.size() && (quoted || list[i] != ',')) continue;
    }
    const std::size_t end = i < list.size() ? i : list.size();
    const std::string_view member = trim_ows(list.substr(start, end - start));
    start = end + 1;
    if (!member.empty() && !visit(member)) return false;
    if (end == list.size()) break;
  }
  return true;
}

}  // namespace fairlead::protocol
