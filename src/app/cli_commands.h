#pragma once
// The verbs that speak to the API from a shell (R26), and those that make files: composition of CLI11 and src/cli,
// nothing else.

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace fairlead::app {

// Adds the verbs to `app`; what one of them ended with is put into `status`, which outlives `app`'s parsing. Called
// after all other verbs were added, because `completion` names them.
void add_cli_commands(CLI::App& app, int& status);

// What CLI11 threw out of parsing: help and version to standard output, status 0; a command line that is not understood
// to standard error, with what would be, and cli::kRefused.
int tell_parse_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace fairlead::app
