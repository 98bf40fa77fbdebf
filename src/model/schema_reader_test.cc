#include "model/schema_reader.h"

namespace fairlead::model {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

// Reads one value "v: TEXT" and gives what came out and what was told.
template <class Read>
auto read_value(const std::string& text, Read read, std::vector<Problem>* problems = nullptr) {
  const auto document = parse_yaml("v: " + text + "\n", "t.yaml");
  EXPECT_TRUE(document) << text;
  Reading reading("t.yaml");
  const Field root(reading, document->root);
  const auto out = read(Field(root, "v", *document->root.find("v")));
  auto told = reading.take_problems();
  EXPECT_EQ(out.has_value(), told.empty()) << text << ": a value, or a problem, and never both";
  if (problems != nullptr) *problems = std::move(told);
  return out;
}

TEST(SchemaReader, Durations) {
  constexpr limits::DurationRange kRange{1s, 60s, 1h, false};
  const auto read = [&](const std::string& text) {
    return read_value(text, [&](const Field& f) { return f.duration(kRange); });
  };
  EXPECT_EQ(read("60s"), milliseconds(60s));
  EXPECT_EQ(read("\"60s\""), milliseconds(60s));
  EXPECT_EQ(read("1500ms"), milliseconds(1500));
  EXPECT_EQ(read("2m"), milliseconds(2min));
  EXPECT_EQ(read("1h"), milliseconds(1h));
  EXPECT_EQ(read("1s"), milliseconds(1s));
  for (auto bad : {"60",
                   "s",
                   "off",
                   "0",
                   "0s",
                   "999ms",
                   "3601s",
                   "-1s",
                   "1.5s",
                   "1 s",
                   "1S",
                   "1h30m",
                   "[]",
                   "{}",
                   "~",
                   "",
                   "1000000000000s",
                   "213503982335d",
                   "9999999999999999999999s",
                   "true",
                   "0x10s"}) {
    EXPECT_EQ(read(bad), std::nullopt) << bad;
  }
  constexpr limits::DurationRange kOffable{1s, 0s, 1h, true};
  const auto offable = [&](const std::string& text) {
    return read_value(text, [&](const Field& f) { return f.duration(kOffable); });
  };
  EXPECT_EQ(offable("off"), milliseconds(0));
  EXPECT_EQ(offable("0s"), milliseconds(0));
  EXPECT_EQ(offable("0"), milliseconds(0));
  EXPECT_EQ(offable("false"), milliseconds(0));
  EXPECT_EQ(offable("\"off\""), std::nullopt) << "quoted, it is a text";
}

TEST(SchemaReader, Sizes) {
  constexpr limits::SizeRange kRange{1, 0, std::uint64_t{1} << 40, false};
  const auto read = [&](const std::string& text) {
    return read_value(text, [&](const Field& f) { return f.size(kRange); });
  };
  EXPECT_EQ(read("60MiB"), 60u << 20);
  EXPECT_EQ(read("1GiB"), 1u << 30);
  EXPECT_EQ(read("64KiB"), 65536u);
  EXPECT_EQ(read("17"), 17u);
  EXPECT_EQ(read("1024GiB"), std::uint64_t{1} << 40);
  for (auto bad : {"0", "off", "1025GiB", "60MB", "60m", "1.5GiB", "-1", "999999999999GiB", "18446744073709551616",
                   "KiB", "[1]", "~"}) {
    EXPECT_EQ(read(bad), std::nullopt) << bad;
  }
}

TEST(SchemaReader, CountsAndBooleans) {
  constexpr limits::CountRange kRange{1, 0, 100, true};
  const auto count = [&](const std::string& text) {
    return read_value(text, [&](const Field& f) { return f.count(kRange); });
  };
  EXPECT_EQ(count("1"), 1u);
  EXPECT_EQ(count("100"), 100u);
  EXPECT_EQ(count("off"), 0u);
  EXPECT_EQ(count("0"), 0u);
  for (auto bad : {"101", "-1", "1.0", "1e1", "ten", "1KiB", "99999999999999999999999", "[]", "~"}) {
    EXPECT_EQ(count(bad), std::nullopt) << bad;
  }
  const auto boolean = [&](const std::string& text) {
    return read_value(text, [&](const Field& f) { return f.boolean(); });
  };
  for (auto yes : {"true", "on", "yes", "True", "ON"}) EXPECT_EQ(boolean(yes), true) << yes;
  for (auto no : {"false", "off", "no", "FALSE"}) EXPECT_EQ(boolean(no), false) << no;
  for (auto bad : {"\"true\"", "1", "maybe", "~", "[]"}) EXPECT_EQ(boolean(bad), std::nullopt) << bad;
}

TEST(SchemaReader, Texts) {
  const auto text = [&](const std::string& written) {
    return read_value(written, [&](const Field& f) { return f.text(5); });
  };
  EXPECT_EQ(text("abcde"), "abcde");
  EXPECT_EQ(text("12"), "12") << "a number is a text where one is wanted";
  EXPECT_EQ(text("\"\""), "");
  for (auto bad : {"abcdef", "\"a\\0b\"", "~", "", "[a]", "{a: b}"}) EXPECT_EQ(text(bad), std::nullopt) << bad;
}

enum class Fruit { apple, pear };
constexpr Choice<Fruit> kFruits[] = {{"green-apple", Fruit::apple}, {"pear", Fruit::pear}};

TEST(SchemaReader, MapsTellWhatNobodyAskedFor) {
  const auto document = parse_yaml(
      "conection_timeout: 5s\nconnection_timeout: 7s\nfruit: green_apple\nx-mine: 1\nwhatever: 2\n", "t.yaml");
  ASSERT_TRUE(document);
  Reading reading("t.yaml");
  milliseconds timeout{};
  Fruit fruit = Fruit::pear;
  {
    MapReader map(Field(reading, document->root));
    map.ignore_prefix("x-");
    EXPECT_TRUE(map.read("connection_timeout", timeout, limits::kConnectionTimeout));
    EXPECT_FALSE(map.read("fruit", fruit, kFruits));
    EXPECT_FALSE(map.require("missing", "write it"));
  }
  EXPECT_EQ(timeout, milliseconds(7s));
  EXPECT_EQ(fruit, Fruit::pear) << "left as it was";
  std::vector<std::string> lines;
  for (const Problem& problem : reading.take_problems()) lines.push_back(problem.pointer + " " + describe(problem));
  EXPECT_THAT(
      lines,
      ElementsAre(
          " t.yaml:1:1: error: the document lacks the key \"missing\" (write it)",
          "/conection_timeout t.yaml:1:1: error: unknown key \"conection_timeout\" (did you mean "
          "\"connection_timeout\"?)",
          "/fruit t.yaml:3:8: error: \"fruit\" cannot be \"green_apple\" (did you mean \"green-apple\"? one of: "
          "green-apple or pear)",
          "/whatever t.yaml:5:1: error: unknown key \"whatever\" (known here: connection_timeout, fruit, missing)"));
}

TEST(SchemaReader, PointersAreEscapedAsRfc6901Says) {
  const auto document = parse_yaml("\"a/b~c\": [ { x: 1 }, { x: bad } ]\n", "t.yaml");
  Reading reading("t.yaml");
  {
    MapReader map(Field(reading, document->root));
    map.find("a/b~c")->each(10, [](const Field& item) {
      MapReader inner(item);
      int n = 0;
      inner.read_count("x", n, limits::kWeight);
    });
  }
  const auto problems = reading.take_problems();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].pointer, "/a~1b~0c/1/x");
}

TEST(SchemaReader, ProblemsAreBounded) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += fmt::format("k{}: 1\n", i);
  const auto document = parse_yaml(text, "t.yaml");
  Reading reading("t.yaml");
  {
    MapReader map(Field(reading, document->root));
  }
  const auto problems = reading.take_problems();
  ASSERT_EQ(problems.size(), limits::kMaxProblems + 1);
  EXPECT_EQ(problems.back().code, "too-many-problems");
  EXPECT_THAT(problems.back().message, HasSubstr("1500 more"));
  EXPECT_TRUE(has_errors(problems));
}

TEST(SchemaReader, WordsForPeople) {
  EXPECT_EQ(format_duration(500ms), "500ms");
  EXPECT_EQ(format_duration(60s), "60s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(1h), "1h");
  EXPECT_EQ(format_duration(24h), "1d");
  EXPECT_EQ(format_duration(0ms), "off");
  EXPECT_EQ(format_size(60u << 20), "60MiB");
  EXPECT_EQ(format_size(1500), "1500");
  EXPECT_EQ(nearest("Orgins", {"origins", "name"}), "origins");
  EXPECT_EQ(nearest("zzz", {"origins", "name"}), "");
  EXPECT_EQ(shown("a\x1b[31m\n"), "a?[31m?");
  EXPECT_EQ(shown(std::string(59, 'a') + "\xc3\xbc"), std::string(59, 'a') + "...") << "no half character";
}

}  // namespace
}  // namespace fairlead::model
