#pragma once
// A YAML (or JSON) file as the JSON that the API takes, with what is wrong in it told at its place.

#include "cli/api_client.h"
#include "cli/trouble.h"

#include <expected>
#include <string>
#include <string_view>

#include "model/document.h"

namespace fairlead::cli {

// Booleans and whole numbers as such, everything else as the text that was written.
Json to_json(const model::Node& node);

// A file of settings. Trouble says line and column.
Told<Json> read_document(const std::string& file);

// "FILE:line:column: error: ..." of every problem, joined with line ends.
Trouble trouble_of(const std::vector<model::Problem>& problems);

// The node at a JSON pointer (RFC 6901), or the nearest above it; never null for a document with a root.
const model::Node& node_at(const model::Node& root, std::string_view pointer);

}  // namespace fairlead::cli
