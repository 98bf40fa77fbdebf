#include "edge/http_exchange.h"

#include <exception>
#include <optional>

#include "edge/origin_connection.h"
#include "edge/origin_dial.h"
#include "edge/problem.h"
#include "edge/worker.h"
#include "protocol/http1/serialize.h"

namespace fairlead::edge {
namespace {

using base::Code;
using base::Side;

// Heads of 1xx that an origin may send before its answer; they cost the edge a write each, and over HTTP/2 nothing
// makes the origin wait until the client has taken them.
constexpr std::size_t kMostInterim = 32;

// RFC 9110 9.2.2: what may be sent twice without being done twice.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE" ||
         method == "TRACE";
}

// RFC 9110 9.2.2: a proxy repeats nothing that is not idempotent. A body is gone once it was sent.
bool is_repeatable(const ClientExchange& client) { return !client.has_body() && is_idempotent(client.head().method); }

// The way of a request's body from client to origin, beside the answer's way back. Its own task, because an origin may
// answer, even in full, before it has read everything.
class BodyUpload {
 public:
  BodyUpload(ClientExchange& client, OriginConnection& origin, const model::DomainPolicy& policy, bool chunked)
      : client_(client), origin_(origin), policy_(policy), chunked_(chunked), clock_(origin.stream(), base::kNever) {}

  net::Task<void> run() {
    net::EventLoop& loop = origin_.stream().loop();
    const model::Layer7& settings = policy_.layer7;
    const std::uint64_t limit = settings.client_max_body_size;
    for (;;) {
      auto part = co_await client_.read_body(settings.client_body_timeout);
      if (!part) co_return fail(part.error());
      if (client_.body_in() > limit) {
        co_return fail(base::Error(Code::too_large, Side::client, "client_max_body_size"));
      }
      const auto due = base::later(loop.now(), settings.proxy_send_timeout);
      // The data is lent until the first wait, so it goes first; the framing behind it is ours.
      std::string before, after;
      if (chunked_ && !part->data.empty()) {
        protocol::append_chunk_header(before, part->data.size());
        after = protocol::kChunkEnd;
      }
      if (chunked_ && part->end && !protocol::append_last_chunk(after, client_.trailers())) {
        (void)protocol::append_last_chunk(after, {});
      }
      const bool end = part->end;
      if (auto sent = co_await origin_.send(before, part->data, due); !sent) co_return fail(sent.error());
      if (!after.empty()) {
        if (auto sent = co_await origin_.send(after, {}, due); !sent) co_return fail(sent.error());
      }
      if (end) break;
    }
    done = true;
    await_answer();
  }

  // The head has come: what follows has clocks of its own.
  void answered() {
    answered_ = true;
    clock_.move(base::kNever);
  }

  // run() ended by an exception (no memory): the edge's own failure, which ends the exchange with the origin, for
  // nobody will send it the rest of the request.
  void threw() noexcept {
    error = base::Error(Code::resources, Side::edge);
    origin_.stream().cancel();
  }

  // When the head is due: R8's clock is the origin's, so the time that a client takes to send its body does not count.
  net::TimePoint answer_due = base::kNever;
  bool done = false;  // all of it was accepted by the origin's connection
  std::optional<base::Error> error;

 private:
  void fail(base::Error e) {
    error = std::move(e);
    await_answer();
    // The client's failures end the exchange with the origin, also when nobody reads its answer yet: the body may have
    // come with the head. The origin's own failures may have an answer under way.
    if (error->side == Side::client) origin_.stream().cancel();
  }

  // For the read under way; later ones are given the date.
  void await_answer() {
    if (answered_) return;
    answer_due = base::later(origin_.stream().loop().now(), policy_.origin_request_timeout);
    clock_.move(answer_due);
  }

  ClientExchange& client_;
  OriginConnection& origin_;
  const model::DomainPolicy& policy_;
  bool chunked_;
  bool answered_ = false;
  net::ReadDeadline clock_;
};

protocol::RequestHead origin_head(const ClientExchange& client, const Domain& domain, bool& chunked) {
  protocol::RequestHead head = client.head();
  protocol::remove_hop_by_hop(head.fields);
  chunked = client.has_body() && !client.body_length();
  if (chunked) head.fields.add("Transfer-Encoding", "chunked");
  // HTTP/2 says by END_STREAM what HTTP/1.1 has to say in a field, or some origins answer 411 (RFC 9110 8.6).
  const bool may_have_body = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  if (may_have_body && !client.has_body() && !head.fields.contains("content-length")) {
    head.fields.add("Content-Length", "0");
  }
  prepare_for_origin(head, client, domain.policy());
  return head;
}

Problem problem_of_upload(const base::Error& e) {
  if (e.side == Side::edge) return problem_of(e);
  if (e.code == Code::too_large) return {413, "body_too_large", e.context};
  if (e.code == Code::timeout) return {408, "request_body_timeout", "the request body did not arrive in time"};
  return {400, "malformed_body", e.context};
}

// One exchange with an origin that was dialled. Gives back an error only while the client has not been answered and the
// request may be sent again elsewhere.
net::Task<base::Result<void>> try_origin(Worker& worker, ClientExchange& client, const Domain& domain,
                                         DialledOrigin dialled, RequestOutcome& outcome, net::TimePoint head_due) {
  const model::DomainPolicy& policy = domain.policy();
  OriginConnection origin(std::move(dialled.stream), client.head().method, dialled.reused);
  const net::StopCallback on_stop(client.gone(), [&origin] { origin.stream().cancel(); });
  bool chunked = false;
  std::string out;
  if (!protocol::append_request_head(out, origin_head(client, domain, chunked))) {
    outcome.error = "malformed_request";
    co_await answer_problem(client, {400, "malformed_request", "a field cannot be passed on"});
    co_return base::Result<void>{};
  }
  const bool repeatable = is_repeatable(client);
  if (auto sent = co_await origin.send(out, {}, head_due); !sent && repeatable) {
    if (!origin.reused()) dialled.failed(worker, sent.error());
    co_return sent;
  }

  BodyUpload upload(client, origin, policy, chunked);
  net::TaskScope uploads(worker.loop(), [&upload](const char*) { upload.threw(); });
  if (client.has_body()) uploads.spawn(upload.run());

  base::Result<void> passed;
  std::size_t interim = 0;
  base::Result<protocol::ResponseHead> head = base::fail(Code::internal, Side::edge);
  // The upload refers to what is on this frame: whatever is thrown waits until it has ended.
  std::exception_ptr escaped;
  try {
    for (;;) {
      head = co_await origin.read_head(client.has_body() ? upload.answer_due : head_due);
      if (!head || head->status >= 200) break;
      if (head->status == 101) {
        head = base::fail(Code::protocol, Side::origin, "101 to a request that asked for no upgrade");
        break;
      }
      if (++interim > kMostInterim) {
        head = base::fail(Code::protocol, Side::origin, "interim answers without end");
        break;
      }
      protocol::remove_hop_by_hop(head->fields);
      passed = co_await client.send_interim(std::move(*head));
      if (!passed) break;
    }
    upload.answered();

    if (head && passed) {
      outcome.origin_status = head->status;
      dialled.answered(worker, head->status);
      if (dialled.set_cookie) head->fields.add("Set-Cookie", *dialled.set_cookie);
      passed = co_await pass_answer(client, origin, std::move(*head), policy.layer7.proxy_read_timeout);
    }
  } catch (...) {
    escaped = std::current_exception();
  }
  if (uploads.size() != 0) {
    // Answered (or failed) before the whole body was read: what the client still sends is nobody's.
    client.stop_reading();
    origin.stream().cancel();
    co_await uploads.join();
  }
  if (escaped) std::rethrow_exception(escaped);
  // What ended the upload, if that was not the origin. `cancelled` is no failure of the client's: it was told to stop
  // because the origin's side is over.
  const bool upload_failed =
      upload.error && upload.error->side != Side::origin && upload.error->code != Code::cancelled;
  if (!head) {
    if (upload_failed) {
      const Problem p = problem_of_upload(*upload.error);
      outcome.error = p.code;
      outcome.close_by = base::to_string(upload.error->side);
      co_await answer_problem(client, p);
      co_return base::Result<void>{};
    }
    // A connection from the pool that closes without a word had been closed before it was asked: that says nothing of
    // the origin's health.
    const bool stale = origin.reused() && !origin.answered() && head.error().code != Code::timeout;
    if (!stale) dialled.failed(worker, head.error());
    if (repeatable && !origin.answered()) co_return std::unexpected(head.error());
    const Problem p = problem_of(head.error());
    outcome.origin_failed(head.error());
    outcome.error = p.code;
    outcome.close_by = to_string(CloseBy::origin);
    co_await answer_problem(client, p);
    co_return base::Result<void>{};
  }
  if (!passed) {
    // Whose body broke off has broken off the answer, too.
    const Side by = upload_failed ? upload.error->side : passed.error().side;
    outcome.error = by == Side::client ? "client_gone" : "answer_cut_short";
    outcome.close_by = base::to_string(by);
    if (by != Side::client) outcome.origin_failed(passed.error());
  } else if (origin.reusable() && (!client.has_body() || upload.done)) {
    dialled.keep(worker, origin.take_stream());
  }
  co_return base::Result<void>{};
}

net::Task<void> proxy_to_origin(Worker& worker, ClientExchange& client, const std::shared_ptr<const Domain>& domain,
                                RequestOutcome& outcome) {
  const net::TimePoint due = base::later(worker.loop().now(), domain->policy().origin_request_timeout);
  Tried tried;
  base::Error last(Code::unreachable, Side::origin, "no origin");
  // Each origin is asked once; a connection from the pool that turns out dead does not count as having asked.
  bool asked = false;
  // What cannot be repeated is not risked on a connection that the origin may just be closing.
  for (bool from_pool = is_repeatable(client);;) {
    auto dialled = co_await dial_origin(worker, client, domain, tried, due, OriginLease::Kind::request, from_pool);
    if (!dialled) {
      if (!asked) last = dialled.error();
      break;
    }
    asked = true;
    outcome.origin = dialled->address;
    const bool reused = dialled->reused;
    auto done = co_await try_origin(worker, client, *domain, std::move(*dialled), outcome, due);
    if (done) co_return;
    last = done.error();
    if (last.code == Code::timeout || last.code == Code::cancelled) break;
    if (reused) from_pool = false;
  }
  const Problem p = problem_of(last);
  outcome.origin_failed(last);
  outcome.error = p.code;
  outcome.close_by = to_string(CloseBy::origin);
  co_await answer_problem(client, p);
}

}  // namespace

net::Task<base::Result<void>> pass_answer(ClientExchange& client, OriginConnection& origin, protocol::ResponseHead head,
                                          base::Duration read_timeout) {
  using Kind = protocol::BodyFraming::Kind;
  try {
    const protocol::BodyFraming framing = origin.framing();
    AnswerBody body;
    if (framing.kind == Kind::length) body = {AnswerBody::Kind::length, framing.length};
    if (framing.kind == Kind::chunked || framing.kind == Kind::until_close) body.kind = AnswerBody::Kind::unknown;
    protocol::remove_hop_by_hop(head.fields);
    if (framing.kind == Kind::none && head.status >= 200 && head.status != 204 && head.status != 304 &&
        client.head().method != "HEAD") {
      head.fields.set("content-length", "0");  // a body of none must be stated, or the client waits for the end
    }
    // With bytes of the body at hand the head waits for them: one write instead of two.
    const bool at_hand = body.kind != AnswerBody::Kind::none && origin.stream().has_unread();
    if (auto sent = co_await client.send_head(std::move(head), body, at_hand); !sent) {
      origin.stream().cancel();
      co_return sent;
    }
    Http1BodyReader& reader = origin.body();
    for (bool end = framing.kind == Kind::none; !end;) {
      auto part = co_await reader.next(read_timeout);
      if (!part) {
        client.abort_answer();
        co_return std::unexpected(part.error());
      }
      end = part->end;
      if (auto sent = co_await client.send_body(part->data); !sent) {
        origin.stream().cancel();
        co_return sent;
      }
    }
    co_return co_await client.send_end(reader.trailers());
  } catch (...) {
    // No memory, in the midst of it: an answer whose end is the connection's end would look whole.
    client.abort_answer();
    throw;
  }
}

net::Task<void> proxy_http(Worker& worker, ClientExchange& client, std::shared_ptr<const Domain> domain,
                           HttpMeter& meter, RequestOutcome& outcome) {
  struct Open {
    explicit Open(Counter& c) : count(c) { count.add(); }
    ~Open() { count.sub(); }
    Counter& count;
  };
  std::optional<Open> open(std::in_place, meter.requests_open);  // counted while it lives, however this ends
  if (client.body_length().value_or(0) > domain->policy().layer7.client_max_body_size) {
    outcome.error = "body_too_large";
    co_await answer_problem(client, {413, "body_too_large", "client_max_body_size"});
  } else {
    co_await proxy_to_origin(worker, client, domain, outcome);
  }
  open.reset();
  meter.requests.add(client.status());  // 0: nobody waited for the answer
  meter.request_seconds.observe(worker.loop().now() - client.started());
}

}  // namespace fairlead::edge
