#include "store/applications.h"

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class ApplicationsTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    account_ = make_account("customer").id;
  }
  Application submit(ApplicationKind kind, std::optional<std::string> domain_id, std::int64_t now_ms = kNow) {
    Application a;
    a.kind = kind;
    a.account_id = account_;
    a.domain_id = std::move(domain_id);
    a.fields = R"({"use":"chat"})";
    return write([&](Transaction& tx) { return insert_application(tx, a, now_ms); });
  }
  std::string account_;
};

TEST_P(ApplicationsTest, IsDecidedOnce) {
  const auto domain = make_domain(account_, "a.example");
  auto made = submit(ApplicationKind::architecture_change, domain.id);
  EXPECT_EQ(made.state, ApplicationState::submitted);
  EXPECT_EQ(read([&](Transaction& tx) { return find_application(tx, made.id); }), made);
  const auto decide = [&](std::int64_t expected, ApplicationState state) {
    return db().write([&](Transaction& tx) {
      return decide_application(tx, made.id, expected, state, "no contract", "operator-1", kNow + 7);
    });
  };
  EXPECT_EQ(decide(1, ApplicationState::submitted).error().code, Code::malformed);
  EXPECT_EQ(decide(2, ApplicationState::approved).error().code, Code::conflict);
  const auto decided = must(decide(1, ApplicationState::rejected));
  made.state = ApplicationState::rejected;
  made.reason = "no contract";
  made.decided_by = "operator-1";
  made.decided_ms = kNow + 7;
  made.revision = 2;
  EXPECT_EQ(decided, made);
  for (const int revision : {1, 2})
    EXPECT_EQ(decide(revision, ApplicationState::approved).error().code, Code::conflict);
  EXPECT_EQ(read([&](Transaction& tx) { return find_application(tx, made.id); }), made);
  EXPECT_EQ(refused([](Transaction& tx) {
              return decide_application(tx, "nobody", 1, ApplicationState::approved, "", "o", kNow);
            }).code,
            Code::not_found);

  // The application outlives its domain.
  write([&](Transaction& tx) { return delete_domain(tx, domain.id, 1, kNow); });
  made.domain_id.reset();
  EXPECT_EQ(read([&](Transaction& tx) { return find_application(tx, made.id); }), made);
}

TEST_P(ApplicationsTest, ForeignDomainIsRefused) {
  Application a;
  a.account_id = account_;
  a.domain_id = make_domain(make_account("other").id, "theirs.example").id;
  EXPECT_EQ(refused([&](Transaction& tx) { return insert_application(tx, a, kNow); }).code, Code::not_found);
  a.domain_id.reset();
  a.account_id = "nobody";
  EXPECT_EQ(refused([&](Transaction& tx) { return insert_application(tx, a, kNow); }).code, Code::conflict);
}

TEST_P(ApplicationsTest, DeskIsOldestFirstAndFiltered) {
  const auto domain = make_domain(account_, "a.example").id;
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) made.push_back(submit(ApplicationKind::activation, std::nullopt, kNow + i).id);
  made.push_back(submit(ApplicationKind::architecture_change, domain, kNow + 5).id);
  write([&](Transaction& tx) {
    return decide_application(tx, made[0], 1, ApplicationState::approved, "", "operator-1", kNow);
  });

  std::vector<std::string> seen;
  ApplicationFilter open;
  open.state = ApplicationState::submitted;
  PageRequest page{"", 2};
  do {
    const auto part = read([&](Transaction& tx) { return list_applications(tx, open, page); });
    EXPECT_EQ(part.total, 5);
    for (const auto& a : part.items) seen.push_back(a.id);
    page.after = part.next;
  } while (!page.after.empty());
  EXPECT_EQ(seen, std::vector<std::string>(made.begin() + 1, made.end()));

  const auto count = [&](auto set) {
    ApplicationFilter filter;
    set(filter);
    return read([&](Transaction& tx) { return list_applications(tx, filter, {}); }).total;
  };
  EXPECT_EQ(count([&](ApplicationFilter& f) { f.account_id = account_; }), 6);
  EXPECT_EQ(count([&](ApplicationFilter& f) { f.account_id = "nobody"; }), 0);
  EXPECT_EQ(count([&](ApplicationFilter& f) { f.domain_id = domain; }), 1);
  EXPECT_EQ(count([&](ApplicationFilter& f) { f.kind = ApplicationKind::activation; }), 5);
  EXPECT_EQ(db().read([](Transaction& tx) { return list_applications(tx, {}, {"x", 1}); }).error().code,
            Code::malformed);
}

TEST_P(ApplicationsTest, TheOneThatCounts) {
  const auto domain = make_domain(account_, "a.example");
  const auto current = [&](ApplicationKind kind, std::optional<std::string> domain_id = {}) {
    return db().read([&](Transaction& tx) { return current_application(tx, account_, kind, domain_id); });
  };
  const auto reject = [&](const Application& a) {
    return write([&](Transaction& tx) {
      return decide_application(tx, a.id, 1, ApplicationState::rejected, "no", "operator-1", kNow + 50);
    });
  };
  EXPECT_EQ(current(ApplicationKind::activation).error().code, Code::not_found);
  const auto first = reject(submit(ApplicationKind::activation, {}, kNow + 20));
  const auto second = reject(submit(ApplicationKind::activation, {}, kNow + 30));
  EXPECT_EQ(must(current(ApplicationKind::activation)).id, second.id);
  // A clock that was set back does not hide what was submitted after it.
  const auto third = submit(ApplicationKind::activation, {}, kNow);
  EXPECT_EQ(must(current(ApplicationKind::activation)).id, third.id);
  EXPECT_EQ(current(ApplicationKind::architecture_change, domain.id).error().code, Code::not_found);
  const auto change = submit(ApplicationKind::architecture_change, domain.id);
  EXPECT_EQ(must(current(ApplicationKind::architecture_change, domain.id)).id, change.id);
  const auto other = make_domain(account_, "b.example");
  EXPECT_EQ(current(ApplicationKind::architecture_change, other.id).error().code, Code::not_found);
}

FAIRLEAD_BOTH_ENGINES(ApplicationsTest);

}  // namespace
}  // namespace fairlead::store
