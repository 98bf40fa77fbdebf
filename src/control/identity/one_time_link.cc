#include "control/identity/one_time_link.h"

#include <fmt/format.h>

#include "control/secrets.h"
#include "store/setup_links.h"

namespace fairlead::control {

base::Result<OneTimeLink> make_one_time_link(store::Transaction& tx, const Context& context, std::string_view purpose,
                                             const std::optional<std::string>& user_id, std::int64_t now_ms) {
  if (auto ended = store::delete_setup_links(tx, purpose, user_id); !ended) return std::unexpected(ended.error());
  OneTimeLink made;
  made.key = Secrets::random_key("fll_");
  made.expires_ms = now_ms + kLinkTimeMs;
  std::string_view base = context.config.public_url;
  while (base.ends_with('/')) base.remove_suffix(1);
  made.url = fmt::format("{}/{}#{}", base, purpose == kFirstOperatorPurpose ? "setup" : "password", made.key);
  store::SetupLink link;
  link.hash = Secrets::key_hash(made.key);
  link.purpose = purpose;
  link.user_id = user_id;
  link.expires_ms = made.expires_ms;
  if (auto kept = store::insert_setup_link(tx, std::move(link), now_ms); !kept) return std::unexpected(kept.error());
  return made;
}

}  // namespace fairlead::control
