#pragma once
// Layer-7 configurations (R14): named sets of settings of an account, bound to any number of its domains by the domain
// service. Settings are checked when they are written, by the documented ranges: outside them a customer is refused
// and an operator is warned.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/layer7_configs.h"
#include "store/page.h"

namespace fairlead::control {

struct Layer7View {
  store::Layer7Config config;
  nlohmann::ordered_json settings;   // as written
  nlohmann::ordered_json effective;  // every setting with its value, defaults included
  std::vector<Detail> warnings;      // pointers under /settings
  std::int64_t domains = 0;          // bound to it
};

struct Layer7Wish {
  std::string name;
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
};

// Of one account (none: the caller's own), by name; empty for one that does not exist for the
// caller.
Outcome<store::Page<Layer7View>> list_layer7(Context& context, const Caller& caller,
                                             const std::optional<std::string>& account_id,
                                             const store::PageRequest& page);
Outcome<Layer7View> get_layer7(Context& context, const Caller& caller, const std::string& id);

// invalid with everything that is wrong, at /settings/...; name_taken when the account has one of that name.
Outcome<Layer7View> create_layer7(Context& context, const Caller& caller, const std::optional<std::string>& account_id,
                                  const Layer7Wish& wish);

// For every domain bound to it at once. `expected_revision` here and below: none means whatever is there.
Outcome<Layer7View> replace_layer7(Context& context, const Caller& caller, const std::string& id,
                                   const Layer7Wish& wish, std::optional<std::int64_t> expected_revision);

// in_use while domains are bound to it.
Outcome<void> delete_layer7(Context& context, const Caller& caller, const std::string& id,
                            std::optional<std::int64_t> expected_revision);

}  // namespace fairlead::control
