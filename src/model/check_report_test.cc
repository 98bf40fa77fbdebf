#include "model/check_report.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "model/limits.h"

namespace fairlead::model {
namespace {

Problem problem(std::uint32_t line, std::uint32_t column, Severity severity = Severity::error) {
  return {severity, "code", "/a", {"f.yaml", line, column}, "message", "hint"};
}

TEST(Problems, SortByPlaceAndDropRepetitions) {
  std::vector<Problem> problems{problem(2, 1), problem(1, 9), problem(1, 2, Severity::warning), problem(1, 2),
                                problem(2, 1)};
  problems[0].pointer = "/another/way/to/the/same/place";
  sort_problems(problems);
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_EQ(problems[0].severity, Severity::error);
  EXPECT_EQ(problems[1].severity, Severity::warning);
  EXPECT_EQ(problems[3].location.line, 2u);
  EXPECT_EQ(count(problems, Severity::error), 3u);
  EXPECT_TRUE(has_errors(problems));
  EXPECT_EQ(describe(problems[0]), "f.yaml:1:2: error: message (hint)");
}

TEST(CheckReport, TextShowsTheLineAndACaretUnderThePlace) {
  EXPECT_EQ(render_text({problem(2, 3)}, "one\r\n\tx: 5\r\n"),
            "f.yaml:2:3: error: message (hint)\n    2 |  x: 5\n      |   ^\n1 error, 0 warnings\n");
  // A caret counts characters, not bytes; one past the end is allowed; a place outside shows no line.
  EXPECT_EQ(render_text({problem(1, 4, Severity::warning)},
                        "\xc3\xbc"
                        "bc"),
            "f.yaml:1:4: warning: message (hint)\n    1 | \xc3\xbc"
            "bc\n      |   ^\n0 errors, 1 warning\n");
  EXPECT_EQ(render_text({problem(1, 4)}, "abc"),
            "f.yaml:1:4: error: message (hint)\n    1 | abc\n      |    ^\n1 error, 0 warnings\n");
  EXPECT_EQ(render_text({problem(9, 1)}, "abc"), "f.yaml:9:1: error: message (hint)\n1 error, 0 warnings\n");
  EXPECT_EQ(render_text({}, "abc"), "");
}

TEST(CheckReport, TextCannotDriveATerminalAndStaysShort) {
  EXPECT_THAT(render_text({problem(1, 3)}, "a\x1b[31mb"), testing::HasSubstr("a\\x1b[31mb\n      |      ^\n"));
  const std::string line = std::string(3000, 'x') + "HERE" + std::string(3000, 'y');
  const std::string out = render_text({problem(1, 3001)}, line);
  EXPECT_LT(out.size(), 500u);
  const std::size_t here = out.find("HERE");
  ASSERT_NE(here, std::string::npos);
  const std::size_t caret = out.find('^');
  EXPECT_EQ(here - (out.rfind('\n', here) + 1), caret - (out.rfind('\n', caret) + 1)) << out;
}

TEST(CheckReport, JsonSaysAllThatAProblemKnows) {
  const auto json = nlohmann::json::parse(render_json({problem(1, 2), problem(3, 4, Severity::warning)}, "f.yaml"));
  EXPECT_EQ(json["valid"], false);
  EXPECT_EQ(json["errors"], 1);
  EXPECT_EQ(json["warnings"], 1);
  EXPECT_EQ(json["problems"][0]["pointer"], "/a");
  EXPECT_EQ(json["problems"][0]["line"], 1);
  EXPECT_EQ(json["problems"][1]["severity"], "warning");
  Problem odd = problem(1, 1);
  odd.message = "\xff\x01";
  EXPECT_NO_THROW(nlohmann::json::parse(render_json({odd}, "\xfe")));
  EXPECT_EQ(nlohmann::json::parse(render_json({}, "f"))["valid"], true);
}

TEST(CheckReport, TheFileIsReadOnce) {
  int reads = 0;
  const FileReader once = [&](const std::string&) -> base::Result<std::string> {
    ++reads;
    return "listeners: [ { address: \"0.0.0.0:80\", protocol: http } ]\ndomains: [ { name: a.example, origins: [ { "
           "host: a } ] } ]\n";
  };
  const auto outcome = check_edge_config("f.yaml", once, {}, ReportFormat::text);
  EXPECT_EQ(outcome.output, "f.yaml: valid, 1 domain, 1 listener\n");
  EXPECT_EQ(outcome.exit_status, 0);
  EXPECT_EQ(reads, 1);
}

// Files that the configuration only names are looked into when it is valid itself, and shown without lines of its own.
TEST(CheckReport, ProblemsOfNamedFilesCount) {
  const std::string text =
      "listeners: [ { address: \"0.0.0.0:80\", protocol: http } ]\ngeo: { table: n.yaml }\n"
      "domains: [ { name: a.example.com, origins: [ { host: 10.0.0.11 } ] } ]\n";
  const FileReader files = [&](const std::string&) -> base::Result<std::string> { return text; };
  int asked = 0;
  const NamedFilesChecker bad = [&](const EdgeConfig& config) -> std::vector<Problem> {
    ++asked;
    EXPECT_EQ(config.geo.table, "n.yaml");
    return {{Severity::error, "bad-network", "/networks/0/cidr", {"n.yaml", 2, 5}, "\"x\" is not a network", ""}};
  };
  const auto refused = check_edge_config("f.yaml", files, {}, ReportFormat::text, bad);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.output, "n.yaml:2:5: error: \"x\" is not a network\n1 error, 0 warnings\n");
  const auto json = check_edge_config("f.yaml", files, {}, ReportFormat::json, bad);
  EXPECT_NE(json.output.find("\"valid\": false"), std::string::npos) << json.output;
  EXPECT_NE(json.output.find("\"file\": \"n.yaml\""), std::string::npos) << json.output;
  EXPECT_EQ(check_edge_config("f.yaml", files, {}, ReportFormat::text,
                              [](const EdgeConfig&) { return std::vector<Problem>(); })
                .exit_status,
            0);
  EXPECT_EQ(asked, 2);
  const FileReader wrong = [](const std::string&) -> base::Result<std::string> { return "listeners: 1\n"; };
  EXPECT_EQ(check_edge_config("f.yaml", wrong, {}, ReportFormat::text, bad).exit_status, 1);
  EXPECT_EQ(asked, 2);
}

TEST(CheckReport, AnUnreadableFileIsToldAndFails) {
  const FileReader none = [](const std::string&) -> base::Result<std::string> {
    return base::fail(base::Code::forbidden, base::Side::config, "Permission denied");
  };
  const auto outcome = check_edge_config("f.yaml", none, {}, ReportFormat::text);
  EXPECT_EQ(outcome.output, "f.yaml: error: the file cannot be read: Permission denied\n1 error, 0 warnings\n");
  EXPECT_EQ(outcome.exit_status, 1);
}

class FileReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("fairlead-model-{}", ::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(FileReaderTest, ReadsFilesAndNamesWhatItCannotRead) {
  const std::string file = folder_ / "a.txt";
  const std::string text(100'000, 'q');
  std::ofstream(file) << text;
  EXPECT_EQ(read_file(file), text);
  EXPECT_EQ(read_file(folder_ / "absent").error().code, base::Code::not_found);
  EXPECT_EQ(read_file(file + "/below").error().code, base::Code::not_found);
  EXPECT_EQ(read_file(folder_).error().code, base::Code::unsupported);
  EXPECT_EQ(read_file("/dev/zero").error().code, base::Code::unsupported);
  std::filesystem::resize_file(file, limits::kMaxDocumentBytes + 1);
  EXPECT_EQ(read_file(file).error().code, base::Code::too_large);
}

TEST(FileReaderPaths, AreRelativeToTheConfiguration) {
  EXPECT_EQ(resolve_path("/etc/fairlead/f.yaml", "live.pem"), "/etc/fairlead/live.pem");
  EXPECT_EQ(resolve_path("/etc/fairlead/f.yaml", "../live.pem"), "/etc/live.pem");
  EXPECT_EQ(resolve_path("/etc/fairlead/f.yaml", "/live.pem"), "/live.pem");
  EXPECT_EQ(resolve_path("f.yaml", "live.pem"), "live.pem");
  EXPECT_EQ(resolve_path("conf/f.yaml", "tls/live.pem"), "conf/tls/live.pem");
}

}  // namespace
}  // namespace fairlead::model
