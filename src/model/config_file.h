#pragma once
// The configuration file of one edge: YAML in, EdgeConfig out, or every problem in it at once. Used by `fairlead run`
// and `edge` at start, by a reload, and by `fairlead check`; all three see the same problems. The keys, ranges and
// defaults are in docs/configuration.md.
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

struct ConfigReading {
  std::optional<EdgeConfig> config;  // present exactly when no problem is an error
  std::vector<Problem> problems;     // sorted (sort_problems)
};

// `file` is the name shown in problems and the base of relative paths. An empty checker leaves only the syntax of the
// PEM files checked.
ConfigReading read_edge_config(std::string_view text, const std::string& file, const FileReader& files,
                               const CertificateChecker& certificates = {});

// The same from disk: an unreadable file is a problem like any other.
ConfigReading read_edge_config_file(const std::string& file, const FileReader& files,
                                    const CertificateChecker& certificates = {});

}  // namespace fairlead::model
