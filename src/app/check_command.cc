#include "app/check_command.h"

#include <cstdio>

#include "edge/geo/geo_table.h"
#include "model/check_report.h"
#include "net/tls_certificate.h"

namespace fairlead::app {
namespace {

base::Result<void> certificate_checker(std::string_view chain, std::string_view key, std::string_view domain) {
  return net::check_certificate(chain, key, domain);
}

std::vector<model::Problem> named_files_checker(const model::EdgeConfig& config) {
  edge::Places places;
  const auto table = edge::GeoTable::load(config.geo, places);
  return table ? std::vector<model::Problem>() : table.error();
}

}  // namespace

int check_config(const std::string& file, bool json) {
  const auto outcome =
      model::check_edge_config(file, model::read_file, certificate_checker,
                               json ? model::ReportFormat::json : model::ReportFormat::text, named_files_checker);
  std::fputs(outcome.output.c_str(), stdout);
  return outcome.exit_status;
}

model::ConfigReading read_config(const std::string& file, model::ConfigPurpose purpose) {
  return model::read_edge_config_file(file, model::read_file, certificate_checker, purpose);
}

}  // namespace fairlead::app
