#include "control/identity/audit_values.h"

#include "base/clock.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;

Json audit_value(const store::Account& a) {
  return {{"name", a.name},
          {"kind", store::to_string(a.kind)},
          {"state", store::to_string(a.state)},
          {"identity_verified", a.identity_verified},
          {"time_zone", a.time_zone},
          {"websocket_default", store::to_string(a.websocket_default)}};
}

Json audit_value(const store::User& u) {
  return {{"email", u.email},
          {"role", store::to_string(u.role)},
          {"disabled", u.disabled},
          {"has_password", !u.password_hash.empty()}};
}

Json audit_value(const store::Token& t) {
  return {{"name", t.name},
          {"scope", t.scopes},
          {"expires", t.expires_ms ? Json(base::format_utc_ms(*t.expires_ms)) : Json()}};
}

}  // namespace fairlead::control
