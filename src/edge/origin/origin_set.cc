#include "edge/origin/origin_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "edge/origin/key_hash.h"
#include "protocol/http/cookie.h"

namespace fairlead::edge {
namespace {

// Fixed for ever: every edge must come to the same tokens and the same origins.
constexpr HashKey128 kOriginKey{0x6661697264656164ull, 0x6f726967696e7331ull};
constexpr HashKey128 kTokenKey{0x7065727369737465ull, 0x6e6365746f6b656eull};
constexpr HashKey128 kRequestKey{0x636f6e7369737465ull, 0x6e74686173682d31ull};

// One origin as text, unambiguous.
std::string identity(const model::Origin& o) {
  return fmt::format("{}\n{}\n{}", o.host, o.http_port ? static_cast<int>(*o.http_port) : -1,
                     o.https_port ? static_cast<int>(*o.https_port) : -1);
}

bool same_origin(const OriginState& state, const model::Origin& o) {
  return state.host() == o.host && state.http_port() == o.http_port && state.https_port() == o.https_port;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

// The first parameter of that name, as it was written (percent-encoding and all).
std::optional<std::string_view> query_parameter(std::string_view target, std::string_view name) {
  const auto question = target.find('?');
  if (question == target.npos) return std::nullopt;
  std::string_view rest = target.substr(question + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    return equals == pair.npos ? std::string_view{} : pair.substr(equals + 1);
  }
  return std::nullopt;
}

}  // namespace

// Which origins one pick may choose: they have the port, were not tried, and are in health.
class OriginSet::Candidates {
 public:
  Candidates(const OriginSet& set, const PickContext& context, const Tried& tried)
      : set_(set), context_(context), passive_(set.policy().health_check.passive), excluded_(tried) {}

  // Could be asked at all, whatever its health.
  bool eligible(std::size_t i) const { return !excluded_.contains(i) && port(i).has_value(); }
  bool down(std::size_t i) const { return set_.state(i)->active_health() == ActiveHealth::down; }
  bool ejected(std::size_t i) const { return passive_.enabled && set_.state(i)->ejected(context_.now); }
  bool available(std::size_t i) const { return eligible(i) && !down(i) && !ejected(i); }
  // Another one won the trial of this half-open origin.
  void exclude(std::size_t i) { excluded_.add(i); }
  std::optional<std::uint16_t> port(std::size_t i) const {
    const model::Origin& o = set_.origin(i);
    return context_.https ? o.https_port : o.http_port;
  }

 private:
  const OriginSet& set_;
  const PickContext& context_;
  const model::PassiveHealthCheck& passive_;
  Tried excluded_;
};

OriginSet::OriginSet(std::shared_ptr<const model::DomainPolicy> policy) : policy_(std::move(policy)) {}

std::shared_ptr<OriginSet> OriginSet::build(std::shared_ptr<const model::DomainPolicy> policy,
                                            const OriginSet* previous) {
  std::shared_ptr<OriginSet> set(new OriginSet(std::move(policy)));
  const model::DomainPolicy& p = *set->policy_;
  const std::size_t count = std::min(p.origins.size(), model::limits::kMaxOriginsPerDomain);
  const auto find_state = [](const std::vector<Entry>& entries,
                             const model::Origin& o) -> std::shared_ptr<OriginState> {
    for (const Entry& e : entries) {
      if (same_origin(*e.state, o)) return e.state;
    }
    return nullptr;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const model::Origin& o = p.origins[i];
    Entry entry;
    entry.state = find_state(set->entries_, o);  // an origin that is listed twice is one origin
    if (!entry.state && previous) entry.state = find_state(previous->entries_, o);
    if (!entry.state) entry.state = std::make_shared<OriginState>(p.name, o.host, o.http_port, o.https_port);
    entry.hash = key_hash(kOriginKey, identity(o));
    entry.token = fmt::format("{:016x}", key_hash(kTokenKey, p.name + '\n' + identity(o)));
    set->entries_.push_back(std::move(entry));
    Group& group = o.priority == model::OriginPriority::primary ? set->primaries_ : set->backups_;
    group.members.push_back(static_cast<std::uint16_t>(i));
  }
  set->primaries_.schedule = make_schedule(p, set->primaries_.members);
  set->backups_.schedule = make_schedule(p, set->backups_.members);
  // The rotation goes on where it was: frequent reloads must not favour the first of the list.
  if (previous) {
    set->primaries_.cursor = previous->primaries_.cursor.load(std::memory_order_relaxed);
    set->backups_.cursor = previous->backups_.cursor.load(std::memory_order_relaxed);
  }
  return set;
}

// Smooth weighted round robin: at every step each member gains its weight, the richest is chosen and pays the sum. Over
// one round everyone is chosen as often as its (reduced) weight says, spread as evenly as can be.
std::vector<std::uint16_t> OriginSet::make_schedule(const model::DomainPolicy& policy,
                                                    const std::vector<std::uint16_t>& members) {
  std::vector<std::int64_t> weights, gained(members.size(), 0);
  std::int64_t divisor = 0;
  for (const std::uint16_t m : members) {
    weights.push_back(std::max<std::int64_t>(1, policy.origins[m].weight));
    divisor = std::gcd(divisor, weights.back());
  }
  std::int64_t sum = 0;
  for (std::int64_t& w : weights) sum += w /= divisor;
  std::vector<std::uint16_t> schedule;
  schedule.reserve(static_cast<std::size_t>(sum));
  for (std::int64_t step = 0; step < sum; ++step) {
    std::size_t richest = 0;
    for (std::size_t k = 0; k < members.size(); ++k) {
      gained[k] += weights[k];
      if (gained[k] > gained[richest]) richest = k;
    }
    gained[richest] -= sum;
    schedule.push_back(members[richest]);
  }
  return schedule;
}

base::Result<OriginChoice> OriginSet::pick(const PickContext& context, const Tried& tried) const {
  Candidates candidates(*this, context, tried);
  const model::PassiveHealthCheck& passive = policy_->health_check.passive;
  const bool sticky = policy_->load_balancing.persistence == model::Persistence::cookie;
  const auto choice = [&](std::size_t i, bool from_cookie) {
    return OriginChoice{i, &origin(i), entries_[i].state, *candidates.port(i), context.https, sticky && !from_cookie};
  };

  // Ends: every round but the last takes a candidate away.
  for (;;) {
    std::optional<std::size_t> i;
    bool from_its_cookie = false;
    if (sticky) {
      i = from_cookie(context, candidates);
      from_its_cookie = i.has_value();
    }
    if (!i) i = from_group(primaries_, context, candidates);
    if (!i) i = from_group(backups_, context, candidates);
    if (!i) break;
    if (!passive.enabled || entries_[*i].state->begin_trial(passive, context.now)) return choice(*i, from_its_cookie);
    candidates.exclude(*i);
  }

  // A retry has just seen one origin fail and is no reason to disturb those set aside.
  if (tried.none()) {
    if (const auto i = ejected_longest_ago(candidates)) {
      entries_[*i].state->force_trial();
      return choice(*i, false);
    }
    bool any_port = false;
    for (std::size_t k = 0; k < size(); ++k) any_port = any_port || candidates.port(k).has_value();
    if (!any_port) {
      return base::fail(base::Code::unreachable, base::Side::origin,
                        fmt::format("no origin has a port for {}", context.https ? "https" : "http"),
                        base::Retry::later);
    }
  }
  return base::fail(base::Code::unreachable, base::Side::origin,
                    tried.none() ? "all origins are down" : "no further origin to try", base::Retry::later);
}

// A client stays even on a backup while that is well: its state lives there, and moving it would be a second outage.
std::optional<std::size_t> OriginSet::from_cookie(const PickContext& context, const Candidates& candidates) const {
  if (!context.head) return std::nullopt;
  const auto value = protocol::find_cookie(context.head->fields, policy_->load_balancing.cookie_name);
  if (!value) return std::nullopt;
  for (std::size_t i = 0; i < size(); ++i) {
    if (entries_[i].token == *value && candidates.available(i)) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> OriginSet::from_group(const Group& group, const PickContext& context,
                                                 const Candidates& candidates) const {
  if (group.members.empty()) return std::nullopt;
  switch (policy_->load_balancing.policy) {
    case model::BalancePolicy::round_robin: break;
    case model::BalancePolicy::least_sessions: return least_sessions(group, candidates);
    case model::BalancePolicy::consistent_hash:
      if (const auto key = hash_key(context)) return rendezvous(group, *key, candidates);
      break;
  }
  return round_robin(group, candidates);
}

std::optional<std::size_t> OriginSet::round_robin(const Group& group, const Candidates& candidates) const {
  const std::size_t round = group.schedule.size();
  for (std::size_t n = 0; n < round; ++n) {
    const std::uint64_t turn = group.cursor.fetch_add(1, std::memory_order_relaxed);
    const std::size_t i = group.schedule[turn % round];
    if (candidates.available(i)) return i;
    // Other workers draw from the same cursor, so a full round drawn here need not have shown everyone: look once
    // whether to go on at all.
    if (n == 0 && std::none_of(group.members.begin(), group.members.end(),
                               [&](std::size_t m) { return candidates.available(m); })) {
      return std::nullopt;
    }
  }
  for (const std::size_t m : group.members) {
    if (candidates.available(m)) return m;
  }
  return std::nullopt;
}

// One more session is imagined everywhere, so that empty origins differ by weight too: the first goes to the heaviest.
std::optional<std::size_t> OriginSet::least_sessions(const Group& group, const Candidates& candidates) const {
  const std::size_t count = group.members.size();
  const std::size_t start = group.cursor.fetch_add(1, std::memory_order_relaxed) % count;
  std::optional<std::size_t> best;
  std::uint64_t best_load = 0, best_weight = 1;
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t i = group.members[(start + n) % count];
    if (!candidates.available(i)) continue;
    const std::uint64_t load = entries_[i].state->live() + std::uint64_t{1};
    const std::uint64_t weight = std::max<std::uint32_t>(1, origin(i).weight);
    if (best && load * best_weight >= best_load * weight) continue;
    best = i;
    best_load = load;
    best_weight = weight;
  }
  return best;
}

// The score of an origin for a key is weight / -ln(u), u uniform in (0, 1) and drawn from both by hashing: the chance
// to have the highest score is then exactly the share of the weight, and no other origin's coming or going changes it.
std::optional<std::size_t> OriginSet::rendezvous(const Group& group, std::uint64_t key,
                                                 const Candidates& candidates) const {
  std::optional<std::size_t> best;
  double best_score = 0;
  for (const std::size_t i : group.members) {
    if (!candidates.available(i)) continue;
    const double u = (static_cast<double>(mix_bits(entries_[i].hash ^ key) >> 11) + 0.5) * 0x1.0p-53;
    const double score = std::max<std::uint32_t>(1, origin(i).weight) / -std::log(u);
    if (best && score <= best_score) continue;
    best = i;
    best_score = score;
  }
  return best;
}

// Whoever was set aside first has had the most time to recover; a failure puts it at the end of the line again.
std::optional<std::size_t> OriginSet::ejected_longest_ago(const Candidates& candidates) const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!candidates.eligible(i) || candidates.down(i) || !candidates.ejected(i)) continue;
    if (!best || entries_[i].state->ejected_at() < entries_[*best].state->ejected_at()) best = i;
  }
  return best;
}

std::optional<std::uint64_t> OriginSet::hash_key(const PickContext& context) const {
  const model::LoadBalancing& lb = policy_->load_balancing;
  if (lb.hash_key == model::HashKey::client_address) {
    return key_hash(kRequestKey, {reinterpret_cast<const char*>(context.client.bytes()), 16});
  }
  if (!context.head) return std::nullopt;
  std::optional<std::string_view> value;
  switch (lb.hash_key) {
    case model::HashKey::header: value = context.head->fields.find(lb.hash_name); break;
    case model::HashKey::cookie: value = protocol::find_cookie(context.head->fields, lb.hash_name); break;
    case model::HashKey::path: value = path_of(context.head->target); break;
    case model::HashKey::query: value = query_parameter(context.head->target, lb.hash_name); break;
    case model::HashKey::client_address: break;
  }
  // An empty value says no more than an absent one, and would gather all who send it on one origin.
  if (!value || value->empty()) return std::nullopt;
  return key_hash(kRequestKey, *value);
}

std::string OriginSet::persistence_cookie(std::size_t index, bool secure) const {
  const model::LoadBalancing& lb = policy_->load_balancing;
  // Rounded up: a second is the cookie's unit, and 0 would mean "until the browser closes".
  return protocol::make_set_cookie(lb.cookie_name, entries_[index].token,
                                   std::chrono::ceil<std::chrono::seconds>(lb.cookie_max_age), secure);
}

}  // namespace fairlead::edge
