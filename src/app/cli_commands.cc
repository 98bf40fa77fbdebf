#include "app/cli_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "app/cli_verbs.h"
#include "model/words.h"

namespace fairlead::app {
namespace {

void add_apply(Verbs& verbs) {
  auto o = new_options();
  CLI::App* apply = verbs.app().add_subcommand("apply", "Bring the server to what a file asks for; shows a plan first");
  verbs
      .completes(apply->add_option("--file,-f", o->apply.file,
                                   "YAML in the schema of docs/configuration.md; - for standard input"),
                 "file")
      ->required();
  apply->add_flag("--dry-run", o->apply.dry_run, "Show the plan and stop: exit 2 when something would change");
  apply->add_flag("--yes,-y", o->apply.yes, "Do not ask");
  apply->add_flag("--prune", o->apply.prune, "Delete what the file does not have");
  apply->add_flag("--start", o->apply.start, "Bring every domain of the file online");
  verbs.for_account(apply, o);
  verbs.connection_options(apply, o);
  verbs.runs(apply, o, [](Options& x) {
    x.apply.account = x.account;
    auto desk = cli::open_desk(x.connection);
    if (!desk) return cli::finish(std::unexpected(desk.error()));
    const cli::Told<int> done = cli::apply(*desk, x.apply);
    if (!done) return cli::finish(std::unexpected(done.error()));
    const int written = cli::finish({});
    return written == cli::kDone ? *done : written;
  });
}

void add_import(Verbs& verbs) {
  CLI::App* import = verbs.group("import", "Make domains out of another program's configuration");
  for (const bool haproxy : {false, true}) {
    auto o = new_options();
    CLI::App* from =
        import->add_subcommand(haproxy ? "haproxy" : "nginx",
                               haproxy ? "From HAProxy's haproxy.cfg" : "From nginx.conf, with what it includes");
    o->import.haproxy = haproxy;
    verbs.completes(from->add_option("file", o->import.file, "The configuration; - for standard input"), "file")
        ->required();
    verbs.completes(from->add_option("--output,-o", o->import.output, "Where the YAML goes; default: standard output"),
                    "file");
    from->add_option("--name", o->import.name, "The domain of a server that has no name of its own");
    verbs.runs(from, o, [](Options& x) { return cli::import_configuration(x.import); });
  }
}

void add_completion(Verbs& verbs) {
  CLI::App* completion = verbs.group("completion", "For shells: source <(fairlead completion bash)");
  auto o = new_options();
  verbs.runs(completion->add_subcommand("bash", "Print a script for bash"), o, [&verbs](Options&) {
    std::fputs(cli::bash_completion(verbs.words()).c_str(), stdout);
    return cli::finish({});
  });
  o = new_options();
  CLI::App* names = verbs.verb(completion, "names", "Print the names that a word can be completed to; for the scripts",
                               o, [](cli::Desk& desk, Options& x) { return cli::print_names(desk, x.kind, x.search); });
  names->add_option("kind", o->kind, "Of what")->required()->check(CLI::IsMember(cli::name_kinds()));
  names->add_option("begin", o->search, "How they begin");
}

}  // namespace

void add_cli_commands(CLI::App& app, int& status) {
  // Callbacks run while `app` parses, so what they refer to lives as long as the program.
  static std::vector<std::unique_ptr<Verbs>> composed;
  Verbs& verbs = *composed.emplace_back(std::make_unique<Verbs>(app, status));
  add_access_verbs(verbs);
  add_domain_verbs(verbs);
  add_account_verbs(verbs);
  add_object_verbs(verbs);
  add_operation_verbs(verbs);
  add_billing_verbs(verbs);
  add_stats_verbs(verbs);
  add_apply(verbs);
  add_import(verbs);
  add_completion(verbs);
}

int tell_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {
    app.exit(error);
    return cli::finish({});
  }
  // The verb that was come to, and the words that it did not know.
  const CLI::App* verb = &app;
  std::string path = app.get_name();
  for (auto below = verb->get_subcommands(); !below.empty(); below = verb->get_subcommands()) {
    verb = below.front();
    path += " " + verb->get_name();
  }
  const auto verbs = verb->get_subcommands([](const CLI::App*) { return true; });
  const auto unknown = app.remaining(true);
  std::string text;
  if (verbs.empty()) {
    text = fmt::format("{}\nhow it is used: {} --help", error.what(), path);
  } else {
    std::vector<std::string> names;
    for (const CLI::App* one : verbs) names.push_back(one->get_name());
    text = unknown.empty() ? fmt::format("\"{}\" alone says nothing", path)
                           : fmt::format("\"{}\" has no \"{}\"", path, model::shown(unknown.front()));
    text += fmt::format("\nit has: {}", fmt::join(names, ", "));
  }
  return cli::finish(cli::trouble(std::move(text)));
}

}  // namespace fairlead::app
