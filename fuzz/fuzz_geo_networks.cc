// The operator's table of networks: a table or problems that point into the text, never both; the same twice; and every
// address has an answer.

#include "support.h"

#include <algorithm>
#include <string>

#include "edge/geo/network_table.h"

namespace fairlead::edge {
namespace {

using fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  Places places;
  std::vector<model::Problem> warnings, warnings_again;
  const auto table = NetworkTable::read(text, "t.yaml", places, warnings);
  const auto again = NetworkTable::read(text, "t.yaml", places, warnings_again);
  require(table.has_value() == again.has_value() && warnings == warnings_again, "the same twice");
  if (!table) {
    require(table.error() == again.error() && model::has_errors(table.error()), "problems that refuse it");
    for (const model::Problem& problem : table.error()) {
      require(!problem.message.empty() && !problem.code.empty(), "said");
      require(problem.location.line <= static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 2,
              "in the text");
    }
    return 0;
  }
  require(!model::has_errors(warnings) && table->networks() == again->networks(), "good");
  bool any = false;
  for (const char* ip : {"0.0.0.0", "10.0.0.0", "10.1.2.3", "127.0.0.1", "192.0.2.1", "255.255.255.255", "::", "::1",
                         "2001:db8::1", "fd00::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    const auto address = net::SocketAddress::from_ip(ip, 1).value();
    const auto answer = table->find(address);
    require(answer == again->find(address), "the same answer");
    require(!answer.region || *answer.region < places.regions().size(), "a region there is");
    require(!answer.isp || *answer.isp < places.isps().size(), "an ISP there is");
    any = any || answer.region || answer.isp;
  }
  require(!any || table->networks() > 0, "no answer out of nothing");
  require(table->find(net::SocketAddress()) == NetworkTable::Answer(), "nothing for no address");
  return 0;
}

}  // namespace fairlead::edge
