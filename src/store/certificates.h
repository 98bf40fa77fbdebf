#pragma once
// Certificates: chains of one account with their private keys, bound to any number of its domains. A key comes sealed
// (by the control plane, with a key that is not in the database) and is never opened here. A change counts as a change
// of every domain bound to it. Values; functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

struct Certificate {
  std::string id;
  std::string account_id;
  std::string name;                                  // the customer's, unique within the account
  std::string dns_names = "[]";                      // JSON list: the names the certificate is valid for
  std::string chain_pem;                             // the certificate first, then its issuers
  std::string sealed_key;                            // base64 of the sealed private key
  std::string key_type;                              // "rsa2048", "p256"
  std::int64_t not_before_ms = 0, not_after_ms = 0;  // since 1970 UTC, as all times here
  std::int64_t revision = 0;
  std::int64_t created_ms = 0, updated_ms = 0;
  bool operator==(const Certificate&) const = default;
};

// Makes it at `now_ms`: revision (1) and times are set here, the rest is `certificate`'s. So is the id if it has one
// (of ids.h: a key may be sealed to it), else one is made. The row as stored.
base::Result<Certificate> insert_certificate(Transaction& tx, Certificate certificate, std::int64_t now_ms);

base::Result<Certificate> find_certificate(Transaction& tx, std::string_view id);

// Writes everything but id, account_id and created_ms over the row `certificate.id`, if its revision is the expected
// one, and records a policy change for each domain bound to it. The row as stored, with its next revision.
base::Result<Certificate> update_certificate(Transaction& tx, const Certificate& certificate,
                                             std::int64_t expected_revision, std::int64_t now_ms);

// Conflict "bound: still used by NAMES" while domains are bound to it.
base::Result<void> delete_certificate(Transaction& tx, std::string_view id, std::int64_t expected_revision);

// Of one account, by name.
base::Result<Page<Certificate>> list_certificates(Transaction& tx, std::string_view account_id,
                                                  const PageRequest& page);

// All that end before `before_ms`, those that end first at the head, at most `limit`.
base::Result<std::vector<Certificate>> certificates_ending(Transaction& tx, std::int64_t before_ms, std::int64_t limit);

// Those that end within `days` days from `now_ms`, and of whose present end nobody has been told so many days before it
// or later; those that end first at the head, at most `limit`. Not those that have ended.
base::Result<std::vector<Certificate>> certificates_to_tell_of(Transaction& tx, std::int64_t now_ms, std::int64_t days,
                                                               std::int64_t limit);
// Remembers that it was told of. May be repeated. Forgotten with the certificate.
base::Result<void> note_told_of(Transaction& tx, const Certificate& certificate, std::int64_t days,
                                std::int64_t now_ms);

// Binds a certificate to a domain of the same account (not_found otherwise), or takes it off. Both may be repeated:
// what is so already is no change, and only a change is recorded for the edges.
base::Result<void> bind_certificate(Transaction& tx, std::string_view domain_id, std::string_view certificate_id,
                                    std::int64_t now_ms);
base::Result<void> unbind_certificate(Transaction& tx, std::string_view domain_id, std::string_view certificate_id,
                                      std::int64_t now_ms);

// Those bound to a domain, by name.
base::Result<std::vector<Certificate>> certificates_of_domain(Transaction& tx, std::string_view domain_id);
// A further certificate of a domain.
struct CertificateBeside {
  std::string domain, certificate;  // names
  std::string key_type;
  bool operator==(const CertificateBeside&) const = default;
};
// What else the domains bound to it are bound to, by domain and name.
base::Result<std::vector<CertificateBeside>> certificates_beside(Transaction& tx, std::string_view certificate_id);

// The names of the domains it is bound to, sorted.
base::Result<std::vector<std::string>> domains_of_certificate(Transaction& tx, std::string_view certificate_id);

}  // namespace fairlead::store
