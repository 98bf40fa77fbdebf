#include "store/sql.h"

#include <gtest/gtest.h>

namespace fairlead::store {
namespace {

// That a value gets into a statement by its text does not compile: texts that are not known when the program is made
// are no Sql, and nothing puts the two together.
template <class T>
concept JoinsWithSql = requires(T text, Sql sql) { sql + text; } || requires(T text, Sql sql) { text + sql; } ||
                       requires(T text, SqlText sql) { sql += text; };
static_assert(!std::is_constructible_v<Sql, std::string>);
static_assert(!std::is_constructible_v<Sql, std::string_view>);
static_assert(!std::is_constructible_v<Sql, const char*>);
static_assert(!std::is_constructible_v<SqlText, std::string>);
static_assert(!std::is_constructible_v<SqlText, const char*>);
static_assert(!JoinsWithSql<std::string>);
static_assert(!JoinsWithSql<std::string_view>);
static_assert(!JoinsWithSql<const char*>);
static_assert(!JoinsWithSql<char>);
static_assert(!JoinsWithSql<int>);
static_assert(JoinsWithSql<Sql>);
static_assert(JoinsWithSql<SqlText>);

constexpr Sql kColumns = "a, b";

TEST(Sql, IsPutTogetherOfPieces) {
  SqlText text = "select " + kColumns + " from " + Sql("t");
  EXPECT_EQ(Sql(text).text(), "select a, b from t");
  text += " where a = :a";
  EXPECT_EQ(Sql(text).text(), "select a, b from t where a = :a");
  EXPECT_FALSE(text.empty());
  EXPECT_TRUE(SqlText().empty());
}

}  // namespace
}  // namespace fairlead::store
