#pragma once
// The parts of a domain, each in its own source file, called by read_domain in one order. Internal to the folder.

#include <optional>
#include <string_view>
#include <vector>

#include "model/read_domain.h"

namespace fairlead::model {

// `chain` and `key` of `map`, judged for `name` (empty: for no name in particular). nullopt after telling.
std::optional<Certificate> read_certificate(MapReader& map, std::string_view name, DomainContext& context);
void read_certificates(MapReader& domain, DomainPolicy& policy, DomainContext& context);

// Origins, how they are chosen, verified and watched. The last step needs websocket.origin_scheme.
void read_origins(MapReader& domain, DomainPolicy& policy);
void read_origin_tls(MapReader& domain, DomainPolicy& policy, DomainContext& context);
void read_load_balancing(MapReader& domain, DomainPolicy& policy);
void read_health_check(MapReader& domain, DomainPolicy& policy);
void check_origin_ports(MapReader& domain, const DomainPolicy& policy, const DomainContext& context);

void read_websocket(MapReader& domain, DomainPolicy& policy, const DomainContext& context);
void read_layer7(MapReader& domain, DomainPolicy& policy, const DomainContext& context);

}  // namespace fairlead::model
