// The metrics page. The whole text for a small node is tests/golden/metrics/small.prom; to write it anew after a
// change:
//
//   FAIRLEAD_GOLDEN_UPDATE=1 build/dev/src/test_edge --gtest_filter='Exposition.*'
//
// and read the difference before committing it. The same page is held against docs/metrics.md.

#include "edge/telemetry/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <time.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "edge/admission.h"
#include "edge/telemetry/exposition_page.h"
#include "edge/telemetry/testing/prometheus_text.h"

namespace fairlead::edge {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::parse_prometheus_text;
using testing::PrometheusFamily;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<PrometheusFamily> parse(const std::string& text) {
  auto families = parse_prometheus_text(text);
  EXPECT_TRUE(families) << families.error();
  return families ? *families : std::vector<PrometheusFamily>{};
}

// Two workers that have done a little of everything, so that every metric has a sample.
void fill(CounterRegistry& registry) {
  for (unsigned w = 0; w < 2; ++w) {
    WorkerCounters& c = registry.worker(w);
    c.connections_accepted.add(10 + w);
    c.connections_open.add(3);
    c.accepts_exhausted.add(1);
    c.tls_handshakes.add(5);
    c.tls_handshake_errors.add(2);
    c.tls_resumed.add(1);
    c.tls_to_clients.own.add(4);
    c.tls_to_clients.openssl.add(1);
    c.tls_to_clients.key_updates_received.add(2);
    c.tls_to_clients.refused[1].add(3);
    c.tls_to_origins.own.add(6);
    c.tls_to_origins.key_updates_sent.add(1);
    c.heads_refused.add(4);
    c.handshake_timeouts.add(1);
    c.unknown_domain.add(6);
    c.proxy_protocol_errors.add(1);
    c.http2_connections.add(5);
    c.http2_connections_open.add(2);
    c.http2_streams.add(100);
    c.http2_streams_open.add(7);
    c.http2_stream_resets.add(9);
    c.http2_requests_malformed.add(1);
    for (std::size_t i = 0; i < kHttp2Limits; ++i) c.http2_limits[i].add(10 * i + w);
    c.count(Http2Limit::resets);
    c.policy_revision.add(8 - w);  // the second one is behind
    c.refused_connections_total.add(1);
    c.refused_rate_client.add(2);

    auto domain = registry.domain(w, "live.example.com");
    domain->origin_connects.add(4);
    domain->origin_connect_errors.add(1);
    domain->origin_retries.add(1);
    domain->origin_reused.add(7);
    // Two cells: clients of HTTP/1.1 from somewhere, clients of HTTP/2 from nobody knows where.
    const auto cell = registry.make_cell(
        {.domain_id = "d1", .domain = "live.example.com", .place = {1, 2}, .protocol = model::UsageProtocol::h1});
    WebSocketMeter& live = cell->websocket;
    live.handshakes.add(101);
    live.handshakes.add(101);
    live.handshakes.add(403);
    live.handshakes.add(418);
    live.handshakes.add(0);
    live.sessions_opened.add(2);
    live.sessions_open.add(1);
    live.sessions_closed[static_cast<std::size_t>(CloseCause::closing_handshake)].add(1);
    live.in.bytes.add(1000);
    live.out.bytes.add(5'000'000'000);
    live.wire.in.add(1500);
    live.wire.out.add(5'000'001'000);
    live.in.tally.of(protocol::FrameKind::text).add(9);
    live.in.tally.of(protocol::FrameKind::close).add(1);
    live.in.tally.text_messages.add(9);
    live.out.tally.of(protocol::FrameKind::binary).add(20);
    live.out.tally.binary_messages.add(19);
    live.handshake_seconds.observe(3ms);
    live.handshake_seconds.observe(40s);
    live.origin_seconds.observe(2ms);
    registry
        .make_cell({.domain_id = "d1", .domain = "live.example.com", .place = {}, .protocol = model::UsageProtocol::h2})
        ->websocket.sessions_opened.add(3);
  }
  registry.worker(1).meters_exhausted.add(1);
  HttpMeter& shop = registry.make_cell({.domain_id = "", .domain = "a \"quoted\\name\"", .place = {}})->http;
  shop.requests.add(200);
  shop.requests.add(502);
  shop.requests_open.add(1);
  shop.bytes_in.add(1);
  shop.bytes_out.add(2);
  shop.wire.in.add(101);
  shop.wire.out.add(202);
  shop.request_seconds.observe(250ms);
  TunnelMeter& quotes = registry
                            .make_cell({.domain_id = "",
                                        .domain = "quotes.example.com",
                                        .place = {},
                                        .scheme = model::UsageScheme::wss,
                                        .protocol = model::UsageProtocol::tcp})
                            ->tunnel;
  quotes.opened.add(2);
  quotes.open.add(1);
  quotes.bytes_in.add(11);
  quotes.bytes_out.add(12);
  quotes.wire.in.add(111);
  quotes.wire.out.add(112);
  registry.domain(0, "idle.example.com");  // asked for, never used: not on the page
}

ExpositionExtras extras() {
  ExpositionExtras e;
  e.uptime = 90min + 500ms;
  e.ready = true;
  e.policy_revision_published = 8;
  e.domains_configured = 4;
  e.access_log_dropped = 3;
  e.limits = {{"max_sessions", 1'000'000, 2}, {"max_sessions_per_client", 0, 1}};
  OriginRow up{.domain = "live.example.com", .origin = "10.0.0.11:80"};
  up.sessions = 2;
  up.requests = 1;
  up.success = 4;
  up.checks_passed = 9;
  up.checks_failed = 1;
  OriginRow down{.domain = "live.example.com", .origin = "[::1]:80,443", .up = false, .ejected = true};
  down.refused = 1;
  down.timeout = 2;
  down.status_5xx = 3;
  down.other = 4;
  down.ejections = 2;
  e.origins = {up, down, up};  // the third is the first once more
  return e;
}

// Takes out what differs from one run or version to the next.
std::string steady(const std::string& text) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("fairlead_process_")) line = line.substr(0, line.find(' ')) + " (varies)";
    if (line.starts_with("fairlead_build_info")) line = "fairlead_build_info{version=\"(varies)\"} 1";
    out += line + "\n";
  }
  return out;
}

TEST(Exposition, TheWholePageOfASmallNode) {
  CounterRegistry registry(2);
  fill(registry);
  const std::string text = render_metrics(registry, extras());
  parse(text);
  const fs::path golden = fs::path(FAIRLEAD_SOURCE_DIR) / "tests/golden/metrics/small.prom";
  if (std::getenv("FAIRLEAD_GOLDEN_UPDATE")) {
    fs::create_directories(golden.parent_path());
    std::ofstream(golden, std::ios::binary) << steady(text);
  }
  EXPECT_EQ(steady(text), read_file(golden));
}

TEST(Exposition, ValuesAreSummedOverWorkers) {
  CounterRegistry registry(2);
  fill(registry);
  const auto page = parse(render_metrics(registry, extras()));
  const std::string live = "live.example.com";
  EXPECT_EQ(value_of(page, "fairlead_handshakes_total", {{"domain", live}, {"status", "101"}}), 4);
  EXPECT_EQ(value_of(page, "fairlead_handshakes_total", {{"domain", live}, {"status", "418"}}), 2);
  EXPECT_EQ(value_of(page, "fairlead_session_bytes_total", {{"domain", live}, {"direction", "to_client"}}), 1e10);
  EXPECT_EQ(value_of(page, "fairlead_unknown_domain_total", {}), 12);
  EXPECT_EQ(value_of(page, "fairlead_refused_total", {{"limit", "rate_client"}}), 4);
  EXPECT_EQ(value_of(page, "fairlead_refused_total", {{"limit", "sessions_total"}}), 0);
  EXPECT_EQ(value_of(page, "fairlead_connections_accepted_total", {{"worker", "1"}}), 11);
  EXPECT_EQ(value_of(page, "fairlead_policy_revision", {}), 7);  // what every worker obeys
  EXPECT_EQ(value_of(page, "fairlead_answer_seconds_bucket", {{"protocol", "websocket"}, {"le", "0.005"}}), 2);
  EXPECT_EQ(value_of(page, "fairlead_answer_seconds_count", {{"protocol", "websocket"}}), 4);
  EXPECT_NEAR(value_of(page, "fairlead_answer_seconds_sum", {{"protocol", "websocket"}}), 80.006, 1e-9);
  EXPECT_EQ(value_of(page, "fairlead_http_requests_open", {{"domain", "a \"quoted\\name\""}}), 1);
  EXPECT_FALSE(has_series(page, "fairlead_http_requests_open", {{"domain", live}}));
  EXPECT_FALSE(has_series(page, "fairlead_sessions_open", {{"domain", "idle.example.com"}}));
}

TEST(Exposition, TheProcessReportsItself) {
  CounterRegistry registry(1);
  const auto page = parse(render_metrics(registry, {}));
  EXPECT_GT(value_of(page, "fairlead_process_resident_memory_bytes", {}), 1e6);
  EXPECT_LT(value_of(page, "fairlead_process_resident_memory_bytes", {}), 1e12);
  EXPECT_GE(value_of(page, "fairlead_process_threads", {}), 1);
  EXPECT_LT(value_of(page, "fairlead_process_threads", {}), 10'000);
  EXPECT_GT(value_of(page, "fairlead_process_cpu_seconds_total", {}), 0);
  const double before = value_of(page, "fairlead_process_open_fds", {});
  EXPECT_GE(before, 3);
  std::vector<std::ifstream> files;
  for (int i = 0; i < 5; ++i) files.emplace_back("/dev/null");
  const auto after = parse(render_metrics(registry, {}));
  EXPECT_EQ(value_of(after, "fairlead_process_open_fds", {}), before + 5);
}

TEST(Exposition, TenThousandDomains) {
  constexpr int kDomains = 10'000;
  CounterRegistry registry(2);
  ExpositionExtras e = extras();
  for (int i = 0; i < kDomains; ++i) {
    const std::string name = fmt::format("customer-{:05}.example.com", i);
    for (unsigned w = 0; w < 2; ++w) {
      const auto protocol = i % 2 ? model::UsageProtocol::h2 : model::UsageProtocol::h1;
      const auto cell = registry.make_cell({.domain_id = "", .domain = name, .place = {}, .protocol = protocol});
      WebSocketMeter& ws = cell->websocket;
      for (const int status : {101, 403, 502}) ws.handshakes.add(status);
      for (std::size_t c = 0; c < 3; ++c) ws.sessions_closed[c].add(1);
      ws.sessions_opened.add(5);
      ws.out.bytes.add(123'456'789'012);
      ws.handshake_seconds.observe(4ms);
      for (const int status : {200, 304, 404}) cell->http.requests.add(status);
      cell->http.request_seconds.observe(9ms);
      registry.domain(w, name)->origin_connects.add(1);
    }
    e.origins.push_back({.domain = name, .origin = "10.0.0.11:80"});
  }
  // CPU time of this thread, so that a busy machine does not count.
  const auto cpu = [] {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  };
  const auto began = cpu();
  const std::string text = render_metrics(registry, e);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(cpu() - began);
  std::printf("%d domains: %zu KiB in %lld ms\n", kDomains, text.size() >> 10, static_cast<long long>(took.count()));
  RecordProperty("render_ms", static_cast<int>(took.count()));
  // About 100 ms in a release build; a bound that sanitizers keep too.
  EXPECT_LT(took, 5s);
  const auto page = parse_prometheus_text(text);
  ASSERT_TRUE(page) << page.error();
  for (const auto& family : *page) {
    if (family.name == "fairlead_handshakes_total") {
      EXPECT_EQ(family.samples.size(), 3u * kDomains);
    } else if (family.name == "fairlead_origin_up") {
      EXPECT_EQ(family.samples.size(), kDomains + 2u);
    }
  }
}

// The judge of the text format: prometheus-cpp's serializer, given the same series.
TEST(ExpositionPage, WritesWhatTheLibraryWrites) {
  exposition::Page page;
  std::vector<prometheus::MetricFamily> families;
  const auto family = [&](prometheus::MetricType type, const char* name) {
    families.push_back({name, "Some help.", type, {}});
  };
  const auto metric = [&](exposition::Labels labels) -> prometheus::ClientMetric& {
    auto& m = families.back().metric.emplace_back();
    for (const auto& l : labels) m.label.push_back({std::string(l.name), std::string(l.value)});
    return m;
  };

  page.gauge("fairlead_a", "Some help.");
  family(prometheus::MetricType::Gauge, "fairlead_a");
  // Numbers that both write in one way (the library writes 16 digits, the page as few as needed).
  for (const double v : {0.0, 1.0, -1.5, 0.1, 0.0025, 123456.75, 1e6, 1e300, HUGE_VAL, -HUGE_VAL}) {
    const std::string label = std::to_string(v);
    page.add({{"value", label}}, v);
    metric({{"value", label}}).gauge.value = v;
  }
  page.counter("fairlead_b_total", "Some help.");
  family(prometheus::MetricType::Counter, "fairlead_b_total");
  page.add({}, std::uint64_t{1'234'567'890'123'456});
  metric({}).counter.value = 1'234'567'890'123'456;
  const std::string odd = "\\ \" \n \t é 😀 {},= \x01";
  page.add({{"one", odd}, {"two", ""}, {"three", "\\\\\"\n"}}, std::uint64_t{7});
  metric({{"one", odd}, {"two", ""}, {"three", "\\\\\"\n"}}).counter.value = 7;

  page.summary("fairlead_c", "Some help.");
  family(prometheus::MetricType::Summary, "fairlead_c");
  page.add_summary({{"x", "y"}}, 3, 0.75);
  auto& summary = metric({{"x", "y"}}).summary;
  summary.sample_count = 3;
  summary.sample_sum = 0.75;

  page.histogram("fairlead_d", "Some help.");
  family(prometheus::MetricType::Histogram, "fairlead_d");
  const std::array<double, 2> bounds{0.001, 30};
  const std::array<std::uint64_t, 3> buckets{5, 0, 2};
  for (const exposition::Labels& labels : {exposition::Labels{}, exposition::Labels{{"x", "y"}}}) {
    page.add_histogram(labels, bounds, buckets, 1.25);
    auto& histogram = metric(labels).histogram;
    histogram = {7, 1.25, {{5, 0.001}, {5, 30}, {7, HUGE_VAL}}};
  }
  EXPECT_EQ(page.take(), prometheus::TextSerializer().prometheus::Serializer::Serialize(families));
}

// --- docs/metrics.md: each metric is a row | `name` | type | labels | meaning | alert |, with – for no labels.

struct Documented {
  std::string type;
  std::set<std::string> labels;
};

std::map<std::string, Documented> documented_metrics() {
  std::map<std::string, Documented> out;
  std::istringstream in(read_file(fs::path(FAIRLEAD_SOURCE_DIR) / "docs/metrics.md"));
  const auto words = [](const std::string& cell) {
    std::set<std::string> found;
    for (std::size_t at = 0; (at = cell.find('`', at)) != std::string::npos;) {
      const auto end = cell.find('`', at + 1);
      found.insert(cell.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    return found;
  };
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `fairlead_")) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(1));
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(cell);
    EXPECT_EQ(cells.size(), 5u) << line;
    if (cells.size() != 5) continue;
    for (const auto& cell : cells) EXPECT_NE(cell.find_first_not_of(' '), std::string::npos) << "empty cell: " << line;
    const auto name = words(cells[0]);
    EXPECT_EQ(name.size(), 1u) << line;
    std::string type = cells[1];
    std::erase(type, ' ');
    EXPECT_TRUE(out.emplace(*name.begin(), Documented{type, words(cells[2])}).second) << "twice: " << line;
  }
  return out;
}

TEST(MetricsDocument, SaysWhatThePageHasAndNothingElse) {
  CounterRegistry registry(2);
  fill(registry);
  const auto page = parse(render_metrics(registry, extras()));
  const auto documented = documented_metrics();
  std::set<std::string> seen;
  for (const auto& family : page) {
    seen.insert(family.name);
    const auto it = documented.find(family.name);
    if (it == documented.end()) {
      ADD_FAILURE() << family.name << " is not in docs/metrics.md";
      continue;
    }
    EXPECT_EQ(it->second.type, family.type) << family.name;
    EXPECT_FALSE(family.samples.empty()) << family.name << ": fill() must give it a sample";
    std::set<std::string> labels;
    for (const auto& sample : family.samples) {
      for (const auto& [name, value] : sample.labels) {
        if (name != "le") labels.insert(name);
      }
    }
    EXPECT_EQ(it->second.labels, labels) << family.name;
  }
  for (const auto& [name, row] : documented) {
    EXPECT_TRUE(seen.contains(name)) << name << " is in docs/metrics.md, but not on the page";
  }
}

// A label's values are for alerts to name, so the row says them all.
TEST(MetricsDocument, SaysEveryLimitByName) {
  const std::string text = read_file(fs::path(FAIRLEAD_SOURCE_DIR) / "docs/metrics.md");
  const auto expect = [&](const std::string& metric, std::size_t limits, auto name) {
    const std::size_t at = text.find("| `" + metric + "` |");
    ASSERT_NE(at, std::string::npos) << metric;
    const std::string row = text.substr(at, text.find('\n', at) - at);
    for (std::size_t i = 0; i < limits; ++i) {
      EXPECT_NE(row.find(fmt::format("`{}`", name(i))), std::string::npos) << name(i) << " in " << row;
    }
  };
  expect("fairlead_refused_total", kLimitNames, [](std::size_t i) { return to_string(static_cast<LimitName>(i)); });
  expect("fairlead_http2_limit_total", kHttp2Limits,
         [](std::size_t i) { return to_string(static_cast<Http2Limit>(i)); });
}

// Alerts and examples name metrics too; a misspelt one would never fire.
TEST(MetricsDocument, NamesNoMetricThatDoesNotExist) {
  const auto documented = documented_metrics();
  const std::string text = read_file(fs::path(FAIRLEAD_SOURCE_DIR) / "docs/metrics.md");
  for (std::size_t at = 0; (at = text.find("fairlead_", at)) != std::string::npos;) {
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at);
    std::string name = text.substr(at, end - at);
    at = end;
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix) && !documented.contains(name)) name.erase(name.rfind(suffix));
    }
    EXPECT_TRUE(documented.contains(name)) << name;
  }
}

}  // namespace
}  // namespace fairlead::edge
