#include "control/delivery/notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/delivery/notice_texts.h"
#include "control/secrets.h"
#include "store/database.h"
#include "store/migrations.h"
#include "store/outbox.h"

namespace fairlead::control {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kNow = 1'800'000'000'000;

class Notices : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::Database::open("sqlite::memory:");
    ASSERT_TRUE(opened);
    database_.emplace(std::move(*opened));
    ASSERT_TRUE(store::migrate(*database_, kNow));
    config_.mail.server = "smtp://mail.example.com";
    config_.public_url = "https://console.example.com";
    config_.webhooks.resize(2);
    config_.webhooks[0].url = "https://one.example.com/hook";
    config_.webhooks[1].url = "https://two.example.com/hook";
  }
  base::Result<void> write(const Event& event) {
    return database_->write([&](store::Transaction& tx) { return write_notices(tx, config_, secrets_, event, kNow); });
  }
  std::vector<store::Notice> written() {
    return database_
        ->read([](store::Transaction& tx) { return store::list_notices(tx, store::NoticeState::pending, {}); })
        ->items;
  }
  static Event approved() {
    Event event;
    event.type = "application.approved";
    event.account_id = "acc1";
    event.account_name = "Example Ltd";
    event.mail_to = {"ann@example.com", "bo@example.com", "ann@example.com"};
    event.data = {{"application", "app1"}, {"kind", "activation"}, {"domain", "live.example.com"}, {"reason", ""}};
    return event;
  }

  std::optional<store::Database> database_;
  model::ControlConfig config_;
  Secrets secrets_ = Secrets::ephemeral();
};

TEST_F(Notices, OneMailForEachAddressAndOneEventForEachWebhook) {
  ASSERT_TRUE(write(approved()));
  const auto notices = written();
  ASSERT_EQ(notices.size(), 4U);
  std::vector<std::string> destinations;
  for (const auto& n : notices) {
    destinations.push_back(n.destination);
    const json payload = json::parse(n.payload);
    if (n.kind == store::NoticeKind::email) {
      EXPECT_EQ(payload["subject"], "Your application has been approved / 您的申请已通过");
      const std::string text = payload["text"];
      EXPECT_THAT(text, HasSubstr("Domain: live.example.com\n"));
      EXPECT_THAT(text, HasSubstr("域名：live.example.com\n"));
      EXPECT_THAT(text, Not(HasSubstr("Remark")));  // there is none
      EXPECT_THAT(text, Not(HasSubstr("{")));
      EXPECT_THAT(text, HasSubstr("https://console.example.com"));
    } else {
      EXPECT_EQ(payload["type"], "application.approved");
      EXPECT_EQ(payload["time"], "2027-01-15T08:00:00.000Z");
      EXPECT_EQ(payload["account"], (json{{"id", "acc1"}, {"name", "Example Ltd"}}));
      EXPECT_EQ(payload["recipients"], (json{"ann@example.com", "bo@example.com"}));
      EXPECT_EQ(payload["summary"]["zh"], "您的申请已通过");
      EXPECT_EQ(payload["data"], approved().data);
    }
  }
  EXPECT_THAT(destinations,
              ::testing::UnorderedElementsAre("ann@example.com", "bo@example.com", "https://one.example.com/hook",
                                              "https://two.example.com/hook"));
}

TEST_F(Notices, NothingForWhatIsNotConfigured) {
  config_.mail.server.clear();
  config_.webhooks.pop_back();
  config_.webhooks[0].url.clear();
  ASSERT_TRUE(write(approved()));
  EXPECT_TRUE(written().empty());
}

TEST_F(Notices, AnInvitationsLinkGoesToItsUserAloneAndIsKeptSealed) {
  Event event;
  event.type = "user.invited";
  event.account_name = "Example Ltd";
  event.mail_to = {"ann@example.com"};
  event.data = {
      {"email", "ann@example.com"}, {"role", "customer"}, {"expires", "2027-01-16"}, {"link", "https://x/fll_secret"}};
  ASSERT_TRUE(write(event));
  int mails = 0;
  for (const auto& n : written()) {
    if (n.kind == store::NoticeKind::email) {
      ++mails;
      const auto mail = read_mail_notice(n, secrets_);
      ASSERT_TRUE(mail) << describe(mail.error());
      EXPECT_THAT(mail->subject, HasSubstr("Example Ltd"));
      EXPECT_THAT(mail->text, HasSubstr("https://x/fll_secret\n"));
      // Who moves it to an address of their own, or has the database without its key, gets nothing.
      store::Notice moved = n;
      moved.destination = "eve@example.com";
      EXPECT_EQ(read_mail_notice(moved, secrets_).error().code, base::Code::forbidden);
      EXPECT_EQ(read_mail_notice(n, Secrets::ephemeral()).error().code, base::Code::forbidden);
    }
    EXPECT_THAT(n.payload, Not(HasSubstr("fll_secret")));
  }
  EXPECT_EQ(mails, 1);
}

TEST_F(Notices, EveryTypeHasATextInBothLanguagesAndFillsIt) {
  for (const char* type : {"application.submitted", "application.approved", "application.rejected",
                           "certificate.expiring", "domain.check_failed", "domain.online", "user.invited"}) {
    const NoticeText* text = notice_text(type);
    ASSERT_NE(text, nullptr) << type;
    const json values = {{"account", "ACC"}, {"application", "APP"},  {"kind", "KIND"},   {"domain", "DOM"},
                         {"reason", "WHY"},  {"certificate", "CERT"}, {"names", "NAMES"}, {"expires", "THEN"},
                         {"days", 7},        {"email", "MAIL"},       {"role", "ROLE"},   {"link", "LINK"}};
    for (const auto part : {text->subject_en, text->subject_zh, text->body_en, text->body_zh}) {
      const std::string filled = fill_in(part, values);
      EXPECT_THAT(filled, Not(HasSubstr("{"))) << type;
      EXPECT_EQ(std::count(filled.begin(), filled.end(), '\n'), std::count(part.begin(), part.end(), '\n')) << type;
    }
    EXPECT_EQ(std::count(text->body_en.begin(), text->body_en.end(), '{'),
              std::count(text->body_zh.begin(), text->body_zh.end(), '{'))
        << type;
  }
  Event unknown = approved();
  unknown.type = "domain.exploded";
  EXPECT_EQ(write(unknown).error().code, base::Code::malformed);
  Event no_object = approved();
  no_object.data = json::array();
  EXPECT_EQ(write(no_object).error().code, base::Code::malformed);
  EXPECT_TRUE(written().empty());
}

TEST_F(Notices, ValuesCannotAddLines) {
  Event event = approved();
  event.type = "application.submitted";
  event.account_name = "Evil\r\nBcc: all@example.com";
  event.data["domain"] = "a\nDomain: b";
  ASSERT_TRUE(write(event));
  for (const auto& n : written()) {
    if (n.kind != store::NoticeKind::email) continue;
    const json payload = json::parse(n.payload);
    EXPECT_EQ(payload["subject"].get<std::string>().find_first_of("\r\n"), std::string::npos);
    EXPECT_THAT(payload["text"].get<std::string>(), HasSubstr("Domain: a Domain: b\n"));
  }
}

TEST_F(Notices, TheyComeAndGoWithTheChange) {
  const auto undone = database_->write([&](store::Transaction& tx) -> base::Result<void> {
    if (auto ok = write_notices(tx, config_, secrets_, approved(), kNow); !ok) return ok;
    return base::fail(base::Code::conflict, base::Side::none, "no");
  });
  EXPECT_FALSE(undone);
  EXPECT_TRUE(written().empty());
}

}  // namespace
}  // namespace fairlead::control
