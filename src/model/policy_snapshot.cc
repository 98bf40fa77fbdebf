#include "model/policy_snapshot.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <utility>

#include "model/limits.h"

namespace fairlead::model {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Names are stored in lower case; hosts come as clients write them. Hash and equality fold the case instead of copying
// the host. FNV-1a; the map mixes it further.
struct FoldedHash {
  std::size_t operator()(std::string_view name) const noexcept {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(lower(c))) * 0x100000001b3u;
    return hash;
  }
};
struct FoldedEqual {
  bool operator()(std::string_view a, std::string_view b) const noexcept {
    return std::ranges::equal(a, b, {}, lower, lower);
  }
};

// "[::1]" and "example.com." are other spellings of "::1" and "example.com".
std::string_view plain_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') return host.substr(1, host.size() - 2);
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

}  // namespace

// Keys are views of the policies' own names: an entry is replaced by erasing and inserting, never by assigning.
struct PolicySnapshot::Table {
  boost::unordered_flat_map<std::string_view, DomainPolicyPtr, FoldedHash, FoldedEqual> by_name;
  std::size_t wildcards = 0;
  std::uint64_t revision = 0;

  void put(DomainPolicyPtr policy) {
    const auto found = by_name.find(policy->name);
    if (found != by_name.end()) {
      if (found->second == policy || *found->second == *policy) return;
      erase(policy->name);
    }
    wildcards += policy->name.starts_with('.');
    const std::string_view key = policy->name;
    by_name.emplace(key, std::move(policy));
  }

  void erase(std::string_view name) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return;
    wildcards -= name.starts_with('.');
    // The key views the policy's name: keep the policy alive until the entry is gone.
    const DomainPolicyPtr last = found->second;
    by_name.erase(found);
  }

  DomainPolicyPtr get(std::string_view name) const {
    const auto found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
  }
};

PolicyEdit PolicyEdit::put(DomainPolicy policy) {
  auto shared = std::make_shared<const DomainPolicy>(std::move(policy));
  return {shared->name, std::move(shared)};
}
PolicyEdit PolicyEdit::remove(std::string name) { return {std::move(name), nullptr}; }

PolicySnapshot::PolicySnapshot(std::unique_ptr<const Table> table) : table_(std::move(table)) {}
PolicySnapshot::~PolicySnapshot() = default;

PolicySnapshot::Ptr PolicySnapshot::make(std::unique_ptr<const Table> table) {
  return Ptr(new PolicySnapshot(std::move(table)));
}

PolicySnapshot::Ptr PolicySnapshot::empty() { return make(std::make_unique<const Table>()); }

PolicySnapshot::Ptr PolicySnapshot::build(const Ptr& previous, std::vector<PolicyEdit> edits, std::uint64_t revision) {
  auto table = previous ? std::make_unique<Table>(*previous->table_) : std::make_unique<Table>();
  table->revision = revision;
  for (PolicyEdit& edit : edits) {
    if (edit.policy) {
      // Against the predecessor, not only the table: a removal and a put in one list may come back to the old value.
      DomainPolicyPtr before = previous ? previous->table_->get(edit.policy->name) : nullptr;
      table->put(before && *before == *edit.policy ? std::move(before) : std::move(edit.policy));
    } else {
      table->erase(edit.name);
    }
  }
  return make(std::move(table));
}

PolicySnapshot::Ptr PolicySnapshot::replace(const Ptr& previous, std::vector<DomainPolicy> domains,
                                            std::uint64_t revision) {
  auto table = std::make_unique<Table>();
  table->revision = revision;
  table->by_name.reserve(domains.size());
  for (DomainPolicy& domain : domains) {
    DomainPolicyPtr kept = previous ? previous->table_->get(domain.name) : nullptr;
    if (!kept || *kept != domain) kept = std::make_shared<const DomainPolicy>(std::move(domain));
    table->put(std::move(kept));
  }
  return make(std::move(table));
}

std::uint64_t PolicySnapshot::revision() const { return table_->revision; }
std::size_t PolicySnapshot::size() const { return table_->by_name.size(); }

DomainPolicyPtr PolicySnapshot::find(std::string_view host) const {
  host = plain_host(host);
  // A leading dot is our own spelling of a wildcard and no host name; nor is an empty label (RFC 1035 §2.3.1).
  if (host.empty() || host.size() > limits::kMaxDomainName || host.front() == '.') return nullptr;
  if (host.find("..") != std::string_view::npos) return nullptr;
  if (DomainPolicyPtr exact = table_->get(host)) return exact;
  if (table_->wildcards == 0) return nullptr;
  for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
    if (DomainPolicyPtr above = table_->get(host.substr(dot))) return above;
  }
  return nullptr;
}

DomainPolicyPtr PolicySnapshot::find_name(std::string_view name) const { return table_->get(name); }

void PolicySnapshot::for_each(const std::function<void(const DomainPolicyPtr&)>& visit) const {
  for (const auto& [name, policy] : table_->by_name) visit(policy);
}

PolicyDiff diff(const PolicySnapshot::Ptr& previous, const PolicySnapshot::Ptr& next) {
  PolicyDiff out;
  if (next) {
    next->for_each([&](const DomainPolicyPtr& now) {
      const DomainPolicyPtr before = previous ? previous->find_name(now->name) : nullptr;
      if (!before) {
        out.added.push_back(now->name);
      } else if (before != now && *before != *now) {
        out.changed.push_back(now->name);
      }
    });
  }
  if (previous) {
    previous->for_each([&](const DomainPolicyPtr& before) {
      if (!next || !next->find_name(before->name)) out.removed.push_back(before->name);
    });
  }
  std::ranges::sort(out.added);
  std::ranges::sort(out.changed);
  std::ranges::sort(out.removed);
  return out;
}

}  // namespace fairlead::model
