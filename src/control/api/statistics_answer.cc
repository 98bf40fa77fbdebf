#include "control/api/statistics_answer.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace fairlead::control {
namespace {

constexpr std::pair<std::string_view, SeriesGroup> kGroups[] = {{"none", SeriesGroup::none},
                                                                {"domain", SeriesGroup::domain},
                                                                {"region", SeriesGroup::region},
                                                                {"isp", SeriesGroup::isp},
                                                                {"region_and_isp", SeriesGroup::region_and_isp}};

std::string_view word_of(SeriesGroup group) {
  for (const auto& [word, value] : kGroups) {
    if (value == group) return word;
  }
  return "none";
}

bool has_region(SeriesGroup g) { return g == SeriesGroup::region || g == SeriesGroup::region_and_isp; }
bool has_isp(SeriesGroup g) { return g == SeriesGroup::isp || g == SeriesGroup::region_and_isp; }

// RFC 9110 12.5.1, as far as two kinds of answers need it: CSV when it is named and JSON is not.
bool wants_csv(const Call& call) {
  if (const auto format = call.query("format")) return *format == "csv";
  const std::string* accept = call.request.field("accept");
  return accept && accept->find("text/csv") != std::string::npos &&
         accept->find("application/json") == std::string::npos;
}

}  // namespace

StatisticsAnswer::StatisticsAnswer(Statistics data, SeriesGroup group, bool csv, bool sparse, std::string_view name)
    : data_(std::move(data)), group_(group), csv_(csv), sparse_(sparse), name_(name) {
  head_ = {{"start_time", to_iso(data_.range.from_s)},
           {"end_time", to_iso(data_.range.to_s)},
           {"interval", data_.range.interval_s},
           {"time_zone", data_.time_zone},
           {"data_since", to_iso(data_.range.data_since_s)},
           {"group", word_of(group_)}};
}

Outcome<StatisticsAnswer> StatisticsAnswer::read(Context& context, const Call& call, std::string_view name,
                                                 std::vector<model::Meter> meters, SeriesGroup default_group,
                                                 bool one_point) {
  StatisticsAsked asked;
  asked.range.start_time = call.query("start_time");
  asked.range.end_time = call.query("end_time");
  if (const auto interval = call.query("interval")) {
    std::int64_t seconds = 0;
    std::from_chars(interval->data(), interval->data() + interval->size(), seconds);
    asked.range.interval = seconds;
  }
  auto domains = domain_names(call.query("domain").value_or(""));
  if (!domains) return std::unexpected(std::move(domains.error()));
  asked.domains = std::move(*domains);
  asked.account_id = call.query("account_id");
  asked.region = call.query("region");
  asked.isp = call.query("isp");
  asked.time_zone = call.query("time_zone").value_or("");
  asked.group = default_group;
  for (const auto& [word, value] : kGroups) {
    if (call.query("group") == word) asked.group = value;
  }
  asked.meters = std::move(meters);
  asked.one_point = one_point;
  const bool csv = wants_csv(call), sparse = call.query_flag("sparse");
  if (sparse && !csv) {
    return invalid("?sparse", "bad-value", "only CSV may leave points out", "format=csv");
  }
  auto data = read_statistics(context, call.caller, asked);
  if (!data) return std::unexpected(std::move(data.error()));
  return StatisticsAnswer(std::move(*data), asked.group, csv, sparse, name);
}

std::vector<std::string> StatisticsAnswer::group_cells(const StatisticsSeries& series) const {
  std::vector<std::string> out;
  if (group_ == SeriesGroup::domain) out = {series.domain.name, series.domain.domain_id};
  if (has_region(group_)) out.push_back(series.region);
  if (has_isp(group_)) out.push_back(series.isp);
  return out;
}

void StatisticsAnswer::add(const StatisticsSeries& series, Json figures) {
  if (csv_) return;
  Json item = Json::object();
  if (group_ == SeriesGroup::domain) {
    item["domain"] = series.domain.name;
    item["domain_id"] = series.domain.domain_id;
    item["deleted"] = date(series.domain.deleted_ms);
  }
  if (has_region(group_)) item["region"] = series.region;
  if (has_isp(group_)) item["isp"] = series.isp;
  for (auto& [key, value] : figures.items()) item[key] = std::move(value);
  list_.push_back(std::move(item));
}

void StatisticsAnswer::columns(const std::vector<std::string>& names, bool with_time) {
  std::vector<std::string> all;
  if (group_ == SeriesGroup::domain) all = {"domain", "domain_id"};
  if (has_region(group_)) all.emplace_back("region");
  if (has_isp(group_)) all.emplace_back("isp");
  if (with_time) all.emplace_back("time");
  all.insert(all.end(), names.begin(), names.end());
  table_.emplace(all);
}

void StatisticsAnswer::row(const StatisticsSeries& series, std::size_t point, const std::vector<std::string>& cells) {
  if (sparse_ && series.points[point].empty()) return;
  std::vector<std::string> all = group_cells(series);
  all.push_back(time(point));
  all.insert(all.end(), cells.begin(), cells.end());
  table_->add(all);
}

void StatisticsAnswer::line(const StatisticsSeries& series, const std::vector<std::string>& cells) {
  std::vector<std::string> all = group_cells(series);
  all.insert(all.end(), cells.begin(), cells.end());
  table_->add(all);
}

Reply StatisticsAnswer::reply(std::string_view list) {
  Reply out;
  out.fields.emplace_back("vary", "accept");
  if (csv_) {
    std::string notes;
    for (const StatisticsNote& n : data_.range.notes) notes += (notes.empty() ? "" : ", ") + n.code;
    if (!notes.empty()) out.fields.emplace_back("fairlead-notes", notes);
    out.fields.emplace_back("content-disposition", fmt::format("attachment; filename=\"{}.csv\"", name_));
    out.text = table_->text();
    out.content_type = "text/csv; charset=utf-8; header=present";
    return out;
  }
  Json notes = Json::array();
  for (const StatisticsNote& n : data_.range.notes) notes.push_back({{"code", n.code}, {"message", n.message}});
  head_["notes"] = std::move(notes);
  head_[std::string(list)] = std::move(list_);
  out.body = std::move(head_);
  return out;
}

}  // namespace fairlead::control
