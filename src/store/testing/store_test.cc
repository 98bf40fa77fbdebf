#include "store/testing/store_test.h"

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "store/migrations.h"
#include "store/policy_changes.h"
#include "store/testing/postgres_server.h"

namespace fairlead::store::testing {

std::string make_folder() {
  char name[] = "/tmp/fairlead-store-XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp failed");
  return name;
}

void StoreTest::SetUp() {
  static int count = 0;
  const std::string name = "t" + std::to_string(++count);
  if (on_sqlite()) {
    folder_ = make_folder();
    address_ = "sqlite:" + folder_ + "/a file.db";
  } else {
    auto& server = PostgresServer::shared();
    ASSERT_EQ(server.error(), "");
    server.make_schema(name);
    address_ = server.uri(name);
  }
  database_.emplace(open_another());
  must(migrate(db(), kNow));
}

void StoreTest::TearDown() {
  database_.reset();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Database StoreTest::open_another() { return must(Database::open(address_)); }

Account StoreTest::make_account(std::string name) {
  Account account;
  account.name = std::move(name);
  return write([&](Transaction& tx) { return insert_account(tx, account, kNow); });
}

Domain StoreTest::make_domain(std::string account_id, std::string name) {
  Domain domain;
  domain.account_id = std::move(account_id);
  domain.name = std::move(name);
  return write([&](Transaction& tx) { return insert_domain(tx, domain, kNow); });
}

std::vector<std::string> StoreTest::changes_after(std::int64_t number) {
  std::vector<std::string> texts;
  for (const auto& c : read([&](Transaction& tx) { return changes_since(tx, number, 1000); }))
    texts.push_back(std::to_string(c.number) + " " + c.domain_name +
                    (c.kind == PolicyChangeKind::changed ? " changed" : " removed"));
  return texts;
}

std::int64_t StoreTest::last_change() {
  return read([](Transaction& tx) { return last_policy_change(tx); });
}

}  // namespace fairlead::store::testing
