#include "store/billing_days.h"
#include "store/billing_due.h"
#include "store/billing_ledger.h"
#include "store/billing_methods.h"
#include "store/billing_packs.h"
#include "store/billing_prices.h"
#include "store/billing_statements.h"
#include "store/testing/store_test.h"

namespace fairlead::store {
namespace {

using base::Code;
using testing::kNow;

class BillingTest : public testing::StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    account_ = make_account("customer").id;
  }
  std::string account_;
};

TEST_P(BillingTest, MethodsAndZones) {
  MethodChoice choice;
  choice.account_id = account_;
  choice.effective_ms = kNow;
  const auto first = write([&](Transaction& tx) { return insert_method(tx, choice); });
  EXPECT_EQ(refused([&](Transaction& tx) { return insert_method(tx, choice); }).code, Code::conflict);
  write([&](Transaction& tx) { return mark_method_told(tx, first.id); });
  EXPECT_TRUE(read([&](Transaction& tx) { return methods_of(tx, account_); }).at(0).told);
  EXPECT_EQ(read([&](Transaction& tx) { return methods_in_use(tx, "", "2026-03-01", kNow); }),
            (std::vector<MethodUse>{{choice.method, choice.period, 1}}));
  EXPECT_EQ(read([&](Transaction& tx) { return methods_in_use(tx, account_, "2026-03-01", kNow); }).size(), 1u);
  EXPECT_TRUE(read([&](Transaction& tx) { return methods_in_use(tx, "another", "2026-03-01", kNow); }).empty());
  write([&](Transaction& tx) { return note_time_zone(tx, account_, "UTC", "Asia/Tokyo", kNow); });
  write([&](Transaction& tx) { return note_time_zone(tx, account_, "Asia/Tokyo", "UTC", kNow + 1); });
  EXPECT_EQ(read([&](Transaction& tx) { return zones_of(tx, account_); }),
            (std::vector<ZoneSince>{{0, "UTC"}, {kNow, "Asia/Tokyo"}, {kNow + 1, "UTC"}}));
}

// Whatever may make something due is seen, also when it comes between the look and the note of it.
TEST_P(BillingTest, WhatIsDue) {
  const auto due = [&](std::int64_t at) {
    return !read([&](Transaction& tx) { return billing_due_at(tx, at); }).empty();
  };
  const auto later = [&](const BillingDue& seen) {
    BillingDue next = seen;
    next.due_ms = kNow + 1000;
    next.waits = true;
    write([&](Transaction& tx) { return put_billing_due(tx, next); });
  };
  const auto seen = [&] { return read([&](Transaction& tx) { return find_billing_due(tx, account_); }); };
  write([&](Transaction& tx) { return note_time_zone(tx, account_, "UTC", "Asia/Tokyo", kNow); });
  EXPECT_FALSE(due(kNow));  // is not billed
  MethodChoice choice;
  choice.account_id = account_;
  choice.effective_ms = kNow;
  write([&](Transaction& tx) { return insert_method(tx, choice); });
  EXPECT_TRUE(due(kNow));
  later(seen());
  EXPECT_FALSE(due(kNow + 999));
  EXPECT_TRUE(due(kNow + 1000));
  EXPECT_EQ(read([](Transaction& tx) { return accounts_without_price(tx); }), 1);
  StoredPriceBook book;
  book.effective_day = "2026-03-01";
  book.scope = "another";
  write([&](Transaction& tx) { return insert_price_book(tx, book); });
  EXPECT_FALSE(due(kNow));
  const auto before = seen();
  book.scope = account_;
  write([&](Transaction& tx) { return insert_price_book(tx, book); });
  EXPECT_TRUE(due(kNow));
  later(before);
  EXPECT_TRUE(due(kNow));
  later(seen());
  book.scope = "";
  write([&](Transaction& tx) { return insert_price_book(tx, book); });
  EXPECT_TRUE(due(kNow));
  later(seen());
  write([&](Transaction& tx) { return note_time_zone(tx, account_, "Asia/Tokyo", "UTC", kNow + 1); });
  EXPECT_TRUE(due(kNow));
  later(seen());
  write([&](Transaction& tx) -> base::Result<Pack> {
    PackProduct product;
    product.name = "p";
    product.bytes = 1;
    auto made = insert_pack_product(tx, product);
    if (!made) return std::unexpected(made.error());
    Pack pack;
    pack.account_id = account_;
    pack.product_id = made->id;
    pack.bytes = pack.remaining = 1;
    return insert_pack(tx, pack);
  });
  EXPECT_TRUE(due(kNow));
}

TEST_P(BillingTest, DaysStatementsAdjustments) {
  BillingDay day;
  day.account_id = account_;
  day.day = "2026-03-01";
  day.figures = {1, 2, 3, 4, 5, 6};
  day.next_check_ms = kNow;
  write([&](Transaction& tx) { return insert_billing_day(tx, day); });
  EXPECT_EQ(read([&](Transaction& tx) { return last_billing_day(tx, account_); }), day);
  EXPECT_EQ(read([&](Transaction& tx) { return days_to_check(tx, account_, kNow, 5); }).size(), 1u);
  write([&](Transaction& tx) { return set_next_check(tx, day, 1, std::nullopt); });
  EXPECT_TRUE(read([&](Transaction& tx) { return days_to_check(tx, account_, kNow, 5); }).empty());
  for (int i = 1; i <= 3; ++i) {
    Statement s;
    s.account_id = account_;
    s.from_day = s.to_day = day.day;
    s.currency = "USD";
    s.document = "{}";
    const auto made = write([&](Transaction& tx) -> base::Result<Statement> {
      auto number = next_statement_number(tx);
      if (!number) return std::unexpected(number.error());
      s.number = *number;
      return insert_statement(tx, s);
    });
    EXPECT_EQ(made.number, i);
    EXPECT_EQ(read([&](Transaction& tx) { return find_statement(tx, i); }), made);
  }
  const auto page = read([&](Transaction& tx) { return list_statements(tx, account_, {"", 2}); });
  EXPECT_EQ(page.total, 3);
  EXPECT_EQ(read([&](Transaction& tx) { return list_statements(tx, {}, {page.next, 2}); }).items.at(0).number, 1);
  Adjustment late;
  late.account_id = account_;
  late.day = day.day;
  for (int i = 1; i <= 2; ++i) EXPECT_EQ(write([&](Transaction& tx) { return insert_adjustment(tx, late); }).number, i);
  const std::string id = page.items.at(0).id;
  write([&](Transaction& tx) { return settle_day(tx, day, id); });
  EXPECT_EQ(refused([&](Transaction& tx) { return settle_day(tx, day, id); }).code, Code::not_found);
  EXPECT_EQ(read([&](Transaction& tx) { return days_of_statement(tx, id); }).size(), 1u);
  EXPECT_EQ(read([&](Transaction& tx) { return unsettled_adjustments(tx, account_); }).size(), 2u);
}

TEST_P(BillingTest, PricesPacksLedger) {
  for (const auto& [scope, day] :
       {std::pair<std::string, const char*>{"", "2026-01-01"}, {"", "2026-03-01"}, {account_, "2026-02-01"}}) {
    StoredPriceBook book;
    book.scope = scope;
    book.effective_day = day;
    write([&](Transaction& tx) { return insert_price_book(tx, book); });
  }
  const auto on = [&](const char* day) {
    const auto book = read([&](Transaction& tx) { return price_book_on(tx, account_, day); });
    return book ? book->effective_day : "none";
  };
  EXPECT_EQ(on("2025-12-31"), "none");
  EXPECT_EQ(on("2026-01-31"), "2026-01-01");
  EXPECT_EQ(on("2026-03-01"), "2026-02-01");  // its own goes before everybody's
  const auto books = read([&](Transaction& tx) { return list_price_books(tx, account_, {"", 2}); });
  EXPECT_EQ(books.total, 3);
  EXPECT_EQ(read([&](Transaction& tx) { return list_price_books(tx, {}, {books.next, 2}); }).items.size(), 1u);

  PackProduct product;
  product.name = "p";
  product.bytes = 10;
  product = write([&](Transaction& tx) { return insert_pack_product(tx, product); });
  Pack pack;
  pack.account_id = account_;
  pack.product_id = product.id;
  pack.bytes = pack.remaining = 10;
  pack = write([&](Transaction& tx) { return insert_pack(tx, pack); });
  EXPECT_EQ(read([&](Transaction& tx) { return active_packs(tx, account_); }), std::vector<Pack>{pack});
  const auto move = [&](std::string debit, std::string credit, std::int64_t amount) {
    LedgerEntry e;
    e.account_id = account_;
    e.unit = kBytesUnit;
    e.debit = std::move(debit);
    e.credit = std::move(credit);
    e.amount = amount;
    return db().write([&](Transaction& tx) { return append_ledger(tx, "pack.used", {e}, kNow); });
  };
  ASSERT_TRUE(move("pack:x", "granted", 10));
  ASSERT_TRUE(move("used", "pack:x", 7));
  EXPECT_EQ(move("used", "pack:x", 4).error().code, Code::internal);
  EXPECT_EQ(read([&](Transaction& tx) { return ledger_balances(tx, account_); }),
            (std::vector<LedgerBalance>{{"bytes", "granted", -10}, {"bytes", "pack:x", 3}, {"bytes", "used", 7}}));
  const auto entries = read([&](Transaction& tx) { return list_ledger(tx, account_, "pack:x", {"", 1}); });
  EXPECT_EQ(entries.total, 2);
  EXPECT_EQ(read([&](Transaction& tx) { return list_ledger(tx, account_, "", {entries.next, 5}); }).items.size(), 1u);
}

FAIRLEAD_BOTH_ENGINES(BillingTest);

}  // namespace
}  // namespace fairlead::store
