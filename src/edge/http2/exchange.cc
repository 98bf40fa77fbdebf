#include "edge/http2/exchange.h"

#include <algorithm>
#include <cerrno>

#include "edge/http2/connection.h"
#include "edge/worker.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;

std::unexpected<base::Error> gone_away() { return base::fail(Code::closed, Side::client, "the stream was reset"); }

}  // namespace

Http2Exchange::Http2Exchange(std::unique_ptr<Http2Stream> stream, protocol::Http2Request request)
    : stream_(std::move(stream)), length_(request.content_length), id_(stream_->id()), no_body_(request.ended) {
  head_ = std::move(request.head);
  client_ = &stream_->connection().client();
  started_ = stream_->loop().now();
}

net::Task<base::Result<BodyPart>> Http2Exchange::read_body(base::Duration idle) {
  if (no_body_) co_return BodyPart{{}, true};
  net::Chunk chunk;
  {
    net::ReadDeadline deadline(*stream_, base::later(stream_->loop().now(), idle));
    chunk = co_await stream_->read();
  }
  if (chunk.size == 0) {
    if (chunk.error != 0) co_return std::unexpected(base::from_errno(chunk.error, Side::client, "body"));
    trailers_ = stream_->connection().take_trailers(*stream_);
    co_return BodyPart{{}, true};
  }
  add_body_in(chunk.size);
  co_return BodyPart{chunk.view(), false};
}

void Http2Exchange::add_own(protocol::ResponseHead& head) const {
  if (!layer7_) return;
  for (const auto& f : layer7_->add_header) head.fields.add(f.name, f.value);
}

net::Task<base::Result<void>> Http2Exchange::send_interim(protocol::ResponseHead head) {
  if (!stream_->connection().send_interim(*stream_, head)) co_return gone_away();
  co_return base::Result<void>{};
}

// `hold` needs nothing done: what is sent in one turn leaves in one write.
net::Task<base::Result<void>> Http2Exchange::send_head(protocol::ResponseHead head, AnswerBody body, bool) {
  if (body.kind == AnswerBody::Kind::unknown) head.fields.remove("content-length");
  add_own(head);
  bodiless_answer_ = body.kind == AnswerBody::Kind::none;
  if (!stream_->connection().send_head(*stream_, head, bodiless_answer_)) co_return gone_away();
  status_ = head.status;
  co_return base::Result<void>{};
}

net::Task<base::Result<void>> Http2Exchange::send_body(std::string_view data) {
  if (data.empty() || bodiless_answer_) co_return base::Result<void>{};
  const std::size_t size = data.size();  // the data itself is lent until the first wait
  const auto longest = stream_->connection().worker().limits().client_send_timeout;
  net::StreamDeadline deadline(*stream_, base::later(stream_->loop().now(), longest));
  const int error = co_await stream_->write(data);
  add_body_out(error == 0 ? size : size - std::min(size, stream_->unsent()));
  if (error == 0) co_return base::Result<void>{};
  if (error == ETIMEDOUT) stream_->connection().count(Http2Limit::slow_client);
  co_return std::unexpected(base::from_errno(error, Side::client, "write"));
}

net::Task<base::Result<void>> Http2Exchange::send_end(const protocol::Fields& trailers) {
  if (bodiless_answer_) co_return base::Result<void>{};
  if (!stream_->connection().end(*stream_, trailers)) co_return gone_away();
  co_return base::Result<void>{};
}

void Http2Exchange::abort_answer() {
  stream_->reset_by(protocol::Http2Error::internal_error);
  stream_->abort_on_close();
  stream_->cancel();
}

// RFC 8441 5: 200 where HTTP/1.1 has 101, and neither Upgrade nor a Sec-WebSocket-Accept.
net::Task<base::Result<std::unique_ptr<net::ByteStream>>> Http2Exchange::accept_tunnel(protocol::ResponseHead answer) {
  answer.status = 200;
  answer.fields.remove("sec-websocket-accept");
  add_own(answer);
  if (!stream_->connection().send_head(*stream_, answer, false)) co_return gone_away();
  status_ = answer.status;
  co_return std::unique_ptr<net::ByteStream>(std::move(stream_));
}

}  // namespace fairlead::edge
