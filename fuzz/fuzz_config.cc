// Any bytes as a configuration file: a configuration or an error, never both and never neither; problems that point
// into the text; the same answer twice; reports that can be printed. Files that a configuration names come from memory.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model/check_report.h"
#include "model/config_file.h"
#include "model/policy_snapshot.h"

namespace {

using namespace fairlead;

void require(bool condition) {
  if (!condition) std::abort();
}

base::Result<std::string> file_from_memory(const std::string& path) {
  if (path.ends_with(".pem")) return "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  if (path.ends_with(".key")) return "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n";
  if (path.ends_with(".secret")) return "secret\n";
  return base::fail(base::Code::not_found, base::Side::config, "no such file");
}

// What every accepted domain promises to the edge.
void check_domain(const model::DomainPolicy& domain) {
  require(!domain.name.empty() && domain.name.size() <= 254);
  require(!domain.origins.empty());
  for (const model::Origin& origin : domain.origins) {
    require(!origin.host.empty() && origin.weight >= 1 && (origin.http_port || origin.https_port));
  }
  require(domain.websocket.connection_timeout.count() >= 1000);
  for (const model::HeaderField& field : domain.layer7.add_header) {
    require(!field.name.empty() && field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const model::ConfigReading reading = model::read_edge_config(text, "fuzz.yaml", file_from_memory);
  require(reading.config.has_value() == !model::has_errors(reading.problems));
  for (const model::Problem& problem : reading.problems) {
    require(!problem.message.empty() && !problem.code.empty());
    require(problem.location.line <= static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 2);
  }
  require(!reading.config || !reading.config->listeners.empty());
  const model::ConfigReading again = model::read_edge_config(text, "fuzz.yaml", file_from_memory);
  require(again.problems == reading.problems && again.config == reading.config);
  require(model::render_text(reading.problems, text).empty() == reading.problems.empty());
  require(!model::render_json(reading.problems, "fuzz.yaml").empty());

  // As `fairlead run` reads it.
  const model::ConfigReading run =
      model::read_edge_config(text, "fuzz.yaml", file_from_memory, {}, model::ConfigPurpose::run);
  require(run.config.has_value() == !model::has_errors(run.problems));
  require(run.control.has_value() == run.config.has_value());
  require(!run.config || run.config->domains.empty());

  if (reading.config) {
    for (const model::DomainPolicy& domain : reading.config->domains) check_domain(domain);
    const auto snapshot = model::PolicySnapshot::replace(nullptr, reading.config->domains, 1);
    require(snapshot->size() == reading.config->domains.size());
    for (const model::DomainPolicy& domain : reading.config->domains) {
      const std::string below = domain.name.starts_with('.') ? "a" + domain.name : domain.name;
      const auto found = snapshot->find(below);
      // A wildcard that leaves no room for a label below it covers nothing.
      require(found != nullptr || below.size() > 253);
    }
  }
  return 0;
}
