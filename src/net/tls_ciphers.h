#pragma once
// A cipher list as customers write it, judged by the TLS library before an edge is given it: an edge with a list of
// which nothing is usable offers no TLS at all.

#include <string>

#include "base/error.h"

namespace fairlead::net {

// Whether TlsServerContext::create would take `ciphers` (OpenSSL's syntax, TLS 1.2; not empty). unsupported, side
// config: nothing in it is known, or good enough. Any thread.
base::Result<void> check_tls_ciphers(const std::string& ciphers);

}  // namespace fairlead::net
