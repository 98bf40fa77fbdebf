#include "cli/stats_verbs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

#include "base/clock.h"

namespace fairlead::cli {
namespace {

constexpr std::size_t kCurve = 48, kBar = 32;  // cells

bool on_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

// "90m", "24h", "7d" in seconds.
std::optional<std::int64_t> seconds_of(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const std::int64_t unit = text.back() == 'm' ? 60 : text.back() == 'h' ? 3600 : text.back() == 'd' ? 86400 : 0;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, n);
  if (unit == 0 || error != std::errc() || end != text.data() + text.size() - 1 || n <= 0 || n > 100'000) {
    return std::nullopt;
  }
  return n * unit;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ",") + name;
  return out;
}

Told<Query> query_of(Desk& desk, const StatsArgs& args) {
  auto query = account_query(desk, args.account);
  if (!query) return query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) query->emplace_back(name, value);
  };
  add("domain", joined(args.domains));
  add("region", args.region);
  add("isp", args.isp);
  add("group", args.group);
  add("time_zone", args.time_zone);
  add("meter", args.meter);
  if (args.wire) add("basis", "wire");
  if (!args.last.empty()) {
    const auto span = seconds_of(args.last);
    if (!span) return trouble("--last is a number with m, h or d: 90m, 24h, 7d");
    if (!args.since.empty() || !args.until.empty()) return trouble("--last stands for --since and --until");
    const std::int64_t now = base::wall_clock_ms();
    add("start_time", base::format_utc_ms(now - *span * 1000));
    add("end_time", base::format_utc_ms(now));
  }
  add("start_time", args.since);
  add("end_time", args.until);
  if (!args.interval.empty()) add("interval", args.interval == "5m" ? "300" : args.interval == "1h" ? "3600" : "86400");
  if (args.csv) add("format", "csv");
  if (args.sparse) add("sparse", "true");
  return query;
}

// What belongs to the group, as columns of a table.
std::vector<Column> group_columns(const Json& answer) {
  const std::string group = answer.value("group", "none");
  std::vector<Column> out;
  if (group == "domain") out = {{"DOMAIN", "/domain"}};
  if (group == "region" || group == "region_and_isp") out.push_back({"REGION", "/region"});
  if (group == "isp" || group == "region_and_isp") out.push_back({"ISP", "/isp"});
  return out;
}

std::uint64_t number(const Json& from, const char* key) {
  const auto at = from.find(key);
  return at != from.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

// How one kind of statistics is shown.
struct Look {
  std::vector<Column> summary;  // of what `line` makes of a series
  std::function<Json(const Json& series)> line;
  std::vector<Column> points;  // of what `point` makes of one
  std::function<Json(const Json& point)> point;
  std::string curve;  // the member of a point that is drawn
};

void tell_head(Desk& desk, const Json& answer) {
  std::string text = fmt::format("{} to {}, points of {} s", answer.value("start_time", "?"),
                                 answer.value("end_time", "?"), number(answer, "interval"));
  if (const std::string zone = answer.value("time_zone", "UTC"); zone != "UTC") text += ", days of " + zone;
  desk.out.done(text);
  for (const Json& note : answer.value("notes", Json::array())) desk.out.done("note: " + note.value("message", ""));
}

// Asks, and prints what programs want; none: people want it.
Told<std::optional<Json>> ask(Desk& desk, const char* path, const StatsArgs& args) {
  if (args.sparse && !args.csv) return trouble("--sparse goes with -o csv");
  const auto query = query_of(desk, args);
  if (!query) return std::unexpected(query.error());
  const auto reply = desk.api.get(path, *query);
  if (!reply) return std::unexpected(reply.error());
  if (args.csv) {
    desk.out.text(reply->body);
    return std::optional<Json>();
  }
  if (desk.out.json()) {
    desk.out.object({}, reply->json);
    return std::optional<Json>();
  }
  return std::optional<Json>(reply->json);
}

Told<void> show(Desk& desk, const char* path, const StatsArgs& args, const Look& look) {
  const auto asked = ask(desk, path, args);
  if (!asked) return std::unexpected(asked.error());
  if (!*asked) return {};
  const Json& answer = **asked;
  tell_head(desk, answer);
  std::vector<Column> columns = group_columns(answer);
  std::vector<Json> rows;
  const auto with_group = [&](Json row, const Json& series) {
    for (const char* key : {"domain", "region", "isp"}) {
      if (series.contains(key)) row[key] = series[key];
    }
    rows.push_back(std::move(row));
  };
  const bool drawn = on_terminal();
  const auto& more = args.points ? look.points : look.summary;
  if (args.points) columns.push_back({"TIME", "/time"});
  columns.insert(columns.end(), more.begin(), more.end());
  if (drawn) columns.push_back({args.points ? "" : "CURVE", "/curve"});
  for (const Json& series : answer.value("series", Json::array())) {
    std::vector<std::uint64_t> values;
    for (const Json& p : series["points"]) values.push_back(number(p, look.curve.c_str()));
    if (!args.points) {
      Json row = look.line(series);
      if (drawn) row["curve"] = sparkline(values, kCurve);
      with_group(std::move(row), series);
      continue;
    }
    const std::uint64_t most = values.empty() ? 0 : *std::ranges::max_element(values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      Json row = look.point(series["points"][i]);
      row["time"] = series["points"][i]["time"];
      if (drawn) row["curve"] = bar(values[i], most, kBar);
      with_group(std::move(row), series);
    }
  }
  desk.out.list(columns, rows, "nothing was counted");
  return {};
}

// Counts in short; "bytes_in" and the like.
Json shortened(const Json& from, std::initializer_list<const char*> keys) {
  Json out = Json::object();
  for (const char* key : keys) {
    if (from.contains(key)) out[key] = short_number(number(from, key));
  }
  return out;
}

const std::vector<Column>& traffic_columns(const std::string& meter) {
  static const std::vector<Column> kAll = {{"IN", "/bytes_in", true},
                                           {"OUT", "/bytes_out", true},
                                           {"WIRE IN", "/wire_bytes_in", true},
                                           {"WIRE OUT", "/wire_bytes_out", true}};
  static const auto with = [](std::vector<Column> more) {
    more.insert(more.begin(), kAll.begin(), kAll.end());
    return more;
  };
  static const std::vector<Column> kWebSocket = with({{"MESSAGES IN", "/messages_in", true},
                                                      {"MESSAGES OUT", "/messages_out", true},
                                                      {"OPENED", "/sessions_opened", true}});
  static const std::vector<Column> kHttp = with({{"REQUESTS", "/requests", true}});
  static const std::vector<Column> kTunnel = with({{"OPENED", "/tunnels_opened", true}});
  return meter == "http" ? kHttp : meter == "tunnel" ? kTunnel : kWebSocket;
}

Json traffic_row(const Json& from) {
  return shortened(from, {"bytes_in", "bytes_out", "wire_bytes_in", "wire_bytes_out", "messages_in", "messages_out",
                          "sessions_opened", "requests", "tunnels_opened"});
}

// 3334 parts of ten thousand: "33.34 %".
std::string percent(std::uint64_t parts) { return fmt::format("{}.{:02} %", parts / 100, parts % 100); }

Json session_row(const Json& s) {
  Json out = shortened(s, {"opened", "closed"});
  out["average_open"] = s.value("average_open", Json());
  std::string causes;
  const Json by_cause = s.value("closed_by_cause", Json::object());
  for (const auto& [cause, n] : by_cause.items()) {
    causes += fmt::format("{}{} {}", causes.empty() ? "" : ", ", cause, n.dump());
  }
  out["causes"] = causes;
  out["handshake"] = s["handshake"].value("p50_ms", Json());
  out["handshake_99"] = s["handshake"].value("p99_ms", Json());
  out["origin"] = s["origin"].value("p50_ms", Json());
  return out;
}

}  // namespace

std::string short_number(std::uint64_t n) {
  if (n < 1000) return std::to_string(n);
  constexpr std::string_view kUnits = "kMGTPE";
  std::uint64_t unit = 1000;
  std::size_t i = 0;
  while (n / unit >= 1000) {
    unit *= 1000;
    ++i;
  }
  const std::uint64_t whole = n / unit, rest = n % unit / (unit / 1000);  // thousandths, cut off
  if (whole >= 100) return fmt::format("{} {}", whole, kUnits[i]);
  if (whole >= 10) return fmt::format("{}.{} {}", whole, rest / 100, kUnits[i]);
  return fmt::format("{}.{:02} {}", whole, rest / 10, kUnits[i]);
}

std::string sparkline(const std::vector<std::uint64_t>& values, std::size_t width) {
  constexpr const char* kLevels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t cells = std::min(values.size(), width);
  std::vector<std::uint64_t> highest(cells);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t& cell = highest[i * cells / values.size()];
    cell = std::max(cell, values[i]);
  }
  const std::uint64_t most = cells == 0 ? 0 : *std::ranges::max_element(highest);
  std::string out;
  for (const std::uint64_t v : highest) {
    // Zero is a space: what is little is still seen.
    out += v == 0 ? " " : kLevels[static_cast<std::size_t>(static_cast<double>(v) / static_cast<double>(most) * 7.0)];
  }
  return out;
}

std::string bar(std::uint64_t value, std::uint64_t most, std::size_t width) {
  if (value == 0 || most == 0) return " ";
  const auto cells =
      static_cast<std::size_t>(static_cast<double>(value) / static_cast<double>(most) * static_cast<double>(width));
  std::string out;
  for (std::size_t i = 0; i < std::max<std::size_t>(cells, 1); ++i) out += "█";
  return out;
}

Told<void> stats_bandwidth(Desk& desk, const StatsArgs& args) {
  Look look;
  look.summary = {{"PEAK OUT BIT/S", "/peak", true},
                  {"AT", "/at"},
                  {"95 %", "/p95", true},
                  {"AVERAGE", "/average", true},
                  {"PEAK IN BIT/S", "/in", true}};
  look.line = [](const Json& s) {
    return Json{{"peak", short_number(number(s["out"], "peak"))},
                {"at", s["out"]["peak_time"]},
                {"p95", short_number(number(s["out"], "percentile_95"))},
                {"average", short_number(number(s["out"], "average"))},
                {"in", short_number(number(s["in"], "peak"))}};
  };
  look.points = {{"OUT BIT/S", "/out", true}, {"IN BIT/S", "/in", true}};
  look.point = [](const Json& p) { return shortened(p, {"in", "out"}); };
  look.curve = "out";
  return show(desk, "/v1/statistics/bandwidth", args, look);
}

Told<void> stats_traffic(Desk& desk, const StatsArgs& args) {
  Look look;
  look.summary = look.points = traffic_columns(args.meter);
  look.line = [](const Json& s) { return traffic_row(s["total"]); };
  look.point = traffic_row;
  look.curve = args.wire ? "wire_bytes_out" : "bytes_out";
  StatsArgs plain = args;
  plain.wire = false;  // traffic has both; it says which is drawn
  return show(desk, "/v1/statistics/traffic", plain, look);
}

Told<void> stats_codes(Desk& desk, const StatsArgs& args) {
  const auto asked = ask(desk, "/v1/statistics/http-codes", args);
  if (!asked) return std::unexpected(asked.error());
  if (!*asked) return {};
  const Json& answer = **asked;
  tell_head(desk, answer);
  std::vector<Column> columns = group_columns(answer);
  if (args.points) columns.push_back({"TIME", "/time"});
  for (const Column& c : std::vector<Column>{{"CODE", "/code"}, {"COUNT", "/count", true}, {"PART", "/part", true}}) {
    columns.push_back(c);
  }
  if (on_terminal()) columns.push_back({"", "/bar"});
  std::vector<Json> rows;
  for (const Json& series : answer.value("series", Json::array())) {
    const auto add = [&](const Json& codes, const Json& time) {
      for (const Json& code : codes) {
        Json row = {{"code", number(code, "code") == 0 ? Json("none") : code["code"]},
                    {"count", code["count"]},
                    {"part", percent(number(code, "proportion"))},
                    {"time", time},
                    {"bar", bar(number(code, "proportion"), 10'000, kBar)}};
        for (const char* key : {"domain", "region", "isp"}) {
          if (series.contains(key)) row[key] = series[key];
        }
        rows.push_back(std::move(row));
      }
    };
    if (!args.points) {
      add(series["codes"], nullptr);
      continue;
    }
    for (const Json& point : series["points"]) add(point["codes"], point["time"]);
  }
  desk.out.list(columns, rows, "nothing was counted");
  return {};
}

Told<void> stats_regions(Desk& desk, const StatsArgs& args) {
  const auto asked = ask(desk, "/v1/statistics/regions-and-isps", args);
  if (!asked) return std::unexpected(asked.error());
  if (!*asked) return {};
  const Json& answer = **asked;
  tell_head(desk, answer);
  std::vector<Column> columns = {{"RANK", "/rank", true}};
  for (const Column& c : group_columns(answer)) columns.push_back(c);
  for (const Column& c : traffic_columns(args.meter)) columns.push_back(c);
  columns.push_back({"SHARE", "/share", true});
  if (on_terminal()) columns.push_back({"", "/bar"});
  std::vector<Json> rows;
  for (const Json& item : answer.value("items", Json::array())) {
    Json row = traffic_row(item);
    for (const char* key : {"rank", "region", "isp"}) {
      if (item.contains(key)) row[key] = item[key];
    }
    row["share"] = percent(number(item, "share"));
    row["bar"] = bar(number(item, "share"), 10'000, kBar);
    rows.push_back(std::move(row));
  }
  desk.out.list(columns, rows, "nothing was counted");
  return {};
}

Told<void> stats_sessions(Desk& desk, const StatsArgs& args) {
  Look look;
  look.summary = look.points = {{"OPENED", "/opened", true},
                                {"CLOSED", "/closed", true},
                                {"OPEN", "/average_open", true},
                                {"HANDSHAKE MS", "/handshake", true},
                                {"99 %", "/handshake_99", true},
                                {"ORIGIN MS", "/origin", true},
                                {"CAUSES", "/causes"}};
  look.line = [](const Json& s) { return session_row(s["total"]); };
  look.point = session_row;
  look.curve = "opened";
  return show(desk, "/v1/statistics/sessions", args, look);
}

Told<void> stats_live(Desk& desk, const StatsArgs& args, std::size_t most) {
  auto query = account_query(desk, args.account);
  if (!query) return std::unexpected(query.error());
  if (!args.domains.empty()) query->emplace_back("domain", joined(args.domains));
  std::size_t seen = 0;
  std::string ended;
  const auto visit = [&](const ServerEvent& event) {
    const Json data = Json::parse(event.data, nullptr, false);
    if (data.is_discarded()) return true;
    if (event.name == "end") {
      ended = data.value("code", "?");
      return false;
    }
    if (desk.out.json()) {
      desk.out.line(data.dump(-1, ' ', false, Json::error_handler_t::replace));
      return ++seen != most;
    }
    if (seen % 20 == 0) {
      desk.out.done(fmt::format("{:<8}  {:<24}  {:>8}  {:>8}  {:>8}  {:>10}  {:>10}  {:>9}  {:>9}", "TIME", "DOMAIN",
                                "OPEN", "OPENED", "CLOSED", "IN BIT/S", "OUT BIT/S", "MSG IN/S", "MSG OUT/S"));
    }
    const auto ms = std::max<std::uint64_t>(number(data, "milliseconds"), 1);
    const bool first = number(data, "milliseconds") == 0;
    const auto a_second = [&](std::uint64_t n) { return first ? std::string("-") : short_number(n * 1000 / ms); };
    const auto line = [&](const std::string& name, const Json& f) {
      desk.out.done(fmt::format("{:<8}  {:<24}  {:>8}  {:>8}  {:>8}  {:>10}  {:>10}  {:>9}  {:>9}",
                                data.value("at", "").substr(11, 8), name, number(f, "sessions_open"),
                                number(f, "sessions_opened"), number(f, "sessions_closed"),
                                a_second(number(f, "bytes_in") * 8), a_second(number(f, "bytes_out") * 8),
                                a_second(number(f, "messages_in")), a_second(number(f, "messages_out"))));
    };
    for (const Json& domain : data.value("domains", Json::array())) line(domain.value("domain", "?"), domain);
    if (args.domains.size() != 1) line("all", data.value("total", Json::object()));
    return ++seen != most;
  };
  auto done = desk.api.events("/v1/statistics/live", *query, visit);
  if (!done) return done;
  if (!ended.empty()) return trouble(fmt::format("the server ended the stream: {}", ended));
  return {};
}

}  // namespace fairlead::cli
