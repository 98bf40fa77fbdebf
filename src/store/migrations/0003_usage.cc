#include "store/migrations/steps.h"

namespace fairlead::store::migrations {

// Usage: see ../metered_domains.h, ../usage_progress.h, ../usage_points.h and ../usage_blocks.h.
std::span<const Sql> step_0003() {
  static constexpr Sql statements[] = {
      R"(create table metered_domains (
        domain_id text primary key,
        account_id text not null,
        name text not null,
        created_ms bigint not null,
        deleted_ms bigint))",
      "create index metered_domains_by_account on metered_domains (account_id, name)",
      R"(insert into metered_domains (domain_id, account_id, name, created_ms)
        select id, account_id, name, created_ms from domains)",
      R"(create table usage_taken (
        edge text not null,
        epoch bigint not null,
        first_sequence bigint not null,
        last_sequence bigint not null,
        updated_ms bigint not null,
        primary key (edge, epoch, first_sequence)))",
      R"(create table usage_names (
        number bigint primary key,
        name text not null unique))",
      R"(create table usage_open (
        domain_id text not null,
        at_s bigint not null,
        total text not null,
        body text not null,
        primary key (domain_id, at_s)))",
      R"(create table usage_blocks (
        shelf bigint not null,
        domain_id text not null,
        start_s bigint not null,
        body text not null,
        primary key (shelf, domain_id, start_s)))",
      R"(create table usage_kept (
        tier text primary key,
        since_s bigint not null))",
      R"(create table usage_out_of_range (
        edge text not null,
        reason text not null,
        sets bigint not null,
        total text not null,
        updated_ms bigint not null,
        primary key (edge, reason)))",
  };
  return statements;
}

}  // namespace fairlead::store::migrations
