#include "store/billing_methods.h"

#include <array>

#include "store/billing_due.h"
#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

constexpr std::array<std::string_view, 2> kMethods = {"traffic", "bandwidth"};
constexpr std::array<std::string_view, 2> kPeriods = {"day", "month"};

MethodChoice read_method(Columns& c) {
  MethodChoice m;
  m.id = c.text();
  m.account_id = c.text();
  m.method = billing_method_of(c.text());
  m.period = billing_period_of(c.text());
  m.effective_ms = c.integer();
  m.chosen_ms = c.integer();
  m.chosen_by = c.text();
  m.told = c.truth();
  return m;
}

Result<void> put_zone(Transaction& tx, std::string_view account_id, std::int64_t from_ms, std::string_view zone) {
  auto done = tx.execute(
      "insert into billing_zones (account_id, from_ms, time_zone) values (:account, :from_ms, :zone) "
      "on conflict (account_id, from_ms) do update set time_zone = excluded.time_zone",
      {{"account", account_id}, {"from_ms", from_ms}, {"zone", zone}});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace

std::string_view to_string(BillingMethod method) { return word_of(kMethods, method); }
std::string_view to_string(BillingPeriod period) { return word_of(kPeriods, period); }
BillingMethod billing_method_of(std::string_view word) { return value_of<BillingMethod>(kMethods, word); }
BillingPeriod billing_period_of(std::string_view word) { return value_of<BillingPeriod>(kPeriods, word); }

Result<MethodChoice> insert_method(Transaction& tx, MethodChoice m) {
  m.id = new_id(m.chosen_ms);
  auto done = tx.execute(
      "insert into billing_methods (id, account_id, method, period, effective_ms, chosen_ms, chosen_by, told) "
      "values (:id, :account, :method, :period, :effective, :chosen, :by, :told)",
      {{"id", m.id},
       {"account", m.account_id},
       {"method", to_string(m.method)},
       {"period", to_string(m.period)},
       {"effective", m.effective_ms},
       {"chosen", m.chosen_ms},
       {"by", m.chosen_by},
       {"told", m.told ? 1 : 0}});
  if (!done) return std::unexpected(std::move(done.error()));
  if (auto due = add_billing_due(tx, m.account_id); !due) return std::unexpected(std::move(due.error()));
  return m;
}

Result<std::vector<MethodChoice>> methods_of(Transaction& tx, std::string_view account_id) {
  return read_all(tx.query("select id, account_id, method, period, effective_ms, chosen_ms, chosen_by, told "
                           "from billing_methods where account_id = :account order by effective_ms",
                           {{"account", account_id}}),
                  read_method);
}

Result<void> mark_method_told(Transaction& tx, std::string_view id) {
  return must_change(tx.execute("update billing_methods set told = 1 where id = :id", {{"id", id}}), "billing method");
}

Result<void> delete_method(Transaction& tx, std::string_view id) {
  return must_change(tx.execute("delete from billing_methods where id = :id", {{"id", id}}), "billing method");
}

Result<std::vector<MethodUse>> methods_in_use(Transaction& tx, std::string_view scope, std::string_view day,
                                              std::int64_t since_ms) {
  return read_all(
      tx.query("select method, period, count(distinct account_id) from billing_methods m "
               "where (effective_ms > :since or effective_ms = (select max(effective_ms) from billing_methods b "
               "  where b.account_id = m.account_id and b.effective_ms <= :since)) "
               "and (account_id = :scope or (:scope = '' and not exists (select 1 from price_books p "
               "  where p.scope = m.account_id and p.effective_day <= :day))) "
               "group by method, period order by method, period",
               {{"since", since_ms}, {"scope", scope}, {"day", day}}),
      [](Columns& c) {
        MethodUse use;
        use.method = billing_method_of(c.text());
        use.period = billing_period_of(c.text());
        use.accounts = c.integer();
        return use;
      });
}

Result<void> note_time_zone(Transaction& tx, std::string_view account_id, std::string_view before,
                            std::string_view now_zone, std::int64_t now_ms) {
  auto known = zones_of(tx, account_id);
  if (!known) return std::unexpected(std::move(known.error()));
  if (known->empty()) {
    if (auto first = put_zone(tx, account_id, 0, before); !first) return first;
  }
  if (auto put = put_zone(tx, account_id, now_ms, now_zone); !put) return put;
  return touch_billing_due(tx, account_id);
}

Result<std::vector<ZoneSince>> zones_of(Transaction& tx, std::string_view account_id) {
  return read_all(tx.query("select from_ms, time_zone from billing_zones where account_id = :account order by from_ms",
                           {{"account", account_id}}),
                  [](Columns& c) {
                    ZoneSince z;
                    z.from_ms = c.integer();
                    z.time_zone = c.text();
                    return z;
                  });
}

}  // namespace fairlead::store
