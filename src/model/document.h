#pragma once
// Document: a configuration text as a tree of plain values, independent of the syntax it came in: YAML in the files of
// operators, JSON in what the control plane takes and keeps. Every node and every key knows the place where it was
// written; the JSON pointer of a node follows from the way down to it and is made by the schema reader when a problem
// has to be told.
//
// Everything that makes YAML dangerous is settled here: bounds on size, depth and the expansion of aliases
// (model/limits.h), duplicate keys refused, one document per file, no tags. Aliases and the merge key "<<" work,
// because people share settings between domains with them; a key written beside "<<" wins over the merged one.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/problem.h"

namespace fairlead::model {

enum class NodeKind : std::uint8_t { null, boolean, number, string, sequence, map };
std::string_view to_string(NodeKind kind);

// Scalars keep the text as it was written (so that "60s", 60 and 0x3C can be told apart by whoever wants a duration);
// kind says what the syntax would make of it. A quoted scalar is always a string. JSON is read as typed as it is
// written: there a text is a string and nothing else, and "off", which YAML wants bare, is the string "off".
struct Node {
  struct Entry;

  NodeKind kind = NodeKind::null;
  bool quoted = false;
  bool json = false;  // written in JSON
  Mark mark;
  std::string text;  // scalars

  // Children are shared and never change: a copy of a node costs the same however much hangs below it, which is what
  // an alias needs. Null for a node that has none.
  std::shared_ptr<const std::vector<Node>> sequence;
  std::shared_ptr<const std::vector<Entry>> map;

  // Of a sequence, and of a map in the order written with unique keys; empty for every other kind.
  const std::vector<Node>& items() const;
  const std::vector<Entry>& entries() const;

  // The value of a key of a map; nullptr when there is none or this is no map.
  const Node* find(std::string_view key) const;
  bool is_scalar() const { return kind < NodeKind::sequence; }
};

struct Node::Entry {
  std::string key;
  Mark key_mark;
  Node value;
};

struct Document {
  std::string file;
  Node root;  // null for an empty document
};

// Never throws. On failure there is exactly one Problem: a text that is no YAML has no second error worth telling.
// Except duplicate keys: all of them are told.
std::expected<Document, std::vector<Problem>> parse_yaml(std::string_view text, std::string_view file);

// The same of RFC 8259, and with the same bounds; `file` may be empty for a text that is in none. Every value has its
// line and column, and Problem::pointer names the duplicate key.
std::expected<Document, std::vector<Problem>> parse_json(std::string_view text, std::string_view file);

}  // namespace fairlead::model
