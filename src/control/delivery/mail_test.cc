#include "control/delivery/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/delivery/testing/receivers.h"

namespace fairlead::control {
namespace {

using base::Code;
using base::Retry;
using ::testing::HasSubstr;
using testing::received;
using testing::ReceiverProcess;
using ::testing::StartsWith;

Mail a_mail() {
  Mail mail;
  mail.to = "ann@example.com";
  mail.subject = "Your application has been approved / 您的申请已通过";
  mail.text = "Hello,\n.\n..\nFrom here on\n现在可以使用 WebSocket 设置。\n";
  mail.id = "0190a1b2c3d4";
  mail.date_ms = 1'800'000'000'000;
  return mail;
}

model::MailConfig plain(const ReceiverProcess& server) {
  model::MailConfig config;
  config.server = "smtp://" + server.address();
  config.from = "fairlead@example.com";
  config.require_tls = false;
  return config;
}

TEST(MailMessage, RefusesWhatCouldBreakOut) {
  ASSERT_TRUE(mail_message(a_mail(), "fairlead@example.com"));
  Mail mail;
  for (const char* to : {"ann@example.com\r\nBcc: all@example.com", "ann@example.com\n", "ann", "@example.com", "ann@",
                         "ann@b@example.com", "ann bo@example.com", "<ann@example.com>", "\"ann\"@example.com",
                         "ann,bo@example.com", ".ann@example.com", "a..n@example.com", "ann@example.com> SIZE=1", "",
                         "\xC3\xA4nn@example.com", "ann@exa mple.com"}) {
    mail = a_mail();
    mail.to = to;
    const auto made = mail_message(mail, "fairlead@example.com");
    ASSERT_FALSE(made) << to;
    EXPECT_EQ(made.error().code, Code::malformed);
    EXPECT_EQ(made.error().retry, Retry::never);
    EXPECT_FALSE(mail_message(a_mail(), to)) << to;
  }
  for (const std::string& subject : {std::string("a\r\nBcc: x@example.com"), std::string("a\nb"), std::string("a\rb"),
                                     std::string("a\0b", 3), std::string("a\x7f"), std::string("\xff\xfe")}) {
    mail = a_mail();
    mail.subject = subject;
    EXPECT_FALSE(mail_message(mail, "fairlead@example.com"));
  }
  for (const char* id : {"", "a\r\nb", "a>b", "a@b"}) {
    mail = a_mail();
    mail.id = id;
    EXPECT_FALSE(mail_message(mail, "fairlead@example.com")) << id;
  }
}

TEST(MailMessage, KeepsToTheFormat) {
  Mail mail = a_mail();
  for (int i = 0; i < 5; ++i) mail.subject += mail.subject;  // long: many encoded words
  for (int i = 0; i < 5; ++i) mail.text += mail.text;
  const std::string message = *mail_message(mail, "fairlead@example.com");
  std::size_t lines = 0;
  for (std::size_t at = 0; at < message.size(); ++lines) {
    const auto end = message.find("\r\n", at);
    ASSERT_NE(end, message.npos);
    EXPECT_LE(end - at, 76U) << message.substr(at, end - at);
    const std::string line = message.substr(at, end - at);
    EXPECT_EQ(line.find_first_of("\r\n"), line.npos);
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
    at = end + 2;
  }
  EXPECT_GT(lines, 50U);
  EXPECT_THAT(message, StartsWith("Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"));
  EXPECT_EQ(message, *mail_message(mail, "fairlead@example.com"));  // a repetition is the same message
}

TEST(SendMail, IsReadAsItWasMeant) {
  ReceiverProcess server({"smtp"});
  const auto sent = send_mail(plain(server), a_mail());
  ASSERT_TRUE(sent) << describe(sent.error());
  auto got = received(server);
  EXPECT_EQ(got["from"], "fairlead@example.com");
  EXPECT_EQ(got["to"], nlohmann::json::array({"ann@example.com"}));
  EXPECT_EQ(got["subject"], a_mail().subject);
  std::string text = got["text"];
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  EXPECT_EQ(text, a_mail().text);
  EXPECT_EQ(got["id"], "<0190a1b2c3d4@example.com>");
  EXPECT_EQ(got["fields"]["from"], "fairlead@example.com");
  EXPECT_EQ(got["fields"]["to"], "ann@example.com");
  EXPECT_EQ(got["fields"]["date"], "Fri, 15 Jan 2027 08:00:00 +0000");
  EXPECT_EQ(got["defects"], nlohmann::json::array());
  EXPECT_EQ(got["tls"], false);

  // Plain and odd subjects come through as well.
  for (const std::string subject :
       {"Short", "=?UTF-8?B?YQ==?=", "", " spaces ", "äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü 您的申请"}) {
    Mail mail = a_mail();
    mail.subject = subject;
    ASSERT_TRUE(send_mail(plain(server), mail));
    if (subject != " spaces ") {
      EXPECT_EQ(received(server)["subject"], subject);
    } else {
      EXPECT_THAT(received(server)["subject"].get<std::string>(), HasSubstr("spaces"));
    }
  }
}

TEST(SendMail, GoesOverStartTlsWithAPassword) {
  const testing::TlsFiles tls;
  ReceiverProcess server(tls.and_files({"smtp", "--require-starttls", "--user", "fairlead", "--password", "s3cret"}));
  model::MailConfig config = plain(server);
  config.require_tls = true;
  config.ca_pem = tls.ca_pem();
  config.username = "fairlead";
  config.password = "s3cret";
  const auto sent = send_mail(config, a_mail());
  ASSERT_TRUE(sent) << describe(sent.error());
  auto got = received(server);
  EXPECT_EQ(got["tls"], true);
  EXPECT_EQ(got["user"], "fairlead");

  // A wrong password is the operator's to mend, and no fault of the message.
  config.password = "wrong";
  const auto refused = send_mail(config, a_mail());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::forbidden) << describe(refused.error());
  EXPECT_EQ(refused.error().retry, Retry::later);
  config.username = config.password = "";
  const auto nobody = send_mail(config, a_mail());
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().retry, Retry::later) << describe(nobody.error());

  // An authority that is not ours.
  config.ca_pem = net::testing::make_certificate({.common_name = "Another CA", .authority = true}).pem;
  EXPECT_EQ(send_mail(config, a_mail()).error().code, Code::certificate);
  EXPECT_TRUE(testing::nothing_received(server));
}

TEST(SendMail, SaysNothingWithoutTls) {
  ReceiverProcess server({"smtp", "--user", "fairlead", "--password", "s3cret"});
  model::MailConfig config = plain(server);
  config.require_tls = true;
  config.username = "fairlead";
  config.password = "s3cret";
  const auto refused = send_mail(config, a_mail());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::tls) << describe(refused.error());
  EXPECT_EQ(refused.error().retry, Retry::later);
  EXPECT_TRUE(testing::nothing_received(server));
}

TEST(SendMail, SpeaksTlsFromTheStart) {
  const testing::TlsFiles tls;
  ReceiverProcess server(tls.and_files({"smtp", "--implicit-tls"}));
  model::MailConfig config = plain(server);
  config.server = "smtps://" + server.address();
  config.require_tls = true;
  config.ca_pem = tls.ca_pem();
  const auto sent = send_mail(config, a_mail());
  ASSERT_TRUE(sent) << describe(sent.error());
  EXPECT_EQ(received(server)["id"], "<0190a1b2c3d4@example.com>");
}

TEST(SendMail, TellsForGoodFromForNow) {
  for (const char* stage : {"mail", "rcpt", "data"}) {
    ReceiverProcess never({"smtp", "--refuse-at", stage, "--refuse", "550 no such user here"});
    const auto refused = send_mail(plain(never), a_mail());
    ASSERT_FALSE(refused) << stage;
    EXPECT_EQ(refused.error().code, Code::forbidden) << stage << ": " << describe(refused.error());
    EXPECT_EQ(refused.error().retry, Retry::never) << stage;
    EXPECT_THAT(refused.error().context, HasSubstr("550 no such user here")) << stage;

    ReceiverProcess later({"smtp", "--refuse-at", stage, "--refuse", "451 come back", "--refuse-times", "1"});
    const auto put_off = send_mail(plain(later), a_mail());
    ASSERT_FALSE(put_off) << stage;
    EXPECT_EQ(put_off.error().code, Code::overloaded) << stage << ": " << describe(put_off.error());
    EXPECT_EQ(put_off.error().retry, Retry::later) << stage;
    EXPECT_TRUE(send_mail(plain(later), a_mail())) << stage;
  }
  ReceiverProcess gone({"smtp"});
  const model::MailConfig config = plain(gone);
  gone.end();
  const auto nobody = send_mail(config, a_mail());
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Code::refused) << describe(nobody.error());
  EXPECT_EQ(nobody.error().retry, Retry::later);
  const auto unconfigured = send_mail(model::MailConfig(), a_mail());
  ASSERT_FALSE(unconfigured);
  EXPECT_EQ(unconfigured.error().code, Code::unsupported);
  EXPECT_EQ(unconfigured.error().retry, Retry::later);
}

}  // namespace
}  // namespace fairlead::control
