#include "edge/telemetry/counters.h"

#include <algorithm>

namespace fairlead::edge {

CounterRegistry::CounterRegistry(unsigned workers) : domains_(workers) {
  workers_.reserve(workers);
  for (unsigned i = 0; i < workers; ++i) workers_.push_back(std::make_unique<WorkerCounters>());
}

std::shared_ptr<DomainCounters> CounterRegistry::domain(unsigned worker, const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<DomainCounters>& slot = domains_[worker][name];
  if (!slot) {
    slot = std::make_shared<DomainCounters>(name);
    created_.push_back(slot);
  }
  return slot;
}

std::vector<std::shared_ptr<const DomainCounters>> CounterRegistry::domains() const {
  const std::lock_guard lock(mutex_);
  return created_;
}

std::shared_ptr<MeterCell> CounterRegistry::make_cell(MeterKey key) {
  auto cell = std::make_shared<MeterCell>(std::move(key));
  const std::lock_guard lock(mutex_);
  cells_[cell->key.domain].written.push_back(cell);
  ++written_;
  return cell;
}

std::vector<std::shared_ptr<const MeterCell>> CounterRegistry::cells(Cells which) const {
  std::vector<std::shared_ptr<const MeterCell>> out;
  const std::lock_guard lock(mutex_);
  out.reserve(written_);
  for (const auto& [name, of] : cells_) {
    out.insert(out.end(), of.written.begin(), of.written.end());
    if (which == Cells::all) out.insert(out.end(), of.past.begin(), of.past.end());
  }
  return out;
}

std::vector<std::shared_ptr<const MeterCell>> CounterRegistry::cells_of(std::string_view domain) const {
  std::vector<std::shared_ptr<const MeterCell>> out;
  const std::lock_guard lock(mutex_);
  const auto found = cells_.find(domain);
  if (found == cells_.end()) return out;
  out.assign(found->second.written.begin(), found->second.written.end());
  out.insert(out.end(), found->second.past.begin(), found->second.past.end());
  return out;
}

std::size_t CounterRegistry::cells_written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

void CounterRegistry::retire(const std::shared_ptr<const MeterCell>& cell) {
  const MeterKey& key = cell->key;
  const std::lock_guard lock(mutex_);
  DomainCells& of = cells_[key.domain];
  const auto at = std::ranges::find(of.written, cell);
  if (at == of.written.end()) return;
  const auto same = [&key](const std::shared_ptr<MeterCell>& past) {
    return past->key.domain_id == key.domain_id && past->key.scheme == key.scheme && past->key.protocol == key.protocol;
  };
  // A new sum in place of the old one: who is reading has either the old one and the cell, or the new one alone.
  MeterKey sum_key = key;
  sum_key.place = PlaceId();
  auto sum = std::make_shared<MeterCell>(std::move(sum_key));
  const auto past = std::ranges::find_if(of.past, same);
  if (past == of.past.end()) {
    sum->absorb(*cell);
    of.past.push_back(std::move(sum));
  } else {
    sum->absorb(**past);  // first, so that statuses that have a slot keep it
    sum->absorb(*cell);
    *past = std::move(sum);
  }
  std::iter_swap(at, of.written.end() - 1);  // their order tells nothing
  of.written.pop_back();
  --written_;
}

}  // namespace fairlead::edge
