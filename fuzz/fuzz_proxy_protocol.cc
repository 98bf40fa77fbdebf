// PROXY protocol headers: every prefix of a header asks for more, an error stays, and what is written reads back.

#include "support.h"

#include <string>

#include "protocol/proxy_protocol/proxy_protocol.h"

namespace fairlead::protocol {
namespace {

using fuzz::require;

ProxyHeader write_and_read(const ProxyHeader& header, bool binary) {
  std::string text;
  const auto append = binary ? append_proxy_v2 : append_proxy_v1;
  require(append(text, header.source_ip, header.source_port, header.destination_ip, header.destination_port),
          "addresses that were read can be written");
  require(text.size() <= kMaxProxyV1, "short");
  const auto parsed = parse_proxy_header(text);
  require(parsed.has_value() && parsed->has_value() && (*parsed)->consumed == text.size(), "what was written is read");
  return (*parsed)->header;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, std::min<std::size_t>(size, kMaxProxyV2 + 8));
  const auto whole = parse_proxy_header(input);

  // Byte by byte, until it is decided; the decision must be that of the whole.
  for (std::size_t n = 0; n <= input.size(); ++n) {
    const auto part = parse_proxy_header(input.substr(0, n));
    if (part && !*part) {
      require(n < input.size() || (whole && !*whole), "the whole asks for more only when all its prefixes do");
      require(n < kMaxProxyV2, "decided when the longest header is there");
      continue;
    }
    if (!part) {
      require(!whole && whole.error().context == part.error().context, "an error stays");
    } else {
      require(whole && *whole && (*whole)->header == (*part)->header && (*whole)->consumed == (*part)->consumed,
              "what follows a header does not change it");
      require((*part)->consumed == n, "a header is complete at its last byte");
    }
    break;
  }
  if (!whole || !*whole) return 0;

  const ProxyHeader& header = (*whole)->header;
  require(header.local == (header.family == IpFamily::none) && header.local == header.source_ip.empty(),
          "local or addressed");
  if (header.local) return 0;
  require(ip_family(header.source_ip) == header.family && ip_family(header.destination_ip) == header.family,
          "of its family");
  // IPv4-mapped addresses may change their form in the first writing; after that nothing changes.
  for (const bool binary : {false, true}) {
    const ProxyHeader second = write_and_read(header, binary);
    require(second.source_port == header.source_port && second.destination_port == header.destination_port,
            "ports stay");
    require(write_and_read(second, !binary) == second, "reads back the same");
  }
  return 0;
}

}  // namespace fairlead::protocol
