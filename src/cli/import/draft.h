#pragma once
// DomainDraft: what an importer knows of one domain, before it is written down. The importers fill drafts; Drafts
// checks that each can be what they say (names, weights, counts), merges those of one name, and writes the document.
// What cannot be kept becomes a finding.

#include "cli/import/findings.h"
#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {

struct OriginDraft {
  Place place;
  std::string host;  // an address or a name; IPv6 without brackets
  std::uint16_t port = 80;
  std::uint64_t weight = 1;  // in the other program's scale
  bool backup = false;
  bool insecure = false;
};

struct PassiveDraft {
  bool enabled = true;
  std::uint32_t failures = 3;
  std::optional<milliseconds> window;
  std::optional<milliseconds> eject;
  bool operator==(const PassiveDraft&) const = default;
};

struct ActiveDraft {
  std::string path;  // empty: no active checks
  std::string host;
  std::optional<milliseconds> interval, timeout;
  std::optional<std::uint64_t> healthy_after, unhealthy_after;
  std::string status;  // "200", "200-399"; empty: the default
};

struct Layer7Draft {
  std::optional<milliseconds> client_header_timeout, client_body_timeout, keepalive_timeout;
  std::optional<milliseconds> proxy_connect_timeout, proxy_send_timeout, proxy_read_timeout;
  std::optional<std::uint64_t> client_max_body_size;
  std::vector<std::string> ssl_protocols;
  std::string ssl_ciphers;
  std::vector<std::pair<std::string, std::string>> add_header;
};

struct DomainDraft {
  Place place;       // of what made it: a server, a frontend
  std::string name;  // as written; Drafts decides whether it can be a domain's
  bool https = false;
  std::vector<std::pair<std::string, std::string>> certificates;  // chain, key: paths
  std::optional<bool> http2;
  std::vector<OriginDraft> origins;
  std::optional<bool> verify;
  std::string ca_file, tls_name;
  std::string send_proxy;  // "", "v1", "v2"
  std::string host_header;
  std::string balance, hash_key, hash_name;
  std::string cookie;  // persistence by this cookie; empty: none
  std::optional<milliseconds> cookie_max_age;
  ActiveDraft active;
  std::optional<PassiveDraft> passive;
  std::optional<milliseconds> connection_timeout;
  Layer7Draft layer7;
};

struct ListenerDraft {
  Place place;
  bool tls = false;
  std::vector<std::string> proxy_from;  // not empty: a PROXY header is required from these
  std::optional<std::uint64_t> backlog;
};

class Drafts {
 public:
  explicit Drafts(Findings& findings) : findings_(findings) {}

  // One of each name; a second with the same origins gives its certificates, another one is told. Refused (and told):
  // names that are none, drafts without an origin.
  void add(const DomainDraft& draft);

  // `address` as model::parse_ip_port takes it. A second listener of the same address adds TLS and networks.
  void listen(const std::string& address, ListenerDraft listener);

  // The YAML with the comment lines in front; empty when there is no domain.
  std::string write(const std::string& comment);

 private:
  nlohmann::ordered_json to_json(const DomainDraft& draft) const;
  nlohmann::ordered_json listeners();

  Findings& findings_;
  std::vector<DomainDraft> domains_;
  std::map<std::string, std::size_t> by_name_;
  std::size_t origins_ = 0;
  std::vector<std::pair<std::string, ListenerDraft>> listeners_;
};

// A header field that the edge may add to answers; else why not.
std::optional<std::string> reason_against_header(const std::string& name, const std::string& value);

// "host", "host:port", "1.2.3.4:80", "[::1]:80", "::1": apart; nullopt when it is no address and no host name.
std::optional<std::pair<std::string, std::optional<std::uint16_t>>> split_host_port(std::string_view text);

// A path as the document can hold it: one line of text, not too long.
bool is_file_path(const std::string& path);

}  // namespace fairlead::cli
