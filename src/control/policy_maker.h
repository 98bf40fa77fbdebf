#pragma once
// PolicyMaker: from the store's rows to what an edge obeys: a domain composed with all it is bound to, its switch off
// while a gate before WebSocket is not met, and its certificates with their keys opened. Lives within one transaction,
// and reads what many domains share only once. Used by the publisher, and by who wants to know whether it did its work.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/context.h"
#include "control/domains/composition.h"
#include "model/policy_snapshot.h"
#include "store/domains.h"
#include "store/transaction.h"

namespace fairlead::control {

class PolicyMaker {
 public:
  PolicyMaker(Context& context, store::Transaction& tx) : context_(context), tx_(tx), composer_(tx, false) {}

  // Null: edges are not to know it. Errors: of the store, and `config` side when this one domain cannot be made.
  base::Result<model::DomainPolicyPtr> make(const store::Domain& domain);

  // A put for every domain that edges are to know. `unusable` is called for one that cannot be made, and says what
  // stands in its place; null: nothing. Errors of the store.
  using Unusable = std::function<model::DomainPolicyPtr(const store::Domain&, const base::Error&)>;
  base::Result<std::vector<model::PolicyEdit>> make_all(const Unusable& unusable);

 private:
  Context& context_;
  store::Transaction& tx_;
  Composer composer_;
  std::map<std::string, std::string, std::less<>> keys_;  // opened, by the certificate's id
};

}  // namespace fairlead::control
