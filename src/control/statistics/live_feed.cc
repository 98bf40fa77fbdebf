#include "control/statistics/live_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <set>

#include "control/identity/caller_of.h"
#include "control/in_transaction.h"
#include "control/statistics/figures.h"
#include "control/statistics/statistics.h"
#include "store/policy_changes.h"

namespace fairlead::control {
namespace {

using cluster::DomainRef;
using cluster::EdgeUsage;
using cluster::LiveUsage;
using model::Meter;
using model::UsageValues;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kEvery{1000};
constexpr std::chrono::milliseconds kLookAtRights{3000};

// What was added to `before`. Counters of one start never fall; would one, it would have begun anew.
UsageValues difference(const UsageValues& now, const UsageValues& before) {
  UsageValues out;
  for (const auto& [meter, n] : now) {
    const std::uint64_t old = model::usage_of(before, meter);
    if (const std::uint64_t more = n >= old ? n - old : n; more > 0) out.emplace_back(meter, more);
  }
  return out;
}

std::uint64_t closed(const UsageValues& values) {
  std::uint64_t all = 0;
  for (const auto& c : family_of(values, Meter::sessions_closed, std::size(model::kUsageCloseCauses))) all += c.count;
  return all;
}

void put_figures(Json& out, const LiveFigures& f) {
  const auto of = [&](Meter meter) { return model::usage_of(f.values, meter); };
  out["sessions_open"] = f.sessions_open;
  out["sessions_opened"] = of(Meter::sessions_opened);
  out["sessions_closed"] = closed(f.values);
  out["bytes_in"] = of(Meter::bytes_in);
  out["bytes_out"] = of(Meter::bytes_out);
  out["wire_bytes_in"] = of(Meter::wire_bytes_in);
  out["wire_bytes_out"] = of(Meter::wire_bytes_out);
  out["messages_in"] = of(Meter::messages_text_in) + of(Meter::messages_binary_in);
  out["messages_out"] = of(Meter::messages_text_out) + of(Meter::messages_binary_out);
}

// `total` of all, and each domain when they were named.
Json live_json(const std::vector<DomainRef>& domains, const std::vector<LiveFigures>& figures, bool named, Json out) {
  LiveFigures all;
  for (const LiveFigures& f : figures) {
    all.sessions_open += f.sessions_open;
    model::add_usage(all.values, f.values);
  }
  out["total"] = Json::object();
  put_figures(out["total"], all);
  if (!named) return out;
  out["domains"] = Json::array();
  for (std::size_t i = 0; i < domains.size(); ++i) {
    Json one = {{"domain", domains[i].name}};
    put_figures(one, figures[i]);
    out["domains"].push_back(std::move(one));
  }
  return out;
}

// What edges are asked about.
struct Watched {
  bool everything = false;         // the sum of all there is, one figure
  std::vector<DomainRef> domains;  // else these
  std::int64_t change = -1;        // the last policy change by then: before another one no account has other domains

  std::vector<DomainRef> refs() const { return everything ? std::vector<DomainRef>(1) : domains; }
};

std::vector<base::Result<EdgeUsage>> ask(Context& context, const Watched& watched) {
  return watched.everything ? context.edges.live_total() : context.edges.live_usage(watched.domains);
}

// Domains that are there now. `before`: what was watched before, if anything was.
Outcome<Watched> watched(Context& context, const Caller& caller, const LiveAsked& asked, const Watched* before) {
  return read_in(context.database, [&](store::Transaction& tx) -> Outcome<Watched> {
    const auto account = metered_account(tx, caller, asked.account_id);
    if (!account) return std::unexpected(account.error());
    Watched out;
    if (asked.domains.empty() && !*account) {
      out.everything = true;
      return out;
    }
    const auto change = store::last_policy_change(tx);
    if (!change) return failed(change);
    out.change = *change;
    if (asked.domains.empty() && before && before->change == *change) return *before;
    const auto found = metered_of(tx, *account, asked.domains);
    if (!found) return std::unexpected(found.error());
    std::set<std::string_view> names, present;
    for (const store::MeteredDomain& d : *found) {
      names.insert(d.name);
      if (d.deleted_ms) continue;
      present.insert(d.name);
      // An edge that has a domain from nobody's control plane counts it under its name alone.
      out.domains.push_back({d.account_id.empty() ? std::string() : d.domain_id, d.name});
    }
    if (!asked.domains.empty() && present.size() < names.size()) return not_found("domain");
    return out;
  });
}

// One client's stream: what the producer keeps between its calls.
class LiveStream {
 public:
  LiveStream(Context& context, const Call& call, LiveAsked asked, Watched watched)
      : context_(context), request_(call.request), asked_(std::move(asked)), watched_(std::move(watched)) {
    meter_.watch(watched_.refs());
  }

  bool operator()(ApiSink& sink) {
    const auto now = Clock::now();
    std::string out;
    if (number_ == 0) {
      out = "retry: 2000\n\n";
      next_ = looked_ = now;
    }
    if (now - looked_ >= kLookAtRights) {
      looked_ = now;
      if (const auto why = look()) {
        sink.write(fmt::format("event: end\ndata: {}\n\n", Json{{"code", *why}}.dump()));
        return false;
      }
    }
    meter_.take(ask(context_, watched_), context_.now_ms());
    const auto taken = Clock::now();
    const auto since = number_ == 0 ? taken - taken : taken - taken_;
    taken_ = taken;
    const Json head = {{"at", date(context_.now_ms())},
                       {"milliseconds", std::chrono::duration_cast<std::chrono::milliseconds>(since).count()},
                       {"edges", meter_.edges()},
                       {"silent_edges", meter_.silent_edges()}};
    const Json event = live_json(meter_.domains(), meter_.change(), !asked_.domains.empty(), head);
    out += fmt::format("id: {}\nevent: usage\ndata: {}\n\n", ++number_,
                       event.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (!sink.write(out)) return false;
    // By the second, however long an event took; those that were missed are not made up for.
    next_ = std::max(next_ + kEvery, Clock::now());
    return sink.wait(std::chrono::ceil<std::chrono::milliseconds>(next_ - Clock::now()));
  }

 private:
  // Why the stream must end, if it must. The store's absence is no reason: what is live is not in it.
  std::optional<std::string> look() {
    const auto caller = caller_of(context_, request_);
    if (!caller) return caller.error().status >= 500 ? std::nullopt : std::optional(caller.error().code);
    if (!caller->signed_in()) return "unauthorized";
    if (caller->account_state != store::AccountState::active) return "account_suspended";
    auto now = watched(context_, *caller, asked_, &watched_);
    if (!now) return now.error().status >= 500 ? std::nullopt : std::optional(now.error().code);
    watched_ = std::move(*now);
    meter_.watch(watched_.refs());
    return std::nullopt;
  }

  Context& context_;
  const ApiRequest request_;
  const LiveAsked asked_;
  Watched watched_;
  LiveMeter meter_;
  std::uint64_t number_ = 0;
  Clock::time_point next_, looked_, taken_;
};

}  // namespace

void LiveMeter::watch(std::vector<DomainRef> domains) {
  if (domains == domains_) return;
  using Key = std::pair<std::string_view, std::string_view>;
  std::map<Key, std::size_t> before;
  for (std::size_t i = 0; i < domains_.size(); ++i) before.emplace(Key(domains_[i].id, domains_[i].name), i);
  std::vector<bool> seen(domains.size());
  std::map<std::string, Edge, std::less<>> edges;
  for (const auto& [id, edge] : edges_)
    edges[id] = {edge.started_ms, std::vector<std::optional<LiveUsage>>(domains.size())};
  for (std::size_t i = 0; i < domains.size(); ++i) {
    const auto old = before.find(Key(domains[i].id, domains[i].name));
    if (old == before.end()) continue;
    seen[i] = seen_[old->second];
    for (auto& [id, edge] : edges_) edges[id].last[i] = std::move(edge.last[old->second]);
  }
  domains_ = std::move(domains);
  seen_ = std::move(seen);
  edges_ = std::move(edges);
  change_.assign(domains_.size(), {});
}

void LiveMeter::take(const std::vector<base::Result<EdgeUsage>>& answers, std::int64_t now_ms) {
  change_.assign(domains_.size(), {});
  silent_ = 0;
  std::map<std::string, Edge, std::less<>> now;
  for (const auto& answer : answers) {
    if (!answer || answer->usage.size() != domains_.size()) {
      ++silent_;
      continue;
    }
    const auto known = edges_.find(answer->edge);
    const bool same = known != edges_.end() && known->second.started_ms == answer->started_ms;
    const bool anew = !same && taken_ms_ >= 0 && (known != edges_.end() || answer->started_ms >= taken_ms_);
    for (std::size_t i = 0; i < domains_.size(); ++i) {
      const LiveUsage& usage = answer->usage[i];
      change_[i].sessions_open += usage.sessions_open;
      const LiveUsage* const before =
          known != edges_.end() && known->second.last[i] ? &*known->second.last[i] : nullptr;
      if (same && before) model::add_usage(change_[i].values, difference(usage.values, before->values));
      if (anew && (known == edges_.end() ? seen_[i] : before != nullptr)) {
        model::add_usage(change_[i].values, usage.values);
      }
    }
    now[answer->edge] = {answer->started_ms, {answer->usage.begin(), answer->usage.end()}};
  }
  // Who is silent is asked again; who is no longer named at all is gone.
  if (silent_ > 0) {
    for (auto& [id, edge] : edges_) {
      const auto [at, kept] = now.emplace(id, std::move(edge));
      if (!kept) continue;
      for (std::size_t i = 0; i < domains_.size(); ++i) {
        if (const auto& last = at->second.last[i]) change_[i].sessions_open += last->sessions_open;
      }
    }
  }
  edges_ = std::move(now);
  seen_.assign(domains_.size(), true);
  taken_ms_ = now_ms;
}

Outcome<Reply> live_snapshot(Context& context, const Caller& caller, const LiveAsked& asked) {
  const auto about = watched(context, caller, asked, nullptr);
  if (!about) return std::unexpected(about.error());
  const std::vector<DomainRef> domains = about->refs();
  std::vector<LiveFigures> figures(domains.size());
  std::size_t silent = 0, edges = 0;
  std::optional<std::int64_t> since;
  for (const auto& answer : ask(context, *about)) {
    if (!answer || answer->usage.size() != domains.size()) {
      ++silent;
      continue;
    }
    ++edges;
    since = std::min(since.value_or(answer->started_ms), answer->started_ms);
    for (std::size_t i = 0; i < domains.size(); ++i) {
      figures[i].sessions_open += answer->usage[i].sessions_open;
      model::add_usage(figures[i].values, answer->usage[i].values);
    }
  }
  const Json head = {
      {"at", date(context.now_ms())}, {"since", date(since)}, {"edges", edges}, {"silent_edges", silent}};
  Reply reply;
  reply.body = live_json(domains, figures, !asked.domains.empty(), head);
  return reply;
}

Outcome<Reply> live_stream(Context& context, const Call& call, const LiveAsked& asked) {
  if (call.caller.account_state != store::AccountState::active) {
    return refuse(403, "account_suspended", "the account is suspended");
  }
  auto about = watched(context, call.caller, asked, nullptr);
  if (!about) return std::unexpected(std::move(about.error()));
  Reply reply;
  reply.content_type = "text/event-stream";
  reply.fields = {{"cache-control", "no-store"}, {"x-accel-buffering", "no"}};
  const auto stream = std::make_shared<LiveStream>(context, call, asked, std::move(*about));
  reply.produce = [stream](ApiSink& sink) { return (*stream)(sink); };
  return reply;
}

}  // namespace fairlead::control
