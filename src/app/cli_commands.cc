#include "app/cli_commands.h"

#include "cli/access_verbs.h"
#include "cli/account_verbs.h"
#include "cli/apply.h"
#include "cli/completion.h"
#include "cli/domain_verbs.h"
#include "cli/import_verb.h"
#include "cli/object_verbs.h"
#include "cli/operation_verbs.h"
#include <CLI/CLI.hpp>

#include <functional>
#include <memory>

namespace fairlead::app {
namespace {

using cli::Connection;
using cli::Desk;
using cli::Told;

// Values of options, which live as long as the callbacks that use them.
struct Options {
  Connection connection;
  std::string format = "text";
  std::string name, second, account, search, state, reason;
  std::size_t most = 1000;
  int days = 90;
  bool flag = false, check = false, vouch = false;
  cli::LoginArgs login;
  cli::SetUpArgs set_up;
  cli::PasswordArgs password;
  cli::DomainCreateArgs domain;
  cli::AccountCreateArgs new_account;
  cli::UserCreateArgs user;
  cli::ApplicationArgs application;
  cli::AuditArgs audit;
  cli::ApplyArgs apply;
  cli::ImportArgs import;
};

class Composer {
 public:
  Composer(CLI::App& app, int& status) : app_(app), status_(status) {}

  void compose() {
    access();
    domains();
    accounts();
    objects();
    operation();
    files();
    completion();
  }

 private:
  using Shared = std::shared_ptr<Options>;
  using Verb = std::function<Told<void>(Desk&, Options&)>;

  static CLI::App* group(CLI::App* parent, const std::string& name, const std::string& what) {
    CLI::App* out = parent->add_subcommand(name, what);
    out->require_subcommand(1);
    return out;
  }

  static void connection_options(CLI::App* verb, const Shared& options) {
    verb->add_option(
        "--server,-s", options->connection.server,
        "https://..., http://127.0.0.1:9180 or unix:/path; default: $FAIRLEAD_SERVER, else the last login's");
    verb->add_option("--token-file", options->connection.token_file,
                     "File with a token; default: $FAIRLEAD_TOKEN, else the login's");
    verb->add_option("--ca-file", options->connection.ca_file, "CA of the server's certificate; default: the system's");
    verb->add_option("--output,-o", options->format, "text or json")->check(CLI::IsMember({"text", "json"}));
  }

  // A verb that asks the API.
  CLI::App* verb(CLI::App* parent, const std::string& name, const std::string& what, const Shared& options, Verb act) {
    CLI::App* out = parent->add_subcommand(name, what);
    connection_options(out, options);
    out->callback([this, options, act = std::move(act)] {
      options->connection.json = options->format == "json";
      auto desk = cli::open_desk(options->connection);
      status_ = desk ? cli::finish(act(*desk, *options)) : cli::finish(std::unexpected(desk.error()));
    });
    return out;
  }

  static Shared fresh() { return std::make_shared<Options>(); }

  static void for_account(CLI::App* verb, const Shared& options) {
    verb->add_option("--account", options->account, "Operators: of this account (name or id)");
  }

  void access() {
    auto o = fresh();
    CLI::App* login =
        app_.add_subcommand("login", "Sign in: makes a token and keeps it in ~/.config/fairlead/credentials.json");
    login->add_option("url", o->login.url, "Address of the server");
    login->add_option("--email,-e", o->login.email, "E-mail address")->required();
    login->add_option("--password-file", o->login.password_file, "File with the password; default: asked for");
    login->add_option("--days", o->login.days, "How long the token lasts")
        ->check(CLI::Range(1, 3650))
        ->capture_default_str();
    connection_options(login, o);
    login->callback([this, o] {
      o->connection.json = o->format == "json";
      status_ = cli::finish(cli::log_in(o->connection, o->login));
    });

    o = fresh();
    CLI::App* logout = app_.add_subcommand("logout", "End the login's token and forget it");
    connection_options(logout, o);
    logout->callback([this, o] {
      o->connection.json = o->format == "json";
      status_ = cli::finish(cli::log_out(o->connection));
    });

    o = fresh();
    CLI::App* setup =
        app_.add_subcommand("setup", "Become the first operator, with the link that the first start printed");
    setup->add_option("link", o->set_up.link, "https://.../setup#...")->required();
    setup->add_option("--email,-e", o->set_up.email, "Your e-mail address")->required();
    setup->add_option("--account-name", o->set_up.account_name, "Name of the operators' account");
    setup->add_option("--password-file", o->set_up.password_file, "File with the password; default: asked for");
    connection_options(setup, o);
    setup->callback([this, o] {
      o->connection.json = o->format == "json";
      status_ = cli::finish(cli::set_up(o->connection, o->set_up));
    });

    o = fresh();
    CLI::App* password =
        app_.add_subcommand("password", "Set a password with the link of an invitation, or change yours");
    password->add_option("link", o->password.link, "https://.../password#...; default: your own password is changed");
    password->add_option("--old-password-file", o->password.old_password_file,
                         "Without a link: file with the password so far; default: asked for");
    password->add_option("--password-file", o->password.password_file,
                         "File with the new password; default: asked for");
    connection_options(password, o);
    password->callback([this, o] {
      o->connection.json = o->format == "json";
      status_ = cli::finish(cli::set_password(o->connection, o->password));
    });

    CLI::App* token = group(&app_, "token", "API tokens of yours");
    verb(token, "list", "All of them", fresh(), [](Desk& desk, Options&) { return cli::token_list(desk); });
    o = fresh();
    CLI::App* make = verb(token, "create", "Make one; it is printed this once", o,
                          [](Desk& desk, Options& x) { return cli::token_create(desk, x.name, x.flag, x.days); });
    make->add_option("name", o->name, "What it is for")->required();
    make->add_flag("--read-only", o->flag, "It may change nothing");
    make->add_option("--days", o->days, "How long it lasts")->check(CLI::Range(1, 3650))->capture_default_str();
    o = fresh();
    verb(token, "delete", "End one", o, [](Desk& desk, Options& x) { return cli::token_delete(desk, x.name); })
        ->add_option("name", o->name, "Its name or id")
        ->required();
  }

  // "fairlead domain start NAME" and its kin.
  CLI::App* on_name(CLI::App* parent, const std::string& name, const std::string& what, const std::string& argument,
                    Verb act) {
    auto o = fresh();
    CLI::App* out = verb(parent, name, what, o, std::move(act));
    out->add_option("name", o->name, argument)->required();
    return out;
  }

  void domains() {
    CLI::App* domain = group(&app_, "domain", "Domains and their WebSocket switch");
    auto o = fresh();
    CLI::App* list = verb(domain, "list", "Domains, by name", o, [](Desk& desk, Options& x) {
      return cli::domain_list(desk, {x.search, x.state, x.account, x.most});
    });
    list->add_option("search", o->search, "Only names that contain this");
    list->add_option("--state", o->state, "Only those in this state")
        ->check(CLI::IsMember({"configuring", "online", "offline", "checking", "check_failed"}));
    list->add_option("--limit", o->most, "At most so many")->capture_default_str();
    for_account(list, o);
    on_name(domain, "show", "One domain with its settings", "Its name",
            [](Desk& desk, Options& x) { return cli::domain_show(desk, x.name); });

    o = fresh();
    CLI::App* create = verb(domain, "create", "Add a domain", o, [](Desk& desk, Options& x) {
      x.domain.account = x.account;
      return cli::domain_create(desk, x.domain);
    });
    create->add_option("name", o->domain.name, "live.example.com, or .example.com for every name below it")->required();
    create->add_option("--origin", o->domain.origins, "10.0.0.11:8080 or https://app.internal:8443; may be repeated");
    create->add_option("--settings", o->domain.settings_file,
                       "File with settings (YAML or JSON), see docs/configuration.md");
    create->add_option("--certificate", o->domain.certificates, "Name of a certificate; may be repeated");
    create->add_option("--layer7", o->domain.layer7_config, "Name of a layer-7 configuration");
    create->add_option("--region", o->domain.region, "Where it is served")
        ->check(CLI::IsMember({"mainland", "overseas", "global"}));
    create->add_option("--icp-number", o->domain.icp_number, "ICP number");
    create->add_flag("--migrated", o->domain.migrated, "It came from a plain CDN (R17)");
    create->add_flag("--start", o->domain.start, "Bring it online at once");
    for_account(create, o);
    on_name(domain, "delete", "Delete it; its live sessions end as on_disable says", "Its name",
            [](Desk& desk, Options& x) { return cli::domain_delete(desk, x.name); });
    on_name(domain, "start", "Bring it online", "Its name",
            [](Desk& desk, Options& x) { return cli::domain_start_stop(desk, x.name, "start"); });
    on_name(domain, "stop", "Take it offline", "Its name",
            [](Desk& desk, Options& x) { return cli::domain_start_stop(desk, x.name, "stop"); });
    o = fresh();
    CLI::App* flip = verb(domain, "switch", "Switch WebSocket on or off, on every edge at once", o,
                          [](Desk& desk, Options& x) { return cli::domain_switch(desk, x.name, x.second == "on"); });
    flip->add_option("name", o->name, "The domain's name")->required();
    flip->add_option("to", o->second, "on or off")->required()->check(CLI::IsMember({"on", "off"}));
    on_name(domain, "gates", "What it needs before it can go live, and before WebSocket", "Its name",
            [](Desk& desk, Options& x) { return cli::domain_gates(desk, x.name); });
    o = fresh();
    CLI::App* verify = verb(domain, "verify", "How to prove that it is yours, and whether that was done", o,
                            [](Desk& desk, Options& x) { return cli::domain_verify(desk, x.name, x.check, x.vouch); });
    verify->add_option("name", o->name, "The domain's name")->required();
    verify->add_flag("--check", o->check, "Look for the proof now");
    verify->add_flag("--vouch", o->vouch, "Operators: say that it is the account's");

    CLI::App* session = group(&app_, "session", "Live sessions");
    o = fresh();
    CLI::App* sessions = verb(session, "list", "Live sessions of a domain", o,
                              [](Desk& desk, Options& x) { return cli::session_list(desk, x.name, x.second, x.most); });
    sessions->add_option("domain", o->name, "The domain's name")->required();
    sessions->add_option("--client", o->second, "Only those of this client address");
    sessions->add_option("--limit", o->most, "At most so many")->capture_default_str();
    o = fresh();
    CLI::App* end = verb(session, "end", "End a session in order (Close 1001)", o,
                         [](Desk& desk, Options& x) { return cli::session_end(desk, x.name, x.second); });
    end->add_option("domain", o->name, "The domain's name")->required();
    end->add_option("id", o->second, "The session's id")->required();
  }

  void accounts() {
    CLI::App* account = group(&app_, "account", "Accounts");
    auto o = fresh();
    verb(account, "list", "Accounts, by name", o, [](Desk& desk, Options& x) {
      return cli::account_list(desk, x.search);
    })->add_option("search", o->search, "Only names that contain this");
    o = fresh();
    CLI::App* create = verb(account, "create", "Open an account for a customer", o,
                            [](Desk& desk, Options& x) { return cli::account_create(desk, x.new_account); });
    create->add_option("name", o->new_account.name, "Its name")->required();
    create->add_option("--time-zone", o->new_account.time_zone, "IANA name; default: UTC");
    create
        ->add_option("--websocket-default", o->new_account.websocket_default,
                     "The switch of domains that do not say (R2)")
        ->check(CLI::IsMember({"by-acceleration", "on", "off"}));
    create->add_flag("--verified", o->new_account.verified, "The real name was proved");
    on_name(account, "show", "One account", "Its name or id",
            [](Desk& desk, Options& x) { return cli::account_show(desk, x.name); });
    on_name(account, "verify", "The real name was proved (R16)", "Its name or id",
            [](Desk& desk, Options& x) { return cli::account_verify(desk, x.name); });
    on_name(account, "suspend", "Suspend it: its domains go from the edges", "Its name or id",
            [](Desk& desk, Options& x) { return cli::account_state(desk, x.name, "suspended"); });
    on_name(account, "resume", "End its suspension", "Its name or id",
            [](Desk& desk, Options& x) { return cli::account_state(desk, x.name, "active"); });

    CLI::App* user = group(&app_, "user", "Users");
    o = fresh();
    for_account(verb(user, "list", "Users, by e-mail address", o,
                     [](Desk& desk, Options& x) { return cli::user_list(desk, x.account); }),
                o);
    o = fresh();
    CLI::App* add = verb(user, "create", "Add a user; without a password file, a link to set one is made", o,
                         [](Desk& desk, Options& x) {
                           x.user.account = x.account;
                           return cli::user_create(desk, x.user);
                         });
    add->add_option("email", o->user.email, "E-mail address")->required();
    add->add_option("--role", o->user.role, "Role")->check(CLI::IsMember({"customer", "operator", "auditor"}));
    add->add_option("--password-file", o->user.password_file, "File with the password");
    for_account(add, o);
    on_name(user, "disable", "Disable a user: logins and tokens end at once", "E-mail address or id",
            [](Desk& desk, Options& x) { return cli::user_disable(desk, x.name, true); });
    on_name(user, "enable", "Enable a user again", "E-mail address or id",
            [](Desk& desk, Options& x) { return cli::user_disable(desk, x.name, false); });
    on_name(user, "delete", "Delete a user", "E-mail address or id",
            [](Desk& desk, Options& x) { return cli::user_delete(desk, x.name); });
    on_name(user, "password-link", "A link by which the user can set a new password", "E-mail address or id",
            [](Desk& desk, Options& x) { return cli::user_password_link(desk, x.name); });
  }

  void objects() {
    CLI::App* certificate = group(&app_, "certificate", "Certificates");
    auto o = fresh();
    for_account(verb(certificate, "list", "Certificates, by name", o,
                     [](Desk& desk, Options& x) { return cli::certificate_list(desk, x.account); }),
                o);
    o = fresh();
    CLI::App* upload = verb(
        certificate, "upload", "Upload one, or replace the one of that name", o,
        [](Desk& desk, Options& x) { return cli::certificate_upload(desk, x.name, x.second, x.reason, x.account); });
    upload->add_option("name", o->name, "Its name")->required();
    upload->add_option("--chain", o->second, "File with the chain, PEM")->required();
    upload->add_option("--key", o->reason, "File with the private key, PEM")->required();
    for_account(upload, o);
    o = fresh();
    CLI::App* remove = verb(certificate, "delete", "Delete one that no domain is bound to", o,
                            [](Desk& desk, Options& x) { return cli::certificate_delete(desk, x.name, x.account); });
    remove->add_option("name", o->name, "Its name or id")->required();
    for_account(remove, o);

    CLI::App* layer7 = group(&app_, "layer7", "Layer-7 configurations");
    o = fresh();
    for_account(
        verb(layer7, "list", "By name", o, [](Desk& desk, Options& x) { return cli::layer7_list(desk, x.account); }),
        o);
    o = fresh();
    CLI::App* show = verb(layer7, "show", "One of them", o,
                          [](Desk& desk, Options& x) { return cli::layer7_show(desk, x.name, x.account); });
    show->add_option("name", o->name, "Its name or id")->required();
    for_account(show, o);
    o = fresh();
    CLI::App* set = verb(layer7, "set", "Make one, or replace it for all its domains at once", o,
                         [](Desk& desk, Options& x) { return cli::layer7_set(desk, x.name, x.second, x.account); });
    set->add_option("name", o->name, "Its name")->required();
    set->add_option("--file,-f", o->second, "File with settings (YAML or JSON), see docs/configuration.md")->required();
    for_account(set, o);
    o = fresh();
    CLI::App* drop = verb(layer7, "delete", "Delete one that no domain is bound to", o,
                          [](Desk& desk, Options& x) { return cli::layer7_delete(desk, x.name, x.account); });
    drop->add_option("name", o->name, "Its name or id")->required();
    for_account(drop, o);
  }

  void operation() {
    CLI::App* application = group(&app_, "application", "Activation, and architecture changes");
    auto o = fresh();
    CLI::App* list = verb(application, "list", "Applications, oldest first", o,
                          [](Desk& desk, Options& x) { return cli::application_list(desk, x.state, x.account); });
    list->add_option("--state", o->state, "Only those in this state")
        ->check(CLI::IsMember({"submitted", "approved", "rejected"}));
    for_account(list, o);
    on_name(application, "show", "One application", "Its id",
            [](Desk& desk, Options& x) { return cli::application_show(desk, x.name); });
    o = fresh();
    CLI::App* submit = verb(application, "submit", "Apply for activation, or for a domain's architecture change", o,
                            [](Desk& desk, Options& x) {
                              x.application.account = x.account;
                              return cli::application_submit(desk, x.application);
                            });
    submit->add_option("--contact-name", o->application.contact_name, "Who can be asked")->required();
    submit->add_option("--contact-email", o->application.contact_email, "E-mail address")->required();
    submit->add_option("--contact-phone", o->application.contact_phone, "Telephone");
    submit->add_option("--company", o->application.company, "Company");
    submit->add_option("--use-case", o->application.use_case, "What it is for")
        ->required()
        ->check(CLI::IsMember(
            {"live-comments", "online-class", "quotes", "live-sports", "conference", "location-tracking", "other"}));
    submit->add_option("--description", o->application.description, "In your own words");
    submit->add_option("--domain", o->application.domain, "An architecture change of this domain (R17)");
    for_account(submit, o);
    o = fresh();
    CLI::App* approve = verb(application, "approve", "Approve one", o,
                             [](Desk& desk, Options& x) { return cli::application_approve(desk, x.name, x.reason); });
    approve->add_option("id", o->name, "Its id")->required();
    approve->add_option("--reason", o->reason, "What the customer is told");
    o = fresh();
    CLI::App* reject = verb(application, "reject", "Reject one", o,
                            [](Desk& desk, Options& x) { return cli::application_reject(desk, x.name, x.reason); });
    reject->add_option("id", o->name, "Its id")->required();
    reject->add_option("--reason", o->reason, "What the customer is told")->required();

    o = fresh();
    CLI::App* audit = verb(&app_, "audit", "Who changed what, newest first", o, [](Desk& desk, Options& x) {
      x.audit.account = x.account;
      return cli::audit(desk, x.audit);
    });
    audit->add_option("--type", o->audit.object_type, "Only of this kind of object: domain, certificate, ...");
    audit->add_option("--name", o->audit.object_name, "Only of the object of this name");
    audit->add_option("--action", o->audit.action, "Only this action: domain.change, ...");
    audit->add_option("--limit", o->audit.most, "At most so many")->capture_default_str();
    for_account(audit, o);

    // "edge" is the verb that runs one; "edges" asks the control plane about all of them.
    verb(&app_, "edges", "Edges and what they obey", fresh(),
         [](Desk& desk, Options&) { return cli::edge_list(desk); });
  }

  void files() {
    auto o = fresh();
    CLI::App* apply = app_.add_subcommand("apply", "Bring the server to what a file asks for; shows a plan first");
    apply->add_option("--file,-f", o->apply.file, "YAML in the schema of docs/configuration.md; - for standard input")
        ->required();
    apply->add_flag("--dry-run", o->apply.dry_run, "Show the plan and stop: exit 2 when something would change");
    apply->add_flag("--yes,-y", o->apply.yes, "Do not ask");
    apply->add_flag("--prune", o->apply.prune, "Delete what the file does not have");
    apply->add_flag("--start", o->apply.start, "Bring every domain of the file online");
    for_account(apply, o);
    connection_options(apply, o);
    apply->callback([this, o] {
      o->connection.json = o->format == "json";
      o->apply.account = o->account;
      auto desk = cli::open_desk(o->connection);
      if (!desk) {
        status_ = cli::finish(std::unexpected(desk.error()));
        return;
      }
      const Told<int> done = cli::apply(*desk, o->apply);
      status_ = done ? *done : cli::finish(std::unexpected(done.error()));
    });

    CLI::App* import = group(&app_, "import", "Make domains out of another program's configuration");
    for (const bool haproxy : {false, true}) {
      o = fresh();
      CLI::App* from =
          import->add_subcommand(haproxy ? "haproxy" : "nginx",
                                 haproxy ? "From HAProxy's haproxy.cfg" : "From nginx.conf, with what it includes");
      o->import.haproxy = haproxy;
      from->add_option("file", o->import.file, "The configuration; - for standard input")->required();
      from->add_option("--output,-o", o->import.output, "Where the YAML goes; default: standard output");
      from->add_option("--name", o->import.name, "The domain of a server that has no name of its own");
      from->callback([this, o] { status_ = cli::import_configuration(o->import); });
    }
  }

  static void collect(const CLI::App* command, const std::vector<std::string>& path,
                      std::vector<cli::CommandWords>& out) {
    cli::CommandWords words;
    words.path = path;
    std::vector<const CLI::App*> below = command->get_subcommands([](const CLI::App*) { return true; });
    for (const CLI::App* sub : below) words.words.push_back(sub->get_name());
    for (const CLI::Option* option : command->get_options([](const CLI::Option*) { return true; })) {
      for (const std::string& name : option->get_lnames()) words.options.push_back("--" + name);
    }
    out.push_back(words);
    for (const CLI::App* sub : below) {
      auto deeper = path;
      deeper.push_back(sub->get_name());
      collect(sub, deeper, out);
    }
  }

  void completion() {
    CLI::App* completion =
        app_.add_subcommand("completion", "Print a completion script: source <(fairlead completion bash)");
    auto o = fresh();
    completion->add_option("shell", o->name, "bash")->required()->check(CLI::IsMember({"bash"}));
    CLI::App* const app = &app_;
    completion->callback([app, o] {
      std::vector<cli::CommandWords> commands;
      collect(app, {}, commands);
      std::fputs(cli::bash_completion(commands).c_str(), stdout);
    });
  }

  CLI::App& app_;
  int& status_;
};

}  // namespace

void add_cli_commands(CLI::App& app, int& status) {
  // Callbacks run while `app` parses, so what they refer to lives as long as the program.
  static std::vector<std::unique_ptr<Composer>> composers;
  composers.push_back(std::make_unique<Composer>(app, status));
  composers.back()->compose();
}

}  // namespace fairlead::app
