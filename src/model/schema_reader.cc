#include "model/schema_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::model {
namespace {

using std::chrono::milliseconds;

// "60s" -> 60 and "s". At most 15 digits: more than any range, far less than 64 bits. Whoever multiplies by a unit
// compares with the range first (213503982335d would wrap to nine and a half hours).
struct Quantity {
  std::uint64_t number = 0;
  std::string_view unit;
};
std::optional<Quantity> split_quantity(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 15) return std::nullopt;
  Quantity out;
  std::from_chars(text.data(), text.data() + digits, out.number);
  out.unit = text.substr(digits);
  return out;
}

std::optional<std::uint64_t> factor_of(std::span<const Unit> units, std::string_view word) {
  const auto found = std::ranges::find(units, word, &Unit::word);
  if (found == units.end()) return std::nullopt;
  return found->factor;
}

// "a, b or c"
std::string list_words(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

// "1s to 5m, or off": what follows "allowed: " in every hint about a range.
std::string range_words(const limits::DurationRange& range) {
  return fmt::format("{} to {}{}", format_duration(range.min), format_duration(range.max),
                     range.off_allowed ? ", or off" : "");
}

template <class Format>
std::string range_words(const limits::SizeRange& range, Format format) {
  return fmt::format("{} to {}{}", format(range.min), format(range.max), range.off_allowed ? ", or off" : "");
}

}  // namespace

// --- Reading

void Reading::add(Severity severity, std::string_view code, std::string pointer, Mark mark, std::string message,
                  std::string hint) {
  // The same words at the same place come from an alias; the pointer of its first use stands for all.
  if (!full()) {
    if (!told_.emplace(mark, message).second) return;
  } else if (told_.contains({mark, message})) {
    return;
  } else {
    ++left_out_;
    left_out_error_ = left_out_error_ || severity == Severity::error;
    return;
  }
  problems_.push_back({severity,
                       std::string(code),
                       std::move(pointer),
                       {file_, mark.line, mark.column},
                       std::move(message),
                       std::move(hint)});
}

std::vector<Problem> Reading::take_problems() {
  sort_problems(problems_);
  // An error among those left out must still refuse the document.
  if (left_out_ != 0) {
    Problem last;
    last.severity = left_out_error_ ? Severity::error : Severity::warning;
    last.code = "too-many-problems";
    last.location.file = file_;
    last.message = fmt::format("{} more problems are not shown", left_out_);
    last.hint = "mend these first";
    problems_.push_back(std::move(last));
  }
  return std::move(problems_);
}

// --- Field

std::string Field::pointer() const {
  if (parent_ == nullptr) return {};
  // Made on demand, by climbing: ten thousand good domains never pay for it. The depth is the schema's.
  std::string out = parent_->pointer();
  out += '/';
  if (key_.data() == nullptr) return out + std::to_string(index_);
  for (const char c : key_) {  // RFC 6901 §3
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

std::string Field::name() const {
  if (parent_ == nullptr) return "the document";
  if (key_.data() != nullptr) return fmt::format("\"{}\"", shown(key_));
  return fmt::format("item {} of {}", index_ + 1, parent_->name());
}

void Field::error(std::string_view code, std::string message, std::string hint) const {
  reading_->add(Severity::error, code, pointer(), node_->mark, std::move(message), std::move(hint));
}
void Field::warning(std::string_view code, std::string message, std::string hint) const {
  reading_->add(Severity::warning, code, pointer(), node_->mark, std::move(message), std::move(hint));
}

void Field::wrong_type(std::string_view wanted, std::string hint) const {
  error("wrong-type",
        fmt::format("{} wants {}, not {} {}", name(), wanted, is_null() ? "an" : "a", to_string(node_->kind)),
        std::move(hint));
}

bool Field::is_off() const {
  if (node_->json) return node_->quoted && node_->text == "off";
  // To YAML 1.1 `off` is a boolean, to 1.2 a text; "off" in quotes is a text to both and not meant.
  return !node_->quoted && (node_->text == "off" || node_->text == "Off" || node_->text == "OFF" ||
                            (node_->kind == NodeKind::boolean && lower_case(node_->text) == "false"));
}

std::optional<std::string> Field::text(std::size_t max_bytes) const {
  if (!node_->is_scalar() || is_null() || (node_->json && !node_->quoted)) {
    wrong_type("a text");
    return std::nullopt;
  }
  // Only an escape in a quoted text can make one, and every C interface behind us would cut the text there.
  if (node_->text.find('\0') != std::string::npos) {
    error("bad-text", fmt::format("{} contains a NUL character", name()), "remove the \\0");
    return std::nullopt;
  }
  if (node_->text.size() > max_bytes) {
    error("too-long", fmt::format("{} has {} bytes", name(), node_->text.size()), fmt::format("at most {}", max_bytes));
    return std::nullopt;
  }
  return node_->text;
}

std::optional<bool> Field::boolean() const {
  // YAML 1.1 and 1.2 disagree on on/off and yes/no; people write them and mean it.
  if (node_->is_scalar() && !node_->quoted) {
    const std::string word = lower_case(node_->text);
    if (word == "true" || word == "on" || word == "yes") return true;
    if (word == "false" || word == "off" || word == "no") return false;
  }
  if (node_->is_scalar() && !is_null()) {
    error("wrong-type", fmt::format("{} wants true or false, not \"{}\"", name(), shown(node_->text)));
  } else {
    wrong_type("true or false");
  }
  return std::nullopt;
}

std::optional<milliseconds> Field::duration(const limits::DurationRange& range) const {
  const std::string_view text = node_->text;
  // Hints are made when they are needed: ten thousand good domains never pay for them.
  const auto example = [&] {
    return fmt::format("for example {}",
                       range.initial.count() > 0 ? format_duration(range.initial) : format_duration(range.min));
  };
  const auto allowed = [&] { return fmt::format("allowed: {}", range_words(range)); };
  if (!node_->is_scalar() || is_null() || (node_->json && node_->kind == NodeKind::boolean)) {
    wrong_type("a duration", example());
    return std::nullopt;
  }
  if (is_off()) {
    if (range.off_allowed) return milliseconds(0);
    error("out-of-range", fmt::format("{} cannot be off", name()), allowed());
    return std::nullopt;
  }
  // A bare number is refused although seconds would be a fair guess: nginx and HAProxy guess differently.
  const auto quantity = split_quantity(text);
  if (quantity && quantity->unit.empty() && (quantity->number != 0 || node_->json)) {
    error("bad-duration", fmt::format("the duration \"{}\" has no unit", shown(text)),
          fmt::format("write {0}s for seconds, {0}ms for milliseconds", quantity->number));
    return std::nullopt;
  }
  const auto factor = quantity ? factor_of(kDurationUnits, quantity->unit) : std::nullopt;
  const bool zero = quantity && quantity->number == 0 && (factor || quantity->unit.empty());
  if (!factor && !zero) {
    error("bad-duration", fmt::format("\"{}\" is not a duration", shown(text)),
          fmt::format("a whole number with ms, s, m, h or d, {}", example()));
    return std::nullopt;
  }
  if (zero && range.off_allowed) return milliseconds(0);
  const bool fits = zero || quantity->number <= static_cast<std::uint64_t>(range.max.count()) / *factor;
  const milliseconds value(zero || !fits ? 0 : static_cast<std::int64_t>(quantity->number * *factor));
  if (!fits || value < range.min || value > range.max) {
    error("out-of-range", fmt::format("{} is {}", name(), shown(text)), allowed());
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> Field::size(const limits::SizeRange& range) const {
  if (!node_->is_scalar() || is_null()) {
    wrong_type("a size", "for example 64KiB, 60MiB, 1GiB or a number of bytes");
    return std::nullopt;
  }
  const auto allowed = [&] { return fmt::format("allowed: {}", range_words(range, format_size)); };
  if (is_off()) {
    if (range.off_allowed) return 0;
    error("out-of-range", fmt::format("{} cannot be off", name()), allowed());
    return std::nullopt;
  }
  const auto quantity = split_quantity(node_->text);
  const auto factor = quantity ? factor_of(kSizeUnits, quantity->unit) : std::nullopt;
  if (!factor) {
    error("bad-size", fmt::format("\"{}\" is not a size", shown(node_->text)),
          "a whole number of bytes, or with KiB, MiB or GiB, for example 60MiB");
    return std::nullopt;
  }
  // Before multiplying: a product that wrapped could land inside the range.
  const bool fits = quantity->number <= range.max / *factor;
  const std::uint64_t value = fits ? quantity->number * *factor : 0;
  if (fits && value == 0 && range.off_allowed) return 0;
  if (!fits || value < range.min || value > range.max) {
    error("out-of-range", fmt::format("{} is {}", name(), shown(node_->text)), allowed());
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> Field::count(const limits::CountRange& range) const {
  const auto plain = [](std::uint64_t n) { return std::to_string(n); };
  const auto allowed = [&] { return fmt::format("allowed: {}", range_words(range, plain)); };
  if (!node_->is_scalar() || is_null()) {
    wrong_type("a whole number", allowed());
    return std::nullopt;
  }
  if (is_off() && range.off_allowed) return 0;
  if (node_->json && node_->quoted) {
    wrong_type("a whole number", allowed());
    return std::nullopt;
  }
  // Digits only: neither 1e6 nor 0x10 nor 1_000, which look alike to some readers of YAML and not to others.
  const auto quantity = split_quantity(node_->text);
  const bool all_digits = node_->text.find_first_not_of("0123456789") == std::string::npos;
  if (!all_digits) {
    error("wrong-type", fmt::format("{} wants a whole number, not \"{}\"", name(), shown(node_->text)), allowed());
    return std::nullopt;
  }
  if (quantity && quantity->number == 0 && range.off_allowed) return 0;
  if (!quantity || quantity->number < range.min || quantity->number > range.max) {
    error("out-of-range", fmt::format("{} is {}", name(), shown(node_->text)), allowed());
    return std::nullopt;
  }
  return quantity->number;
}

std::optional<std::size_t> Field::choice_index(const std::vector<std::string_view>& words) const {
  const auto list = [&] { return fmt::format("one of: {}", list_words(words)); };
  if (!node_->is_scalar() || is_null()) {
    wrong_type("a word", list());
    return std::nullopt;
  }
  const auto found = std::ranges::find(words, std::string_view(node_->text));
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::string_view near = nearest(node_->text, words);
  error("bad-value", fmt::format("{} cannot be \"{}\"", name(), shown(node_->text)),
        near.empty() ? list() : fmt::format("did you mean \"{}\"? {}", near, list()));
  return std::nullopt;
}

bool Field::check_list(std::size_t max) const {
  if (is_null()) return true;
  if (node_->kind != NodeKind::sequence) {
    wrong_type("a list", node_->json ? "" : "each item begins with \"- \", or write [a, b]");
    return false;
  }
  // The first `max` items are read all the same, so that their own problems are told with this one.
  if (node_->items().size() > max) {
    error("too-many", fmt::format("{} has {} items", name(), node_->items().size()), fmt::format("at most {}", max));
  }
  return true;
}

// --- MapReader

MapReader::MapReader(const Field& field)
    : field_(field), valid_(field.node().kind == NodeKind::map || field.is_null()) {
  if (!valid_) {
    field_.error("wrong-type", fmt::format("{} wants a map, not a {}", field_.name(), to_string(field.node().kind)),
                 field.node().json ? "" : "keys and values, one per line: \"key: value\"");
  }
}

MapReader::~MapReader() {
  if (!valid_) return;
  // Every key that the reader asked for is known by now, whether it was there or not.
  for (const auto& entry : field_.node().entries()) {
    if (std::ranges::find(known_, std::string_view(entry.key)) != known_.end()) continue;
    if (!ignored_prefix_.empty() && entry.key.starts_with(ignored_prefix_)) continue;
    // A million unknown keys must not cost a million comparisons with every known one.
    const bool silent = field_.reading().full();
    const std::string_view near = silent ? std::string_view() : nearest(entry.key, known_);
    std::vector<std::string_view> sorted = silent ? std::vector<std::string_view>() : known_;
    std::ranges::sort(sorted);
    field_.reading().add(Severity::error, "unknown-key", Field(field_, entry.key, entry.value).pointer(),
                         entry.key_mark, fmt::format("unknown key \"{}\"", shown(entry.key)),
                         near.empty() ? fmt::format("known here: {}", fmt::join(sorted, ", "))
                                      : fmt::format("did you mean \"{}\"?", near));
  }
}

std::optional<Field> MapReader::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  const Node* node = field_.node().find(key);
  if (node == nullptr) return std::nullopt;
  return Field(field_, key, *node);
}

std::optional<Field> MapReader::require(std::string_view key, std::string hint) {
  auto field = find(key);
  if (!field && valid_) {
    field_.error("missing-key", fmt::format("{} lacks the key \"{}\"", field_.name(), key), std::move(hint));
  }
  return field;
}

bool MapReader::has(std::string_view key) { return find(key).has_value(); }

Field MapReader::at(std::string_view key) {
  if (auto field = find(key)) return *field;
  return field_;  // the key is absent: its map is where it should be written
}

bool MapReader::read(std::string_view key, std::string& out, std::size_t max_bytes) {
  const auto field = find(key);
  auto value = field ? field->text(max_bytes) : std::nullopt;
  if (value) out = std::move(*value);
  return value.has_value();
}

bool MapReader::read(std::string_view key, bool& out) {
  const auto field = find(key);
  const auto value = field ? field->boolean() : std::nullopt;
  if (value) out = *value;
  return value.has_value();
}

bool MapReader::read(std::string_view key, milliseconds& out, const limits::DurationRange& range) {
  const auto field = find(key);
  const auto value = field ? field->duration(range) : std::nullopt;
  if (value) out = *value;
  return value.has_value();
}

bool MapReader::read_size(std::string_view key, std::uint64_t& out, const limits::SizeRange& range) {
  const auto field = find(key);
  const auto value = field ? field->size(range) : std::nullopt;
  if (value) out = *value;
  return value.has_value();
}

}  // namespace fairlead::model
