#include "cli/import/haproxy_backend.h"

#include "cli/import/haproxy_server.h"
#include <fmt/format.h>

#include <algorithm>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace limits = model::limits;

class Backend {
 public:
  Backend(const HaproxySection& section, const HaproxyGlobals& globals, Findings& findings)
      : section_(section), findings_(findings), servers_(haproxy_servers(section, globals, findings)) {}

  HaproxyBackend read() {
    section_.head.settled = true;
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

  // One domain has one scheme, one CA, one kind of PROXY header: those of the first server.
  void merge_servers() {
    if (servers_.empty()) return;
    DomainDraft& draft = out_.draft;
    const HaproxyServer& first = servers_.front();
    draft.https = first.ssl;
    draft.send_proxy = first.send_proxy;
    std::erase_if(servers_, [&](const HaproxyServer& server) {
      if (server.ssl == first.ssl && server.send_proxy == first.send_proxy) return false;
      lost(*server.line,
           "left out: a domain's origins all speak TLS or none does, and all get the same PROXY header; the "
           "first server's way counts");
      return true;
    });
    const bool all_insecure =
        std::ranges::all_of(servers_, [](const HaproxyServer& server) { return server.origin.insecure; });
    for (HaproxyServer& server : servers_) {
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
    const auto checked = std::ranges::find_if(servers_, [](const HaproxyServer& server) { return server.check; });
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
  Findings& findings_;
  HaproxyBackend out_;
  std::vector<HaproxyServer> servers_;
  bool other_check_ = false;  // the active check does what the edge's cannot
};

}  // namespace

HaproxyBackend haproxy_backend(const HaproxySection& section, const HaproxyGlobals& globals, Findings& findings) {
  return Backend(section, globals, findings).read();
}

}  // namespace fairlead::cli
