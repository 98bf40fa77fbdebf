// R19, R21, R23 on the simulated clock: a scripted client and origin count every byte and message themselves over more
// than an hour, across two UTC hours and a midnight, drawn by a seed. Then statistics, access log, metrics and bills
// say exactly the same, for every partition: by domain, region, ISP and interval. (tests/scenarios/test_usage_truth.py
// is the same on the real clock, with the whole program.)

#include "tests/sim/usage_control.h"
#include "tests/sim/usage_world.h"
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/log.h"
#include "edge/telemetry/exposition.h"
#include "edge/telemetry/testing/prometheus_text.h"
#include "edge/usage/cell_values.h"

namespace fairlead::sim {
namespace {

using control::Json;

constexpr std::int64_t kMidnight = 1'800'057'600;  // UTC, seconds; 00:00 on 16 January 2027
constexpr std::int64_t kStart = kMidnight - 70 * 60;
constexpr std::int64_t kEnd = kMidnight + 15 * 60;
constexpr std::int64_t kMidnightInBerlin = kMidnight - 3600;

std::set<std::string> all_of(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

class UsageHour {
 public:
  UsageHour(std::uint64_t seed, std::string folder)
      : folder_(std::move(folder)),
        late_(seed % 3 == 0),
        control_(seed, kStart * 1000, kDomainsA, kDomainsB, late_),
        world_(std::make_unique<UsageWorld>(
            seed, kStart * 1000, control_.ids(), folder_,
            UsageWorld::Hooks{[this](std::string_view set) { return control_.append(set); },
                              [this](std::string_view set) { return control_.accept(set); },
                              [this](std::int64_t now_ms) { control_.tick(now_ms); }})) {}

  void run() {
    world_->run();
    if (::testing::Test::HasFailure()) return;
    truth_ = world_->stage().clients;
    std::cout << world_->lives() << " lives, bytes to clients " << truth_.sum({}, Meter::bytes_out) << "\n";
    for (const unsigned cause : {0u, 1u, 2u, 3u, 4u, 7u, 8u}) {
      EXPECT_GT(truth_.sum({}, Meter::sessions_closed + cause), 0u) << model::kUsageCloseCauses[cause];
    }
    check_origins();
    check_appended();
    check_metrics();
    const std::string log = world_->log_path();
    EXPECT_EQ(world_->shared().log.dropped(), 0u);
    world_.reset();  // the log is written to its end
    check_access_log(log);

    control_.arrive();
    control_.go_to((kMidnight + 2 * 86400) * 1000);
    if (!late_) check_statistics();
    control_.bill();
    if (!late_) check_bills_by_day();
    control_.arrive_late();
    check_statistics();
    control_.roll_up(kMidnight + 3600);
    check_statistics();
    check_answers();
    // What came late is looked for after an hour, three, seven, ...; it is on the bill of a later day, or on its own.
    for (int day = 3; day < 6; ++day) {
      control_.go_to((kMidnight + day * 86400) * 1000);
      control_.bill();
    }
    check_bills_in_all();
    control_.expect_bills_recomputable();
  }

 private:
  // The other end counted the same.
  void check_origins() {
    Stage& stage = world_->stage();
    for (const auto& [name, id] : control_.ids()) {
      auto clients = stage.clients.sum({.domains = {name}}), origins = stage.origins.sum({.domains = {name}});
      std::erase_if(clients, [](const auto& c) {
        return c.first < Meter::bytes_in || c.first > Meter::frames_close_out || c.first == Meter::wire_bytes_in ||
               c.first == Meter::wire_bytes_out;
      });
      EXPECT_EQ(words(clients), words(origins)) << name;
    }
  }

  // What the edge wrote down, and nothing else.
  void check_appended() {
    std::size_t found = 0;
    for (const auto& [whose, counts] : truth_.all()) {
      for (const auto& [at_s, values] : counts) {
        const auto it = control_.appended().find({whose, at_s});
        const auto is = it == control_.appended().end() ? std::map<Meter, std::uint64_t>() : it->second;
        EXPECT_EQ(words(is), words(values))
            << whose.domain << ", " << whose.region << ", " << whose.isp << ", " << control::to_iso(at_s);
        ++found;
      }
    }
    // Beside these, only time that sessions were open, which has no form here.
    std::size_t written = 0;
    for (const auto& [key, values] : control_.appended()) written += values.empty() ? 0 : 1;
    EXPECT_EQ(written, found);
    // The edge looks every ten seconds which are open, and so is wrong by less than that for each.
    const auto sessions = static_cast<std::int64_t>(truth_.sum({}, Meter::sessions_opened));
    EXPECT_LE(std::abs(control_.open_ms() - world_->stage().open_ms), 10'000 * sessions);
    EXPECT_GT(world_->stage().open_ms, 20'000 * sessions);
  }

  // ---- metrics ---------------------------------------------------------------------------------------------------

  void check_metrics() {
    const edge::CounterRegistry& registry = world_->shared().counters;
    std::map<std::string, std::map<Meter, std::uint64_t>> cells;
    for (const auto& cell : registry.cells(edge::CounterRegistry::Cells::all)) {
      EXPECT_EQ(cell->websocket.sessions_open.get(), 0u);
      for (const auto& [meter, n] : Truth::form(edge::values_of(*cell))) cells[cell->key.domain][meter] += n;
    }
    const auto page = edge::testing::parse_prometheus_text(edge::render_metrics(registry, {}));
    ASSERT_TRUE(page) << page.error();
    for (const auto& [name, id] : control_.ids()) {
      const auto truth = truth_.sum({.domains = {name}});
      EXPECT_EQ(words(cells[name]), words(truth)) << name;
      check_page(*page, name);
    }
  }

  void check_page(const std::vector<edge::testing::PrometheusFamily>& page, const std::string& domain) {
    const auto n = [&](std::initializer_list<Meter> meters) {
      std::uint64_t sum = 0;
      for (const Meter m : meters) sum += truth_.sum({.domains = {domain}}, m);
      return static_cast<double>(sum);
    };
    for (const unsigned way : {0u, 1u}) {
      const std::map<std::string, std::string> labels{{"domain", domain},
                                                      {"direction", way ? "to_client" : "to_origin"}};
      const auto is = [&](const std::string& metric) { return edge::testing::value_of(page, metric, labels); };
      EXPECT_EQ(is("fairlead_session_bytes_total"), n({Meter::bytes_in + way})) << domain;
      EXPECT_EQ(is("fairlead_session_wire_bytes_total"), n({Meter::wire_bytes_in + way})) << domain;
      EXPECT_EQ(is("fairlead_session_messages_total"),
                n({Meter::messages_text_in + way, Meter::messages_binary_in + way}));
      EXPECT_EQ(is("fairlead_session_frames_total"),
                n({Meter::frames_text_in + way, Meter::frames_binary_in + way, Meter::frames_continuation_in + way,
                   Meter::frames_ping_in + way, Meter::frames_pong_in + way, Meter::frames_close_in + way}))
          << domain;
      if (!edge::testing::has_series(page, "fairlead_http_body_bytes_total", labels)) {
        EXPECT_EQ(n({Meter::http_wire_bytes_in + way}), 0) << domain;
        continue;
      }
      EXPECT_EQ(is("fairlead_http_body_bytes_total"), n({Meter::http_bytes_in + way})) << domain;
      EXPECT_EQ(is("fairlead_http_wire_bytes_total"), n({Meter::http_wire_bytes_in + way})) << domain;
    }
    const auto by = [&](const std::string& metric, const std::string& label, const std::string& value, Meter meter) {
      const std::map<std::string, std::string> labels{{"domain", domain}, {label, value}};
      const double want = n({meter});
      EXPECT_EQ(edge::testing::has_series(page, metric, labels), want != 0) << domain << " " << metric << " " << value;
      if (want == 0) return;
      EXPECT_EQ(edge::testing::value_of(page, metric, labels), want) << domain << " " << metric << " " << value;
    };
    for (unsigned i = 0; i < std::size(model::kUsageCloseCauses); ++i) {
      by("fairlead_sessions_closed_total", "cause", std::string(model::kUsageCloseCauses[i]),
         Meter::sessions_closed + i);
    }
    for (const unsigned status : {101u, 200u, 403u, 404u, 502u, 503u}) {
      by("fairlead_handshakes_total", "status", std::to_string(status), Meter::handshakes + status);
      by("fairlead_http_requests_total", "status", std::to_string(status), Meter::requests + status);
    }
  }

  // ---- access log ------------------------------------------------------------------------------------------------

  void check_access_log(const std::string& path) {
    std::map<Whose, std::map<Meter, std::uint64_t>> sums;
    std::map<Whose, std::map<std::string, std::uint64_t>> frames, messages;
    std::map<Whose, std::map<unsigned, std::uint64_t>> answers;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
      const Json r = Json::parse(line);
      const Whose whose{r["domain"], r["region"], r["isp"]};
      auto& sum = sums[whose];
      const auto count = [&](const char* field) { return r.value(field, std::uint64_t{0}); };
      if (r.contains("session")) {
        ++sum[Meter::sessions_opened];
        sum[Meter::bytes_in] += count("bytes_in");
        sum[Meter::bytes_out] += count("bytes_out");
        for (const char* way : {"in", "out"}) {
          frames[whose][way] += count((std::string("frames_") + way).c_str());
          messages[whose][way] += count((std::string("messages_") + way).c_str());
        }
        const auto* cause = std::ranges::find(model::kUsageCloseCauses, r["close_cause"].get<std::string>());
        ++sum[Meter::sessions_closed + static_cast<unsigned>(cause - std::begin(model::kUsageCloseCauses))];
      } else {
        const auto status = r["status"].get<unsigned>();
        ++answers[whose][status];
        if (status == 200 || status == 404) {  // what only ordinary requests are answered here
          sum[Meter::http_bytes_in] += count("bytes_in");
          sum[Meter::http_bytes_out] += count("bytes_out");
        }
      }
    }
    for (const auto& [whose, counts] : truth_.all()) {
      const Truth::Part part{.domains = {whose.domain}, .region = whose.region, .isp = whose.isp};
      const auto n = [&](std::initializer_list<Meter> meters) {
        std::uint64_t sum = 0;
        for (const Meter m : meters) sum += truth_.sum(part, m);
        return sum;
      };
      const std::string where = whose.domain + ", " + whose.region + ", " + whose.isp;
      for (const Meter m :
           {Meter::sessions_opened, Meter::bytes_in, Meter::bytes_out, Meter::http_bytes_in, Meter::http_bytes_out}) {
        EXPECT_EQ(sums[whose][m], n({m})) << where << " " << static_cast<unsigned>(m);
      }
      for (unsigned i = 0; i < std::size(model::kUsageCloseCauses); ++i) {
        EXPECT_EQ(sums[whose][Meter::sessions_closed + i], n({Meter::sessions_closed + i})) << where << " " << i;
      }
      for (const unsigned way : {0u, 1u}) {
        EXPECT_EQ(messages[whose][way ? "out" : "in"],
                  n({Meter::messages_text_in + way, Meter::messages_binary_in + way}))
            << where;
        EXPECT_EQ(frames[whose][way ? "out" : "in"],
                  n({Meter::frames_text_in + way, Meter::frames_binary_in + way, Meter::frames_continuation_in + way,
                     Meter::frames_ping_in + way, Meter::frames_pong_in + way, Meter::frames_close_in + way}))
            << where;
      }
      for (const unsigned status : {200u, 403u, 404u, 502u, 503u}) {
        const bool may_be_handshake = status >= 400;
        EXPECT_EQ(answers[whose][status],
                  n({Meter::requests + status}) + (may_be_handshake ? n({Meter::handshakes + status}) : 0))
            << where << " " << status;
      }
    }
    EXPECT_EQ(sums.size(), truth_.all().size());
  }

  // ---- statistics ------------------------------------------------------------------------------------------------

  void check_statistics() {
    using control::SeriesGroup;
    struct Who {
      const control::Caller& caller;
      std::vector<std::string> domains;
    };
    std::vector<std::string> every = kDomainsA;
    every.insert(every.end(), kDomainsB.begin(), kDomainsB.end());
    for (const Who& who :
         {Who{control_.ann(), kDomainsA}, Who{control_.eve(), kDomainsB}, Who{control_.operators(), every}}) {
      std::vector<std::vector<std::string>> choices{{}};
      for (const std::string& name : who.domains) choices.push_back({name});
      choices.push_back({who.domains[0], who.domains[2]});
      for (const auto& choice : choices) {
        for (const std::int64_t interval : {300, 3600, 86400}) {
          for (const SeriesGroup group : {SeriesGroup::none, SeriesGroup::domain, SeriesGroup::region, SeriesGroup::isp,
                                          SeriesGroup::region_and_isp}) {
            control::StatisticsAsked asked;
            asked.domains = choice;
            asked.group = group;
            asked.range.interval = interval;
            check_series(who.caller, asked, all_of(choice.empty() ? who.domains : choice));
          }
        }
      }
      control::StatisticsAsked asked;
      asked.region = "DE";
      asked.group = SeriesGroup::isp;
      check_series(who.caller, asked, all_of(who.domains));
      asked.isp = "Example Telecom";
      check_series(who.caller, asked, all_of(who.domains));
    }
  }

  void check_series(const control::Caller& caller, control::StatisticsAsked asked,
                    const std::set<std::string>& domains) {
    using control::SeriesGroup;
    asked.range.start_time = control::to_iso(kStart);
    asked.range.end_time = control::to_iso(kEnd);
    const control::Statistics is = control_.statistics(caller, asked);
    ASSERT_EQ(is.range.interval_s, asked.range.interval.value_or(300));
    const bool by_region = asked.group == SeriesGroup::region || asked.group == SeriesGroup::region_and_isp;
    const bool by_isp = asked.group == SeriesGroup::isp || asked.group == SeriesGroup::region_and_isp;
    std::map<Meter, std::uint64_t> whole;
    for (const auto& series : is.series) {
      ASSERT_EQ(series.points.size(), is.grid.size());
      Truth::Part part{.domains = domains, .region = asked.region, .isp = asked.isp};
      if (asked.group == SeriesGroup::domain) part.domains = {series.domain.name};
      if (by_region) part.region = series.region;
      if (by_isp) part.isp = series.isp;
      for (std::size_t i = 0; i < is.grid.size(); ++i) {
        part.from_s = is.grid.at(i);
        part.to_s = part.from_s + is.grid.length(i);
        const auto point = Truth::form(series.points[i]);
        for (const auto& [meter, n] : point) whole[meter] += n;
        ASSERT_EQ(words(point), words(truth_.sum(part)))
            << *domains.begin() << " and " << domains.size() - 1 << " others, by " << static_cast<int>(asked.group)
            << " (" << series.domain.name << ", " << series.region << ", " << series.isp << "), " << is.range.interval_s
            << " s from " << control::to_iso(part.from_s);
      }
    }
    // Nor is any series missing.
    ASSERT_EQ(words(whole), words(truth_.sum({.domains = domains, .region = asked.region, .isp = asked.isp})));
  }

  // The same as customers get it.
  void check_answers() {
    const std::string time = "start_time=" + control::to_iso(kStart) + "&end_time=" + control::to_iso(kEnd);
    for (const auto& [name, id] : control_.ids()) {
      const bool ours = all_of(kDomainsA).contains(name);
      const control::Caller& caller = ours ? control_.ann() : control_.eve();
      const Json traffic = control_.answer(
          caller, "traffic?meter=websocket&group=region_and_isp&interval=300&domain=" + name + "&" + time);
      for (const Json& series : traffic["series"]) {
        for (const Json& point : series["points"]) {
          const std::int64_t at_s = control::parse_date(point["time"].get<std::string>()).value() / 1000;
          const Truth::Part part{.domains = {name},
                                 .region = series["region"].get<std::string>(),
                                 .isp = series["isp"].get<std::string>(),
                                 .from_s = at_s,
                                 .to_s = at_s + 300};
          const std::pair<const char*, Meter> kFields[] = {{"bytes_in", Meter::bytes_in},
                                                           {"bytes_out", Meter::bytes_out},
                                                           {"wire_bytes_in", Meter::wire_bytes_in},
                                                           {"wire_bytes_out", Meter::wire_bytes_out},
                                                           {"sessions_opened", Meter::sessions_opened}};
          for (const auto& [field, meter] : kFields)
            EXPECT_EQ(point[field], truth_.sum(part, meter)) << name << " " << field;
          EXPECT_EQ(point["messages_out"],
                    truth_.sum(part, Meter::messages_text_out) + truth_.sum(part, Meter::messages_binary_out));
        }
      }
      const Json sessions = control_.answer(caller, "sessions?domain=" + name + "&" + time);
      const Json codes = control_.answer(caller, "http-codes?domain=" + name + "&" + time);
      for (unsigned i = 0; i < std::size(model::kUsageCloseCauses); ++i) {
        const auto closed = sessions["series"][0]["total"]["closed_by_cause"].value(
            std::string(model::kUsageCloseCauses[i]), std::uint64_t{0});
        EXPECT_EQ(closed, truth_.sum({.domains = {name}}, Meter::sessions_closed + i)) << name << " " << i;
      }
      for (const Json& code : codes["series"][0]["codes"]) {
        const Meter meter = Meter::handshakes + code["code"].get<unsigned>();
        EXPECT_EQ(code["count"], truth_.sum({.domains = {name}}, meter)) << name;
      }
    }
  }

  // ---- bills -----------------------------------------------------------------------------------------------------

  // Billed by frames: all bytes to clients of a stretch of time.
  std::int64_t cost_of_traffic(std::int64_t from_s, std::int64_t to_s) const {
    const auto bytes = truth_.sum({.domains = all_of(kDomainsA), .from_s = from_s, .to_s = to_s}, Meter::bytes_out);
    return UsageControl::kTraffic.cost(bytes, UsageControl::kUnit);
  }
  // Billed by the wire: the most that five minutes carried to clients.
  std::int64_t cost_of_bandwidth(std::int64_t from_s, std::int64_t to_s) const {
    std::uint64_t most = 0;
    for (std::int64_t at_s = from_s; at_s < to_s; at_s += 300) {
      most = std::max(
          most, truth_.sum({.domains = all_of(kDomainsB), .from_s = at_s, .to_s = at_s + 300}, Meter::wire_bytes_out));
    }
    return UsageControl::kBandwidth.cost(most, UsageControl::kMbit);
  }
  // By the account's own days.
  std::vector<std::int64_t> costs(const control::Caller& caller) const {
    if (&caller == &control_.ann())
      return {cost_of_traffic(kStart, kMidnightInBerlin), cost_of_traffic(kMidnightInBerlin, kEnd)};
    return {cost_of_bandwidth(kStart, kMidnight), cost_of_bandwidth(kMidnight, kEnd)};
  }

  void check_bills_by_day() {
    for (const control::Caller* caller : {&control_.ann(), &control_.eve()}) {
      const auto bills = control_.bills_of(*caller);
      const auto cost = costs(*caller);
      ASSERT_EQ(bills.size(), 2u);
      for (const std::size_t day : {0u, 1u}) {
        EXPECT_EQ(bills[day]["from"], day == 0 ? "2027-01-15" : "2027-01-16");
        EXPECT_EQ(bills[day]["amount"], cost[day]) << bills[day].dump(1);
        EXPECT_GT(cost[day], 0);
      }
    }
  }

  // Whatever came late: in the end everything is paid for, and once.
  void check_bills_in_all() {
    for (const control::Caller* caller : {&control_.ann(), &control_.eve()}) {
      const auto cost = costs(*caller);
      std::int64_t billed = 0;
      for (const Json& bill : control_.bills_of(*caller)) billed += bill["amount"].get<std::int64_t>();
      EXPECT_EQ(billed, cost[0] + cost[1]);
    }
  }

  const std::string folder_;
  const bool late_;
  UsageControl control_;
  std::unique_ptr<UsageWorld> world_;
  Truth truth_;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// An hour costs as much as a few thousand of the stories of session_sim.cc.
TEST(UsageHourSim, seeds) {
  base::log_set_level(base::LogLevel::off);  // journals without room and origins set aside are what is wanted
  const std::uint64_t first = from_environment("FAIRLEAD_SIM_SEED", 1);
  const std::uint64_t stories = from_environment("FAIRLEAD_SIM_SEEDS", 10'000);
  const std::uint64_t count = std::getenv("FAIRLEAD_SIM_SEED") ? 1 : std::max<std::uint64_t>(stories / 2500, 1);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    std::cout << "seed " << seed << ": ";
    SCOPED_TRACE("repeat with FAIRLEAD_SIM_SEED=" + std::to_string(seed));
    char folder[] = "/tmp/fairlead-hour-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    auto hour = std::make_unique<UsageHour>(seed, folder);
    hour->run();
    if (HasFailure()) {
      std::cerr << "seed " << seed << " failed, its access log is in " << folder << "\n";
      std::_Exit(1);  // a stuck world cannot be destroyed; the seed is all one needs
    }
    hour.reset();
    std::filesystem::remove_all(folder);
  }
  base::log_set_level(base::LogLevel::info);
}

}  // namespace
}  // namespace fairlead::sim
