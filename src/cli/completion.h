#pragma once
// `fairlead completion bash`: a script for bash, made from the very commands and options that the program has, so that
// it cannot fall behind them.

#include <string>
#include <vector>

namespace fairlead::cli {

struct CommandWords {
  std::vector<std::string> path;     // {"domain", "list"}; empty: the program itself
  std::vector<std::string> words;    // sub-commands and fixed arguments
  std::vector<std::string> options;  // "--state"
};

std::string bash_completion(const std::vector<CommandWords>& commands);

}  // namespace fairlead::cli
