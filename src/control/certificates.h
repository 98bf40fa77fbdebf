#pragma once
// Certificates of an account: chains with their private keys (R11), uploaded, replaced with no dropped session, bound
// to domains by the domain service. A key comes in once, is sealed to its row (secrets.h) and leaves by private_key()
// alone, for the publisher: it is in no answer, no audit row and no log line.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "store/certificates.h"
#include "store/page.h"

namespace fairlead::control {

struct CertificateView {
  store::Certificate certificate;  // sealed_key is empty
  std::vector<std::string> dns_names;
  std::vector<std::string> domains;  // bound to it, sorted
  std::int64_t expires_in_days = 0;  // whole days; negative when it has expired
  std::vector<Detail> warnings;      // close to its end, not valid yet, no names, or none for a bound domain
};

struct CertificateUpload {
  std::optional<std::string> account_id;  // none: the caller's own
  std::string name;
  std::string chain_pem, key_pem;
};

// Of one account (none: the caller's own), by name; empty for one that does not exist for the caller.
Outcome<store::Page<CertificateView>> list_certificates(Context& context, const Caller& caller,
                                                        const std::optional<std::string>& account_id,
                                                        const store::PageRequest& page);
Outcome<CertificateView> get_certificate(Context& context, const Caller& caller, const std::string& id);

// Chain and key are checked together (net/certificate_info.h): every fault is told at once, at /chain or at /key.
// name_taken when the account has one of that name.
Outcome<CertificateView> upload_certificate(Context& context, const Caller& caller, const CertificateUpload& upload);

// The same checks, and one more: no domain may come to have two certificates of one key family. Edges get the new one
// for every domain bound to it, at once. `expected_revision` here and below: none means whatever is there.
Outcome<CertificateView> replace_certificate(Context& context, const Caller& caller, const std::string& id,
                                             const std::string& chain_pem, const std::string& key_pem,
                                             std::optional<std::int64_t> expected_revision);

// in_use while domains are bound to it.
Outcome<void> delete_certificate(Context& context, const Caller& caller, const std::string& id,
                                 std::optional<std::int64_t> expected_revision);

// The private key, PKCS#8 PEM. internal_error when it was sealed with another key than this program has.
Outcome<std::string> private_key(Context& context, const store::Certificate& certificate);

inline constexpr std::int64_t kExpiryNoticeDays[] = {1, 7, 14, 30};

// Tells the users of the account of certificates that end within so many days, once for each of kExpiryNoticeDays and
// end; who is told of the last day is not told of the thirtieth as well. To be called daily or oftener; may be
// repeated. How many notices were written.
Outcome<std::int64_t> write_expiry_notices(Context& context);

}  // namespace fairlead::control
