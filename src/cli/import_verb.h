#pragma once
// `fairlead import nginx|haproxy FILE`: YAML to standard output or a file, findings to standard error.

#include <string>

namespace fairlead::cli {

struct ImportArgs {
  bool haproxy = false;
  std::string file;    // "-": standard input
  std::string output;  // empty: standard output; written whole or not at all
  std::string name;    // of servers without a name
};

// 0: all was understood and carried over; 2: there are findings, or no domain came of it; 1: a syntax error, or a file
// that cannot be read or written.
int import_configuration(const ImportArgs& args);

}  // namespace fairlead::cli
