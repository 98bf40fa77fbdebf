#pragma once
// StoreTest: the fixture of this folder's tests. Every TEST_P of it runs twice, over a SQLite file of its own and over
// a PostgreSQL schema of its own, both empty of rows and migrated. INSTANTIATE with FAIRLEAD_BOTH_ENGINES(Suite).

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "store/accounts.h"
#include "store/database.h"
#include "store/domains.h"

namespace fairlead::store::testing {

// A time to count from: tests say what time it is.
inline constexpr std::int64_t kNow = 1'800'000'000'000;

class StoreTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override;
  void TearDown() override;

  bool on_sqlite() const { return std::string_view(GetParam()) == "SQLite"; }
  // Another Database on the same data, as a second program would have it.
  Database open_another();

  // The value of `made`, or the test fails with the error's words and ends here.
  template <class T>
  static T must(base::Result<T> made) {
    if (!made) throw std::runtime_error(describe(made.error()));
    if constexpr (!std::is_void_v<T>) return std::move(*made);
  }
  // One write, or one read, that must succeed.
  template <class F>
  auto write(F f) {
    return must(db().write(f));
  }
  template <class F>
  auto read(F f) {
    return must(db().read(f));
  }
  // The error of a write that must fail.
  template <class F>
  base::Error refused(F f) {
    auto done = db().write(f);
    if (done) throw std::runtime_error("expected an error");
    return done.error();
  }
  Database& db() { return *database_; }

  // Rows that others refer to.
  Account make_account(std::string name);
  Domain make_domain(std::string account_id, std::string name);
  // A policy change for each, as "NUMBER NAME KIND", after `number`.
  std::vector<std::string> changes_after(std::int64_t number);
  std::int64_t last_change();

  std::string folder_;   // this test's, removed at its end
  std::string address_;  // of the database
  std::optional<Database> database_;
};

// A folder in /tmp with this prefix.
std::string make_folder();

#define FAIRLEAD_BOTH_ENGINES(Suite)                                                  \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite, ::testing::Values("SQLite", "PostgreSQL"), \
                           [](const auto& test) { return std::string(test.param); })

}  // namespace fairlead::store::testing
