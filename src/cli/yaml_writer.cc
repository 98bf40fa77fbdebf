#include "cli/yaml_writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLineWidth = 110;

// Letters, digits and a few signs, with a letter (or "/") in front, and no word that YAML takes for something else.
bool is_plain(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty()) return false;
  bool digits_only = true;
  for (const char c : text) {
    if (!letter(c) && !digit(c) && std::string_view("._/-").find(c) == std::string_view::npos) return false;
    digits_only = digits_only && (digit(c) || c == '.');
  }
  // "10.0.0.11", "60s" and "1-2" are texts to every YAML reader; "1.5" is not.
  if (digits_only && std::ranges::count(text, '.') < 2) return false;
  if (!letter(text.front()) && !digit(text.front()) && text.front() != '/') return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  static constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no", "on", "y", "n"};
  // "off" is a word of our schema and means the same either way.
  return std::ranges::find(kWords, lower) == std::end(kWords);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  return is_plain(text) ? text : in_quotes(text);
}

std::string key_text(const std::string& key) { return is_plain(key) ? key : in_quotes(key); }

// In one line: "{ a: 1, b: [ 2, 3 ] }".
std::string flow(const Json& value) {
  if (value.empty() && value.is_structured()) return value.is_array() ? "[]" : "{}";
  std::string out;
  if (value.is_array()) {
    for (const Json& item : value) out += (out.empty() ? "" : ", ") + flow(item);
    return "[ " + out + " ]";
  }
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) out += (out.empty() ? "" : ", ") + key_text(key) + ": " + flow(item);
    return "{ " + out + " }";
  }
  return scalar(value);
}

// Whether it reads well in one line: short, and no collection of collections.
bool fits_line(const Json& value, std::size_t indent, int depth) {
  if (!value.is_structured()) return true;
  if (depth == 0) return false;
  for (const Json& item : value) {
    if (!fits_line(item, indent, depth - 1)) return false;
  }
  return indent + flow(value).size() <= kLineWidth;
}

void block(const Json& value, std::size_t indent, std::string& out);

// What follows "key:" or "-".
void after(const Json& value, std::size_t indent, std::string& out) {
  out += '\n';
  block(value, indent, out);
}

void block(const Json& value, std::size_t indent, std::string& out) {
  const std::string space(indent, ' ');
  if (value.is_object() && !value.empty()) {
    bool first = true;
    for (const auto& [key, item] : value.items()) {
      // The first key of a list's item stands behind its dash.
      if (!first || out.empty() || out.back() == '\n') out += space;
      first = false;
      out += key_text(key) + ":";
      // A domain's own maps get a line each; deeper ones share one.
      if (!item.is_structured() || item.empty() || (!item.is_array() && fits_line(item, indent + key.size() + 2, 2)) ||
          (item.is_array() && !item.front().is_structured() && fits_line(item, indent + key.size() + 2, 2))) {
        out += " " + flow(item) + "\n";
      } else {
        after(item, indent + 2, out);
      }
    }
  } else if (value.is_array() && !value.empty()) {
    for (const Json& item : value) {
      out += space + "- ";
      if (item.is_object() && !item.contains("origins") && fits_line(item, indent + 2, 2)) {
        out += flow(item) + "\n";
      } else if (item.is_object() && !item.empty()) {
        block(item, indent + 2, out);
      } else {
        out += flow(item) + "\n";
      }
    }
  } else {
    out += space + flow(value) + "\n";
  }
}

}  // namespace

std::string to_yaml(const Json& value) {
  std::string out;
  block(value, 0, out);
  return out;
}

}  // namespace fairlead::cli
