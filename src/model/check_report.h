#pragma once
// What `fairlead check` says: problems for people (each with its source line and a caret) or as JSON for programs,
// and the exit status. The application only reads the options, calls check_edge_config and prints.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config_file.h"
#include "model/problem.h"

namespace fairlead::model {

enum class ReportFormat : std::uint8_t { text, json };

// Problems of one file, sorted, with the lines of `text` they point at, and a closing count: "2 errors, 1 warning".
// Control characters of the source are shown as escapes, so that a file cannot drive the terminal. `file`: whose text
// it is, when there are problems of others among them; empty: of all.
std::string render_text(const std::vector<Problem>& problems, std::string_view text, std::string_view file = {});

// {"file":…,"valid":bool,"errors":n,"warnings":n,"problems":[{severity,code,pointer,file,line,column,message,hint}]}
std::string render_json(const std::vector<Problem>& problems, std::string_view file);

struct CheckOutcome {
  std::string output;  // for standard output, ends with a newline
  int exit_status;     // 0: usable (warnings allowed), 1: at least one error
};

// What is wrong with files that a valid configuration only names, and that the edge reads by itself (`geo`): their
// problems, for the application to find out.
using NamedFilesChecker = std::function<std::vector<Problem>(const EdgeConfig& config)>;

CheckOutcome check_edge_config(const std::string& file, const FileReader& files, const CertificateChecker& certificates,
                               ReportFormat format, const NamedFilesChecker& named_files = {});

}  // namespace fairlead::model
