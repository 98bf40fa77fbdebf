// The whole output of `fairlead check` for every file in tests/golden/check, compared byte for byte with the .txt (and,
// where there is one, the .json) beside it. To write the expected files anew after a change of words:
//
//   FAIRLEAD_GOLDEN_UPDATE=1 build/dev/src/test_model --gtest_filter='Golden/*'
//
// and read the difference before committing it.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/check_report.h"

namespace fairlead::model {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path(FAIRLEAD_SOURCE_DIR) / "tests/golden/check";

// Files are named as a user in that folder would name them.
base::Result<std::string> read_golden(const std::string& path) { return read_file((kFolder / path).string()); }

// Stands for the deep check, which needs a TLS library: the verdict follows from the domain's name.
base::Result<void> judge_by_name(std::string_view, std::string_view, std::string_view domain) {
  if (domain.starts_with("mismatch.")) {
    return base::fail(base::Code::tls, base::Side::config, "the key does not belong to it");
  }
  if (domain.starts_with("expired.")) {
    return base::fail(base::Code::certificate, base::Side::config, "it expired on 2024-01-01");
  }
  return {};
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
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

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, CheckSaysExactlyThis) {
  const std::string file = GetParam() + ".yaml";
  const CheckOutcome outcome = check_edge_config(file, read_golden, judge_by_name, ReportFormat::text);
  compare(kFolder / (GetParam() + ".txt"), fmt::format("{}exit {}\n", outcome.output, outcome.exit_status));
}

INSTANTIATE_TEST_SUITE_P(Golden, Golden, testing::ValuesIn(golden_names()), [](const auto& param) {
  std::string name = param.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(GoldenFolder, HasItsFiles) { EXPECT_GE(golden_names().size(), 25u); }

TEST(GoldenJson, CheckSaysExactlyThis) {
  const CheckOutcome outcome =
      check_edge_config("certificate-checker.yaml", read_golden, judge_by_name, ReportFormat::json);
  EXPECT_EQ(outcome.exit_status, 1);
  compare(kFolder / "certificate-checker.json", outcome.output);
}

}  // namespace
}  // namespace fairlead::model
