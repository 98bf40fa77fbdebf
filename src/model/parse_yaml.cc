#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "model/document.h"
#include "model/limits.h"
#include "model/text_check.h"
#include "model/words.h"
#include "model/yaml_words.h"

namespace fairlead::model {
namespace {

Mark to_mark(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

// Ends the parse from inside the library's callbacks; caught in parse_yaml and nowhere else.
struct Refusal {
  std::string code;
  Mark mark;
  std::string message;
  std::string hint;
};

NodeKind kind_of_plain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return NodeKind::null;
  for (auto word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return NodeKind::boolean;
  }
  // The core schema's decimal numbers. What looks like 0x10 or 1_000 stays a string and is told as such.
  std::size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
  bool digits = false;
  bool dot = false;
  for (; i < text.size(); ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      digits = true;
    } else if (text[i] == '.' && !dot) {
      dot = true;
    } else {
      return NodeKind::string;
    }
  }
  return digits ? NodeKind::number : NodeKind::string;
}

// A finished value with what an alias to it costs: `weight` in values (long texts weigh as what they are), `depth` in
// levels of collections. Copies are cheap, but whoever reads the document walks all of them.
struct Measured {
  Node node;
  std::size_t weight = 1;
  std::size_t depth = 0;
};

std::size_t weight_of_text(const std::string& text) { return 1 + text.size() / 64; }

// Builds the tree from the library's events. The stack holds the collections that are open; a finished value goes
// into the innermost of them.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view source) : source_(source) {}

  Node take_root() { return std::move(root_); }
  std::vector<Refusal> take_duplicates() { return std::move(duplicates_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ != 0) {
      throw Refusal{"several-documents", to_mark(mark), "a second document begins here",
                    "one file holds one document: remove the \"---\""};
    }
  }
  void OnDocumentEnd() override {}

  // Where the innermost collection that is still open began.
  std::optional<Mark> innermost_open() const {
    if (stack_.empty()) return std::nullopt;
    return stack_.back().mark;
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, anchor, "", false); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark, tag);
    if (tag == "!") check_closed(mark);
    scalar(mark, anchor, value, tag == "!");
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // An anchor is kept when its value is finished; one that is not there yet encloses this alias.
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refusal{"bad-alias", to_mark(mark), "an alias refers to a value that contains it", ""};
    }
    if (expects_key()) throw Refusal{"bad-key", to_mark(mark), "an alias cannot be a key", ""};
    spend_alias(found->second.weight, mark);
    if (stack_.size() + found->second.depth > limits::kMaxDocumentDepth) refuse_depth(mark);
    place(found->second);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, NodeKind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, NodeKind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  // A collection whose end has not been read yet.
  struct Open {
    NodeKind kind = NodeKind::map;
    Mark mark;
    YAML::anchor_t anchor = 0;
    std::vector<Node> items;
    std::vector<Node::Entry> entries;
    std::size_t weight = 1;
    std::size_t depth = 1;
    bool has_key = false;  // a map's key was read, its value comes next
    std::string key;
    Mark key_mark;
    std::unordered_map<std::string, Mark> seen;     // keys so far: a linear search would be quadratic in a large map
    std::vector<std::pair<Mark, Measured>> merges;  // values of "<<"
  };

  bool expects_key() const { return !stack_.empty() && stack_.back().kind == NodeKind::map && !stack_.back().has_key; }

  // Every value of the tree is paid for before it is made. What an alias brings in is paid for as if it were written
  // out, against a bound of its own that a document without aliases never meets, and against the document's.
  void spend(std::size_t n, const YAML::Mark& mark) {
    nodes_ += n;
    if (nodes_ > limits::kMaxDocumentNodes) {
      throw Refusal{"too-large", to_mark(mark),
                    fmt::format("the document has more than {} values", limits::kMaxDocumentNodes), ""};
    }
  }

  void spend_alias(std::size_t n, const YAML::Mark& mark) {
    alias_nodes_ += n;
    if (alias_nodes_ > limits::kMaxAliasNodes) {
      throw Refusal{"alias-bomb", to_mark(mark),
                    fmt::format("anchors and aliases expand to more than {} values", limits::kMaxAliasNodes),
                    "aliases of aliases multiply; write the values out"};
    }
    spend(n, mark);
  }

  // A quote that is never closed: the library takes what is left of the file for the text when that ends in a newline.
  void check_closed(const YAML::Mark& mark) const {
    std::string_view rest = source_.substr(std::min(static_cast<std::size_t>(std::max(mark.pos, 0)), source_.size()));
    if (rest.starts_with('&')) {  // an anchor stands before the quote
      rest.remove_prefix(std::min(rest.find_first_of(" \t\r\n"), rest.size()));
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    }
    if (!rest.starts_with('"') && !rest.starts_with('\'')) return;
    const char quote = rest.front();
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (quote == '"' && rest[i] == '\\') {
        ++i;
      } else if (rest[i] == quote) {
        if (quote == '"' || i + 1 >= rest.size() || rest[i + 1] != quote) return;
        ++i;
      }
    }
    throw Refusal{"syntax", to_mark(mark), "a quoted text is never closed", ""};
  }

  [[noreturn]] static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    throw Refusal{"tag", to_mark(mark), fmt::format("the tag \"{}\" is not supported", tag),
                  "remove it; quote a value to make it a text"};
  }
  [[noreturn]] static void refuse_depth(const YAML::Mark& mark) {
    throw Refusal{"too-deep", to_mark(mark),
                  fmt::format("values are nested more than {} deep", limits::kMaxDocumentDepth), ""};
  }

  // A key when a map waits for one, else a value.
  void scalar(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& value, bool quoted) {
    if (value.size() > limits::kMaxScalarBytes) {
      throw Refusal{"too-large", to_mark(mark),
                    fmt::format("a value is longer than {} KiB", limits::kMaxScalarBytes >> 10), ""};
    }
    if (expects_key()) {
      Open& map = stack_.back();
      map.has_key = true;
      map.key = value;
      map.key_mark = to_mark(mark);
      return;
    }
    spend(1, mark);
    Measured out;
    out.weight = weight_of_text(value);
    out.node.kind = quoted ? NodeKind::string : kind_of_plain(value);
    out.node.quoted = quoted;
    out.node.mark = to_mark(mark);
    out.node.text = value;
    remember(anchor, out);
    place(std::move(out));
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, NodeKind kind) {
    if (tag != "?" && !tag.empty()) refuse_tag(mark, tag);
    if (expects_key()) {
      throw Refusal{"bad-key", to_mark(mark), fmt::format("a {} cannot be a key", to_string(kind)), ""};
    }
    if (stack_.size() >= limits::kMaxDocumentDepth) refuse_depth(mark);
    spend(1, mark);
    Open next;
    next.kind = kind;
    next.mark = to_mark(mark);
    next.anchor = anchor;
    stack_.push_back(std::move(next));
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    // Only now are the map's own keys all known, wherever in it "<<" stood.
    for (const auto& [mark, value] : done.merges) merge(done, mark, value.node);
    Measured out;
    out.weight = done.weight;
    out.depth = done.depth;
    out.node.kind = done.kind;
    out.node.mark = done.mark;
    if (done.kind == NodeKind::sequence) {
      out.node.sequence = std::make_shared<const std::vector<Node>>(std::move(done.items));
    } else {
      out.node.map = std::make_shared<const std::vector<Node::Entry>>(std::move(done.entries));
    }
    remember(done.anchor, out);
    place(std::move(out));
  }

  // The merge key: entries of `value` (a map, or a list of maps) that the map does not have itself; earlier maps win.
  static void merge(Open& into, Mark mark, const Node& value) {
    if (value.kind == NodeKind::sequence) {
      for (const Node& item : value.items()) merge(into, mark, item);
      return;
    }
    if (value.kind != NodeKind::map) {
      throw Refusal{"bad-merge", mark, "\"<<\" wants a map, or a list of maps", "for example: <<: *defaults"};
    }
    for (const auto& entry : value.entries()) {
      if (into.seen.emplace(entry.key, entry.key_mark).second) into.entries.push_back(entry);
    }
  }

  // A finished value goes into the innermost open collection; with none open it is the document.
  void place(Measured value) {
    if (stack_.empty()) {
      root_ = std::move(value.node);
      return;
    }
    Open& top = stack_.back();
    top.weight += value.weight;
    top.depth = std::max(top.depth, value.depth + 1);
    Node& node = value.node;
    if (top.kind == NodeKind::sequence) {
      top.items.push_back(std::move(node));
      return;
    }
    top.has_key = false;
    top.weight += weight_of_text(top.key);
    // The library places an empty value where the next thing begins; people look for it at its key.
    if (node.kind == NodeKind::null && node.text.empty()) node.mark = top.key_mark;
    if (top.key == "<<") {
      top.merges.emplace_back(top.key_mark, std::move(value));
      return;
    }
    // Duplicates are collected: they are the one mistake of syntax that does not hide the ones after it.
    const auto [first, fresh] = top.seen.emplace(top.key, top.key_mark);
    if (!fresh) {
      if (duplicates_.size() < limits::kMaxProblems) {
        duplicates_.push_back({"duplicate-key", top.key_mark,
                               fmt::format("the key \"{}\" stands here a second time", shown(top.key)),
                               fmt::format("the first is in line {}; keep one", first->second.line)});
      }
      return;
    }
    top.entries.push_back({std::move(top.key), top.key_mark, std::move(node)});
  }

  // For the aliases to come.
  void remember(YAML::anchor_t anchor, const Measured& value) {
    if (anchor != 0) anchors_.insert_or_assign(anchor, value);
  }

  std::string_view source_;
  Node root_;
  std::vector<Open> stack_;
  std::unordered_map<YAML::anchor_t, Measured> anchors_;
  std::vector<Refusal> duplicates_;
  std::size_t nodes_ = 0;
  std::size_t alias_nodes_ = 0;
  int documents_ = 0;
};

// Line `number` (from 1) without its end; empty past the last.
std::string_view line_of(std::string_view text, std::uint32_t number) {
  for (; number > 1; --number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// A syntax error in our words, and at the place where a person would look for it.
Refusal explain(const YAML::Exception& error, std::string_view text, std::optional<Mark> innermost_open) {
  Mark mark = to_mark(error.mark);
  const std::string_view words = error.msg;
  auto [message, hint] = explain_yaml_error(words);
  // The library tells an unclosed bracket at the beginning of the line or at the end of the file.
  if (words.starts_with("end of") && words.find("flow") != std::string_view::npos && innermost_open) {
    mark = *innermost_open;
  }
  if (mark.line != 0 && !text.empty()) {
    const std::string_view line = line_of(text, mark.line);
    const std::string_view indent = line.substr(0, line.find_first_not_of(" \t"));
    if (const std::size_t tab = indent.find('\t'); tab != std::string_view::npos) {
      return {"syntax",
              {mark.line, static_cast<std::uint32_t>(tab + 1)},
              "a tab stands in the indentation",
              "YAML indents with spaces only"};
    }
  }
  return {"syntax", mark, std::move(message), std::move(hint)};
}

// Text that leaves the document's first collection opens what the library takes for a new document.
Refusal explain(Refusal refusal, std::string_view text) {
  if (refusal.code == "several-documents" && !line_of(text, refusal.mark.line).starts_with("---")) {
    refusal.code = "syntax";
    refusal.message = "this does not belong to what stands above it";
    refusal.hint = "check that the keys of a map, or the \"-\" of a list, begin in the same column";
  }
  return refusal;
}

Problem to_problem(const Refusal& refusal, std::string_view file) {
  Problem problem;
  problem.code = refusal.code;
  problem.location = {std::string(file), refusal.mark.line, refusal.mark.column};
  problem.message = refusal.message;
  problem.hint = refusal.hint;
  return problem;
}

}  // namespace

std::expected<Document, std::vector<Problem>> parse_yaml(std::string_view text, std::string_view file) {
  const auto refuse = [&](Refusal refusal) { return std::unexpected(std::vector<Problem>{to_problem(refusal, file)}); };
  if (text.size() > limits::kMaxDocumentBytes) {
    return refuse(
        {"too-large", {}, fmt::format("the file is larger than {} MiB", limits::kMaxDocumentBytes >> 20), ""});
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark, which some editors write
  if (const auto bad = find_bad_byte(text)) {
    return refuse({"bad-byte", bad->mark, fmt::format("the file contains {}", bad->what), "save it as plain UTF-8"});
  }
  TreeBuilder builder(text);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    if (const auto duplicates = builder.take_duplicates(); !duplicates.empty()) {
      std::vector<Problem> problems;
      for (const Refusal& duplicate : duplicates) problems.push_back(to_problem(duplicate, file));
      sort_problems(problems);
      return std::unexpected(std::move(problems));
    }
    return Document{std::string(file), builder.take_root()};
  } catch (const Refusal& refusal) {
    return refuse(explain(refusal, text));
  } catch (const YAML::Exception& error) {
    return refuse(explain(error, text, builder.innermost_open()));
  } catch (const std::exception& error) {
    return refuse({"syntax", {}, fmt::format("the file could not be parsed: {}", error.what()), ""});
  }
}

}  // namespace fairlead::model
