#pragma once
// Statements: bills as they were issued: a document each that is never changed, numbered from 1 without gaps over the
// whole installation. Values; functions work inside the caller's transaction and fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/billing_methods.h"
#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

struct Statement {
  std::string id;
  std::int64_t number = 0;
  std::string account_id;
  BillingPeriod period = BillingPeriod::day;
  std::string from_day, to_day;  // "2026-03-01", both in it
  std::string currency;
  std::int64_t amount_micro = 0;  // millionths of the currency's unit
  std::string document;           // JSON text
  std::int64_t issued_ms = 0;     // since 1970 UTC
  bool operator==(const Statement&) const = default;
};

// The number the next statement gets: the writer is alone, so it is that of this transaction's.
base::Result<std::int64_t> next_statement_number(Transaction& tx);
// With its number; id is set here unless it has one. The row as stored.
base::Result<Statement> insert_statement(Transaction& tx, Statement statement);
base::Result<Statement> find_statement(Transaction& tx, std::int64_t number);
base::Result<std::optional<Statement>> last_statement(Transaction& tx, std::string_view account_id);

// Newest first, of one account or of all; their documents are left empty.
base::Result<Page<Statement>> list_statements(Transaction& tx, const std::optional<std::string>& account_id,
                                              const PageRequest& page);

}  // namespace fairlead::store
