#include "store/audit.h"

#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class AuditTest : public testing::StoreTest {
 protected:
  AuditEntry append(std::int64_t at_ms, std::optional<std::string> account, std::string object) {
    AuditEntry e;
    e.at_ms = at_ms;
    e.account_id = std::move(account);
    e.action = "domain.update";
    e.object_type = "domain";
    e.object_name = std::move(object);
    return write([&](Transaction& tx) { return append_audit(tx, e); });
  }
  Page<AuditEntry> list(const AuditFilter& filter, const PageRequest& page = {}) {
    return read([&](Transaction& tx) { return list_audit(tx, filter, page); });
  }
};

TEST_P(AuditTest, EveryFieldIsKept) {
  AuditEntry e;
  e.at_ms = kNow;
  e.account_id = "account";
  e.user_id = "user";
  e.source_address = "2001:db8::1";
  e.action = "certificate.replace";
  e.object_type = "certificate";
  e.object_name = "live";
  e.old_value = R"({"a":1})";
  e.new_value = R"({"a":2})";
  const auto stored = write([&](Transaction& tx) { return append_audit(tx, e); });
  EXPECT_FALSE(stored.id.empty());
  e.id = stored.id;
  EXPECT_EQ(list({}).items, std::vector<AuditEntry>{e});
  const auto bare = append(kNow + 1, std::nullopt, "x");
  EXPECT_EQ(list({}).items, (std::vector<AuditEntry>{bare, e}));
}

TEST_P(AuditTest, PagesGoBackInTimeThroughEqualTimes) {
  std::vector<std::string> made;
  for (int i = 0; i < 12; ++i) made.push_back(append(kNow + i / 5, "a", "x").id);  // five at the same millisecond
  std::vector<AuditEntry> seen;
  PageRequest page{"", 4};
  do {
    const auto part = list({}, page);
    seen.insert(seen.end(), part.items.begin(), part.items.end());
    page.after = part.next;
    append(kNow + 100, "a", "new");  // goes before what was read, and disturbs nobody
  } while (!page.after.empty());
  ASSERT_EQ(seen.size(), made.size());
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_GE(seen[i - 1].at_ms, seen[i].at_ms);
  for (const auto& id : made)
    EXPECT_EQ(std::count_if(seen.begin(), seen.end(), [&](const auto& e) { return e.id == id; }), 1);
}

TEST_P(AuditTest, Filters) {
  append(kNow, "a", "x");
  append(kNow + 1, "a", "y");
  append(kNow + 2, "b", "x");
  const auto count = [&](auto set) {
    AuditFilter filter;
    set(filter);
    const auto page = list(filter);
    EXPECT_EQ(page.total, std::ssize(page.items));
    return page.total;
  };
  EXPECT_EQ(count([](AuditFilter& f) { f.account_id = "a"; }), 2);
  EXPECT_EQ(count([](AuditFilter& f) { f.object_type = "domain", f.object_name = "x"; }), 2);
  EXPECT_EQ(count([](AuditFilter& f) { f.object_type = "user"; }), 0);
  EXPECT_EQ(count([](AuditFilter& f) { f.action = "domain.update"; }), 3);
  EXPECT_EQ(count([](AuditFilter& f) { f.user_id = "nobody"; }), 0);
  EXPECT_EQ(count([](AuditFilter& f) { f.from_ms = kNow + 1; }), 2);
  EXPECT_EQ(count([](AuditFilter& f) { f.from_ms = kNow + 1, f.before_ms = kNow + 2; }), 1);
}

TEST_P(AuditTest, NonsenseIsNoPlaceInTheList) {
  for (const char* after : {"x", "1", "1.", "1.x", "99999999999999999999.0", ".0123456789abcdef0123456789abcdef"}) {
    const auto page = db().read([&](Transaction& tx) { return list_audit(tx, {}, {after, 5}); });
    ASSERT_FALSE(page) << after;
    EXPECT_EQ(page.error().code, Code::malformed);
  }
}

FAIRLEAD_BOTH_ENGINES(AuditTest);

}  // namespace
}  // namespace fairlead::store
