#include "model/document.h"

#include <algorithm>

namespace fairlead::model {

std::string_view to_string(NodeKind kind) {
  switch (kind) {
    case NodeKind::null: return "empty value";
    case NodeKind::boolean: return "boolean";
    case NodeKind::number: return "number";
    case NodeKind::string: return "text";
    case NodeKind::sequence: return "list";
    case NodeKind::map: return "map";
  }
  return "value";
}

const std::vector<Node>& Node::items() const {
  static const std::vector<Node> kNone;
  return sequence ? *sequence : kNone;
}

const std::vector<Node::Entry>& Node::entries() const {
  static const std::vector<Entry> kNone;
  return map ? *map : kNone;
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries(), key, &Entry::key);
  return found == entries().end() ? nullptr : &found->value;
}

}  // namespace fairlead::model
