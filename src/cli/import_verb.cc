#include "cli/import_verb.h"

#include "cli/import/import.h"
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace fairlead::cli {
namespace {

namespace fs = std::filesystem;

int fail(const std::string& text) {
  std::fputs(fmt::format("fairlead: {}\n", text).c_str(), stderr);
  return 1;
}

bool write_whole(const std::string& path, const std::string& text) {
  const std::string draft = path + ".part";
  std::error_code failed;
  {
    std::ofstream out(draft, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) {
      fs::remove(draft, failed);
      return false;
    }
  }
  fs::rename(draft, path, failed);
  return !failed;
}

}  // namespace

int import_configuration(const ImportArgs& args) {
  const bool stdin_given = args.file == "-";
  const auto text = model::read_file(stdin_given ? "/dev/stdin" : args.file);
  if (!text) return fail(fmt::format("{} cannot be read: {}", args.file, text.error().context));
  // Paths in the result must hold wherever it is put, so they are made from an absolute one.
  std::error_code failed;
  const fs::path path = fs::absolute(stdin_given ? "stdin" : args.file, failed);
  const std::string name = failed ? args.file : path.lexically_normal().string();
  ImportOptions options;
  options.name = args.name;
  const auto result = args.haproxy ? import_haproxy(*text, name, disk_files(), options)
                                   : import_nginx(*text, name, disk_files(), options);
  if (!result) {
    const SyntaxError& error = result.error();
    return fail(error.line == 0 ? fmt::format("{}: {}", error.file, error.message)
                                : fmt::format("{}:{}: {}", error.file, error.line, error.message));
  }
  std::fputs(render_findings(result->findings).c_str(), stderr);
  if (result->yaml.empty()) {
    std::fputs("fairlead: nothing in it could be made into a domain\n", stderr);
    return 2;
  }
  if (args.output.empty()) {
    std::fputs(result->yaml.c_str(), stdout);
  } else if (!write_whole(args.output, result->yaml)) {
    return fail(fmt::format("{} cannot be written", args.output));
  }
  return import_status(result->findings);
}

}  // namespace fairlead::cli
