#include "store/migrations/steps.h"

namespace fairlead::store::migrations {

// See ../usage_sums.h.
std::span<const Sql> step_0006() {
  static constexpr Sql statements[] = {
      "create table usage_sums (sum_id text primary key, since_s bigint not null)",
  };
  return statements;
}

}  // namespace fairlead::store::migrations
