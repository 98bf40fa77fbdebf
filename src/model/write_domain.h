#pragma once
// DomainPolicy as the JSON text of a domain document: the schema that read_domain reads (docs/configuration.md), with
// every key written out in the forms people write: "60s", "60MiB", "off". Pure; never fails. What the readers made is
// made again from the text, value for value; for other policies (a negative duration, bytes that are not UTF-8) there
// is no promise.
//
// Keys without a value (no server_name, no health check path) are left out, for the schema has no word for "none"
// there.

#include <cstdint>
#include <string>

#include "model/domain_policy.h"

namespace fairlead::model {

enum class DomainText : std::uint8_t {
  whole,     // everything, private keys included: for read_domain_copy alone
  shown,     // for people: without `certificates`, and "inline PEM" in place of a CA's
  settings,  // what read_domain_settings reads: without `name`, `certificates` and `layer7`
};

// One line, ASCII.
std::string write_domain(const DomainPolicy& policy, DomainText form);

// A number for the whole of a policy, keys included: equal policies have the same, others another but for an accident
// of one in 2^64 (it is FNV-1a: no secret, and no proof against who would have it so). The same on every machine, so
// that two programs can see whether they have the same policy without sending it.
std::uint64_t fingerprint(const DomainPolicy& policy);

// A layer-7 configuration on its own, as read_layer7_json reads it (R14).
std::string write_layer7(const Layer7& layer7);

}  // namespace fairlead::model
