#include "control/api/statistics_operations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "control/api/statistics_answer.h"
#include "control/statistics/figures.h"
#include "control/statistics/live_feed.h"

namespace fairlead::control {
namespace {

using model::Meter;
using model::usage_of;
using model::UsageValues;

constexpr unsigned kStatuses = 600;

// One of the three meters that traffic is counted by.
struct TrafficMeter {
  std::string_view name;
  Meter bytes_in, bytes_out, wire_in, wire_out;
  std::string_view opened;  // what is counted beside the bytes
  Meter opened_meter;
  bool family;    // opened_meter is the first of one
  bool messages;  // whether there are any
};
constexpr TrafficMeter kTraffic[] = {
    {"websocket", Meter::bytes_in, Meter::bytes_out, Meter::wire_bytes_in, Meter::wire_bytes_out, "sessions_opened",
     Meter::sessions_opened, false, true},
    {"http", Meter::http_bytes_in, Meter::http_bytes_out, Meter::http_wire_bytes_in, Meter::http_wire_bytes_out,
     "requests", Meter::requests, true, false},
    {"tunnel", Meter::tunnel_bytes_in, Meter::tunnel_bytes_out, Meter::tunnel_wire_bytes_in,
     Meter::tunnel_wire_bytes_out, "tunnels_opened", Meter::tunnels_opened, false, false}};

const TrafficMeter& meter_of(const Call& call) {
  const std::string name = call.query("meter").value_or("websocket");
  return *std::ranges::find(kTraffic, name, &TrafficMeter::name);  // the contract has no other words
}

bool on_wire(const Call& call) { return call.query("basis") == "wire"; }

std::vector<Meter> traffic_meters(const TrafficMeter& m) {
  std::vector<Meter> out = {m.bytes_in, m.bytes_out, m.wire_in, m.wire_out, m.opened_meter};
  if (m.messages) {
    for (const Meter more :
         {Meter::messages_text_in, Meter::messages_text_out, Meter::messages_binary_in, Meter::messages_binary_out}) {
      out.push_back(more);
    }
  }
  return out;
}

using Cells = std::vector<std::pair<std::string, std::uint64_t>>;

Cells traffic_cells(const TrafficMeter& m, const UsageValues& v) {
  std::uint64_t opened = 0;
  if (m.family) {
    for (const FamilyCount& c : family_of(v, m.opened_meter, kStatuses)) opened += c.count;
  } else {
    opened = usage_of(v, m.opened_meter);
  }
  Cells out = {{"bytes_in", usage_of(v, m.bytes_in)},
               {"bytes_out", usage_of(v, m.bytes_out)},
               {"wire_bytes_in", usage_of(v, m.wire_in)},
               {"wire_bytes_out", usage_of(v, m.wire_out)}};
  if (m.messages) {
    out.emplace_back("messages_in", usage_of(v, Meter::messages_text_in) + usage_of(v, Meter::messages_binary_in));
    out.emplace_back("messages_out", usage_of(v, Meter::messages_text_out) + usage_of(v, Meter::messages_binary_out));
  }
  out.emplace_back(m.opened, opened);
  return out;
}

UsageValues sum_of(const std::vector<UsageValues>& points) {
  UsageValues all;
  for (const UsageValues& v : points) model::add_usage(all, v);
  return all;
}

// ------------------------------------------------------------------------------------------------------- bandwidth

Json bandwidth_json(const Bandwidth& b) {
  return {
      {"peak", b.peak}, {"peak_time", to_iso(b.peak_at_s)}, {"percentile_95", b.percentile_95}, {"average", b.average}};
}

Outcome<Reply> bandwidth(Context& context, const Call& call) {
  const TrafficMeter& m = meter_of(call);
  const Meter in = on_wire(call) ? m.wire_in : m.bytes_in, out = on_wire(call) ? m.wire_out : m.bytes_out;
  auto answer = StatisticsAnswer::read(context, call, "bandwidth", {in, out});
  if (!answer) return std::unexpected(std::move(answer.error()));
  answer->put("meter", m.name);
  answer->put("basis", on_wire(call) ? "wire" : "frames");
  answer->columns({"bandwidth_in", "bandwidth_out"});
  for (const StatisticsSeries& s : answer->series()) {
    std::array<Bandwidth, 2> ways;
    for (std::size_t i = 0; i < 2; ++i) {
      std::vector<std::uint64_t> bytes;
      for (const UsageValues& v : s.points) bytes.push_back(usage_of(v, i == 0 ? in : out));
      ways[i] = bandwidth_of(answer->grid(), bytes);
    }
    Json points = Json::array();
    for (std::size_t i = 0; i < s.points.size(); ++i) {
      if (answer->csv()) {
        answer->row(s, i, {std::to_string(ways[0].points[i]), std::to_string(ways[1].points[i])});
      } else {
        points.push_back({{"time", answer->time(i)}, {"in", ways[0].points[i]}, {"out", ways[1].points[i]}});
      }
    }
    answer->add(s, {{"in", bandwidth_json(ways[0])}, {"out", bandwidth_json(ways[1])}, {"points", std::move(points)}});
  }
  return answer->reply();
}

// --------------------------------------------------------------------------------------------------------- traffic

Outcome<Reply> traffic(Context& context, const Call& call) {
  const TrafficMeter& m = meter_of(call);
  auto answer = StatisticsAnswer::read(context, call, "traffic", traffic_meters(m));
  if (!answer) return std::unexpected(std::move(answer.error()));
  answer->put("meter", m.name);
  std::vector<std::string> names;
  for (const auto& [name, n] : traffic_cells(m, {})) names.push_back(name);
  answer->columns(names);
  for (const StatisticsSeries& s : answer->series()) {
    Json points = Json::array();
    for (std::size_t i = 0; i < s.points.size(); ++i) {
      Json point = {{"time", answer->time(i)}};
      std::vector<std::string> cells;
      for (const auto& [name, n] : traffic_cells(m, s.points[i])) {
        if (answer->csv()) {
          cells.push_back(std::to_string(n));
        } else {
          point[name] = n;
        }
      }
      if (answer->csv()) {
        answer->row(s, i, cells);
      } else {
        points.push_back(std::move(point));
      }
    }
    Json total = Json::object();
    for (const auto& [name, n] : traffic_cells(m, sum_of(s.points))) total[name] = n;
    answer->add(s, {{"total", std::move(total)}, {"points", std::move(points)}});
  }
  return answer->reply();
}

// ------------------------------------------------------------------------------------------------------ HTTP codes

struct Codes {
  std::vector<FamilyCount> counts;
  std::vector<std::uint64_t> proportions;
  std::uint64_t total = 0;

  Codes(const UsageValues& values, Meter family) : counts(family_of(values, family, kStatuses)) {
    std::vector<std::uint64_t> plain;
    for (const FamilyCount& c : counts) {
      plain.push_back(c.count);
      total += c.count;
    }
    proportions = shares_of(plain);
  }
  Json json() const {
    Json out = Json::array();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      out.push_back({{"code", counts[i].place}, {"count", counts[i].count}, {"proportion", proportions[i]}});
    }
    return out;
  }
};

Outcome<Reply> http_codes(Context& context, const Call& call) {
  const bool http = call.query("meter") == "http";
  const Meter family = http ? Meter::requests : Meter::handshakes;
  auto answer = StatisticsAnswer::read(context, call, "http-codes", {family});
  if (!answer) return std::unexpected(std::move(answer.error()));
  answer->put("meter", http ? "http" : "websocket");
  answer->columns({"code", "count", "proportion"});
  for (const StatisticsSeries& s : answer->series()) {
    Json points = Json::array();
    for (std::size_t i = 0; i < s.points.size(); ++i) {
      const Codes codes(s.points[i], family);
      if (!answer->csv()) {
        points.push_back({{"time", answer->time(i)}, {"total", codes.total}, {"codes", codes.json()}});
        continue;
      }
      for (std::size_t k = 0; k < codes.counts.size(); ++k) {
        answer->row(s, i,
                    {std::to_string(codes.counts[k].place), std::to_string(codes.counts[k].count),
                     std::to_string(codes.proportions[k])});
      }
      if (codes.counts.empty()) answer->row(s, i, {"", "0", "0"});
    }
    const Codes all(sum_of(s.points), family);
    answer->add(s, {{"total", all.total}, {"codes", all.json()}, {"points", std::move(points)}});
  }
  return answer->reply();
}

// ------------------------------------------------------------------------------------------------ regions and ISPs

Outcome<Reply> regions_and_isps(Context& context, const Call& call) {
  const TrafficMeter& m = meter_of(call);
  const Meter ranked_by = on_wire(call) ? m.wire_out : m.bytes_out;
  auto answer = StatisticsAnswer::read(context, call, "regions-and-isps", traffic_meters(m),
                                       SeriesGroup::region_and_isp, /*one_point=*/true);
  if (!answer) return std::unexpected(std::move(answer.error()));
  answer->put("meter", m.name);
  answer->put("basis", on_wire(call) ? "wire" : "frames");
  struct Place {
    const StatisticsSeries* series;
    UsageValues sum;
  };
  std::vector<Place> places;
  for (const StatisticsSeries& s : answer->series()) places.push_back({&s, sum_of(s.points)});
  // Of equal ones by name, which is their order.
  std::ranges::stable_sort(places, std::greater(), [&](const Place& p) { return usage_of(p.sum, ranked_by); });
  std::vector<std::uint64_t> bytes;
  UsageValues all;
  for (const Place& p : places) {
    bytes.push_back(usage_of(p.sum, ranked_by));
    model::add_usage(all, p.sum);
  }
  const auto shares = shares_of(bytes);
  std::vector<std::string> names = {"rank"};
  for (const auto& [name, n] : traffic_cells(m, {})) names.push_back(name);
  names.emplace_back("share");
  answer->columns(names, /*with_time=*/false);
  for (std::size_t i = 0; i < places.size(); ++i) {
    Json item = {{"rank", i + 1}};
    std::vector<std::string> cells = {std::to_string(i + 1)};
    for (const auto& [name, n] : traffic_cells(m, places[i].sum)) {
      item[name] = n;
      cells.push_back(std::to_string(n));
    }
    item["share"] = shares[i];
    cells.push_back(std::to_string(shares[i]));
    answer->line(*places[i].series, cells);
    answer->add(*places[i].series, std::move(item));
  }
  Json total = Json::object();
  for (const auto& [name, n] : traffic_cells(m, all)) total[name] = n;
  answer->put("total", std::move(total));
  return answer->reply("items");
}

// -------------------------------------------------------------------------------------------------------- sessions

// Milliseconds with three digits behind the point.
Json ms_of(std::optional<std::int64_t> ns) {
  if (!ns) return nullptr;
  return std::round(static_cast<double>(*ns) / 1e3) / 1e3;
}

Json durations_json(const Durations& d) {
  Json out = {{"count", d.count}};
  out["mean_ms"] = d.count > 0 ? ms_of(static_cast<std::int64_t>(d.mean_ns)) : Json();
  out["p50_ms"] = ms_of(d.p50_ns);
  out["p90_ms"] = ms_of(d.p90_ns);
  out["p99_ms"] = ms_of(d.p99_ns);
  return out;
}

// How many were open on average, three digits behind the point.
double average_open(const UsageValues& v, std::int64_t seconds) {
  return std::round(static_cast<double>(usage_of(v, Meter::session_milliseconds)) / static_cast<double>(seconds)) / 1e3;
}

Json sessions_json(const UsageValues& v, std::int64_t seconds, Json out) {
  Json by = Json::object();
  std::uint64_t closed = 0;
  for (const FamilyCount& c : family_of(v, Meter::sessions_closed, std::size(model::kUsageCloseCauses))) {
    by[std::string(model::kUsageCloseCauses[c.place])] = c.count;
    closed += c.count;
  }
  out["opened"] = usage_of(v, Meter::sessions_opened);
  out["closed"] = closed;
  out["closed_by_cause"] = std::move(by);
  out["average_open"] = average_open(v, seconds);
  out["handshake"] = durations_json(durations_of(v, Meter::handshake_seconds, Meter::handshake_nanoseconds));
  out["origin"] = durations_json(durations_of(v, Meter::origin_seconds, Meter::origin_nanoseconds));
  return out;
}

std::vector<std::string> session_cells(const Json& point) {
  std::vector<std::string> out = {point["opened"].dump(), point["closed"].dump()};
  for (const std::string_view cause : model::kUsageCloseCauses) {
    const auto found = point["closed_by_cause"].find(std::string(cause));
    out.push_back(found == point["closed_by_cause"].end() ? "0" : found->dump());
  }
  out.push_back(point["average_open"].dump());
  for (const char* what : {"handshake", "origin"}) {
    for (const char* figure : {"count", "mean_ms", "p50_ms", "p90_ms", "p99_ms"}) {
      const Json& cell = point[what][figure];
      out.push_back(cell.is_null() ? "" : cell.dump());
    }
  }
  return out;
}

Outcome<Reply> sessions(Context& context, const Call& call) {
  const std::vector<Meter> meters = {Meter::sessions_opened,   Meter::session_milliseconds,  Meter::sessions_closed,
                                     Meter::handshake_seconds, Meter::handshake_nanoseconds, Meter::origin_seconds,
                                     Meter::origin_nanoseconds};
  auto answer = StatisticsAnswer::read(context, call, "sessions", meters);
  if (!answer) return std::unexpected(std::move(answer.error()));
  std::vector<std::string> names = {"opened", "closed"};
  for (const std::string_view cause : model::kUsageCloseCauses) names.push_back("closed_" + std::string(cause));
  names.emplace_back("average_open");
  for (const char* what : {"handshake", "origin"}) {
    for (const char* figure : {"_count", "_mean_ms", "_p50_ms", "_p90_ms", "_p99_ms"}) {
      names.push_back(std::string(what) + figure);
    }
  }
  answer->columns(names);
  const PointGrid& grid = answer->grid();
  for (const StatisticsSeries& s : answer->series()) {
    Json points = Json::array();
    for (std::size_t i = 0; i < s.points.size(); ++i) {
      Json point = sessions_json(s.points[i], grid.length(i), {{"time", answer->time(i)}});
      if (answer->csv()) {
        answer->row(s, i, session_cells(point));
      } else {
        points.push_back(std::move(point));
      }
    }
    answer->add(s, {{"total", sessions_json(sum_of(s.points), grid.to() - grid.from(), Json::object())},
                    {"points", std::move(points)}});
  }
  return answer->reply();
}

// ------------------------------------------------------------------------------------------------------------ live

Outcome<Reply> live(Context& context, const Call& call) {
  LiveAsked asked;
  auto names = domain_names(call.query("domain").value_or(""), kMostLiveDomains);
  if (!names) return std::unexpected(std::move(names.error()));
  asked.domains = std::move(*names);
  asked.account_id = call.query("account_id");
  const std::string* accept = call.request.field("accept");
  if (accept && accept->find("text/event-stream") != std::string::npos) return live_stream(context, call, asked);
  return live_snapshot(context, call.caller, asked);
}

}  // namespace

void add_statistics_operations(Operations& operations, Context& context) {
  operations["getBandwidth"] = [&context](const Call& call) { return bandwidth(context, call); };
  operations["getTraffic"] = [&context](const Call& call) { return traffic(context, call); };
  operations["getHttpCodes"] = [&context](const Call& call) { return http_codes(context, call); };
  operations["getRegionsAndIsps"] = [&context](const Call& call) { return regions_and_isps(context, call); };
  operations["getSessionStatistics"] = [&context](const Call& call) { return sessions(context, call); };
  operations["getLiveStatistics"] = [&context](const Call& call) { return live(context, call); };
}

}  // namespace fairlead::control
