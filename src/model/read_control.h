#pragma once
// `control` of the file of `fairlead run`: the control plane's own settings. Passwords and secrets stand in files of
// their own, never in the configuration; their contents go into the values. Internal to the folder.

#include <string>

#include "model/control_config.h"
#include "model/read_domain.h"
#include "model/schema_reader.h"

namespace fairlead::model {

// `file`: of the configuration, from whose folder relative paths start.
void read_control(const Field& field, const std::string& file, ReferencedFiles& files, ControlConfig& out);

}  // namespace fairlead::model
