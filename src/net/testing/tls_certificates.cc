// The header compiled on its own, so that it stays complete whoever includes it.
#include "net/testing/tls_certificates.h"
