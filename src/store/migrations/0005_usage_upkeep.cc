#include "store/migrations/steps.h"

namespace fairlead::store::migrations {

// See ../usage_damaged.h. The indexes are for finding domains by name, whoever has them, and blocks by age.
std::span<const Sql> step_0005() {
  static constexpr Sql statements[] = {
      "create index metered_domains_by_name on metered_domains (name)",
      "create index usage_blocks_by_time on usage_blocks (shelf, start_s)",
      R"(create table usage_damaged (
        domain_id text not null,
        at_s bigint not null,
        found_ms bigint not null,
        total text not null,
        body text not null,
        primary key (domain_id, at_s, found_ms)))",
  };
  return statements;
}

}  // namespace fairlead::store::migrations
