#include "control/policy_comparison.h"

#include <map>
#include <set>

#include "control/in_transaction.h"
#include "control/policy_maker.h"
#include "model/write_domain.h"
#include "store/policy_changes.h"

namespace fairlead::control {
namespace {

using Prints = std::map<std::string, std::uint64_t, std::less<>>;

EdgeComparison compared(std::string edge, const base::Result<cluster::PolicyPrints>& theirs, const Prints& ours,
                        const std::set<std::string>& unusable) {
  EdgeComparison out;
  out.edge = std::move(edge);
  out.answered = theirs.has_value();
  if (!theirs) return out;
  out.revision = theirs->revision;
  out.domains = theirs->domains.size();
  for (const auto& [name, print] : ours) {
    const auto found = theirs->domains.find(name);
    if (found == theirs->domains.end()) {
      out.missing.push_back(name);
    } else if (found->second != print) {
      out.different.push_back(name);
    }
  }
  // One that cannot be made stays as the edge has it, or as it has it not.
  for (const auto& [name, print] : theirs->domains) {
    if (!ours.contains(name) && !unusable.contains(name)) out.surplus.push_back(name);
  }
  return out;
}

}  // namespace

Outcome<PolicyComparison> compare_policy(Context& context) {
  Prints ours;
  std::set<std::string> unusable;
  auto out = read_in(context.database, [&](store::Transaction& tx) -> Outcome<PolicyComparison> {
    ours.clear();
    unusable.clear();
    auto newest = store::last_policy_change(tx);
    if (!newest) return failed(newest);
    PolicyMaker maker(context, tx);
    const auto edits = maker.make_all([&](const store::Domain& domain, const base::Error&) {
      unusable.insert(domain.name);
      return nullptr;
    });
    if (!edits) return failed(edits);
    for (const model::PolicyEdit& edit : *edits) ours.emplace(edit.name, model::fingerprint(*edit.policy));
    PolicyComparison made;
    made.revision = *newest;
    return made;
  });
  if (!out) return out;
  out->domains = ours.size();
  out->unusable.assign(unusable.begin(), unusable.end());
  for (auto& [edge, prints] : context.edges.policy_prints()) {
    out->edges.push_back(compared(std::move(edge), prints, ours, unusable));
  }
  return out;
}

}  // namespace fairlead::control
