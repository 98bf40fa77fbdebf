#include "protocol/http2/frame_meter.h"

#include <algorithm>

namespace fairlead::protocol::detail {
namespace {

enum FrameType : std::uint8_t {  // RFC 9113 6, RFC 9218 7.1
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,
};

constexpr std::uint8_t kEndStream = 0x01, kAck = 0x01, kEndHeaders = 0x04, kPadded = 0x08, kPriorityFlag = 0x20;
constexpr std::size_t kTypeAt = 3, kFlagsAt = 4, kStreamAt = 5;
constexpr std::size_t kPrioritySize = 5;

std::size_t payload_size(const std::array<unsigned char, 9>& header) {
  return std::size_t{header[0]} << 16 | std::size_t{header[1]} << 8 | header[2];
}

}  // namespace

FrameMeter::Step FrameMeter::look(std::string_view bytes, Http2Activity& activity) {
  const std::string_view all = bytes;
  const std::size_t preface = std::min(preface_left_, bytes.size());
  preface_left_ -= preface;
  bytes.remove_prefix(preface);
  const auto used = [&] { return all.size() - bytes.size(); };
  while (!bytes.empty()) {
    if (header_size_ == header_.size()) {
      take_payload(bytes, activity);
      continue;
    }
    const std::size_t start = used();
    const bool began_earlier = header_size_ != 0;
    const std::size_t n = std::min(header_.size() - header_size_, bytes.size());
    std::copy_n(bytes.begin(), n, header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
    header_size_ += n;
    bytes.remove_prefix(n);
    // A header in parts is kept until it is known whom it is for.
    if (header_size_ < header_.size()) return {used(), all.substr(0, start), {}};
    const bool spare = acknowledges_nothing();
    if (spare) {
      ++activity.settings;
    } else {
      frame_begins(activity);
    }
    if (payload_left_ == 0) frame_ends();
    if (spare) return {used(), all.substr(0, start), {}};
    if (began_earlier) {
      // It was at the front of this input, and the payload follows in the next step.
      return {used(), {}, {reinterpret_cast<const char*>(header_.data()), header_.size()}};
    }
  }
  return {used(), all, {}};
}

void FrameMeter::take_payload(std::string_view& bytes, Http2Activity& activity) {
  if (padding_due_) {
    padding_due_ = false;
    count_empty(std::size_t{1} + static_cast<unsigned char>(bytes[0]), activity);
  }
  const std::size_t n = std::min(payload_left_, bytes.size());
  payload_left_ -= n;
  bytes.remove_prefix(n);
  if (payload_left_ == 0) frame_ends();
}

// A well-formed SETTINGS acknowledgement when none is due. Any other oddity is nghttp2's to judge.
bool FrameMeter::acknowledges_nothing() {
  if (header_[kTypeAt] != kSettings || (header_[kFlagsAt] & kAck) == 0 || payload_size(header_) != 0) return false;
  if (std::any_of(header_.begin() + kStreamAt, header_.end(), [](unsigned char c) { return c != 0; })) return false;
  if (acknowledgements_due_ == 0) return true;
  --acknowledgements_due_;
  return false;
}

void FrameMeter::frame_begins(Http2Activity& activity) {
  payload_left_ = payload_size(header_);
  const std::uint8_t flags = header_[kFlagsAt];
  const std::uint32_t stream = (std::uint32_t{header_[kStreamAt]} << 24 | std::uint32_t{header_[kStreamAt + 1]} << 16 |
                                std::uint32_t{header_[kStreamAt + 2]} << 8 | header_[kStreamAt + 3]) &
                               0x7fffffffu;
  switch (header_[kTypeAt]) {
    case kHeaders:
      continuations_ = 0;
      if (stream > highest_stream_) {
        highest_stream_ = stream;
        ++activity.streams;
      }
      [[fallthrough]];
    case kData:
      padding_due_ = (flags & kPadded) != 0 && payload_left_ != 0;
      if (!padding_due_) count_empty(0, activity);
      break;
    case kContinuation:
      most_continuations_ = std::max(most_continuations_, ++continuations_);
      count_empty(0, activity);
      break;
    case kPriority:
    case kPriorityUpdate: ++activity.priorities; break;
    case kRstStream: ++activity.resets; break;
    case kSettings: activity.settings += (flags & kAck) == 0; break;
    case kPing: activity.pings += (flags & kAck) == 0; break;
    case kWindowUpdate: ++activity.window_updates; break;
    case kPushPromise:
    case kGoaway: break;
    default: ++activity.unknown_frames;
  }
}

// Whether nothing is left of the payload without `padding` (its length field included) and priority fields.
void FrameMeter::count_empty(std::size_t padding, Http2Activity& activity) {
  const std::uint8_t type = header_[kTypeAt], flags = header_[kFlagsAt];
  if (type == kData && (flags & kEndStream) != 0) return;
  const std::size_t extra = padding + (type == kHeaders && (flags & kPriorityFlag) != 0 ? kPrioritySize : 0);
  if (payload_size(header_) <= extra) ++activity.empty_frames;
}

void FrameMeter::frame_ends() {
  const std::uint8_t type = header_[kTypeAt];
  if (type == kHeaders || type == kContinuation) head_open_ = (header_[kFlagsAt] & kEndHeaders) == 0;
  header_size_ = 0;
}

bool FrameMeter::head_under_way() const {
  return head_open_ || (header_size_ > kTypeAt && header_[kTypeAt] == kHeaders);
}

}  // namespace fairlead::protocol::detail
