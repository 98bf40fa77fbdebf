// Any bytes as a JSON text: every value of the tree stands where its mark says, and the tree written out again is read
// as the same. And as what the control plane keeps: settings of a domain, a layer-7 configuration.

#include "fuzz/support.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "model/document.h"
#include "model/domain_settings.h"
#include "model/write_domain.h"

namespace {

using namespace fairlead;
using fuzz::require;

// The tree as a text again.
void append(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append(std::string& out, const model::Node& node) {
  switch (node.kind) {
    case model::NodeKind::string: append(out, node.text); break;
    case model::NodeKind::sequence: {
      out += '[';
      for (const model::Node& item : node.items()) {
        if (out.back() != '[') out += ',';
        append(out, item);
      }
      out += ']';
      break;
    }
    case model::NodeKind::map: {
      out += '{';
      for (const auto& entry : node.entries()) {
        if (out.back() != '{') out += ',';
        append(out, entry.key);
        out += ':';
        append(out, entry.value);
      }
      out += '}';
      break;
    }
    default: out += node.text; break;
  }
}

bool same(const model::Node& a, const model::Node& b) {
  if (a.kind != b.kind || a.text != b.text || a.quoted != b.quoted || !a.json || !b.json) return false;
  if (a.items().size() != b.items().size() || a.entries().size() != b.entries().size()) return false;
  for (std::size_t i = 0; i < a.items().size(); ++i) {
    if (!same(a.items()[i], b.items()[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries().size(); ++i) {
    if (a.entries()[i].key != b.entries()[i].key || !same(a.entries()[i].value, b.entries()[i].value)) return false;
  }
  return true;
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
  if (!document) {
    require(!document.error().empty(), "a refusal says why");
    for (const model::Problem& problem : document.error()) {
      require(!problem.message.empty() && !problem.code.empty(), "a problem has words");
    }
    return 0;
  }
  std::string again;
  append(again, document->root);
  const auto read = model::parse_json(again, "body");
  require(read && same(read->root, document->root), "what is written again is read as the same");
  Places(text).check(document->root);

  // As the settings of a domain, and as a layer-7 configuration: a value or an error, and a value is written so that it
  // is read again.
  const model::SettingsReading settings = model::read_domain_settings(text, "fuzz.test", nullptr, {}, {});
  require(settings.policy.has_value() == !model::has_errors(settings.problems), "settings or an error");
  if (settings.policy) {
    const auto copy = model::read_domain_copy(model::write_domain(*settings.policy, model::DomainText::whole));
    require(copy && *copy == *settings.policy, "a policy that was written is read as it was");
  }
  const model::Layer7Reading layer7 = model::read_layer7_json(text, {});
  require(layer7.layer7.has_value() == !model::has_errors(layer7.problems), "a configuration or an error");
  if (layer7.layer7) {
    const auto copy = model::read_layer7_json(model::write_layer7(*layer7.layer7), {});
    require(copy.layer7 == layer7.layer7, "a configuration that was written is read as it was");
  }
  return 0;
}
