#include "bench/load/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::bench {
namespace {

CommandLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "fairlead-bench");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

TEST(Options, a_closed_loop) {
  const auto line = parse({"echo",        "ws://a.test/echo",
                           "-n",          "1000",
                           "--in-flight", "16",
                           "--size",      "1KiB",
                           "-d",          "3s",
                           "--warmup",    "500ms",
                           "--watch",     "12",
                           "--watch",     "13",
                           "--check",     "content",
                           "-H",          "Origin: http://a.test",
                           "--close",     "tcp"});
  ASSERT_TRUE(line.options) << line.text;
  const Options& o = *line.options;
  EXPECT_EQ(o.workload, Workload::echo);
  EXPECT_EQ(o.url, "ws://a.test/echo");
  EXPECT_EQ(o.sessions, 1000u);
  EXPECT_EQ(o.in_flight, 16u);
  EXPECT_EQ(o.size, 1024u);
  EXPECT_EQ(o.duration, std::chrono::seconds(3));
  EXPECT_EQ(o.warmup, std::chrono::milliseconds(500));
  EXPECT_EQ(o.watch, (std::vector<int>{12, 13}));
  EXPECT_EQ(o.check, Check::content);
  EXPECT_EQ(o.headers, std::vector<std::string>{"Origin: http://a.test"});
  EXPECT_EQ(o.close, CloseWay::tcp);
  EXPECT_EQ(o.rate, 0);
}

TEST(Options, an_origin) {
  const auto line = parse({"origin", "--listen", "127.0.0.1:0"});
  ASSERT_TRUE(line.options) << line.text;
  EXPECT_EQ(line.options->workload, Workload::origin);
  EXPECT_EQ(line.options->listen, "127.0.0.1:0");
}

TEST(Options, what_is_wrong_is_usage) {
  const std::vector<std::vector<const char*>> wrong = {
      {},
      {"dance"},
      {"echo"},
      {"echo", "http://a.test/"},
      {"echo", "ws://a.test/", "--no-such-option"},
      {"echo", "ws://a.test/", "--size", "large"},
      {"echo", "ws://a.test/", "--size", "2GiB"},
      {"echo", "ws://a.test/", "--duration", "10"},
      {"echo", "ws://a.test/", "--duration", "0s"},
      {"echo", "ws://a.test/", "--rate", "100", "--in-flight", "2"},
      {"echo", "ws://a.test/", "--rate", "-1"},
      {"echo", "ws://a.test/", "--insecure"},
      {"echo", "ws://a.test/", "--sessions", "0"},
      {"echo", "ws://a.test/", "--sessions", "2", "--threads", "3"},
      {"echo", "wss://a.test/", "--insecure", "--ca", "ca.pem"},
      {"echo", "ws://a.test/", "--header", "no colon"},
      {"echo", "ws://a.test/", "--close", "softly"},
      {"hold", "ws://a.test/", "--size", "1"},
      {"origin"},
  };
  for (const auto& words : wrong) {
    const auto line = parse(words);
    EXPECT_FALSE(line.options);
    EXPECT_EQ(line.status, 2);
    EXPECT_FALSE(line.text.empty());
  }
}

TEST(Options, help_is_no_failure) {
  const auto line = parse({"--help"});
  EXPECT_FALSE(line.options);
  EXPECT_EQ(line.status, 0);
  EXPECT_NE(line.text.find("receive"), std::string::npos);
}

TEST(Options, sizes_and_times) {
  EXPECT_EQ(parse_size("0").value(), 0u);
  EXPECT_EQ(parse_size("3MiB").value(), 3u << 20);
  for (const char* text : {"", "KiB", "1 KiB", "1kb", "-1", "1.5KiB", "99999999999999999999"})
    EXPECT_FALSE(parse_size(text)) << text;
  EXPECT_EQ(parse_duration("2m").value(), std::chrono::minutes(2));
  for (const char* text : {"", "s", "1", "-1s", "1h", "1.5s"}) EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Options, urls) {
  const auto plain = parse_url("ws://a.test").value();
  EXPECT_FALSE(plain.tls);
  EXPECT_EQ(plain.host, "a.test");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.authority, "a.test");
  EXPECT_EQ(plain.path, "/");
  const auto full = parse_url("wss://[::1]:8443/a/b?c=d").value();
  EXPECT_TRUE(full.tls);
  EXPECT_EQ(full.host, "::1");
  EXPECT_EQ(full.port, 8443);
  EXPECT_EQ(full.authority, "[::1]:8443");
  EXPECT_EQ(full.path, "/a/b?c=d");
  EXPECT_EQ(parse_url("ws://a.test?x").value().path, "/?x");
  EXPECT_EQ(parse_url("wss://a.test/").value().port, 443);
  for (const char* url :
       {"", "a.test", "http://a.test", "ws://", "ws://:80/", "ws://a.test:/", "ws://a.test:0/", "ws://a.test:99999/",
        "ws://[::1/", "ws://u@a.test/", "ws://a.test/a b", "ws://a.test/#x", "ws://[::1]x/"}) {
    EXPECT_FALSE(parse_url(url)) << url;
  }
}

}  // namespace
}  // namespace fairlead::bench
