#pragma once
// Certificates and layer-7 configurations, from the shell. `account` is for operators: whose they are.

#include "cli/desk.h"

#include <string>

namespace fairlead::cli {

Told<void> certificate_list(Desk& desk, const std::string& account);
Told<void> certificate_show(Desk& desk, const std::string& name, const std::string& account);
// Replaces the one of that name, if there is one: its domains get the new one at once, live sessions go on.
Told<void> certificate_upload(Desk& desk, const std::string& name, const std::string& chain_file,
                              const std::string& key_file, const std::string& account);
Told<void> certificate_delete(Desk& desk, const std::string& name, const std::string& account);

Told<void> layer7_list(Desk& desk, const std::string& account);
Told<void> layer7_show(Desk& desk, const std::string& name, const std::string& account);
// From a file of settings (YAML or JSON); makes the configuration, or replaces it for all its domains at once.
Told<void> layer7_set(Desk& desk, const std::string& name, const std::string& file, const std::string& account);
Told<void> layer7_delete(Desk& desk, const std::string& name, const std::string& account);

}  // namespace fairlead::cli
