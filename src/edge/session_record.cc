#include "edge/session_record.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

namespace fairlead::edge {

SessionRecord::SessionRecord(const AccessRecord& r) {
  const std::string_view texts[kTexts] = {r.client, r.tls, r.method, r.target, r.origin, r.session_id};
  std::size_t size = 0;
  for (const std::string_view t : texts) size += t.size();
  block_.reset(static_cast<Block*>(::operator new(std::max(sizeof(Block), offsetof(Block, texts) + size))));
  Block& b = *block_;
  b.opened_ms = r.opened_ms;
  b.region = r.region.data();
  b.isp = r.isp.data();
  b.protocol = r.protocol.data();
  b.stream = r.stream;
  b.region_size = static_cast<std::uint16_t>(r.region.size());
  b.isp_size = static_cast<std::uint16_t>(r.isp.size());
  b.client_port = r.client_port;
  b.status = static_cast<std::uint16_t>(r.status);
  b.origin_status = static_cast<std::uint16_t>(r.origin_status);
  b.protocol_size = static_cast<std::uint8_t>(r.protocol.size());
  std::size_t at = 0;
  for (std::size_t i = 0; i < kTexts; ++i) {
    if (!texts[i].empty()) std::memcpy(b.texts + at, texts[i].data(), texts[i].size());
    at += texts[i].size();
    b.end[i] = static_cast<std::uint32_t>(at);
  }
}

std::string_view SessionRecord::text(Text which) const {
  const std::uint32_t begin = which == 0 ? 0 : block_->end[which - 1];
  return {block_->texts + begin, block_->end[which] - begin};
}

AccessRecord SessionRecord::unpack(std::string_view domain) const {
  const Block& b = *block_;
  AccessRecord r;
  r.session = true;
  r.opened_ms = b.opened_ms;
  r.domain = domain;
  r.region = {b.region, b.region_size};
  r.isp = {b.isp, b.isp_size};
  r.client = text(kClient);
  r.client_port = b.client_port;
  r.protocol = {b.protocol, b.protocol_size};
  r.stream = b.stream;
  r.tls = text(kTls);
  r.method = text(kMethod);
  r.target = text(kTarget);
  r.status = b.status;
  r.origin = text(kOrigin);
  r.origin_status = b.origin_status;
  r.session_id = text(kSessionId);
  return r;
}

}  // namespace fairlead::edge
