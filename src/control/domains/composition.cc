#include "control/domains/composition.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/billing/methods.h"

namespace fairlead::control {

using base::Result;
using store::AccountKind;

namespace {

Gate gate(std::string_view code, bool met, std::string_view when_met, std::string_view when_not, std::string hint) {
  return {std::string(code), met, std::string(met ? when_met : when_not), met ? std::string() : std::move(hint)};
}

bool is_of_account(const Gate& gate) { return gate.code == "account_active" || gate.code == "account_verified"; }

std::optional<bool> default_of(store::WebSocketDefault word) {
  if (word == store::WebSocketDefault::by_acceleration) return std::nullopt;
  return word == store::WebSocketDefault::on;
}

}  // namespace

bool Composition::websocket_usable() const { return std::ranges::all_of(websocket, &Gate::met); }

bool Composition::account_may_serve() const {
  return std::ranges::all_of(live, [](const Gate& g) { return g.met || !is_of_account(g); });
}

std::string Composition::reason() const {
  if (domain.state != store::DomainState::online) return domain.state_reason;
  std::string words;
  for (const Gate& g : live) {
    if (!g.met && is_of_account(g)) words += (words.empty() ? "edges do not serve it: " : "; ") + g.message;
  }
  return words;
}

std::vector<Detail> Composition::unmet(const std::vector<Gate>& gates) {
  std::vector<Detail> out;
  for (const Gate& g : gates) {
    if (!g.met) out.push_back({"", g.code, g.message, g.hint});
  }
  return out;
}

Result<store::Account> Composer::account(const std::string& id) {
  const auto known = accounts_.find(id);
  if (known != accounts_.end()) return known->second;
  auto found = store::find_account(tx_, id);
  if (found) accounts_.emplace(id, *found);
  return found;
}

Result<Composition> Composer::compose(store::Domain domain, std::string settings) {
  domain.settings = std::move(settings);
  return compose(domain);
}

Result<Composition> Composer::compose(const store::Domain& domain) {
  Composition out;
  out.domain = domain;
  auto owner = account(domain.account_id);
  if (!owner) return std::unexpected(owner.error());
  out.account = std::move(*owner);

  const model::Layer7* bound = nullptr;
  bool layer7_broken = false;
  if (domain.layer7_config_id) {
    auto known = layer7_.find(*domain.layer7_config_id);
    if (known == layer7_.end()) {
      auto row = store::find_layer7_config(tx_, *domain.layer7_config_id);
      if (!row) return std::unexpected(row.error());
      auto reading = model::read_layer7_json(row->settings, {.customer_ranges = false});
      known = layer7_.emplace(*domain.layer7_config_id, Layer7Entry{std::move(*row), std::move(reading.layer7)}).first;
    }
    out.layer7 = known->second.row;
    if (known->second.settings) {
      bound = &*known->second.settings;
    } else {
      layer7_broken = true;
    }
  }
  out.reading =
      model::read_domain_settings(domain.settings, domain.name, bound, default_of(out.account.websocket_default),
                                  {.customer_ranges = customer_ranges_});
  if (layer7_broken) out.reading.policy.reset();
  if (auto added = add_gates(out); !added) return std::unexpected(added.error());
  return out;
}

Result<void> Composer::add_gates(Composition& out) {
  if (!policy_) {
    auto policy = installation_policy(tx_);
    if (!policy) return std::unexpected(policy.error());
    policy_ = std::move(*policy);
  }
  auto known = activations_.find(out.account.id);
  if (known == activations_.end()) {
    auto state = activation_of(tx_, out.account);
    if (!state) return std::unexpected(state.error());
    known = activations_.emplace(out.account.id, *state).first;
  }
  const ActivationState activation = known->second;
  // Who runs the installation need not prove anything to itself.
  const bool own = out.account.kind == AccountKind::operator_;
  const auto& gates = policy_->gates;
  const store::Domain& d = out.domain;

  out.live.push_back(gate("account_active", out.account.state == store::AccountState::active, "the account is active",
                          "the account is suspended or closed", "ask the operator"));
  if (gates.account_verified && !own) {
    out.live.push_back(gate("account_verified", out.account.identity_verified, "the account's real name is verified",
                            "the account's real name is not verified", "send the operator your proof of identity"));
  }
  if (gates.domain_ownership && !own) {
    out.live.push_back(gate("domain_ownership", !d.ownership.method.empty(), "the domain is proved to be yours",
                            "nobody has proved yet that the domain is yours",
                            "publish the TXT record or the file that /v1/domains/{domain}/ownership names"));
  }
  if (gates.icp_regions.contains(d.service_region) && !own) {
    out.live.push_back(gate("icp_number", !d.icp_number.empty(), "the domain has an ICP number",
                            fmt::format("the region \"{}\" demands an ICP number", to_string(d.service_region)),
                            "set icp_number"));
  }
  const auto errors = errors_of(out.reading.problems);
  out.live.push_back(gate("settings_valid", out.reading.policy.has_value(), "the settings can be used",
                          errors.empty() ? "the layer-7 configuration cannot be used"
                                         : fmt::format("the settings cannot be used: {}", errors.front().message),
                          "set at least one origin, and mend what is told"));

  if (gates.whole_site_acceleration && !own) {
    const bool whole = out.reading.policy && out.reading.policy->acceleration == model::Acceleration::whole_site;
    out.websocket.push_back(gate("whole_site_acceleration", whole, "the domain has whole-site acceleration",
                                 "WebSocket needs whole-site acceleration", "set acceleration: whole-site"));
  }
  if (activation != ActivationState::not_required) {
    std::string_view why = "WebSocket is not activated for the account";
    if (activation == ActivationState::submitted) why = "the application for WebSocket waits for the operator";
    if (activation == ActivationState::rejected) why = "the application for WebSocket was rejected";
    out.websocket.push_back(
        gate("activation", activation == ActivationState::approved, "WebSocket is activated for the account", why,
             activation == ActivationState::submitted ? "wait for the operator's decision" : "apply for activation"));
  }
  if (policy_->billing_required && !own) {
    auto billed = billed_.find(out.account.id);
    if (billed == billed_.end()) {
      const auto chosen = has_billing_method(tx_, out.account.id);
      if (!chosen) return std::unexpected(chosen.error());
      billed = billed_.emplace(out.account.id, *chosen).first;
    }
    out.websocket.push_back(gate("billing_method", billed->second, "a billing method is in effect",
                                 "no billing method has been chosen for the account", "choose a billing method"));
  }
  if (d.migrated) {
    const auto approved = architecture_change_approved(tx_, d);
    if (!approved) return std::unexpected(approved.error());
    out.websocket.push_back(gate("architecture_change", *approved, "the architecture change is approved",
                                 "the domain came from a plain CDN and its architecture change is not approved",
                                 "apply for the architecture change of this domain"));
  }
  return {};
}

}  // namespace fairlead::control
