#include "control/policy_maker.h"

#include "control/certificates.h"
#include "store/certificates.h"

namespace fairlead::control {

base::Result<model::DomainPolicyPtr> PolicyMaker::make(const store::Domain& domain) {
  if (domain.state != store::DomainState::online) return nullptr;
  auto composed = composer_.compose(domain);
  if (!composed) return std::unexpected(composed.error());
  if (!composed->account_may_serve()) return nullptr;
  if (!composed->reading.policy) return base::fail(base::Code::malformed, base::Side::config, "unusable settings");
  model::DomainPolicy policy = std::move(*composed->reading.policy);
  policy.id = domain.id;
  policy.websocket.enabled = policy.websocket.enabled && composed->websocket_usable();
  auto bound = store::certificates_of_domain(tx_, domain.id);
  if (!bound) return std::unexpected(bound.error());
  for (const store::Certificate& c : *bound) {
    auto known = keys_.find(c.id);
    if (known == keys_.end()) {
      auto key = private_key(context_, c);
      if (!key) {
        return base::fail(base::Code::certificate, base::Side::config,
                          "the key of certificate " + c.name + ": " + key.error().detail);
      }
      known = keys_.emplace(c.id, std::move(*key)).first;
    }
    policy.certificates.push_back({c.chain_pem, known->second});
  }
  return std::make_shared<const model::DomainPolicy>(std::move(policy));
}

base::Result<std::vector<model::PolicyEdit>> PolicyMaker::make_all(const Unusable& unusable) {
  std::vector<model::PolicyEdit> edits;
  store::DomainFilter filter;
  filter.state = store::DomainState::online;
  for (store::PageRequest request{.after = {}, .limit = store::kMaxPage};;) {
    auto page = store::list_domains(tx_, filter, request);
    if (!page) return std::unexpected(page.error());
    for (const store::Domain& domain : page->items) {
      auto policy = make(domain);
      if (!policy && policy.error().side != base::Side::config) return std::unexpected(policy.error());
      if (!policy) policy = unusable(domain, policy.error());
      if (*policy) edits.push_back({domain.name, std::move(*policy)});
    }
    if (page->next.empty()) return edits;
    request.after = page->next;
  }
}

}  // namespace fairlead::control
