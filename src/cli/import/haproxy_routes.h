#pragma once
// Which backend a HAProxy frontend sends WebSocket to, by host name: its `acl` and `use_backend` lines as routes. A
// route is as exact as this edge can be: host names, whether it is for WebSocket alone, and whether it depends on
// something else (a path, an address), which a domain cannot.

#include "cli/import/haproxy_parser.h"

#include <map>
#include <string>
#include <vector>

namespace fairlead::cli {

struct HaproxyRoute {
  std::string backend;
  std::vector<std::string> hosts;  // domain names; empty: any
  bool websocket = false;          // asks for an opening handshake
  bool conditional = false;        // asks for something else, too
  const HaproxyLine* line = nullptr;
};

// In the order in which HAProxy tries them, `default_backend` last. Settles the lines that it understood; what it did
// not is in `findings`.
std::vector<HaproxyRoute> haproxy_routes(const HaproxySection& frontend, const ImportFiles& files,
                                         const std::string& main_file, Findings& findings);

}  // namespace fairlead::cli
