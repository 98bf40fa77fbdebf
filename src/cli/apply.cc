#include "cli/apply.h"

#include "cli/apply_plan.h"
#include "cli/document_json.h"
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace fairlead::cli {
namespace {

struct Session {
  Desk& desk;
  std::string account;  // id
  const Wanted& wanted;
};

Told<std::map<std::string, Json>> fetch(Session& session, std::string_view path) {
  std::map<std::string, Json> out;
  auto done = session.desk.api.each(path, {{"account_id", session.account}}, [&](const Json& item) {
    // Whatever the server takes the parameter for, other accounts' things are none of ours.
    if (item.value("account_id", "") == session.account) out.emplace(item.value("name", ""), item);
    return true;
  });
  if (!done) return std::unexpected(std::move(done.error()));
  return out;
}

// Domains in full: those of the file one by one, the others (for --prune) as the list has them.
Told<void> fetch_domains(Session& session, bool all, std::map<std::string, Json>& out) {
  if (all) {
    auto listed = fetch(session, "/v1/domains");
    if (!listed) return std::unexpected(std::move(listed.error()));
    out = std::move(*listed);
  }
  for (const WantedDomain& domain : session.wanted.domains) {
    if (all && !out.contains(domain.name)) continue;
    const auto reply = session.desk.api.get(api_path({"domains", domain.name}));
    if (!reply && reply.error().status == 404) continue;
    if (!reply) return std::unexpected(reply.error());
    if (reply->json.value("account_id", "") != session.account) {
      return trouble(fmt::format("{} belongs to another account ({})\nsay whose file this is: --account NAME",
                                 domain.name, reply->json.value("account_name", "?")));
    }
    out[domain.name] = reply->json;
  }
  return {};
}

Json domain_body(const WantedDomain& domain) {
  Json body{{"settings", domain.settings}, {"certificates", domain.certificates}};
  body["layer7_config"] = domain.layer7.empty() ? Json() : Json(domain.layer7);
  return body;
}

Told<ApiReply> do_domain(Session& session, const PlanStep& step, const Json& present, bool dry_run) {
  ApiCall call;
  if (dry_run) call.query = {{"dry_run", "true"}};
  call.body = domain_body(session.wanted.domains[step.index]);
  if (step.action == PlanAction::create) {
    call.body["name"] = step.name;
    call.body["account_id"] = session.account;
    return session.desk.api.send("POST", "/v1/domains", call);
  }
  // What the file has no word for stays as it is.
  for (const char* key : {"service_region", "icp_number"}) {
    if (present.contains(key) && present[key].is_string()) call.body[key] = present[key];
  }
  call.if_match = step.etag;
  return session.desk.api.send("PUT", api_path({"domains", step.name}), call);
}

Told<ApiReply> do_step(Session& session, const PlanStep& step, const Present& present) {
  if (step.action == PlanAction::start) return session.desk.api.send("POST", api_path({"domains", step.name, "start"}));
  ApiCall call;
  call.if_match = step.etag;
  const std::string collection = step.kind == PlanKind::domain        ? "domains"
                                 : step.kind == PlanKind::certificate ? "certificates"
                                                                      : "layer7-configs";
  if (step.action == PlanAction::remove) {
    return session.desk.api.send("DELETE", api_path({collection, step.kind == PlanKind::domain ? step.name : step.id}),
                                 call);
  }
  if (step.kind == PlanKind::domain) {
    const auto known = present.domains.find(step.name);
    return do_domain(session, step, known == present.domains.end() ? Json() : known->second, false);
  }
  if (step.kind == PlanKind::certificate) {
    const WantedCertificate& one = session.wanted.certificates[step.index];
    call.body = {{"chain", one.chain}, {"key", one.key}};
  } else {
    call.body = {{"settings", session.wanted.layer7[step.index].settings}};
    if (step.action == PlanAction::change) call.body["name"] = step.name;
  }
  if (step.action == PlanAction::change) return session.desk.api.send("PUT", api_path({collection, step.id}), call);
  call.if_match.clear();
  call.body["name"] = step.name;
  call.body["account_id"] = session.account;
  return session.desk.api.send("POST", "/v1/" + collection, call);
}

// The server's word on every domain whose bindings are there already, before anything is changed.
Told<void> ask_first(Session& session, const std::vector<PlanStep>& plan, const Present& present) {
  std::string refused;
  for (const PlanStep& step : plan) {
    if (step.kind != PlanKind::domain || (step.action != PlanAction::create && step.action != PlanAction::change))
      continue;
    const WantedDomain& domain = session.wanted.domains[step.index];
    bool bound = domain.layer7.empty() || present.layer7.contains(domain.layer7);
    for (const std::string& certificate : domain.certificates)
      bound = bound && present.certificates.contains(certificate);
    if (!bound) continue;
    const auto known = present.domains.find(step.name);
    const auto reply = do_domain(session, step, known == present.domains.end() ? Json() : known->second, true);
    if (!reply && reply.error().status == 0) return std::unexpected(reply.error());
    if (!reply) refused += fmt::format("{}{}: {}", refused.empty() ? "" : "\n", step.name, reply.error().text);
  }
  if (!refused.empty()) return trouble(std::move(refused));
  return {};
}

bool confirmed() {
  std::fputs("Go on? [y/N] ", stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// What came of the steps, to standard output.
struct Outcome {
  std::size_t done = 0;
  long long policy_change = 0;  // the newest that a step led to; 0: none that is known
  Told<void> end;               // the trouble that a step met
};

Outcome do_steps(Session& session, const std::vector<PlanStep>& plan, const Present& present) {
  Outcome out;
  for (const PlanStep& step : plan) {
    if (step.action == PlanAction::unchanged) continue;
    const auto reply = do_step(session, step, present);
    if (!reply) {
      Trouble why = reply.error();
      why.text = fmt::format("{}: {}", describe(step), why.text);
      out.end = std::unexpected(why);
      return out;
    }
    ++out.done;
    const bool live = reply->json.is_object() && reply->json.value("state", "") == "online";
    if (live) out.policy_change = std::max(out.policy_change, reply->json.value("policy_change", 0ll));
  }
  return out;
}

// How far it came: the steps that were not done are named, so that nobody has to guess.
std::string left_over(const std::vector<PlanStep>& plan, std::size_t done) {
  std::size_t at = 0;
  std::string out;
  for (const PlanStep& step : plan) {
    if (step.action == PlanAction::unchanged || at++ <= done) continue;
    out += "\n  not tried: " + describe(step);
  }
  return fmt::format(
      "\n{} of {} steps were done before that{}\napply again when this is mended: what is done stays done", done, at,
      out);
}

}  // namespace

Told<int> apply(Desk& desk, const ApplyArgs& args) {
  const auto text = read_text(args.file);
  if (!text) return std::unexpected(text.error());
  const auto wanted = read_wanted(*text, args.file, model::read_file);
  if (!wanted) return std::unexpected(trouble_of(wanted.error()));
  for (const model::Problem& warning : wanted->warnings) std::fputs((model::describe(warning) + "\n").c_str(), stderr);
  for (const std::string& key : wanted->passed_over) {
    std::fputs(fmt::format("note: \"{}\" belongs to an edge's own file and is not applied\n", key).c_str(), stderr);
  }

  Session session{desk, {}, *wanted};
  if (args.account.empty()) {
    const auto me = desk.api.get("/v1/login");
    if (!me) return std::unexpected(me.error());
    session.account = me->json.value("account", Json::object()).value("id", "");
  } else {
    const auto id = account_id(desk, args.account);
    if (!id) return std::unexpected(id.error());
    session.account = *id;
  }

  Present present;
  auto layer7 = fetch(session, "/v1/layer7-configs");
  if (!layer7) return std::unexpected(layer7.error());
  present.layer7 = std::move(*layer7);
  auto certificates = fetch(session, "/v1/certificates");
  if (!certificates) return std::unexpected(certificates.error());
  present.certificates = std::move(*certificates);
  if (auto done = fetch_domains(session, args.prune, present.domains); !done) return std::unexpected(done.error());

  const std::vector<PlanStep> plan = make_plan(*wanted, present, args.prune, args.start);
  if (const std::string why = bound_elsewhere(*wanted, present, plan); !why.empty()) return trouble(why);
  const bool pending = changes_anything(plan);
  const bool ask = pending && !args.yes && !args.dry_run;
  // Who is asked sees what about, and programs get nothing but JSON on standard output.
  if (!desk.out.json()) {
    desk.out.text(render_plan(plan));
  } else if (ask) {
    std::fputs(render_plan(plan).c_str(), stderr);
  }
  if (auto asked = ask_first(session, plan, present); !asked) return std::unexpected(asked.error());
  if (args.dry_run) {
    if (desk.out.json()) desk.out.done("", Json{{"changes", plan_json(plan, 0)}, {"applied", false}});
    return pending ? kDiffers : kDone;
  }
  if (ask) {
    if (::isatty(STDIN_FILENO) != 1) return trouble("nobody is there to ask whether to go on: say --yes, or --dry-run");
    if (!confirmed()) return trouble("nothing was changed");
  }
  const Outcome outcome = do_steps(session, plan, present);
  if (desk.out.json()) {
    desk.out.done("", Json{{"changes", plan_json(plan, outcome.done)}, {"applied", outcome.end.has_value()}});
  }
  if (!outcome.end) {
    Trouble why = outcome.end.error();
    why.text += left_over(plan, outcome.done);
    return std::unexpected(why);
  }
  if (!desk.out.json()) {
    const std::string live = in_force(desk, outcome.policy_change);
    desk.out.done(pending ? fmt::format("{} {} done{}{}", outcome.done, outcome.done == 1 ? "step" : "steps",
                                        live.empty() ? "" : "; ", live)
                          : "nothing to do");
  }
  return kDone;
}

}  // namespace fairlead::cli
