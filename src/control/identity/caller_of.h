#pragma once
// Who calls: from a request's credentials to a Caller, for every request to the API. One read of the database; a write
// at most once a minute for each token (when it was last used) and each login (its next end).

#include "control/api/http.h"
#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"

namespace fairlead::control {

// How exactly the last use of a token, and of a login, is known.
inline constexpr std::int64_t kUseNotedMs = 60'000;

// `Authorization: Bearer TOKEN` (RFC 6750) counts; without that field, the cookie. Neither, or a cookie of a login that
// has ended: the Caller is nobody.
//   401 unauthorized   a field Authorization that is no live token's
//   403 csrf_required  a cookie with another method than GET and HEAD, without the login's csrf in the field
//                      fairlead-csrf or from a page of another origin
// A suspended account's users may look and not change; a closed account's have no credentials.
Outcome<Caller> caller_of(Context& context, const ApiRequest& request);

}  // namespace fairlead::control
