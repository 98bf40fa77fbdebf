#include "edge/domain.h"

#include <algorithm>

#include "base/log.h"

namespace fairlead::edge {
namespace {

net::TlsVersion to_net(model::TlsVersion v) {
  return v == model::TlsVersion::tls1_2 ? net::TlsVersion::tls1_2 : net::TlsVersion::tls1_3;
}

net::TlsServerOptions server_options(const model::DomainPolicy& p, bool http,
                                     std::shared_ptr<net::TlsTicketKeys> tickets) {
  net::TlsServerOptions o;
  for (const model::Certificate& c : p.certificates) o.certificates.push_back({c.chain_pem, c.key_pem});
  const auto& versions = p.layer7.ssl_protocols;
  if (!versions.empty()) {
    o.min_version = to_net(*std::min_element(versions.begin(), versions.end()));
    o.max_version = to_net(*std::max_element(versions.begin(), versions.end()));
  }
  o.ciphers = p.layer7.ssl_ciphers;
  if (http && p.http2) o.alpn.emplace_back("h2");
  o.alpn.emplace_back("http/1.1");
  o.ticket_keys = std::move(tickets);
  o.session_scope = p.name;
  return o;
}

}  // namespace

Domain::Domain(std::shared_ptr<const model::DomainPolicy> policy, std::shared_ptr<DomainShared> shared,
               std::shared_ptr<OriginSet> origins, std::shared_ptr<net::TlsTicketKeys> tickets)
    : policy_(std::move(policy)),
      shared_(std::move(shared)),
      origins_(std::move(origins)),
      tickets_(std::move(tickets)) {}

std::shared_ptr<const net::TlsServerContext> Domain::server_tls(bool http) const {
  std::lock_guard lock(tls_mutex_);
  ServerTls& tls = server_tls_[http ? 1 : 0];
  if (!tls.made && !policy_->certificates.empty()) {
    auto made = net::TlsServerContext::create(server_options(*policy_, http, tickets_));
    // For want of memory, thrown or told, the next handshake tries again; a bad certificate stays one.
    tls.made = made || made.error().code != base::Code::internal;
    if (made) {
      tls.context = std::move(*made);
    } else {
      base::log_error("domain {}: TLS cannot be offered: {}", policy_->name, base::describe(made.error()));
    }
  }
  return tls.context;
}

base::Result<std::shared_ptr<const net::TlsClientContext>> Domain::origin_tls(const model::Origin& origin) const {
  const bool verify = policy_->origin_tls.verify && !origin.insecure;
  std::lock_guard lock(tls_mutex_);
  auto& context = origin_tls_[verify ? 1 : 0];
  if (!context) {
    net::TlsClientOptions o;
    o.verify = verify;
    o.ca_pem = policy_->origin_tls.ca_pem;
    auto made = net::TlsClientContext::create(o);
    if (!made) return std::unexpected(made.error());
    context = std::move(*made);
  }
  return context;
}

std::shared_ptr<const DomainTable> DomainTable::build(const DomainTable* previous,
                                                      std::shared_ptr<const model::PolicySnapshot> snapshot,
                                                      std::shared_ptr<net::TlsTicketKeys> tickets) {
  auto table = std::make_shared<DomainTable>();
  table->domains_.reserve(snapshot->size());
  snapshot->for_each([&](const std::shared_ptr<const model::DomainPolicy>& policy) {
    table->any_http2_websocket_ |= policy->http2 && policy->websocket.enabled;
    std::shared_ptr<const Domain> before = previous ? previous->by_name(policy->name) : nullptr;
    if (!before || before->policy_ptr() != policy) {
      auto shared = before ? before->shared_ptr() : std::make_shared<DomainShared>(policy->name);
      auto origins = OriginSet::build(policy, before ? before->origins_ptr().get() : nullptr);
      before = std::make_shared<Domain>(policy, std::move(shared), std::move(origins), tickets);
    }
    const std::string_view name = policy->name;
    table->domains_.emplace(name, std::move(before));
  });
  table->snapshot_ = std::move(snapshot);
  return table;
}

std::shared_ptr<const Domain> DomainTable::find(std::string_view host) const {
  const auto policy = snapshot_->find(host);
  return policy ? by_name(policy->name) : nullptr;
}

std::shared_ptr<const Domain> DomainTable::by_name(std::string_view name) const {
  const auto it = domains_.find(name);
  return it == domains_.end() ? nullptr : it->second;
}

}  // namespace fairlead::edge
