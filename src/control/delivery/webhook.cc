#include "control/delivery/webhook.h"

#include <fmt/format.h>

#include "control/delivery/destinations.h"
#include "control/delivery/http_client.h"
#include "control/secrets.h"
#include "model/syntax.h"

namespace fairlead::control {

using base::Code;
using base::Retry;
using base::Side;

base::Result<void> send_webhook(const model::WebhookConfig& config, const WebhookCall& call,
                                const std::atomic<bool>* abort) {
  const std::string timestamp = std::to_string(call.now_ms / 1000);
  HttpCall http;
  http.method = "POST";
  http.url = config.url;
  http.fields = {{"content-type", "application/json"},
                 {"fairlead-webhook-id", call.id},
                 {"fairlead-webhook-timestamp", timestamp},
                 {"fairlead-webhook-signature",
                  "v1=" + Secrets::hmac_sha256(config.secret, fmt::format("{}.{}.{}", call.id, timestamp, call.body))}};
  http.body = call.body;
  http.connect_timeout = kWebhookConnectTimeout;
  http.timeout = kWebhookTimeout;
  http.ca_pem = config.ca_pem;
  http.abort = abort;
  const Reach reach = model::lower_case(config.url).starts_with("https:") ? Reach::private_ : Reach::loopback;
  http.allowed = [reach](const net::SocketAddress& address) { return may_reach(address, reach); };

  auto answer = http_call(http);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->status >= 200 && answer->status < 300) return {};
  const std::string context = fmt::format("{} answered {}", url_place(config.url), answer->status);
  if (answer->status == 410) return base::fail(Code::forbidden, Side::origin, context);  // gone, RFC 9110 15.5.11
  const bool busy = answer->status == 429 || answer->status == 503;
  return base::fail(busy ? Code::overloaded : Code::protocol, Side::origin, context, Retry::later);
}

}  // namespace fairlead::control
