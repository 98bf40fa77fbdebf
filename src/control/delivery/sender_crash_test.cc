// What a program that is killed while it sends leaves behind: every notice is sent at least once, and one that is sent
// again is known by its Message-ID.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>

#include "base/clock.h"
#include "control/delivery/notices.h"
#include "control/delivery/sender.h"
#include "control/delivery/testing/receivers.h"
#include "control/secrets.h"
#include "store/migrations.h"
#include "store/outbox.h"

namespace fairlead::control {
namespace {

constexpr int kNotices = 200;

// Sends until it is killed. In a process of its own.
[[noreturn]] void send_for_ever(const std::string& address, const model::ControlConfig& config) {
  auto database = store::Database::open(address);
  if (!database) ::_exit(10);
  Delays delays;
  delays.lease = std::chrono::milliseconds(300);
  delays.first = delays.look = std::chrono::milliseconds(20);
  const Secrets secrets = Secrets::ephemeral();
  OutboxSender sender(*database, config, secrets, base::wall_clock_ms, delays);
  for (;;) ::pause();
}

TEST(KilledSender, SendsEveryNoticeAndRepeatsKnowably) {
  testing::ReceiverProcess mail({"smtp"});
  const testing::Folder folder;
  const std::string address = "sqlite:" + folder.path() + "/x.db";
  model::ControlConfig config;
  config.mail.server = "smtp://" + mail.address();
  config.mail.from = "fairlead@example.com";
  config.mail.require_tls = false;
  {
    auto database = store::Database::open(address);
    ASSERT_TRUE(database) << describe(database.error());
    const std::int64_t now = base::wall_clock_ms();
    ASSERT_TRUE(store::migrate(*database, now));
    for (int i = 0; i < kNotices; ++i) {
      Event event;
      event.type = "domain.online";
      event.mail_to = {"user" + std::to_string(i) + "@example.com"};
      event.data = {{"domain", "live" + std::to_string(i) + ".example.com"}};
      ASSERT_TRUE(database->write(
          [&](store::Transaction& tx) { return write_notices(tx, config, Secrets::ephemeral(), event, now); }));
    }
  }  // closed: a database must not be carried through fork

  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](unsigned limit) { return random() % limit; };
  std::map<std::string, std::multiset<std::string>> ids;  // by who received them
  int mails = 0, kills = 0;
  const auto take = [&] {
    const auto got = testing::received(mail);
    if (got.is_null()) return false;
    ids[got["to"][0]].insert(got["id"].get<std::string>());
    ++mails;
    return true;
  };
  while (ids.size() < kNotices) {
    const pid_t child = ::fork();
    if (child == 0) send_for_ever(address, config);
    // A few mails, and some microseconds more: anywhere between claim and report.
    const bool to_the_end = kills == 40;
    for (unsigned wanted = to_the_end ? 2 * kNotices : below(8); wanted > 0 && ids.size() < kNotices; --wanted) {
      if (!take()) break;
    }
    const timespec moment{0, static_cast<long>(below(8'000'000))};
    ::ppoll(nullptr, 0, &moment, nullptr);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);
    ++kills;
    ASSERT_LE(kills, 41) << "mails: " << mails;
  }
  EXPECT_GT(kills, 20);

  // One more, undisturbed, has nothing left to do but what the last kill left.
  auto database = store::Database::open(address);
  ASSERT_TRUE(database) << describe(database.error());
  {
    Delays delays;
    delays.look = std::chrono::milliseconds(20);
    const Secrets secrets = Secrets::ephemeral();
    OutboxSender sender(*database, config, secrets, base::wall_clock_ms, delays);
    const auto pending = [&] {
      auto due = database->read([](store::Transaction& tx) { return store::next_due_ms(tx); });
      return !due || due->has_value();
    };
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (pending() && std::chrono::steady_clock::now() < until) ::poll(nullptr, 0, 5);
    EXPECT_FALSE(pending());
  }
  while (const auto line = mail.next(std::chrono::milliseconds(0))) {
    const auto got = nlohmann::json::parse(*line);
    ids[got["to"][0]].insert(got["id"].get<std::string>());
    ++mails;
  }
  EXPECT_EQ(ids.size(), std::size_t{kNotices});
  EXPECT_LE(mails, kNotices + kills);  // a kill repeats the one notice it interrupted, if any
  std::set<std::string> all;
  for (const auto& [who, copies] : ids) {
    EXPECT_EQ(*copies.begin(), *copies.rbegin()) << who << " got two Message-IDs for one notice";
    EXPECT_TRUE(all.insert(*copies.begin()).second) << who;
  }
  RecordProperty("kills", kills);
  RecordProperty("repeated", mails - kNotices);
}

}  // namespace
}  // namespace fairlead::control
