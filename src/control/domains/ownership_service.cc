#include "control/domains/ownership_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "base/log.h"
#include "control/audit_trail.h"
#include "control/delivery/notices.h"
#include "control/domains/composition.h"
#include "control/domains/domain_service.h"
#include "control/in_transaction.h"
#include "store/users.h"

namespace fairlead::control {

using store::DomainState;
using store::Transaction;

namespace {

OwnershipView view_of(store::Domain domain, const Context& context) {
  OwnershipView view;
  view.dns_name = challenge_name(domain.name);
  view.dns_value = challenge_value(domain.ownership.token);
  if (!domain.name.starts_with('.')) {
    const auto port = context.config.ownership_http_port;
    const std::string host = domain.name.find(':') == std::string::npos ? domain.name : "[" + domain.name + "]";
    view.http_url = fmt::format("http://{}{}{}", host, port == 80 ? "" : fmt::format(":{}", port), kProofPath);
  }
  view.domain = std::move(domain);
  return view;
}

Json audit_value(const store::Domain& d) {
  return {{"method", d.ownership.method}, {"state", to_string(d.state)}, {"last_result", d.ownership.last_result}};
}

// Once the proof is there: online, if a person has asked for that and nothing else is missing. `domain` as it is then.
base::Result<void> go_on(Transaction& tx, const Context& context, store::Domain& domain, std::int64_t now_ms) {
  if (domain.state != DomainState::checking) return {};
  auto composed = Composer(tx, false).compose(domain);
  if (!composed) return std::unexpected(composed.error());
  const auto unmet = Composition::unmet(composed->live);
  domain.state = unmet.empty() ? DomainState::online : DomainState::check_failed;
  domain.state_reason.clear();
  for (const Detail& d : unmet) domain.state_reason += (domain.state_reason.empty() ? "" : "; ") + d.message;
  auto updated = store::update_domain(tx, domain, domain.revision, now_ms);
  if (!updated) return std::unexpected(updated.error());
  domain = std::move(*updated);

  Event event;
  event.type = domain.state == DomainState::online ? "domain.online" : "domain.check_failed";
  event.account_id = composed->account.id;
  event.account_name = composed->account.name;
  event.data = {{"domain", domain.name}};
  if (!domain.state_reason.empty()) event.data["reason"] = domain.state_reason;
  auto users = store::list_users(tx, domain.account_id, {.after = {}, .limit = store::kMaxPage});
  if (!users) return std::unexpected(users.error());
  for (const store::User& u : users->items) {
    if (!u.disabled) event.mail_to.push_back(u.email);
  }
  return write_notices(tx, context.config, context.secrets, event, now_ms);
}

}  // namespace

Outcome<OwnershipView> get_ownership(Context& context, const Caller& caller, std::string_view name) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<OwnershipView> {
    auto domain = visible_domain(tx, caller, name);
    if (!domain) return std::unexpected(domain.error());
    return view_of(std::move(*domain), context);
  });
}

Outcome<OwnershipView> ask_for_check(Context& context, const Caller& caller, std::string_view name) {
  return write_in(context.database, [&](Transaction& tx) -> Outcome<OwnershipView> {
    auto domain = visible_domain(tx, caller, name);
    if (!domain) return std::unexpected(domain.error());
    if (domain->ownership.method.empty()) {
      domain->ownership.checks = 0;
      domain->ownership.next_check_ms = context.now_ms();
      if (auto done = store::update_ownership(tx, domain->id, domain->ownership); !done) return failed(done);
    }
    return view_of(std::move(*domain), context);
  });
}

Outcome<OwnershipView> vouch(Context& context, const Caller& caller, std::string_view name) {
  const std::int64_t now = context.now_ms();
  auto done = write_in(context.database, [&](Transaction& tx) -> Outcome<OwnershipView> {
    auto domain = visible_domain(tx, caller, name);
    if (!domain) return std::unexpected(domain.error());
    if (!domain->ownership.method.empty()) return view_of(std::move(*domain), context);
    const Json before = audit_value(*domain);
    domain->ownership.method = "operator";
    domain->ownership.verified_ms = now;
    domain->ownership.next_check_ms.reset();
    domain->ownership.last_result = "an operator vouched for it";
    if (auto kept = store::update_ownership(tx, domain->id, domain->ownership); !kept) return failed(kept);
    if (auto went = go_on(tx, context, *domain, now); !went) return failed(went);
    auto told = audit(tx, caller,
                      {.account_id = domain->account_id,
                       .action = "domain.vouch",
                       .object_type = "domain",
                       .object_name = domain->name,
                       .old_value = before,
                       .new_value = audit_value(*domain)},
                      now);
    if (!told) return failed(told);
    return view_of(std::move(*domain), context);
  });
  if (done) {
    context.policy_changed();
    context.notice_written();
  }
  return done;
}

OwnershipVerifier::OwnershipVerifier(Context& context, std::span<const std::chrono::seconds> delays)
    : context_(context), delays_(delays), thread_(&OwnershipVerifier::run, this) {}

OwnershipVerifier::~OwnershipVerifier() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void OwnershipVerifier::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void OwnershipVerifier::run() {
  constexpr std::chrono::milliseconds kLongest{30'000};  // another control plane may have asked for a look
  constexpr std::chrono::milliseconds kPause{5'000};
  for (;;) {
    bool noted = true;
    std::optional<std::int64_t> due;
    auto domains = context_.database.read([&](Transaction& tx) -> base::Result<std::vector<store::Domain>> {
      auto next = store::next_domain_check_ms(tx);
      if (!next) return std::unexpected(next.error());
      due = *next;
      return store::domains_to_check(tx, context_.now_ms(), kAtOnce);
    });
    if (!domains) base::log_warn("ownership: {}", base::describe(domains.error()));
    if (domains && !domains->empty()) {
      noted = look_at_all(*domains);
    }
    std::unique_lock lock(mutex_);
    if (stop_) return;
    if (domains && !domains->empty()) {
      if (noted) continue;
      // They stay due, and nobody's server is to be asked without a pause because our disk is full.
      changed_.wait_for(lock, kPause, [this] { return stop_; });
      if (stop_) return;
      continue;
    }
    auto wait = kLongest;
    if (due) wait = std::clamp(std::chrono::milliseconds(*due - context_.now_ms()), std::chrono::milliseconds(1), wait);
    changed_.wait_for(lock, wait, [this] { return stop_ || woken_; });
    if (stop_) return;
    woken_ = false;
  }
}

bool OwnershipVerifier::look_at_all(const std::vector<store::Domain>& domains) {
  std::atomic<bool> noted{true};
  std::vector<std::jthread> looks;
  looks.reserve(domains.size());
  for (const store::Domain& d : domains) {
    const auto one = [this, &d, &noted] {
      if (!look(d)) noted = false;
    };
    try {
      looks.emplace_back(one);
    } catch (const std::system_error&) {
      one();  // no thread is to be had: one after the other, then
    }
  }
  looks.clear();  // waits for them
  return noted;
}

bool OwnershipVerifier::look(const store::Domain& domain) {
  OwnershipSettings settings;
  settings.resolvers = context_.config.resolvers;
  settings.http_port = context_.config.ownership_http_port;
  settings.allow_private = context_.config.ownership_allow_private;
  const OwnershipResult result = check_ownership(domain.name, domain.ownership.token, settings);
  if (auto noted = note(domain, result); !noted) {
    base::log_warn("ownership of {}: {}", domain.name, base::describe(noted.error()));
    return false;
  }
  return true;
}

base::Result<void> OwnershipVerifier::note(const store::Domain& looked_at, const OwnershipResult& result) {
  const std::int64_t now = context_.now_ms();
  auto done = context_.database.write([&](Transaction& tx) -> base::Result<void> {
    auto domain = store::find_domain(tx, looked_at.id);
    if (!domain)
      return domain.error().code == base::Code::not_found ? base::Result<void>() : std::unexpected(domain.error());
    // Meanwhile an operator vouched, or nobody wants to know any more.
    if (!domain->ownership.method.empty() || !domain->ownership.next_check_ms) return {};
    // Another control plane looked at the same time: that counts as one look.
    if (!result.proved && domain->ownership.checks != looked_at.ownership.checks) return {};
    const Json before = audit_value(*domain);
    store::Ownership& o = domain->ownership;
    o.last_result = result.reason;
    const bool last = static_cast<std::size_t>(o.checks) >= delays_.size();
    if (result.proved) {
      o.method = result.method;
      o.verified_ms = now;
      o.next_check_ms.reset();
    } else if (last) {
      o.next_check_ms.reset();
    } else {
      o.next_check_ms = now + std::chrono::milliseconds(delays_[static_cast<std::size_t>(o.checks)]).count();
    }
    ++o.checks;
    if (auto kept = store::update_ownership(tx, domain->id, o); !kept) return kept;
    if (!result.proved && !last) return {};
    if (auto went = go_on(tx, context_, *domain, now); !went) return went;
    return audit(tx, Caller(),
                 {.account_id = domain->account_id,
                  .action = result.proved ? "domain.ownership_proved" : "domain.ownership_not_proved",
                  .object_type = "domain",
                  .object_name = domain->name,
                  .old_value = before,
                  .new_value = audit_value(*domain)},
                 now);
  });
  if (done) {
    context_.policy_changed();
    context_.notice_written();
  }
  return done;
}

}  // namespace fairlead::control
