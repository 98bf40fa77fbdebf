#pragma once
// Mail: one text message to one address, handed to the operator's mail server by SMTP (RFC 5321, libcurl). Blocking,
// any thread. The message is made here (RFC 5322, RFC 2045, RFC 2047): UTF-8 text, base64 lines, nothing that a value
// could break out of, and a Message-ID that depends on the notice alone, so that a repetition is known as one.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/control_config.h"

namespace fairlead::control {

inline constexpr std::chrono::milliseconds kMailConnectTimeout{10000};
inline constexpr std::chrono::milliseconds kMailTimeout{30000};  // in all: less than a lease

struct Mail {
  std::string to;            // "ann@example.com": a dot-atom or letters before "@"; no display name, no quoted part
  std::string subject;       // one line
  std::string text;          // lines end with LF or CRLF
  std::string id;            // of the notice: letters, digits, "-", "_"
  std::int64_t date_ms = 0;  // since 1970 UTC
};

// The whole message, CRLF lines, as it goes after DATA (dots are the sender's business). malformed, retry never: an
// address that is none, a line end or another control character in a subject or an id, a text that is no UTF-8.
base::Result<std::string> mail_message(const Mail& mail, std::string_view from);

// Sends it. When config.require_tls, nothing (no password, no message) goes out before STARTTLS has worked and the
// server's certificate was accepted; smtps:// is TLS from the start.
// Errors: retry never: malformed (as above, and no mail server is configured with code unsupported and retry later),
// forbidden (the server refused the message, an address, for good: 5yz); retry later: all else, among them 4yz answers
// (overloaded), a refused password (forbidden), no connection (unreachable, refused, timeout), tls, certificate,
// cancelled. `abort`: as in http_client.h.
base::Result<void> send_mail(const model::MailConfig& config, const Mail& mail,
                             const std::atomic<bool>* abort = nullptr);

}  // namespace fairlead::control
