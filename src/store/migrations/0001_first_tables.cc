#include <array>

#include "store/migrations/steps.h"

namespace fairlead::store::migrations {

// Columns are explained by the row types of the headers of the same names (../domains.h, ../users.h, ...).
std::span<const Sql> step_0001() {
  static constexpr Sql statements[] = {
      // --- who
      R"(create table accounts (
        id text primary key,
        name text not null unique,
        kind text not null check (kind in ('customer', 'operator')),
        identity_verified bigint not null check (identity_verified in (0, 1)),
        email_verified bigint not null check (email_verified in (0, 1)),
        time_zone text not null,
        websocket_default text not null check (websocket_default in ('by-acceleration', 'on', 'off')),
        state text not null check (state in ('active', 'suspended', 'closed')),
        revision bigint not null,
        created_ms bigint not null,
        updated_ms bigint not null))",
      R"(create table users (
        id text primary key,
        account_id text not null references accounts (id),
        email text not null unique,
        role text not null check (role in ('customer', 'operator', 'auditor')),
        password_hash text not null,
        disabled bigint not null check (disabled in (0, 1)),
        revision bigint not null,
        created_ms bigint not null,
        updated_ms bigint not null))",
      "create index users_account on users (account_id, email)",
      R"(create table tokens (
        id text primary key,
        user_id text not null references users (id) on delete cascade,
        name text not null,
        hash text not null unique,
        scopes text not null,
        created_ms bigint not null,
        expires_ms bigint,
        last_used_ms bigint))",
      "create index tokens_user on tokens (user_id, id)",
      R"(create table logins (
        session_hash text primary key,
        user_id text not null references users (id) on delete cascade,
        csrf text not null,
        created_ms bigint not null,
        expires_ms bigint not null))",
      "create index logins_user on logins (user_id)",
      "create index logins_expiry on logins (expires_ms)",
      R"(create table setup_links (
        hash text primary key,
        purpose text not null,
        user_id text references users (id) on delete cascade,
        created_ms bigint not null,
        expires_ms bigint not null,
        used_ms bigint))",
      "create index setup_links_expiry on setup_links (expires_ms)",

      // --- what edges hear of
      R"(create table layer7_configs (
        id text primary key,
        account_id text not null references accounts (id),
        name text not null,
        settings text not null,
        revision bigint not null,
        created_ms bigint not null,
        updated_ms bigint not null,
        unique (account_id, name)))",
      R"(create table domains (
        id text primary key,
        account_id text not null references accounts (id),
        name text not null unique,
        settings text not null,
        state text not null check (state in ('configuring', 'online', 'offline', 'checking', 'check_failed')),
        state_reason text not null,
        layer7_config_id text references layer7_configs (id),
        service_region text not null check (service_region in ('mainland', 'overseas', 'global')),
        icp_number text not null,
        migrated bigint not null check (migrated in (0, 1)),
        ownership_token text not null,
        ownership_method text not null check (ownership_method in ('', 'dns', 'http', 'operator')),
        ownership_verified_ms bigint,
        ownership_result text not null,
        checks bigint not null,
        next_check_ms bigint,
        revision bigint not null,
        created_ms bigint not null,
        updated_ms bigint not null))",
      "create index domains_account on domains (account_id, name)",
      "create index domains_state on domains (state, name)",
      "create index domains_next_check on domains (next_check_ms)",
      "create index domains_layer7_config on domains (layer7_config_id, name)",
      R"(create table certificates (
        id text primary key,
        account_id text not null references accounts (id),
        name text not null,
        dns_names text not null,
        chain_pem text not null,
        sealed_key text not null,
        key_type text not null,
        not_before_ms bigint not null,
        not_after_ms bigint not null,
        revision bigint not null,
        created_ms bigint not null,
        updated_ms bigint not null,
        unique (account_id, name)))",
      "create index certificates_expiry on certificates (not_after_ms)",
      R"(create table domain_certificates (
        domain_id text not null references domains (id) on delete cascade,
        certificate_id text not null references certificates (id),
        primary key (domain_id, certificate_id)))",
      "create index domain_certificates_certificate on domain_certificates (certificate_id)",
      R"(create table policy_changes (
        number bigint primary key,
        domain_name text not null,
        kind text not null check (kind in ('changed', 'removed')),
        at_ms bigint not null))",
      R"(create table policy_counter (
        id bigint primary key check (id = 1),
        last_number bigint not null,
        pruned_to bigint not null))",
      "insert into policy_counter (id, last_number, pruned_to) values (1, 0, 0)",

      R"(create table installation_policy (
        id bigint primary key check (id = 1),
        document text not null,
        revision bigint not null,
        updated_ms bigint not null))",

      // --- what was done, and what is to be done
      R"(create table audit (
        id text primary key,
        at_ms bigint not null,
        account_id text,
        user_id text,
        source_address text not null,
        action text not null,
        object_type text not null,
        object_name text not null,
        old_value text,
        new_value text))",
      "create index audit_time on audit (at_ms, id)",
      "create index audit_account on audit (account_id, at_ms, id)",
      "create index audit_object on audit (object_type, object_name, at_ms, id)",
      R"(create table applications (
        id text primary key,
        kind text not null check (kind in ('activation', 'architecture_change')),
        account_id text not null references accounts (id),
        domain_id text references domains (id) on delete set null,
        fields text not null,
        state text not null check (state in ('submitted', 'approved', 'rejected')),
        reason text not null,
        decided_by text,
        decided_ms bigint,
        revision bigint not null,
        created_ms bigint not null))",
      "create index applications_state on applications (state, created_ms, id)",
      "create index applications_account on applications (account_id, created_ms, id)",
      R"(create table outbox (
        id text primary key,
        kind text not null check (kind in ('email', 'webhook')),
        destination text not null,
        payload text not null,
        state text not null check (state in ('pending', 'done', 'failed')),
        attempts bigint not null,
        next_attempt_ms bigint not null,
        lease text not null,
        lease_until_ms bigint not null,
        last_error text not null,
        created_ms bigint not null))",
      "create index outbox_due on outbox (state, next_attempt_ms, id)",
      "create index outbox_lease on outbox (lease)",
  };
  return statements;
}

}  // namespace fairlead::store::migrations
