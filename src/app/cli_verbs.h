#pragma once
// Verbs: how the verbs of the command line are composed with CLI11: the options that all of them share, the values of
// the others, and what bash is told to complete. The verbs themselves are in the cli_*_verbs.cc beside this file, a
// subject each; what they do is in src/cli.

#include "cli/access_verbs.h"
#include "cli/account_verbs.h"
#include "cli/apply.h"
#include "cli/billing_verbs.h"
#include "cli/completion.h"
#include "cli/desk.h"
#include "cli/domain_verbs.h"
#include "cli/import_verb.h"
#include "cli/operation_verbs.h"
#include "cli/stats_verbs.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fairlead::app {

// Values of options, which live as long as the callbacks that use them. Each verb has its own.
struct Options {
  cli::Connection connection;
  std::string format = "text";
  std::vector<std::string> formats = {"text", "json"};  // that the verb knows
  std::string name, second, account, search, state, kind, reason;
  std::string chain_file, key_file, file;
  std::size_t most = 1000;
  int days = 90;
  bool read_only = false, check = false, vouch = false, dry_run = false;
  cli::LoginArgs login;
  cli::SetUpArgs set_up;
  cli::PasswordArgs password;
  cli::DomainCreateArgs domain;
  cli::AccountCreateArgs new_account;
  cli::AccountChangeArgs account_change;
  cli::UserCreateArgs user;
  cli::ApplicationArgs application;
  cli::AuditArgs audit;
  cli::PolicyArgs policy;
  cli::PackOfferArgs pack;
  cli::ApplyArgs apply;
  cli::ImportArgs import;
  cli::StatsArgs stats;
};
using OptionsPtr = std::shared_ptr<Options>;
inline OptionsPtr new_options() { return std::make_shared<Options>(); }

class Verbs {
 public:
  using Act = std::function<cli::Told<void>(cli::Desk&, Options&)>;

  // Both outlive it.
  Verbs(CLI::App& app, int& status) : app_(app), status_(status) {}

  CLI::App& app() { return app_; }

  // "fairlead domain": nothing by itself.
  CLI::App* group(const std::string& name, const std::string& what);
  // A verb that asks the API.
  CLI::App* verb(CLI::App* parent, const std::string& name, const std::string& what, const OptionsPtr& options,
                 Act act);
  // The same for a verb whose one argument, into Options::name, says on what. `kind`: see completes().
  CLI::App* on_name(CLI::App* parent, const std::string& name, const std::string& what, const std::string& argument,
                    const std::string& kind, Act act);
  // A verb that opens its desk itself, and says its exit status.
  void runs(CLI::App* verb, const OptionsPtr& options, std::function<int(Options&)> act);

  void connection_options(CLI::App* verb, const OptionsPtr& options);
  // --account, for operators.
  CLI::Option* for_account(CLI::App* verb, const OptionsPtr& options);
  // What its value is: "file", or one of cli::name_kinds().
  CLI::Option* completes(CLI::Option* option, const std::string& kind);

  // Everything that `app` has, for the completion script.
  std::vector<cli::CommandWords> words() const;

 private:
  void collect(const CLI::App* command, const std::vector<std::string>& path,
               std::vector<cli::CommandWords>& out) const;

  CLI::App& app_;
  int& status_;
  std::map<const CLI::Option*, std::string> kinds_;
};

void add_access_verbs(Verbs& verbs);
void add_domain_verbs(Verbs& verbs);
void add_account_verbs(Verbs& verbs);
void add_object_verbs(Verbs& verbs);
void add_operation_verbs(Verbs& verbs);
void add_billing_verbs(Verbs& verbs);
void add_stats_verbs(Verbs& verbs);

}  // namespace fairlead::app
