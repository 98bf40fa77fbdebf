#pragma once
// Completion for bash: `fairlead completion bash` prints a script made from the very verbs and options that the program
// has, so that it cannot fall behind them; where a name of the server's is wanted, the script asks `fairlead completion
// names`, which prints them. Needs bash 4.4; not the package bash-completion.

#include "cli/desk.h"

#include <string>
#include <vector>

namespace fairlead::cli {

// What an argument or an option's value may be: one of the choices, or what `kind` says: "file", one of name_kinds(),
// or empty: anything.
struct ValueWords {
  std::vector<std::string> choices;
  std::string kind;
};

struct OptionWords {
  std::vector<std::string> names;  // "--state", "-s"
  bool takes_value = false;
  ValueWords value;
};

struct CommandWords {
  std::vector<std::string> path;   // {"domain", "list"}; empty: the program itself
  std::vector<std::string> verbs;  // below it
  std::vector<OptionWords> options;
  std::vector<ValueWords> arguments;  // in order
};

std::string bash_completion(const std::vector<CommandWords>& commands);

// "domain", "account", "user", ...
const std::vector<std::string>& name_kinds();

// The names of that kind that begin so, a line each; the first hundred.
Told<void> print_names(Desk& desk, const std::string& kind, const std::string& begin);

}  // namespace fairlead::cli
