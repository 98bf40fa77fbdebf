#pragma once
// The configuration file of one node: YAML in, EdgeConfig out, or every problem in it at once. Used by `fairlead run`
// and `edge` at start, by a reload, and by `fairlead check`; all see the same problems. The keys, ranges and defaults
// are in docs/configuration.md.
//
// The files of the two verbs differ in where domains come from: an edge's file has `domains`, the file of `fairlead
// run` has `control` and its domains are in the store.
//
// Reading is pure except for the FileReader (certificates, keys, CA files: their contents go into the policy, so that
// a snapshot never depends on the disk). Nothing here throws, nothing is left half done.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/edge_config.h"
#include "model/file_reader.h"
#include "model/problem.h"

namespace fairlead::model {

// Deep check of a certificate chain with its key: that both parse, belong together, and would be accepted for the
// domain. It lives in net (OpenSSL) and the application passes it in. `domain` is DomainPolicy::name (".example.com"
// for a wildcard). An error with Code::certificate means "usable, but clients will refuse it" (another name, expired)
// and becomes a warning; any other error refuses the file.
using CertificateChecker =
    std::function<base::Result<void>(std::string_view chain_pem, std::string_view key_pem, std::string_view domain)>;

enum class ConfigPurpose : std::uint8_t {
  edge,   // `fairlead edge`: `control` is an error
  run,    // `fairlead run`: `domains` and `layer7_configs` are errors
  by_key  // `fairlead check`: a file with `control` is one of `fairlead run`
};

struct ConfigReading {
  std::optional<EdgeConfig> config;      // present exactly when no problem is an error
  std::optional<ControlConfig> control;  // likewise, of a file of `fairlead run`
  std::vector<Problem> problems;         // sorted (sort_problems)
};

// `file` is the name shown in problems and the base of relative paths. An empty checker leaves only the syntax of the
// PEM files checked.
ConfigReading read_edge_config(std::string_view text, const std::string& file, const FileReader& files,
                               const CertificateChecker& certificates = {},
                               ConfigPurpose purpose = ConfigPurpose::edge);

// The same from disk: an unreadable file is a problem like any other.
ConfigReading read_edge_config_file(const std::string& file, const FileReader& files,
                                    const CertificateChecker& certificates = {},
                                    ConfigPurpose purpose = ConfigPurpose::edge);

}  // namespace fairlead::model
