#pragma once
// OriginSet: the origins of one revision of a domain's policy and the choice among them (R12). Made with the Domain,
// immutable but for the rotation's cursor, shared by all workers; picking takes no lock. The OriginStates inside are
// those of the previous set where host and ports are the same.
//
// A pick goes: the origin that the persistence cookie names, if it is available; else the balancing policy among the
// available primaries; else the same among the available backups; else, when nothing was tried yet, the origin whose
// passive ejection began longest ago (panic mode: better a doubtful origin than none; never one that active checks
// found down); else an error. Origins without a port for the scheme, and those tried already, are not candidates.
//
//   round robin      smooth weighted: a precomputed schedule that interleaves the weights, and one atomic cursor. An
//                    unavailable turn is skipped by drawing again, so its share goes to all the others.
//   least sessions   smallest (live + 1) / weight; equals in rotation
//   consistent hash  weighted rendezvous hashing: every origin scores the key, the highest available score wins. Adding
//                    or removing one of n origins moves 1/n of the keys, exactly those it must, whatever the weights,
//                    and it needs no ring that would have to be built on every reload. A pick looks at every origin:
//                    70 ns among 2, 0.6 us among 32, 6 us among 256 (-O2, the reference machine), once a handshake. A
//                    request without the key goes round robin.

#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "edge/origin/origin_state.h"
#include "model/domain_policy.h"
#include "model/limits.h"
#include "net/address.h"
#include "protocol/http/message.h"

namespace fairlead::edge {

// The origins of a set that one handshake or request has tried.
class Tried {
 public:
  void add(std::size_t index) { tried_.set(index); }
  bool contains(std::size_t index) const { return tried_.test(index); }
  bool none() const { return tried_.none(); }
  std::size_t count() const { return tried_.count(); }

 private:
  std::bitset<model::limits::kMaxOriginsPerDomain> tried_;
};

struct PickContext {
  bool https = false;                           // the scheme towards the origin, R6 already applied
  const protocol::RequestHead* head = nullptr;  // null for tcp-ssl: hash keys but the address, and cookies, are absent
  const net::SocketAddress& client;
  base::TimePoint now;
};

struct OriginChoice {
  std::size_t index = 0;
  const model::Origin* origin = nullptr;  // lives as long as the set
  std::shared_ptr<OriginState> state;
  std::uint16_t port = 0;  // for the scheme asked
  bool https = false;
  bool set_cookie = false;  // the answer needs persistence_cookie(index): the client had none, or it named another
};

class OriginSet {
 public:
  // `previous` may be null, and may be of another revision of the same domain only.
  static std::shared_ptr<OriginSet> build(std::shared_ptr<const model::DomainPolicy> policy, const OriginSet* previous);

  OriginSet(const OriginSet&) = delete;
  OriginSet& operator=(const OriginSet&) = delete;

  // The error is unreachable, of the origin's side, Retry::later: answer 503. After a failed try it means that there is
  // no further origin to try; the last try's own error says more then.
  base::Result<OriginChoice> pick(const PickContext& context, const Tried& tried = {}) const;

  // The value of a Set-Cookie field that keeps a client on that origin. The token in it is a hash of domain, host and
  // ports: the same on every edge and after every restart, and never the address in clear. It hides, it does not
  // protect: who knows the possible addresses can find out which it is.
  std::string persistence_cookie(std::size_t index, bool secure) const;

  const model::DomainPolicy& policy() const { return *policy_; }
  std::size_t size() const { return entries_.size(); }
  const model::Origin& origin(std::size_t index) const { return policy_->origins[index]; }
  const std::shared_ptr<OriginState>& state(std::size_t index) const { return entries_[index].state; }

 private:
  struct Entry {
    std::shared_ptr<OriginState> state;
    std::uint64_t hash = 0;  // of host and ports: the rendezvous seed
    std::string token;       // of the cookie
  };
  // One priority class.
  struct Group {
    std::vector<std::uint16_t> members;            // indexes, ascending
    std::vector<std::uint16_t> schedule;           // one full round of the smooth weighted rotation
    mutable std::atomic<std::uint64_t> cursor{0};  // its own: draws in vain must not set another's rotation out of step
  };
  class Candidates;

  explicit OriginSet(std::shared_ptr<const model::DomainPolicy> policy);
  static std::vector<std::uint16_t> make_schedule(const model::DomainPolicy& policy,
                                                  const std::vector<std::uint16_t>& members);
  std::optional<std::size_t> from_cookie(const PickContext& context, const Candidates& candidates) const;
  std::optional<std::size_t> from_group(const Group& group, const PickContext& context,
                                        const Candidates& candidates) const;
  std::optional<std::size_t> round_robin(const Group& group, const Candidates& candidates) const;
  std::optional<std::size_t> least_sessions(const Group& group, const Candidates& candidates) const;
  std::optional<std::size_t> rendezvous(const Group& group, std::uint64_t key, const Candidates& candidates) const;
  std::optional<std::size_t> ejected_longest_ago(const Candidates& candidates) const;
  std::optional<std::uint64_t> hash_key(const PickContext& context) const;

  std::shared_ptr<const model::DomainPolicy> policy_;
  std::vector<Entry> entries_;  // as policy_->origins
  Group primaries_, backups_;
};

}  // namespace fairlead::edge
