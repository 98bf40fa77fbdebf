#include "control/publisher.h"

#include <set>
#include <string>

#include "base/log.h"
#include "control/policy_maker.h"
#include "store/domains.h"

namespace fairlead::control {

using store::Transaction;

Publisher::Publisher(Context& context, cluster::PolicyBus& bus) : context_(context), bus_(bus) {}

Publisher::~Publisher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Publisher::start() { thread_ = std::thread(&Publisher::run, this); }

void Publisher::notify() {
  {
    const std::lock_guard lock(mutex_);
    notified_ = true;
  }
  wake_.notify_all();
}

Publisher::Status Publisher::status() const {
  return {.revision = revision_.load(),
          .published = published_.load(),
          .failed_domains = failed_domains_.load(),
          .reached = reached_.load()};
}

void Publisher::run() {
  bool told = false;
  for (;;) {
    base::Result<bool> more = false;
    try {
      more = publish_changes();
    } catch (const std::exception& thrown) {  // no memory: sessions are not to end for that
      more = base::fail(base::Code::internal, base::Side::none, thrown.what());
    }
    reached_ = more.has_value();
    if (!more && !std::exchange(told, true)) base::log_warn("publisher: {}", base::describe(more.error()));
    // A database that was away may have come back without its last commits, and given their numbers to others since.
    if (!more) began_ = false;
    if (more && std::exchange(told, false)) base::log_info("publisher: the store is back");
    std::unique_lock lock(mutex_);
    if (!(more && *more)) {
      wake_.wait_for(lock, kLook, [this] { return stop_ || notified_; });
    }
    if (stop_) return;
    notified_ = false;
  }
}

base::Result<bool> Publisher::publish_changes() {
  bool more = false;
  auto update = context_.database.read([&](Transaction& tx) -> base::Result<cluster::PolicyUpdate> {
    more = false;
    if (!began_) return all(tx);
    auto changes = store::changes_since(tx, number_, kMostChanges);
    if (!changes && changes.error().code == base::Code::not_found) return all(tx);
    if (!changes) return std::unexpected(changes.error());
    more = std::ssize(*changes) == kMostChanges;
    return changed(tx, *changes);
  });
  if (!update) return std::unexpected(update.error());
  const bool same = began_ && !update->whole && static_cast<std::int64_t>(update->revision) == number_;
  if (same) return false;
  if (auto done = bus_.publish(*update); !done) return std::unexpected(done.error());
  latest_ = model::PolicySnapshot::build(update->whole ? nullptr : latest_, update->edits, update->revision);
  number_ = static_cast<std::int64_t>(update->revision);
  began_ = true;
  revision_ = update->revision;
  ++published_;
  return more;
}

base::Result<cluster::PolicyUpdate> Publisher::all(Transaction& tx) {
  cluster::PolicyUpdate update;
  update.whole = true;
  auto last = store::last_policy_change(tx);
  if (!last) return std::unexpected(last.error());
  update.revision = static_cast<std::uint64_t>(*last);
  PolicyMaker maker(context_, tx);
  auto edits = maker.make_all([&](const store::Domain& domain, const base::Error& error) {
    ++failed_domains_;
    base::log_error("publisher: {} stays as the edges have it: {}", domain.name, base::describe(error));
    return latest_ ? latest_->find_name(domain.name) : nullptr;
  });
  if (!edits) return std::unexpected(edits.error());
  update.edits = std::move(*edits);
  return update;
}

base::Result<cluster::PolicyUpdate> Publisher::changed(Transaction& tx,
                                                       const std::vector<store::PolicyChange>& changes) {
  cluster::PolicyUpdate update;
  update.revision = static_cast<std::uint64_t>(changes.empty() ? number_ : changes.back().number);
  std::set<std::string> names;
  for (const store::PolicyChange& c : changes) names.insert(c.domain_name);
  PolicyMaker maker(context_, tx);
  for (const std::string& name : names) {
    auto domain = store::find_domain_by_name(tx, name);
    if (!domain) {
      if (domain.error().code != base::Code::not_found) return std::unexpected(domain.error());
      update.edits.push_back({name, nullptr});
      continue;
    }
    auto policy = maker.make(*domain);
    if (!policy && policy.error().side != base::Side::config) return std::unexpected(policy.error());
    if (!policy) {
      ++failed_domains_;
      base::log_error("publisher: {} stays as the edges have it: {}", name, base::describe(policy.error()));
      continue;
    }
    update.edits.push_back({name, std::move(*policy)});
  }
  return update;
}

}  // namespace fairlead::control
