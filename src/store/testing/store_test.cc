#include "store/testing/store_test.h"

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

#include "store/migrations.h"
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

}  // namespace fairlead::store::testing
