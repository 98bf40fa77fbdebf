#pragma once
// PolicySnapshot: all domains an edge knows at one revision. Immutable and shared between threads; a new one is built
// off the byte path from its predecessor and a list of PolicyEdits, and handed to each worker through its mailbox.
// A session keeps the shared_ptr of its one DomainPolicy and never the snapshot, so that an old revision dies as soon
// as the last worker has moved on.
//
// Promise that a reload rests on: a domain whose value did not change keeps the very same shared_ptr from revision to
// revision. "Did my domain change?" is therefore a comparison of two pointers.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/domain_policy.h"

namespace fairlead::model {

using DomainPolicyPtr = std::shared_ptr<const DomainPolicy>;

// One change of one domain. `policy` set: put it (add or replace); null: remove `name`.
struct PolicyEdit {
  std::string name;
  DomainPolicyPtr policy;

  static PolicyEdit put(DomainPolicy policy);
  static PolicyEdit remove(std::string name);
};

class PolicySnapshot {
 public:
  using Ptr = std::shared_ptr<const PolicySnapshot>;

  // Revision 0, no domains: what an edge starts from.
  static Ptr empty();

  // `previous` with `edits` applied in order. Names in the edits are DomainPolicy::name as the readers make it (lower
  // case, wildcards as ".example.com"). A put of an equal value and a removal of an unknown name change nothing.
  // `previous` may be null (= empty). Cost: O(domains) pointer copies, no policy is copied.
  static Ptr build(const Ptr& previous, std::vector<PolicyEdit> edits, std::uint64_t revision);

  // A snapshot of exactly `domains` (a configuration file read anew): what is absent is removed, what is equal keeps
  // its pointer.
  static Ptr replace(const Ptr& previous, std::vector<DomainPolicy> domains, std::uint64_t revision);

  ~PolicySnapshot();
  PolicySnapshot(const PolicySnapshot&) = delete;
  PolicySnapshot& operator=(const PolicySnapshot&) = delete;

  std::uint64_t revision() const;
  std::size_t size() const;

  // The policy for a host as the client named it (Host, :authority, SNI), WITHOUT a port: the exact name, else the
  // longest wildcard above it; ".example.com" covers every name below example.com at any depth and not example.com
  // itself. Letter case, one trailing dot and the brackets of an IPv6 literal do not matter. Null when unknown.
  // Allocates nothing; time is bounded by the length of a host name (longer than limits::kMaxDomainName: unknown).
  DomainPolicyPtr find(std::string_view host) const;

  // The policy of that very name (".example.com" finds the wildcard's own); for tcp-ssl listeners and administration.
  DomainPolicyPtr find_name(std::string_view name) const;

  // In no particular order.
  void for_each(const std::function<void(const DomainPolicyPtr&)>& visit) const;

 private:
  struct Table;
  explicit PolicySnapshot(std::unique_ptr<const Table> table);
  static Ptr make(std::unique_ptr<const Table> table);
  std::unique_ptr<const Table> table_;
};

// What changed from one snapshot to another, by name, each list sorted. Either may be null (= empty).
struct PolicyDiff {
  std::vector<std::string> added;
  std::vector<std::string> changed;
  std::vector<std::string> removed;
  bool empty() const { return added.empty() && changed.empty() && removed.empty(); }
  bool operator==(const PolicyDiff&) const = default;
};
PolicyDiff diff(const PolicySnapshot::Ptr& previous, const PolicySnapshot::Ptr& next);

}  // namespace fairlead::model
