#include "cli/import/nginx_parser.h"

#include <fmt/format.h>

#include <optional>

#include "model/text_check.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

enum class TokenKind : std::uint8_t { word, semicolon, open, close, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  std::uint32_t line = 1;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Words of one text. Throws nothing; an error is a message with the line it is about.
class NginxTokens {
 public:
  explicit NginxTokens(std::string_view text) : text_(text) {}

  std::expected<Token, std::string> next() {
    skip_blank();
    if (at_ >= text_.size()) return Token{TokenKind::end, {}, line_};
    const char c = text_[at_];
    if (c == ';' || c == '{' || c == '}') {
      ++at_;
      return Token{c == ';' ? TokenKind::semicolon : c == '{' ? TokenKind::open : TokenKind::close, {}, line_};
    }
    if (c == '"' || c == '\'') return quoted(c);
    return plain();
  }

  // Past the "}" of a block whose content is another language (Lua): braces, its quotes and comments are all that
  // is understood of it.
  std::expected<void, std::string> skip_foreign_block() {
    int depth = 1;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\n') ++line_;
      if (c == '-' && text_.substr(at_).starts_with('-')) {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == '"' || c == '\'') {
        for (; at_ < text_.size() && text_[at_] != c && text_[at_] != '\n'; ++at_) {
          if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        }
        if (at_ < text_.size() && text_[at_] == c) ++at_;
      } else if (c == '{') {
        ++depth;
      } else if (c == '}' && --depth == 0) {
        return {};
      }
    }
    return std::unexpected<std::string>("the file ends inside of a block: a \"}\" is missing");
  }

  std::uint32_t line() const { return line_; }

 private:
  void skip_blank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (is_space(c)) {
        if (c == '\n') ++line_;
        ++at_;
      } else {
        return;
      }
    }
  }

  std::expected<Token, std::string> quoted(char quote) {
    Token out{TokenKind::word, {}, line_};
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        escape(out.text);
      } else {
        if (text_[at_] == '\n') ++line_;
        out.text += text_[at_];
      }
      if (out.text.size() > kMaxImportWord) return too_long();
    }
    if (at_ >= text_.size()) {
      line_ = out.line;
      return std::unexpected<std::string>("a quoted text is never closed");
    }
    ++at_;
    if (at_ < text_.size() && !is_space(text_[at_]) &&
        std::string_view(";{)").find(text_[at_]) == std::string_view::npos) {
      return std::unexpected(
          fmt::format("\"{}\" stands right behind a closing quote", model::shown(text_.substr(at_, 1))));
    }
    return out;
  }

  std::expected<Token, std::string> plain() {
    Token out{TokenKind::word, {}, line_};
    bool variable = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '{' && variable) {  // "${name}"
        out.text += c;
        variable = false;
        continue;
      }
      if (is_space(c) || c == ';' || c == '{') break;
      if (c == '\\' && at_ + 1 < text_.size()) {
        escape(out.text);
        variable = false;
      } else {
        variable = c == '$';
        out.text += c;
      }
      if (out.text.size() > kMaxImportWord) return too_long();
    }
    return out;
  }

  // At a backslash. What it does not change it stays in front of: "\." of a regular expression.
  void escape(std::string& out) {
    const char c = text_[++at_];
    if (c == '\n') ++line_;
    switch (c) {
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'n': out += '\n'; break;
      case '"':
      case '\'':
      case '\\': out += c; break;
      default: out += '\\', out += c; break;
    }
  }

  static std::unexpected<std::string> too_long() {
    return std::unexpected(fmt::format("a word is longer than {} KiB", kMaxImportWord >> 10));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

class NginxParser {
 public:
  NginxParser(const std::string& main_file, const ImportFiles& files, Findings& findings)
      : main_file_(main_file), files_(files), findings_(findings) {}

  // The directives of one file, appended to `out`.
  std::expected<void, SyntaxError> file(std::string_view text, const std::string& name, std::size_t includes,
                                        std::size_t depth, std::vector<NginxDirective>& out) {
    bytes_ += text.size();
    const auto refuse = [&](std::uint32_t line, std::string message) {
      return std::unexpected(SyntaxError{name, line, std::move(message)});
    };
    if (bytes_ > kMaxImportBytes) {
      return refuse(0, fmt::format("the files are larger than {} MiB together", kMaxImportBytes >> 20));
    }
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (const auto bad = model::find_bad_byte(text)) {
      return refuse(bad->mark.line, fmt::format("the file contains {}; save it as plain UTF-8", bad->what));
    }
    NginxTokens tokens(text);
    const auto number = findings_.add_file(name);
    const Source source{tokens, number, includes};
    auto done = block(source, depth, false, out);
    if (!done) {
      if (done.error().file.empty()) done.error().file = name;
      return done;
    }
    return {};
  }

 private:
  struct Source {
    NginxTokens& tokens;
    std::uint32_t file;
    std::size_t includes;
  };

  static std::unexpected<SyntaxError> refuse(std::uint32_t line, std::string message) {
    return std::unexpected(SyntaxError{"", line, std::move(message)});
  }

  std::expected<void, SyntaxError> block(const Source& source, std::size_t depth, bool nested,
                                         std::vector<NginxDirective>& out) {
    if (depth > kMaxImportDepth) return refuse(source.tokens.line(), "blocks are nested too deep");
    NginxDirective directive;
    for (;;) {
      auto token = source.tokens.next();
      if (!token) return refuse(source.tokens.line(), std::move(token.error()));
      if (token->kind == TokenKind::word) {
        if (directive.words.empty()) directive.line = token->line;
        directive.words.push_back(std::move(token->text));
        if (directive.words.size() > kMaxImportDirectives) return refuse(token->line, "a directive has too many words");
        continue;
      }
      const bool begun = !directive.words.empty();
      if (token->kind == TokenKind::end) {
        if (begun) return refuse(directive.line, "the file ends inside of a directive: a \";\" or a \"}\" is missing");
        if (nested) return refuse(token->line, "the file ends inside of a block: a \"}\" is missing");
        return {};
      }
      if (token->kind == TokenKind::close) {
        if (begun) return refuse(token->line, "unexpected \"}\": the directive before it does not end in \";\"");
        if (!nested) return refuse(token->line, "unexpected \"}\": no block is open");
        return {};
      }
      if (!begun) {
        return refuse(token->line, fmt::format("unexpected \"{}\"", token->kind == TokenKind::open ? "{" : ";"));
      }
      if (++directives_ > kMaxImportDirectives) return refuse(token->line, "there are too many directives");
      directive.file = source.file;
      if (token->kind == TokenKind::open) {
        directive.block = true;
        if (directive.name().ends_with("_by_lua_block")) {
          if (auto skipped = source.tokens.skip_foreign_block(); !skipped) {
            return refuse(directive.line, std::move(skipped.error()));
          }
        } else if (auto inner = block(source, depth + 1, true, directive.children); !inner) {
          return inner;
        }
        out.push_back(std::move(directive));
      } else if (directive.name() == "include" && directive.words.size() == 2) {
        if (auto included = include(directive, source.includes, depth, out); !included) return included;
      } else {
        out.push_back(std::move(directive));
      }
      directive = NginxDirective();
    }
  }

  // The content of the included files, in the place of the directive. Relative to the main file's folder, as nginx's
  // are.
  std::expected<void, SyntaxError> include(const NginxDirective& directive, std::size_t includes, std::size_t depth,
                                           std::vector<NginxDirective>& out) {
    const Place place = directive.place();
    if (includes >= kMaxIncludeDepth) {
      return std::unexpected(SyntaxError{findings_.file_name(directive.file), directive.line,
                                         fmt::format("files include each other more than {} deep", kMaxIncludeDepth)});
    }
    const std::string path = model::resolve_path(main_file_, directive.arg(1));
    std::vector<std::string> paths{path};
    if (path.find_first_of("*?[") != std::string::npos) {
      paths = files_.glob(path);
      if (paths.empty()) findings_.note(place, "no file matches");
    }
    for (const std::string& found : paths) {
      const auto text = files_.read(found);
      if (!text) {
        findings_.not_carried(place, fmt::format("{} cannot be read ({}): whatever it holds is missing here",
                                                 model::shown(found), text.error().context));
        continue;
      }
      auto done = file(*text, found, includes + 1, depth, out);
      if (!done) return done;
    }
    return {};
  }

  const std::string& main_file_;
  const ImportFiles& files_;
  Findings& findings_;
  std::size_t bytes_ = 0;
  std::size_t directives_ = 0;
};

}  // namespace

const std::string& NginxDirective::arg(std::size_t index) const {
  static const std::string kNone;
  return index < words.size() ? words[index] : kNone;
}

void link_parents(NginxDirective& root) {
  for (NginxDirective& child : root.children) {
    child.parent = &root;
    if (!child.block) root.by_name[child.name()].push_back(&child);
    link_parents(child);
  }
}

std::expected<NginxDirective, SyntaxError> parse_nginx(std::string_view text, const std::string& file,
                                                       const ImportFiles& files, Findings& findings) {
  NginxDirective root;
  root.words = {""};
  root.block = true;
  root.settled = true;
  NginxParser parser(file, files, findings);
  if (auto done = parser.file(text, file, 0, 0, root.children); !done) return std::unexpected(done.error());
  return root;
}

}  // namespace fairlead::cli
