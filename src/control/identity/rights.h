#pragma once
// Rights: the two questions every change of this folder asks before it looks at anything, so that a caller without the
// right learns nothing of what exists. Whether things exist for the caller is Caller::sees.

#include "control/caller.h"
#include "control/failure.h"

namespace fairlead::control {

// 401 unauthorized for nobody, 403 account_suspended, 403 forbidden for auditors and read tokens.
Outcome<void> may_change(const Caller& caller);

// For what is the user's own, password and tokens: an auditor may, signed in by a cookie; a read token may not.
Outcome<void> may_change_own(const Caller& caller);

}  // namespace fairlead::control
