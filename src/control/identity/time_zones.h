#pragma once
// Time zones by IANA name, as the system's database has them (Debian's tzdata).

#include <string>
#include <string_view>

namespace fairlead::control {

// Whether there is a zone of that name: "Asia/Shanghai", "UTC". The name is looked up in `folder` as a file and can
// lead nowhere else: parts of letters, digits, "_", "+" and "-" with "/" between. False for everything that is not
// there, and for all names when the database is not installed.
bool is_time_zone(std::string_view name, const std::string& folder = "/usr/share/zoneinfo");

}  // namespace fairlead::control
