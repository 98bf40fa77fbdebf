// Opening handshakes: lines "Name: value", up to an empty line for the request, then for the answer. The first byte
// says whether the two start out as good ones, so that one changed field is tried as well as all of them.

#include "support.h"

#include <algorithm>
#include <string>

#include "protocol/websocket/frame_scanner.h"
#include "protocol/websocket/handshake.h"

namespace fairlead::protocol {
namespace {

using fuzz::require;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

// Adds or, for a field that is there already and a line that begins with '=', replaces.
std::string_view read_lines(std::string_view text, Fields& fields) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty()) break;
    const bool replace = line.front() == '=';
    if (replace) line.remove_prefix(1);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon), value = trim_ows(line.substr(colon + 1));
    replace ? fields.set(name, value) : fields.add(name, value);
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool good = (data[0] & 1) != 0;
  RequestHead request;
  request.method = (data[0] & 2) != 0 ? "POST" : "GET";
  request.target = "/";
  request.authority = "a";
  ResponseHead answer;
  answer.status = (data[0] & 4) != 0 ? 200 : 101;
  if (good) {
    request.fields.add("Upgrade", "websocket");
    request.fields.add("Connection", "Upgrade");
    request.fields.add("Sec-WebSocket-Key", kKey);
    request.fields.add("Sec-WebSocket-Version", "13");
    answer.fields.add("Upgrade", "websocket");
    answer.fields.add("Connection", "Upgrade");
    answer.fields.add("Sec-WebSocket-Accept", accept_key(kKey));
  }
  const std::string_view rest = read_lines(fuzz::text_of(data + 1, size - 1), request.fields);
  read_lines(rest, answer.fields);

  const auto opening = parse_opening(request);
  require((allowed_rsv(answer) & ~0x70) == 0, "a mask of reserved bits");
  if (!opening) {
    require(!opening.error().context.empty() && opening.error().side == base::Side::client, "a reason");
    return 0;
  }
  require(wants_upgrade(request) && request.method == "GET", "an opening handshake is a GET that upgrades");
  require(opening->key.size() == 24 && request.fields.count("sec-websocket-key") == 1, "one key of 16 bytes");
  require(!request.fields.contains("transfer-encoding"), "no body");
  auto names = opening->subprotocols;
  std::sort(names.begin(), names.end());
  require(std::adjacent_find(names.begin(), names.end()) == names.end(), "no subprotocol twice");
  require(std::all_of(names.begin(), names.end(), [](const std::string& n) { return is_token(n); }), "tokens");

  if (check_answer(answer, opening->key, *opening)) {
    require(answer.status == 101 && answer.fields.find("sec-websocket-accept") == accept_key(opening->key),
            "only the right 101 is an acceptance");
    if (const auto chosen = answer.fields.find("sec-websocket-protocol")) {
      require(std::find(names.begin(), names.end(), *chosen) != names.end(), "one of those offered");
    }
  }
  // An answer that takes everything offered is right.
  ResponseHead yes;
  yes.status = 101;
  yes.fields.add("Upgrade", "websocket");
  yes.fields.add("Connection", "Upgrade");
  yes.fields.add("Sec-WebSocket-Accept", accept_key(opening->key));
  if (!opening->subprotocols.empty()) yes.fields.add("Sec-WebSocket-Protocol", opening->subprotocols.back());
  if (!opening->extensions.empty()) yes.fields.add("Sec-WebSocket-Extensions", opening->extensions);
  require(check_answer(yes, opening->key, *opening).has_value(), "what was offered may be accepted");

  // Any text makes a good Close of the edge's.
  const ControlFrame close = encode_close(CloseCode::going_away, rest, MaskKey{1, 2, 3, 4});
  FrameScanner scanner({});
  const auto step = scanner.scan(close.bytes.data(), close.size);
  require(step.event == FrameScanner::Event::control && step.consumed == close.size, "a whole control frame");
  require(scanner.close_code() == CloseCode::going_away, "with its code");
  return 0;
}

}  // namespace fairlead::protocol
