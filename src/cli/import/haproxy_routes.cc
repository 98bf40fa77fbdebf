#include "cli/import/haproxy_routes.h"

#include "cli/import/draft.h"
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

constexpr std::size_t kMostHosts = 20'000;  // of one frontend, with those that files list

// What one condition asks for. Alternatives of one acl name are joined.
struct Test {
  bool host = false;
  bool websocket = false;
  bool other = false;
  std::vector<std::string> hosts;
  std::vector<const HaproxyLine*> lines;
};

bool split_words(std::string_view text, std::vector<std::string>& out) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \t\r", at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return !out.empty();
}

class Routes {
 public:
  Routes(const HaproxySection& frontend, const ImportFiles& files, const std::string& main_file, Findings& findings)
      : frontend_(frontend), files_(files), main_file_(main_file), findings_(findings) {}

  std::vector<HaproxyRoute> read() {
    for (const HaproxyLine& line : frontend_.lines) {
      if (line.word(0) != "acl" || line.words.size() < 3) continue;
      const Test test = read_test(std::span(line.words).subspan(2), line);
      Test& all = acls_[line.word(1)];
      all.host = all.host || test.host;
      all.websocket = all.websocket || test.websocket;
      all.other = all.other || test.other;
      all.hosts.insert(all.hosts.end(), test.hosts.begin(), test.hosts.end());
      all.lines.push_back(&line);
    }
    for (const HaproxyLine& line : frontend_.lines) {
      if (line.word(0) == "use_backend" && line.words.size() > 1) read_rule(line);
    }
    const HaproxyLine* fallback = nullptr;
    for (const HaproxySection* level = &frontend_; level != nullptr && fallback == nullptr; level = level->defaults) {
      for (const HaproxyLine& line : level->lines) {
        if (line.word(0) == "default_backend" && line.words.size() > 1) fallback = &line;
      }
    }
    if (fallback != nullptr) {
      fallback->settled = true;
      routes_.push_back({fallback->word(1), {}, false, false, fallback});
    } else if (frontend_.kind() == "listen") {
      routes_.push_back({frontend_.name(), {}, false, false, &frontend_.head});
    }
    return std::move(routes_);
  }

 private:
  // "hdr(host) -i a.example.com b.example.com", "req.hdr(Upgrade) -m str -i websocket", "path_beg /ws".
  Test read_test(std::span<const std::string> words, const HaproxyLine& line) {
    Test out;
    std::string fetch = model::lower_case(words.front());
    std::string match;
    std::vector<std::string> values;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "-i" || word == "-n") continue;
      if (word == "-m" && i + 1 < words.size()) {
        match = words[++i];
      } else if (word == "-f" && i + 1 < words.size()) {
        read_patterns(words[++i], line, values);
      } else if (word == "--") {
        values.insert(values.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
        break;
      } else {
        values.push_back(word);
      }
    }
    const std::size_t open = fetch.find('(');
    const std::size_t close = fetch.find(')');
    std::string name = fetch.substr(0, open);
    std::string field =
        open == std::string::npos || close == std::string::npos ? "" : fetch.substr(open + 1, close - open - 1);
    field = field.substr(0, field.find(','));
    // hdr_end(host) is hdr(host) -m end.
    if (const std::size_t mark = name.rfind('_'); name.starts_with("hdr_") || name.starts_with("req.hdr_")) {
      if (match.empty()) match = name.substr(mark + 1);
      name = name.substr(0, mark);
    }
    if (name == "ssl_fc_sni_end" && match.empty()) match = "end";
    const bool header = name == "hdr" || name == "req.hdr" || name == "req.fhdr";
    if ((header && field == "host") || name.starts_with("ssl_fc_sni")) {
      if (match.empty() || match == "str" || match == "end" || match == "dom") {
        out.host = true;
        for (const std::string& value : values) add_hosts(value, match, out.hosts);
        if (out.hosts.empty()) out.other = true;
        return out;
      }
    } else if (header && (field == "upgrade" || field == "connection" || field.starts_with("sec-websocket-"))) {
      out.websocket = true;
      return out;
    }
    out.other = true;
    return out;
  }

  void add_hosts(const std::string& value, const std::string& match, std::vector<std::string>& out) {
    if (total_hosts_ >= kMostHosts) return;
    std::string host = model::lower_case(value);
    if (const auto parts = split_host_port(host)) host = parts->first;  // a port in Host is of no matter here
    const bool dotted = host.starts_with('.');
    const std::string_view bare = std::string_view(host).substr(dotted ? 1 : 0);
    if (!model::is_host_name(bare) && !model::canonical_ip(host)) return;
    ++total_hosts_;
    const bool tail = match == "end" || match == "dom";
    if (dotted || !tail || match == "dom") out.push_back(match == "dom" ? std::string(bare) : host);
    if (tail && !dotted && match == "end") out.push_back(host);
    if (tail && (match == "dom" || !dotted)) out.push_back("." + std::string(bare));
  }

  void read_patterns(const std::string& file, const HaproxyLine& line, std::vector<std::string>& out) {
    for (const auto& words : lines_of(file, line)) out.push_back(words.front());
  }

  // A pattern or map file: a line each, "#" for comments.
  std::vector<std::vector<std::string>> lines_of(const std::string& file, const HaproxyLine& line) {
    std::vector<std::vector<std::string>> out;
    const auto text = files_.read(model::resolve_path(main_file_, file));
    if (!text || text->size() > kMaxImportBytes) {
      findings_.not_carried(line.place(),
                            fmt::format("{} cannot be read: whatever it lists is missing here", model::shown(file)));
      return out;
    }
    for (std::string_view rest = *text; !rest.empty() && out.size() < kMostHosts;) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::vector<std::string> words;
      if (split_words(rest.substr(0, end), words) && !words.front().starts_with('#')) out.push_back(std::move(words));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
  }

  // use_backend NAME [if|unless CONDITION]
  void read_rule(const HaproxyLine& line) {
    line.settled = true;
    const std::string& backend = line.word(1);
    if (backend.find('%') != std::string::npos) {
      read_map(line, backend);
      return;
    }
    HaproxyRoute route{backend, {}, false, false, &line};
    if (line.words.size() < 4) {
      routes_.push_back(route);
      return;
    }
    if (line.word(2) != "if") {  // unless
      route.conditional = true;
      routes_.push_back(route);
      return;
    }
    bool possible = true;  // for an opening handshake
    bool negated = false;
    bool hosts_known = false;
    const auto finish = [&] {
      if (possible) routes_.push_back(route);
      route = HaproxyRoute{backend, {}, false, false, &line};
      possible = true;
      hosts_known = false;
    };
    for (std::size_t i = 3; i < line.words.size(); ++i) {
      std::string word = line.words[i];
      if (word == "or" || word == "||") {
        finish();
        continue;
      }
      if (word == "!") {
        negated = !negated;
        continue;
      }
      if (word.size() > 1 && word.starts_with('!')) {
        negated = !negated;
        word.erase(0, 1);
      }
      Test test;
      if (word == "{") {
        std::vector<std::string> inner;
        for (++i; i < line.words.size() && line.words[i] != "}"; ++i) inner.push_back(line.words[i]);
        if (inner.empty()) continue;
        test = read_test(inner, line);
      } else if (const auto acl = acls_.find(word); acl != acls_.end()) {
        test = acl->second;
        for (const HaproxyLine* used : test.lines) used->settled = true;
      } else {
        test.other = true;  // a predefined one, METH_GET or TRUE
      }
      apply(test, negated, hosts_known, possible, route);
      negated = false;
    }
    finish();
  }

  static void apply(const Test& test, bool negated, bool& hosts_known, bool& possible, HaproxyRoute& route) {
    if (test.other || (test.host && test.websocket)) {
      route.conditional = true;
    } else if (test.websocket && negated) {
      possible = false;
    } else if (test.websocket) {
      route.websocket = true;
    } else if (negated) {
      route.conditional = true;
    } else if (!hosts_known) {
      route.hosts = test.hosts;
      hosts_known = true;
    } else {
      std::erase_if(route.hosts,
                    [&](const std::string& host) { return std::ranges::find(test.hosts, host) == test.hosts.end(); });
      possible = possible && !route.hosts.empty();
    }
  }

  // use_backend %[req.hdr(host),lower,map_dom(/etc/haproxy/hosts.map,fallback)]
  void read_map(const HaproxyLine& line, const std::string& text) {
    const std::string lower = model::lower_case(text);
    const std::size_t map = lower.find(",map");
    const std::size_t open = map == std::string::npos ? map : lower.find('(', map);
    const std::size_t close = open == std::string::npos ? open : lower.find(')', open);
    const bool by_host = lower.starts_with("%[req.hdr(host)") || lower.starts_with("%[hdr(host)");
    const std::string kind = open == std::string::npos ? "" : lower.substr(map + 4, open - map - 4);
    if (!by_host || close == std::string::npos || line.words.size() > 2 ||
        (kind != "" && kind != "_str" && kind != "_dom" && kind != "_end")) {
      findings_.not_carried(line.place(), "which backend it is follows from a computation at run time");
      return;
    }
    const std::string inside = text.substr(open + 1, close - open - 1);
    const std::size_t comma = inside.find(',');
    for (const auto& words : lines_of(inside.substr(0, comma), line)) {
      HaproxyRoute route{words.size() > 1 ? words[1] : "", {}, false, false, &line};
      add_hosts(words.front(), kind.empty() ? "str" : kind.substr(1), route.hosts);
      if (!route.hosts.empty() && !route.backend.empty()) routes_.push_back(std::move(route));
    }
    if (comma != std::string::npos) routes_.push_back({inside.substr(comma + 1), {}, false, false, &line});
  }

  const HaproxySection& frontend_;
  const ImportFiles& files_;
  const std::string& main_file_;
  Findings& findings_;
  std::map<std::string, Test> acls_;
  std::vector<HaproxyRoute> routes_;
  std::size_t total_hosts_ = 0;
};

}  // namespace

std::vector<HaproxyRoute> haproxy_routes(const HaproxySection& frontend, const ImportFiles& files,
                                         const std::string& main_file, Findings& findings) {
  return Routes(frontend, files, main_file, findings).read();
}

}  // namespace fairlead::cli
