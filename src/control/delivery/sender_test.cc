#include "control/delivery/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <set>

#include "control/delivery/notices.h"
#include "control/delivery/testing/receivers.h"
#include "control/secrets.h"
#include "store/migrations.h"
#include "store/outbox.h"

namespace fairlead::control {
namespace {

using store::Notice;
using store::NoticeKind;
using store::NoticeState;
using ::testing::HasSubstr;
using testing::received;
using testing::ReceiverProcess;

constexpr std::int64_t kNow = 1'800'000'000'000;

class Sender : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::Database::open("sqlite:" + folder_.path() + "/x.db");
    ASSERT_TRUE(opened) << describe(opened.error());
    database_.emplace(std::move(*opened));
    ASSERT_TRUE(store::migrate(*database_, kNow));
  }
  void TearDown() override { sender_.reset(); }

  void mails_to(const ReceiverProcess& server) {
    config_.mail.server = "smtp://" + server.address();
    config_.mail.from = "fairlead@example.com";
    config_.mail.require_tls = false;
  }
  std::string webhooks_to(const std::string& address) {
    config_.webhooks.emplace_back();
    config_.webhooks.back().url = "http://" + address + "/hook";
    config_.webhooks.back().secret = "secret";
    return config_.webhooks.back().url;
  }
  std::string put(NoticeKind kind, const std::string& destination,
                  const std::string& payload = R"({"subject": "Hello", "text": "Text\n"})") {
    Notice notice;
    notice.kind = kind;
    notice.destination = destination;
    notice.payload = payload;
    return database_->write([&](store::Transaction& tx) { return store::insert_notice(tx, notice, now_); })->id;
  }
  void start(Delays delays = {}) {
    sender_.emplace(*database_, config_, secrets_, [this] { return now_.load(); }, delays);
  }
  void advance(std::chrono::milliseconds by) {
    now_ += by.count();
    sender_->notify();
  }
  Notice look(const std::string& id) {
    auto found = database_->read([&](store::Transaction& tx) { return store::find_notice(tx, id); });
    return found ? *found : Notice();
  }
  // The notice once `holds` is true of it, within ten seconds.
  Notice once(const std::string& id, const std::function<bool(const Notice&)>& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (;;) {
      const Notice notice = look(id);
      if (holds(notice)) return notice;
      if (std::chrono::steady_clock::now() > until) {
        ADD_FAILURE() << "notice " << id << ": " << to_string(notice.state) << ", attempt " << notice.attempts << ": "
                      << notice.last_error;
        return notice;
      }
      ::poll(nullptr, 0, 2);
    }
  }
  Notice after_attempt(const std::string& id, std::int64_t attempts) {
    return once(id, [&](const Notice& n) { return n.attempts == attempts && n.lease.empty(); });
  }

  testing::Folder folder_;
  std::optional<store::Database> database_;
  model::ControlConfig config_;
  Secrets secrets_ = Secrets::ephemeral();
  std::atomic<std::int64_t> now_{kNow};
  std::optional<OutboxSender> sender_;
};

TEST(RetryDelay, DoublesUpToItsLimit) {
  const Delays delays;
  using std::chrono::seconds;
  EXPECT_EQ(retry_delay(delays, 1, 0.5), seconds(30));
  EXPECT_EQ(retry_delay(delays, 2, 0.5), seconds(60));
  EXPECT_EQ(retry_delay(delays, 3, 0.5), seconds(120));
  EXPECT_EQ(retry_delay(delays, 7, 0.5), seconds(1920));
  EXPECT_EQ(retry_delay(delays, 8, 0.5), seconds(3600));
  EXPECT_EQ(retry_delay(delays, 1'000'000'000'000, 0.5), seconds(3600));
  EXPECT_EQ(retry_delay(delays, 1, 0), seconds(24));
  EXPECT_EQ(retry_delay(delays, 1, 1), seconds(36));
}

TEST_F(Sender, SendsWhatIsThereAndWhatComes) {
  ReceiverProcess mail({"smtp"}), http({"http"});
  mails_to(mail);
  const std::string url = webhooks_to(http.address());
  const std::string first = put(NoticeKind::email, "ann@example.com");
  start();
  EXPECT_EQ(received(mail)["id"], "<" + first + "@example.com>");
  const std::string second = put(NoticeKind::webhook, url, R"({"type":"domain.online"})");
  sender_->notify();
  const auto got = received(http);
  EXPECT_EQ(got["body"], R"({"type":"domain.online"})");
  EXPECT_EQ(got["fields"]["fairlead-webhook-id"], second);
  EXPECT_EQ(got["fields"]["fairlead-webhook-timestamp"], std::to_string(kNow / 1000));
  sender_->stop();
  EXPECT_EQ(look(first).state, NoticeState::done);
  EXPECT_EQ(look(second).state, NoticeState::done);
  EXPECT_EQ(sender_->counters().sent, 2U);
  EXPECT_EQ(sender_->counters().retried, 0U);
  EXPECT_EQ(sender_->counters().failed, 0U);
}

TEST_F(Sender, OpensWhatIsSealed) {
  ReceiverProcess mail({"smtp"});
  mails_to(mail);
  Event event;
  event.type = "user.invited";
  event.mail_to = {"ann@example.com"};
  event.data = {{"link", "https://x/password#fll_secret"}};
  ASSERT_TRUE(
      database_->write([&](store::Transaction& tx) { return write_notices(tx, config_, secrets_, event, now_); }));
  start();
  EXPECT_THAT(received(mail)["text"].get<std::string>(), HasSubstr("https://x/password#fll_secret"));
}

TEST_F(Sender, OfAWebhooksUrlTheLogHasThePlaceAlone) {
  ReceiverProcess http({"http", "--statuses", "500"});
  webhooks_to(http.address());
  config_.webhooks[0].url = "http://user:word@" + http.address() + "/services/T0/secret?key=secret";
  const std::string id = put(NoticeKind::webhook, config_.webhooks[0].url);
  ::testing::internal::CaptureStderr();
  start();
  const Notice notice = after_attempt(id, 1);
  sender_->stop();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(notice.last_error, HasSubstr("http://" + http.address() + " answered 500"));
  EXPECT_THAT(log, HasSubstr("webhook to http://" + http.address() + ")"));
  for (const std::string& text : {log, notice.last_error}) {
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    EXPECT_EQ(text.find("word"), std::string::npos) << text;
  }
}

TEST_F(Sender, TriesAgainLaterAndLater) {
  ReceiverProcess mail({"smtp", "--refuse-at", "rcpt", "--refuse", "451 come back", "--refuse-times", "2"});
  mails_to(mail);
  const std::string id = put(NoticeKind::email, "ann@example.com");
  start();
  Notice notice = after_attempt(id, 1);
  EXPECT_EQ(notice.state, NoticeState::pending);
  EXPECT_THAT(notice.last_error, HasSubstr("451 come back"));
  EXPECT_GE(notice.next_attempt_ms, kNow + 24'000);
  EXPECT_LE(notice.next_attempt_ms, kNow + 36'000);

  now_ = notice.next_attempt_ms - 1;
  sender_->notify();
  now_ = notice.next_attempt_ms;
  sender_->notify();
  notice = after_attempt(id, 2);
  EXPECT_GE(notice.next_attempt_ms, now_ + 48'000);
  EXPECT_LE(notice.next_attempt_ms, now_ + 72'000);
  advance(std::chrono::seconds(72));
  notice = once(id, [](const Notice& n) { return n.state == NoticeState::done; });
  EXPECT_EQ(notice.attempts, 3);
  sender_->stop();
  EXPECT_EQ(sender_->counters().sent, 1U);
  EXPECT_EQ(sender_->counters().retried, 2U);
}

TEST_F(Sender, WhatIsRefusedForGoodIsNotTriedAgain) {
  ReceiverProcess mail({"smtp", "--refuse-at", "rcpt", "--refuse", "550 no such user"}),
      http({"http", "--statuses", "410"});
  mails_to(mail);
  const std::string url = webhooks_to(http.address());
  const std::string a = put(NoticeKind::email, "ann@example.com"), b = put(NoticeKind::webhook, url),
                    c = put(NoticeKind::email, "no address"), d = put(NoticeKind::email, "ann@example.com", "no JSON"),
                    e = put(NoticeKind::email, "ann@example.com", R"({"subject": 1, "text": null})");
  start();
  for (const std::string& id : {a, b, c, d, e}) {
    const Notice notice = once(id, [](const Notice& n) { return n.state == NoticeState::failed; });
    EXPECT_EQ(notice.attempts, 1);
    EXPECT_FALSE(notice.last_error.empty());
  }
  EXPECT_THAT(look(a).last_error, HasSubstr("550 no such user"));
  EXPECT_THAT(look(b).last_error, HasSubstr("410"));
  sender_->stop();
  EXPECT_EQ(sender_->counters().failed, 5U);
}

TEST_F(Sender, GivesUpAfterThreeDays) {
  ReceiverProcess http({"http", "--statuses", "500"});
  const std::string id = put(NoticeKind::webhook, webhooks_to(http.address()));
  start();
  after_attempt(id, 1);
  std::int64_t attempts = 1;
  while (look(id).state == NoticeState::pending && attempts < 200) {
    advance(std::chrono::minutes(72));  // no delay is longer
    after_attempt(id, ++attempts);
  }
  const Notice notice = look(id);
  EXPECT_EQ(notice.state, NoticeState::failed);
  EXPECT_GE(now_ - kNow, 70 * 3'600'000);
  EXPECT_LE(now_ - kNow, 73 * 3'600'000);
  EXPECT_THAT(notice.last_error, HasSubstr("500"));
  EXPECT_EQ(sender_->counters().failed, 1U);
}

TEST_F(Sender, WithoutConfigurationANoticeWaitsWithTheReason) {
  const std::string mail = put(NoticeKind::email, "ann@example.com"),
                    hook = put(NoticeKind::webhook, "http://127.0.0.1:1/");
  start();
  Notice notice = after_attempt(mail, 1);
  EXPECT_EQ(notice.state, NoticeState::pending);
  EXPECT_THAT(notice.last_error, HasSubstr("no mail server is configured"));
  notice = after_attempt(hook, 1);
  EXPECT_EQ(notice.state, NoticeState::pending);
  EXPECT_THAT(notice.last_error, HasSubstr("no webhook is configured"));
}

TEST_F(Sender, ADeadReceiverRests) {
  ReceiverProcess good({"http"});
  std::optional<ReceiverProcess> dead(std::in_place, std::vector<std::string>{"http"});
  const std::string port = std::to_string(dead->port()), to_dead = webhooks_to(dead->address()),
                    to_good = webhooks_to(good.address());
  dead->end();
  std::vector<std::string> ids;
  ids.push_back(put(NoticeKind::webhook, to_dead));
  start();
  after_attempt(ids[0], 1);
  // It comes back while it rests, and is left alone until the rest is over.
  dead.emplace(std::vector<std::string>{"--port", port, "http"});
  for (int i = 0; i < 20; ++i) ids.push_back(put(NoticeKind::webhook, to_dead));
  const std::string other = put(NoticeKind::webhook, to_good);
  sender_->notify();
  once(other, [](const Notice& n) { return n.state == NoticeState::done; });
  for (const std::string& id : ids) EXPECT_EQ(after_attempt(id, 1).state, NoticeState::pending);
  EXPECT_TRUE(testing::nothing_received(*dead));
  advance(std::chrono::seconds(60));
  for (const std::string& id : ids) once(id, [](const Notice& n) { return n.state == NoticeState::done; });
  std::set<std::string> got;
  for (std::size_t i = 0; i < ids.size(); ++i) got.insert(received(*dead)["fields"]["fairlead-webhook-id"]);
  EXPECT_EQ(got.size(), ids.size());
}

TEST_F(Sender, OfTwoSendersOneHasEachNotice) {
  ReceiverProcess mail({"smtp"});
  mails_to(mail);
  std::set<std::string> written, got;
  for (int i = 0; i < 60; ++i) written.insert("<" + put(NoticeKind::email, "ann@example.com") + "@example.com>");
  start();
  {
    OutboxSender another(*database_, config_, secrets_, [this] { return now_.load(); });
    for (std::size_t i = 0; i < written.size(); ++i) EXPECT_TRUE(got.insert(received(mail)["id"]).second);
    sender_->stop();
    another.stop();
    EXPECT_EQ(sender_->counters().sent + another.counters().sent, written.size());
  }
  EXPECT_EQ(got, written);
  EXPECT_TRUE(testing::nothing_received(mail));
}

TEST_F(Sender, StopsInTimeAndLeavesTheRestForLater) {
  ReceiverProcess silent({"http", "--silent"});
  const std::string id = put(NoticeKind::webhook, webhooks_to(silent.address()));
  start();
  received(silent);  // the attempt is under way
  const auto begun = std::chrono::steady_clock::now();
  sender_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, OutboxSender::kStopGrace + std::chrono::seconds(4));
  const Notice notice = look(id);
  EXPECT_EQ(notice.state, NoticeState::pending);
  EXPECT_EQ(notice.lease, "");
  EXPECT_LE(notice.next_attempt_ms, kNow);  // whoever starts next need not wait
  sender_->stop();
}

TEST_F(Sender, ForgetsWhatIsLongOver) {
  ReceiverProcess http({"http"});
  const std::string id = put(NoticeKind::webhook, webhooks_to(http.address()));
  start();
  once(id, [](const Notice& n) { return n.state == NoticeState::done; });
  advance(std::chrono::hours(29 * 24));
  const std::string later = put(NoticeKind::webhook, config_.webhooks[0].url);
  sender_->notify();
  once(later, [](const Notice& n) { return n.state == NoticeState::done; });
  EXPECT_EQ(look(id).state, NoticeState::done);
  advance(std::chrono::hours(25));
  once(id, [](const Notice& n) { return n.id.empty(); });
  EXPECT_EQ(look(later).state, NoticeState::done);
}

}  // namespace
}  // namespace fairlead::control
