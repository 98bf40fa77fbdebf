#include "cli/table.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace fairlead::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Range {
  char32_t first, last;
};

// What stands over the character before it (Unicode general categories Mn, Me, Cf, as far as people's names have them).
constexpr Range kZeroWidth[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},    {0x610, 0x61a},
                                {0x64b, 0x65f},   {0x900, 0x902},   {0xe31, 0xe31},    {0xe34, 0xe3a},
                                {0xe47, 0xe4e},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},  {0x200b, 0x200f},
                                {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20f0},  {0xfe00, 0xfe0f},
                                {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};
// East Asian wide and full width (UAX 11), and pictures.
constexpr Range kTwoCells[] = {
    {0x1100, 0x115f}, {0x231a, 0x231b}, {0x23e9, 0x23ec},   {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},
    {0x26a1, 0x26a1}, {0x2705, 0x2705}, {0x274c, 0x274c},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff}, {0xa000, 0xa4cf}, {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

template <std::size_t N>
bool within(const Range (&ranges)[N], char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// The character at `at`, which moves past it. A malformed byte stands for itself.
char32_t next_character(std::string_view text, std::size_t& at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const std::size_t length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
  if (length == 1 || at + length > text.size()) return ++at, byte;
  char32_t c = byte & (0xff >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto more = static_cast<unsigned char>(text[at + i]);
    if ((more & 0xc0) != 0x80) return ++at, byte;
    c = c << 6 | (more & 0x3f);
  }
  at += length;
  return c;
}

// Nothing that drives a terminal: C0, DEL, C1, and what turns the direction of the line around.
std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_character(text, at);
    const bool bad =
        c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    if (bad) {
      out += '?';
    } else {
      out += text.substr(begin, at - begin);
    }
  }
  return out;
}

std::string value_at(const Json& item, const std::string& pointer) {
  const Json::json_pointer at(pointer);
  return harmless(item.contains(at) ? cell_text(item.at(at)) : "-");
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_character(text, at);
    out += within(kZeroWidth, c) ? 0 : within(kTwoCells, c) ? 2 : 1;
  }
  return out;
}

std::string cell_text(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return text.empty() ? "-" : text;
  }
  if (value.is_array()) {
    std::string out;
    for (const Json& item : value) out += (out.empty() ? "" : ", ") + cell_text(item);
    return out.empty() ? "-" : out;
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Output::Output(std::FILE* file, bool json, bool bold) : file_(file), json_(json), bold_(bold) {}

Output Output::standard(bool json) {
  const char* no_colour = std::getenv("NO_COLOR");
  return Output(stdout, json, ::isatty(STDOUT_FILENO) == 1 && (no_colour == nullptr || no_colour[0] == 0));
}

void Output::put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), file_); }
// Where both outputs go to one place, they come in the order in which they were said.
void Output::flush() { std::fflush(file_); }

void Output::list(const std::vector<Column>& columns, const std::vector<Json>& items, std::string_view nothing) {
  if (json_) {
    put(Json(items).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return flush();
  }
  if (items.empty()) {
    put(std::string(nothing) + "\n");
    return flush();
  }
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> widths;
  for (const Column& column : columns) widths.push_back(display_width(column.title));
  for (const Json& item : items) {
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      row.push_back(value_at(item, columns[i].pointer));
      widths[i] = std::max(widths[i], display_width(row.back()));
    }
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string space(widths[i] - display_width(cells[i]), ' ');
      const bool last = i + 1 == cells.size();
      out += columns[i].right ? space + cells[i] : last ? cells[i] : cells[i] + space;
      if (!last) out += "  ";
    }
    return out;
  };
  std::vector<std::string> titles;
  for (const Column& column : columns) titles.push_back(column.title);
  put((bold_ ? "\x1b[1m" + line(titles) + "\x1b[0m" : line(titles)) + "\n");
  for (const auto& row : rows) put(line(row) + "\n");
  flush();
}

void Output::object(const std::vector<Column>& fields, const Json& item) {
  if (json_) {
    put(item.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return flush();
  }
  std::size_t width = 0;
  for (const Column& field : fields) width = std::max(width, display_width(field.title));
  for (const Column& field : fields) {
    const std::string space(width - display_width(field.title), ' ');
    put((bold_ ? "\x1b[1m" + field.title + "\x1b[0m" : field.title) + space + "  " + value_at(item, field.pointer) +
        "\n");
  }
  flush();
}

void Output::done(std::string_view line, const Json& value) {
  if (!json_) {
    put(harmless(line) + "\n");
  } else if (!value.is_null()) {
    put(value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  flush();
}

void Output::line(std::string_view line) {
  if (json_) put(std::string(line) + "\n");
  flush();
}

void Output::text(std::string_view text) {
  if (!json_) put(text);
  flush();
}

}  // namespace fairlead::cli
