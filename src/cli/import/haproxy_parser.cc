#include "cli/import/haproxy_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/text_check.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

constexpr std::string_view kSections[] = {"global",   "defaults",  "frontend",    "backend",    "listen",
                                          "userlist", "peers",     "mailers",     "resolvers",  "cache",
                                          "program",  "ring",      "traces",      "acme",       "http-errors",
                                          "fcgi-app", "crt-store", "log-forward", "log-profile"};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The words of one line (configuration.txt 2.2, "Quoting and escaping"). An error is a message.
std::expected<std::vector<std::string>, std::string> words_of(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  bool begun = false;  // an empty pair of quotes is a word, too
  char quote = 0;
  const auto finish = [&] {
    if (begun) out.push_back(std::move(word));
    word.clear();
    begun = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\r')) {
      finish();
    } else if (quote == 0 && c == '#') {
      break;
    } else if (c == '"' && quote != '\'') {
      quote = quote == 0 ? '"' : 0;
      begun = true;
    } else if (c == '\'' && quote != '"') {
      quote = quote == 0 ? '\'' : 0;
      begun = true;
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 >= line.size()) return std::unexpected<std::string>("a backslash ends the line");
      const char next = line[++i];
      begun = true;
      if (next == 'n' || next == 'r' || next == 't') {
        word += next == 'n' ? '\n' : next == 'r' ? '\r' : '\t';
      } else if (next == 'x') {
        const int high = i + 1 < line.size() ? hex_digit(line[i + 1]) : -1;
        const int low = i + 2 < line.size() ? hex_digit(line[i + 2]) : -1;
        if (high < 0 || low < 0) return std::unexpected<std::string>("\\x wants two hexadecimal digits");
        const int value = high * 16 + low;
        // Words are shown and written on as UTF-8.
        if (value == 0 || value >= 0x80) return std::unexpected<std::string>("\\x is understood for ASCII only");
        word += static_cast<char>(value);
        i += 2;
      } else if (quote == 0 || next == '"' || next == '\\' || next == '$') {
        word += next;
      } else {
        word += '\\';
        word += next;
      }
    } else {
      word += c;
      begun = true;
    }
    if (word.size() > kMaxImportWord) {
      return std::unexpected(fmt::format("a word is longer than {} KiB", kMaxImportWord >> 10));
    }
  }
  if (quote != 0) return std::unexpected<std::string>("a quoted text is never closed");
  finish();
  return out;
}

}  // namespace

const std::string& HaproxyLine::word(std::size_t index) const {
  static const std::string kNone;
  return index < words.size() ? words[index] : kNone;
}

std::expected<std::vector<HaproxySection>, SyntaxError> parse_haproxy(std::string_view text, const std::string& file) {
  const auto refuse = [&](std::uint32_t line, std::string message) {
    return std::unexpected(SyntaxError{file, line, std::move(message)});
  };
  if (text.size() > kMaxImportBytes)
    return refuse(0, fmt::format("the file is larger than {} MiB", kMaxImportBytes >> 20));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (const auto bad = model::find_bad_byte(text)) {
    return refuse(bad->mark.line, fmt::format("the file contains {}; save it as plain UTF-8", bad->what));
  }
  std::vector<HaproxySection> out;
  std::uint32_t number = 0;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    auto words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (!words) return refuse(number, std::move(words.error()));
    if (words->empty()) continue;
    if (++count > kMaxImportDirectives) return refuse(number, "there are too many lines");
    HaproxyLine line;
    line.words = std::move(*words);
    line.line = number;
    const std::string& first = line.words.front();
    if (std::ranges::find(kSections, first) != std::end(kSections)) {
      const bool named = first == "frontend" || first == "backend" || first == "listen";
      if (named && line.words.size() < 2) return refuse(number, fmt::format("a {} needs a name", first));
      HaproxySection section;
      section.head = std::move(line);
      out.push_back(std::move(section));
    } else if (out.empty()) {
      return refuse(number, fmt::format("\"{}\" stands before the first section (global, defaults, frontend, backend, "
                                        "listen ...)",
                                        model::shown(first)));
    } else {
      out.back().lines.push_back(std::move(line));
    }
  }

  // `from NAME`, or else the last `defaults` above.
  std::map<std::string_view, const HaproxySection*> named;
  const HaproxySection* last = nullptr;
  for (HaproxySection& section : out) {
    const auto& words = section.head.words;
    const auto from = std::ranges::find(words, "from");
    if (from != words.end() && from + 1 != words.end()) {
      const auto found = named.find(*(from + 1));
      if (found == named.end()) {
        return refuse(section.head.line,
                      fmt::format("no defaults section has the name \"{}\"", model::shown(*(from + 1))));
      }
      section.defaults = found->second;
    } else if (section.kind() != "defaults") {
      section.defaults = last;
    }
    if (section.kind() == "defaults") {
      last = &section;
      if (words.size() > 1 && words[1] != "from") named[words[1]] = &section;
    }
  }
  return out;
}

}  // namespace fairlead::cli
