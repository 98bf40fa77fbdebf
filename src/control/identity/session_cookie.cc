#include "control/identity/session_cookie.h"

#include <fmt/format.h>

#include <chrono>

#include "model/syntax.h"

namespace fairlead::control {
namespace {

// "https://Console.example.com:443/x" and "https", "console.example.com" are the same place; ports are written out only
// when they are not the scheme's own.
struct Place {
  std::string scheme, authority;
};

std::string without_port(std::string authority, std::string_view port) {
  if (authority.ends_with(port)) authority.resize(authority.size() - port.size());
  return authority;
}

std::optional<Place> place_of(std::string_view url) {
  const auto end = url.find("://");
  if (end == std::string_view::npos) return std::nullopt;
  Place place{model::lower_case(url.substr(0, end)), {}};
  const std::string_view rest = url.substr(end + 3);
  place.authority = model::lower_case(rest.substr(0, rest.find('/')));
  if (place.authority.empty()) return std::nullopt;
  if (place.scheme == "https") place.authority = without_port(place.authority, ":443");
  if (place.scheme == "http") place.authority = without_port(place.authority, ":80");
  return place;
}

// Host does not say its scheme: it is compared as if it had that one.
std::string host_as(const ApiRequest& request, std::string_view scheme) {
  const std::string* host = request.field("host");
  if (!host) return {};
  const auto place = place_of(fmt::format("{}://{}", scheme, *host));
  return place ? place->authority : std::string();
}

std::string cookie(const ApiRequest& request, const model::ControlConfig& config, std::string_view key,
                   std::int64_t max_age_s) {
  const auto known = place_of(config.public_url);
  const bool secure =
      request.tls || (known && known->scheme == "https" && known->authority == host_as(request, "https"));
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kSessionCookie, key, max_age_s,
                     secure ? "; Secure" : "");
}

}  // namespace

std::optional<std::string> session_key(const ApiRequest& request) {
  for (const auto& [name, value] : request.fields) {
    if (name != "cookie") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      while (pair.ends_with(' ')) pair.remove_suffix(1);
      if (!pair.starts_with(kSessionCookie)) continue;
      pair.remove_prefix(kSessionCookie.size());
      if (pair.size() > 1 && pair.front() == '=') return std::string(pair.substr(1));
    }
  }
  return std::nullopt;
}

std::string set_session_cookie(const ApiRequest& request, const model::ControlConfig& config, std::string_view key) {
  return cookie(request, config, key, std::chrono::floor<std::chrono::seconds>(config.login_time).count());
}

std::string end_session_cookie(const ApiRequest& request, const model::ControlConfig& config) {
  return cookie(request, config, "", 0);
}

bool from_own_pages(const ApiRequest& request, const model::ControlConfig& config) {
  const std::string* origin = request.field("origin");
  if (!origin) return true;
  const auto from = place_of(*origin);
  if (!from) return false;  // "null": a page that hides where it is from
  if (from->authority == host_as(request, from->scheme)) return !request.tls || from->scheme == "https";
  const auto known = place_of(config.public_url);
  return known && known->scheme == from->scheme && known->authority == from->authority;
}

}  // namespace fairlead::control
