#include "net/tls_ciphers.h"

#include <gtest/gtest.h>

#include "net/testing/tls_certificates.h"
#include "net/tls_context.h"

namespace fairlead::net {
namespace {

// The judgement is that of the context which would use the list.
TEST(TlsCiphers, AreJudgedAsAContextWould) {
  const auto leaf = testing::make_certificate({.names = {"a.example"}});
  const struct {
    const char* list;
    bool good;
  } cases[] = {{"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE+AESGCM", true},
               {"NONSENSE:ECDHE+AESGCM", true},  // what is not known is passed over
               {"ECDHE-ECDSA-AES128-GCM-SHA257", false},
               {"", false}};
  for (const auto& c : cases) {
    TlsServerOptions options;
    options.certificates = {leaf.pair()};
    options.ciphers = c.list;
    // For a context an empty list is its own default.
    EXPECT_EQ(TlsServerContext::create(options).has_value(), c.good || options.ciphers.empty()) << c.list;
    const auto checked = check_tls_ciphers(c.list);
    EXPECT_EQ(checked.has_value(), c.good) << c.list;
    if (!checked) {
      EXPECT_EQ(checked.error().code, base::Code::unsupported);
    }
  }
}

}  // namespace
}  // namespace fairlead::net
