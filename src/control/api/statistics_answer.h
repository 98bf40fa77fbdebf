#pragma once
// StatisticsAnswer: what the answers of statistics have in common: the parameters, the head (times, interval, since
// when there is data, notes), and the same figures as JSON or as CSV. One request's.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/api/operation.h"
#include "control/context.h"
#include "control/statistics/csv.h"
#include "control/statistics/statistics.h"

namespace fairlead::control {

class StatisticsAnswer {
 public:
  // Reads the parameters of `call` and the counts of `meters`. `name`: of the file that a CSV is saved as.
  // `default_group`: without the parameter. `one_point`: of each series the sum alone.
  static Outcome<StatisticsAnswer> read(Context& context, const Call& call, std::string_view name,
                                        std::vector<model::Meter> meters, SeriesGroup default_group = SeriesGroup::none,
                                        bool one_point = false);

  const std::vector<StatisticsSeries>& series() const { return data_.series; }
  const PointGrid& grid() const { return data_.grid; }
  bool csv() const { return csv_; }
  std::string time(std::size_t point) const { return to_iso(data_.grid.at(point)); }

  // JSON: a member of the head.
  void put(std::string_view key, Json value) { head_[std::string(key)] = std::move(value); }
  // JSON: an entry of a series, behind its domain, region and ISP.
  void add(const StatisticsSeries& series, Json figures);
  // CSV: the columns behind those of the group, and of the time.
  void columns(const std::vector<std::string>& names, bool with_time = true);
  // CSV: a point's line. With `sparse` one without any count is left out.
  void row(const StatisticsSeries& series, std::size_t point, const std::vector<std::string>& cells);
  // CSV: a line without a time.
  void line(const StatisticsSeries& series, const std::vector<std::string>& cells);

  // `list`: how the entries are called.
  Reply reply(std::string_view list = "series");

 private:
  StatisticsAnswer(Statistics data, SeriesGroup group, bool csv, bool sparse, std::string_view name);
  std::vector<std::string> group_cells(const StatisticsSeries& series) const;

  Statistics data_;
  SeriesGroup group_;
  bool csv_, sparse_;
  std::string name_;
  Json head_ = Json::object();
  Json list_ = Json::array();
  std::optional<Csv> table_;
};

}  // namespace fairlead::control
