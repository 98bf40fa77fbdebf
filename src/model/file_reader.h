#pragma once
// How the model reads the files that a configuration refers to. Readers take a function, so that tests and the fuzzer
// need no disk; the application passes read_file.

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace fairlead::model {

// Path in, contents out. Errors: not_found, forbidden (no permission), too_large, unsupported (a directory or a
// device), each with side `config` and a context for a person.
using FileReader = std::function<base::Result<std::string>(const std::string& path)>;

// Reads a regular file (or a pipe such as /dev/stdin) of at most limits::kMaxDocumentBytes. Blocks.
base::Result<std::string> read_file(const std::string& path);

// `path` as seen from the folder of `config_file`: absolute paths stay, relative ones are joined.
std::string resolve_path(std::string_view config_file, std::string_view path);

}  // namespace fairlead::model
