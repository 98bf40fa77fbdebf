#include "cli/completion.h"

#include <fmt/format.h>

namespace fairlead::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

}  // namespace

std::string bash_completion(const std::vector<CommandWords>& commands) {
  std::string out =
      "# bash completion for fairlead: source <(fairlead completion bash)\n"
      "_fairlead() {\n"
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" next i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    next=\"${path:+$path }${COMP_WORDS[i]}\"\n"
      "    case \"$next\" in\n";
  std::string paths;
  for (const CommandWords& command : commands) {
    if (!command.path.empty()) paths += fmt::format("{}\"{}\"", paths.empty() ? "" : "|", joined(command.path));
  }
  out += fmt::format("      {}) path=\"$next\" ;;\n", paths.empty() ? "\"\"" : paths);
  out +=
      "    esac\n"
      "  done\n"
      "  local words=\"\" options=\"\"\n"
      "  case \"$path\" in\n";
  for (const CommandWords& command : commands) {
    out += fmt::format("    \"{}\") words=\"{}\"; options=\"{}\" ;;\n", joined(command.path), joined(command.words),
                       joined(command.options));
  }
  out +=
      "  esac\n"
      "  if [[ \"$word\" == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
      "  elif [[ -n \"$words\" ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _fairlead fairlead\n";
  return out;
}

}  // namespace fairlead::cli
