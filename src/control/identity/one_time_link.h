#pragma once
// One-time links: addresses whose secret lets somebody do one thing, once, within a day: become the first operator, or
// set a password. The key lies behind "#", which browsers do not send, so that it is in no access log.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/context.h"
#include "store/transaction.h"

namespace fairlead::control {

inline constexpr std::int64_t kLinkTimeMs = 24LL * 3600 * 1000;
inline constexpr std::string_view kFirstOperatorPurpose = "first_operator";
inline constexpr std::string_view kPasswordPurpose = "password";

struct OneTimeLink {
  std::string key;  // shown this once: the database has its hash
  std::string url;
  std::int64_t expires_ms = 0;  // since 1970 UTC
};

// Makes a link, in place of all older ones of the same purpose and user (none: for whoever comes first).
base::Result<OneTimeLink> make_one_time_link(store::Transaction& tx, const Context& context, std::string_view purpose,
                                             const std::optional<std::string>& user_id, std::int64_t now_ms);

}  // namespace fairlead::control
