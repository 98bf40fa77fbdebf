#pragma once
// Composition: what a domain is, made of everything it is bound to: its own settings, its account, its layer-7
// configuration, the installation's gates, what was approved. The API shows it, the publisher hands it to the edges;
// both ask here, inside their own transactions, so that what is shown is what is done.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/activation_state.h"
#include "control/failure.h"
#include "control/installation_policy.h"
#include "model/domain_settings.h"
#include "store/accounts.h"
#include "store/domains.h"
#include "store/layer7_configs.h"
#include "store/transaction.h"

namespace fairlead::control {

// A condition that a domain must meet (R15-R17).
struct Gate {
  std::string code;  // of the contract's Gate
  bool met = false;
  std::string message;  // what is so, or what is missing
  std::string hint;     // what to do; empty when met
};

struct Composition {
  store::Domain domain;
  store::Account account;
  std::optional<store::Layer7Config> layer7;
  model::SettingsReading reading;  // policy without certificates, the switch as it is set or defaulted
  std::vector<Gate> live;          // before it goes live
  std::vector<Gate> websocket;     // before its switch can be used

  // Whether every gate before WebSocket is met: the edges have the switch off while not.
  bool websocket_usable() const;
  // Whether the gates that are the account's own are met (it is active, its real name is verified): while not, edges do
  // not know its domains, whatever state these are in, and know them again as soon as it is (R16).
  bool account_may_serve() const;
  // Why the domain is in its state, or why it is online and yet not served; empty when there is nothing to say.
  std::string reason() const;
  // Those of `gates` that are not met, as what an answer tells.
  static std::vector<Detail> unmet(const std::vector<Gate>& gates);
};

// Composes domains in one transaction, and reads what many share only once. Valid as long as the transaction.
class Composer {
 public:
  // `customer_ranges`: whether settings outside of the customer's ranges are errors (model/domain_settings.h).
  Composer(store::Transaction& tx, bool customer_ranges) : tx_(tx), customer_ranges_(customer_ranges) {}

  base::Result<Composition> compose(const store::Domain& domain);
  // As it would be with these settings.
  base::Result<Composition> compose(store::Domain domain, std::string settings);

  base::Result<store::Account> account(const std::string& id);

 private:
  base::Result<void> add_gates(Composition& out);

  store::Transaction& tx_;
  const bool customer_ranges_;
  std::optional<InstallationPolicy> policy_;
  std::map<std::string, store::Account, std::less<>> accounts_;
  std::map<std::string, ActivationState, std::less<>> activations_;
  std::map<std::string, bool, std::less<>> billed_;  // whether a billing method is in effect
  struct Layer7Entry {
    store::Layer7Config row;
    std::optional<model::Layer7> settings;  // none: it cannot be used any more
  };
  std::map<std::string, Layer7Entry, std::less<>> layer7_;
};

}  // namespace fairlead::control
