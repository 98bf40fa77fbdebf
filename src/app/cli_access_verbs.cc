// Verbs: signing in and out, the first operator, passwords and tokens.

#include <CLI/CLI.hpp>

#include "app/cli_verbs.h"

namespace fairlead::app {
namespace {

using cli::Desk;

void add_sign_in(Verbs& verbs) {
  CLI::App& app = verbs.app();
  auto o = new_options();
  CLI::App* setup =
      app.add_subcommand("setup", "Become the first operator, with the link that the first start printed");
  setup->add_option("link", o->set_up.link, "'https://.../setup#...', in quotes")->required();
  setup->add_option("--email,-e", o->set_up.email, "Your e-mail address")->required();
  setup->add_option("--account-name", o->set_up.account_name, "Name of the operators' account; default: Operators");
  verbs.completes(
      setup->add_option("--password-file", o->set_up.password_file, "File with the password; default: asked for"),
      "file");
  verbs.connection_options(setup, o);
  verbs.runs(setup, o, [](Options& x) { return cli::finish(cli::set_up(x.connection, x.set_up)); });

  o = new_options();
  CLI::App* login =
      app.add_subcommand("login", "Sign in: makes a token and keeps it in ~/.config/fairlead/credentials.json");
  login->add_option("url", o->login.url, "Address of the server; default: as --server");
  login->add_option("--email,-e", o->login.email, "E-mail address")->required();
  verbs.completes(
      login->add_option("--password-file", o->login.password_file, "File with the password; default: asked for"),
      "file");
  login->add_option("--days", o->login.days, "How long the token lasts")
      ->check(CLI::Range(1, 3650))
      ->capture_default_str();
  verbs.connection_options(login, o);
  verbs.runs(login, o, [](Options& x) { return cli::finish(cli::log_in(x.connection, x.login)); });

  o = new_options();
  CLI::App* logout = app.add_subcommand("logout", "End the login's token and forget it");
  verbs.connection_options(logout, o);
  verbs.runs(logout, o, [](Options& x) { return cli::finish(cli::log_out(x.connection)); });

  verbs.verb(&app, "whoami", "Who you are to the server", new_options(),
             [](Desk& desk, Options&) { return cli::who_am_i(desk); });

  o = new_options();
  CLI::App* password = app.add_subcommand("password", "Set your password: with the old one, or with a link");
  password->add_option("--link", o->password.link, "'https://.../password#...' that was sent to you, in quotes");
  verbs.completes(password->add_option("--old-password-file", o->password.old_password_file,
                                       "File with the old password; default: asked for"),
                  "file");
  verbs.completes(password->add_option("--password-file", o->password.password_file,
                                       "File with the new password; default: asked for"),
                  "file");
  verbs.connection_options(password, o);
  verbs.runs(password, o, [](Options& x) { return cli::finish(cli::set_password(x.connection, x.password)); });
}

void add_tokens(Verbs& verbs) {
  CLI::App* token = verbs.group("token", "API tokens of yours");
  verbs.verb(token, "list", "All of them", new_options(), [](Desk& desk, Options&) { return cli::token_list(desk); });
  auto o = new_options();
  CLI::App* make = verbs.verb(token, "create", "Make one; it is printed this once", o, [](Desk& desk, Options& x) {
    return cli::token_create(desk, x.name, x.read_only, x.days);
  });
  make->add_option("name", o->name, "What it is for")->required();
  make->add_flag("--read-only", o->read_only, "It may change nothing");
  make->add_option("--days", o->days, "How long it lasts")->check(CLI::Range(1, 3650))->capture_default_str();
  verbs.on_name(token, "delete", "End one", "Its name or id", "token",
                [](Desk& desk, Options& x) { return cli::token_delete(desk, x.name); });
}

}  // namespace

void add_access_verbs(Verbs& verbs) {
  add_sign_in(verbs);
  add_tokens(verbs);
}

}  // namespace fairlead::app
