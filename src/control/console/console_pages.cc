#include "control/console/console_pages.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "control/api/api.h"
#include "control/failure.h"
#include "control/secrets.h"

namespace fairlead::control {
namespace {

constexpr std::string_view kNonceMark = "%CSP_NONCE%";  // in index.html

const ConsoleFile* find(std::string_view path) {
  const auto files = console_files();
  const auto at = std::ranges::find(files, path, &ConsoleFile::path);
  return at == files.end() ? nullptr : &*at;
}

std::string inflated(std::string_view gzip) {
  z_stream stream{};
  if (::inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  std::string text;
  std::array<char, 16384> buffer;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = buffer.size();
    result = ::inflate(&stream, Z_NO_FLUSH);
    text.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  ::inflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("a file of the console is damaged");
  return text;
}

// The coding "gzip" or "*" is named, and not with the weight 0 (RFC 9110 section 12.5.3).
bool takes_gzip(const ApiRequest& request) {
  const std::string* codings = request.field("accept-encoding");
  if (!codings) return false;
  for (std::size_t at = 0; at < codings->size();) {
    const std::size_t end = std::min(codings->find(',', at), codings->size());
    std::string one = codings->substr(at, end - at);
    std::erase_if(one, [](char c) { return c == ' ' || c == '\t'; });
    std::ranges::transform(one, one.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (one == "gzip" || one == "*" || (one.starts_with("gzip;q=") && one.find_first_of("123456789", 7) != one.npos))
      return true;
    at = end + 1;
  }
  return false;
}

// Whether who asks for it would show it: a link to "/assets/old.js" is not to be answered with a page.
bool is_page(std::string_view path) {
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return !path.starts_with("/assets/") && path.find("/.") == path.npos &&
         (last.find('.') == last.npos || path.starts_with("/domains/"));
}

ApiResponse the_page(const ConsoleFile& index) {
  const std::string nonce = Secrets::random_key("");
  std::string text = inflated(index.gzip);
  for (std::size_t at; (at = text.find(kNonceMark)) != text.npos;) text.replace(at, kNonceMark.size(), nonce);
  ApiResponse response;
  response.fields = {{"content-type", "text/html; charset=utf-8"},
                     {"cache-control", "no-store"},
                     {"content-security-policy",
                      "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce +
                          "'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
                          "form-action 'none'; frame-ancestors 'none'"},
                     {"cross-origin-opener-policy", "same-origin"},
                     {"permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"}};
  response.body = std::move(text);
  return response;
}

ApiResponse the_file(const ConsoleFile& file, const ApiRequest& request) {
  ApiResponse response;
  response.fields = {{"content-type", std::string(file.type)},
                     {"etag", std::string(file.etag)},
                     {"vary", "accept-encoding"},
                     {"cache-control", file.immutable ? "public, max-age=31536000, immutable" : "public, max-age=300"}};
  const std::string* known = request.field("if-none-match");
  if (known && known->find(file.etag) != known->npos) {
    response.status = 304;
    return response;
  }
  if (takes_gzip(request)) {
    response.fields.emplace_back("content-encoding", "gzip");
    response.body = file.gzip;
  } else {
    response.body = inflated(file.gzip);
  }
  return response;
}

}  // namespace

ApiResponse console_page(const ApiRequest& request) {
  const ConsoleFile* file = find(request.path);
  const ConsoleFile* index = find("/index.html");
  ApiResponse response;
  if (file && file != index) {
    response = the_file(*file, request);
  } else if (index && (file == index || is_page(request.path))) {
    response = the_page(*index);
  } else {
    response = problem_response(not_found("page").error());
  }
  response.fields.emplace_back("x-content-type-options", "nosniff");
  response.fields.emplace_back("referrer-policy", "no-referrer");
  return response;
}

}  // namespace fairlead::control
