#include "edge/agent.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/clock.h"
#include "edge/usage/cell_values.h"
#include "model/write_domain.h"

namespace fairlead::edge {
namespace {

// What one worker says of its sessions.
struct Found {
  std::vector<cluster::SessionInfo> first;  // by id, at most as many as were asked for
  std::size_t total = 0;                    // that match, whether before `after` or behind it
};

cluster::SessionInfo describe(const Session& s, const std::string& edge) {
  const AccessRecord r = s.record().unpack(s.policy().name);
  const SessionCounts counts = s.counts();
  cluster::SessionInfo info;
  info.id = r.session_id;
  info.edge = edge;
  info.domain = r.domain;
  info.client = r.client;
  info.client_port = r.client_port;
  info.protocol = r.protocol;
  info.tls = r.tls;
  info.target = r.target;
  info.origin = r.origin;
  info.opened_ms = base::wall_clock_ms() - counts.age / base::milliseconds(1);
  info.idle_ms = counts.idle / base::milliseconds(1);
  info.bytes_in = counts.to_origin.bytes;
  info.bytes_out = counts.to_client.bytes;
  info.frames_in = counts.to_origin.frames;
  info.frames_out = counts.to_client.frames;
  info.messages_in = counts.to_origin.messages;
  info.messages_out = counts.to_client.messages;
  info.closing = counts.closing;
  return info;
}

Found find(Worker& worker, const cluster::SessionQuery& query, const std::string& edge) {
  Found found;
  std::vector<const Session*> behind;
  const auto look = [&](Session& s) {
    if (!query.client.empty() && s.record().client() != query.client) return;
    ++found.total;
    const auto id = s.record().id_text();
    if (std::string_view(id.data(), id.size()) > query.after) behind.push_back(&s);
  };
  if (query.domains.empty()) {
    worker.for_each_session(look);
  } else {
    for (const std::string& domain : query.domains) worker.for_each_session_of(domain, look);
  }
  const auto by_id = [](const Session* a, const Session* b) {
    return a->record().id() < b->record().id();
  };
  // One more than asked for says whether there is a next page.
  const std::size_t wanted = std::min(behind.size(), query.limit + 1);
  std::partial_sort(behind.begin(), behind.begin() + static_cast<std::ptrdiff_t>(wanted), behind.end(), by_id);
  for (std::size_t i = 0; i < wanted; ++i) found.first.push_back(describe(*behind[i], edge));
  return found;
}

// Answers of workers, one each, gathered.
template <class T>
class Gathering {
 public:
  explicit Gathering(std::size_t workers) : missing_(workers) {}
  void add(T answer) {
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
      --missing_;
    }
    come_.notify_all();
  }
  base::Result<std::vector<T>> wait() {
    std::unique_lock lock(mutex_);
    if (!come_.wait_for(lock, cluster::kAskTimeout, [this] { return missing_ == 0; })) {
      return base::fail(base::Code::timeout, base::Side::edge, "a worker did not answer", base::Retry::later);
    }
    return std::move(answers_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable come_;
  std::size_t missing_;
  std::vector<T> answers_;
};

}  // namespace

cluster::EdgeInfo Agent::info() const {
  const Edge::Applied applied = edge_.applied();
  const Edge::Load load = edge_.load();
  cluster::EdgeInfo info;
  info.id = id_;
  info.version = FAIRLEAD_VERSION;
  info.state = edge_.state_name();
  info.started_ms = load.started_ms;
  info.policy_revision = applied.revision;
  info.policy_applied_ms = applied.at_ms;
  switch (edge_.policy_source()) {
    case PolicySource::control: info.policy_source = "control"; break;
    case PolicySource::none: info.policy_source = "none"; break;
    default: info.policy_source = "file"; break;
  }
  info.domains = load.domains;
  info.sessions = load.sessions;
  info.connections = load.connections;
  info.workers = static_cast<unsigned>(load.workers);
  return info;
}

base::Result<cluster::PolicyPrints> Agent::policy_prints() {
  using Table = std::shared_ptr<const DomainTable>;
  const auto gathering = std::make_shared<Gathering<Table>>(edge_.load().workers);
  edge_.ask_workers([gathering](Worker& worker) { gathering->add(worker.table()); });
  const auto tables = gathering->wait();
  if (!tables) return std::unexpected(tables.error());
  cluster::PolicyPrints prints;
  if (tables->empty()) return prints;
  const Table& oldest = *std::ranges::min_element(*tables, {}, [](const Table& t) { return t->revision(); });
  prints.revision = oldest->revision();
  for (const auto& [name, domain] : oldest->all()) {
    prints.domains.emplace(name, model::fingerprint(domain->policy()));
  }
  return prints;
}

base::Result<cluster::SessionPage> Agent::sessions(const cluster::SessionQuery& asked) {
  cluster::SessionQuery query = asked;
  query.limit = std::clamp<std::size_t>(query.limit, 1, cluster::kMaxSessionPage);
  std::ranges::sort(query.domains);  // one that is named twice has its sessions once
  query.domains.erase(std::unique(query.domains.begin(), query.domains.end()), query.domains.end());
  const auto gathering = std::make_shared<Gathering<Found>>(edge_.load().workers);
  edge_.ask_workers([gathering, query, edge = id_](Worker& worker) { gathering->add(find(worker, query, edge)); });
  auto answers = gathering->wait();
  if (!answers) return std::unexpected(answers.error());
  cluster::SessionPage page;
  for (Found& found : *answers) {
    page.total += found.total;
    std::ranges::move(found.first, std::back_inserter(page.sessions));
  }
  std::ranges::sort(page.sessions, {}, &cluster::SessionInfo::id);
  if (page.sessions.size() > query.limit) {
    page.sessions.resize(query.limit);
    page.next = page.sessions.back().id;
  }
  return page;
}

base::Result<cluster::EdgeUsage> Agent::live_usage(const std::vector<cluster::DomainRef>& domains) {
  cluster::EdgeUsage out;
  out.edge = id_;
  out.started_ms = edge_.load().started_ms;
  out.usage.resize(domains.size());
  for (std::size_t i = 0; i < domains.size(); ++i) {
    for (const auto& cell : edge_.counters().cells_of(domains[i].name)) {
      if (cell->key.domain_id != domains[i].id) continue;  // of another owner of the name
      model::add_usage(out.usage[i].values, values_of(*cell));
      out.usage[i].sessions_open += cell->websocket.sessions_open.get();
    }
  }
  return out;
}

base::Result<cluster::EdgeUsage> Agent::live_total() {
  cluster::EdgeUsage out;
  out.edge = id_;
  out.started_ms = edge_.load().started_ms;
  cluster::LiveUsage& total = out.usage.emplace_back();
  std::vector<std::uint64_t> sums;  // by meter's number: cells are many and have the same few meters
  for (const auto& cell : edge_.counters().cells(CounterRegistry::Cells::all)) {
    for (const auto& [meter, n] : values_of(*cell)) {
      const auto at = static_cast<std::size_t>(meter);
      if (at >= sums.size()) sums.resize(at + 1);
      sums[at] += n;
    }
    total.sessions_open += cell->websocket.sessions_open.get();
  }
  for (std::size_t at = 0; at < sums.size(); ++at) {
    if (sums[at] != 0) total.values.emplace_back(static_cast<model::Meter>(at), sums[at]);
  }
  return out;
}

base::Result<void> Agent::end_session(std::string_view domain, std::string_view id) {
  const auto gathering = std::make_shared<Gathering<bool>>(edge_.load().workers);
  edge_.ask_workers([gathering, domain = std::string(domain), id = std::string(id)](Worker& worker) {
    bool ended = false;
    worker.for_each_session_of(domain, [&](Session& s) {
      const auto text = s.record().id_text();
      if (ended || std::string_view(text.data(), text.size()) != id) return;
      s.close(CloseBy::operator_, CloseCause::ended_by_operator, protocol::CloseCode::going_away,
              "the session was ended by an operator");
      ended = true;
    });
    gathering->add(ended);
  });
  const auto answers = gathering->wait();
  if (!answers) return std::unexpected(answers.error());
  if (std::ranges::find(*answers, true) == answers->end()) {
    return base::fail(base::Code::not_found, base::Side::none, "session");
  }
  return {};
}

}  // namespace fairlead::edge
