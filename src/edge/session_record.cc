#include "edge/session_record.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <new>

namespace fairlead::edge {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

SessionRecord::Id id_of(std::string_view text) {
  SessionRecord::Id id{};
  for (std::size_t i = 0; i < std::min(text.size(), 2 * id.size()); ++i) {
    const std::size_t digit = kHex.find(text[i]);
    assert(digit != std::string_view::npos);
    id[i / 2] = static_cast<std::uint8_t>(id[i / 2] | (digit & 0xf) << (i % 2 ? 0 : 4));
  }
  return id;
}

}  // namespace

SessionRecord::SessionRecord(const AccessRecord& r) {
  std::string_view texts[kTexts] = {r.client, r.protocol, r.tls, r.method, r.origin, r.region, r.isp};
  std::size_t size = 0;
  for (std::string_view& t : texts) {
    t = t.substr(0, UINT16_MAX - size);
    size += t.size();
  }
  block_.reset(static_cast<Block*>(::operator new(std::max(sizeof(Block), offsetof(Block, texts) + size + r.target.size()))));
  Block& b = *block_;
  b.opened_ms = r.opened_ms;
  b.stream = r.stream;
  b.id = id_of(r.session_id);
  b.target_size = static_cast<std::uint32_t>(r.target.size());
  b.client_port = r.client_port;
  b.status = static_cast<std::uint16_t>(r.status);
  b.origin_status = static_cast<std::uint16_t>(r.origin_status);
  std::size_t at = 0;
  for (std::size_t i = 0; i < kTexts; ++i) {
    if (!texts[i].empty()) std::memcpy(b.texts + at, texts[i].data(), texts[i].size());
    at += texts[i].size();
    b.end[i] = static_cast<std::uint16_t>(at);
  }
  if (!r.target.empty()) std::memcpy(b.texts + at, r.target.data(), r.target.size());
}

std::string_view SessionRecord::text(Text which) const {
  const std::size_t begin = which == 0 ? 0 : block_->end[which - 1];
  return {block_->texts + begin, block_->end[which] - begin};
}

std::array<char, 24> SessionRecord::id_text() const {
  std::array<char, 24> text;
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = kHex[block_->id[i / 2] >> (i % 2 ? 0 : 4) & 0xf];
  return text;
}

std::string SessionRecord::session_id() const {
  if (block_->id == Id{}) return {};
  const std::array<char, 24> text = id_text();
  return {text.data(), text.size()};
}

AccessRecord SessionRecord::unpack(std::string_view domain) const {
  const Block& b = *block_;
  AccessRecord r;
  r.session = true;
  r.opened_ms = b.opened_ms;
  r.domain = domain;
  r.region = text(kRegion);
  r.isp = text(kIsp);
  r.client = text(kClient);
  r.client_port = b.client_port;
  r.protocol = text(kProtocol);
  r.stream = b.stream;
  r.tls = text(kTls);
  r.method = text(kMethod);
  r.target = {b.texts + b.end[kTexts - 1], b.target_size};
  r.status = b.status;
  r.origin = text(kOrigin);
  r.origin_status = b.origin_status;
  r.session_id = session_id();
  return r;
}

}  // namespace fairlead::edge
