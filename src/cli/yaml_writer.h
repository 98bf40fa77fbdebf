#pragma once
// A JSON tree as YAML that people would have written: maps as blocks, small leaves in one line, quotes only where they
// are needed. What it writes, model::parse_yaml reads back as the same values.

#include <nlohmann/json.hpp>

#include <string>

namespace fairlead::cli {

// Ends with a newline. Texts must be UTF-8; control characters are escaped.
std::string to_yaml(const nlohmann::ordered_json& value);

}  // namespace fairlead::cli
