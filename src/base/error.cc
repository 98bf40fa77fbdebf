#include "base/error.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

namespace fairlead::base {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::ok: return "ok";
    case Code::cancelled: return "cancelled";
    case Code::timeout: return "timeout";
    case Code::closed: return "closed";
    case Code::reset: return "reset";
    case Code::refused: return "refused";
    case Code::unreachable: return "unreachable";
    case Code::not_found: return "not_found";
    case Code::malformed: return "malformed";
    case Code::too_large: return "too_large";
    case Code::forbidden: return "forbidden";
    case Code::overloaded: return "overloaded";
    case Code::unsupported: return "unsupported";
    case Code::tls: return "tls";
    case Code::certificate: return "certificate";
    case Code::protocol: return "protocol";
    case Code::resources: return "resources";
    case Code::conflict: return "conflict";
    case Code::internal: return "internal";
  }
  return "internal";
}

std::string_view to_string(Side side) {
  switch (side) {
    case Side::none: return "none";
    case Side::client: return "client";
    case Side::origin: return "origin";
    case Side::edge: return "edge";
    case Side::operator_: return "operator";
    case Side::config: return "config";
  }
  return "none";
}

std::string describe(const Error& error) {
  if (error.context.empty()) return fmt::format("{}: {}", to_string(error.side), to_string(error.code));
  return fmt::format("{}: {}: {}", to_string(error.side), to_string(error.code), error.context);
}

Error from_errno(int err, Side side, std::string context) {
  Code code = Code::reset;
  Retry retry = Retry::elsewhere;
  switch (err) {
    case ECANCELED: code = Code::cancelled; retry = Retry::never; break;
    case ETIMEDOUT: code = Code::timeout; break;
    case ECONNREFUSED: code = Code::refused; break;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EADDRNOTAVAIL: code = Code::unreachable; break;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: code = Code::resources; retry = Retry::later; break;
    case EADDRINUSE:
    case EACCES: code = Code::conflict; retry = Retry::later; break;
    case EPROTO: code = Code::tls; break;
    default: break;
  }
  std::string text = std::strerror(err);
  return Error(code, side, context.empty() ? text : fmt::format("{}: {}", context, text), retry);
}

}  // namespace fairlead::base
