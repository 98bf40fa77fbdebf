#pragma once
// Secrets: everything of the control plane that needs libsodium: hashes of passwords, keys for cookies and tokens, and
// the seal on private keys at rest. Immutable after open(), any thread. The one sealing key lies in a file outside the
// database, so that a copy of the database opens nothing.

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace fairlead::control {

class Secrets {
 public:
  // Reads the sealing key from `key_file` (32 bytes as hex, mode 0600), or makes the file with a new key when there is
  // none (its folder must exist): written, synced and in place before this returns, and one key for all who do so at
  // once. Errors (config side): forbidden (others can read the file, or we cannot), malformed (it holds no key),
  // resources.
  static base::Result<Secrets> open(const std::string& key_file);

  // With a key of the moment, for tests and for what needs no seal.
  static Secrets ephemeral();

  // What sealed `plain` can be opened with the same key and the same `about` only ("certificate:ID": a sealed text that
  // was moved to another row does not open). XChaCha20-Poly1305 with a random nonce; base64 text.
  std::string seal(std::string_view plain, std::string_view about) const;
  // forbidden when it was not sealed so: another key, another `about`, or bytes changed.
  base::Result<std::string> open_sealed(std::string_view sealed, std::string_view about) const;

  // The key other files of the data folder are sealed with (edge/policy_file.h), derived from this one by the first 8
  // bytes of `context`: knowing it gives away nothing of the key itself, nor of seal()'s.
  std::array<unsigned char, 32> derived_key(std::string_view context) const;

  // argon2id (RFC 9106) with libsodium's interactive limits: 64 MiB and about 50 ms. At most kHashesAtOnce run at a
  // time; further callers wait their turn. hash_password: "$argon2id$...", or empty when the machine has no 64 MiB to
  // give: an empty hash matches no password, but do not keep it.
  std::string hash_password(std::string_view password) const;
  bool password_matches(std::string_view password, std::string_view hash) const;
  // Takes as long as password_matches and is always false: for a user that does not exist.
  bool waste_time(std::string_view password) const;

  static constexpr int kHashesAtOnce = 2;

  // `prefix` and 32 random bytes in base64url: "flt_..." for API tokens, "fls_..." for cookies, "fll_..." for links.
  static std::string random_key(std::string_view prefix);
  // What the database keeps of such a key: BLAKE2b-256 as hex. One round is enough for 256 random bits.
  static std::string key_hash(std::string_view key);
  // HMAC-SHA-256 (RFC 2104) of `message` as lower-case hex: signatures of webhooks.
  static std::string hmac_sha256(std::string_view key, std::string_view message);
  // In constant time.
  static bool equal(std::string_view a, std::string_view b);

 private:
  Secrets();
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace fairlead::control
