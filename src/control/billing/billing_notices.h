#pragma once
// Notices of billing: what an account's people and the webhooks are told of (delivery/notices.h), in the transaction of
// what happened. After the commit: Context::notice_written.

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "control/context.h"
#include "control/failure.h"
#include "store/accounts.h"
#include "store/transaction.h"

namespace fairlead::control {

// `type` and `data` as delivery/notices.h has them: billing.method_changed, billing.change_pending, bill.issued,
// pack.bought, pack.ending, pack.used_up, pack.expired.
base::Result<void> tell_account(store::Transaction& tx, Context& context, const store::Account& account,
                                std::string_view type, nlohmann::json data);

// "12.500000 USD".
std::string money_text(std::int64_t micro, std::string_view currency);

}  // namespace fairlead::control
