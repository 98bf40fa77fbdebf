// Verbs: accounts and their users.

#include <CLI/CLI.hpp>

#include "app/cli_verbs.h"

namespace fairlead::app {
namespace {

using cli::Desk;

constexpr const char* kAccountName = "Its name or id";
constexpr const char* kUserName = "E-mail address or id";

CLI::Option* websocket_default(CLI::App* verb, std::string& value) {
  return verb->add_option("--websocket-default", value, "The switch of domains that do not say")
      ->check(CLI::IsMember({"by-acceleration", "on", "off"}));
}

void add_accounts(Verbs& verbs) {
  CLI::App* account = verbs.group("account", "Accounts");
  auto o = new_options();
  verbs
      .verb(account, "list", "Accounts, by name", o,
            [](Desk& desk, Options& x) { return cli::account_list(desk, x.search); })
      ->add_option("search", o->search, "Only names that contain this");
  o = new_options();
  CLI::App* show = verbs.verb(account, "show", "One account, and whether WebSocket is activated for it", o,
                              [](Desk& desk, Options& x) { return cli::account_show(desk, x.name); });
  verbs.completes(show->add_option("name", o->name, "Its name or id; default: your own"), "account");
  o = new_options();
  CLI::App* create = verbs.verb(account, "create", "Open an account for a customer", o,
                                [](Desk& desk, Options& x) { return cli::account_create(desk, x.new_account); });
  create->add_option("name", o->new_account.name, "Its name")->required();
  create->add_option("--time-zone", o->new_account.time_zone, "IANA name; default: UTC");
  websocket_default(create, o->new_account.websocket_default);
  create->add_flag("--verified", o->new_account.verified, "The real name was proved");
  o = new_options();
  CLI::App* change = verbs.verb(account, "change", "Change an account; what is not named stays", o,
                                [](Desk& desk, Options& x) { return cli::account_change(desk, x.account_change); });
  verbs.completes(change->add_option("name", o->account_change.name, kAccountName), "account")->required();
  change->add_option("--new-name", o->account_change.new_name, "Operators: another name");
  change->add_option("--time-zone", o->account_change.time_zone, "IANA name");
  websocket_default(change, o->account_change.websocket_default);
  verbs.on_name(account, "verify", "The real name was proved", kAccountName, "account",
                [](Desk& desk, Options& x) { return cli::account_verify(desk, x.name); });
  verbs.on_name(account, "suspend", "Suspend it: its domains go from the edges", kAccountName, "account",
                [](Desk& desk, Options& x) { return cli::account_state(desk, x.name, "suspended"); });
  verbs.on_name(account, "resume", "End its suspension", kAccountName, "account",
                [](Desk& desk, Options& x) { return cli::account_state(desk, x.name, "active"); });
  verbs.on_name(account, "close", "Close it: its domains go from the edges, its users cannot sign in", kAccountName,
                "account", [](Desk& desk, Options& x) { return cli::account_state(desk, x.name, "closed"); });
}

void add_users(Verbs& verbs) {
  CLI::App* user = verbs.group("user", "Users");
  auto o = new_options();
  verbs.for_account(verbs.verb(user, "list", "Users, by e-mail address", o,
                               [](Desk& desk, Options& x) { return cli::user_list(desk, x.account); }),
                    o);
  o = new_options();
  CLI::App* add = verbs.verb(user, "create", "Add a user; without a password file, a link to set one is made", o,
                             [](Desk& desk, Options& x) {
                               x.user.account = x.account;
                               return cli::user_create(desk, x.user);
                             });
  add->add_option("email", o->user.email, "E-mail address")->required();
  add->add_option("--role", o->user.role, "Role; default: as the account is")
      ->check(CLI::IsMember({"customer", "operator", "auditor"}));
  verbs.completes(add->add_option("--password-file", o->user.password_file, "File with the password"), "file");
  verbs.for_account(add, o);
  o = new_options();
  CLI::App* role = verbs.verb(user, "role", "Give a user another role", o,
                              [](Desk& desk, Options& x) { return cli::user_role(desk, x.name, x.second); });
  verbs.completes(role->add_option("name", o->name, kUserName), "user")->required();
  role->add_option("role", o->second, "Role")->required()->check(CLI::IsMember({"customer", "operator", "auditor"}));
  verbs.on_name(user, "disable", "Disable a user: logins and tokens end at once", kUserName, "user",
                [](Desk& desk, Options& x) { return cli::user_disable(desk, x.name, true); });
  verbs.on_name(user, "enable", "Enable a user again", kUserName, "user",
                [](Desk& desk, Options& x) { return cli::user_disable(desk, x.name, false); });
  verbs.on_name(user, "delete", "Delete a user", kUserName, "user",
                [](Desk& desk, Options& x) { return cli::user_delete(desk, x.name); });
  verbs.on_name(user, "password-link", "A link by which the user can set a new password", kUserName, "user",
                [](Desk& desk, Options& x) { return cli::user_password_link(desk, x.name); });
}

}  // namespace

void add_account_verbs(Verbs& verbs) {
  add_accounts(verbs);
  add_users(verbs);
}

}  // namespace fairlead::app
