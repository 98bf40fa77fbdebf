#include "store/migrations/steps.h"

namespace fairlead::store::migrations {

// See ../usage_sums.h and ../usage_blocks.h: what is not split moves into tables of its own.
std::span<const Sql> step_0006() {
  static constexpr Sql statements[] = {
      "create table usage_sums (sum_id text primary key, since_s bigint not null)",
      R"(create table usage_totals_of_five_minutes (
        shelf bigint not null,
        domain_id text not null,
        start_s bigint not null,
        body text not null,
        primary key (shelf, domain_id, start_s)))",
      "create index usage_totals_of_five_minutes_by_time on usage_totals_of_five_minutes (shelf, start_s)",
      "insert into usage_totals_of_five_minutes select shelf, domain_id, start_s, body from usage_blocks where shelf "
      "between 0 and 9",
      R"(create table usage_totals_of_hours (
        shelf bigint not null,
        domain_id text not null,
        start_s bigint not null,
        body text not null,
        primary key (shelf, domain_id, start_s)))",
      "create index usage_totals_of_hours_by_time on usage_totals_of_hours (shelf, start_s)",
      "insert into usage_totals_of_hours select shelf, domain_id, start_s, body from usage_blocks where shelf between "
      "100 and 109",
      R"(create table usage_totals_of_days (
        shelf bigint not null,
        domain_id text not null,
        start_s bigint not null,
        body text not null,
        primary key (shelf, domain_id, start_s)))",
      "create index usage_totals_of_days_by_time on usage_totals_of_days (shelf, start_s)",
      "insert into usage_totals_of_days select shelf, domain_id, start_s, body from usage_blocks where shelf between "
      "200 and 209",
      "delete from usage_blocks where shelf between 0 and 9 or shelf between 100 and 109 or shelf between 200 and 209",
  };
  return statements;
}

}  // namespace fairlead::store::migrations
