#pragma once
// Webhook: one event POSTed as JSON to the URL an operator configured. Blocking, any thread. The receiver knows
// repetitions by `fairlead-webhook-id`, and that it is ours and fresh by
//
//   fairlead-webhook-timestamp: 1800000000                       seconds since 1970 UTC, of this attempt
//   fairlead-webhook-signature: v1=HEX                           HMAC-SHA-256 of "ID.TIMESTAMP.BODY" with the secret
//
// Plain http goes to loopback only; nothing goes to link-local and multicast addresses (destinations.h).

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "model/control_config.h"

namespace fairlead::control {

inline constexpr std::chrono::milliseconds kWebhookConnectTimeout{5000};
inline constexpr std::chrono::milliseconds kWebhookTimeout{15000};  // in all: less than a lease

struct WebhookCall {
  std::string id;    // of the notice
  std::string body;  // JSON
  std::int64_t now_ms = 0;
};

// 2xx is success; redirects are not followed and are failures like any other status. Errors: retry never: forbidden on
// 410 (the receiver wants no more of it), malformed (the URL); retry later: overloaded on 429 and 503, protocol on
// other statuses, and what http_call says.
base::Result<void> send_webhook(const model::WebhookConfig& config, const WebhookCall& call,
                                const std::atomic<bool>* abort = nullptr);

}  // namespace fairlead::control
