#include "protocol/http/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/http/authority.h"

namespace fairlead::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(HostOf, TakesPortDotCaseAndBracketsOff) {
  EXPECT_EQ(host_of("Live.Example.COM:8443"), "live.example.com");
  EXPECT_EQ(host_of("live.example.com."), "live.example.com");
  EXPECT_EQ(host_of("live.example.com.:80"), "live.example.com");
  EXPECT_EQ(host_of("[2001:DB8::1]:443"), "2001:db8::1");
  EXPECT_EQ(host_of("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(host_of("[::1"), "::1");
  EXPECT_EQ(host_of(""), "");
}

TEST(Authority, AcceptsNamesAndAddresses) {
  EXPECT_EQ(parse_authority("A.example"), (Authority{"a.example", std::nullopt, false}));
  EXPECT_EQ(parse_authority("a_b-c.example.:65535"), (Authority{"a_b-c.example.", 65535, false}));
  EXPECT_EQ(parse_authority("192.0.2.1:80"), (Authority{"192.0.2.1", 80, false}));
  EXPECT_EQ(parse_authority("[2001:DB8::1]"), (Authority{"2001:db8::1", std::nullopt, true}));
  EXPECT_EQ(to_text(*parse_authority("[2001:DB8::1]:8443")), "[2001:db8::1]:8443");
}

TEST(Authority, RefusesWhatTwoReadersReadTwice) {
  for (const char* text : {"",
                           ":80",
                           "a:",
                           "a:65536",
                           "a:123456",
                           "a:+1",
                           "a:8 0",
                           "user@a",
                           "a b",
                           "a,b",
                           "a/b",
                           "a%41",
                           "a\\b",
                           "[::1",
                           "[::1]x",
                           "[::1]80",
                           "[1.2.3.4]",
                           "[]",
                           "::1",
                           "[fe80::1%25eth0]",
                           ".a",
                           "a..b",
                           "127.1",
                           "0x7f.1",
                           "2130706433",
                           "1.2.3.4.5",
                           "a?b",
                           "a#b",
                           "\xc3\xa4.example"}) {
    EXPECT_EQ(parse_authority(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_authority(std::string_view("a\0b", 3)), std::nullopt);
  EXPECT_EQ(parse_authority(std::string_view("[::1\0]", 6)), std::nullopt);
  EXPECT_EQ(parse_authority(std::string(256, 'a')), std::nullopt);
}

TEST(Ip, FamilyAndUnmapped) {
  EXPECT_EQ(ip_family("192.0.2.1"), IpFamily::ipv4);
  EXPECT_EQ(ip_family("::ffff:192.0.2.1"), IpFamily::ipv6);
  EXPECT_EQ(ip_family("192.0.2"), IpFamily::none);
  EXPECT_EQ(ip_family(std::string(100, '1')), IpFamily::none);
  EXPECT_EQ(unmapped("::FFFF:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(unmapped("::ffff:c000:201"), "::ffff:c000:201");
  EXPECT_EQ(unmapped("2001:db8::1"), "2001:db8::1");
}

TEST(HopByHop, TakesOutWhatIsForThisHop) {
  Fields fields;
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Host", "a"},
                                                                  {"Connection", "close, X-Hop"},
                                                                  {"connection", "x-hop2"},
                                                                  {"Keep-Alive", "timeout=5"},
                                                                  {"Proxy-Connection", "close"},
                                                                  {"TE", "gzip"},
                                                                  {"Transfer-Encoding", "chunked"},
                                                                  {"Upgrade", "h2c"},
                                                                  {"Trailer", "x"},
                                                                  {"X-Hop", "1"},
                                                                  {"x-hop2", "2"},
                                                                  {"X-Stays", "3"}}) {
    fields.add(name, value);
  }
  remove_hop_by_hop(fields);
  std::vector<std::string> names;
  for (const Field& f : fields) names.emplace_back(f.name);
  EXPECT_THAT(names, ElementsAre("Host", "X-Stays"));
}

TEST(HopByHop, TrailersOfTeStay) {
  Fields fields;
  fields.add("TE", "gzip, Trailers");
  fields.add("Connection", "TE");
  remove_hop_by_hop(fields);
  EXPECT_THAT(fields.all("te"), ElementsAre("trailers"));
  EXPECT_EQ(fields.size(), 1u);
}

TEST(HopByHop, ConnectionCannotDeleteWhatFramesOrRoutes) {
  Fields fields;
  fields.add("Connection",
             "host, Content-Length, authorization, cookie, x-forwarded-for, X-Real-IP, forwarded, content-type, "
             "sec-websocket-key");
  for (const char* name : {"Host", "Content-Length", "Authorization", "Cookie", "X-Forwarded-For", "X-Real-IP",
                           "Forwarded", "Content-Type", "Sec-WebSocket-Key"}) {
    fields.add(name, "1");
  }
  remove_hop_by_hop(fields);
  EXPECT_EQ(fields.size(), 9u);
}

TEST(Forwarded, TellsTheOriginAboutItsClient) {
  Fields fields;
  add_forwarded(fields, {"192.0.2.7", "https", "live.example.com:8443", 8443});
  EXPECT_THAT(fields.all("X-Forwarded-For"), ElementsAre("192.0.2.7"));
  EXPECT_THAT(fields.all("X-Real-IP"), ElementsAre("192.0.2.7"));
  EXPECT_THAT(fields.all("X-Forwarded-Proto"), ElementsAre("https"));
  EXPECT_THAT(fields.all("X-Forwarded-Host"), ElementsAre("live.example.com:8443"));
  EXPECT_THAT(fields.all("X-Forwarded-Port"), ElementsAre("8443"));
  EXPECT_THAT(fields.all("Forwarded"), ElementsAre("for=192.0.2.7;host=\"live.example.com:8443\";proto=https"));
}

TEST(Forwarded, AppendsToListsAndOverwritesTheRest) {
  Fields fields;
  fields.add("x-forwarded-for", "203.0.113.1");
  fields.add("X-Real-IP", "203.0.113.1");
  fields.add("X-Forwarded-For", "203.0.113.2, 203.0.113.3");
  fields.add("X-Forwarded-Proto", "https");
  fields.add("X-Forwarded-Proto", "gopher");
  fields.add("X-Forwarded-Host", "evil");
  fields.add("Forwarded", "for=203.0.113.1");
  add_forwarded(fields, {"2001:db8::7", "http", "", 80});
  EXPECT_THAT(fields.all("X-Forwarded-For"), ElementsAre("203.0.113.1, 203.0.113.2, 203.0.113.3, 2001:db8::7"));
  EXPECT_THAT(fields.all("X-Real-IP"), ElementsAre("2001:db8::7"));
  EXPECT_THAT(fields.all("X-Forwarded-Proto"), ElementsAre("http"));
  EXPECT_FALSE(fields.contains("X-Forwarded-Host"));
  EXPECT_THAT(fields.all("Forwarded"), ElementsAre("for=203.0.113.1, for=\"[2001:db8::7]\";proto=http"));
}

TEST(Forwarded, AMappedAddressIsTheIpv4AddressItMeans) {
  Fields fields;
  add_forwarded(fields, {"::ffff:192.0.2.7", "http", "a", 80});
  EXPECT_THAT(fields.find("X-Forwarded-For"), Optional(std::string_view("192.0.2.7")));
  EXPECT_THAT(fields.find("Forwarded"), Optional(std::string_view("for=192.0.2.7;host=a;proto=http")));
}

TEST(ReasonPhrase, KnowsTheRegisteredAndNoOthers) {
  EXPECT_EQ(reason_phrase(101), "Switching Protocols");
  EXPECT_EQ(reason_phrase(426), "Upgrade Required");
  EXPECT_EQ(reason_phrase(599), "");
}

}  // namespace
}  // namespace fairlead::protocol
