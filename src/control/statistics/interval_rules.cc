#include "control/statistics/interval_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/clock.h"
#include "control/api/operation.h"
#include "control/statistics/point_grid.h"
#include "model/usage.h"

namespace fairlead::control {
namespace {

constexpr std::int64_t kFive = model::kUsageInterval, kHour = 3600, kDay = 86400;
constexpr std::int64_t kMostSpanMs = 93 * kDay * 1000;

constexpr std::int64_t kIntervals[] = {kFive, kHour, kDay};

// Those allowed for a span; the first is its default.
std::span<const std::int64_t> allowed_for(std::int64_t span_ms) {
  const std::span all(kIntervals);
  if (span_ms < 3 * kDay * 1000) return all;
  return all.subspan(span_ms < 31 * kDay * 1000 ? 1 : 2);
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t floor_five(std::int64_t ms) { return floor_div(ms, kFive * 1000) * kFive; }
std::int64_t ceil_five(std::int64_t ms) { return -floor_div(-ms, kFive * 1000) * kFive; }

std::string_view name_of(std::int64_t interval_s) {
  return interval_s == kDay ? "days" : interval_s == kHour ? "hours" : "five minutes";
}

// The step that points of `interval_s` are made of.
std::int64_t step_of(const StatisticsRange& range, std::int64_t interval_s, const TimeZone* zone) {
  return zone ? PointGrid(range.from_s, range.to_s, interval_s, zone).read_step() : interval_s;
}

// The finest step of which there are points at that time.
std::int64_t finest_kept(std::int64_t at_s, std::int64_t now_ms) {
  for (const std::int64_t step : {kFive, kHour}) {
    if (at_s >= points_kept_since(step, now_ms)) return step;
  }
  return kDay;
}

void note(StatisticsRange& range, std::string_view code, std::string message) {
  range.notes.push_back({std::string(code), std::move(message)});
}

Outcome<std::int64_t> time_of(const std::string& text, std::string_view name) {
  const auto ms = parse_date(text);
  if (!ms) {
    return invalid("?" + std::string(name), "bad-value", "this is no RFC 3339 date", "2026-11-21T10:00:00Z");
  }
  return *ms;
}

}  // namespace

std::int64_t points_kept_since(std::int64_t step_s, std::int64_t now_ms) {
  const std::int64_t days = step_s == kFive ? 93 : step_s == kHour ? 186 : 366;
  return (floor_div(now_ms, kDay * 1000) - days) * kDay;
}

std::string to_iso(std::int64_t at_s) {
  std::string text = base::format_utc_ms(at_s * 1000);
  text.replace(text.size() - 5, 5, "Z");  // ".000Z"
  return text;
}

Outcome<StatisticsRange> statistics_range(const RangeAsked& asked, const TimeZone* zone, std::int64_t now_ms) {
  StatisticsRange out;
  const std::int64_t now_end = floor_five(now_ms) + kFive;  // of the interval that is under way
  std::int64_t span_ms = kDay * 1000;
  if (!asked.start_time && !asked.end_time) {
    out.to_s = now_end;
    out.from_s = now_end - kDay;
  } else if (!asked.start_time || !asked.end_time) {
    return invalid(asked.start_time ? "?end_time" : "?start_time", "missing-parameter",
                   "start_time and end_time are given together or not at all", "without both: the last 24 hours");
  } else {
    const auto start = time_of(*asked.start_time, "start_time");
    if (!start) return std::unexpected(start.error());
    const auto end = time_of(*asked.end_time, "end_time");
    if (!end) return std::unexpected(end.error());
    if (*end <= *start) return invalid("?end_time", "out-of-range", "end_time must be later than start_time");
    span_ms = *end - *start;
    if (span_ms > kMostSpanMs) {
      return invalid("?end_time", "span-too-long", "one query spans 93 days at most", "ask in several parts");
    }
    if (*start > now_ms) return invalid("?start_time", "out-of-range", "start_time is in the future");
    out.from_s = floor_five(*start);
    out.to_s = ceil_five(*end);
    // Of what is so old that only hours or days are kept, whole ones.
    const std::int64_t from_step = finest_kept(out.from_s, now_ms), to_step = finest_kept(out.to_s, now_ms);
    out.from_s = floor_div(out.from_s, from_step) * from_step;
    out.to_s = -floor_div(-out.to_s, to_step) * to_step;
    if (out.from_s * 1000 != *start || out.to_s * 1000 != *end) {
      note(out, "rounded",
           fmt::format("widened to whole {}: {} to {}", name_of(std::max(from_step, to_step)), to_iso(out.from_s),
                       to_iso(out.to_s)));
    }
    if (out.to_s > now_end) {
      out.to_s = now_end;
      note(out, "future", fmt::format("what lies behind {} has not begun yet", to_iso(now_end)));
    }
  }

  const auto allowed = allowed_for(span_ms);
  out.interval_s = asked.interval.value_or(allowed.front());
  const bool chosen = asked.interval && std::ranges::find(allowed, out.interval_s) != allowed.end();
  if (asked.interval && !chosen) {
    out.interval_s = allowed.front();
    note(out, "interval",
         fmt::format("an interval of {} s is not allowed for this span: {} s was taken", *asked.interval,
                     out.interval_s));
  }
  // What nobody asked for by name may be as coarse as is still kept.
  std::int64_t since = points_kept_since(step_of(out, out.interval_s, zone), now_ms);
  if (!chosen) {
    const std::int64_t wanted = out.interval_s, wanted_since = since;
    for (const std::int64_t coarser : allowed) {
      if (out.from_s >= since || coarser <= out.interval_s) continue;
      const std::int64_t kept = points_kept_since(step_of(out, coarser, zone), now_ms);
      if (kept >= since) continue;
      out.interval_s = coarser;
      since = kept;
    }
    if (out.interval_s != wanted) {
      note(out, "coarser",
           fmt::format("points of {} are kept since {}: {} s was taken", name_of(wanted), to_iso(wanted_since),
                       out.interval_s));
    }
  }
  out.data_since_s = since;
  if (out.to_s <= since) {
    return invalid("?end_time", "removed",
                   fmt::format("points of {} are kept since {}", name_of(out.interval_s), to_iso(since)),
                   out.interval_s == kDay ? "" : "ask for a longer interval");
  }
  if (out.from_s < since) {
    out.from_s = since;
    note(out, "removed", fmt::format("what was before {} is no longer kept", to_iso(since)));
  }
  if (out.to_s * 1000 > now_ms)
    note(out, "running", fmt::format("the last interval is not over: it is {}", base::format_utc_ms(now_ms)));
  return out;
}

}  // namespace fairlead::control
