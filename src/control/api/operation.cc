#include "control/api/operation.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/clock.h"

namespace fairlead::control {

std::optional<std::string> Call::query(std::string_view name) const {
  const auto found = query_parameters.find(name);
  if (found == query_parameters.end()) return std::nullopt;
  return found->second;
}

store::PageRequest Call::page() const {
  store::PageRequest page;
  page.after = query("after").value_or("");
  if (const auto limit = query("limit")) {
    std::from_chars(limit->data(), limit->data() + limit->size(), page.limit);
  }
  return page;
}

Json date(std::int64_t ms) { return base::format_utc_ms(ms); }

Json date(const std::optional<std::int64_t>& ms) { return ms ? date(*ms) : Json(); }

std::optional<std::int64_t> parse_date(std::string_view text) {
  // RFC 3339 5.6: 2026-05-04T12:00:00[.123](Z|+08:00)
  const auto number = [&](std::size_t at, std::size_t digits) -> std::optional<int> {
    if (at + digits > text.size()) return std::nullopt;
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') return std::nullopt;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  const auto is = [&](std::size_t at, std::string_view any) {
    return at < text.size() && any.find(text[at]) != std::string_view::npos;
  };
  const auto year = number(0, 4), month = number(5, 2), day = number(8, 2), hour = number(11, 2),
             minute = number(14, 2), second = number(17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (!is(4, "-") || !is(7, "-") || !is(10, "Tt ") || !is(13, ":") || !is(16, ":")) return std::nullopt;
  using namespace std::chrono;
  const year_month_day ymd{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                           std::chrono::day(static_cast<unsigned>(*day))};
  if (!ymd.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::int64_t ms = duration_cast<milliseconds>(sys_days(ymd).time_since_epoch()).count() +
                    ((*hour * 60LL + *minute) * 60 + *second) * 1000;
  std::size_t at = 19;
  if (is(at, ".")) {
    std::int64_t unit = 100;
    std::size_t digits = 0;
    for (++at; is(at, "0123456789"); ++at, ++digits, unit /= 10) ms += (text[at] - '0') * unit;
    if (digits == 0 || digits > 9) return std::nullopt;
  }
  if (is(at, "Zz")) return at + 1 == text.size() ? std::optional(ms) : std::nullopt;
  if (!is(at, "+-") || !is(at + 3, ":") || at + 6 != text.size()) return std::nullopt;
  const auto hours = number(at + 1, 2), minutes = number(at + 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t offset = (*hours * 60LL + *minutes) * 60'000;
  return text[at] == '+' ? ms - offset : ms + offset;
}

Json details_json(const std::vector<Detail>& details) {
  Json out = Json::array();
  for (const Detail& d : details) {
    Json item = {{"pointer", d.pointer}, {"code", d.code}, {"message", d.message}};
    if (!d.hint.empty()) item["hint"] = d.hint;
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace fairlead::control
