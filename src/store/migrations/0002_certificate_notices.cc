#include "store/migrations/steps.h"

namespace fairlead::store::migrations {

// Of which end of a certificate (a replaced one has another), and how many days before it, people were told.
std::span<const Sql> step_0002() {
  static constexpr Sql statements[] = {
      R"(create table certificate_notices (
        certificate_id text not null references certificates (id) on delete cascade,
        not_after_ms bigint not null,
        days bigint not null,
        written_ms bigint not null,
        primary key (certificate_id, not_after_ms, days)))",
  };
  return statements;
}

}  // namespace fairlead::store::migrations
