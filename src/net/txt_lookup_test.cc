#include "net/txt_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/testing/receiver_process.h"

namespace fairlead::net {
namespace {

using base::Code;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class TxtLookup : public ::testing::Test {
 protected:
  static DnsServers at(const testing::ReceiverProcess& server, std::chrono::milliseconds timeout = base::seconds(5)) {
    DnsServers dns;
    dns.servers = {server.address()};
    dns.timeout = timeout;
    dns.attempt_timeout = base::milliseconds(500);
    return dns;
  }
};

TEST_F(TxtLookup, JoinsTheStringsOfARecordAndKeepsRecordsApart) {
  testing::ReceiverProcess server(
      {"dns", "--zone",
       R"({"a.test": {"TXT": [["one"], ["tw", "o", " parts"], [""]]}, "b.test": {"CNAME": ["a.test."]}})"});
  auto texts = lookup_txt("a.test", at(server));
  ASSERT_TRUE(texts) << describe(texts.error());
  EXPECT_THAT(*texts, UnorderedElementsAre("one", "two parts", ""));
  auto alias = lookup_txt("b.test", at(server));
  ASSERT_TRUE(alias) << describe(alias.error());
  EXPECT_EQ(alias->size(), 3U);
}

TEST_F(TxtLookup, ReadsAnswersThatOnlyTcpCanCarry) {
  const std::string part(200, 'x');
  testing::ReceiverProcess server(
      {"dns", "--zone",
       R"({"big.test": {"TXT": [[")" + part + R"(",")" + part + R"(",")" + part + R"(",")" + part + R"("]]}})"});
  auto texts = lookup_txt("big.test", at(server));
  ASSERT_TRUE(texts) << describe(texts.error());
  EXPECT_THAT(*texts, ElementsAre(std::string(800, 'x')));
  EXPECT_NE(server.next()->find(R"("udp")"), std::string::npos);
  EXPECT_NE(server.next()->find(R"("tcp")"), std::string::npos);
}

TEST_F(TxtLookup, TellsNothingThereFromNobodyThere) {
  testing::ReceiverProcess server({"dns", "--zone",
                                   R"({"a.test": {"A": ["192.0.2.1"]}, "bad.test": {"rcode": "SERVFAIL"},
                                       "no.test": {"rcode": "REFUSED"}, "silent.test": {"silent": true}})"});
  EXPECT_EQ(lookup_txt("none.test", at(server)).error().code, Code::not_found);
  EXPECT_EQ(lookup_txt("a.test", at(server)).error().code, Code::not_found);  // the name is there, no TXT
  EXPECT_EQ(lookup_txt("bad.test", at(server)).error().code, Code::unreachable);
  EXPECT_EQ(lookup_txt("no.test", at(server)).error().code, Code::unreachable);
  const auto begun = std::chrono::steady_clock::now();
  const auto silent = lookup_txt("silent.test", at(server, base::milliseconds(700)));
  EXPECT_EQ(silent.error().code, Code::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, base::seconds(3));
  EXPECT_EQ(lookup_txt(std::string(70, 'a') + ".test", at(server)).error().code, Code::malformed);
  const DnsServers here = at(server);
  server.end();
  const auto gone = lookup_txt("a.test", here);
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().code == Code::unreachable || gone.error().code == Code::timeout) << describe(gone.error());
}

TEST_F(TxtLookup, FindsAddressesOfBothFamilies) {
  testing::ReceiverProcess server({"dns", "--zone",
                                   R"({"a.test": {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]},
                                       "t.test": {"TXT": [["x"]]}})"});
  auto addresses = lookup_addresses("a.test", 8081, at(server));
  ASSERT_TRUE(addresses) << describe(addresses.error());
  std::vector<std::string> texts;
  for (const auto& a : *addresses) texts.push_back(a.to_string());
  EXPECT_THAT(texts, UnorderedElementsAre("192.0.2.1:8081", "192.0.2.2:8081", "[2001:db8::1]:8081"));
  EXPECT_EQ(lookup_addresses("t.test", 80, at(server)).error().code, Code::not_found);
  EXPECT_EQ(lookup_addresses("none.test", 80, at(server)).error().code, Code::not_found);
  EXPECT_EQ(lookup_addresses("192.0.2.9", 80, at(server))->front().to_string(), "192.0.2.9:80");
}

TEST_F(TxtLookup, RefusesServersThatAreNoAddresses) {
  DnsServers dns;
  for (const char* text : {"localhost", "127.0.0.1:0", "unix:/x", "1.2.3.4:99999"}) {
    dns.servers = {text};
    EXPECT_EQ(lookup_txt("a.test", dns).error().code, Code::malformed) << text;
  }
}

}  // namespace
}  // namespace fairlead::net
