#include "cli/apply_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/domain_settings.h"
#include "model/words.h"
#include "model/write_domain.h"

namespace fairlead::cli {
namespace {

// Certificates are a set: the server has them in the order of their names.
std::vector<std::string> as_set(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

constexpr model::SettingsRules kRules{.customer_ranges = false, .schemes = {}};

Json parsed(const std::string& text) { return Json::parse(text, nullptr, false); }

// Settings with every default written out; as they are when they cannot be read.
Json meaning_of_settings(const Json& settings, const std::string& name) {
  const auto reading = model::read_domain_settings(settings.dump(), name, nullptr, std::nullopt, kRules);
  if (!reading.policy) return settings;
  Json out = parsed(model::write_domain(*reading.policy, model::DomainText::settings));
  // A switch that is not stated follows the account; that is not the same as one that says what the account says now.
  const bool stated =
      settings.contains("websocket") && settings["websocket"].is_object() && settings["websocket"].contains("enabled");
  if (!stated && out.contains("websocket")) out["websocket"]["enabled"] = "by default";
  return out;
}

Json meaning_of_layer7(const Json& settings) {
  const auto reading = model::read_layer7_json(settings.dump(), kRules);
  return reading.layer7 ? parsed(model::write_layer7(*reading.layer7)) : settings;
}

// PEM texts without what does not matter: carriage returns, spaces and lines around the blocks.
std::string pem_blocks(const std::string& text) {
  std::string out;
  for (std::size_t at = text.find("-----BEGIN "); at != std::string::npos; at = text.find("-----BEGIN ", at)) {
    std::size_t end = text.find("-----END ", at);
    if (end == std::string::npos) break;
    end = std::min(text.find('\n', end), text.size());
    for (const char c : std::string_view(text).substr(at, end - at)) {
      if (c != '\r' && c != ' ' && c != '\n') out += c;
    }
    at = end;
  }
  return out;
}

void compare(const std::string& path, const Json& before, const Json& after, std::vector<Difference>& out) {
  if (before == after) return;
  const bool maps = before.is_object() && after.is_object();
  const bool lists = before.is_array() && after.is_array();
  if (!maps && !lists) {
    out.push_back({path, before, after});
    return;
  }
  const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  if (lists) {
    for (std::size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      compare(below(std::to_string(i)), i < before.size() ? before[i] : Json(), i < after.size() ? after[i] : Json(),
              out);
    }
    return;
  }
  for (const auto& [key, value] : before.items()) compare(below(key), value, after.value(key, Json()), out);
  for (const auto& [key, value] : after.items()) {
    if (!before.contains(key)) compare(below(key), Json(), value, out);
  }
}

std::string etag_of(const Json& item) { return fmt::format("\"{}\"", item.value("revision", 0ll)); }

PlanStep step_for(PlanKind kind, const std::string& name, std::size_t index, const std::map<std::string, Json>& present,
                  const auto& before_and_after) {
  PlanStep step;
  step.kind = kind;
  step.name = name;
  step.index = index;
  const auto known = present.find(name);
  if (known == present.end()) {
    step.action = PlanAction::create;
    return step;
  }
  step.id = known->second.value("id", "");
  step.etag = etag_of(known->second);
  const auto [before, after] = before_and_after(known->second);
  step.differences = differences_of(before, after);
  step.action = step.differences.empty() ? PlanAction::unchanged : PlanAction::change;
  return step;
}

void add_removals(PlanKind kind, const std::map<std::string, Json>& present, const std::set<std::string>& wanted,
                  std::vector<PlanStep>& out) {
  for (const auto& [name, item] : present) {
    if (wanted.contains(name)) continue;
    PlanStep step;
    step.action = PlanAction::remove;
    step.kind = kind;
    step.name = name;
    step.id = item.value("id", "");
    step.etag = etag_of(item);
    out.push_back(std::move(step));
  }
}

std::string_view word(PlanKind kind) {
  return kind == PlanKind::domain ? "domain" : kind == PlanKind::certificate ? "certificate" : "layer-7 configuration";
}

std::string_view word(PlanAction action) {
  switch (action) {
    case PlanAction::create: return "create";
    case PlanAction::change: return "change";
    case PlanAction::unchanged: return "unchanged";
    case PlanAction::remove: return "delete";
    case PlanAction::start: return "start";
  }
  return {};
}

std::string short_value(const Json& value) {
  if (value.is_null()) return "(none)";
  const std::string text =
      value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return model::shown(text);
}

}  // namespace

std::vector<Difference> differences_of(const Json& before, const Json& after) {
  std::vector<Difference> out;
  compare("", before, after, out);
  return out;
}

std::string bound_elsewhere(const Wanted& wanted, const Present& present, const std::vector<PlanStep>& plan) {
  std::map<std::string, std::set<std::string>> binds;  // what each domain is to have
  for (const WantedDomain& domain : wanted.domains) {
    binds[domain.name].insert(domain.certificates.begin(), domain.certificates.end());
  }
  for (const PlanStep& step : plan) {
    if (step.kind == PlanKind::domain && step.action == PlanAction::remove) binds[step.name].insert("");
  }
  for (const PlanStep& step : plan) {
    if (step.kind != PlanKind::certificate || step.action != PlanAction::change) continue;
    for (const Json& name : present.certificates.at(step.name).value("domains", Json::array())) {
      const auto to_be = binds.find(name.get<std::string>());
      if (to_be != binds.end() && (to_be->second.contains(step.name) || to_be->second.contains(""))) continue;
      return fmt::format(
          "certificate {} is bound to {} on the server, which the file does not give it to\nfiles of one name in two "
          "folders are told apart by their order: give this one a name of its own",
          model::shown(step.name), model::shown(name.get<std::string>()));
    }
  }
  return {};
}

std::vector<PlanStep> make_plan(const Wanted& wanted, const Present& present, bool prune, bool start) {
  std::vector<PlanStep> out;
  std::set<std::string> layer7, certificates, domains;
  using Pair = std::pair<Json, Json>;
  for (std::size_t i = 0; i < wanted.layer7.size(); ++i) {
    const WantedLayer7& one = wanted.layer7[i];
    layer7.insert(one.name);
    out.push_back(step_for(PlanKind::layer7, one.name, i, present.layer7, [&](const Json& has) {
      return Pair(meaning_of_layer7(has.value("settings", Json::object())), meaning_of_layer7(one.settings));
    }));
  }
  for (std::size_t i = 0; i < wanted.certificates.size(); ++i) {
    const WantedCertificate& one = wanted.certificates[i];
    certificates.insert(one.name);
    // The server shows no keys; another key would have another chain.
    out.push_back(step_for(PlanKind::certificate, one.name, i, present.certificates, [&](const Json& has) {
      const bool same = pem_blocks(has.value("chain", "")) == pem_blocks(one.chain);
      return Pair(Json{{"chain", "as it is"}}, Json{{"chain", same ? "as it is" : "another one"}});
    }));
  }
  for (std::size_t i = 0; i < wanted.domains.size(); ++i) {
    const WantedDomain& one = wanted.domains[i];
    domains.insert(one.name);
    out.push_back(step_for(PlanKind::domain, one.name, i, present.domains, [&](const Json& has) {
      Json before = meaning_of_settings(has.value("settings", Json::object()), one.name);
      Json after = meaning_of_settings(one.settings, one.name);
      before["layer7"] = has.value("layer7_config", Json());
      after["layer7"] = one.layer7.empty() ? Json() : Json(one.layer7);
      before["certificates"] = as_set(has.value("certificates", Json::array()).get<std::vector<std::string>>());
      after["certificates"] = as_set(one.certificates);
      return Pair(std::move(before), std::move(after));
    }));
  }
  if (prune) {
    add_removals(PlanKind::domain, present.domains, domains, out);
    add_removals(PlanKind::certificate, present.certificates, certificates, out);
    add_removals(PlanKind::layer7, present.layer7, layer7, out);
  }
  for (std::size_t i = 0; start && i < wanted.domains.size(); ++i) {
    const auto known = present.domains.find(wanted.domains[i].name);
    const std::string state = known == present.domains.end() ? "" : known->second.value("state", "");
    if (state == "online" || state == "checking") continue;
    PlanStep step;
    step.action = PlanAction::start;
    step.name = wanted.domains[i].name;
    step.index = i;
    out.push_back(std::move(step));
  }
  return out;
}

bool changes_anything(const std::vector<PlanStep>& plan) {
  return std::ranges::any_of(plan, [](const PlanStep& step) { return step.action != PlanAction::unchanged; });
}

std::string describe(const PlanStep& step) {
  return fmt::format("{} {} {}", word(step.action), word(step.kind), model::shown(step.name));
}

std::string render_plan(const std::vector<PlanStep>& plan) {
  std::string out;
  std::map<PlanAction, std::size_t> count;
  for (const PlanStep& step : plan) {
    ++count[step.action];
    if (step.action == PlanAction::unchanged) continue;
    out += describe(step) + "\n";
    for (const Difference& difference : step.differences) {
      out += fmt::format("    {}: {} -> {}\n", difference.path, short_value(difference.before),
                         short_value(difference.after));
    }
  }
  out += fmt::format("{} to create, {} to change, {} to delete, {} unchanged", count[PlanAction::create],
                     count[PlanAction::change], count[PlanAction::remove], count[PlanAction::unchanged]);
  if (count[PlanAction::start] > 0) out += fmt::format("; {} to start", count[PlanAction::start]);
  return out + "\n";
}

Json plan_json(const std::vector<PlanStep>& plan, std::size_t done) {
  Json out = Json::array();
  for (const PlanStep& step : plan) {
    Json item{
        {"action", word(step.action)}, {"kind", word(step.kind)}, {"name", step.name}, {"differences", Json::array()}};
    for (const Difference& difference : step.differences) {
      item["differences"].push_back(
          {{"path", difference.path}, {"before", difference.before}, {"after", difference.after}});
    }
    if (step.action != PlanAction::unchanged) {
      item["done"] = done > 0;
      if (done > 0) --done;
    }
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace fairlead::cli
