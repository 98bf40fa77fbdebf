#include "model/domain_settings.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "model/document.h"
#include "model/schema_reader.h"

namespace fairlead::model {
namespace {

// Keys of a domain's document that its settings do not have, with what to do instead.
constexpr struct {
  std::string_view key;
  std::string_view hint;
} kBound[] = {{"name", "the name of a domain does not change; make another domain"},
              {"certificates", "certificates are uploaded on their own and bound to the domain"},
              {"layer7", "layer-7 configurations are made on their own and bound to the domain"}};

// Before the map's reader is done: what is told here in better words it does not tell again.
void tell_bound_keys(const Field& field) {
  for (const auto& entry : field.node().entries()) {
    for (const auto& bound : kBound) {
      if (entry.key != bound.key) continue;
      field.reading().add(Severity::error, "unknown-key", Field(field, entry.key, entry.value).pointer(),
                          entry.key_mark, fmt::format("unknown key \"{}\"", entry.key), std::string(bound.hint));
    }
  }
}

// A null is an empty map to the readers of YAML, where all keys may be commented out. As a whole JSON text it is none.
bool check_object(const Field& field) {
  if (field.node().kind == NodeKind::map) return true;
  field.error("wrong-type", fmt::format("the document wants a map, not {} {}", field.is_null() ? "an" : "a",
                                        to_string(field.node().kind)));
  return false;
}

const CertificateChecker kNoChecker;
const std::map<std::string, Layer7, std::less<>> kNoConfigs;

}  // namespace

SettingsReading read_domain_settings(std::string_view json, std::string_view domain_name, const Layer7* bound,
                                     std::optional<bool> websocket_default, const SettingsRules& rules) {
  SettingsReading out;
  const auto document = parse_json(json, "");
  if (!document) {
    out.problems = document.error();
    return out;
  }
  DomainPolicy policy;
  policy.name = domain_name;
  if (bound != nullptr) policy.layer7 = *bound;
  Reading reading("");
  const Field top(reading, document->root);
  if (check_object(top)) {
    tell_bound_keys(top);
    ReferencedFiles no_files;
    DomainContext context{no_files, kNoChecker, rules.schemes, kNoConfigs, websocket_default};
    MapReader domain(top);
    read_domain_body(domain, policy, context);
    if (domain.has("origin_request_timeout") && policy.layer7.proxy_connect_timeout > policy.origin_request_timeout) {
      domain.at("origin_request_timeout")
          .warning("timeout-never-reached",
                   fmt::format("proxy_connect_timeout ({}) of the layer-7 configuration is longer than "
                               "origin_request_timeout ({}), which includes it",
                               format_duration(policy.layer7.proxy_connect_timeout),
                               format_duration(policy.origin_request_timeout)));
    }
  }
  out.problems = reading.take_problems();
  if (!has_errors(out.problems)) out.policy = std::move(policy);
  return out;
}

Layer7Reading read_layer7_json(std::string_view json, const SettingsRules& rules) {
  Layer7Reading out;
  const auto document = parse_json(json, "");
  if (!document) {
    out.problems = document.error();
    return out;
  }
  Layer7 layer7;
  Reading reading("");
  const Field top(reading, document->root);
  if (check_object(top)) {
    read_layer7_settings(top, layer7, rules.customer_ranges ? CustomerRanges::refuse : CustomerRanges::warn);
  }
  out.problems = reading.take_problems();
  if (!has_errors(out.problems)) out.layer7 = std::move(layer7);
  return out;
}

std::expected<std::string, Problem> canonical_domain_name(std::string_view written) {
  Node node;
  node.kind = NodeKind::string;
  node.quoted = node.json = true;
  node.text = written;
  Reading reading("");
  auto name = read_domain_name(Field(reading, node));
  if (name) return *std::move(name);
  return std::unexpected(reading.take_problems().at(0));
}

base::Result<DomainPolicy> read_domain_copy(std::string_view json) {
  const auto document = parse_json(json, "");
  std::vector<Problem> problems;
  DomainReading domain;
  if (document) {
    Reading reading("");
    // Which listeners there were when it was written does not matter: the policy was good then.
    ReferencedFiles no_files;
    DomainContext context{no_files, kNoChecker, {.plain = false, .tls = false}, kNoConfigs, {}, true};
    domain = read_domain(Field(reading, document->root), context);
    problems = reading.take_problems();
  } else {
    problems = document.error();
  }
  for (const Problem& problem : problems) {
    if (problem.severity != Severity::error) continue;
    return base::fail(base::Code::malformed, base::Side::config,
                      fmt::format("{} at \"{}\"", problem.message, problem.pointer));
  }
  return std::move(domain.policy);
}

}  // namespace fairlead::model
