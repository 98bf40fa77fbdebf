#pragma once
// Import: an nginx or HAProxy configuration in, domains for Fairlead out, as YAML in the schema of
// docs/configuration.md, together with a list of all that was not carried over. Nothing is dropped in silence: every
// directive of the input either has its effect in the YAML, or is in the list with its place and with what its absence
// means.
//
// Pure except for the two functions in ImportFiles. Bounded: kMaxImport* below. Nothing throws. What is written passes
// `fairlead check` when the certificates it names exist (fuzz/fuzz_import_*.cc hold the importers to that), provided
// that at least one domain and one listener could be carried over.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/file_reader.h"

namespace fairlead::cli {

inline constexpr std::size_t kMaxImportBytes = 16u << 20;     // of all files together
inline constexpr std::size_t kMaxImportDirectives = 200'000;  // blocks count as one
inline constexpr std::size_t kMaxImportDepth = 32;            // blocks in blocks
inline constexpr std::size_t kMaxIncludeDepth = 10;           // files in files: also what ends a circle
inline constexpr std::size_t kMaxImportWord = 64u << 10;      // bytes of one word
inline constexpr std::size_t kMaxFindings = 10'000;           // further ones are counted, not kept
inline constexpr std::size_t kMaxImportOrigins = 100'000;     // of all domains together, each domain's own copy counted

enum class FindingKind : std::uint8_t {
  unknown,      // not a directive that the import knows
  not_carried,  // known; what it did is not done by the result
  note,         // known; nothing is lost, but the person may want to know
};

struct Finding {
  std::string file;
  std::uint32_t line = 0;
  FindingKind kind = FindingKind::unknown;
  std::string directive;  // its text, shortened, without control characters
  std::string why;        // what it means for the user; a sentence without a full stop
  bool operator==(const Finding&) const = default;
};

struct SyntaxError {
  std::string file;
  std::uint32_t line = 0;
  std::string message;
};

struct ImportFiles {
  model::FileReader read;
  // Paths that match a shell pattern, sorted; for nginx's `include conf.d/*.conf`.
  std::function<std::vector<std::string>(const std::string& pattern)> glob;
};

// From the disk.
ImportFiles disk_files();

struct ImportOptions {
  std::string name;  // the domain of a server (or a frontend) that has no usable name of its own; empty: left out
};

struct ImportResult {
  std::string yaml;  // empty when no domain was carried over
  std::vector<Finding> findings;
};

// `file` is the name in findings, and its folder is where relative paths in the configuration begin. A fragment is
// as good as a whole file: `server` and its kin may stand at the top.
std::expected<ImportResult, SyntaxError> import_nginx(std::string_view text, const std::string& file,
                                                      const ImportFiles& files, const ImportOptions& options = {});
std::expected<ImportResult, SyntaxError> import_haproxy(std::string_view text, const std::string& file,
                                                        const ImportFiles& files, const ImportOptions& options = {});

// "site.conf:12: not carried over: rewrite ^/a /b: the edge does not change paths", a line for each, and a closing
// count.
std::string render_findings(const std::vector<Finding>& findings);

// 0: all was understood and carried over (notes may remain); 2: something was not.
int import_status(const std::vector<Finding>& findings);

}  // namespace fairlead::cli
