#include "control/installation_policy.h"

#include <array>

#include "control/audit_trail.h"
#include "control/in_transaction.h"
#include "store/installation_policy.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::array kRegions = {store::ServiceRegion::mainland, store::ServiceRegion::overseas,
                                 store::ServiceRegion::global};

std::unexpected<base::Error> malformed(std::string what) {
  return base::fail(base::Code::malformed, base::Side::none, "installation policy: " + std::move(what));
}

// False when the key is there and no boolean.
bool read_flag(const Json& object, const char* key, bool& out) {
  const auto found = object.find(key);
  if (found == object.end()) return true;
  if (!found->is_boolean()) return false;
  out = found->get<bool>();
  return true;
}

base::Result<PolicyRecord> record_of(const store::StoredPolicy& stored) {
  const Json document = Json::parse(stored.document, nullptr, false);
  if (document.is_discarded()) return malformed("it is no JSON");
  auto policy = read_installation_policy(document);
  if (!policy) return std::unexpected(policy.error());
  return PolicyRecord{std::move(*policy), stored.revision, stored.updated_ms};
}

base::Result<PolicyRecord> present(store::Transaction& tx) {
  auto stored = store::find_installation_policy(tx);
  if (!stored) return std::unexpected(stored.error());
  auto record = record_of(*stored);
  // What stands in the database was written by us.
  if (!record) return base::fail(base::Code::internal, base::Side::none, record.error().context);
  return record;
}

}  // namespace

Json to_json(const InstallationPolicy& policy) {
  Json regions = Json::array();
  for (const auto region : policy.gates.icp_regions) regions.push_back(std::string(store::to_string(region)));
  return {{"approve_automatically", policy.approve_automatically},
          {"gates",
           {{"account_verified", policy.gates.account_verified},
            {"domain_ownership", policy.gates.domain_ownership},
            {"whole_site_acceleration", policy.gates.whole_site_acceleration},
            {"activation", policy.gates.activation},
            {"icp_regions", std::move(regions)}}},
          {"billing_required", policy.billing_required},
          {"customers_buy_packs", policy.customers_buy_packs}};
}

base::Result<InstallationPolicy> read_installation_policy(const Json& document) {
  InstallationPolicy policy;
  if (!document.is_object()) return malformed("it is no object");
  if (!read_flag(document, "approve_automatically", policy.approve_automatically))
    return malformed("approve_automatically is neither true nor false");
  if (!read_flag(document, "billing_required", policy.billing_required) ||
      !read_flag(document, "customers_buy_packs", policy.customers_buy_packs))
    return malformed("billing_required or customers_buy_packs is neither true nor false");
  const auto found = document.find("gates");
  if (found == document.end()) return policy;
  const Json& gates = *found;
  if (!gates.is_object()) return malformed("gates is no object");
  if (!read_flag(gates, "account_verified", policy.gates.account_verified) ||
      !read_flag(gates, "domain_ownership", policy.gates.domain_ownership) ||
      !read_flag(gates, "whole_site_acceleration", policy.gates.whole_site_acceleration) ||
      !read_flag(gates, "activation", policy.gates.activation))
    return malformed("a gate is neither true nor false");
  const auto regions = gates.find("icp_regions");
  if (regions == gates.end()) return policy;
  if (!regions->is_array()) return malformed("icp_regions is no list");
  for (const Json& word : *regions) {
    bool known = false;
    for (const auto region : kRegions) {
      if (!word.is_string() || word.get_ref<const std::string&>() != store::to_string(region)) continue;
      policy.gates.icp_regions.insert(region);
      known = true;
    }
    if (!known) return malformed("icp_regions names an unknown region");
  }
  return policy;
}

base::Result<InstallationPolicy> installation_policy(store::Transaction& tx) {
  auto record = present(tx);
  if (!record) return std::unexpected(record.error());
  return std::move(record->policy);
}

Outcome<PolicyRecord> get_policy(Context& context, const Caller& caller) {
  if (!caller.signed_in() || !caller.sees_all()) return refuse(403, "forbidden", "the policy is the operators' to see");
  return read_in(context.database, [](store::Transaction& tx) -> Outcome<PolicyRecord> {
    auto record = present(tx);
    if (!record) return failed(record);
    return std::move(*record);
  });
}

Outcome<PolicyRecord> replace_policy(Context& context, const Caller& caller, const InstallationPolicy& policy,
                                     std::optional<std::int64_t> expected_revision) {
  if (!caller.is_operator() || !caller.may_write)
    return refuse(403, "forbidden", "the policy is the operators' to set");
  bool gates_changed = false;
  auto outcome = write_in(context.database, [&](store::Transaction& tx) -> Outcome<PolicyRecord> {
    const std::int64_t now = context.now_ms();
    auto before = present(tx);
    if (!before) return failed(before);
    auto stored =
        store::put_installation_policy(tx, to_json(policy).dump(), expected_revision.value_or(before->revision), now);
    if (!stored) return failed(stored);
    gates_changed =
        before->policy.gates != policy.gates || before->policy.billing_required != policy.billing_required;
    if (gates_changed) {
      if (auto recorded = store::record_changes_of_all_domains(tx, now); !recorded) return failed(recorded);
    }
    AuditedChange change;
    change.action = "policy.replace";
    change.object_type = "policy";
    change.object_name = "installation";
    change.old_value = to_json(before->policy);
    change.new_value = to_json(policy);
    if (auto written = audit(tx, caller, change, now); !written) return failed(written);
    return PolicyRecord{policy, stored->revision, stored->updated_ms};
  });
  if (outcome && gates_changed) context.policy_changed();
  return outcome;
}

}  // namespace fairlead::control
