#pragma once
// Ownership check: whether whoever holds a token also holds a domain (R16). Proof is either of
//
//   a TXT record  _fairlead-challenge.DOMAIN  with the value  fairlead-verification=TOKEN
//   a file        http://DOMAIN:PORT/.well-known/fairlead-verification.txt  whose content is TOKEN
//
// For ".example.com" (every name below it) the record alone, at _fairlead-challenge.example.com: who runs one host of a
// domain does not own them all. Blocking, for a thread that may wait; ends within `time` and a second.
//
// The domain is a stranger's word, so the file is asked for with care: names are resolved by the configured resolver,
// no address inside is connected to (destinations.h), no redirect is followed, at most kMaxProof bytes are read, and
// nothing of what was read is shown.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::control {

inline constexpr std::size_t kMaxProof = 1024;  // bytes of the file
inline constexpr std::string_view kProofPath = "/.well-known/fairlead-verification.txt";

struct OwnershipSettings {
  std::vector<std::string> resolvers;  // "ip" or "ip:port"; empty: the system's
  std::uint16_t http_port = 80;
  bool allow_private = false;             // loopback and private networks may be asked for the file
  std::chrono::milliseconds time{10000};  // in all
};

struct OwnershipResult {
  bool proved = false;
  std::string method;  // "dns" or "http"; empty unless proved
  std::string reason;  // what was looked for and what was found, for a person
};

// Where the record is looked for: "_fairlead-challenge.example.com"; and what its value must be.
std::string challenge_name(std::string_view domain);
std::string challenge_value(std::string_view token);

// `domain` in lower case, as it is in the store; `token` not empty.
OwnershipResult check_ownership(std::string_view domain, std::string_view token, const OwnershipSettings& settings);

}  // namespace fairlead::control
