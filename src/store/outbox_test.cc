#include "store/outbox.h"

#include <map>
#include <mutex>
#include <thread>

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class OutboxTest : public testing::StoreTest {
 protected:
  Notice put(std::string payload, std::int64_t now_ms = kNow) {
    Notice n;
    n.kind = NoticeKind::webhook;
    n.destination = "https://hooks.example/x";
    n.payload = std::move(payload);
    return write([&](Transaction& tx) { return insert_notice(tx, n, now_ms); });
  }
  std::vector<Notice> claim(std::int64_t now_ms, std::int64_t limit = 10) {
    return write([&](Transaction& tx) { return claim_due(tx, now_ms, limit, 100); });
  }
  static std::string payloads(const std::vector<Notice>& notices) {
    std::string text;
    for (const auto& n : notices) text += n.payload;
    return text;
  }
  Notice look(const Notice& n) {
    return read([&](Transaction& tx) { return find_notice(tx, n.id); });
  }
  std::optional<std::int64_t> due() {
    return read([](Transaction& tx) { return next_due_ms(tx); });
  }
};

TEST_P(OutboxTest, IsClaimedSentAndDone) {
  EXPECT_EQ(due(), std::nullopt);
  const auto a = put("a"), b = put("b", kNow + 1);
  EXPECT_EQ(look(a), a);
  EXPECT_EQ(due(), kNow);
  EXPECT_EQ(payloads(claim(kNow - 1)), "");
  const auto first = claim(kNow + 1, 1);
  ASSERT_EQ(payloads(first), "a");  // due longest
  EXPECT_EQ(first[0].attempts, 1);
  EXPECT_EQ(first[0].lease_until_ms, kNow + 101);
  const auto second = claim(kNow + 1);
  ASSERT_EQ(payloads(second), "b");
  EXPECT_NE(first[0].lease, second[0].lease);
  EXPECT_EQ(payloads(claim(kNow + 1)), "");
  EXPECT_EQ(due(), kNow + 101);
  write([&](Transaction& tx) { return mark_done(tx, first[0]); });
  EXPECT_EQ(look(a).state, NoticeState::done);
  EXPECT_EQ(payloads(claim(kNow + 1000)), "b");  // its lease ran out; what is done is not due again
}

TEST_P(OutboxTest, FailureIsTriedAgainOrNever) {
  const auto n = put("a");
  write([&, claimed = claim(kNow)[0]](Transaction& tx) { return mark_failed(tx, claimed, "503", kNow + 50); });
  EXPECT_EQ(look(n).last_error, "503");
  EXPECT_EQ(due(), kNow + 50);
  EXPECT_EQ(payloads(claim(kNow + 49)), "");
  const auto again = claim(kNow + 50);
  ASSERT_EQ(payloads(again), "a");
  EXPECT_EQ(again[0].attempts, 2);
  write([&](Transaction& tx) { return mark_failed(tx, again[0], "410", std::nullopt); });
  EXPECT_EQ(look(n).state, NoticeState::failed);
  EXPECT_EQ(look(n).last_error, "410");
  EXPECT_EQ(due(), std::nullopt);
  EXPECT_EQ(payloads(claim(kNow + 10'000)), "");
}

TEST_P(OutboxTest, LeaseThatRanOutReportsNothing) {
  const auto n = put("a");
  const auto slow = claim(kNow)[0], quick = claim(kNow + 100)[0];
  EXPECT_EQ(quick.id, slow.id);
  for (const auto& error : {refused([&](Transaction& tx) { return mark_done(tx, slow); }),
                            refused([&](Transaction& tx) { return mark_failed(tx, slow, "x", kNow); })}) {
    EXPECT_EQ(error.code, Code::conflict);
    EXPECT_TRUE(error.context.starts_with("lease:")) << error.context;
  }
  write([&](Transaction& tx) { return mark_done(tx, quick); });
  EXPECT_EQ(refused([&](Transaction& tx) { return mark_done(tx, quick); }).code, Code::conflict);  // twice
  EXPECT_EQ(refused([&](Transaction& tx) { return mark_done(tx, n); }).code, Code::conflict);      // never claimed
  Notice nobody;
  nobody.lease = "x";
  EXPECT_EQ(refused([&](Transaction& tx) { return mark_done(tx, nobody); }).code, Code::not_found);
}

// Two control planes, four threads, one outbox: each notice is claimed once.
TEST_P(OutboxTest, TwoControlPlanesAtOnceShareTheWork) {
  constexpr int kNotices = 60;
  write([&](Transaction& tx) -> base::Result<void> {
    for (int i = 0; i < kNotices; ++i) {
      Notice n;
      n.payload = std::to_string(i);
      if (auto done = insert_notice(tx, n, kNow); !done) return std::unexpected(done.error());
    }
    return {};
  });
  Database other = open_another();
  std::mutex mutex;
  std::map<std::string, int> sent;
  int failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, &mine = i % 2 == 0 ? db() : other] {
        for (;;) {
          const auto mail = mine.write([](Transaction& tx) { return claim_due(tx, kNow, 4, 1000); });
          if (mail && mail->empty()) return;
          std::lock_guard lock(mutex);
          if (!mail) {
            ++failed;
            return;
          }
          for (const auto& n : *mail) ++sent[n.payload];
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(sent.size(), std::size_t{kNotices});
  for (const auto& [payload, times] : sent) EXPECT_EQ(times, 1) << payload;
}

TEST_P(OutboxTest, ListsByStateAndForgetsWhatIsOver) {
  for (int i = 0; i < 4; ++i) put(std::to_string(i), kNow + i);
  const auto mail = claim(kNow + 10);
  write([&](Transaction& tx) { return mark_done(tx, mail[0]); });
  write([&](Transaction& tx) { return mark_failed(tx, mail[1], "x", std::nullopt); });
  const auto list = [&](NoticeState state, PageRequest page) {
    return read([&](Transaction& tx) { return list_notices(tx, state, page); });
  };
  EXPECT_EQ(payloads(list(NoticeState::done, {}).items), "0");
  EXPECT_EQ(payloads(list(NoticeState::failed, {}).items), "1");
  const auto pending = list(NoticeState::pending, {"", 1});
  EXPECT_EQ(payloads(pending.items), "2");
  EXPECT_EQ(pending.total, 2);
  EXPECT_EQ(payloads(list(NoticeState::pending, {pending.next, 1}).items), "3");
  EXPECT_EQ(write([](Transaction& tx) { return prune_notices(tx, kNow + 1); }), 1);
  EXPECT_EQ(write([](Transaction& tx) { return prune_notices(tx, kNow + 100); }), 1);
  EXPECT_EQ(list(NoticeState::pending, {}).total, 2);
}

FAIRLEAD_BOTH_ENGINES(OutboxTest);

}  // namespace
}  // namespace fairlead::store
