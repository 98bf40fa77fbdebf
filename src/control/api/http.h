#pragma once
// One request to the REST API and its answer, as plain values: what carries them (the admin listener, a test, the
// fuzzer) is no matter of the API's. Nothing here knows a socket or an HTTP library.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::control {

using ApiFields = std::vector<std::pair<std::string, std::string>>;

struct ApiRequest {
  std::string method;  // "GET"
  std::string path;    // as on the wire, percent-encoded, without query: "/v1/domains/live.example.com"
  std::string query;   // as on the wire, without "?"; empty: none
  ApiFields fields;    // names in lower case, in the order received, values without white space round them
  std::string body;
  std::string source_address;  // of the client: an IP address, or empty over a Unix socket
  bool secure = false;         // TLS, a Unix socket, or loopback: what it says was not read on the way
  bool tls = false;            // it came over TLS to this very listener: cookies are for TLS alone

  // The first field of that name (lower case), or nullptr.
  const std::string* field(std::string_view name) const {
    for (const auto& [n, value] : fields) {
      if (n == name) return &value;
    }
    return nullptr;
  }
};

// Where an answer goes that is made bit by bit. Of one thread: the one that runs the producer.
class ApiSink {
 public:
  virtual ~ApiSink() = default;
  // Sends the bytes at once. False: it is over (see wait), or the client took nothing for ten seconds.
  virtual bool write(std::string_view bytes) = 0;
  // Waits that long. False, at once, when it is over: the client has gone, or the server stops. The producer then
  // returns; what it waits for in other ways it must not wait for longer than a moment.
  virtual bool wait(std::chrono::milliseconds time) = 0;
};

// Called on a thread of its own, again and again until it returns false, which ends the answer. One that throws cuts
// the answer short.
using ApiProducer = std::function<bool(ApiSink&)>;

struct ApiResponse {
  int status = 200;
  ApiFields fields{};  // content-type included, content-length not
  std::string body{};
  // In place of the body: the head is sent, then what the producer writes (server-sent events). Answers of this kind
  // are bounded in number; beyond, the client gets 503. Not called for HEAD.
  ApiProducer produce{};
};

// Called by the listener's threads, several at a time. HEAD comes as GET; the listener leaves out the body.
using ApiHandler = std::function<ApiResponse(const ApiRequest&)>;

}  // namespace fairlead::control
