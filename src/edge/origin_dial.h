#pragma once
// Dialling an origin for a client: choose by the domain's policy, take an idle connection or make a new one (resolve,
// happy eyeballs, PROXY header, TLS), go on to the next origin while that is sound, and tell the health state how it
// went. Shared by tunnels and ordinary HTTP.

#include <memory>
#include <optional>
#include <string>

#include "edge/client_exchange.h"
#include "edge/domain.h"
#include "edge/origin/connector.h"
#include "edge/origin/idle_pool.h"
#include "net/socket_stream.h"

namespace fairlead::edge {

class Worker;

struct DialledOrigin {
  std::unique_ptr<net::SocketStream> stream;
  std::size_t index = 0;  // in the domain's origins
  std::string address;    // "10.0.0.1:80", for the log
  bool reused = false;
  OriginLease lease;
  std::optional<std::string> set_cookie;  // persistence: to be added to the answer
  std::shared_ptr<const Domain> domain;
  IdleKey key;

  // What the origin did with the exchange, for passive health.
  void answered(Worker& worker, int status);
  void failed(Worker& worker, const base::Error& error);
  // Gives the connection back for later exchanges.
  void keep(Worker& worker, std::unique_ptr<net::SocketStream> connection);
};

// For an HTTP exchange or opening handshake of `client`. Origins that could not be reached are added to `tried`.
// Errors: those of the last origin tried, or unreachable when there was none to try.
net::Task<base::Result<DialledOrigin>> dial_origin(Worker& worker, ClientExchange& client,
                                                   const std::shared_ptr<const Domain>& domain, Tried& tried,
                                                   net::TimePoint deadline, OriginLease::Kind kind, bool from_pool);

// For a tcp-ssl tunnel: no request to choose by.
net::Task<base::Result<DialledOrigin>> dial_tunnel(Worker& worker, const ClientInfo& info,
                                                   const std::shared_ptr<const Domain>& domain);

// The fields every request towards an origin gets: Host as configured, Forwarded and its kin, Via.
void prepare_for_origin(protocol::RequestHead& head, const ClientExchange& client, const model::DomainPolicy& policy);

}  // namespace fairlead::edge
