#pragma once
// `fairlead check`: reads a configuration exactly as `edge` would and reports every problem in it.

#include <string>

#include "model/config_file.h"

namespace fairlead::app {

// 0 when the file can be used (warnings are printed), 1 when not.
int check_config(const std::string& file, bool json);

// The reading that check, start and reload share: files from disk, certificates looked into by OpenSSL.
model::ConfigReading read_config(const std::string& file, model::ConfigPurpose purpose = model::ConfigPurpose::edge);

}  // namespace fairlead::app
