#pragma once
// Listeners and the other sockets of a node: read in one step, checked against the domains in a second one, because
// domains need to know which schemes clients come by. Internal to the folder.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/edge_config.h"
#include "model/read_domain.h"
#include "model/schema_reader.h"

namespace fairlead::model {

struct ListenerReading {
  ListenerConfig config;
  Place place;         // of the listener
  Place domain_place;  // of its `domain`, when it has one
};

// `records`: what a listener without `tls` has.
std::vector<ListenerReading> read_listeners(MapReader& root, TlsRecords records);

// `tls: { records: own | openssl }` of the node or of a listener. Whether the key was there.
bool read_tls_records(MapReader& map, TlsRecords& out);

ClientSchemes client_schemes(const std::vector<ListenerReading>& listeners);

// The rules between listeners and domains: https without any certificate, tcp-ssl with an unknown domain or one
// without a certificate.
void check_listeners(Reading& reading, const std::vector<ListenerReading>& listeners,
                     const std::vector<DomainReading>& domains);

// `admin`; its address told apart from the listeners'. Where the API is (`with_api`: a file of `fairlead run`), an
// address that others can reach needs TLS, for passwords come that way. `name`: what the certificate is judged for;
// empty: none.
struct AdminReading {
  std::string address;
  std::optional<AdminTls> tls;
};
AdminReading read_admin(MapReader& root, const std::vector<ListenerReading>& listeners, bool with_api,
                        std::string_view name, DomainContext& context);

std::vector<std::string> read_resolvers(MapReader& root);

}  // namespace fairlead::model
