#pragma once
// Domain: one revision of one accelerated domain as this edge serves it: its policy with what is made from it (origins,
// TLS contexts) and what outlives a revision (DomainShared). Immutable but for lazily built TLS; shared by all workers.
// DomainTable: all of them at one revision, found by host name; built off the byte path, handed to each worker by its
// mailbox. Domains whose policy did not change are the same objects in the next table.

#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "edge/admission.h"
#include "edge/origin/origin_set.h"
#include "model/policy_snapshot.h"
#include "net/tls_context.h"

namespace fairlead::edge {

// What lives as long as the domain's name does, through all revisions.
struct DomainShared {
  explicit DomainShared(std::string n) : name(std::move(n)) {}
  const std::string name;
  DomainSeats seats;
};

class Domain {
 public:
  Domain(std::shared_ptr<const model::DomainPolicy> policy, std::shared_ptr<DomainShared> shared,
         std::shared_ptr<OriginSet> origins, std::shared_ptr<net::TlsTicketKeys> tickets);

  const model::DomainPolicy& policy() const { return *policy_; }
  const std::shared_ptr<const model::DomainPolicy>& policy_ptr() const { return policy_; }
  OriginSet& origins() const { return *origins_; }
  const std::shared_ptr<OriginSet>& origins_ptr() const { return origins_; }
  DomainShared& shared() const { return *shared_; }
  const std::shared_ptr<DomainShared>& shared_ptr() const { return shared_; }

  // Built on first use (10,000 domains' certificates are not parsed at start), by whichever worker comes first; null
  // when the domain has no certificate or it cannot be loaded (logged once).
  // `http`: for an https listener, which offers HTTP/2 by ALPN when the domain's `http2` is on; else for a tcp-ssl
  // listener, which cannot know what its origin speaks besides what it always did.
  std::shared_ptr<const net::TlsServerContext> server_tls(bool http) const;
  // For this origin of the policy: one that verifies, or not, as the policy and the origin itself say.
  base::Result<std::shared_ptr<const net::TlsClientContext>> origin_tls(const model::Origin& origin) const;

 private:
  std::shared_ptr<const model::DomainPolicy> policy_;
  std::shared_ptr<DomainShared> shared_;
  std::shared_ptr<OriginSet> origins_;
  std::shared_ptr<net::TlsTicketKeys> tickets_;
  mutable std::mutex tls_mutex_;
  struct ServerTls {
    bool made = false;
    std::shared_ptr<const net::TlsServerContext> context;
  };
  mutable ServerTls server_tls_[2];                                     // [http]
  mutable std::shared_ptr<const net::TlsClientContext> origin_tls_[2];  // [verifies]
};

class DomainTable {
 public:
  // By name: a view of the policy's own, which lives as long as the domain does.
  using Domains =
      boost::unordered_flat_map<std::string_view, std::shared_ptr<const Domain>, std::hash<std::string_view>>;

  // `previous` may be null. Keeps Domain objects whose policy is the same object, DomainShared and origin states by
  // name. One change among 10,000 domains costs a few milliseconds, none of them on a worker.
  static std::shared_ptr<const DomainTable> build(const DomainTable* previous,
                                                  std::shared_ptr<const model::PolicySnapshot> snapshot,
                                                  std::shared_ptr<net::TlsTicketKeys> tickets);

  std::uint64_t revision() const { return snapshot_->revision(); }
  // By host name (lower case, no port): exact, else the longest wildcard. Null if none.
  std::shared_ptr<const Domain> find(std::string_view host) const;
  // By the domain's own name.
  std::shared_ptr<const Domain> by_name(std::string_view name) const;
  const Domains& all() const { return domains_; }  // in no particular order
  // Whether any domain takes WebSocket over HTTP/2.
  bool any_http2_websocket() const { return any_http2_websocket_; }

 private:
  std::shared_ptr<const model::PolicySnapshot> snapshot_;
  Domains domains_;
  bool any_http2_websocket_ = false;
};

}  // namespace fairlead::edge
