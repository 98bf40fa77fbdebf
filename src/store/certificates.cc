#include "store/certificates.h"

#include <algorithm>

#include "store/ids.h"
#include "store/policy_changes.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr Sql kColumns =
    "id, account_id, name, dns_names, chain_pem, sealed_key, key_type, not_before_ms, not_after_ms, revision, "
    "created_ms, updated_ms";

Certificate read_certificate(Columns& c) {
  Certificate certificate;
  certificate.id = c.text();
  certificate.account_id = c.text();
  certificate.name = c.text();
  certificate.dns_names = c.text();
  certificate.chain_pem = c.text();
  certificate.sealed_key = c.text();
  certificate.key_type = c.text();
  certificate.not_before_ms = c.integer();
  certificate.not_after_ms = c.integer();
  certificate.revision = c.integer();
  certificate.created_ms = c.integer();
  certificate.updated_ms = c.integer();
  return certificate;
}

SqlText select(Sql rest) { return "select " + kColumns + " from certificates " + rest; }

// The name of a domain, for the record of its change.
Result<std::string> domain_name(Transaction& tx, std::string_view domain_id) {
  return read_one(tx.query_one("select name from domains where id = :id", {{"id", domain_id}}, "domain"),
                  [](Columns& c) { return c.text(); });
}

}  // namespace

Result<Certificate> insert_certificate(Transaction& tx, Certificate c, std::int64_t now_ms) {
  if (c.id.empty()) c.id = new_id(now_ms);
  c.revision = 1;
  c.created_ms = c.updated_ms = now_ms;
  auto done = tx.execute(
      "insert into certificates (id, account_id, name, dns_names, chain_pem, sealed_key, key_type, not_before_ms, "
      "not_after_ms, revision, created_ms, updated_ms) values (:id, :account, :name, :dns_names, :chain, :key, "
      ":key_type, "
      ":not_before, :not_after, 1, :now, :now)",
      {{"id", c.id},
       {"account", c.account_id},
       {"name", c.name},
       {"dns_names", c.dns_names},
       {"chain", c.chain_pem},
       {"key", c.sealed_key},
       {"key_type", c.key_type},
       {"not_before", c.not_before_ms},
       {"not_after", c.not_after_ms},
       {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return c;
}

Result<Certificate> find_certificate(Transaction& tx, std::string_view id) {
  return read_one(tx.query_one(select("where id = :id"), {{"id", id}}, "certificate"), read_certificate);
}

Result<Certificate> update_certificate(Transaction& tx, const Certificate& c, std::int64_t expected_revision,
                                       std::int64_t now_ms) {
  auto done = must_match(
      tx.execute("update certificates set name = :name, dns_names = :dns_names, chain_pem = :chain, sealed_key = :key, "
                 "key_type = :key_type, not_before_ms = :not_before, not_after_ms = :not_after, "
                 "revision = revision + 1, updated_ms = :now where id = :id and revision = :expected",
                 {{"name", c.name},
                  {"dns_names", c.dns_names},
                  {"chain", c.chain_pem},
                  {"key", c.sealed_key},
                  {"key_type", c.key_type},
                  {"not_before", c.not_before_ms},
                  {"not_after", c.not_after_ms},
                  {"now", now_ms},
                  {"id", c.id},
                  {"expected", expected_revision}}),
      tx, "certificates", c.id, expected_revision, "certificate");
  if (!done) return std::unexpected(std::move(done.error()));
  auto recorded = record_changes_by_certificate(tx, c.id, now_ms);
  if (!recorded) return std::unexpected(std::move(recorded.error()));
  return find_certificate(tx, c.id);
}

Result<void> delete_certificate(Transaction& tx, std::string_view id, std::int64_t expected_revision) {
  auto free = must_be_unbound(
      tx, "from domains d join domain_certificates b on b.domain_id = d.id where b.certificate_id = :id", id);
  if (!free) return free;
  return must_match(tx.execute("delete from certificates where id = :id and revision = :expected",
                               {{"id", id}, {"expected", expected_revision}}),
                    tx, "certificates", id, expected_revision, "certificate");
}

Result<Page<Certificate>> list_certificates(Transaction& tx, std::string_view account_id, const PageRequest& page) {
  Filter filter;
  filter.add("account_id = :account", "account", account_id);
  Filter after = filter;
  if (!page.after.empty()) after.add("name > :after", "after", page.after);
  return read_page(tx, "certificates", kColumns, filter, after, "name", page, read_certificate,
                   [](const Certificate& c) { return c.name; });
}

Result<std::vector<Certificate>> certificates_ending(Transaction& tx, std::int64_t before_ms, std::int64_t limit) {
  return read_all(tx.query(select("where not_after_ms < :before order by not_after_ms, id limit :limit"),
                           {{"before", before_ms}, {"limit", std::max<std::int64_t>(limit, 1)}}),
                  read_certificate);
}

Result<void> bind_certificate(Transaction& tx, std::string_view domain_id, std::string_view certificate_id,
                              std::int64_t now_ms) {
  auto name = read_one(tx.query_one("select d.name from domains d join certificates c on c.account_id = d.account_id "
                                    "where d.id = :domain and c.id = :certificate",
                                    {{"domain", domain_id}, {"certificate", certificate_id}}, "domain or certificate"),
                       [](Columns& c) { return c.text(); });
  if (!name) return std::unexpected(std::move(name.error()));
  auto added = tx.execute(
      "insert into domain_certificates (domain_id, certificate_id) values (:domain, :certificate) on conflict do "
      "nothing",
      {{"domain", domain_id}, {"certificate", certificate_id}});
  if (!added) return std::unexpected(std::move(added.error()));
  if (*added == 0) return {};
  auto number = record_policy_change(tx, *name, PolicyChangeKind::changed, now_ms);
  if (!number) return std::unexpected(std::move(number.error()));
  return {};
}

Result<void> unbind_certificate(Transaction& tx, std::string_view domain_id, std::string_view certificate_id,
                                std::int64_t now_ms) {
  auto name = domain_name(tx, domain_id);
  if (!name) return std::unexpected(std::move(name.error()));
  auto gone = tx.execute("delete from domain_certificates where domain_id = :domain and certificate_id = :certificate",
                         {{"domain", domain_id}, {"certificate", certificate_id}});
  if (!gone) return std::unexpected(std::move(gone.error()));
  if (*gone == 0) return {};
  auto number = record_policy_change(tx, *name, PolicyChangeKind::changed, now_ms);
  if (!number) return std::unexpected(std::move(number.error()));
  return {};
}

Result<std::vector<Certificate>> certificates_of_domain(Transaction& tx, std::string_view domain_id) {
  return read_all(
      tx.query(select("where id in (select certificate_id from domain_certificates where domain_id = :domain) "
                      "order by name"),
               {{"domain", domain_id}}),
      read_certificate);
}

Result<std::vector<std::string>> domains_of_certificate(Transaction& tx, std::string_view certificate_id) {
  return read_all(tx.query("select d.name from domains d join domain_certificates b on b.domain_id = d.id "
                           "where b.certificate_id = :id order by d.name",
                           {{"id", certificate_id}}),
                  [](Columns& c) { return c.text(); });
}

Result<std::vector<CertificateBeside>> certificates_beside(Transaction& tx, std::string_view certificate_id) {
  return read_all(tx.query("select d.name, c.name, c.key_type from domain_certificates mine "
                           "join domain_certificates other on other.domain_id = mine.domain_id and "
                           "other.certificate_id <> mine.certificate_id "
                           "join domains d on d.id = mine.domain_id join certificates c on c.id = other.certificate_id "
                           "where mine.certificate_id = :id order by d.name, c.name",
                           {{"id", certificate_id}}),
                  [](Columns& c) {
                    CertificateBeside beside;
                    beside.domain = c.text();
                    beside.certificate = c.text();
                    beside.key_type = c.text();
                    return beside;
                  });
}

Result<std::vector<Certificate>> certificates_to_tell_of(Transaction& tx, std::int64_t now_ms, std::int64_t days,
                                                         std::int64_t limit) {
  constexpr std::int64_t kDay = 24 * 3600 * 1000;
  return read_all(tx.query(select("where not_after_ms > :now and not_after_ms <= :before and not exists (select 1 from "
                                  "certificate_notices n where n.certificate_id = certificates.id and n.not_after_ms = "
                                  "certificates.not_after_ms and n.days <= :days) order by not_after_ms, id "
                                  "limit :limit"),
                           {{"now", now_ms},
                            {"before", now_ms + days * kDay},
                            {"days", days},
                            {"limit", std::max<std::int64_t>(limit, 1)}}),
                  read_certificate);
}

Result<void> note_told_of(Transaction& tx, const Certificate& certificate, std::int64_t days, std::int64_t now_ms) {
  auto done = tx.execute(
      "insert into certificate_notices (certificate_id, not_after_ms, days, written_ms) "
      "values (:id, :not_after, :days, :now) on conflict do nothing",
      {{"id", certificate.id}, {"not_after", certificate.not_after_ms}, {"days", days}, {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace fairlead::store
