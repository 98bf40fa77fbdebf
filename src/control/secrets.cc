#include "control/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <semaphore>

#include "base/descriptor.h"

namespace fairlead::control {
namespace {

using base::Code;
using base::Side;
using Key = std::array<unsigned char, 32>;

static_assert(crypto_kdf_KEYBYTES == 32 && crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32);
static_assert(crypto_pwhash_ALG_DEFAULT == crypto_pwhash_ALG_ARGON2ID13);

// Which keys are derived from the file's: never change a number.
constexpr std::uint64_t kForOthers = 1, kForSeals = 2;
constexpr char kSealContext[crypto_kdf_CONTEXTBYTES + 1] = "fl-seal\0";

// libsodium fails to begin only on a machine without random numbers, where nothing that follows could be a secret.
void begin_sodium() {
  static const int begun = sodium_init();
  if (begun < 0) std::abort();
}

std::string to_base64(const unsigned char* bytes, std::size_t size, int variant) {
  std::string text(sodium_base64_ENCODED_LEN(size, variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, size, variant);
  text.resize(std::strlen(text.c_str()));
  return text;
}

std::string to_hex(const unsigned char* bytes, std::size_t size) {
  std::string text(2 * size + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes, size);
  text.resize(2 * size);
  return text;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::unexpected<base::Error> failed(const std::string& file, int number) {
  const Code code = number == EACCES || number == EPERM || number == EROFS ? Code::forbidden : Code::resources;
  return base::fail(code, Side::config, fmt::format("sealing key {}: {}", file, std::strerror(number)));
}

// nullopt: there is no such file.
base::Result<std::optional<Key>> read_key(const std::string& file) {
  // O_NONBLOCK: a pipe of that name is refused below, not waited for.
  const base::Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == ENOENT) return std::nullopt;
  struct stat about{};
  if (!fd || ::fstat(fd.get(), &about) != 0) return failed(file, errno);
  if (!S_ISREG(about.st_mode)) return base::fail(Code::malformed, Side::config, "sealing key " + file + ": no file");
  if (about.st_mode & 077) {
    return base::fail(Code::forbidden, Side::config,
                      fmt::format("sealing key {}: others may read it (mode {:04o}); make it 0600 and, if anyone could "
                                  "have copied it, replace what it sealed",
                                  file, about.st_mode & 07777));
  }
  char text[66];  // 64 digits, a line end, and one more byte to find out that there is more
  std::size_t size = 0;
  for (ssize_t n; size < sizeof text && (n = ::read(fd.get(), text + size, sizeof text - size)) != 0;) {
    if (n < 0 && errno != EINTR) return failed(file, errno);
    if (n > 0) size += static_cast<std::size_t>(n);
  }
  std::size_t digits = size;
  while (digits > 0 && text[digits - 1] == '\n') --digits;
  Key key;
  std::size_t length = 0;
  const char* end = nullptr;
  const bool ok = digits == 64 && sodium_hex2bin(key.data(), key.size(), text, digits, nullptr, &length, &end) == 0 &&
                  length == key.size() && end == text + digits;
  sodium_memzero(text, sizeof text);
  if (!ok) return base::fail(Code::malformed, Side::config, fmt::format("sealing key {}: not 64 hex digits", file));
  return key;
}

// The file comes into being complete, under its name, or not at all: a process that is killed half-way leaves no key
// that nobody has, and of two that begin together both end with the key of one.
base::Result<void> make_key(const std::string& file) {
  std::string temporary = file + ".XXXXXX";
  Key key;
  randombytes_buf(key.data(), key.size());
  std::string text = to_hex(key.data(), key.size()) + "\n";
  int number = 0;
  {
    const base::Descriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));  // with mode 0600
    if (!fd) return failed(file, errno);
    const bool written = ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written || ::fsync(fd.get()) != 0 || ::link(temporary.c_str(), file.c_str()) != 0) number = errno;
  }
  ::unlink(temporary.c_str());
  sodium_memzero(text.data(), text.size());
  sodium_memzero(key.data(), key.size());
  if (number == EEXIST) return {};
  if (number != 0) return failed(file, number);
  const std::string parent = std::filesystem::path(file).parent_path().string();
  const base::Descriptor folder(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return failed(file, errno);
  return {};
}

}  // namespace

struct Secrets::State {
  Key key, seal_key;
  mutable std::counting_semaphore<kHashesAtOnce> hashing{kHashesAtOnce};

  explicit State(const Key& k) : key(k) {
    crypto_kdf_derive_from_key(seal_key.data(), seal_key.size(), kForSeals, kSealContext, key.data());
  }
  ~State() {
    sodium_memzero(key.data(), key.size());
    sodium_memzero(seal_key.data(), seal_key.size());
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

namespace {
// A turn at hashing: each takes 64 MiB and a core, and logins must not take the machine.
template <class Semaphore>
class Turn {
 public:
  explicit Turn(Semaphore& semaphore) : semaphore_(semaphore) { semaphore_.acquire(); }
  ~Turn() { semaphore_.release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Semaphore& semaphore_;
};
}  // namespace

Secrets::Secrets() = default;

base::Result<Secrets> Secrets::open(const std::string& key_file) {
  begin_sodium();
  auto key = read_key(key_file);
  if (key && !*key) {
    if (auto made = make_key(key_file); !made) return std::unexpected(std::move(made.error()));
    key = read_key(key_file);
  }
  if (!key) return std::unexpected(std::move(key.error()));
  if (!*key) return base::fail(Code::resources, Side::config, "sealing key " + key_file + " went away");
  Secrets secrets;
  secrets.state_ = std::make_shared<const State>(**key);
  sodium_memzero((*key)->data(), (*key)->size());
  return secrets;
}

Secrets Secrets::ephemeral() {
  begin_sodium();
  Key key;
  randombytes_buf(key.data(), key.size());
  Secrets secrets;
  secrets.state_ = std::make_shared<const State>(key);
  sodium_memzero(key.data(), key.size());
  return secrets;
}

std::string Secrets::seal(std::string_view plain, std::string_view about) const {
  constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  std::string out(kNonce + plain.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  randombytes_buf(bytes, kNonce);  // 192 bits: may be drawn at random for as long as one likes
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + kNonce, nullptr, bytes_of(plain), plain.size(), bytes_of(about),
                                             about.size(), nullptr, bytes, state_->seal_key.data());
  return to_base64(bytes, out.size(), sodium_base64_VARIANT_ORIGINAL);
}

base::Result<std::string> Secrets::open_sealed(std::string_view sealed, std::string_view about) const {
  constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  const auto refused = [] { return base::fail(Code::forbidden, Side::config, "not sealed with this key for this"); };
  std::string raw(sealed.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  auto* bytes = reinterpret_cast<unsigned char*>(raw.data());
  if (sodium_base642bin(bytes, raw.size(), sealed.data(), sealed.size(), nullptr, &size, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != sealed.data() + sealed.size() || size < kNonce + kTag) {
    return refused();
  }
  std::string plain(size - kNonce - kTag, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr,
                                                 bytes + kNonce, size - kNonce, bytes_of(about), about.size(), bytes,
                                                 state_->seal_key.data()) != 0) {
    return refused();
  }
  return plain;
}

std::array<unsigned char, 32> Secrets::derived_key(std::string_view context) const {
  char padded[crypto_kdf_CONTEXTBYTES] = {};
  std::memcpy(padded, context.data(), std::min(context.size(), sizeof padded));
  std::array<unsigned char, 32> key;
  crypto_kdf_derive_from_key(key.data(), key.size(), kForOthers, padded, state_->key.data());
  return key;
}

std::string Secrets::hash_password(std::string_view password) const {
  const Turn turn(state_->hashing);
  char text[crypto_pwhash_STRBYTES] = {};
  if (crypto_pwhash_str(text, password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return {};
  }
  return text;
}

bool Secrets::password_matches(std::string_view password, std::string_view hash) const {
  if (hash.size() >= crypto_pwhash_STRBYTES) return false;
  char text[crypto_pwhash_STRBYTES] = {};
  std::memcpy(text, hash.data(), hash.size());
  const Turn turn(state_->hashing);
  return crypto_pwhash_str_verify(text, password.data(), password.size()) == 0;
}

bool Secrets::waste_time(std::string_view password) const {
  const Turn turn(state_->hashing);
  unsigned char salt[crypto_pwhash_SALTBYTES], out[32];
  randombytes_buf(salt, sizeof salt);
  if (crypto_pwhash(out, sizeof out, password.data(), password.size(), salt, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                    crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) == 0) {
    sodium_memzero(out, sizeof out);
  }
  return false;
}

std::string Secrets::random_key(std::string_view prefix) {
  begin_sodium();
  unsigned char bytes[32];
  randombytes_buf(bytes, sizeof bytes);
  std::string key(prefix);
  key += to_base64(bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  sodium_memzero(bytes, sizeof bytes);
  return key;
}

std::string Secrets::key_hash(std::string_view key) {
  begin_sodium();
  unsigned char hash[32];
  crypto_generichash(hash, sizeof hash, bytes_of(key), key.size(), nullptr, 0);
  return to_hex(hash, sizeof hash);
}

std::string Secrets::hmac_sha256(std::string_view key, std::string_view message) {
  begin_sodium();
  crypto_auth_hmacsha256_state state;
  unsigned char out[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(message), message.size());
  crypto_auth_hmacsha256_final(&state, out);
  sodium_memzero(&state, sizeof state);
  return to_hex(out, sizeof out);
}

bool Secrets::equal(std::string_view a, std::string_view b) {
  begin_sodium();
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace fairlead::control
