#pragma once
// The verbs that speak to the API from a shell (R26), and those that make files: composition of CLI11 and src/cli,
// nothing else.

namespace CLI {
class App;
}

namespace fairlead::app {

// Adds the verbs to `app`; what one of them ended with is put into `status`, which outlives `app`'s parsing. Called
// after all other verbs were added, because `completion` names them.
void add_cli_commands(CLI::App& app, int& status);

}  // namespace fairlead::app
