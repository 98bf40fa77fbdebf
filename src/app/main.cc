// The one binary. Verbs are composed here; what they do lives below.

#include <CLI/CLI.hpp>

#include <iostream>

#include "app/check_command.h"
#include "app/cli_commands.h"
#include "app/edge_command.h"
#include "app/run_command.h"

int main(int argc, char** argv) {
  CLI::App app{"Fairlead, a self-hosted WebSocket edge", "fairlead"};
  app.set_version_flag("--version", "fairlead " FAIRLEAD_VERSION);
  app.require_subcommand(1);

  std::string config;
  int status = 0;

  std::string data = "/var/lib/fairlead";
  CLI::App* run = app.add_subcommand("run", "The whole product on one machine: edge, control plane and its API");
  run->add_option("--config,-c", config, "YAML file; see docs/configuration.md")->required();
  run->add_option("--data,-d", data, "Folder for the database, the sealing key and the edge's copy of its policy")
      ->capture_default_str();
  run->callback([&] { status = fairlead::app::run_node(config, data); });

  CLI::App* edge = app.add_subcommand("edge", "Serve the domains of a configuration file");
  edge->add_option("--config,-c", config, "YAML file; see docs/configuration.md")->required();
  edge->callback([&] { status = fairlead::app::run_edge(config); });

  std::string format = "text";
  CLI::App* check = app.add_subcommand("check", "Check a configuration file: exit 0, or every error and exit 1");
  check->add_option("--config,-c", config, "YAML file")->required();
  check->add_option("--output,-o", format, "text or json")->check(CLI::IsMember({"text", "json"}));
  check->callback([&] { status = fairlead::app::check_config(config, format == "json"); });

  fairlead::app::add_cli_commands(app, status);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return fairlead::app::tell_parse_error(app, error);
  }
  return status;
}
