#include "control/delivery/curl_call.h"

#include <curl/curl.h>
#include <errno.h>
#include <fmt/format.h>

#include <mutex>

namespace fairlead::control {

using base::Code;
using base::Error;
using base::Retry;
using base::Side;

namespace {

int on_progress(void* abort, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(abort)->load(std::memory_order_relaxed) ? 1 : 0;
}

// Every address goes through here between its name's resolution and its connection.
curl_socket_t on_socket(void* call, curlsocktype /*purpose*/, curl_sockaddr* to) {
  const auto address = net::SocketAddress::from_native(&to->addr, to->addrlen);
  if (static_cast<CurlCall*>(call)->refuse(address)) return CURL_SOCKET_BAD;
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

Code code_of(int code, long os_error) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return Code::malformed;
    case CURLE_COULDNT_RESOLVE_HOST: return Code::unreachable;
    case CURLE_COULDNT_CONNECT: return os_error == ECONNREFUSED ? Code::refused : Code::unreachable;
    case CURLE_OPERATION_TIMEDOUT: return Code::timeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE: return Code::certificate;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED: return Code::tls;
    case CURLE_ABORTED_BY_CALLBACK: return Code::cancelled;
    case CURLE_LOGIN_DENIED: return Code::forbidden;
    case CURLE_WRITE_ERROR: return Code::too_large;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT: return Code::resources;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE: return Code::reset;
    default: return Code::protocol;
  }
}

}  // namespace

CurlCall::CurlCall(const char* protocols, const std::string& url, const CurlLimits& limits)
    : abort_(limits.abort), words_(new char[CURL_ERROR_SIZE]{}) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  handle_ = curl_easy_init();
  if (!handle_) return;
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  // A name that is still being resolved does not hold up the end of a call.
  curl_easy_setopt(handle_, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, words_.get());
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, protocols);
  curl_easy_setopt(handle_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle_, CURLOPT_PROXY, "");
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_timeout.count()));
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.timeout.count()));
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETFUNCTION, on_socket);
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETDATA, this);
  if (abort_) {
    curl_easy_setopt(handle_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle_, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle_, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(abort_));
  }
}

CurlCall::~CurlCall() { curl_easy_cleanup(handle_); }

void CurlCall::trust(const std::string& ca_pem) {
  if (ca_pem.empty()) return;
  curl_blob blob{const_cast<char*>(ca_pem.data()), ca_pem.size(), CURL_BLOB_COPY};
  curl_easy_setopt(handle_, CURLOPT_CAINFO_BLOB, &blob);
  curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);  // and no others
}

void CurlCall::allow_only(std::function<bool(const net::SocketAddress&)> allowed) { allowed_ = std::move(allowed); }

bool CurlCall::refuse(const net::SocketAddress& address) {
  if (!allowed_ || allowed_(address)) return false;
  refused_ = address.to_string();
  return true;
}

int CurlCall::perform() { return handle_ ? curl_easy_perform(handle_) : CURLE_FAILED_INIT; }

int CurlCall::status() const {
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

Error CurlCall::error(int code, std::string_view what) const {
  long os_error = 0;
  if (handle_) curl_easy_getinfo(handle_, CURLINFO_OS_ERRNO, &os_error);
  if (code == CURLE_COULDNT_CONNECT && !refused_.empty()) {
    return Error(Code::forbidden, Side::origin, fmt::format("{}: {} is not to be connected to", what, refused_),
                 Retry::later);
  }
  const Code meaning = code_of(code, os_error);
  const char* words = words_[0] ? words_.get() : curl_easy_strerror(static_cast<CURLcode>(code));
  return Error(meaning, Side::origin, fmt::format("{}: {}", what, words),
               meaning == Code::malformed ? Retry::never : Retry::later);
}

}  // namespace fairlead::control
