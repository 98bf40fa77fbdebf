#include "control/delivery/webhook.h"

#include <gtest/gtest.h>

#include "control/delivery/testing/receivers.h"

namespace fairlead::control {
namespace {

using base::Code;
using base::Retry;
using testing::received;
using testing::ReceiverProcess;

const WebhookCall kCall{"0190a1b2", R"({"type":"domain.online","data":{"domain":"a.example"}})", 1'800'000'000'123};

TEST(Webhook, IsSignedSoThatItsReceiverCanTell) {
  const testing::TlsFiles tls;
  ReceiverProcess server(tls.and_files({"http", "--statuses", "204"}));
  model::WebhookConfig config;
  config.url = "https://" + server.address() + "/hook?x=1";
  config.secret = "whsec";
  config.ca_pem = tls.ca_pem();
  const auto sent = send_webhook(config, kCall);
  ASSERT_TRUE(sent) << describe(sent.error());
  const auto got = received(server);
  EXPECT_EQ(got["method"], "POST");
  EXPECT_EQ(got["path"], "/hook?x=1");
  EXPECT_EQ(got["body"], kCall.body);
  const auto& fields = got["fields"];
  EXPECT_EQ(fields["content-type"], "application/json");
  EXPECT_EQ(fields["fairlead-webhook-id"], "0190a1b2");
  EXPECT_EQ(fields["fairlead-webhook-timestamp"], "1800000000");
  // Computed with Python's hmac over b"0190a1b2.1800000000." + body.
  EXPECT_EQ(fields["fairlead-webhook-signature"],
            "v1=e05b615300b9cb564e8b86344df4667fc25be6518b8cb6f4c7671e15d24734ba");
}

TEST(Webhook, PlainHttpGoesToLoopbackAlone) {
  ReceiverProcess server({"http"});
  model::WebhookConfig config;
  config.url = "http://" + server.address() + "/";
  config.secret = "s";
  EXPECT_TRUE(send_webhook(config, kCall));
  for (const char* url :
       {"http://10.0.0.1/", "http://192.0.2.1/", "https://169.254.169.254/latest", "https://[fe80::1]/"}) {
    config.url = url;
    const auto refused = send_webhook(config, kCall);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, Code::forbidden) << url << ": " << describe(refused.error());
  }
}

TEST(Webhook, OnlyTwoHundredsAreSuccess) {
  ReceiverProcess server({"http", "--statuses", "200,202,299,301,400,404,410,429,500,503"});
  model::WebhookConfig config;
  config.url = "http://" + server.address() + "/";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(send_webhook(config, kCall));
  for (const int status : {301, 400, 404}) {
    const auto refused = send_webhook(config, kCall);
    ASSERT_FALSE(refused) << status;
    EXPECT_EQ(refused.error().code, Code::protocol) << status;
    EXPECT_EQ(refused.error().retry, Retry::later) << status;
    EXPECT_NE(refused.error().context.find(std::to_string(status)), std::string::npos);
  }
  const auto gone = send_webhook(config, kCall);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().retry, Retry::never);
  EXPECT_EQ(send_webhook(config, kCall).error().code, Code::overloaded);
  EXPECT_EQ(send_webhook(config, kCall).error().retry, Retry::later);
  EXPECT_EQ(send_webhook(config, kCall).error().code, Code::overloaded);
}

}  // namespace
}  // namespace fairlead::control
