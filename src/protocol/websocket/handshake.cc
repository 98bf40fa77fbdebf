#include "protocol/websocket/handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <optional>

namespace fairlead::protocol {
namespace {

using base::Code;
using base::Retry;
using base::Side;

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
constexpr std::size_t kSha1Size = 20;

std::string base64(std::span<const unsigned char> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a NUL
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Looked up once: by name, as EVP_sha1() has it done again for every digest, costs more than the digest of a key.
const EVP_MD* sha1() {
  static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  return kSha1 != nullptr ? kSha1 : EVP_sha1();
}

// 16 bytes in base64 are 22 characters and "==". The four spare bits of the last character are let be: the accept key
// is made from the text, so nobody decodes it.
bool is_key(std::string_view text) {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  return std::all_of(text.begin(), text.begin() + 22, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

std::unexpected<base::Error> bad_request(std::string why) {
  return base::fail(Code::malformed, Side::client, std::move(why));
}

std::unexpected<base::Error> bad_answer(std::string why) {
  return base::fail(Code::protocol, Side::origin, "opening handshake: " + std::move(why), Retry::elsewhere);
}

// A quoted-string whose content is a token, as extension parameters have to be (RFC 6455 9.1).
bool is_quoted_token(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' && is_token(text.substr(1, text.size() - 2));
}

// The name of one extension in "name; a; b=c", or nullopt when it is not of the grammar of RFC 6455 9.1.
std::optional<std::string_view> extension_name(std::string_view extension) {
  std::optional<std::string_view> name;
  while (true) {
    const std::size_t semicolon = extension.find(';');
    const std::string_view part = trim_ows(extension.substr(0, semicolon));
    if (!name) {
      if (!is_token(part)) return std::nullopt;
      name = part;
    } else {
      const std::size_t equals = part.find('=');
      if (!is_token(trim_ows(part.substr(0, equals)))) return std::nullopt;
      if (equals != std::string_view::npos) {
        const std::string_view value = trim_ows(part.substr(equals + 1));
        if (!is_token(value) && !is_quoted_token(value)) return std::nullopt;
      }
    }
    if (semicolon == std::string_view::npos) return name;
    extension = extension.substr(semicolon + 1);
  }
}

// The names of all extensions of a list of fields; nullopt when one is not of the grammar.
std::optional<std::vector<std::string_view>> extension_names(std::string_view list) {
  std::vector<std::string_view> names;
  const bool good = for_each_list_member(list, [&names](std::string_view member) {
    const auto name = extension_name(member);
    if (name) names.push_back(*name);
    return name.has_value();
  });
  if (!good) return std::nullopt;
  return names;
}

std::string join(const std::vector<std::string_view>& values) {
  std::string list;
  for (const std::string_view value : values) {
    if (value.empty()) continue;
    if (!list.empty()) list += ", ";
    list += value;
  }
  return list;
}

bool contains_nocase(const std::vector<std::string_view>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [name](std::string_view n) { return equal_nocase(n, name); });
}

}  // namespace

bool wants_upgrade(const RequestHead& head) {
  if (head.version == HttpVersion::http2) return head.protocol == "websocket";
  return head.fields.has_token("upgrade", "websocket") && head.fields.has_token("connection", "upgrade");
}

base::Result<OpeningHandshake> parse_opening(const RequestHead& head) {
  if (!wants_upgrade(head)) return bad_request("no Upgrade to websocket");
  const bool http2 = head.version == HttpVersion::http2;
  if (http2) {
    if (head.method != "CONNECT") return bad_request("opening handshake over HTTP/2 with a method other than CONNECT");
  } else {
    if (head.method != "GET") return bad_request("opening handshake with a method other than GET");
    if (head.version != HttpVersion::http11) return bad_request("opening handshake over HTTP/1.0");
  }
  if (head.authority.empty()) return bad_request("opening handshake without Host");
  if (head.fields.contains("transfer-encoding")) return bad_request("opening handshake with a body");
  for (const std::string_view length : head.fields.all("content-length")) {
    if (length != "0") return bad_request("opening handshake with a body");
  }

  const auto [versions, version] = head.fields.only("sec-websocket-version");
  if (versions > 1 || (versions == 0 && !http2)) {
    return bad_request("opening handshake needs one Sec-WebSocket-Version");
  }
  if (versions != 0 && version != "13") {
    const bool number = !version.empty() && version.size() <= 3 &&
                        version.find_first_not_of("0123456789") == std::string_view::npos;
    if (!number) return bad_request("Sec-WebSocket-Version is no version");
    return base::fail(Code::unsupported, Side::client, "Sec-WebSocket-Version " + std::string(version));
  }

  OpeningHandshake opening;
  if (!http2) {
    const auto [keys, key] = head.fields.only("sec-websocket-key");
    if (keys != 1) return bad_request("opening handshake needs one Sec-WebSocket-Key");
    if (!is_key(key)) return bad_request("Sec-WebSocket-Key is not 16 bytes in base64");
    opening.key = key;
  }
  for (const std::string_view value : head.fields.all("sec-websocket-protocol")) {
    std::string_view wrong;
    for_each_list_member(value, [&opening, &wrong](std::string_view name) {
      if (!is_token(name)) {
        wrong = "Sec-WebSocket-Protocol has a member that is no token";
      } else if (std::find(opening.subprotocols.begin(), opening.subprotocols.end(), name) !=
                 opening.subprotocols.end()) {
        wrong = "Sec-WebSocket-Protocol names a subprotocol twice";  // RFC 6455 4.1
      } else {
        opening.subprotocols.emplace_back(name);
      }
      return wrong.empty();
    });
    if (!wrong.empty()) return bad_request(std::string(wrong));
  }
  opening.extensions = join(head.fields.all("sec-websocket-extensions"));
  if (!extension_names(opening.extensions)) return bad_request("Sec-WebSocket-Extensions is malformed");
  return opening;
}

std::string accept_key(std::string_view key) {
  std::string text;
  text.reserve(key.size() + kGuid.size());
  text.append(key).append(kGuid);
  std::array<unsigned char, kSha1Size> digest{};
  unsigned size = 0;
  // Fails only where SHA-1 is switched off altogether; the answer is then an accept value that no peer takes for right.
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, sha1(), nullptr) != 1) return {};
  return base64(digest);
}

std::string make_key(std::span<const std::uint8_t, 16> random) { return base64(random); }

base::Result<void> check_answer(const ResponseHead& answer, std::string_view key, const OpeningHandshake& offered) {
  const Fields& fields = answer.fields;
  if (answer.status != 101) return bad_answer("status " + std::to_string(answer.status));
  if (answer.version != HttpVersion::http11) return bad_answer("101 over HTTP/1.0");
  const auto [upgrades, upgrade] = fields.only("upgrade");
  if (upgrades != 1 || !equal_nocase(upgrade, "websocket")) return bad_answer("Upgrade is not websocket");
  if (!fields.has_token("connection", "upgrade")) return bad_answer("Connection does not say upgrade");
  const auto [accepts, accept] = fields.only("sec-websocket-accept");
  const std::string expected = accept_key(key);
  if (accepts != 1 || expected.empty() || accept != expected)
    return bad_answer("wrong Sec-WebSocket-Accept");

  const auto [subprotocols, subprotocol] = fields.only("sec-websocket-protocol");
  if (subprotocols > 1) return bad_answer("more than one Sec-WebSocket-Protocol");
  if (subprotocols != 0 && std::find(offered.subprotocols.begin(), offered.subprotocols.end(), subprotocol) ==
                               offered.subprotocols.end()) {
    return bad_answer("a subprotocol that was not offered");
  }
  const std::string extensions = join(fields.all("sec-websocket-extensions"));
  const auto names = extension_names(extensions);
  const auto offers = extension_names(offered.extensions);
  if (!names || !offers) return bad_answer("malformed Sec-WebSocket-Extensions");
  for (const std::string_view name : *names) {
    if (!contains_nocase(*offers, name)) return bad_answer("an extension that was not offered");
  }
  return {};
}

std::uint8_t allowed_rsv(const ResponseHead& answer) {
  const std::string extensions = join(answer.fields.all("sec-websocket-extensions"));
  const auto names = extension_names(extensions);
  if (!names) return 0x70;
  std::uint8_t mask = 0;
  for (const std::string_view name : *names) mask |= equal_nocase(name, "permessage-deflate") ? 0x40 : 0x70;
  return mask;
}

}  // namespace fairlead::protocol
