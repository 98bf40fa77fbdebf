#pragma once
// Http2Exchange: one request of an HTTP/2 client and its answer, on a stream of its own. The ClientExchange of this
// frontend; http1_frontend.cc has the other.

#include <memory>

#include "edge/client_exchange.h"
#include "edge/http2/stream.h"
#include "protocol/http2/server_codec.h"

namespace fairlead::edge {

class Http2Exchange final : public ClientExchange {
 public:
  // `stream` is this exchange's until a tunnel takes it.
  Http2Exchange(std::unique_ptr<Http2Stream> stream, protocol::Http2Request request);

  bool has_body() const override { return !no_body_; }
  std::optional<std::uint64_t> body_length() const override { return no_body_ ? 0 : length_; }
  net::Task<base::Result<BodyPart>> read_body(base::Duration idle) override;
  const protocol::Fields& trailers() const override { return trailers_; }
  void stop_reading() override { stream_->interrupt_read(125 /* ECANCELED */); }

  net::Task<base::Result<void>> send_interim(protocol::ResponseHead head) override;
  net::Task<base::Result<void>> send_head(protocol::ResponseHead head, AnswerBody body, bool hold) override;
  net::Task<base::Result<void>> send_body(std::string_view data) override;
  net::Task<base::Result<void>> send_end(const protocol::Fields& trailers) override;
  void abort_answer() override;
  net::Task<base::Result<std::unique_ptr<net::ByteStream>>> accept_tunnel(protocol::ResponseHead answer) override;

  std::uint32_t stream_id() const override { return id_; }
  net::StopToken gone() override { return stream_ ? stream_->gone() : net::StopToken(); }
  bool client_left() const override { return stream_ && stream_->gone().stop_requested(); }

 private:
  void count_wire(const std::shared_ptr<net::WireCount>& to) override { stream_->count_wire(to); }
  void add_own(protocol::ResponseHead& head) const;

  std::unique_ptr<Http2Stream> stream_;
  protocol::Fields trailers_;
  std::optional<std::uint64_t> length_;
  std::uint32_t id_;
  bool no_body_;
  bool bodiless_answer_ = false;  // END_STREAM went with the head
};

}  // namespace fairlead::edge
