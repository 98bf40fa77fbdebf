#pragma once
// AdminTls: the certificate the admin listener shows, as OpenSSL wants it. TLS on an event loop is net's matter; here a
// thread waits for its one connection, with a date. Immutable; connections hold it, so that another takes its place
// without disturbing them.

#include <memory>

#include "base/error.h"
#include "model/control_config.h"

struct ssl_ctx_st;

namespace fairlead::app {

// TLS 1.2 and 1.3, with net's rules for ciphers, groups and certificates; HTTP/1.1 by ALPN. Errors, side config:
// malformed (the chain, the key, or both together), resources.
base::Result<std::shared_ptr<ssl_ctx_st>> make_admin_tls(const model::AdminTls& tls);

}  // namespace fairlead::app
