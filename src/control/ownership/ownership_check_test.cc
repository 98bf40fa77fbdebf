#include "control/ownership/ownership_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/delivery/testing/receivers.h"

namespace fairlead::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::received;
using testing::ReceiverProcess;

constexpr std::string_view kToken = "tok-1234567890";
const std::string kPath(kProofPath);

class OwnershipCheck : public ::testing::Test {
 protected:
  // DNS with the zone, `http` in it being the address of the file's server.
  OwnershipResult check(std::string_view domain, const std::string& zone, bool allow_private = true) {
    dns_.emplace(std::vector<std::string>{"dns", "--zone", zone});
    OwnershipSettings settings;
    settings.resolvers = {dns_->address()};
    settings.allow_private = allow_private;
    settings.time = std::chrono::seconds(3);
    if (http_) settings.http_port = static_cast<std::uint16_t>(http_->port());
    return check_ownership(domain, kToken, settings);
  }
  void serve(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "http");
    http_.emplace(arguments);
  }

  std::optional<ReceiverProcess> dns_, http_;
};

TEST_F(OwnershipCheck, ARecordIsProof) {
  const auto result = check("live.example.com", R"({"_fairlead-challenge.live.example.com":
      {"TXT": [["v=spf1"], ["fairlead-verification=tok-", "1234567890"]]}})");
  EXPECT_TRUE(result.proved) << result.reason;
  EXPECT_EQ(result.method, "dns");
  EXPECT_THAT(result.reason, HasSubstr("_fairlead-challenge.live.example.com"));
}

TEST_F(OwnershipCheck, AFileIsProof) {
  serve({"--file", kPath + "= tok-1234567890 \n"});
  const auto result = check("live.example.com", R"({"live.example.com": {"A": ["127.0.0.1"]}})");
  EXPECT_TRUE(result.proved) << result.reason;
  EXPECT_EQ(result.method, "http");
  const auto got = received(*http_);
  EXPECT_EQ(got["path"], kPath);
  EXPECT_EQ(got["fields"]["host"], "live.example.com:" + std::to_string(http_->port()));
}

TEST_F(OwnershipCheck, AnAddressIsAskedForTheFile) {
  serve({"--file", kPath + "=" + std::string(kToken)});
  EXPECT_EQ(check("127.0.0.1", "{}").method, "http");
  const auto six = check("::1", "{}");  // where nobody listens
  EXPECT_THAT(six.reason, HasSubstr("file http://[::1]:" + std::to_string(http_->port()) + kPath));
  EXPECT_THAT(six.reason, ::testing::EndsWith("no connection"));
}

TEST_F(OwnershipCheck, SaysWhatItLookedForAndFound) {
  serve({"--file", kPath + "=secret of the origin"});
  const auto result = check("live.example.com", R"({"live.example.com": {"A": ["127.0.0.1"]},
      "_fairlead-challenge.live.example.com": {"TXT": [["fairlead-verification=tok-123456789"]]}})");
  EXPECT_FALSE(result.proved);
  EXPECT_EQ(result.method, "");
  EXPECT_THAT(result.reason, HasSubstr("TXT record _fairlead-challenge.live.example.com"));
  EXPECT_THAT(result.reason, HasSubstr("another value"));
  EXPECT_THAT(result.reason, HasSubstr("fairlead-verification.txt"));
  EXPECT_THAT(result.reason, HasSubstr("another content"));
  EXPECT_THAT(result.reason, Not(HasSubstr("secret")));
}

TEST_F(OwnershipCheck, SomethingLikeTheTokenIsNoProof) {
  const std::string zone = R"({"live.example.com": {"A": ["127.0.0.1"]}, "_fairlead-challenge.live.example.com":
      {"TXT": [["tok-1234567890"], ["xfairlead-verification=tok-1234567890"], ["fairlead-verification=tok-1234567890x"],
               ["fairlead-verification=TOK-1234567890"], ["fairlead-verification="], [""]]}})";
  for (const std::string content : {"", "tok-1234567890x", "x tok-1234567890", "tok-123456789", "TOK-1234567890"}) {
    serve({"--file", kPath + "=" + content});
    EXPECT_FALSE(check("live.example.com", zone).proved) << content;
  }
  serve({"--file", kPath + "=tok-1234567890" + std::string(2000, ' ')});  // more than a token
  const auto large = check("live.example.com", zone);
  EXPECT_FALSE(large.proved);
  EXPECT_THAT(large.reason, HasSubstr("more than a token"));
  serve({"--file", kPath + "=tok-1234567890", "--statuses", "404"});
  EXPECT_FALSE(check("live.example.com", zone).proved);
  EXPECT_THAT(check("live.example.com", zone).reason, HasSubstr("status 404"));
  // A record of the domain itself, or of one above it, is another's.
  EXPECT_FALSE(check("live.example.com", R"({"live.example.com": {"TXT": [["fairlead-verification=tok-1234567890"]]},
      "_fairlead-challenge.example.com": {"TXT": [["fairlead-verification=tok-1234567890"]]}})")
                   .proved);
}

TEST_F(OwnershipCheck, ARedirectIsNotFollowed) {
  ReceiverProcess inside({"http", "--file", kPath + "=tok-1234567890"});
  serve({"--statuses", "302", "--location", "http://" + inside.address() + kPath});
  const auto result = check("live.example.com", R"({"live.example.com": {"A": ["127.0.0.1"]}})");
  EXPECT_FALSE(result.proved);
  EXPECT_THAT(result.reason, HasSubstr("status 302 (redirects are not followed)"));
  EXPECT_TRUE(testing::nothing_received(inside));
}

TEST_F(OwnershipCheck, AWildcardNeedsTheRecord) {
  serve({"--file", kPath + "=tok-1234567890"});
  const auto file = check(".example.com", R"({"example.com": {"A": ["127.0.0.1"]}})");
  EXPECT_FALSE(file.proved);
  EXPECT_TRUE(testing::nothing_received(*http_));
  const auto record = check(
      ".example.com", R"({"_fairlead-challenge.example.com": {"TXT": [["fairlead-verification=tok-1234567890"]]}})");
  EXPECT_TRUE(record.proved) << record.reason;
  EXPECT_EQ(record.method, "dns");
}

TEST_F(OwnershipCheck, NoAddressInsideIsAsked) {
  serve({"--file", kPath + "=tok-1234567890"});
  for (const char* address : {R"("A": ["127.0.0.1"])", R"("A": ["10.0.0.1", "192.168.1.1"])", R"("AAAA": ["::1"])",
                              R"("AAAA": ["::ffff:7f00:1"])"}) {
    const auto result = check("live.example.com", std::string(R"({"live.example.com": {)") + address + "}}", false);
    EXPECT_FALSE(result.proved) << address;
    EXPECT_THAT(result.reason, HasSubstr("an address that is not asked")) << address;
  }
  // Nor, even when private ones are allowed, the clouds' metadata service.
  const auto metadata =
      check("live.example.com", R"({"live.example.com": {"A": ["169.254.169.254"], "AAAA": ["fe80::1"]}})", true);
  EXPECT_THAT(metadata.reason, HasSubstr("an address that is not asked"));
  EXPECT_TRUE(testing::nothing_received(*http_));
}

TEST_F(OwnershipCheck, EndsInTimeWhenNobodyAnswers) {
  serve({"--silent"});
  const auto begun = std::chrono::steady_clock::now();
  const auto result = check("live.example.com", R"({"live.example.com": {"A": ["127.0.0.1"]},
      "_fairlead-challenge.live.example.com": {"silent": true}})");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(6));
  EXPECT_FALSE(result.proved);
  EXPECT_THAT(result.reason, HasSubstr("no answer in time"));
  EXPECT_FALSE(check("live.example.com", R"({"live.example.com": {"rcode": "SERVFAIL"},
      "_fairlead-challenge.live.example.com": {"rcode": "SERVFAIL"}})")
                   .proved);
}

TEST_F(OwnershipCheck, AnEmptyTokenProvesNothing) {
  OwnershipSettings settings;
  EXPECT_FALSE(check_ownership("live.example.com", "", settings).proved);
  EXPECT_FALSE(check_ownership("", "x", settings).proved);
}

}  // namespace
}  // namespace fairlead::control
