#include "control/delivery/http_client.h"

#include <gtest/gtest.h>

#include <thread>

#include "control/delivery/testing/receivers.h"

namespace fairlead::control {
namespace {

using base::Code;
using base::Retry;
using testing::received;
using testing::ReceiverProcess;

HttpCall call_to(const ReceiverProcess& server, const std::string& path = "/", const std::string& scheme = "http") {
  HttpCall call;
  call.url = scheme + "://" + server.address() + path;
  return call;
}

TEST(HttpClient, SaysWhatItIsGivenAndReadsTheAnswer) {
  ReceiverProcess server({"http", "--statuses", "202"});
  HttpCall call = call_to(server, "/a?b=c");
  call.method = "POST";
  call.body = std::string("x\0y", 3) + std::string(2'000'000, 'z');  // more than libcurl would say "Expect" for
  call.fields = {{"fairlead-test", "one two"}, {"content-type", "text/plain"}, {"fairlead-empty", ""}};
  base::Result<HttpAnswer> answer;
  std::thread caller([&] { answer = http_call(call); });  // what is received is more than a pipe holds
  const auto got = received(server);
  caller.join();
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(got["method"], "POST");
  EXPECT_EQ(got["path"], "/a?b=c");
  EXPECT_EQ(got["fields"]["fairlead-test"], "one two");
  EXPECT_EQ(got["fields"]["content-type"], "text/plain");
  EXPECT_EQ(got["fields"]["fairlead-empty"], "");
  EXPECT_FALSE(got["fields"].contains("expect"));
  EXPECT_EQ(got["body"].get<std::string>(), call.body);

  ReceiverProcess file({"http", "--file", "/a=hello", "--statuses", "202"});
  const auto read = http_call(call_to(file, "/a"));
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->status, 202);
  EXPECT_EQ(read->body, "hello");
}

TEST(HttpClient, FollowsNoRedirect) {
  ReceiverProcess other({"http"});
  ReceiverProcess server({"http", "--statuses", "302", "--location", "http://" + other.address() + "/"});
  const auto answer = http_call(call_to(server));
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->status, 302);
  received(server);
  EXPECT_TRUE(testing::nothing_received(other));
}

TEST(HttpClient, ReadsNoMoreThanTheLimit) {
  ReceiverProcess server({"http", "--file", "/a=" + std::string(1025, 'x'), "--file", "/b=" + std::string(1024, 'x')});
  HttpCall call = call_to(server, "/a");
  call.max_body = 1024;
  EXPECT_EQ(http_call(call).error().code, Code::too_large);
  call.url = call_to(server, "/b").url;
  const auto whole = http_call(call);
  ASSERT_TRUE(whole) << describe(whole.error());
  EXPECT_EQ(whole->body.size(), 1024U);
}

TEST(HttpClient, ConnectsToNoForbiddenAddress) {
  ReceiverProcess server({"http"});
  HttpCall call = call_to(server);
  std::string asked;
  call.allowed = [&](const net::SocketAddress& address) {
    asked = address.to_string();
    return false;
  };
  const auto refused = http_call(call);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::forbidden) << describe(refused.error());
  EXPECT_EQ(asked, server.address());
  call.allowed = [](const net::SocketAddress&) { return true; };
  EXPECT_TRUE(http_call(call));
  received(server);
  EXPECT_TRUE(testing::nothing_received(server));  // one request, not two
}

TEST(HttpClient, AsksForNamesWhereItIsTold) {
  ReceiverProcess server({"http"});
  HttpCall call;
  call.url = "http://no-such-name.test:" + std::to_string(server.port()) + "/x";
  // Nobody listens at the first.
  call.addresses = {*net::SocketAddress::from_ip("::1", 0), *net::SocketAddress::from_ip("127.0.0.1", 0)};
  const auto answer = http_call(call);
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(received(server)["fields"]["host"], "no-such-name.test:" + std::to_string(server.port()));
}

TEST(HttpClient, IgnoresTheProxyOfTheEnvironment) {
  ReceiverProcess server({"http"}), proxy({"http"});
  ASSERT_EQ(::setenv("http_proxy", ("http://" + proxy.address()).c_str(), 1), 0);
  const auto answer = http_call(call_to(server));
  ::unsetenv("http_proxy");
  ASSERT_TRUE(answer) << describe(answer.error());
  received(server);
  EXPECT_TRUE(testing::nothing_received(proxy));
}

TEST(HttpClient, VerifiesCertificates) {
  const testing::TlsFiles tls, of_another({"other.test"});
  ReceiverProcess server(tls.and_files({"http"})), misnamed(of_another.and_files({"http"}));
  HttpCall call = call_to(server, "/", "https");
  EXPECT_EQ(http_call(call).error().code, Code::certificate);  // the system knows no such authority
  call.ca_pem = tls.ca_pem();
  const auto answer = http_call(call);
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->status, 200);
  call.url = call_to(misnamed, "/", "https").url;
  call.ca_pem = of_another.ca_pem();
  EXPECT_EQ(http_call(call).error().code, Code::certificate);
}

TEST(HttpClient, EndsAtItsDateAndWhenItIsBrokenOff) {
  ReceiverProcess server({"http", "--silent"});
  HttpCall call = call_to(server);
  call.timeout = base::milliseconds(300);
  EXPECT_EQ(http_call(call).error().code, Code::timeout);
  received(server);

  std::atomic<bool> abort{false};
  call.timeout = std::chrono::minutes(10);
  call.abort = &abort;
  base::Result<HttpAnswer> answer = HttpAnswer();
  std::thread caller([&] { answer = http_call(call); });
  received(server);  // it waits for the answer now
  const auto begun = std::chrono::steady_clock::now();
  abort = true;
  caller.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::cancelled) << describe(answer.error());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, base::seconds(5));
}

TEST(HttpClient, TellsWhatWasWrong) {
  std::string closed;
  {
    ReceiverProcess server({"http"});
    closed = "http://" + server.address();
  }
  HttpCall call;
  call.url = closed;
  const auto refused = http_call(call);
  EXPECT_EQ(refused.error().code, Code::refused) << describe(refused.error());
  EXPECT_EQ(refused.error().retry, Retry::later);
  for (const char* url :
       {"ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://", "http://a\r\nb/", ""}) {
    call.url = url;
    const auto bad = http_call(call);
    ASSERT_FALSE(bad) << url;
    EXPECT_EQ(bad.error().code, Code::malformed) << url;
    EXPECT_EQ(bad.error().retry, Retry::never) << url;
  }
  call.url = closed;
  call.fields = {{"a", "b\r\nevil: yes"}};
  EXPECT_EQ(http_call(call).error().code, Code::malformed);
  call.fields = {{"a\nevil", "b"}};
  EXPECT_EQ(http_call(call).error().code, Code::malformed);
}

}  // namespace
}  // namespace fairlead::control
