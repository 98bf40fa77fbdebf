#pragma once
// CurlCall: one libcurl transfer with the settings that every transfer of this folder has: no signals, no proxy, dates,
// a way to break it off, errors as our Errors. Internal to the folder; made, run and dropped by one function on one
// thread. libcurl's header stays in the .cc files, so the handle is a void* here (as CURL is).

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/address.h"

namespace fairlead::control {

struct CurlLimits {
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds timeout{10000};
  const std::atomic<bool>* abort = nullptr;
};

class CurlCall {
 public:
  // `protocols`: "http,https"
  CurlCall(const char* protocols, const std::string& url, const CurlLimits& limits);
  ~CurlCall();
  CurlCall(const CurlCall&) = delete;
  CurlCall& operator=(const CurlCall&) = delete;

  void* handle() const { return handle_; }  // nullptr: no memory
  void trust(const std::string& ca_pem);    // instead of the system's authorities; empty: those
  void allow_only(std::function<bool(const net::SocketAddress&)> allowed);

  // Runs it; CURLE_OK (0) or another CURLcode.
  int perform();
  // The protocol's last status: of HTTP, of SMTP.
  int status() const;
  // What a CURLcode other than 0 means.
  base::Error error(int code, std::string_view what) const;

  bool refuse(const net::SocketAddress& address);  // libcurl asks, before it makes a socket

 private:
  void* handle_ = nullptr;
  std::function<bool(const net::SocketAddress&)> allowed_;
  std::string refused_;  // the last address that was not allowed
  const std::atomic<bool>* abort_;
  std::unique_ptr<char[]> words_;  // libcurl's own, of the failure
};

}  // namespace fairlead::control
