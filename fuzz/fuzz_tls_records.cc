// The record layer, seen from a peer that holds the keys: first what anybody can send, then what only a peer that
// finished a handshake can, where the parser of alerts, KeyUpdates and padding lies. What is opened must be what was
// sealed.
//
// The input is a script: one byte says what comes, two how long it is.

#include "support.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "net/tls_records.h"

namespace {

using namespace fairlead;
using net::TlsRecordKeys;
using net::TlsRecords;
using Event = TlsRecords::Event;

constexpr net::TlsSuite kSuites[] = {net::TlsSuite::aes_128_gcm_sha256, net::TlsSuite::aes_256_gcm_sha384,
                                     net::TlsSuite::chacha20_poly1305_sha256};

struct Script {
  const std::uint8_t* data;
  std::size_t size;
  std::uint8_t byte() {
    if (size == 0) return 0;
    --size;
    return *data++;
  }
  std::string_view bytes(std::size_t most) {
    std::size_t n = static_cast<std::size_t>(byte()) << 8;
    n = std::min({(n | byte()), most, size});
    const std::string_view out(reinterpret_cast<const char*>(data), n);
    data += n;
    size -= n;
    return out;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script{data, size};
  const std::uint8_t first = script.byte();
  const net::TlsSuite suite = kSuites[first % 3];
  const auto role = first & 4 ? TlsRecords::Role::client : TlsRecords::Role::server;
  const std::uint64_t sequence = first & 8 ? TlsRecords::kRecordsPerKey - 2 : 0;
  std::vector<unsigned char> in(net::secret_size(suite), 1), out(net::secret_size(suite), 2);
  TlsRecords records(role);
  TlsRecordKeys peer;
  net::TlsRecordsCount count;
  fuzz::require(records.start(suite, {in, sequence}, {out, 0}, TlsRecords::kPlain, &count), "keys");
  fuzz::require(peer.start(suite, in, sequence), "keys");

  std::vector<unsigned char> record(TlsRecords::kProtected + 1024), plain(TlsRecords::kProtected + 1024);
  std::string stream;
  while (script.size > 0 && !records.failed()) {
    const std::uint8_t what = script.byte();
    if (what % 8 == 0) {
      // Bytes of anybody's: they must never open.
      stream.assign(script.bytes(TlsRecords::kProtected + 512));
      const std::span<const unsigned char> bytes(reinterpret_cast<const unsigned char*>(stream.data()), stream.size());
      const std::size_t n = records.measure(bytes);
      fuzz::require(n == 0 || (n > TlsRecords::kHeader && n <= TlsRecords::kProtected), "a size within bounds");
      if (records.failed() || n == 0 || n > bytes.size()) continue;
      fuzz::require(records.open(bytes.first(n), plain.data()).event == Event::failed, "nobody can make up a record");
      break;
    }
    if (what % 8 == 1) {
      // What we send meanwhile.
      if (records.key_update_due()) {
        fuzz::require(records.seal_key_update(record.data()) == TlsRecords::kKeyUpdate, "a KeyUpdate of its size");
        fuzz::require(!records.key_update_due(), "is sent once");
      }
      const std::string_view text = script.bytes(TlsRecords::kPlain);
      fuzz::require(records.seal_data(text, {}, record.data()) == text.size() + TlsRecordKeys::kOverhead,
                    "a record of its size");
      continue;
    }
    // A sealed record of any content; types 21 to 23 more often than others; sometimes with padding. Type 0 is padding
    // itself: the content then ends with its type.
    const std::uint8_t type = what % 8 < 6 ? static_cast<std::uint8_t>(21 + what % 3) : script.byte();
    std::string content(script.bytes(TlsRecords::kPlain + 256));
    const std::size_t padding = what & 64 ? script.byte() * 8u : 0;
    std::string inner = content;
    std::uint8_t outer = type;
    if (padding > 0) {
      inner += static_cast<char>(type);
      inner.append(padding - 1, '\0');
      outer = 0;
    }
    if (inner.size() > TlsRecords::kPlain + 256 - 17) continue;
    fuzz::require(peer.seal(outer, inner, {}, record.data()), "the peer seals");
    const std::size_t sealed = inner.size() + TlsRecordKeys::kOverhead;
    const std::uint64_t updates = count.key_updates_received.get();
    const std::size_t n = records.measure(std::span(record).first(sealed));
    if (records.failed()) break;
    fuzz::require(n == sealed, "measured as sealed");
    const auto opened = records.open(std::span(record).first(n), plain.data());
    switch (opened.event) {
      case Event::data:
        fuzz::require(type == 0 || (type == 23 && opened.size == content.size() &&
                                    std::memcmp(plain.data(), content.data(), content.size()) == 0),
                      "what was sealed is opened");
        break;
      case Event::closed: fuzz::require(type == 0 || (type == 21 && content.size() == 2), "by close_notify"); break;
      case Event::failed: fuzz::require(records.failed() && records.failure() != nullptr, "a refusal has words"); break;
      case Event::quiet: break;
    }
    if (opened.event == Event::closed) break;
    // The peer renews its key when it has said so.
    if (count.key_updates_received.get() != updates) fuzz::require(peer.update(), "the peer renews");
  }
  return 0;
}
