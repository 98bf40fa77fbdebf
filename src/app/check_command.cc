#include "app/check_command.h"

#include <cstdio>

#include "model/check_report.h"
#include "net/tls_certificate.h"

namespace fairlead::app {
namespace {

base::Result<void> certificate_checker(std::string_view chain, std::string_view key, std::string_view domain) {
  return net::check_certificate(chain, key, domain);
}

}  // namespace

int check_config(const std::string& file, bool json) {
  const auto outcome = model::check_edge_config(file, model::read_file, certificate_checker,
                                                json ? model::ReportFormat::json : model::ReportFormat::text);
  std::fputs(outcome.output.c_str(), stdout);
  return outcome.exit_status;
}

model::ConfigReading read_config(const std::string& file, model::ConfigPurpose purpose) {
  return model::read_edge_config_file(file, model::read_file, certificate_checker, purpose);
}

}  // namespace fairlead::app
