#include "protocol/http1/head_grammar.h"

#include <boost/beast/http/basic_parser.hpp>

#include "protocol/http1/head_rules.h"

namespace fairlead::protocol::detail {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// Receives what Beast reads and puts it into a head. Bodies never come here: the parser is told to skip them.
template <bool isRequest>
class HeadReader final : public http::basic_parser<isRequest> {
 public:
  using Head = std::conditional_t<isRequest, RequestHead, ResponseHead>;

  HeadReader() { this->skip(true); }

  Head head;

 private:
  void on_request_impl(http::verb, beast::string_view method, beast::string_view target, int version,
                       beast::error_code&) override {
    if constexpr (isRequest) {
      head.method = view(method);
      head.target = view(target);
      head.version = version == 10 ? HttpVersion::http10 : HttpVersion::http11;
    }
  }
  void on_response_impl(int status, beast::string_view reason, int version, beast::error_code&) override {
    if constexpr (!isRequest) {
      head.status = status;
      head.reason = view(reason);
      head.version = version == 10 ? HttpVersion::http10 : HttpVersion::http11;
    }
  }
  void on_field_impl(http::field, beast::string_view name, beast::string_view value, beast::error_code&) override {
    head.fields.add(view(name), view(value));
  }
  void on_header_impl(beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view, beast::error_code&) override { return 0; }
  void on_finish_impl(beast::error_code&) override {}
};

// Beast makes framing checks of its own before ours, and does not say exactly which one failed.
std::string_view words_for(const beast::error_code& error) {
  if (error == http::error::bad_content_length || error == http::error::multiple_content_length ||
      error == http::error::bad_transfer_encoding) {
    return "Content-Length and Transfer-Encoding together, or one of them repeated or malformed";
  }
  if (error == http::error::bad_value) return "malformed field value";
  if (error == http::error::bad_target) return "malformed target";
  if (error == http::error::bad_reason) return "malformed reason";
  return "malformed head";
}

template <bool isRequest>
Ruled<typename HeadReader<isRequest>::Head> read(std::string_view text) {
  HeadReader<isRequest> reader;
  // Room for what the edge adds to it, too.
  constexpr std::size_t kUsualFields = 24, kAdded = 384;
  reader.head.fields.reserve(kUsualFields, text.size() + kAdded);
  reader.header_limit(static_cast<std::uint32_t>(text.size()));
  beast::error_code error;
  const std::size_t used = reader.put(boost::asio::const_buffer(text.data(), text.size()), error);
  if (error) return refused(words_for(error));
  // Both layers must agree on where the head ends.
  if (used != text.size() || !reader.is_header_done()) return refused("malformed head");
  return std::move(reader.head);
}

}  // namespace

Ruled<RequestHead> read_request_head(std::string_view head) { return read<true>(head); }

Ruled<ResponseHead> read_response_head(std::string_view head) {
  // "HTTP/1.1 200" CRLF lacks the space that the grammar asks for before an empty reason (RFC 9112 4). Many origins
  // forget it and nothing is ambiguous about it; Beast does not take it, so it is put in.
  constexpr std::size_t kBare = 12;
  if (head.size() > kBare && head[kBare] == '\r') {
    std::string repaired(head);
    repaired.insert(kBare, 1, ' ');
    return read<false>(repaired);
  }
  return read<false>(head);
}

}  // namespace fairlead::protocol::detail
