#include "app/cli_verbs.h"

#include <CLI/CLI.hpp>

namespace fairlead::app {
namespace {

// {"text", "json"} of the type that CLI11 shows for an option with a list of choices: "TEXT:{text,json}".
std::vector<std::string> choices_of(const CLI::Option* option) {
  std::vector<std::string> out;
  const std::string type = option->get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) return out;
  std::string word;
  for (const char c : type.substr(begin + 1, end - begin - 1) + ",") {
    if (c != ',') {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  return out;
}

}  // namespace

CLI::App* Verbs::group(const std::string& name, const std::string& what) {
  CLI::App* const out = app_.add_subcommand(name, what);
  out->require_subcommand(1);
  return out;
}

void Verbs::connection_options(CLI::App* verb, const OptionsPtr& options) {
  cli::Connection& to = options->connection;
  const std::string shared = "Connection and output";
  verb->add_option("--server,-s", to.server,
                   "URL; default: $FAIRLEAD_SERVER, else of the last login, else "
                   "http://127.0.0.1:9180")
      ->type_name("URL")
      ->group(shared);
  completes(
      verb->add_option("--token-file", to.token_file, "File with a token; default: $FAIRLEAD_TOKEN, else the login's"),
      "file")
      ->type_name("FILE")
      ->group(shared);
  completes(verb->add_option("--ca-file", to.ca_file, "CA of the server's certificate; default: the system's"), "file")
      ->type_name("FILE")
      ->group(shared);
  verb->add_option("--output,-o", options->format,
                   options->formats.size() > 2 ? "For people (text) or for programs (json, csv)"
                                               : "For people (text) or for programs (json)")
      ->check(CLI::IsMember(options->formats))
      ->group(shared);
}

void Verbs::runs(CLI::App* verb, const OptionsPtr& options, std::function<int(Options&)> act) {
  verb->callback([this, options, act = std::move(act)] {
    options->connection.json = options->format == "json";
    status_ = act(*options);
  });
}

CLI::App* Verbs::verb(CLI::App* parent, const std::string& name, const std::string& what, const OptionsPtr& options,
                      Act act) {
  CLI::App* const out = parent->add_subcommand(name, what);
  connection_options(out, options);
  runs(out, options, [act = std::move(act)](Options& x) {
    auto desk = cli::open_desk(x.connection);
    return desk ? cli::finish(act(*desk, x)) : cli::finish(std::unexpected(desk.error()));
  });
  return out;
}

CLI::App* Verbs::on_name(CLI::App* parent, const std::string& name, const std::string& what,
                         const std::string& argument, const std::string& kind, Act act) {
  const auto options = new_options();
  CLI::App* const out = verb(parent, name, what, options, std::move(act));
  completes(out->add_option("name", options->name, argument), kind)->required();
  return out;
}

CLI::Option* Verbs::for_account(CLI::App* verb, const OptionsPtr& options) {
  return completes(verb->add_option("--account", options->account, "Operators: of this account (name or id)"),
                   "account");
}

CLI::Option* Verbs::completes(CLI::Option* option, const std::string& kind) {
  if (!kind.empty()) kinds_[option] = kind;
  return option;
}

std::vector<cli::CommandWords> Verbs::words() const {
  std::vector<cli::CommandWords> out;
  collect(&app_, {}, out);
  return out;
}

void Verbs::collect(const CLI::App* command, const std::vector<std::string>& path,
                    std::vector<cli::CommandWords>& out) const {
  cli::CommandWords words;
  words.path = path;
  const auto below = command->get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : below) words.verbs.push_back(sub->get_name());
  for (const CLI::Option* option : command->get_options([](const CLI::Option*) { return true; })) {
    cli::ValueWords value{choices_of(option), {}};
    if (const auto kind = kinds_.find(option); kind != kinds_.end()) value.kind = kind->second;
    if (option->get_positional()) {
      words.arguments.push_back(std::move(value));
      continue;
    }
    cli::OptionWords one;
    for (const std::string& name : option->get_lnames()) one.names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) one.names.push_back("-" + name);
    one.takes_value = option->get_items_expected_max() > 0;
    one.value = std::move(value);
    words.options.push_back(std::move(one));
  }
  out.push_back(std::move(words));
  for (const CLI::App* sub : below) {
    auto deeper = path;
    deeper.push_back(sub->get_name());
    collect(sub, deeper, out);
  }
}

}  // namespace fairlead::app
