#include "control/delivery/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "control/delivery/curl_call.h"

namespace fairlead::control {

using base::Code;
using base::Retry;
using base::Side;

namespace {

constexpr std::size_t kMaxHead = 64 * 1024;  // of an answer, bytes

struct Reading {
  std::string body;
  std::size_t head = 0;
  std::size_t max_body = 0;
};

// Fewer bytes than were offered end the transfer with CURLE_WRITE_ERROR.
std::size_t on_body(char* data, std::size_t one, std::size_t size, void* to) {
  auto& reading = *static_cast<Reading*>(to);
  size *= one;
  if (size > reading.max_body - reading.body.size()) return 0;
  reading.body.append(data, size);
  return size;
}

std::size_t on_head(char*, std::size_t one, std::size_t size, void* to) {
  auto& reading = *static_cast<Reading*>(to);
  size *= one;
  reading.head += size;
  return reading.head > kMaxHead ? 0 : size;
}

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

void append(List& list, const std::string& text) {
  if (curl_slist* longer = curl_slist_append(list.get(), text.c_str())) {
    (void)list.release();
    list.reset(longer);
  }
}

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// "HOST:PORT:ADDRESS,ADDRESS" for CURLOPT_RESOLVE; empty when the URL is none, or when its host is an IPv6 address,
// which libcurl takes for an error here and needs no help with.
std::string resolve_entry(const HttpCall& call) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  char *host = nullptr, *port = nullptr;
  std::string entry;
  if (url && curl_url_set(url.get(), CURLUPART_URL, call.url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(url.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK && *host != '[' &&
      curl_url_get(url.get(), CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
    entry = fmt::format("{}:{}:", host, port);
    bool first = true;
    for (const auto& address : call.addresses) {
      const bool v6 = address.family() == net::Family::ipv6;
      entry += fmt::format("{}{}{}{}", first ? "" : ",", v6 ? "[" : "", address.ip(), v6 ? "]" : "");
      first = false;
    }
  }
  curl_free(host);
  curl_free(port);
  return entry;
}

bool has_line_end(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

}  // namespace

std::string url_place(std::string_view text) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  char *scheme = nullptr, *host = nullptr, *port = nullptr;
  std::string place = "a URL that is none";
  if (url && curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) == CURLUE_OK &&
      curl_url_get(url.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
      curl_url_get(url.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK) {
    place = fmt::format("{}://{}", scheme, host);
    if (curl_url_get(url.get(), CURLUPART_PORT, &port, 0) == CURLUE_OK) place += fmt::format(":{}", port);
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  return place;
}

base::Result<HttpAnswer> http_call(const HttpCall& call) {
  if (has_line_end(call.url)) return base::fail(Code::malformed, Side::origin, "a line end in a URL");
  CurlCall curl("http,https", call.url, {call.connect_timeout, call.timeout, call.abort});
  void* handle = curl.handle();
  if (!handle) return base::fail(Code::resources, Side::edge, "libcurl has no memory", Retry::later);
  curl.trust(call.ca_pem);
  curl.allow_only(call.allowed);
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "fairlead/" FAIRLEAD_VERSION);

  List fields, addresses;
  for (const auto& [name, value] : call.fields) {
    if (name.empty() || name.find_first_of(":;") != name.npos || has_line_end(name) || has_line_end(value)) {
      return base::fail(Code::malformed, Side::origin, fmt::format("a field that is none for {}", url_place(call.url)));
    }
    // libcurl takes "Name:" for an order to leave the field out, and "Name;" for an empty one.
    append(fields, value.empty() ? name + ";" : name + ": " + value);
  }
  append(fields, "Expect:");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, fields.get());
  if (const std::string entry = call.addresses.empty() ? "" : resolve_entry(call); !entry.empty()) {
    append(addresses, entry);
    curl_easy_setopt(handle, CURLOPT_RESOLVE, addresses.get());
  }
  if (call.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, call.body.c_str());
  } else if (call.method != "GET") {
    return base::fail(Code::malformed, Side::origin, "a method other than GET and POST");
  }

  Reading reading;
  reading.max_body = call.max_body;
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &reading);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_head);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &reading);

  if (const int done = curl.perform(); done != CURLE_OK) return std::unexpected(curl.error(done, url_place(call.url)));
  HttpAnswer answer;
  answer.status = curl.status();
  answer.body = std::move(reading.body);
  return answer;
}

}  // namespace fairlead::control
