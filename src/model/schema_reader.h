#pragma once
// Typed reading of a Document. A `Field` is one value at its place; a `MapReader` is a map whose keys are asked for one
// by one. Both put what is wrong into a shared `Reading` and go on with the default, so that one pass finds every
// problem. Nothing here throws and nothing knows what the keys mean: that is the readers' business (read_domain.h,
// config_file.h).
//
//   MapReader ws(domain.child("websocket"));
//   ws.read("connection_timeout", policy.connection_timeout, limits::kConnectionTimeout);
//   // ~MapReader tells every key that nobody asked for: unknown key "conection_timeout" (did you mean …?)
//
// Fields refer to the Document and to the Field above them: they live on the stack of the function that reads.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "model/document.h"
#include "model/limits.h"
#include "model/problem.h"
#include "model/words.h"

namespace fairlead::model {

// The problems of one document. Bounded: past limits::kMaxProblems only the count goes on. A value that is shared by
// many maps (an alias) and wrong in each of them is told, and counted, once.
class Reading {
 public:
  explicit Reading(std::string file) : file_(std::move(file)) {}

  void add(Severity severity, std::string_view code, std::string pointer, Mark mark, std::string message,
           std::string hint);
  const std::string& file() const { return file_; }
  bool full() const { return problems_.size() >= limits::kMaxProblems; }

  // Sorted; with a last line that says how many were left out.
  std::vector<Problem> take_problems();

 private:
  std::string file_;
  std::vector<Problem> problems_;
  std::set<std::pair<Mark, std::string>> told_;
  std::size_t left_out_ = 0;
  bool left_out_error_ = false;
};

// One word of an enumeration.
template <class E>
struct Choice {
  std::string_view word;
  E value;
};

// Where a value stood, kept for a check that comes after its Field is gone.
struct Place {
  Mark mark;
  std::string pointer;
};

class Field {
 public:
  Field(Reading& reading, const Node& root) : reading_(&reading), node_(&root) {}
  Field(const Field& parent, std::string_view key, const Node& node)
      : reading_(parent.reading_), node_(&node), parent_(&parent), key_(key) {}
  Field(const Field& parent, std::size_t index, const Node& node)
      : reading_(parent.reading_), node_(&node), parent_(&parent), index_(index) {}

  const Node& node() const { return *node_; }
  Reading& reading() const { return *reading_; }
  std::string pointer() const;  // RFC 6901
  Place place() const { return {node_->mark, pointer()}; }

  void error(std::string_view code, std::string message, std::string hint = {}) const;
  void warning(std::string_view code, std::string message, std::string hint = {}) const;

  // Each returns nullopt after it has told what is wrong. `what` in messages is the last key.
  std::optional<std::string> text(std::size_t max_bytes) const;
  std::optional<bool> boolean() const;  // true|false|on|off|yes|no
  std::optional<std::chrono::milliseconds> duration(const limits::DurationRange& range) const;  // 500ms 60s 2m 1h 1d
  std::optional<std::uint64_t> size(const limits::SizeRange& range) const;                      // n, KiB, MiB, GiB
  std::optional<std::uint64_t> count(const limits::CountRange& range) const;  // digits; 0 and `off` when allowed
  template <class E>
  std::optional<E> choice(std::span<const Choice<E>> choices) const {
    std::vector<std::string_view> words;
    for (const auto& c : choices) words.push_back(c.word);
    const auto index = choice_index(words);
    if (!index) return std::nullopt;
    return choices[*index].value;
  }

  // Calls visit(item) for each item of a list, at most `max` of them (more is an error). Null is an empty list.
  template <class F>
  void each(std::size_t max, F&& visit) const {
    if (!check_list(max)) return;
    for (std::size_t i = 0; i < node_->items().size() && i < max; ++i) visit(Field(*this, i, node_->items()[i]));
  }

  bool is_null() const { return node_->kind == NodeKind::null; }
  // The plain word `off` (or a YAML boolean false).
  bool is_off() const;
  // For messages: `key "interval"`, `item 3 of "origins"`, "the document".
  std::string name() const;

 private:
  std::optional<std::size_t> choice_index(const std::vector<std::string_view>& words) const;
  bool check_list(std::size_t max) const;
  void wrong_type(std::string_view wanted, std::string hint = {}) const;

  Reading* reading_;
  const Node* node_;
  const Field* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
};

class MapReader {
 public:
  // Null counts as an empty map (a key whose children are all commented out); anything else is an error.
  explicit MapReader(const Field& field);
  ~MapReader();
  MapReader(const MapReader&) = delete;
  MapReader& operator=(const MapReader&) = delete;

  const Field& field() const { return field_; }
  explicit operator bool() const { return valid_; }

  // The field of a key, if it is there; the key is known from now on.
  std::optional<Field> find(std::string_view key);
  std::optional<Field> require(std::string_view key, std::string hint = {});
  bool has(std::string_view key);
  // The key's field, or the map's own when the key is absent: where a problem between keys is told.
  Field at(std::string_view key);
  // Keys that begin so are nobody's (extensions and anchors): never unknown.
  void ignore_prefix(std::string_view prefix) { ignored_prefix_ = prefix; }

  // Each leaves `out` as it was when the key is absent or wrong; true when it was read.
  bool read(std::string_view key, std::string& out, std::size_t max_bytes);
  bool read(std::string_view key, bool& out);
  bool read(std::string_view key, std::chrono::milliseconds& out, const limits::DurationRange& range);
  bool read_size(std::string_view key, std::uint64_t& out, const limits::SizeRange& range);
  template <class Int>
  bool read_count(std::string_view key, Int& out, const limits::CountRange& range) {
    static_assert(std::is_integral_v<Int>);
    const auto field = find(key);
    const auto value = field ? field->count(range) : std::nullopt;
    if (value) out = static_cast<Int>(*value);
    return value.has_value();
  }
  template <class E, std::size_t N>
  bool read(std::string_view key, E& out, const Choice<E> (&choices)[N]) {
    const auto field = find(key);
    const auto value = field ? field->choice(std::span<const Choice<E>>(choices)) : std::nullopt;
    if (value) out = *value;
    return value.has_value();
  }

 private:
  Field field_;
  bool valid_;
  std::vector<std::string_view> known_;
  std::string_view ignored_prefix_;
};

}  // namespace fairlead::model
