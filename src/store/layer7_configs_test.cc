#include "store/layer7_configs.h"

#include "store/domains.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class Layer7ConfigsTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    account_ = make_account("customer").id;
  }
  Layer7Config make(std::string name) {
    Layer7Config config;
    config.account_id = account_;
    config.name = std::move(name);
    config.settings = R"({"proxy_connect_timeout":4000})";
    return write([&](Transaction& tx) { return insert_layer7_config(tx, config, kNow); });
  }
  std::string account_;
};

TEST_P(Layer7ConfigsTest, EveryFieldIsKept) {
  const auto made = make("long");
  EXPECT_EQ(read([&](Transaction& tx) { return find_layer7_config(tx, made.id); }), made);
  EXPECT_EQ(read([&](Transaction& tx) { return find_layer7_config_by_name(tx, account_, "long"); }), made);
  Layer7Config changed = made;
  changed.name = "longer";
  changed.settings = "{}";
  const auto updated = write([&](Transaction& tx) { return update_layer7_config(tx, changed, 1, kNow + 1); });
  changed.revision = 2;
  changed.updated_ms = kNow + 1;
  EXPECT_EQ(updated, changed);
  write([&](Transaction& tx) { return delete_layer7_config(tx, made.id, 2); });
  EXPECT_EQ(db().read([&](Transaction& tx) { return find_layer7_config(tx, made.id); }).error().code, Code::not_found);
}

TEST_P(Layer7ConfigsTest, NamesAreUniqueWithinAnAccount) {
  const auto made = make("long");
  Layer7Config again = made;
  EXPECT_TRUE(
      refused([&](Transaction& tx) { return insert_layer7_config(tx, again, kNow); }).context.starts_with("unique:"));
  again.account_id = make_account("other").id;
  write([&](Transaction& tx) { return insert_layer7_config(tx, again, kNow); });
  EXPECT_EQ(refused([&](Transaction& tx) { return update_layer7_config(tx, made, 3, kNow); }).code, Code::conflict);
  EXPECT_EQ(refused([&](Transaction& tx) { return delete_layer7_config(tx, made.id, 3); }).code, Code::conflict);
  EXPECT_EQ(refused([&](Transaction& tx) { return delete_layer7_config(tx, "nobody", 1); }).code, Code::not_found);
}

TEST_P(Layer7ConfigsTest, WhatIsBoundCountsAndStays) {
  const auto config = make("long");
  for (int i = 0; i < 12; ++i) {
    auto d = make_domain(account_, "d" + std::to_string(10 + i) + ".example");
    d.layer7_config_id = config.id;
    write([&](Transaction& tx) { return update_domain(tx, d, 1, kNow); });
  }
  make_domain(account_, "free.example");
  DomainFilter bound;
  bound.layer7_config_id = config.id;
  EXPECT_EQ(read([&](Transaction& tx) { return list_domains(tx, bound, {}); }).total, 12);

  const auto before = last_change();
  write([&](Transaction& tx) { return update_layer7_config(tx, config, 1, kNow); });
  const auto changes = changes_after(before);
  ASSERT_EQ(changes.size(), 12u);
  EXPECT_EQ(changes[0], std::to_string(before + 1) + " d10.example changed");
  EXPECT_EQ(changes[11], std::to_string(before + 12) + " d21.example changed");
  EXPECT_EQ(last_change(), before + 12);

  const auto error = refused([&](Transaction& tx) { return delete_layer7_config(tx, config.id, 2); });
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_EQ(error.context,
            "bound: still used by d10.example, d11.example, d12.example, d13.example, d14.example, d15.example, "
            "d16.example, d17.example, d18.example, d19.example and 2 more");
}

TEST_P(Layer7ConfigsTest, ListIsOneAccountsByName) {
  for (const char* name : {"c", "a", "b"}) make(name);
  Layer7Config foreign;
  foreign.account_id = make_account("other").id;
  foreign.name = "aa";
  write([&](Transaction& tx) { return insert_layer7_config(tx, foreign, kNow); });
  std::string names;
  PageRequest page{"", 1};
  do {
    const auto part = read([&](Transaction& tx) { return list_layer7_configs(tx, account_, page); });
    EXPECT_EQ(part.total, 3);
    for (const auto& config : part.items) names += config.name;
    page.after = part.next;
  } while (!page.after.empty());
  EXPECT_EQ(names, "abc");
}

FAIRLEAD_BOTH_ENGINES(Layer7ConfigsTest);

}  // namespace
}  // namespace fairlead::store
