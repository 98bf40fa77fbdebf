#pragma once
// FrameMeter: counts what a client's HTTP/2 frames are, from their headers alone, as the bytes come. nghttp2 does not
// tell of the frames it drops (of streams that are gone, of types it does not know, empty ones), which are just what
// floods are made of. Internal to http2; owned by the codec, stands before nghttp2; holds no payload.
//
// One kind of frame it keeps from nghttp2: a SETTINGS acknowledgement more than we asked for, as libwebsockets sends.
// RFC 9113 6.5.3 has no error for it, and nghttp2 would end the connection. It counts as a SETTINGS frame.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/http2/server_codec.h"

namespace fairlead::protocol::detail {

class FrameMeter {
 public:
  // The next bytes of the connection, preface included. Adds to all of `activity` but resets and data_frames_sent; of
  // resets it counts the client's RST_STREAM frames. What is for nghttp2 goes to `pass` (a piece of `bytes`, or a frame
  // header that came in parts), until that returns false.
  template <class Pass>
  void feed(std::string_view bytes, Http2Activity& activity, Pass pass) {
    while (!bytes.empty()) {
      const Step step = look(bytes, activity);
      if (!step.before.empty() && !pass(step.before)) return;
      if (!step.header.empty() && !pass(step.header)) return;
      bytes.remove_prefix(step.used);
    }
  }

  // A HEADERS frame was begun (as far as its type) and the head it opens is not complete: CONTINUATION is owed, or the
  // rest of a frame. Trailers are a head, too.
  bool head_under_way() const;

  // Of all heads so far, in how many CONTINUATION frames came the one that took most.
  std::size_t most_continuations() const { return most_continuations_; }

 private:
  // What comes of the first `used` bytes of an input: first `before`, then a header of which parts came earlier.
  struct Step {
    std::size_t used = 0;
    std::string_view before{}, header{};
  };
  // As far as a frame that is not for nghttp2, or the header of one that began in an earlier input.
  Step look(std::string_view bytes, Http2Activity& activity);
  void take_payload(std::string_view& bytes, Http2Activity& activity);
  bool acknowledges_nothing();
  void frame_begins(Http2Activity& activity);
  void frame_ends();
  void count_empty(std::size_t padding, Http2Activity& activity);

  std::array<unsigned char, 9> header_{};  // RFC 9113 4.1
  std::size_t header_size_ = 0;            // bytes of it that have come
  std::size_t preface_left_ = kHttp2Preface.size();
  std::size_t payload_left_ = 0;
  std::uint32_t highest_stream_ = 0;
  std::size_t acknowledgements_due_ = 1;  // of our SETTINGS, which go out once
  std::size_t continuations_ = 0, most_continuations_ = 0;
  bool padding_due_ = false;  // the next byte of the payload is the Pad Length
  bool head_open_ = false;    // a HEADERS frame was complete, its END_HEADERS has not come
};

}  // namespace fairlead::protocol::detail
