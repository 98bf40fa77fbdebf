#include "edge/session_record.h"

#include <gtest/gtest.h>

namespace fairlead::edge {
namespace {

AccessRecord record() {
  AccessRecord r;
  r.session = true;
  r.opened_ms = 1'700'000'000'123;
  r.domain = "live.test";
  r.region = "Zhejiang";
  r.isp = "an ISP";
  r.client = "2001:db8::1";
  r.client_port = 65535;
  r.protocol = "h2";
  r.stream = 0x7fffffff;
  r.tls = "TLSv1.3";
  r.method = "CONNECT";
  r.target = "/" + std::string(100'000, 't');
  r.status = 200;
  r.origin = "10.0.0.1:80";
  r.origin_status = 101;
  r.session_id = "0123456789abcdef01234567";
  return r;
}

std::string line(const AccessRecord& r) {
  std::string out;
  append_json(out, r);
  return out.substr(out.find("\"domain\""));  // what comes before is the time of writing
}

TEST(SessionRecord, gives_back_the_line_it_was_given) {
  const AccessRecord full = record();
  const SessionRecord packed(full);
  EXPECT_EQ(line(packed.unpack("live.test")), line(full));
  EXPECT_EQ(packed.client(), full.client);
  EXPECT_EQ(packed.session_id(), full.session_id);
}

TEST(SessionRecord, of_nothing_is_nothing) {
  AccessRecord empty;
  empty.session = true;
  const SessionRecord packed(empty);
  EXPECT_EQ(line(packed.unpack("")), line(empty));
  EXPECT_EQ(packed.client(), "");
  EXPECT_EQ(packed.session_id(), "");
}

TEST(SessionRecord, the_texts_of_the_request_may_die_before_it) {
  auto full = std::make_unique<AccessRecord>(record());
  const std::string before = line(*full);
  const SessionRecord packed(*full);
  full.reset();
  EXPECT_EQ(line(packed.unpack("live.test")), before);
}

}  // namespace
}  // namespace fairlead::edge
