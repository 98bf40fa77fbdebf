#include "control/api/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <regex>
#include <set>

#include "model/document.h"
#include "model/text_check.h"

namespace fairlead::control {

using nlohmann::ordered_json;

enum class Type : std::uint8_t { null, boolean, integer, string, array, object };

struct Schema {
  std::vector<Type> types;  // empty: any
  std::map<std::string, SchemaPtr, std::less<>> properties;
  std::vector<std::string> required;
  bool closed = false;  // additionalProperties: false
  bool checked_elsewhere = false;
  SchemaPtr items;
  std::size_t max_items = SIZE_MAX;
  std::size_t min_length = 0, max_length = SIZE_MAX;
  std::string pattern_text;
  std::optional<std::regex> pattern;
  std::optional<std::int64_t> minimum, maximum;
  std::vector<std::string> words;  // enum, of texts
};

namespace {

using model::Node;
using model::NodeKind;

constexpr std::pair<std::string_view, Type> kTypes[] = {{"null", Type::null},       {"boolean", Type::boolean},
                                                        {"integer", Type::integer}, {"string", Type::string},
                                                        {"array", Type::array},     {"object", Type::object}};

std::string_view word_of(Type type) {
  for (const auto& [word, t] : kTypes) {
    if (t == type) return word;
  }
  return "?";
}

base::Error broken(const Node& node, std::string what) {
  return base::Error(base::Code::malformed, base::Side::config,
                     fmt::format("contract, line {}: {}", node.mark.line, std::move(what)));
}

// Reads the document; the first thing that is wrong is thrown and caught in Contract::parse.
class Reader {
 public:
  explicit Reader(const Node& root) : root_(root) {}

  std::vector<Route> routes() {
    std::vector<Route> out;
    for (const Node::Entry& path : at(root_, "paths").entries()) {
      std::vector<Parameter> shared;
      if (const Node* list = path.value.find("parameters")) read_parameters(*list, shared);
      for (const Node::Entry& method : path.value.entries()) {
        if (method.key != "parameters") out.push_back(route(path.key, method, shared));
      }
    }
    return out;
  }

 private:
  static const Node& at(const Node& node, std::string_view key) {
    const Node* found = node.find(key);
    if (!found) throw broken(node, fmt::format("\"{}\" is missing", key));
    return *found;
  }
  static std::int64_t number(const Node& node) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (error != std::errc() || end != node.text.data() + node.text.size()) throw broken(node, "not a whole number");
    return value;
  }

  // Follows $ref.
  const Node& resolve(const Node& node) {
    const Node* ref = node.find("$ref");
    if (!ref) return node;
    std::string_view way = ref->text;
    if (!way.starts_with("#/")) throw broken(node, "a $ref leads out of the file");
    way.remove_prefix(2);
    const Node* now = &root_;
    while (!way.empty()) {
      const auto end = std::min(way.find('/'), way.size());
      now = &at(*now, way.substr(0, end));
      way.remove_prefix(std::min(end + 1, way.size()));
    }
    return resolve(*now);
  }

  SchemaPtr schema(const Node& written) {
    const Node& node = resolve(written);
    // What refers to itself would never end; the contract's requests do not.
    if (++depth_ > 32) throw broken(written, "schemas nested too deeply");
    auto out = std::make_shared<Schema>();
    for (const Node::Entry& entry : node.entries()) keyword(entry.key, entry.value, *out);
    --depth_;
    return out;
  }

  void keyword(const std::string& key, const Node& value, Schema& out) {
    static const std::set<std::string, std::less<>> kSaysNothing = {"description", "examples", "default", "format"};
    if (kSaysNothing.contains(key)) return;
    if (key == "type") {
      const auto add = [&](const Node& n) {
        for (const auto& [word, type] : kTypes) {
          if (word == n.text) return out.types.push_back(type);
        }
        throw broken(n, "an unknown type");
      };
      if (value.kind == NodeKind::sequence) {
        for (const Node& item : value.items()) add(item);
      } else {
        add(value);
      }
    } else if (key == "properties") {
      for (const Node::Entry& p : value.entries()) out.properties.emplace(p.key, schema(p.value));
    } else if (key == "required") {
      for (const Node& item : value.items()) out.required.push_back(item.text);
    } else if (key == "additionalProperties") {
      if (value.text != "false") throw broken(value, "additionalProperties can only be false");
      out.closed = true;
    } else if (key == "x-checked-by") {
      out.checked_elsewhere = true;
    } else if (key == "items") {
      out.items = schema(value);
    } else if (key == "maxItems") {
      out.max_items = static_cast<std::size_t>(number(value));
    } else if (key == "minLength") {
      out.min_length = static_cast<std::size_t>(number(value));
    } else if (key == "maxLength") {
      out.max_length = static_cast<std::size_t>(number(value));
    } else if (key == "pattern") {
      out.pattern_text = value.text;
      out.pattern.emplace(value.text, std::regex::ECMAScript | std::regex::optimize);
    } else if (key == "minimum") {
      out.minimum = number(value);
    } else if (key == "maximum") {
      out.maximum = number(value);
    } else if (key == "enum") {
      for (const Node& item : value.items()) out.words.push_back(item.text);
    } else {
      throw broken(value, fmt::format("the keyword \"{}\" is not understood in the schema of a request", key));
    }
  }

  void read_parameters(const Node& list, std::vector<Parameter>& out) {
    for (const Node& written : list.items()) {
      const Node& node = resolve(written);
      Parameter p;
      p.name = at(node, "name").text;
      const std::string& in = at(node, "in").text;
      if (in == "path") {
        p.in = Parameter::In::path;
      } else if (in == "header") {
        p.in = Parameter::In::header;
      } else if (in != "query") {
        throw broken(node, "parameters are in path, query or header");
      }
      const Node* required = node.find("required");
      p.required = required && required->text == "true";
      p.schema = schema(at(node, "schema"));
      // A text without a bound could take the matcher of patterns too deep.
      if (p.schema->pattern && p.schema->max_length == SIZE_MAX && !p.schema->pattern_text.ends_with("}$")) {
        throw broken(node, "a pattern without maxLength");
      }
      out.push_back(std::move(p));
    }
  }

  Route route(const std::string& path, const Node::Entry& method, const std::vector<Parameter>& shared) {
    const Node& node = method.value;
    Route r;
    r.method = method.key;
    std::ranges::transform(r.method, r.method.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    for (std::size_t from = 1; from <= path.size();) {
      const auto end = std::min(path.find('/', from), path.size());
      r.segments.push_back(path.substr(from, end - from));
      from = end + 1;
    }
    r.operation_id = at(node, "operationId").text;
    const Node& access = at(node, "x-access");
    if (access.text == "public") {
      r.access = Access::everybody;
    } else if (access.text == "staff") {
      r.access = Access::staff;
    } else if (access.text == "operator") {
      r.access = Access::operator_;
    } else if (access.text != "user") {
      throw broken(access, "x-access is public, user, staff or operator");
    }
    const Node* read_only = node.find("x-read-only");
    r.read_only = r.method == "GET" || (read_only && read_only->text == "true");
    r.max_body = r.access == Access::everybody ? 16u << 10 : 512u << 10;
    if (const Node* most = node.find("x-max-body")) {
      const char* const end = most->text.data() + most->text.size();
      const auto [at, error] = std::from_chars(most->text.data(), end, r.max_body);
      if (error != std::errc() || at != end) throw broken(*most, "x-max-body is a number of bytes");
    }
    r.parameters = shared;
    if (const Node* list = node.find("parameters")) read_parameters(*list, r.parameters);
    if (const Node* body = node.find("requestBody")) {
      r.body = schema(at(at(at(*body, "content"), "application/json"), "schema"));
      const Node* required = body->find("required");
      r.body_required = required && required->text == "true";
    }
    return r;
  }

  const Node& root_;
  int depth_ = 0;
};

std::optional<Type> type_of(const ordered_json& value) {
  if (value.is_null()) return Type::null;
  if (value.is_boolean()) return Type::boolean;
  if (value.is_number_integer()) return Type::integer;
  if (value.is_string()) return Type::string;
  if (value.is_array()) return Type::array;
  if (value.is_object()) return Type::object;
  return std::nullopt;  // a number with a fraction
}

// Of well-formed UTF-8.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

// RFC 6901 section 3.
std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

class Checker {
 public:
  explicit Checker(std::vector<Detail>& out) : out_(out) {}

  void value(const Schema& schema, const ordered_json& v, const std::string& at) {
    if (out_.size() >= kMost) return;
    const auto type = type_of(v);
    if (!schema.types.empty() && (!type || std::ranges::find(schema.types, *type) == schema.types.end())) {
      std::vector<std::string> wanted;
      for (const Type t : schema.types) wanted.emplace_back(word_of(t));
      return tell(at, "wrong-type", fmt::format("this must be {}", fmt::join(wanted, " or ")));
    }
    if (v.is_string()) return text(schema, v.get_ref<const std::string&>(), at);
    if (v.is_number_integer()) return integer(schema, v, at);
    if (schema.checked_elsewhere) return;
    if (v.is_object()) return object(schema, v, at);
    if (v.is_array()) return array(schema, v, at);
  }

  void text(const Schema& schema, const std::string& t, const std::string& at) {
    // No text of ours has it, PostgreSQL cannot keep it, and C libraries would take what comes before it for the whole.
    if (t.find('\0') != std::string::npos) return tell(at, "bad-value", "this has the character U+0000");
    const std::size_t length = characters(t);
    if (length < schema.min_length) {
      return tell(at, "too-short", fmt::format("this must have {} characters at least", schema.min_length));
    }
    if (length > schema.max_length) {
      return tell(at, "too-long", fmt::format("this has {} characters, {} are allowed", length, schema.max_length));
    }
    if (!schema.words.empty() && std::ranges::find(schema.words, t) == schema.words.end()) {
      return tell(at, "bad-value", "this is none of the words that are known here",
                  fmt::format("one of: {}", join(schema.words)));
    }
    if (schema.pattern && (t.size() > kMostForPattern || !std::regex_match(t, *schema.pattern))) {
      tell(at, "bad-value", "this does not have the form it must have", schema.pattern_text);
    }
  }

  void integer(const Schema& schema, const ordered_json& v, const std::string& at) {
    const bool huge = v.is_number_unsigned() && v.get<std::uint64_t>() > std::uint64_t{INT64_MAX};
    const std::int64_t n = huge ? INT64_MAX : v.get<std::int64_t>();
    if (huge || (schema.minimum && n < *schema.minimum) || (schema.maximum && n > *schema.maximum)) {
      tell(at, "out-of-range", "this number is out of range",
           fmt::format("{} to {}", schema.minimum.value_or(INT64_MIN), schema.maximum.value_or(INT64_MAX)));
    }
  }

 private:
  static constexpr std::size_t kMost = 100;             // things told of one body
  static constexpr std::size_t kMostForPattern = 4096;  // bytes: std::regex recurses

  void object(const Schema& schema, const ordered_json& v, const std::string& at) {
    for (const std::string& key : schema.required) {
      if (!v.contains(key)) tell(at, "missing-key", fmt::format("\"{}\" is missing", key));
    }
    for (const auto& [key, item] : v.items()) {
      const auto known = schema.properties.find(key);
      if (known != schema.properties.end()) {
        value(*known->second, item, at + "/" + escaped(key));
      } else if (schema.closed) {
        std::vector<std::string> keys;
        for (const auto& [name, s] : schema.properties) keys.push_back(name);
        tell(at + "/" + escaped(key), "unknown-key", "this key is not known here",
             fmt::format("known are: {}", join(keys)));
      }
    }
  }
  void array(const Schema& schema, const ordered_json& v, const std::string& at) {
    if (v.size() > schema.max_items) {
      tell(at, "too-many", fmt::format("there are {} items, {} are allowed", v.size(), schema.max_items));
    }
    if (!schema.items) return;
    for (std::size_t i = 0; i < v.size() && i < schema.max_items; ++i) {
      value(*schema.items, v[i], fmt::format("{}/{}", at, i));
    }
  }
  void tell(const std::string& at, std::string code, std::string message, std::string hint = {}) {
    if (out_.size() < kMost) out_.push_back({at, std::move(code), std::move(message), std::move(hint)});
  }

  std::vector<Detail>& out_;
};

}  // namespace

base::Result<Contract> Contract::parse(std::string_view yaml) {
  const auto document = model::parse_yaml(yaml, "openapi.yaml");
  if (!document) {
    return base::fail(base::Code::malformed, base::Side::config, model::describe(document.error().front()));
  }
  Contract out;
  try {
    out.routes_ = Reader(document->root).routes();
  } catch (base::Error& error) {
    return std::unexpected(std::move(error));
  } catch (const std::regex_error& error) {
    return base::fail(base::Code::malformed, base::Side::config, fmt::format("contract: pattern: {}", error.what()));
  }
  return out;
}

Contract::Match Contract::match(std::string_view method, std::string_view path) const {
  Match out;
  if (!path.starts_with('/')) return out;
  std::vector<std::string> segments;
  for (std::size_t from = 1; from <= path.size();) {
    const auto end = std::min(path.find('/', from), path.size());
    auto segment = percent_decode(path.substr(from, end - from));
    if (!segment || segment->empty() || segments.size() > 16) return out;
    segments.push_back(std::move(*segment));
    from = end + 1;
  }
  for (const Route& route : routes_) {
    if (route.segments.size() != segments.size()) continue;
    std::vector<std::pair<std::string, std::string>> found;
    bool fits = true;
    for (std::size_t i = 0; fits && i < segments.size(); ++i) {
      const std::string& wanted = route.segments[i];
      if (wanted.starts_with('{')) {
        found.emplace_back(wanted.substr(1, wanted.size() - 2), segments[i]);
      } else {
        fits = wanted == segments[i];
      }
    }
    if (!fits) continue;
    out.methods.push_back(route.method);
    if (route.method != method) continue;
    out.route = &route;
    out.parameters = std::move(found);
  }
  return out;
}

std::vector<Detail> check(const Schema& schema, const ordered_json& value, const std::string& at) {
  std::vector<Detail> out;
  Checker(out).value(schema, value, at);
  return out;
}

std::vector<Detail> check_text(const Parameter& parameter, std::string_view text) {
  std::vector<Detail> out;
  const std::string at = "?" + parameter.name;
  const auto& types = parameter.schema->types;
  const auto is = [&](Type t) { return std::ranges::find(types, t) != types.end(); };
  if (is(Type::integer)) {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size()) {
      out.push_back({at, "wrong-type", "this must be a whole number", ""});
    } else {
      Checker(out).integer(*parameter.schema, ordered_json(n), at);
    }
  } else if (is(Type::boolean)) {
    if (text != "true" && text != "false") out.push_back({at, "wrong-type", "this must be true or false", ""});
  } else {
    Checker(out).text(*parameter.schema, std::string(text), at);
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = digit(text[i + 1]), low = digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (model::find_bad_byte(out)) return std::nullopt;
  return out;
}

}  // namespace fairlead::control
