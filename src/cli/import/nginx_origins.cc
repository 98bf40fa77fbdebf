#include "cli/import/nginx_origins.h"

#include "cli/import/nginx_scope.h"
#include <fmt/format.h>

#include <algorithm>

#include "model/syntax.h"
#include "model/words.h"

namespace fairlead::cli {
namespace {

namespace limits = model::limits;

class Origins {
 public:
  Origins(const NginxGroups& groups, Findings& findings) : groups_(groups), findings_(findings) {}

  bool read_origins(const NginxDirective& pass, const NginxTarget& target, DomainDraft& draft) {
    draft.https = target.https;
    const auto group = groups_.find(model::lower_case(target.host));
    if (group != groups_.end()) {
      read_group(*group->second, draft);
      return !draft.origins.empty();
    }
    const auto address = split_host_port(target.host);
    if (!address) {
      lost(pass,
           fmt::format("{} is no address, no name and no group of this configuration", model::shown(target.host)));
      return false;
    }
    OriginDraft origin;
    origin.place = pass.place();
    origin.host = address->first;
    origin.port = address->second.value_or(draft.https ? 443 : 80);
    draft.origins.push_back(std::move(origin));
    return true;
  }

 private:
  void lost(const NginxDirective& directive, std::string why) {
    directive.settled = true;
    findings_.not_carried(directive.place(), std::move(why));
  }
  void note(const NginxDirective& directive, std::string why) {
    directive.settled = true;
    findings_.note(directive.place(), std::move(why));
  }

  void read_group(const NginxDirective& group, DomainDraft& draft) {
    group.settled = true;
    std::optional<PassiveDraft> passive;
    for (const NginxDirective& child : group.children) {
      if (child.block || draft.origins.size() > limits::kMaxOriginsPerDomain) continue;
      if (child.name() == "server" && child.words.size() > 1) {
        read_group_server(child, passive, draft);
      } else if (child.name() == "least_conn") {
        child.settled = true;
        draft.balance = "least-sessions";
      } else if (child.name() == "ip_hash") {
        child.settled = true;
        draft.balance = "consistent-hash";
        draft.hash_key = "client-address";
      } else if (child.name() == "hash") {
        read_hash(child, draft);
      } else if (child.name() == "sticky") {
        read_sticky(child, draft);
      } else if (child.name() == "random" || child.name() == "least_time" || child.name() == "fair") {
        draft.balance = child.arg(1) == "two" || child.name() != "random" ? "least-sessions" : "";
        note(child, fmt::format("the edge does not have this policy; {} is nearest",
                                draft.balance.empty() ? "round-robin" : draft.balance));
      }
    }
    draft.passive = passive;
    if (draft.passive == PassiveDraft{}) draft.passive.reset();
  }

  void read_group_server(const NginxDirective& server, std::optional<PassiveDraft>& passive, DomainDraft& draft) {
    server.settled = true;
    const auto address = split_host_port(server.arg(1));
    if (!address) {
      lost(server, server.arg(1).starts_with("unix:")
                       ? "the edge reaches origins over TCP, not over a socket in the file system"
                       : "not an address or a name");
      return;
    }
    OriginDraft origin;
    origin.place = server.place();
    origin.host = address->first;
    origin.port = address->second.value_or(80);
    PassiveDraft own;
    own.failures = 1;  // nginx's defaults: one failure within 10 s puts a server aside for 10 s
    bool stated = false;
    for (std::size_t i = 2; i < server.words.size(); ++i) {
      const std::string& word = server.words[i];
      const std::size_t equals = word.find('=');
      const std::string key = word.substr(0, equals);
      const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
      if (key == "weight" && parse_number(value) && *parse_number(value) > 0) {
        origin.weight = std::min<std::uint64_t>(*parse_number(value), 1'000'000);
      } else if (word == "backup") {
        origin.backup = true;
      } else if (word == "down") {
        note(server, "marked as down: left out");
        return;
      } else if (key == "max_fails" && parse_number(value)) {
        stated = true;
        own.enabled = *parse_number(value) > 0;
        if (own.enabled) {
          own.failures = static_cast<std::uint32_t>(
              findings_.fit(server.place(), *parse_number(value), limits::kHealthCount, "passive.failures"));
        }
      } else if (key == "fail_timeout" && parse_nginx_time(value)) {
        stated = true;
        own.window = findings_.fit(server.place(), *parse_nginx_time(value), limits::kPassiveWindow, "passive.window");
        own.eject = own.window;
      } else if (word == "resolve") {
        note(server, "the edge looks names up again by itself");
      } else if (word == "no_max_fails") {
        continue;
      } else {
        lost(server, fmt::format("{} has no counterpart for one origin", model::shown(word)));
      }
    }
    if (stated) {
      if (passive && *passive != own) {
        lost(server,
             "max_fails and fail_timeout are one setting for all origins of a domain: those of the first count");
      } else {
        passive = own;
      }
    }
    draft.origins.push_back(std::move(origin));
  }

  void read_hash(const NginxDirective& hash, DomainDraft& draft) {
    hash.settled = true;
    const std::string& key = hash.arg(1);
    const auto named = [&](std::string_view prefix, const char* kind, bool dashes) {
      if (!key.starts_with(prefix) || key.size() == prefix.size()) return false;
      std::string name = key.substr(prefix.size());
      if (dashes) std::ranges::replace(name, '_', '-');
      if (!model::is_token(name) || name.size() > limits::kMaxCookieName) return false;
      draft.hash_key = kind;
      draft.hash_name = std::move(name);
      return true;
    };
    if (key == "$remote_addr" || key == "$binary_remote_addr") {
      draft.hash_key = "client-address";
    } else if (key == "$request_uri" || key == "$uri") {
      draft.hash_key = "path";
    } else if (!named("$http_", "header", true) && !named("$cookie_", "cookie", false) &&
               !named("$arg_", "query", false)) {
      lost(hash, "the edge hashes the client's address, the path, or one field, cookie or query parameter");
      return;
    }
    draft.balance = "consistent-hash";
  }

  void read_sticky(const NginxDirective& sticky, DomainDraft& draft) {
    if (sticky.arg(1) != "cookie" || !model::is_token(sticky.arg(2)) || sticky.arg(2).size() > limits::kMaxCookieName) {
      lost(sticky, "the edge keeps a client at its origin by a cookie of its own: load_balancing.persistence");
      return;
    }
    sticky.settled = true;
    draft.cookie = sticky.arg(2);
    for (std::size_t i = 3; i < sticky.words.size(); ++i) {
      const std::string& word = sticky.words[i];
      const auto time = word.starts_with("expires=") ? parse_nginx_time(word.substr(8)) : std::nullopt;
      if (time) {
        draft.cookie_max_age = findings_.fit(sticky.place(), *time, limits::kCookieMaxAge, "cookie_max_age");
      } else {
        lost(sticky, fmt::format("{}: the edge chooses this itself", model::shown(word)));
      }
    }
  }

  const NginxGroups& groups_;
  Findings& findings_;
};

}  // namespace

bool nginx_origins(const NginxGroups& groups, const NginxDirective& pass, const NginxTarget& target, DomainDraft& draft,
                   Findings& findings) {
  return Origins(groups, findings).read_origins(pass, target, draft);
}

}  // namespace fairlead::cli
