#include "control/billing/billing_notices.h"

#include <fmt/format.h>

#include "control/delivery/notices.h"
#include "store/recipients.h"

namespace fairlead::control {

base::Result<void> tell_account(store::Transaction& tx, Context& context, const store::Account& account,
                                std::string_view type, nlohmann::json data) {
  Event event;
  event.type = type;
  event.account_id = account.id;
  event.account_name = account.name;
  event.data = std::move(data);
  auto addresses = store::addresses_of_account(tx, account.id);
  if (!addresses) return std::unexpected(addresses.error());
  event.mail_to = std::move(*addresses);
  return write_notices(tx, context.config, context.secrets, event, context.now_ms());
}

std::string money_text(std::int64_t micro, std::string_view currency) {
  const auto size = micro < 0 ? 0 - static_cast<std::uint64_t>(micro) : static_cast<std::uint64_t>(micro);
  return fmt::format("{}{}.{:06} {}", micro < 0 ? "-" : "", size / 1'000'000, size % 1'000'000, currency);
}

}  // namespace fairlead::control
