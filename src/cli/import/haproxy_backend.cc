#include "cli/import/haproxy_backend.h"

#include <fmt/format.h>

#include <algorithm>

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

// What the server lines of one backend say, before it is brought together.
struct Server {
  const HaproxyLine* line = nullptr;
  OriginDraft origin;
  bool ssl = false;
  bool check = false;
  bool off = false;
  std::string send_proxy;
  std::string ca_file;
  std::string tls_name;
  std::optional<milliseconds> interval;
  std::optional<std::uint64_t> rise, fall;
};

class Backend {
 public:
  Backend(const HaproxySection& section, const HaproxyGlobals& globals, Findings& findings)
      : section_(section), globals_(globals), findings_(findings) {}

  HaproxyBackend read() {
    section_.head.settled = true;
    read_servers();
    merge_servers();
    read_balance();
    read_cookie();
    read_checks();
    read_timeouts();
    haproxy_response_fields(section_, out_.draft.layer7, findings_);
    if (const HaproxyLine* mode = haproxy_find(section_, "mode")) mode->settled = true;
    return std::move(out_);
  }

 private:
  void lost(const HaproxyLine& line, std::string why) {
    line.settled = true;
    findings_.not_carried(line.place(), std::move(why));
  }

  // --- servers

  void read_servers() {
    std::vector<std::vector<std::string>> defaults;
    for (const HaproxySection* level = section_.defaults; level != nullptr; level = level->defaults) {
      for (const HaproxyLine& line : level->lines) take_default(line, defaults);
    }
    for (const HaproxyLine& line : section_.lines) take_default(line, defaults);
    for (const HaproxyLine& line : section_.lines) {
      if (line.word(0) != "server" || line.words.size() < 3) continue;
      line.settled = true;
      Server server;
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
  }

  static void take_default(const HaproxyLine& line, std::vector<std::vector<std::string>>& out) {
    if (line.word(0) != "default-server") return;
    line.settled = true;
    if (out.size() < 16) out.push_back(line.words);
  }

  bool read_address(const HaproxyLine& line, Server& server) {
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

  void read_words(const std::vector<std::string>& words, std::size_t first, const HaproxyLine& line, Server& server) {
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

  void read_sni(const HaproxyLine& line, const std::string& value, Server& server) {
    if (value.starts_with("str(") && value.ends_with(')') && model::is_host_name(value.substr(4, value.size() - 5))) {
      server.tls_name = model::lower_case(value.substr(4, value.size() - 5));
    } else if (value.find("hdr(host)") == std::string::npos && value.find("ssl_fc_sni") == std::string::npos) {
      lost(line,
           fmt::format("sni {}: the edge names the domain, or one fixed name, to the origin", model::shown(value)));
    }
  }

  // One domain has one scheme, one CA, one kind of PROXY header: those of the first server.
  void merge_servers() {
    if (servers_.empty()) return;
    DomainDraft& draft = out_.draft;
    const Server& first = servers_.front();
    draft.https = first.ssl;
    draft.send_proxy = first.send_proxy;
    std::erase_if(servers_, [&](const Server& server) {
      if (server.ssl == first.ssl && server.send_proxy == first.send_proxy) return false;
      lost(*server.line,
           "left out: a domain's origins all speak TLS or none does, and all get the same PROXY header; the "
           "first server's way counts");
      return true;
    });
    const bool all_insecure =
        std::ranges::all_of(servers_, [](const Server& server) { return server.origin.insecure; });
    for (Server& server : servers_) {
      if (!server.ssl || all_insecure) server.origin.insecure = false;
      if (server.ssl) {
        if (draft.ca_file.empty()) draft.ca_file = server.ca_file;
        if (draft.tls_name.empty()) draft.tls_name = server.tls_name;
        if (server.ca_file != draft.ca_file || server.tls_name != draft.tls_name) {
          findings_.not_carried(server.line->place(),
                                "a domain has one CA file and one name for its origins' certificates: "
                                "those of another server count");
        }
      }
      draft.origins.push_back(server.origin);
    }
    if (draft.https && all_insecure) {
      draft.verify = false;
      findings_.note(
          servers_.front().line->place(),
          "as in HAProxy, certificates of the origins are not verified; better: remove `verify: false` and give a "
          "ca_file");
    } else if (draft.https && draft.tls_name.empty()) {
      findings_.note(servers_.front().line->place(),
                     "the edge verifies that the origin's certificate is for the domain's name; give another one as "
                     "origin_tls.server_name");
    }
  }

  // --- how it is chosen

  void read_balance() {
    const HaproxyLine* line = haproxy_find(section_, "balance");
    if (line == nullptr) return;
    line->settled = true;
    DomainDraft& draft = out_.draft;
    const std::string& kind = line->word(1);
    const auto hash = [&](const char* key, std::string name) {
      if (!name.empty() && (!model::is_token(name) || name.size() > limits::kMaxCookieName)) {
        lost(*line, "not the name of a field, a cookie or a parameter");
        return;
      }
      draft.balance = "consistent-hash";
      draft.hash_key = key;
      draft.hash_name = std::move(name);
    };
    const auto in_brackets = [](const std::string& text) {
      const std::size_t open = text.find('(');
      return open == std::string::npos ? std::string() : text.substr(open + 1, text.find(')') - open - 1);
    };
    if (kind == "roundrobin" || kind == "static-rr") {
      return;
    } else if (kind == "leastconn") {
      draft.balance = "least-sessions";
    } else if (kind == "source") {
      hash("client-address", "");
    } else if (kind == "uri") {
      hash("path", "");
    } else if (kind == "url_param" && !line->word(2).empty()) {
      hash("query", line->word(2));
    } else if (kind.starts_with("hdr(") && !in_brackets(kind).empty()) {
      hash("header", in_brackets(kind));
    } else if (kind == "hash") {
      const std::string& what = line->word(2);
      const std::string name = in_brackets(what);
      if (what == "src") {
        hash("client-address", "");
      } else if (what == "path" || what == "url" || what == "pathq") {
        hash("path", "");
      } else if (what.starts_with("req.cook(") && !name.empty()) {
        hash("cookie", name);
      } else if ((what.starts_with("req.hdr(") || what.starts_with("hdr(")) && !name.empty()) {
        hash("header", name);
      } else if (what.starts_with("url_param(") && !name.empty()) {
        hash("query", name);
      } else {
        lost(*line, "the edge hashes the client's address, the path, or one field, cookie or query parameter");
      }
    } else {
      lost(*line, "the edge does not have this policy; round-robin is used");
    }
  }

  void read_cookie() {
    const HaproxyLine* line = haproxy_find(section_, "cookie");
    if (line == nullptr) return;
    line->settled = true;
    DomainDraft& draft = out_.draft;
    const auto has = [&](std::string_view word) { return std::ranges::find(line->words, word) != line->words.end(); };
    if (!model::is_token(line->word(1)) || line->word(1).size() > limits::kMaxCookieName || !has("insert")) {
      lost(*line, "the edge keeps a client at its origin by a cookie of its own (`insert`), not by the origin's");
      return;
    }
    draft.cookie = line->word(1);
    for (std::size_t i = 2; i < line->words.size(); ++i) {
      const std::string& word = line->words[i];
      if (word == "maxlife" && parse_haproxy_time(line->word(i + 1))) {
        ++i;
        draft.cookie_max_age =
            findings_.fit(line->place(), *parse_haproxy_time(line->word(i)), limits::kCookieMaxAge, "cookie_max_age");
      } else if (word == "maxidle" || word == "domain" || word == "attr") {
        ++i;
        findings_.not_carried(line->place(), fmt::format("{}: the edge has no setting for it", word));
      }
    }
  }

  // --- checks

  void read_checks() {
    const auto checked = std::ranges::find_if(servers_, [](const Server& server) { return server.check; });
    const HaproxyLine* option = nullptr;
    for (const HaproxySection* level = &section_; level != nullptr && option == nullptr; level = level->defaults) {
      for (const HaproxyLine& line : level->lines) {
        if (line.word(0) == "option" && line.word(1) == "httpchk") option = &line;
      }
    }
    if (checked == servers_.end()) return;
    if (option == nullptr) {
      findings_.note(checked->line->place(),
                     "check: opening a connection is no check here; requests that fail set an origin "
                     "aside, and `health_check.path` adds checks by HTTP");
      return;
    }
    option->settled = true;
    ActiveDraft& active = out_.draft.active;
    active.path = "/";
    // "option httpchk URI", "option httpchk METHOD URI VERSION"
    if (option->words.size() == 3) take_path(*option, option->word(2), active);
    if (option->words.size() > 3) take_path(*option, option->word(3), active);
    if (option->words.size() > 4) read_version(*option, active);
    active.interval = checked->interval;
    active.healthy_after = checked->rise;
    active.unhealthy_after = checked->fall;
    for (const HaproxySection* level = &section_; level != nullptr; level = level->defaults) {
      for (const HaproxyLine& line : level->lines) {
        if (line.word(0) == "http-check") read_http_check(line, active);
      }
    }
    // A check that asks for less, or expects something else, would find healthy origins ill.
    if (other_check_) {
      active = ActiveDraft();
      lost(*option,
           "the check is left out: the edge asks for a path with GET and looks at the status (200 and above) alone");
      return;
    }
    if (const HaproxyLine* timeout = haproxy_find(section_, "timeout", "check")) {
      if (const auto value = haproxy_time(*timeout, findings_)) {
        active.timeout = findings_.fit(timeout->place(), *value, limits::kHealthTimeout, "health_check.timeout");
      }
    }
  }

  // "HTTP/1.1" or, as it was written before http-check, "HTTP/1.1\r\nHost:\ ws.example.com".
  void read_version(const HaproxyLine& line, ActiveDraft& active) {
    std::string text = line.word(4);
    for (std::size_t i = 5; i < line.words.size(); ++i) text += " " + line.words[i];
    text.erase(0, std::min(text.find("\r\n"), text.size()));
    while (text.starts_with("\r\n")) {
      const std::size_t end = std::min(text.find("\r\n", 2), text.size());
      const std::string field = text.substr(2, end - 2);
      text.erase(0, end);
      const std::string name = model::lower_case(field.substr(0, field.find(':')));
      std::string value = field.substr(std::min(field.find(':') + 1, field.size()));
      value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
      if (name == "host" && model::is_host_name(value)) {
        active.host = value;
      } else if (!field.empty()) {
        other_check_ = true;
      }
    }
  }

  void take_path(const HaproxyLine& line, const std::string& path, ActiveDraft& active) {
    const bool good = path.starts_with('/') && path.size() <= limits::kMaxPath &&
                      std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7f; });
    if (good) {
      active.path = path;
    } else {
      lost(line, "the path of a check begins with \"/\"; \"/\" is used");
    }
  }

  // "http-check send meth GET uri /x ver HTTP/1.1 hdr Host y", "http-check expect status 200-399"
  void read_http_check(const HaproxyLine& line, ActiveDraft& active) {
    line.settled = true;
    if (line.word(1) == "send") {
      for (std::size_t i = 2; i + 1 < line.words.size(); i += 2) {
        const std::string& word = line.words[i];
        if (word == "uri") {
          take_path(line, line.words[i + 1], active);
        } else if (word == "hdr" && model::lower_case(line.words[i + 1]) == "host" &&
                   model::is_host_name(line.word(i + 2))) {
          active.host = line.word(i + 2);
          ++i;
        } else if (word != "meth" && word != "ver") {
          other_check_ = true;
          return;
        }
      }
    } else if (line.word(1) == "expect" && line.word(2) == "status") {
      const std::string& status = line.word(3);
      const std::size_t dash = std::min(status.find('-'), status.size());
      const auto from = parse_number(status.substr(0, dash));
      const auto to = dash < status.size() ? parse_number(status.substr(dash + 1)) : from;
      other_check_ = other_check_ || (from && *from < 200);
      if (from && to && *from >= 100 && *from <= *to && *to <= 599) {
        active.status = *from == *to ? fmt::format("{}", *from) : fmt::format("{}-{}", *from, *to);
      } else {
        other_check_ = true;
      }
    } else if (line.word(1) == "expect" && line.word(2) == "rstatus" &&
               (line.word(3) == "(2|3)[0-9][0-9]" || line.word(3) == "^[23]" || line.word(3) == "^(2|3)")) {
      active.status = "200-399";
    } else if (line.word(1) != "disable-on-404" && line.word(1) != "connect") {
      other_check_ = true;
    }
  }

  void read_timeouts() {
    DomainDraft& draft = out_.draft;
    if (const HaproxyLine* line = haproxy_find(section_, "timeout", "tunnel")) {
      if (const auto value = haproxy_time(*line, findings_)) {
        draft.connection_timeout =
            findings_.fit(line->place(), *value, limits::kConnectionTimeout, "websocket.connection_timeout");
      }
    }
    if (const HaproxyLine* line = haproxy_find(section_, "timeout", "connect")) {
      if (const auto value = haproxy_time(*line, findings_)) {
        draft.layer7.proxy_connect_timeout =
            findings_.fit(line->place(), *value, limits::kProxyConnectTimeout.edge, "proxy_connect_timeout");
      }
    }
    if (const HaproxyLine* line = haproxy_find(section_, "timeout", "server")) {
      if (const auto value = haproxy_time(*line, findings_)) {
        out_.server = value;
        draft.layer7.proxy_read_timeout =
            findings_.fit(line->place(), *value, limits::kProxyReadTimeout.edge, "proxy_read_timeout");
      }
    }
  }

  const HaproxySection& section_;
  const HaproxyGlobals& globals_;
  Findings& findings_;
  HaproxyBackend out_;
  std::vector<Server> servers_;
  bool other_check_ = false;  // the active check does what the edge's cannot
};

}  // namespace

HaproxyGlobals haproxy_globals(const std::vector<HaproxySection>& sections, const std::string& main_file) {
  HaproxyGlobals out;
  out.main_file = main_file;
  for (const HaproxySection& section : sections) {
    if (section.kind() != "global") continue;
    for (const HaproxyLine& line : section.lines) {
      const std::string& word = line.word(0);
      line.settled = true;
      if (word == "crt-base") {
        out.crt_base = line.word(1);
      } else if (word == "ca-base") {
        out.ca_base = line.word(1);
      } else if (word == "ssl-default-bind-ciphers") {
        out.bind_ciphers = line.word(1);
      } else if (word == "ssl-server-verify") {
        out.verify_servers = line.word(1) != "none";
      } else {
        line.settled = false;
      }
    }
  }
  return out;
}

std::string haproxy_path(const HaproxyGlobals& globals, const std::string& base, const std::string& path) {
  if (path.starts_with('/') || base.empty()) return model::resolve_path(globals.main_file, path);
  return model::resolve_path(globals.main_file, base + "/" + path);
}

HaproxyBackend haproxy_backend(const HaproxySection& section, const HaproxyGlobals& globals, Findings& findings) {
  return Backend(section, globals, findings).read();
}

const HaproxyLine* haproxy_find(const HaproxySection& section, std::string_view keyword, std::string_view second) {
  for (const HaproxySection* level = &section; level != nullptr; level = level->defaults) {
    const HaproxyLine* found = nullptr;
    for (const HaproxyLine& line : level->lines) {
      if (line.word(0) == keyword && line.words.size() > 1 && (second.empty() || line.word(1) == second)) found = &line;
    }
    if (found != nullptr) return found;
  }
  return nullptr;
}

std::optional<milliseconds> parse_haproxy_time(std::string_view text) {
  constexpr std::uint64_t kMost = 1'000'000'000'000;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  std::uint64_t factor = 0;
  if (unit.empty() || unit == "ms") factor = 1;
  if (unit == "s") factor = 1000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (unit == "d") factor = 86'400'000;
  if (number && unit == "us") return milliseconds(*number / 1000);
  if (!number || factor == 0 || *number > kMost / factor) return std::nullopt;
  return milliseconds(*number * factor);
}

std::optional<milliseconds> haproxy_time(const HaproxyLine& line, Findings& findings) {
  line.settled = true;
  const auto value = parse_haproxy_time(line.word(2));
  if (!value) findings.not_carried(line.place(), "not a time");
  return value;
}

void haproxy_response_fields(const HaproxySection& section, Layer7Draft& layer7, Findings& findings) {
  for (const HaproxyLine& line : section.lines) {
    if (line.word(0) != "http-response" || (line.word(1) != "set-header" && line.word(1) != "add-header")) continue;
    if (line.words.size() != 4 || line.word(3).find('%') != std::string::npos) continue;  // a condition, or computed
    line.settled = true;
    if (const auto reason = reason_against_header(line.word(2), line.word(3))) {
      findings.not_carried(line.place(), *reason);
    } else if (layer7.add_header.size() >= limits::kMaxAddHeaders) {
      findings.not_carried(line.place(), fmt::format("at most {} fields", limits::kMaxAddHeaders));
    } else {
      layer7.add_header.emplace_back(line.word(2), line.word(3));
    }
  }
}

}  // namespace fairlead::cli
