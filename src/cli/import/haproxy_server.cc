#include "cli/import/haproxy_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace limits = model::limits;

constexpr std::string_view kNoSockets = "the edge reaches origins over TCP, not over a socket in the file system";

// Words of a `server` line that take a value. Those not here and not handled below are switches.
constexpr std::string_view kWithValue[] = {"weight",
                                           "cookie",
                                           "ca-file",
                                           "verify",
                                           "sni",
                                           "inter",
                                           "fastinter",
                                           "downinter",
                                           "rise",
                                           "fall",
                                           "port",
                                           "addr",
                                           "maxconn",
                                           "maxqueue",
                                           "minconn",
                                           "alpn",
                                           "check-sni",
                                           "check-alpn",
                                           "observe",
                                           "on-error",
                                           "error-limit",
                                           "on-marked-down",
                                           "on-marked-up",
                                           "slowstart",
                                           "source",
                                           "resolvers",
                                           "resolve-prefer",
                                           "resolve-opts",
                                           "init-addr",
                                           "id",
                                           "namespace",
                                           "track",
                                           "redir",
                                           "crt",
                                           "ciphers",
                                           "ciphersuites",
                                           "ssl-min-ver",
                                           "ssl-max-ver",
                                           "verifyhost",
                                           "proto",
                                           "check-proto",
                                           "agent-port",
                                           "agent-inter",
                                           "agent-addr",
                                           "agent-send",
                                           "pool-max-conn",
                                           "pool-purge-delay",
                                           "pool-low-conn",
                                           "crl-file",
                                           "ws",
                                           "log-proto",
                                           "max-reuse",
                                           "tcp-ut",
                                           "shard",
                                           "curves",
                                           "sigalgs",
                                           "client-sigalgs",
                                           "proxy-v2-options"};
// ... and what has no effect here without anything being lost.
constexpr std::string_view kHarmless[] = {"fastinter",
                                          "downinter",
                                          "alpn",
                                          "check-sni",
                                          "check-alpn",
                                          "observe",
                                          "on-error",
                                          "error-limit",
                                          "resolvers",
                                          "resolve-prefer",
                                          "resolve-opts",
                                          "init-addr",
                                          "id",
                                          "proto",
                                          "check-proto",
                                          "ciphers",
                                          "ciphersuites",
                                          "ssl-min-ver",
                                          "ssl-max-ver",
                                          "pool-max-conn",
                                          "pool-purge-delay",
                                          "pool-low-conn",
                                          "ws",
                                          "max-reuse",
                                          "tcp-ut",
                                          "enabled",
                                          "cookie",
                                          "check-ssl",
                                          "no-check",
                                          "no-ssl",
                                          "no-backup",
                                          "no-check-ssl",
                                          "no-send-proxy",
                                          "no-send-proxy-v2",
                                          "no-ssl-reuse",
                                          "no-tls-tickets",
                                          "no-sslv3",
                                          "no-tlsv10",
                                          "no-tlsv11",
                                          "stick",
                                          "non-stick",
                                          "tfo",
                                          "allow-0rtt",
                                          "check-send-proxy",
                                          "force-tlsv12",
                                          "force-tlsv13",
                                          "port",
                                          "curves",
                                          "sigalgs"};

template <std::size_t N>
bool among(const std::string_view (&words)[N], std::string_view word) {
  return std::ranges::find(words, word) != std::end(words);
}

class Servers {
 public:
  Servers(const HaproxySection& section, const HaproxyGlobals& globals, Findings& findings)
      : section_(section), globals_(globals), findings_(findings) {}

  std::vector<HaproxyServer> read() {
    std::vector<std::vector<std::string>> defaults;
    for (const HaproxySection* level = section_.defaults; level != nullptr; level = level->defaults) {
      for (const HaproxyLine& line : level->lines) take_default(line, defaults);
    }
    for (const HaproxyLine& line : section_.lines) take_default(line, defaults);
    for (const HaproxyLine& line : section_.lines) {
      if (line.word(0) != "server" || line.words.size() < 3) continue;
      line.settled = true;
      HaproxyServer server;
      server.line = &line;
      server.origin.place = line.place();
      server.origin.insecure = !globals_.verify_servers;
      for (const auto& words : defaults) read_words(words, 1, line, server);
      read_words(line.words, 3, line, server);
      if (server.off) {
        findings_.note(line.place(), "it gets no traffic (disabled, or weight 0): left out");
        continue;
      }
      if (read_address(line, server) && servers_.size() <= limits::kMaxOriginsPerDomain)
        servers_.push_back(std::move(server));
    }
    return std::move(servers_);
  }

 private:
  void lost(const HaproxyLine& line, std::string why) {
    line.settled = true;
    findings_.not_carried(line.place(), std::move(why));
  }

  static void take_default(const HaproxyLine& line, std::vector<std::vector<std::string>>& out) {
    if (line.word(0) != "default-server") return;
    line.settled = true;
    if (out.size() < 16) out.push_back(line.words);
  }

  bool read_address(const HaproxyLine& line, HaproxyServer& server) {
    std::string address = line.word(2);
    for (const std::string_view prefix : {"ipv4@", "ipv6@", "tcp@", "tcp4@", "tcp6@"}) {
      if (address.starts_with(prefix)) address.erase(0, prefix.size());
    }
    if (address.starts_with('/') || address.starts_with("unix@") || address.starts_with("abns@")) {
      lost(line, std::string(kNoSockets));
      return false;
    }
    // "fd00::1:8080": the last colon is the port's, brackets or not.
    std::optional<std::pair<std::string, std::optional<std::uint16_t>>> parts;
    const std::size_t colon = address.rfind(':');
    if (colon != std::string::npos && !address.starts_with('[')) {
      parts = split_host_port(std::string_view(address).substr(0, colon));
      const auto port = parse_number(std::string_view(address).substr(colon + 1));
      if (!parts || parts->second || !port || *port == 0 || *port > 65'535) {
        parts.reset();
      } else {
        parts->second = static_cast<std::uint16_t>(*port);
      }
    } else {
      parts = split_host_port(address);
    }
    if (!parts) {
      lost(line, "not an address or a name with a fixed port");
      return false;
    }
    if (!parts->second) {
      lost(line, "without a port HAProxy uses the client's; give the origin one");
      return false;
    }
    server.origin.host = parts->first;
    server.origin.port = *parts->second;
    return true;
  }

  void read_words(const std::vector<std::string>& words, std::size_t first, const HaproxyLine& line,
                  HaproxyServer& server) {
    for (std::size_t i = first; i < words.size(); ++i) {
      const std::string& word = words[i];
      const bool with_value = among(kWithValue, word);
      const std::string value = with_value && i + 1 < words.size() ? words[i + 1] : "";
      if (with_value) ++i;
      if (word == "weight" && parse_number(value)) {
        server.origin.weight = std::min<std::uint64_t>(*parse_number(value), 256);
        server.off = server.off || server.origin.weight == 0;
      } else if (word == "backup") {
        server.origin.backup = true;
      } else if (word == "disabled") {
        server.off = true;
      } else if (word == "ssl") {
        server.ssl = true;
      } else if (word == "verify") {
        server.origin.insecure = value == "none";
      } else if (word == "ca-file") {
        if (is_file_path(value) && !value.starts_with('@'))
          server.ca_file = haproxy_path(globals_, globals_.ca_base, value);
      } else if (word == "sni") {
        read_sni(line, value, server);
      } else if (word == "verifyhost") {
        if (model::is_host_name(value)) server.tls_name = model::lower_case(value);
      } else if (word == "check") {
        server.check = true;
      } else if (word == "inter" && parse_haproxy_time(value)) {
        server.interval = findings_.fit(line.place(), *parse_haproxy_time(value), limits::kHealthInterval, "interval");
      } else if (word == "rise" && parse_number(value)) {
        server.rise = findings_.fit(line.place(), *parse_number(value), limits::kHealthCount, "healthy_after");
      } else if (word == "fall" && parse_number(value)) {
        server.fall = findings_.fit(line.place(), *parse_number(value), limits::kHealthCount, "unhealthy_after");
      } else if (word == "send-proxy") {
        server.send_proxy = "v1";
      } else if (word.starts_with("send-proxy-v2")) {
        server.send_proxy = "v2";
        if (word != "send-proxy-v2")
          findings_.note(line.place(), "the edge sends a PROXY header without what TLS knows");
      } else if (word == "maxconn" || word == "maxqueue" || word == "minconn") {
        findings_.not_carried(line.place(),
                              fmt::format("{}: the edge has limits by client, domain and node, none by origin", word));
      } else if (among(kHarmless, word)) {
        continue;
      } else if (with_value) {
        findings_.not_carried(line.place(),
                              fmt::format("{} {} has no counterpart for an origin", word, model::shown(value)));
      } else {
        findings_.unknown(line.place(),
                          fmt::format("{} is not a word of server that the import knows", model::shown(word)));
      }
    }
  }

  void read_sni(const HaproxyLine& line, const std::string& value, HaproxyServer& server) {
    if (value.starts_with("str(") && value.ends_with(')') && model::is_host_name(value.substr(4, value.size() - 5))) {
      server.tls_name = model::lower_case(value.substr(4, value.size() - 5));
    } else if (value.find("hdr(host)") == std::string::npos && value.find("ssl_fc_sni") == std::string::npos) {
      lost(line,
           fmt::format("sni {}: the edge names the domain, or one fixed name, to the origin", model::shown(value)));
    }
  }

  const HaproxySection& section_;
  const HaproxyGlobals& globals_;
  Findings& findings_;
  std::vector<HaproxyServer> servers_;
};

}  // namespace

std::vector<HaproxyServer> haproxy_servers(const HaproxySection& section, const HaproxyGlobals& globals,
                                           Findings& findings) {
  return Servers(section, globals, findings).read();
}

}  // namespace fairlead::cli
