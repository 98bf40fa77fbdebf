// Statistics through the whole API: who sees what, sums to the byte over every partition, and how answers look.
#include "control/api/statistics_operations.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "control/statistics/interval_rules.h"
#include "control/testing/objects_fixture.h"
#include "control/usage/ingestion.h"
#include "store/metered_domains.h"

namespace fairlead::control {
namespace {

using model::Meter;

class StatisticsTest : public testing::ObjectsTest {
 protected:
  StatisticsTest() {
    auto contract = Contract::parse(contract_text());
    if (!contract) throw std::runtime_error(base::describe(contract.error()));
    Api::Parts parts{.contract = std::move(*contract), .operations = {}, .caller_of = {}, .over_limit = {}};
    add_statistics_operations(parts.operations, context_);
    for (const Route& route : parts.contract.routes()) {
      parts.operations.try_emplace(route.operation_id, [](const Call&) -> Outcome<Reply> {
        return refuse(500, "internal_error", "not of this test");
      });
    }
    parts.caller_of = [this](const ApiRequest&) -> Outcome<Caller> { return caller_; };
    api_ = must(Api::make(std::move(parts)));
    now_ms_ = parse_date("2026-11-21T10:02:00Z").value();
  }

  model::UsageRecord record(const store::Domain& domain, std::string region, std::string isp,
                            model::UsageValues values) {
    return {{domain.id, domain.name, std::move(region), std::move(isp)}, std::move(values)};
  }
  void count(std::string_view at, std::vector<model::UsageRecord> records) {
    std::ranges::sort(records, {}, &model::UsageRecord::key);
    model::UsageSet set;
    set.edge = "e1";
    set.epoch = 1;
    set.sequence = ++sequence_;
    set.interval_s = parse_date(at).value() / 1000;
    set.from_ms = set.interval_s * 1000;
    set.to_ms = set.from_ms + 10'000;
    set.records = std::move(records);
    must(ingestion_.take(model::encode_usage(set)));
  }

  static constexpr const char* kHour = "?start_time=2026-11-21T09:00:00Z&end_time=2026-11-21T10:00:00Z";
  Json get(const Caller& who, std::string path) { return done(who, "GET", "/v1/statistics/" + path, {}, ""); }
  std::string refused(const Caller& who, std::string path) {
    return words(ask(who, "GET", "/v1/statistics/" + path, {}, ""));
  }
  static std::string field(const ApiResponse& response, std::string_view name) {
    for (const auto& [n, value] : response.fields) {
      if (n == name) return value;
    }
    return {};
  }

  UsageIngestion ingestion_{context_};
  std::uint64_t sequence_ = 0;
};

TEST_F(StatisticsTest, BandwidthIsBitsByTheInterval) {
  const auto a = add_domain(ann_, "a.test");
  count("2026-11-21T09:05:00Z", {record(a, "DE", "One", {{Meter::bytes_in, 300}, {Meter::bytes_out, 3000}})});
  count("2026-11-21T09:10:00Z", {record(a, "DE", "One", {{Meter::bytes_out, 600}, {Meter::wire_bytes_out, 900}})});
  Json answer = get(ann_, std::string("bandwidth") + kHour);
  EXPECT_EQ(answer["start_time"], "2026-11-21T09:00:00Z");
  EXPECT_EQ(answer["interval"], 300);
  EXPECT_EQ(answer["data_since"], "2026-08-20T00:00:00Z");
  EXPECT_EQ(answer["notes"], Json::array());
  ASSERT_EQ(answer["series"].size(), 1u);
  const Json& series = answer["series"][0];
  ASSERT_EQ(series["points"].size(), 12u);
  EXPECT_EQ(series["points"][0], (Json{{"time", "2026-11-21T09:00:00Z"}, {"in", 0}, {"out", 0}}));
  EXPECT_EQ(series["points"][1], (Json{{"time", "2026-11-21T09:05:00Z"}, {"in", 8}, {"out", 80}}));
  EXPECT_EQ(series["out"],
            (Json{{"peak", 80}, {"peak_time", "2026-11-21T09:05:00Z"}, {"percentile_95", 80}, {"average", 8}}));
  answer = get(ann_, std::string("bandwidth") + kHour + "&interval=3600&basis=wire");
  EXPECT_EQ(answer["series"][0]["points"][0]["out"], 2);
  // Nothing was ever counted: every point is there all the same.
  answer = get(eve_, std::string("bandwidth") + kHour);
  EXPECT_EQ(answer["series"][0]["points"].size(), 12u);
  EXPECT_EQ(answer["series"][0]["out"]["peak"], 0);
}

TEST_F(StatisticsTest, EveryPartitionIsTheWhole) {
  const auto a = add_domain(ann_, "a.test"), b = add_domain(ann_, "b.test"), c = add_domain(eve_, "c.test");
  std::uint64_t mine = 0, all = 0, n = 1;
  for (int minute = 0; minute < 60; minute += 5) {
    std::vector<model::UsageRecord> records;
    for (const auto* d : {&a, &b, &c}) {
      for (const char* region : {"DE", "FR", "unknown"}) {
        for (const char* isp : {"One", "Two"}) {
          n = n * 7919 % 1'000'003;
          records.push_back(record(*d, region, isp, {{Meter::bytes_out, n}, {Meter::messages_text_out, 1}}));
          all += n;
          if (d != &c) mine += n;
        }
      }
    }
    count(fmt::format("2026-11-21T09:{:02}:00Z", minute), std::move(records));
  }
  for (const char* group : {"none", "domain", "region", "isp", "region_and_isp"}) {
    for (const char* interval : {"300", "3600", "86400"}) {
      const Json answer = get(ann_, fmt::format("traffic{}&group={}&interval={}", kHour, group, interval));
      std::uint64_t totals = 0, points = 0;
      for (const Json& s : answer["series"]) {
        totals += s["total"]["bytes_out"].get<std::uint64_t>();
        for (const Json& p : s["points"]) points += p["bytes_out"].get<std::uint64_t>();
      }
      EXPECT_EQ(totals, mine) << group << interval;
      EXPECT_EQ(points, mine) << group << interval;
    }
  }
  const auto bytes = [](const Json& answer) { return answer["series"][0]["total"]["bytes_out"].get<std::uint64_t>(); };
  EXPECT_EQ(bytes(get(ops_, std::string("traffic") + kHour)), all);
  EXPECT_EQ(bytes(get(auditor_, std::string("traffic") + kHour + "&account_id=" + ann_.account_id)), mine);
  EXPECT_EQ(bytes(get(ann_, std::string("traffic") + kHour + "&domain=a.test,%20B.TEST.")), mine);
  EXPECT_EQ(bytes(get(ann_, std::string("traffic") + kHour + "&region=DE")) +
                bytes(get(ann_, std::string("traffic") + kHour + "&region=FR")) +
                bytes(get(ann_, std::string("traffic") + kHour + "&region=unknown")),
            mine);
  EXPECT_EQ(bytes(get(ann_, std::string("traffic") + kHour + "&region=Nowhere")), 0u);
  // Adjacent ranges.
  std::uint64_t parts = 0;
  for (const char* range : {"?start_time=2026-11-21T09:00:00Z&end_time=2026-11-21T09:25:00Z",
                            "?start_time=2026-11-21T09:25:00Z&end_time=2026-11-21T10:00:00Z"}) {
    parts += bytes(get(ann_, std::string("traffic") + range + "&interval=3600"));
  }
  EXPECT_EQ(parts, mine);
  // Ranking: the shares are the whole, the order is that of bytes.
  const Json places = get(ann_, std::string("regions-and-isps") + kHour);
  std::uint64_t shares = 0, before = UINT64_MAX, sum = 0;
  for (const Json& item : places["items"]) {
    shares += item["share"].get<std::uint64_t>();
    EXPECT_LE(item["bytes_out"].get<std::uint64_t>(), before);
    before = item["bytes_out"].get<std::uint64_t>();
    sum += before;
    EXPECT_EQ(item["messages_out"], 24);
  }
  EXPECT_EQ(places["items"].size(), 6u);
  EXPECT_EQ(shares, 10'000u);
  EXPECT_EQ(sum, mine);
  EXPECT_EQ(places["total"]["bytes_out"], mine);
  EXPECT_EQ(get(ann_, std::string("regions-and-isps") + kHour + "&group=region")["items"].size(), 3u);
}

TEST_F(StatisticsTest, ADomainThatIsGoneStaysItsOwners) {
  const auto first = add_domain(ann_, "a.test");
  count("2026-11-21T09:00:00Z", {record(first, "DE", "One", {{Meter::bytes_out, 5}})});
  write([&](store::Transaction& tx) { return store::delete_domain(tx, first.id, first.revision, now_ms_); });
  const auto second = add_domain(eve_, "a.test");
  count("2026-11-21T09:00:00Z", {record(second, "DE", "One", {{Meter::bytes_out, 70}})});
  const auto bytes = [&](const Caller& who) {
    return get(who, std::string("traffic") + kHour + "&domain=a.test")["series"][0]["total"]["bytes_out"];
  };
  EXPECT_EQ(bytes(ann_), 5);
  EXPECT_EQ(bytes(eve_), 70);
  EXPECT_EQ(bytes(ops_), 75);
  const Json both = get(ops_, std::string("traffic") + kHour + "&domain=a.test&group=domain");
  ASSERT_EQ(both["series"].size(), 2u);
  for (const Json& s : both["series"]) {
    const bool old = s["domain_id"] == first.id;
    EXPECT_EQ(s["deleted"].is_null(), !old);
    EXPECT_EQ(s["total"]["bytes_out"], old ? 5 : 70);
  }
}

TEST_F(StatisticsTest, WhatIsNotTheCallersIsNotThere) {
  add_domain(eve_, "c.test");
  for (const char* what : {"bandwidth", "traffic", "http-codes", "regions-and-isps", "sessions", "live"}) {
    const std::string path = what;
    for (const std::string name : {"c.test", "nobody.test", "%20..%20"}) {
      const auto foreign = ask(ann_, "GET", "/v1/statistics/" + path + "?domain=" + name, {}, "");
      const auto absent = ask(ann_, "GET", "/v1/statistics/" + path + "?domain=nowhere.test", {}, "");
      EXPECT_EQ(words(foreign), "404 not_found") << path;
      EXPECT_EQ(foreign.body, absent.body);
    }
    EXPECT_EQ(refused(ann_, path + "?account_id=" + eve_.account_id), "404 not_found");
    EXPECT_EQ(refused(ops_, path + "?account_id=" + std::string(32, '0')), "404 not_found");
    EXPECT_EQ(refused(Caller(), path), "401 unauthorized");
  }
  // A domain without an account (an edge that serves a file) is the operators' to see.
  count("2026-11-21T09:00:00Z", {{{"", "file.test", "DE", "One"}, {{Meter::bytes_out, 9}}}});
  EXPECT_EQ(get(ops_, std::string("traffic") + kHour + "&domain=file.test")["series"][0]["total"]["bytes_out"], 9);
  EXPECT_EQ(refused(ann_, std::string("traffic") + kHour + "&domain=file.test"), "404 not_found");
}

// Of live figures every name must be there, also when one of them is there twice: an account's, and on an edge that has
// it from a file.
TEST_F(StatisticsTest, LiveFiguresNeedEachDomainThatIsNamed) {
  count("2026-11-21T09:00:00Z", {{{"", "a.test", "DE", "One"}, {{Meter::bytes_out, 9}}}});
  add_domain(ann_, "a.test");
  const auto b = add_domain(ann_, "b.test");
  EXPECT_EQ(get(ops_, "live?domain=a.test,b.test")["domains"].size(), 3u);
  write([&](store::Transaction& tx) { return store::delete_domain(tx, b.id, b.revision, now_ms_); });
  EXPECT_EQ(refused(ops_, "live?domain=a.test,b.test"), "404 not_found");
  EXPECT_EQ(get(ops_, "live?domain=a.test")["domains"].size(), 2u);
}

TEST_F(StatisticsTest, HttpCodesAndTheirProportions) {
  const auto a = add_domain(ann_, "a.test");
  count("2026-11-21T09:00:00Z", {record(a, "DE", "One",
                                        {{Meter::handshakes + 0, 1},
                                         {Meter::handshakes + 101, 1},
                                         {Meter::handshakes + 403, 1},
                                         {Meter::requests + 200, 8},
                                         {Meter::requests + 599, 2}})});
  Json codes = get(ann_, std::string("http-codes") + kHour)["series"][0];
  EXPECT_EQ(codes["total"], 3);
  EXPECT_EQ(codes["codes"].dump(),
            R"([{"code":0,"count":1,"proportion":3334},{"code":101,"count":1,"proportion":3333},)"
            R"({"code":403,"count":1,"proportion":3333}])");
  EXPECT_EQ(codes["points"][0]["codes"], codes["codes"]);
  EXPECT_EQ(codes["points"][1]["codes"], Json::array());
  codes = get(ann_, std::string("http-codes") + kHour + "&meter=http")["series"][0];
  EXPECT_EQ(codes["codes"].dump(),
            R"([{"code":200,"count":8,"proportion":8000},{"code":599,"count":2,"proportion":2000}])");
  EXPECT_EQ(get(ann_, std::string("traffic") + kHour + "&meter=http")["series"][0]["total"]["requests"], 10);
}

TEST_F(StatisticsTest, SessionsTheirEndsAndTimes) {
  const auto a = add_domain(ann_, "a.test");
  count("2026-11-21T09:00:00Z", {record(a, "DE", "One",
                                        {{Meter::sessions_opened, 3},
                                         {Meter::session_milliseconds, 450'000},
                                         {Meter::sessions_closed + 0, 1},
                                         {Meter::sessions_closed + 2, 1},
                                         {Meter::handshake_seconds + 1, 2},
                                         {Meter::handshake_seconds + 12, 1},
                                         {Meter::handshake_nanoseconds, 40'000'000'000},
                                         {Meter::origin_seconds + 0, 3},
                                         {Meter::origin_nanoseconds, 1'500'000}})});
  const Json point = get(ann_, std::string("sessions") + kHour)["series"][0]["points"][0];
  EXPECT_EQ(
      point.dump(),
      R"({"time":"2026-11-21T09:00:00Z","opened":3,"closed":2,"closed_by_cause":{"closing_handshake":1,)"
      R"("connection_timeout":1},"average_open":1.5,"handshake":{"count":3,"mean_ms":13333.333,"p50_ms":2.5,)"
      R"("p90_ms":null,"p99_ms":null},"origin":{"count":3,"mean_ms":0.5,"p50_ms":1.0,"p90_ms":1.0,"p99_ms":1.0}})");
  const Json total = get(ann_, std::string("sessions") + kHour)["series"][0]["total"];
  EXPECT_EQ(total["average_open"], 0.125);
}

TEST_F(StatisticsTest, Csv) {
  const auto a = add_domain(ann_, "a.test");
  count("2026-11-21T09:05:00Z", {record(a, "=HYPERLINK(1)", "A, B", {{Meter::bytes_out, 3000}})});
  const std::string range = "?start_time=2026-11-21T09:00:00Z&end_time=2026-11-21T09:10:00Z";
  auto answer = ask(ann_, "GET", "/v1/statistics/bandwidth" + range + "&group=region_and_isp&format=csv", {}, "");
  EXPECT_EQ(answer.body,
            "region,isp,time,bandwidth_in,bandwidth_out\r\n"
            "'=HYPERLINK(1),\"A, B\",2026-11-21T09:00:00Z,0,0\r\n"
            "'=HYPERLINK(1),\"A, B\",2026-11-21T09:05:00Z,0,80\r\n");
  EXPECT_EQ(field(answer, "content-type"), "text/csv; charset=utf-8; header=present");
  EXPECT_EQ(field(answer, "content-disposition"), "attachment; filename=\"bandwidth.csv\"");
  answer = ask(ann_, "GET", "/v1/statistics/traffic" + range + "&format=csv&sparse=true&interval=60", {}, "");
  EXPECT_EQ(answer.body,
            "time,bytes_in,bytes_out,wire_bytes_in,wire_bytes_out,messages_in,messages_out,sessions_opened\r\n"
            "2026-11-21T09:05:00Z,0,3000,0,0,0,0,0\r\n");
  EXPECT_EQ(field(answer, "fairlead-notes"), "interval");
  answer = ask(ann_, "GET", "/v1/statistics/regions-and-isps" + range + "&group=isp&format=csv", {}, "");
  EXPECT_EQ(
      answer.body,
      "isp,rank,bytes_in,bytes_out,wire_bytes_in,wire_bytes_out,messages_in,messages_out,sessions_opened,share\r\n"
      "\"A, B\",1,0,3000,0,0,0,0,0,10000\r\n");
  answer = ask(ann_, "GET", "/v1/statistics/http-codes" + range + "&format=csv", {}, "");
  EXPECT_EQ(answer.body, "time,code,count,proportion\r\n2026-11-21T09:00:00Z,,0,0\r\n2026-11-21T09:05:00Z,,0,0\r\n");
  EXPECT_EQ(ask(ann_, "GET", "/v1/statistics/sessions" + range + "&format=csv", {}, "").status, 200);
  EXPECT_EQ(refused(ann_, "traffic" + range + "&sparse=true"), "422 invalid ?sparse bad-value");
}

TEST_F(StatisticsTest, DaysOfATimeZone) {
  const auto a = add_domain(ann_, "a.test");
  count("2026-11-19T15:55:00Z", {record(a, "DE", "One", {{Meter::bytes_out, 1}})});
  count("2026-11-19T16:00:00Z", {record(a, "DE", "One", {{Meter::bytes_out, 20}})});
  const std::string range = "traffic?start_time=2026-11-18T16:00:00Z&end_time=2026-11-20T16:00:00Z&interval=86400";
  const Json shanghai = get(ann_, range + "&time_zone=Asia/Shanghai");
  ASSERT_EQ(shanghai["series"][0]["points"].size(), 2u);
  EXPECT_EQ(shanghai["time_zone"], "Asia/Shanghai");
  EXPECT_EQ(shanghai["series"][0]["points"][0]["bytes_out"], 1);
  EXPECT_EQ(shanghai["series"][0]["points"][1]["time"], "2026-11-19T16:00:00Z");
  EXPECT_EQ(shanghai["series"][0]["points"][1]["bytes_out"], 20);
  EXPECT_EQ(get(ann_, range)["series"][0]["points"].size(), 3u);
  EXPECT_EQ(refused(ann_, range + "&time_zone=Mars/Olympus"), "422 invalid ?time_zone bad-value");
}

TEST_F(StatisticsTest, AnswersAreBounded) {
  std::vector<model::UsageRecord> records;
  const auto a = add_domain(ann_, "a.test");
  for (int i = 0; i < 400; ++i) records.push_back(record(a, fmt::format("R{}", i), "One", {{Meter::bytes_out, 1}}));
  count("2026-11-21T09:00:00Z", std::move(records));
  EXPECT_EQ(refused(ann_, "traffic?group=region"), "422 invalid ?group too-many-points");
  EXPECT_EQ(get(ann_, "traffic?group=region&interval=86400")["series"].size(), 400u);
  // One that has no points is bounded by what it has.
  const Json places = get(ann_, "regions-and-isps");
  ASSERT_EQ(places["items"].size(), 400u);
  EXPECT_EQ(places["total"]["bytes_out"], 400);
  EXPECT_EQ(places["items"][399]["rank"], 400);
  EXPECT_EQ(get(ann_, "regions-and-isps?interval=300&group=isp")["items"][0]["bytes_out"], 400);
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "a.test,";
  EXPECT_EQ(refused(ann_, "traffic?domain=" + many), "422 invalid ?domain too-many");
}

}  // namespace
}  // namespace fairlead::control
