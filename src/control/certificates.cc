#include "control/certificates.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/log.h"
#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/delivery/notices.h"
#include "control/in_transaction.h"
#include "control/secrets.h"
#include "net/certificate_info.h"
#include "store/ids.h"
#include "store/recipients.h"

namespace fairlead::control {

using Json = nlohmann::ordered_json;
using store::Certificate;
using store::Transaction;

namespace {

// What the seal is bound to.
std::string about(const std::string& id) { return "certificate:" + id; }

std::vector<std::string> names_of(const Certificate& certificate) {
  std::vector<std::string> names;
  const Json list = Json::parse(certificate.dns_names, nullptr, false);
  if (!list.is_array()) return names;
  for (const Json& name : list) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

// What the audit keeps: what the certificate says of itself.
Json summary(const Certificate& c) {
  return {{"name", c.name},
          {"dns_names", names_of(c)},
          {"key_type", c.key_type},
          {"not_before", base::format_utc_ms(c.not_before_ms)},
          {"not_after", base::format_utc_ms(c.not_after_ms)}};
}

Detail detail_of(const net::CertificateFault& fault) {
  const bool chain = fault.part == net::CertificateFault::Part::chain;
  return Detail{chain ? "/chain" : "/key", fault.code, fault.message, ""};
}

std::vector<Detail> warnings_for(const CertificateView& view, std::int64_t now_ms) {
  std::vector<Detail> warnings;
  const Certificate& c = view.certificate;
  for (const auto& fault : net::date_warnings(c.not_before_ms / 1000, c.not_after_ms / 1000, now_ms))
    warnings.push_back(detail_of(fault));
  if (view.dns_names.empty()) {
    warnings.push_back(Detail{"/chain", "no-names",
                              "the certificate has no subjectAltName, and clients no longer look at the common name",
                              "ask the authority for one with the domains' names"});
    return warnings;
  }
  for (const std::string& domain : view.domains) {
    if (net::certificate_covers_domain(view.dns_names, domain)) continue;
    warnings.push_back(Detail{"/chain", "name-not-covered",
                              fmt::format("no name of the certificate covers {}, which is bound to it", domain),
                              "clients of that domain need another certificate"});
  }
  return warnings;
}

Outcome<CertificateView> view_of(Transaction& tx, Certificate certificate, std::int64_t now_ms) {
  CertificateView view;
  auto domains = store::domains_of_certificate(tx, certificate.id);
  if (!domains) return failed(domains);
  view.domains = std::move(*domains);
  view.dns_names = names_of(certificate);
  view.expires_in_days = net::days_until(certificate.not_after_ms, now_ms);
  certificate.sealed_key.clear();
  view.certificate = std::move(certificate);
  view.warnings = warnings_for(view, now_ms);
  return view;
}

// The row, if it exists for the caller.
Outcome<Certificate> find(Transaction& tx, const Caller& caller, const std::string& id) {
  auto found = store::find_certificate(tx, id);
  if (found && caller.sees(found->account_id)) return std::move(*found);
  if (!found && found.error().code != base::Code::not_found) return failed(found);
  return not_found("certificate");
}

// Judged before any transaction: it is pure work. The reading has its info.
Outcome<net::CertificateReading> read_pair(Context& context, const std::string& chain_pem, const std::string& key_pem) {
  auto reading = net::read_certificate(chain_pem, key_pem, context.now_ms());
  if (reading.info) return reading;
  std::vector<Detail> errors;
  for (const auto& fault : reading.errors) errors.push_back(detail_of(fault));
  return invalid(std::move(errors));
}

// What is known of the pair, sealed to the id.
void put_pair(const Secrets& secrets, const net::CertificateReading& reading, Certificate& out) {
  out.dns_names = Json(reading.info->names).dump(-1, ' ', false, Json::error_handler_t::replace);
  out.chain_pem = reading.chain_pem;
  out.sealed_key = secrets.seal(reading.key_pem, about(out.id));
  out.key_type = reading.info->key_type;
  out.not_before_ms = reading.info->not_before * 1000;
  out.not_after_ms = reading.info->not_after * 1000;
}

// A key of another family must not come beside one of the same: the edges could then offer no TLS for that domain.
Outcome<void> check_beside(Transaction& tx, const Certificate& before, const Certificate& after) {
  const auto family = net::key_family(after.key_type);
  if (net::key_family(before.key_type) == family) return {};
  auto beside = store::certificates_beside(tx, after.id);
  if (!beside) return failed(beside);
  std::vector<Detail> errors;
  for (const auto& other : *beside) {
    if (net::key_family(other.key_type) != family) continue;
    errors.push_back(Detail{
        "/key", "same-key-type",
        fmt::format("{} has the certificate {} with an {} key already", other.domain, other.certificate, family),
        fmt::format("keep to an {} key, or take one of the two off the domain", net::key_family(before.key_type))});
  }
  if (errors.empty()) return {};
  return invalid(std::move(errors));
}

Outcome<void> write_audit(Transaction& tx, const Caller& caller, std::string_view action, const Certificate* before,
                          const Certificate* after, std::int64_t now_ms) {
  AuditedChange change;
  change.account_id = (after ? after : before)->account_id;
  change.action = action;
  change.object_type = "certificate";
  change.object_name = (after ? after : before)->name;
  if (before) change.old_value = summary(*before);
  if (after) change.new_value = summary(*after);
  if (auto written = audit(tx, caller, change, now_ms); !written) return failed(written);
  return {};
}

}  // namespace

Outcome<store::Page<CertificateView>> list_certificates(Context& context, const Caller& caller,
                                                        const std::optional<std::string>& account_id,
                                                        const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<CertificateView>> {
    const auto of = listed_account(caller, account_id);
    if (!of) return store::Page<CertificateView>();
    auto rows = store::list_certificates(tx, *of, page);
    if (!rows) return failed(rows);
    store::Page<CertificateView> views;
    views.total = rows->total;
    views.next = rows->next;
    for (Certificate& row : rows->items) {
      auto view = view_of(tx, std::move(row), context.now_ms());
      if (!view) return std::unexpected(view.error());
      views.items.push_back(std::move(*view));
    }
    return views;
  });
}

Outcome<CertificateView> get_certificate(Context& context, const Caller& caller, const std::string& id) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<CertificateView> {
    auto found = find(tx, caller, id);
    if (!found) return std::unexpected(found.error());
    return view_of(tx, std::move(*found), context.now_ms());
  });
}

Outcome<CertificateView> upload_certificate(Context& context, const Caller& caller, const CertificateUpload& upload) {
  // Whether the account exists is asked first: who may not see it learns nothing of what was sent either.
  auto known = read_in(context.database, [&](Transaction& tx) { return account_for(tx, caller, upload.account_id); });
  if (!known) return std::unexpected(known.error());
  if (auto may = require_write(caller); !may) return std::unexpected(may.error());
  auto reading = read_pair(context, upload.chain_pem, upload.key_pem);
  if (!reading) return std::unexpected(reading.error());

  return write_in(context.database, [&](Transaction& tx) -> Outcome<CertificateView> {
    const std::int64_t now = context.now_ms();
    auto account = account_for(tx, caller, upload.account_id);
    if (!account) return std::unexpected(account.error());
    Certificate row;
    row.id = store::new_id(now);
    row.account_id = account->id;
    row.name = upload.name;
    put_pair(context.secrets, *reading, row);
    auto stored = store::insert_certificate(tx, std::move(row), now);
    if (!stored) return failed(stored);
    if (auto written = write_audit(tx, caller, "certificate.upload", nullptr, &*stored, now); !written)
      return std::unexpected(written.error());
    return view_of(tx, std::move(*stored), now);
  });
}

Outcome<CertificateView> replace_certificate(Context& context, const Caller& caller, const std::string& id,
                                             const std::string& chain_pem, const std::string& key_pem,
                                             std::optional<std::int64_t> expected_revision) {
  auto known = read_in(context.database, [&](Transaction& tx) { return find(tx, caller, id); });
  if (!known) return std::unexpected(known.error());
  if (auto may = require_write(caller); !may) return std::unexpected(may.error());
  auto reading = read_pair(context, chain_pem, key_pem);
  if (!reading) return std::unexpected(reading.error());

  auto outcome = write_in(context.database, [&](Transaction& tx) -> Outcome<CertificateView> {
    const std::int64_t now = context.now_ms();
    auto before = find(tx, caller, id);
    if (!before) return std::unexpected(before.error());
    Certificate row = *before;
    put_pair(context.secrets, *reading, row);
    if (auto good = check_beside(tx, *before, row); !good) return std::unexpected(good.error());
    auto stored = store::update_certificate(tx, row, expected_revision.value_or(before->revision), now);
    if (!stored) return failed(stored);
    if (auto written = write_audit(tx, caller, "certificate.replace", &*before, &*stored, now); !written)
      return std::unexpected(written.error());
    return view_of(tx, std::move(*stored), now);
  });
  if (outcome) context.policy_changed();
  return outcome;
}

Outcome<void> delete_certificate(Context& context, const Caller& caller, const std::string& id,
                                 std::optional<std::int64_t> expected_revision) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<void> {
    auto before = find(tx, caller, id);
    if (!before) return std::unexpected(before.error());
    if (auto may = require_write(caller); !may) return may;
    auto deleted = store::delete_certificate(tx, id, expected_revision.value_or(before->revision));
    if (!deleted) return failed(deleted);
    return write_audit(tx, caller, "certificate.delete", &*before, nullptr, context.now_ms());
  });
}

Outcome<std::string> private_key(Context& context, const Certificate& certificate) {
  auto key = context.secrets.open_sealed(certificate.sealed_key, about(certificate.id));
  if (key) return std::move(*key);
  // Another key file than the one it was sealed with: the operator has to know, the caller cannot help it.
  base::log_error("certificates: the key of {} ({}) does not open: {}", certificate.name, certificate.id,
                  base::describe(key.error()));
  return refuse(500, "internal_error", "");
}

namespace {

// One certificate's notice for one of the terms.
base::Result<void> tell_of(Transaction& tx, Context& context, const Certificate& c, std::int64_t days,
                           std::int64_t now) {
  auto account = store::find_account(tx, c.account_id);
  if (!account) return std::unexpected(account.error());
  auto addresses = store::addresses_of_account(tx, c.account_id);
  if (!addresses) return std::unexpected(addresses.error());
  Event event;
  event.type = "certificate.expiring";
  event.account_id = account->id;
  event.account_name = account->name;
  event.mail_to = std::move(*addresses);
  event.data = {{"certificate", c.name},
                {"names", fmt::format("{}", fmt::join(names_of(c), ", "))},
                {"expires", base::format_utc_ms(c.not_after_ms)},
                {"days", std::to_string(net::days_until(c.not_after_ms, now))}};
  if (auto written = write_notices(tx, context.config, context.secrets, event, now); !written) return written;
  return store::note_told_of(tx, c, days, now);
}

}  // namespace

Outcome<std::int64_t> write_expiry_notices(Context& context) {
  constexpr std::int64_t kAtOnce = 100;  // certificates in one transaction, so that other writers get their turn
  std::int64_t told = 0;
  // Shortest term first: who was told of it is not found again for a longer one.
  for (const std::int64_t days : kExpiryNoticeDays) {
    for (bool more = true; more;) {
      auto count = context.database.write([&](Transaction& tx) -> base::Result<std::int64_t> {
        const std::int64_t now = context.now_ms();
        auto ending = store::certificates_to_tell_of(tx, now, days, kAtOnce);
        if (!ending) return std::unexpected(ending.error());
        for (const Certificate& c : *ending) {
          if (auto done = tell_of(tx, context, c, days, now); !done) return std::unexpected(done.error());
        }
        return std::ssize(*ending);
      });
      if (!count) return failed(count);
      told += *count;
      more = *count == kAtOnce;
    }
  }
  if (told > 0) context.notice_written();
  return told;
}

}  // namespace fairlead::control
