#include "model/config_file.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "model/document.h"
#include "model/read_control.h"
#include "model/read_domain.h"
#include "model/read_listeners.h"
#include "model/schema_reader.h"
#include "model/syntax.h"

namespace fairlead::model {
namespace {

using Layer7Configs = std::map<std::string, Layer7, std::less<>>;

constexpr Choice<int> kLogLevels[] = {{"debug", 0}, {"info", 1}, {"warn", 2}, {"error", 3}, {"off", 4}};

// `auto` stays 0 here: how many cores there are is a matter of the machine that runs the file, not of the file.
void read_workers(MapReader& root, unsigned& out) {
  const auto field = root.find("workers");
  if (!field || (field->node().is_scalar() && field->node().text == "auto")) return;
  if (field->node().kind == NodeKind::string) {
    field->error("bad-value", fmt::format("\"workers\" cannot be \"{}\"", shown(field->node().text)),
                 "auto, or a number from 1 to 1024");
    return;
  }
  if (const auto count = field->count(limits::kWorkers)) out = static_cast<unsigned>(*count);
}

void read_access_log(MapReader& root, const std::string& file, std::string& out) {
  const auto field = root.find("access_log");
  if (!field) return;
  MapReader map(*field);
  if (!map) return;
  map.require("path", "stdout, stderr, off or the path of a file");
  if (!map.read("path", out, 4096)) return;
  if (out.empty()) {
    map.at("path").error("bad-path", "the path of the access log is empty", "stdout, stderr, off or a path");
  } else if (out != "stdout" && out != "stderr" && out != "off") {
    out = resolve_path(file, out);
  }
}

void read_http2_limits(MapReader& parent, Http2Limits& out) {
  const auto field = parent.find("http2");
  if (!field) return;
  MapReader map(*field);
  map.read_count("max_concurrent_streams", out.max_concurrent_streams, limits::kHttp2Streams);
  std::uint64_t window = out.stream_window;
  if (map.read_size("stream_window", window, limits::kHttp2StreamWindow)) {
    out.stream_window = static_cast<std::uint32_t>(window);
  }
  map.read_count("resets_per_second", out.resets_per_second, limits::kHttp2Resets);
  map.read_count("settings_per_second", out.settings_per_second, limits::kHttp2Settings);
  map.read_count("pings_per_second", out.pings_per_second, limits::kHttp2Pings);
  map.read_count("empty_frames_per_second", out.empty_frames_per_second, limits::kHttp2EmptyFrames);
  map.read_count("priorities_per_second", out.priorities_per_second, limits::kHttp2Priorities);
  map.read_count("window_updates_per_second", out.window_updates_per_second, limits::kHttp2WindowUpdates);
  map.read_count("unknown_frames_per_second", out.unknown_frames_per_second, limits::kHttp2UnknownFrames);
}

void read_global_limits(MapReader& root, GlobalLimits& out) {
  const auto field = root.find("limits");
  if (!field) return;
  MapReader map(*field);
  map.read_count("max_sessions", out.max_sessions, limits::kMaxSessions);
  map.read_count("max_sessions_per_client", out.max_sessions_per_client, limits::kPerClient);
  map.read_count("max_connections", out.max_connections, limits::kMaxConnections);
  map.read_count("max_connections_per_client", out.max_connections_per_client, limits::kPerClient);
  map.read_count("handshakes_per_second_per_client", out.handshakes_per_second_per_client, limits::kPerClient);
  std::uint64_t head = out.max_head_bytes;
  if (map.read_size("max_head_bytes", head, limits::kMaxHeadBytes))
    out.max_head_bytes = static_cast<std::uint32_t>(head);
  map.read_count("max_head_fields", out.max_head_fields, limits::kMaxHeadFields);
  map.read("client_send_timeout", out.client_send_timeout, limits::kClientSendTimeout);
  read_http2_limits(map, out.http2);
}

void read_geo(MapReader& root, const std::string& file, GeoConfig& out) {
  static constexpr Choice<GeoRegion> kRegion[] = {{"country", GeoRegion::country},
                                                  {"subdivision", GeoRegion::subdivision}};
  const auto field = root.find("geo");
  if (!field) return;
  MapReader map(*field);
  if (!map) return;
  const auto read_path = [&](std::string_view key, std::string& path) {
    if (!map.read(key, path, 4096)) return;
    if (path.empty()) {
      map.at(key).error("bad-path", fmt::format("the path of \"{}\" is empty", key), "the path of a file");
    } else {
      path = resolve_path(file, path);
    }
  };
  read_path("city", out.city);
  read_path("asn", out.asn);
  read_path("table", out.table);
  if (map.read("region", out.region, kRegion) && out.city.empty() && !map.has("city")) {
    map.at("region").warning("unused-key", "\"region\" has no effect without a city file", "name one: city: PATH");
  }
}

// The keys are names that the operator gives, so that this is no MapReader with a known set of keys.
Layer7Configs read_layer7_configs(MapReader& root) {
  Layer7Configs out;
  const auto field = root.find("layer7_configs");
  if (!field || field->is_null()) return out;
  const Node& node = field->node();
  if (node.kind != NodeKind::map) {
    field->error("wrong-type", "\"layer7_configs\" wants a map of names to settings",
                 "for example: layer7_configs: { uploads: { client_max_body_size: 1GiB } }");
    return out;
  }
  if (node.entries().size() > limits::kMaxLayer7Configs) {
    field->error("too-many", fmt::format("there are {} layer-7 configurations", node.entries().size()),
                 fmt::format("at most {}", limits::kMaxLayer7Configs));
    return out;
  }
  for (const auto& entry : node.entries()) {
    read_layer7_settings(Field(*field, entry.key, entry.value), out[entry.key]);
  }
  return out;
}

// All domains, and what no domain can know alone: that its name is taken.
std::vector<DomainReading> read_domains(MapReader& root, DomainContext& context) {
  std::vector<DomainReading> out;
  const auto field = root.find("domains");
  // Not an error: a fresh node may wait for its first customer, and health checks of the node work meanwhile.
  if (!field || field->is_null() || (field->node().kind == NodeKind::sequence && field->node().items().empty())) {
    root.at("domains").warning(
        "no-domains", "there are no domains: every request will be refused",
        "for example: domains: [ { name: live.example.com, origins: [ { host: 10.0.0.11 } ] } ]");
    return out;
  }
  std::map<std::string, std::uint32_t> lines;  // name -> line where it was first taken
  field->each(limits::kMaxDomains, [&](const Field& item) {
    DomainReading domain = read_domain(item, context);
    const std::string& name = domain.policy.name;
    if (!name.empty()) {
      // Names are in their stored form: letter case and the two spellings of a wildcard are gone.
      const auto [first, fresh] = lines.emplace(name, domain.name_place.mark.line);
      if (!fresh) {
        item.reading().add(Severity::error, "duplicate-domain", domain.name_place.pointer, domain.name_place.mark,
                           fmt::format("the domain \"{}\" is configured a second time", name),
                           fmt::format("the first is in line {}", first->second));
      }
    }
    out.push_back(std::move(domain));
  });
  return out;
}

// A domain that only TLS could carry but that has no certificate of its own is reached only when another domain's
// certificate happens to cover it.
void check_reachable(Reading& reading, const std::vector<ListenerReading>& listeners,
                     const std::vector<DomainReading>& domains) {
  if (listeners.empty() || client_schemes(listeners).plain) return;
  bool any = false;
  for (const DomainReading& domain : domains) any = any || !domain.policy.certificates.empty();
  if (!any) return;  // told at the listener
  for (const DomainReading& domain : domains) {
    if (domain.policy.name.empty() || !domain.policy.certificates.empty()) continue;
    reading.add(Severity::warning, "no-certificate", domain.name_place.pointer, domain.name_place.mark,
                fmt::format("the domain \"{}\" has no certificate and every listener speaks TLS", domain.policy.name),
                "give it certificates, or add an http listener");
  }
}

// In a file of `fairlead run` what belongs into the store is an error with the way there. The keys are known then.
void refuse_domains(MapReader& root) {
  for (const std::string_view key : {"domains", "layer7_configs"}) {
    const auto field = root.find(key);
    if (!field) continue;
    field->error("in-the-store",
                 fmt::format("\"{}\" cannot stand in a file of `fairlead run`: its domains are in the store", key),
                 "put them there: fairlead apply -f FILE");
  }
}

}  // namespace

ConfigReading read_edge_config(std::string_view text, const std::string& file, const FileReader& files,
                               const CertificateChecker& certificates, ConfigPurpose purpose) {
  ConfigReading out;
  const auto document = parse_yaml(text, file);
  if (!document) {
    out.problems = document.error();
    return out;
  }
  Reading reading(file);
  EdgeConfig config;
  std::optional<ControlConfig> control;
  {
    // The order matters twice: domains need to know by which schemes clients come, and listeners are then held
    // against the domains. Unknown keys are told when `root` goes, hence the block.
    const Field top(reading, document->root);
    MapReader root(top);
    root.ignore_prefix("x-");
    if (root) {
      // In an edge's file `control` is no key to suggest.
      const bool look = purpose == ConfigPurpose::run || document->root.find("control") != nullptr;
      const auto control_field = look ? root.find("control") : std::nullopt;
      const bool run = purpose == ConfigPurpose::run || (purpose == ConfigPurpose::by_key && control_field);
      read_tls_records(root, config.tls_records);
      const auto listeners = read_listeners(root, config.tls_records);
      read_workers(root, config.workers);
      root.read("drain_time", config.drain_time, limits::kDrainTime);
      read_access_log(root, file, config.access_log);
      int level = 0;
      if (root.read("log_level", level, kLogLevels)) config.log_level = kLogLevels[level].word;
      config.resolvers = read_resolvers(root);
      read_global_limits(root, config.limits);
      read_geo(root, file, config.geo);

      Layer7Configs layer7;
      ReferencedFiles referenced(file, files);
      DomainContext context{referenced, certificates, client_schemes(listeners), layer7};
      std::string public_name;
      if (run) {
        control.emplace();
        if (control_field) read_control(*control_field, file, referenced, *control);
        if (const auto url = parse_url(control->public_url)) public_name = url->host;
        refuse_domains(root);
      } else if (control_field) {
        control_field->error("run-only", "\"control\" has no place in the file of an edge alone",
                             "start the file with `fairlead run`, or remove it");
      }
      AdminReading admin = read_admin(root, listeners, run, public_name, context);
      config.admin_address = std::move(admin.address);
      config.admin_tls = std::move(admin.tls);
      if (!run) {
        layer7 = read_layer7_configs(root);
        auto domains = read_domains(root, context);
        check_listeners(reading, listeners, domains);
        check_reachable(reading, listeners, domains);
        for (auto& domain : domains) config.domains.push_back(std::move(domain.policy));
      }
      for (const auto& listener : listeners) config.listeners.push_back(listener.config);
    }
  }
  // All or nothing: a half-read configuration would be a policy that nobody wrote.
  out.problems = reading.take_problems();
  if (!has_errors(out.problems)) {
    out.config = std::move(config);
    out.control = std::move(control);
  }
  return out;
}

ConfigReading read_edge_config_file(const std::string& file, const FileReader& files,
                                    const CertificateChecker& certificates, ConfigPurpose purpose) {
  const auto text = files(file);
  if (text) return read_edge_config(*text, file, files, certificates, purpose);
  ConfigReading out;
  Problem problem;
  problem.code = "unreadable-file";
  problem.location.file = file;
  problem.message = fmt::format("the file cannot be read: {}", text.error().context.empty()
                                                                   ? std::string(base::to_string(text.error().code))
                                                                   : text.error().context);
  out.problems.push_back(std::move(problem));
  return out;
}

}  // namespace fairlead::model
