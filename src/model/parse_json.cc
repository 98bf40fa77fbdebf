#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "model/document.h"
#include "model/limits.h"
#include "model/syntax.h"
#include "model/text_check.h"
#include "model/words.h"

namespace fairlead::model {
namespace {

using nlohmann::json;

// The library says what it found and not where; so it reads through an iterator that leaves its place behind. At an
// event that is just past the token, and one byte further after a number, whose end shows only in what follows it.
class TrackingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackingIterator(const char* at, const char** place) : at_(at), place_(place) {}
  reference operator*() const { return *at_; }
  TrackingIterator& operator++() {
    *place_ = ++at_;
    return *this;
  }
  TrackingIterator operator++(int) {
    const TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** place_;
};

bool is_number_byte(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

// "syntax error while parsing object key - unexpected end of input; expected string literal" is what is left of the
// library's text: without its prefix, and without the bytes it read last, which may be anything.
std::string explain_json_error(std::string_view words) {
  if (const std::size_t at = words.find("syntax error "); at != std::string_view::npos) {
    words.remove_prefix(at + std::string_view("syntax error ").size());
  } else if (const std::size_t end = words.find("] "); end != std::string_view::npos) {
    words.remove_prefix(end + 2);
  }
  std::string out(words);
  if (const std::size_t from = out.find("; last read: "); from != std::string::npos) {
    const std::size_t expected = out.rfind("; expected ");
    out.erase(from, expected != std::string::npos && expected > from ? expected - from : std::string::npos);
  }
  std::string plain;
  for (const char c : out)
    plain += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
  return "not valid JSON: " + plain;
}

// RFC 6901 section 3.
void append_pointer(std::string& out, std::string_view key) {
  out += '/';
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

// Builds the tree from the library's events; false from one of them ends the parse with problems().
class TreeBuilder {
 public:
  TreeBuilder(std::string_view source, std::string_view file)
      : begin_(source.data()),
        end_(source.data() + source.size()),
        place_(begin_),
        line_start_(begin_),
        at_(begin_),
        file_(file) {}

  TrackingIterator first() { return {begin_, &place_}; }
  TrackingIterator last() { return {end_, &place_}; }
  Node take_root() { return std::move(root_); }
  std::vector<Problem> take_problems() { return std::move(problems_); }

  bool null() { return scalar(NodeKind::null, place_ - 4, {place_ - 4, 4}); }
  bool boolean(bool value) {
    const std::ptrdiff_t length = value ? 4 : 5;
    return scalar(NodeKind::boolean, place_ - length, {place_ - length, static_cast<std::size_t>(length)});
  }
  bool number_integer(json::number_integer_t) { return number(); }
  bool number_unsigned(json::number_unsigned_t) { return number(); }
  bool number_float(json::number_float_t, const json::string_t&) { return number(); }
  bool string(json::string_t& value) {
    const char* start = string_start();
    if (!check_length(value, start) || !spend(start)) return false;
    Node node = make(NodeKind::string, start);
    node.quoted = true;
    node.text = std::move(value);
    return place(std::move(node));
  }
  bool binary(json::binary_t&) { return false; }  // not of JSON

  bool start_object(std::size_t) { return open(NodeKind::map); }
  bool start_array(std::size_t) { return open(NodeKind::sequence); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(json::string_t& value) {
    const char* start = string_start();
    if (!check_length(value, start)) return false;
    Open& map = stack_.back();
    map.key_mark = mark_of(start);
    map.key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) {
    const auto read = std::min(static_cast<std::ptrdiff_t>(position), end_ - begin_);
    return refuse("syntax", mark_of(begin_ + std::max<std::ptrdiff_t>(read - 1, 0)), explain_json_error(error.what()));
  }

 private:
  struct Open {
    NodeKind kind = NodeKind::map;
    Mark mark;
    std::vector<Node> items;
    std::vector<Node::Entry> entries;
    std::string key;
    Mark key_mark;
    std::unordered_set<std::string> seen;  // keys so far, from kFewKeys on: then a linear search would be quadratic
  };
  static constexpr std::size_t kFewKeys = 24;

  bool refuse(std::string_view code, Mark mark, std::string message, std::string hint = {}, std::string pointer = {}) {
    problems_.push_back({.code = std::string(code),
                         .pointer = std::move(pointer),
                         .location = {std::string(file_), mark.line, mark.column},
                         .message = std::move(message),
                         .hint = std::move(hint)});
    return false;
  }

  // Tokens come in the order of the text: lines are counted once. A place before the last one asked for (of an error
  // the library tells late) is counted anew.
  Mark mark_of(const char* at) {
    if (at < at_) {
      at_ = line_start_ = begin_;
      line_ = 1;
    }
    for (; at_ < at; ++at_) {
      if (*at_ != '\n') continue;
      ++line_;
      line_start_ = at_ + 1;
    }
    return {line_, static_cast<std::uint32_t>(at - line_start_ + 1)};
  }

  // The opening quote of the string that ends at place_. A quote inside it stands behind an odd number of backslashes;
  // before the opening one there is none.
  const char* string_start() const {
    const char* at = place_ - 1;
    for (;;) {
      do --at;
      while (*at != '"');
      const char* escape = at;
      while (escape > begin_ && escape[-1] == '\\') --escape;
      if ((at - escape) % 2 == 0) return at;
    }
  }

  Node make(NodeKind kind, const char* start) {
    Node node;
    node.kind = kind;
    node.json = true;
    node.mark = mark_of(start);
    return node;
  }

  bool scalar(NodeKind kind, const char* start, std::string_view text) {
    if (!spend(start)) return false;
    Node node = make(kind, start);
    node.text = text;
    return place(std::move(node));
  }

  bool number() {
    const char* end = place_;
    if (!is_number_byte(end[-1])) --end;
    const char* start = end;
    while (start > begin_ && is_number_byte(start[-1])) --start;
    const std::string_view text(start, static_cast<std::size_t>(end - start));
    return check_length(text, start) && scalar(NodeKind::number, start, text);
  }

  bool check_length(std::string_view text, const char* start) {
    if (text.size() <= limits::kMaxScalarBytes) return true;
    return refuse("too-large", mark_of(start),
                  fmt::format("a value is longer than {} KiB", limits::kMaxScalarBytes >> 10));
  }

  bool spend(const char* start) {
    if (++nodes_ <= limits::kMaxDocumentNodes) return true;
    return refuse("too-large", mark_of(start),
                  fmt::format("the document has more than {} values", limits::kMaxDocumentNodes));
  }

  bool open(NodeKind kind) {
    const char* start = place_ - 1;
    if (stack_.size() >= limits::kMaxDocumentDepth) {
      return refuse("too-deep", mark_of(start),
                    fmt::format("values are nested more than {} deep", limits::kMaxDocumentDepth));
    }
    if (!spend(start)) return false;
    stack_.emplace_back();
    stack_.back().kind = kind;
    stack_.back().mark = mark_of(start);
    return true;
  }

  bool close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    Node node;
    node.kind = done.kind;
    node.json = true;
    node.mark = done.mark;
    if (done.kind == NodeKind::sequence) {
      node.sequence = std::make_shared<const std::vector<Node>>(std::move(done.items));
    } else {
      node.map = std::make_shared<const std::vector<Node::Entry>>(std::move(done.entries));
    }
    return place(std::move(node));
  }

  bool place(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return true;
    }
    Open& top = stack_.back();
    if (top.kind == NodeKind::sequence) {
      top.items.push_back(std::move(node));
      return true;
    }
    // RFC 8259 4 leaves open what a key written twice means; so here it means nothing. All of them are told.
    if (has_key(top)) {
      if (problems_.size() < limits::kMaxProblems) {
        refuse("duplicate-key", top.key_mark, fmt::format("the key \"{}\" stands here a second time", shown(top.key)),
               "keep one", pointer_of_key());
      }
      return true;
    }
    top.entries.push_back({std::move(top.key), top.key_mark, std::move(node)});
    return true;
  }

  static bool has_key(Open& map) {
    if (map.entries.size() < kFewKeys)
      return std::ranges::find(map.entries, map.key, &Node::Entry::key) != map.entries.end();
    if (map.seen.empty()) {
      for (const Node::Entry& entry : map.entries) map.seen.insert(entry.key);
    }
    return !map.seen.insert(map.key).second;
  }

  // Of the innermost map's key.
  std::string pointer_of_key() const {
    std::string out;
    for (const Open& open : stack_) {
      if (open.kind == NodeKind::map) {
        append_pointer(out, open.key);
      } else {
        append_pointer(out, std::to_string(open.items.size()));
      }
    }
    return out;
  }

  const char* const begin_;
  const char* const end_;
  const char* place_;       // how far the library has read
  const char* line_start_;  // of the line of at_
  const char* at_;          // the last place that mark_of was asked for
  std::uint32_t line_ = 1;
  std::string_view file_;
  Node root_;
  std::vector<Open> stack_;
  std::vector<Problem> problems_;
  std::size_t nodes_ = 0;
};

std::vector<Problem> one_problem(std::string_view file, std::string_view code, Mark mark, std::string message,
                                 std::string hint) {
  Problem problem;
  problem.code = code;
  problem.location = {std::string(file), mark.line, mark.column};
  problem.message = std::move(message);
  problem.hint = std::move(hint);
  return {std::move(problem)};
}

}  // namespace

std::expected<Document, std::vector<Problem>> parse_json(std::string_view text, std::string_view file) {
  if (text.size() > limits::kMaxDocumentBytes) {
    return std::unexpected(one_problem(
        file, "too-large", {}, fmt::format("the document is larger than {} MiB", limits::kMaxDocumentBytes >> 20), ""));
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (const auto bad = find_bad_byte(text)) {
    return std::unexpected(one_problem(file, "bad-byte", bad->mark, fmt::format("the document contains {}", bad->what),
                                       "send plain UTF-8"));
  }
  TreeBuilder builder(text, file);
  try {
    const bool whole = json::sax_parse(builder.first(), builder.last(), &builder);
    std::vector<Problem> problems = builder.take_problems();
    if (!problems.empty()) {
      sort_problems(problems);
      return std::unexpected(std::move(problems));
    }
    if (whole) return Document{std::string(file), builder.take_root()};
  } catch (const std::exception& error) {
    return std::unexpected(
        one_problem(file, "syntax", {}, fmt::format("the document could not be parsed: {}", error.what()), ""));
  }
  return std::unexpected(one_problem(file, "syntax", {}, "the document could not be parsed", ""));
}

}  // namespace fairlead::model
