#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fairlead::cli {
namespace {

constexpr std::size_t kMostNames = 100;

struct NameSource {
  const char *kind, *path, *key;
  bool searched;  // whether the server looks for names that contain a text
  bool pages = true;
};
constexpr NameSource kSources[] = {{"domain", "/v1/domains", "name", true},
                                   {"account", "/v1/accounts", "name", true},
                                   {"user", "/v1/users", "email", false},
                                   {"token", "/v1/tokens", "name", false, false},
                                   {"certificate", "/v1/certificates", "name", false},
                                   {"layer7", "/v1/layer7-configs", "name", false},
                                   {"application", "/v1/applications", "account_name", false}};

// The script, but for its tables. Words that are being completed may hold spaces: names are quoted for the shell.
constexpr std::string_view kHead = R"bash(# bash completion for fairlead: source <(fairlead completion bash)
_fairlead() {
  local -a words=()
  local i at left="$COMP_LINE" cword=0
  # readline also breaks words at : = @; what no space parts is one word.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    at="${COMP_WORDS[i]}"
    if ((${#words[@]} > 0)) && [[ "$left" != [[:space:]]* ]]; then
      words[cword]+="$at"
    else
      cword=${#words[@]}
      words[cword]="$at"
      left="${left#"${left%%[![:space:]]*}"}"
    fi
    left="${left#"$at"}"
  done
  local word="${words[cword]}" path="" value="" count=0
  COMPREPLY=()
  # Which verb this is, how many arguments stand before the word, and whether it is the value of an option.
  for ((i = 1; i < cword; i++)); do
    at="${words[i]}"
    if [[ -n "$value" ]]; then
      value=""
    elif [[ "$at" == -* ]]; then
      _fairlead_value "$path" "$at"
    elif _fairlead_verb "${path:+$path }$at"; then
      path="${path:+$path }$at"
    else
      count=$((count + 1))
    fi
  done
  if [[ -z "$value" && "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$(_fairlead_options "$path")" -- "$word"))
    return
  fi
  [[ -n "$value" ]] || _fairlead_argument "$path" "$count"
  case "$value" in
    "" | any) ;;
    file)
      compopt -o filenames 2> /dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      ;;
    name:*)
      local -a found
      mapfile -t found < <("${words[0]}" completion names "${value#name:}" "$(_fairlead_plain "$word")" 2> /dev/null < /dev/null)
      local before=""
      [[ "$word" == *[@:=]* ]] && before="${word%"${word##*[@:=]}"}"
      for at in "${found[@]}"; do
        # Quotes that were opened are closed by who opened them; what stands before a break stays as it is.
        if [[ "$word" == [\"\']* ]]; then
          COMPREPLY+=("$at")
        else
          at="$(printf '%q' "$at")"
          COMPREPLY+=("${at#"$before"}")
        fi
      done
      ;;
    *) COMPREPLY=($(compgen -W "${value#words:}" -- "$word")) ;;
  esac
}
# A word as the shell will read it: without its quotes and backslashes.
_fairlead_plain() {
  local text="${1#[\"\']}"
  [[ "$1" == [\"\']* ]] || text="${text//\\/}"
  printf '%s' "$text"
}
)bash";

// As a word of the tables: never empty.
std::string value_word(const ValueWords& value) {
  if (!value.choices.empty()) return fmt::format("words:{}", fmt::join(value.choices, " "));
  if (value.kind.empty()) return "any";
  return value.kind == "file" ? value.kind : "name:" + value.kind;
}

std::string verb_table(const std::vector<CommandWords>& commands) {
  std::vector<std::string> paths;
  for (const CommandWords& command : commands) {
    if (!command.path.empty()) paths.push_back(fmt::format("\"{}\"", fmt::join(command.path, " ")));
  }
  return fmt::format("_fairlead_verb() {{\n  case \"$1\" in\n    {}) return 0 ;;\n  esac\n  return 1\n}}\n",
                     fmt::join(paths, " | "));
}

std::string option_table(const std::vector<CommandWords>& commands) {
  std::string out = "_fairlead_options() {\n  case \"$1\" in\n";
  for (const CommandWords& command : commands) {
    std::vector<std::string> names;
    for (const bool is_long : {true, false}) {
      for (const OptionWords& option : command.options) {
        for (const std::string& name : option.names) {
          if (name.starts_with("--") == is_long) names.push_back(name);
        }
      }
    }
    out += fmt::format("    \"{}\") echo \"{}\" ;;\n", fmt::join(command.path, " "), fmt::join(names, " "));
  }
  return out + "  esac\n}\n";
}

// What stands behind an option, into `value`; nothing for a flag.
std::string value_table(const std::vector<CommandWords>& commands) {
  std::string out = "_fairlead_value() {\n  case \"$1 $2\" in\n";
  for (const CommandWords& command : commands) {
    for (const OptionWords& option : command.options) {
      if (!option.takes_value) continue;
      std::vector<std::string> cases;
      for (const std::string& name : option.names) {
        cases.push_back(fmt::format("\"{} {}\"", fmt::join(command.path, " "), name));
      }
      out += fmt::format("    {}) value=\"{}\" ;;\n", fmt::join(cases, " | "), value_word(option.value));
    }
  }
  return out + "  esac\n}\n";
}

// What an argument is, by its place, into `value`.
std::string argument_table(const std::vector<CommandWords>& commands) {
  std::string out = "_fairlead_argument() {\n  case \"$1 $2\" in\n";
  for (const CommandWords& command : commands) {
    const std::string path = fmt::format("{}", fmt::join(command.path, " "));
    if (!command.verbs.empty()) {
      out += fmt::format("    \"{} 0\") value=\"words:{}\" ;;\n", path, fmt::join(command.verbs, " "));
    }
    for (std::size_t i = 0; i < command.arguments.size(); ++i) {
      out += fmt::format("    \"{} {}\") value=\"{}\" ;;\n", path, i, value_word(command.arguments[i]));
    }
  }
  return out + "  esac\n}\n";
}

}  // namespace

std::string bash_completion(const std::vector<CommandWords>& commands) {
  return std::string(kHead) + verb_table(commands) + option_table(commands) + value_table(commands) +
         argument_table(commands) + "complete -F _fairlead fairlead\n";
}

const std::vector<std::string>& name_kinds() {
  static const std::vector<std::string> kinds = [] {
    std::vector<std::string> out;
    for (const NameSource& source : kSources) out.emplace_back(source.kind);
    return out;
  }();
  return kinds;
}

Told<void> print_names(Desk& desk, const std::string& kind, const std::string& begin) {
  const auto* source = std::ranges::find(kSources, kind, &NameSource::kind);
  if (source == std::end(kSources)) return trouble("there are no such names");
  Query query;
  if (source->searched && !begin.empty()) query.emplace_back("search", begin);
  if (kind == "application") query.emplace_back("state", "submitted");
  std::vector<std::string> names;
  const auto take = [&](const Json& item) {
    std::string name = item.value(source->key, "");
    // A name with a control character would be more than a word.
    const bool plain = std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (plain && name.starts_with(begin)) names.push_back(std::move(name));
    return names.size() < kMostNames;
  };
  if (source->pages) {
    if (const auto done = desk.api.each(source->path, query, take); !done) return done;
  } else {
    const auto items = desk.api.whole(source->path);
    if (!items) return std::unexpected(items.error());
    static_cast<void>(std::ranges::all_of(*items, take));
  }
  for (const std::string& name : names) desk.out.done(name);
  return {};
}

}  // namespace fairlead::cli
