// Every configuration in tests/golden/import, imported: the YAML and the findings are compared byte for byte with the
// NAME.yaml and NAME.txt beside it, and the YAML is read as `fairlead check` would. To write the expected files anew:
//
//   FAIRLEAD_GOLDEN_UPDATE=1 build/dev/src/test_cli --gtest_filter='Import/*'
//
// and read the difference before committing it.

#include "cli/import/import.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/config_file.h"

namespace fairlead::cli {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(FAIRLEAD_SOURCE_DIR) / "tests/golden/import";

// A folder of the golden files, named as a user who stands in it would name them.
ImportFiles files_in(const fs::path& folder) {
  const ImportFiles disk = disk_files();
  return {[folder](const std::string& path) { return model::read_file((folder / path).string()); },
          [folder, disk](const std::string& pattern) {
            std::vector<std::string> out;
            for (const std::string& path : disk.glob((folder / pattern).string())) {
              out.push_back(fs::path(path).lexically_relative(folder).string());
            }
            return out;
          }};
}

base::Result<std::string> any_certificate(const std::string&) {
  return "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
         "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n";
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const char* program : {"nginx", "haproxy"}) {
    for (const auto& entry : fs::directory_iterator(kFolder / program)) {
      const auto extension = entry.path().extension();
      if (extension == ".conf" || extension == ".cfg") {
        names.push_back(std::string(program) + "/" + entry.path().filename().string());
      }
    }
  }
  std::ranges::sort(names);
  return names;
}

void compare(const fs::path& expected_file, const std::string& actual) {
  if (std::getenv("FAIRLEAD_GOLDEN_UPDATE") != nullptr) {
    std::ofstream(expected_file, std::ios::binary) << actual;
    return;
  }
  std::ifstream in(expected_file, std::ios::binary);
  ASSERT_TRUE(in) << expected_file << " is missing";
  std::stringstream expected;
  expected << in.rdbuf();
  EXPECT_EQ(expected.str(), actual) << expected_file;
}

class Import : public testing::TestWithParam<std::string> {};

TEST_P(Import, WritesAndTellsExactlyThis) {
  const fs::path path = kFolder / GetParam();
  const fs::path folder = path.parent_path();
  const std::string name = path.filename().string();
  const auto text = model::read_file(path.string());
  ASSERT_TRUE(text);
  // A name for servers that have none, in one file that is there for it.
  ImportOptions options;
  if (name == "no-name.conf" || name == "websocket-blog.cfg") options.name = "ws.example.com";
  const auto import = path.extension() == ".conf" ? import_nginx : import_haproxy;
  const auto result = import(*text, name, files_in(folder), options);

  fs::path expected = path;
  if (!result) {
    EXPECT_THAT(name, testing::AnyOf(testing::StartsWith("broken-"), testing::StartsWith("circle")));
    const SyntaxError& error = result.error();
    compare(expected.replace_extension(".txt"), fmt::format("{}:{}: {}\n", error.file, error.line, error.message));
    return;
  }
  compare(expected.replace_extension(".yaml"), result->yaml);
  compare(expected.replace_extension(".txt"),
          fmt::format("{}exit {}\n", render_findings(result->findings), import_status(result->findings)));

  if (result->yaml.empty()) return;
  const auto reading = model::read_edge_config(result->yaml, "import.yaml", any_certificate);
  std::string problems;
  for (const model::Problem& problem : reading.problems) problems += model::describe(problem) + "\n";
  EXPECT_TRUE(reading.config) << problems << result->yaml;
}

INSTANTIATE_TEST_SUITE_P(Import, Import, testing::ValuesIn(golden_names()), [](const auto& param) {
  std::string name = param.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

TEST(ImportFolder, HasItsFiles) { EXPECT_GE(golden_names().size(), 25u); }

}  // namespace
}  // namespace fairlead::cli
