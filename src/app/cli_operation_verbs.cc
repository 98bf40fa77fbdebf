// Verbs: applications, the rules of the installation, audit, notices and edges.

#include <CLI/CLI.hpp>

#include "app/cli_verbs.h"

namespace fairlead::app {
namespace {

using cli::Desk;

constexpr const char* kApplication = "Its id; or the account's name, when one of its applications is waiting";

void add_applications(Verbs& verbs) {
  CLI::App* application = verbs.group("application", "Applications for activation, and for architecture changes");
  auto o = new_options();
  CLI::App* list = verbs.verb(application, "list", "Applications, oldest first", o, [](Desk& desk, Options& x) {
    return cli::application_list(desk, x.state, x.kind, x.account);
  });
  list->add_option("--state", o->state, "Only those in this state")
      ->check(CLI::IsMember({"submitted", "approved", "rejected"}));
  list->add_option("--kind", o->kind, "Only those of this kind")
      ->check(CLI::IsMember({"activation", "architecture_change"}));
  verbs.for_account(list, o);
  verbs.on_name(application, "show", "One application", kApplication, "application",
                [](Desk& desk, Options& x) { return cli::application_show(desk, x.name); });

  o = new_options();
  CLI::App* apply = verbs.verb(application, "apply", "Apply for activation, or for a domain's architecture change", o,
                               [](Desk& desk, Options& x) {
                                 x.application.account = x.account;
                                 return cli::application_apply(desk, x.application);
                               });
  apply->add_option("--use-case", o->application.use_case, "What it is for")
      ->required()
      ->check(CLI::IsMember(
          {"live-comments", "online-class", "quotes", "live-sports", "conference", "location-tracking", "other"}));
  apply->add_option("--contact-name", o->application.contact_name, "Who can be asked; default: your account");
  apply->add_option("--contact-email", o->application.contact_email, "E-mail address; default: yours");
  apply->add_option("--contact-phone", o->application.contact_phone, "Telephone");
  apply->add_option("--company", o->application.company, "Company");
  apply->add_option("--description", o->application.description, "In your own words");
  apply->add_option("--expected-sessions", o->application.expected_sessions, "How many at once")
      ->check(CLI::NonNegativeNumber);
  apply->add_option("--expected-bandwidth", o->application.expected_bandwidth_mbps, "In Mbit/s")
      ->check(CLI::NonNegativeNumber);
  verbs.completes(apply->add_option("--domain", o->application.domain,
                                    "An architecture change of this domain, which came from a plain CDN"),
                  "domain");
  verbs.for_account(apply, o);

  o = new_options();
  CLI::App* approve =
      verbs.verb(application, "approve", "Approve one; the customer is told", o,
                 [](Desk& desk, Options& x) { return cli::application_approve(desk, x.name, x.reason); });
  verbs.completes(approve->add_option("id", o->name, kApplication), "application")->required();
  approve->add_option("--reason", o->reason, "What the customer is told");
  o = new_options();
  CLI::App* reject = verbs.verb(application, "reject", "Reject one; the customer is told why", o,
                                [](Desk& desk, Options& x) { return cli::application_reject(desk, x.name, x.reason); });
  verbs.completes(reject->add_option("id", o->name, kApplication), "application")->required();
  reject->add_option("--reason", o->reason, "What the customer is told")->required();
}

void add_policy(Verbs& verbs) {
  CLI::App* policy = verbs.group("policy", "Rules of the installation: gates and automatic approval");
  verbs.verb(policy, "show", "The rules", new_options(), [](Desk& desk, Options&) { return cli::policy_show(desk); });
  auto o = new_options();
  CLI::App* set = verbs.verb(policy, "set", "Change rules; what is not named stays", o,
                             [](Desk& desk, Options& x) { return cli::policy_set(desk, x.policy); });
  const CLI::IsMember on_or_off({"on", "off"});
  set->add_option("--approve-automatically", o->policy.approve_automatically,
                  "Applications for activation, as they come")
      ->check(on_or_off);
  set->add_option("--billing-required", o->policy.billing_required,
                  "Gate: WebSocket once the account has a billing method alone")
      ->check(on_or_off);
  set->add_option("--customers-buy-packs", o->policy.customers_buy_packs, "Customers buy resource packs themselves")
      ->check(on_or_off);
  struct Gate {
    const char *option, *key, *what;
  };
  static constexpr Gate kGates[] = {
      {"--account-verified", "account_verified", "Gate: the account's real name is proved"},
      {"--domain-ownership", "domain_ownership", "Gate: it is proved whose the domain is"},
      {"--whole-site-acceleration", "whole_site_acceleration", "Gate: WebSocket with acceleration whole-site alone"},
      {"--activation", "activation", "Gate: WebSocket after an approved application alone"}};
  o->policy.gates.reserve(std::size(kGates));  // options hold references
  for (const Gate& gate : kGates) {
    o->policy.gates.emplace_back(gate.key, "");
    set->add_option(gate.option, o->policy.gates.back().second, gate.what)->check(on_or_off);
  }
  set->add_option("--icp-region", o->policy.icp_regions,
                  "Gate: an ICP number for this region, or none; may be repeated")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"mainland", "overseas", "global", "none"}));
}

void add_looking(Verbs& verbs) {
  auto o = new_options();
  CLI::App* audit = verbs.verb(&verbs.app(), "audit", "Who changed what, newest first", o, [](Desk& desk, Options& x) {
    x.audit.account = x.account;
    return cli::audit(desk, x.audit);
  });
  audit->add_option("--type", o->audit.object_type, "Only of this kind of object: domain, certificate, ...");
  audit->add_option("--name", o->audit.object_name, "Only of the object of this name");
  audit->add_option("--action", o->audit.action, "Only this action: domain.change, ...");
  audit->add_option("--since", o->audit.since, "From this moment on: 2026-05-04T12:00:00Z");
  audit->add_option("--until", o->audit.until, "Before this moment");
  audit->add_option("--limit", o->audit.most, "At most so many")->capture_default_str();
  audit->add_flag("--values", o->audit.values, "With what was there before and after");
  verbs.for_account(audit, o);

  o = new_options();
  o->state = "failed";
  CLI::App* notices = verbs.verb(&verbs.app(), "notices", "Mails and webhooks to customers", o,
                                 [](Desk& desk, Options& x) { return cli::notice_list(desk, x.state, x.most); });
  notices->add_option("--state", o->state, "Those that wait, were sent, or failed for good")
      ->check(CLI::IsMember({"pending", "done", "failed"}))
      ->capture_default_str();
  notices->add_option("--limit", o->most, "At most so many")->capture_default_str();

  // "edge" is the verb that runs one; "edges" asks the control plane about all of them.
  o = new_options();
  verbs
      .verb(&verbs.app(), "edges", "Edges and what they obey", o,
            [](Desk& desk, Options& x) { return x.check ? cli::edge_compare(desk) : cli::edge_list(desk); })
      ->add_flag("--compare", o->check, "Compare it with the store, domain by domain; exit 1 when they differ");
}

}  // namespace

void add_operation_verbs(Verbs& verbs) {
  add_applications(verbs);
  add_policy(verbs);
  add_looking(verbs);
}

}  // namespace fairlead::app
