#include "edge/session_end.h"

namespace fairlead::edge {

std::string_view to_string(CloseBy by) {
  switch (by) {
    case CloseBy::client: return "client";
    case CloseBy::origin: return "origin";
    case CloseBy::edge: return "edge";
    case CloseBy::operator_: return "operator";
  }
  return "edge";
}

std::string_view to_string(CloseCause cause) {
  switch (cause) {
    case CloseCause::closing_handshake: return "closing_handshake";
    case CloseCause::connection_lost: return "connection_lost";
    case CloseCause::connection_timeout: return "connection_timeout";
    case CloseCause::pong_timeout: return "pong_timeout";
    case CloseCause::max_session_age: return "max_session_age";
    case CloseCause::protocol_error: return "protocol_error";
    case CloseCause::message_too_big: return "message_too_big";
    case CloseCause::disabled: return "disabled";
    case CloseCause::drain: return "drain";
    case CloseCause::ended_by_operator: return "ended_by_operator";
    case CloseCause::send_timeout: return "send_timeout";
    case CloseCause::internal_error: return "internal_error";
  }
  return "internal_error";
}

}  // namespace fairlead::edge
