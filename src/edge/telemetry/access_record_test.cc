// Every line is held against a JSON library: it must parse, and hold what the library would have written.

#include <nlohmann/json.hpp>

#include <random>

#include "base/clock.h"
#include "edge/telemetry/access_log.h"

namespace fairlead::edge {
namespace {

using nlohmann::ordered_json;

std::string line_of(const AccessRecord& r) {
  std::string out;
  append_json(out, r);
  return out;
}

AccessRecord session() {
  AccessRecord r;
  r.opened_ms = 1772366400123;
  r.duration_ms = 61'004;
  r.domain = "live.example.com";
  r.client = "2001:db8::7";
  r.client_port = 50123;
  r.protocol = "h1";
  r.tls = "TLSv1.3";
  r.method = "GET";
  r.target = "/room/7?name=\"x\"";
  r.status = 101;
  r.origin = "10.0.0.11:80";
  r.origin_status = 101;
  r.bytes_in = 18'446'744'073'709'551'615u;
  r.bytes_out = 2;
  r.session = true;
  r.frames_in = 3;
  r.frames_out = 4;
  r.messages_in = 5;
  r.messages_out = 6;
  r.close_by = "client";
  r.close_cause = "closing_handshake";
  r.close_code = 1000;
  r.session_id = "0123456789abcdef";
  return r;
}

// Text is looked at eight bytes at a time: what must be escaped may stand anywhere among them.
TEST(AccessRecord, EveryByteAtEveryPlace) {
  AccessRecord r = session();
  for (int c = 0; c < 256; ++c) {
    for (std::size_t at = 0; at < 18; ++at) {
      std::string target(18, at % 2 ? 'a' : '!');
      target[at] = static_cast<char>(c);
      r.target = target;
      const std::string line = line_of(r);
      const auto json = ordered_json::parse(line);
      if (c >= 0x80) target.replace(at, 1, "\xef\xbf\xbd");
      ASSERT_EQ(json["target"], target) << c << " at " << at;
      ASSERT_NE(line.find("\"target\":" + ordered_json(target).dump() + ","), std::string::npos) << line;
    }
  }
}

TEST(AccessRecord, ASessionHasAllFieldsInOrder) {
  const std::int64_t before = base::wall_clock_ms();
  const std::string line = line_of(session());
  const std::int64_t after = base::wall_clock_ms();
  ASSERT_TRUE(line.ends_with("}\n"));
  const auto json = ordered_json::parse(line);
  const std::string time = json["time"];
  EXPECT_GE(time, base::format_utc_ms(before));
  EXPECT_LE(time, base::format_utc_ms(after));
  EXPECT_EQ(
      line,
      "{\"time\":\"" + time +
          R"(","domain":"live.example.com","client":"2001:db8::7","client_port":50123,"protocol":"h1",)"
          R"("tls":"TLSv1.3","method":"GET","target":"/room/7?name=\"x\"","status":101,)"
          R"("origin":"10.0.0.11:80","origin_status":101,"opened_ms":1772366400123,"duration_ms":61004,)"
          R"("bytes_in":18446744073709551615,"bytes_out":2,"frames_in":3,"frames_out":4,"messages_in":5,)"
          R"("messages_out":6,"close_by":"client","close_cause":"closing_handshake","close_code":1000,"region":"unknown","isp":"unknown",)"
          R"("session":"0123456789abcdef"})"
          "\n");
}

TEST(AccessRecord, ARequestHasNoSessionFields) {
  AccessRecord r = session();
  r.session = false;
  r.close_by = r.close_cause = {};
  auto json = ordered_json::parse(line_of(r));
  for (const char* name : {"frames_in", "frames_out", "messages_in", "messages_out", "close_by", "close_cause",
                           "close_code", "session", "error", "origin_error", "stream"}) {
    EXPECT_FALSE(json.contains(name)) << name;
  }
  r.close_by = "origin";
  r.close_cause = r.error = "origin_timeout";
  json = ordered_json::parse(line_of(r));
  EXPECT_EQ(json["close_by"], "origin");
  EXPECT_EQ(json["close_cause"], "origin_timeout");
  EXPECT_EQ(json["error"], "origin_timeout");
  EXPECT_FALSE(json.contains("close_code"));
}

TEST(AccessRecord, SessionsOfOneConnectionAreToldApartByTheirStream) {
  AccessRecord r = session();
  r.protocol = "h2";
  r.stream = 2'147'483'647;  // the highest there is (RFC 9113 5.1.1)
  const std::string line = line_of(r);
  EXPECT_TRUE(line.ends_with(R"("session":"0123456789abcdef","stream":2147483647})"
                             "\n"))
      << line;
  r.error = "x";
  r.origin_error = "origin: refused: connect to \"a\"";
  EXPECT_TRUE(
      line_of(r).ends_with(R"("error":"x","origin_error":"origin: refused: connect to \"a\"","stream":2147483647})"
                           "\n"))
      << line_of(r);
}

// nlohmann::json's `replace` policy is the same rule (one U+FFFD for each maximal ill-formed part), and its escapes
// are the same, so the two texts must be equal byte for byte.
std::string expected_string(const std::string& s) {
  return nlohmann::json(s).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
std::string ours(const std::string& s) {
  AccessRecord r;
  r.target = s;
  const std::string line = line_of(r);
  const std::string_view head = "\"target\":", tail = ",\"status\":0";
  const std::size_t from = line.find(head) + head.size();
  return line.substr(from, line.rfind(tail) - from);
}

TEST(AccessRecord, EveryByteAndEveryPairAsTheLibraryWritesThem) {
  for (int a = 0; a < 256; ++a) {
    const std::string one(1, static_cast<char>(a));
    ASSERT_EQ(ours(one), expected_string(one)) << a;
    for (int b = 0; b < 256; ++b) {
      const std::string two = one + static_cast<char>(b);
      ASSERT_EQ(ours(two), expected_string(two)) << a << ' ' << b;
    }
  }
}

TEST(AccessRecord, IllFormedSequences) {
  EXPECT_EQ(ours("a\xff"
                 "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(ours("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");                                  // overlong
  EXPECT_EQ(ours("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");                  // a surrogate
  EXPECT_EQ(ours("\xf4\x90\x80\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // > U+10FFFF
  EXPECT_EQ(ours("\xf0\x9f\x98"), "\"\xef\xbf\xbd\"");                                          // cut short: one part
  EXPECT_EQ(ours("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");                                  // well-formed
  EXPECT_EQ(ours("\xe2\x82"
                 "\xe2\x82\xac"),
            "\"\xef\xbf\xbd\xe2\x82\xac\"");
}

TEST(AccessRecord, RandomStringsAsTheLibraryWritesThem) {
  constexpr std::uint32_t kSeed = 20260301;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937 random(kSeed);
  // Pieces that make near-valid text likely, next to bytes of any kind.
  const std::string pieces[] = {"a",        "\"",       "\\",       "\n",           "\x1b[2J", "\x7f",
                                "é",        "€",        "😀",       "\xe2\x80\xa8", "\xc3",    "\x80",
                                "\xe0\xa0", "\xed\xa0", "\xf0\x90", "\xf4\x8f\xbf", "\xfe",    std::string(1, '\0')};
  for (int round = 0; round < 20'000; ++round) {
    std::string s;
    for (unsigned n = random() % 12; n > 0; --n) {
      if (random() % 3 == 0) {
        s += static_cast<char>(random());
      } else {
        s += pieces[random() % std::size(pieces)];
      }
    }
    ASSERT_EQ(ours(s), expected_string(s)) << "round " << round;
  }
}

TEST(AccessRecord, EveryTextFieldIsEscaped) {
  const std::string bad = "\xff\"\n";
  AccessRecord r = session();
  r.domain = r.client = r.tls = r.method = r.target = r.origin = r.session_id = r.error = bad;
  r.protocol = r.close_by = r.close_cause = bad;
  const auto json = ordered_json::parse(line_of(r));
  for (const char* name : {"domain", "client", "protocol", "tls", "method", "target", "origin", "close_by",
                           "close_cause", "session", "error"}) {
    EXPECT_EQ(json[name], "\xef\xbf\xbd\"\n") << name;
  }
}

}  // namespace
}  // namespace fairlead::edge
