#include "cli/document_json.h"

#include "cli/desk.h"
#include "cli/import/findings.h"
#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace fairlead::cli {

Json to_json(const model::Node& node) {
  switch (node.kind) {
    case model::NodeKind::null: return {};
    case model::NodeKind::boolean: return node.text.starts_with('t') || node.text.starts_with('T');
    case model::NodeKind::number: {
      const auto whole = parse_number(node.text);
      const bool fits = whole && *whole <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      return fits ? Json(static_cast<std::int64_t>(*whole)) : Json(node.text);
    }
    case model::NodeKind::string: return node.text;
    case model::NodeKind::sequence: {
      Json out = Json::array();
      for (const model::Node& item : node.items()) out.push_back(to_json(item));
      return out;
    }
    case model::NodeKind::map: {
      Json out = Json::object();
      for (const auto& entry : node.entries()) out[entry.key] = to_json(entry.value);
      return out;
    }
  }
  return {};
}

Trouble trouble_of(const std::vector<model::Problem>& problems) {
  Trouble out;
  for (const model::Problem& problem : problems) out.text += (out.text.empty() ? "" : "\n") + model::describe(problem);
  return out;
}

Told<Json> read_document(const std::string& file) {
  const auto text = read_text(file);
  if (!text) return std::unexpected(text.error());
  const auto document = model::parse_yaml(*text, file);
  if (!document) return std::unexpected(trouble_of(document.error()));
  if (document->root.kind != model::NodeKind::map) return trouble(fmt::format("{}: a map of settings is wanted", file));
  return to_json(document->root);
}

const model::Node& node_at(const model::Node& root, std::string_view pointer) {
  const model::Node* at = &root;
  while (pointer.starts_with('/')) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    std::string part;
    for (std::size_t i = 0; i < end; ++i) {
      const bool escape = pointer[i] == '~' && i + 1 < end;
      part += escape ? (pointer[i + 1] == '1' ? '/' : '~') : pointer[i];
      if (escape) ++i;
    }
    pointer.remove_prefix(end);
    const model::Node* next = at->find(part);
    if (next == nullptr && at->kind == model::NodeKind::sequence) {
      const auto index = parse_number(part);
      if (index && *index < at->items().size()) next = &at->items()[*index];
    }
    if (next == nullptr) break;
    at = next;
  }
  return *at;
}

}  // namespace fairlead::cli
