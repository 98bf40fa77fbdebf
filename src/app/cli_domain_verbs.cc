// Verbs: domains, their WebSocket switch, and their live sessions.

#include <CLI/CLI.hpp>

#include "app/cli_verbs.h"

namespace fairlead::app {
namespace {

using cli::Desk;

constexpr const char* kDomainName = "The domain's name";

void value_options(Verbs& verbs, CLI::App* verb, cli::DomainValues& values) {
  verb->add_option("--origin", values.origins, "10.0.0.11:8080 or https://app.internal:8443; may be repeated")
      ->allow_extra_args(false);
  verb->add_option("--set", values.sets,
                   "KEY=VALUE of docs/configuration.md, as websocket.connection_timeout=90s; nothing after = takes it "
                   "away; may be repeated")
      ->allow_extra_args(false);
  verbs.completes(
      verb->add_option("--settings", values.settings_file, "File with settings (YAML or JSON), - for standard input"),
      "file");
  verbs
      .completes(
          verb->add_option("--certificate", values.certificates, "Name of a certificate, or none; may be repeated"),
          "certificate")
      ->allow_extra_args(false);
  verbs.completes(verb->add_option("--layer7", values.layer7_config, "Name of a layer-7 configuration, or none"),
                  "layer7");
  verb->add_option("--region", values.region, "Where it is served")
      ->check(CLI::IsMember({"mainland", "overseas", "global"}));
  verb->add_option("--icp-number", values.icp_number, "ICP number");
}

void add_changes(Verbs& verbs, CLI::App* domain) {
  auto o = new_options();
  CLI::App* create = verbs.verb(domain, "create", "Add a domain", o, [](Desk& desk, Options& x) {
    x.domain.account = x.account;
    return cli::domain_create(desk, x.domain);
  });
  create->add_option("name", o->domain.name, "live.example.com, or .example.com for every name below it")->required();
  value_options(verbs, create, o->domain.values);
  create->add_flag("--migrated", o->domain.migrated, "It came from a plain CDN and needs an architecture change");
  create->add_flag("--start", o->domain.start, "Bring it online at once");
  verbs.for_account(create, o);

  o = new_options();
  CLI::App* change =
      verbs.verb(domain, "change", "Change settings of a domain; what is not named stays", o,
                 [](Desk& desk, Options& x) { return cli::domain_change(desk, x.name, x.domain.values, x.dry_run); });
  verbs.completes(change->add_option("name", o->name, kDomainName), "domain")->required();
  value_options(verbs, change, o->domain.values);
  change->add_flag("--dry-run", o->dry_run, "Ask whether it could be, and change nothing");

  verbs.on_name(domain, "delete", "Delete it; its live sessions end as on_disable says", kDomainName, "domain",
                [](Desk& desk, Options& x) { return cli::domain_delete(desk, x.name); });
}

void add_domains(Verbs& verbs) {
  CLI::App* domain = verbs.group("domain", "Domains and their WebSocket switch");
  auto o = new_options();
  CLI::App* list = verbs.verb(domain, "list", "Domains, by name", o, [](Desk& desk, Options& x) {
    return cli::domain_list(desk, {x.search, x.state, x.account, x.most});
  });
  list->add_option("search", o->search, "Only names that contain this");
  list->add_option("--state", o->state, "Only those in this state")
      ->check(CLI::IsMember({"configuring", "online", "offline", "checking", "check_failed"}));
  list->add_option("--limit", o->most, "At most so many")->capture_default_str();
  verbs.for_account(list, o);
  verbs.on_name(domain, "show", "One domain with its settings", kDomainName, "domain",
                [](Desk& desk, Options& x) { return cli::domain_show(desk, x.name); });
  add_changes(verbs, domain);
  verbs.on_name(domain, "start", "Bring it online", kDomainName, "domain",
                [](Desk& desk, Options& x) { return cli::domain_start_stop(desk, x.name, "start"); });
  verbs.on_name(domain, "stop", "Take it offline", kDomainName, "domain",
                [](Desk& desk, Options& x) { return cli::domain_start_stop(desk, x.name, "stop"); });
  o = new_options();
  CLI::App* flip =
      verbs.verb(domain, "switch", "Switch WebSocket on or off, on every edge at once", o,
                 [](Desk& desk, Options& x) { return cli::domain_switch(desk, x.name, x.second == "on"); });
  verbs.completes(flip->add_option("name", o->name, kDomainName), "domain")->required();
  flip->add_option("to", o->second, "on or off")->required()->check(CLI::IsMember({"on", "off"}));
  verbs.on_name(domain, "websocket", "The switch and every WebSocket setting with its value", kDomainName, "domain",
                [](Desk& desk, Options& x) { return cli::domain_websocket(desk, x.name); });
  verbs.on_name(domain, "gates", "What it needs before it can go live, and before WebSocket", kDomainName, "domain",
                [](Desk& desk, Options& x) { return cli::domain_gates(desk, x.name); });
  o = new_options();
  CLI::App* verify =
      verbs.verb(domain, "verify", "How to prove that it is yours, and whether that was done", o,
                 [](Desk& desk, Options& x) { return cli::domain_verify(desk, x.name, x.check, x.vouch); });
  verbs.completes(verify->add_option("name", o->name, kDomainName), "domain")->required();
  CLI::Option* check = verify->add_flag("--check", o->check, "Look for the proof now");
  verify->add_flag("--vouch", o->vouch, "Operators: say that it is the account's")->excludes(check);
}

void add_sessions(Verbs& verbs) {
  CLI::App* session = verbs.group("session", "Live sessions");
  auto o = new_options();
  CLI::App* list = verbs.verb(session, "list", "Live sessions of a domain", o,
                              [](Desk& desk, Options& x) { return cli::session_list(desk, x.name, x.second, x.most); });
  verbs.completes(list->add_option("domain", o->name, kDomainName), "domain")->required();
  list->add_option("--client", o->second, "Only those of this client address");
  list->add_option("--limit", o->most, "At most so many")->capture_default_str();
  o = new_options();
  CLI::App* end = verbs.verb(session, "end", "End a session in order (Close 1001)", o,
                             [](Desk& desk, Options& x) { return cli::session_end(desk, x.name, x.second); });
  verbs.completes(end->add_option("domain", o->name, kDomainName), "domain")->required();
  end->add_option("id", o->second, "The session's id")->required();
}

}  // namespace

void add_domain_verbs(Verbs& verbs) {
  add_domains(verbs);
  add_sessions(verbs);
}

}  // namespace fairlead::app
