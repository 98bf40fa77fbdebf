#include "control/delivery/mail.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "control/delivery/curl_call.h"

namespace fairlead::control {

using base::Code;
using base::Error;
using base::Retry;
using base::Side;

namespace {

struct Upload {
  std::string_view left;
  bool begun = false;  // the server asked for the message
};

std::size_t on_read(char* out, std::size_t one, std::size_t room, void* from) {
  auto& upload = *static_cast<Upload*>(from);
  upload.begun = true;
  const std::size_t size = std::min(one * room, upload.left.size());
  std::memcpy(out, upload.left.data(), size);
  upload.left.remove_prefix(size);
  return size;
}

// The last answer that was no yes: its status, and its words for an operator to read. (What comes after it is the
// answer to libcurl's QUIT.)
struct Refusal {
  int status = 0;
  std::string line;
};

std::size_t on_line(char* data, std::size_t one, std::size_t size, void* to) {
  std::string_view line(data, one * size);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() >= 3 && (line[0] == '4' || line[0] == '5')) {
    auto& refusal = *static_cast<Refusal*>(to);
    refusal.status = 0;
    std::from_chars(line.data(), line.data() + 3, refusal.status);
    refusal.line = line.substr(0, 300);
  }
  return one * size;
}

std::size_t ignore(char*, std::size_t one, std::size_t size, void*) { return one * size; }

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What a failed dialogue means. The server has refused the message for good when MAIL, RCPT, DATA (CURLE_SEND_ERROR) or
// the end of the message was answered with 5yz; before that a 5yz speaks of the server or of our standing with it (no
// service here, no such password, TLS first: RFC 4954 section 6), which an operator can mend.
Error error_of(const CurlCall& curl, int done, const Upload& upload, const Refusal& refusal, const std::string& what) {
  Error error = curl.error(done, what);
  const int status = refusal.status;
  const bool answered = done == CURLE_SEND_ERROR || done == CURLE_WEIRD_SERVER_REPLY ||
                        done == CURLE_REMOTE_ACCESS_DENIED || done == CURLE_LOGIN_DENIED;
  if (!answered || status < 400) return error;
  error.context = fmt::format("{}: the mail server answered {}", what, refusal.line);
  const bool of_message = done == CURLE_SEND_ERROR || upload.begun;
  const bool of_standing = status == 530 || status == 534 || status == 535 || status == 538;
  if (of_message && status >= 500 && !of_standing) {
    error.code = Code::forbidden;
    error.retry = Retry::never;
  } else {
    error.code = status >= 500 ? Code::forbidden : Code::overloaded;
    error.retry = Retry::later;
  }
  return error;
}

}  // namespace

base::Result<void> send_mail(const model::MailConfig& config, const Mail& mail, const std::atomic<bool>* abort) {
  if (config.server.empty())
    return base::fail(Code::unsupported, Side::config, "no mail server is configured", Retry::later);
  auto message = mail_message(mail, config.from);
  if (!message) return std::unexpected(std::move(message.error()));

  CurlCall curl("smtp,smtps", config.server, {kMailConnectTimeout, kMailTimeout, abort});
  void* handle = curl.handle();
  if (!handle) return base::fail(Code::resources, Side::edge, "libcurl has no memory", Retry::later);
  curl.trust(config.ca_pem);
  curl_easy_setopt(handle, CURLOPT_USE_SSL, static_cast<long>(config.require_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
  if (!config.username.empty()) {
    curl_easy_setopt(handle, CURLOPT_USERNAME, config.username.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, config.password.c_str());
  }
  const std::unique_ptr<curl_slist, ListDeleter> to(curl_slist_append(nullptr, mail.to.c_str()));
  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, config.from.c_str());
  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, to.get());

  Upload upload;
  upload.left = *message;
  Refusal refusal;
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(handle, CURLOPT_READDATA, &upload);
  curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(message->size()));
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_line);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &refusal);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, ignore);

  const int done = curl.perform();
  if (done == CURLE_OK) return {};
  return std::unexpected(error_of(curl, done, upload, refusal, fmt::format("mail to {}", mail.to)));
}

}  // namespace fairlead::control
