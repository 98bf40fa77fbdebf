#pragma once
// Error: what went wrong, whose fault it was, and whether trying again is sound. Every fallible function in
// Fairlead returns Result<T>. The HTTP status, the WebSocket close code, the access log's fields and the
// metrics' labels are all derived from these three values; the context is for a person to read.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::base {

// Whose fault. `client` and `origin` are the two sides of the edge; `edge` is a limit or a setting of ours,
// `operator_` a person's act (drain, disable, end session), `config` an input document.
enum class Side : std::uint8_t { none, client, origin, edge, operator_, config };

// Whether the same thing may be tried again: on another origin (`elsewhere`), later, or never.
enum class Retry : std::uint8_t { never, elsewhere, later };

// A stable, small vocabulary. Names appear in logs, metrics and problem documents: add, never rename.
enum class Code : std::uint8_t {
  ok,
  cancelled,    // asked to stop
  timeout,      // a deadline passed; context names the clock
  closed,       // the peer closed in an orderly way, earlier than it should have
  reset,        // the peer or the network broke the connection
  refused,      // connection refused
  unreachable,  // no route, host down
  not_found,    // no such domain, name, file
  malformed,    // bytes that break a grammar
  too_large,    // a named limit on size was passed
  forbidden,    // a setting forbids it
  overloaded,   // a named limit on number or rate was passed
  unsupported,  // valid, but not done here
  tls,          // TLS failed; context has the library's words
  certificate,  // the peer's certificate was not accepted
  protocol,     // a valid grammar used against the rules
  resources,    // out of file descriptors, memory
  conflict,     // address in use, revision changed
  internal,     // a bug: an exception, a broken invariant
};

struct Error {
  Code code = Code::internal;
  Side side = Side::none;
  Retry retry = Retry::never;
  std::string context;

  Error() = default;
  Error(Code c, Side s, std::string ctx = {}, Retry r = Retry::never)
      : code(c), side(s), retry(r), context(std::move(ctx)) {}
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, Side side, std::string context = {}, Retry retry = Retry::never) {
  return std::unexpected<Error>(Error(code, side, std::move(context), retry));
}

std::string_view to_string(Code code);
std::string_view to_string(Side side);

// "origin: timeout: connect to 10.0.0.1:80" — for logs and people.
std::string describe(const Error& error);

// The Error for an errno value of a socket call on `side`.
Error from_errno(int err, Side side, std::string context = {});

}  // namespace fairlead::base
