#pragma once
// ControlConfig: the control plane's own settings: `control:` and `admin:` of the file of `fairlead run` and `fairlead
// control`. What operators change while it runs (gates, automatic approval, prices) is in the store, not here.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/domain_policy.h"

namespace fairlead::model {

struct MailConfig {
  std::string server;  // "smtp://mail.example.com:587" or "smtps://..."; empty: no mail is sent
  std::string from;    // "fairlead@example.com"
  std::string username;
  std::string password;     // contents of password_file, without its line end
  bool require_tls = true;  // smtp: STARTTLS or nothing
  std::string ca_pem;       // contents of ca_file; empty: the system's
  bool operator==(const MailConfig&) const = default;
};

struct WebhookConfig {
  std::string url;     // https, or http to loopback; empty: none
  std::string secret;  // contents of secret_file: what the signature is made with
  std::string ca_pem;
  bool operator==(const WebhookConfig&) const = default;
};

struct AdminTls {
  std::string chain_pem, key_pem;
  bool operator==(const AdminTls&) const = default;
};

struct ControlConfig {
  std::string database;    // "sqlite:/path" or "postgresql://..."; empty: DATA/fairlead.db
  std::string public_url;  // "https://console.example.com", for links in mails; empty: that of the admin listener
  MailConfig mail;
  std::vector<WebhookConfig> webhooks;
  std::vector<std::string> resolvers;                  // for ownership checks, "ip" or "ip:port"; empty: the system's
  std::uint16_t ownership_http_port = 80;              // of the check by a file
  bool ownership_allow_private = false;                // loopback and private networks may be asked for the file
  milliseconds login_time{12 * 3600 * 1000};           // how long a cookie lasts after its last use
  std::uint32_t requests_per_second_per_client = 200;  // of the API, by address; loopback has none; 0 = no limit
  bool operator==(const ControlConfig&) const = default;
};

}  // namespace fairlead::model
