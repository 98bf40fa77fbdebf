// Any bytes as a JSON text: what is accepted is what the library's own reader makes of it, what is refused for its syntax
// is refused by that, too, and every value stands where its mark says.

#include "fuzz/support.h"
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/document.h"

namespace {

using namespace fairlead;
using fuzz::require;
using nlohmann::json;

json to_json(const model::Node& node) {
  switch (node.kind) {
    case model::NodeKind::null: return nullptr;
    case model::NodeKind::boolean: return node.text == "true";
    case model::NodeKind::number: return json::parse(node.text);
    case model::NodeKind::string: return node.text;
    case model::NodeKind::sequence: {
      json out = json::array();
      for (const model::Node& item : node.items()) out.push_back(to_json(item));
      return out;
    }
    case model::NodeKind::map: {
      json out = json::object();
      for (const auto& entry : node.entries()) out[entry.key] = to_json(entry.value);
      return out;
    }
  }
  return nullptr;
}

class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }
  void check(const model::Node& node) const {
    const std::string_view at = from(node.mark);
    switch (node.kind) {
      case model::NodeKind::string: require(at.starts_with('"'), "a text begins at its mark"); break;
      case model::NodeKind::map: require(at.starts_with('{'), "a map begins at its mark"); break;
      case model::NodeKind::sequence: require(at.starts_with('['), "a list begins at its mark"); break;
      default: require(at.starts_with(node.text), "a value stands at its mark as it is kept"); break;
    }
    for (const model::Node& item : node.items()) check(item);
    for (const auto& entry : node.entries()) {
      require(from(entry.key_mark).starts_with('"'), "a key begins at its mark");
      check(entry.value);
    }
  }

 private:
  std::string_view from(model::Mark mark) const {
    require(mark.line >= 1 && mark.line <= starts_.size() && mark.column >= 1, "a mark is in the text");
    const std::size_t at = starts_[mark.line - 1] + mark.column - 1;
    require(at < text_.size(), "a mark is in the text");
    return text_.substr(at);
  }
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  const auto document = model::parse_json(text, "body");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const json whole = json::parse(text, nullptr, false);
  if (!document) {
    require(!document.error().empty(), "a refusal says why");
    bool syntax = false;
    for (const model::Problem& problem : document.error()) {
      require(!problem.message.empty() && !problem.code.empty(), "a problem has words");
      syntax = syntax || problem.code == "syntax";
    }
    require(!syntax || whole.is_discarded(), "what is no JSON to us is none to the library");
    return 0;
  }
  require(!whole.is_discarded(), "what is JSON to us is so to the library");
  require(to_json(document->root) == whole, "the tree holds what the text says");
  Places(text).check(document->root);
  return 0;
}
