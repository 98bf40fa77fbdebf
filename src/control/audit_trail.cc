#include "control/audit_trail.h"

#include "store/audit.h"

namespace fairlead::control {
namespace {

std::optional<std::string> text_of(const std::optional<nlohmann::ordered_json>& value) {
  if (!value) return std::nullopt;
  return value->dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

base::Result<void> audit(store::Transaction& tx, const Caller& caller, const AuditedChange& change,
                         std::int64_t now_ms) {
  store::AuditEntry entry;
  entry.at_ms = now_ms;
  entry.account_id = change.account_id;
  if (caller.signed_in()) entry.user_id = caller.user_id;
  entry.source_address = caller.source_address;
  entry.action = change.action;
  entry.object_type = change.object_type;
  entry.object_name = change.object_name;
  entry.old_value = text_of(change.old_value);
  entry.new_value = text_of(change.new_value);
  if (auto written = store::append_audit(tx, std::move(entry)); !written) return std::unexpected(written.error());
  return {};
}

}  // namespace fairlead::control
