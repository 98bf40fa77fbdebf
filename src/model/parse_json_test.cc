#include <random>

#include "model/document.h"
#include "model/limits.h"
#include "model/schema_reader.h"

namespace fairlead::model {
namespace {

Node root_of(std::string_view text) {
  auto document = parse_json(text, "body");
  EXPECT_TRUE(document) << (document ? "" : describe(document.error().front()));
  return document ? document->root : Node{};
}

std::string refusal_of(std::string_view text) {
  const auto document = parse_json(text, "body");
  if (document) return "accepted";
  std::string out;
  for (const Problem& problem : document.error()) {
    out += fmt::format("{}@{}:{} ", problem.code, problem.location.line, problem.location.column);
  }
  out.pop_back();
  return out;
}

TEST(ParseJson, ScalarsKeepTheirTextAndKind) {
  const Node root = root_of(
      R"({"a":"60s","b":60,"c":"60","d":true,"e":null,"f":-1.50e+3,"g":"","h":"\u00fc\n\"","i":-0,"j":12345678901234567890123,"k":false})");
  const auto at = [&](std::string_view key) -> const Node& { return *root.find(key); };
  EXPECT_EQ(at("a").kind, NodeKind::string);
  EXPECT_EQ(at("a").text, "60s");
  EXPECT_TRUE(at("a").quoted);
  EXPECT_EQ(at("b").kind, NodeKind::number);
  EXPECT_EQ(at("b").text, "60");
  EXPECT_FALSE(at("b").quoted);
  EXPECT_EQ(at("c").kind, NodeKind::string);
  EXPECT_EQ(at("d").kind, NodeKind::boolean);
  EXPECT_EQ(at("d").text, "true");
  EXPECT_EQ(at("e").kind, NodeKind::null);
  EXPECT_EQ(at("f").text, "-1.50e+3") << "as it was written";
  EXPECT_EQ(at("g").kind, NodeKind::string);
  EXPECT_EQ(at("h").text, "\xc3\xbc\n\"");
  EXPECT_EQ(at("i").text, "-0");
  EXPECT_EQ(at("j").text, "12345678901234567890123");
  EXPECT_EQ(at("k").text, "false");
  EXPECT_EQ(root_of("7").text, "7") << "a number that nothing follows";
  EXPECT_EQ(root_of(" 7 ").text, "7");
  EXPECT_EQ(root_of("[]").kind, NodeKind::sequence);
  EXPECT_EQ(root_of("{}").entries().size(), 0u);
}

TEST(ParseJson, EveryNodeKnowsItsPlace) {
  const Node root = root_of(
      "{\n  \"list\": [ \"one\",\n    { \"k\\\"\\\\\" : 12 } ],\r\n  \"\xc3\xbc\": \"x\\\\\", \"z\" : true }\n");
  EXPECT_EQ(root.mark, (Mark{1, 1}));
  const Node& list = *root.find("list");
  EXPECT_EQ(root.entries()[0].key_mark, (Mark{2, 3}));
  EXPECT_EQ(list.mark, (Mark{2, 11}));
  EXPECT_EQ(list.items()[0].mark, (Mark{2, 13}));
  EXPECT_EQ(list.items()[1].mark, (Mark{3, 5}));
  EXPECT_EQ(list.items()[1].entries()[0].key, "k\"\\");
  EXPECT_EQ(list.items()[1].entries()[0].key_mark, (Mark{3, 7}));
  EXPECT_EQ(list.items()[1].entries()[0].value.mark, (Mark{3, 17}));
  EXPECT_EQ(root.entries()[1].key_mark, (Mark{4, 3}));
  EXPECT_EQ(root.entries()[1].value.mark, (Mark{4, 9}));
  EXPECT_EQ(root.entries()[2].key_mark, (Mark{4, 16}));
  EXPECT_EQ(root.entries()[2].value.mark, (Mark{4, 22}));
}

TEST(ParseJson, RefusesWithCodeAndPlace) {
  EXPECT_EQ(refusal_of(R"({"a":1,"a":2,"b":{"c":1,"c":2}})"), "duplicate-key@1:8 duplicate-key@1:25");
  EXPECT_EQ(refusal_of(""), "syntax@1:1");
  EXPECT_EQ(refusal_of("{} {}"), "syntax@1:4");
  EXPECT_EQ(refusal_of("{\"a\":\n tru}"), "syntax@2:5");
  EXPECT_EQ(refusal_of("[1,]"), "syntax@1:4");
  EXPECT_EQ(refusal_of("[01]"), "syntax@1:3");
  EXPECT_EQ(refusal_of("[1e999]"), "syntax@1:6") << "no number of ours";
  EXPECT_EQ(refusal_of("{'a':1}"), "syntax@1:2");
  EXPECT_EQ(refusal_of("[NaN]"), "syntax@1:2");
  EXPECT_EQ(refusal_of("// x\n{}"), "syntax@1:1");
  EXPECT_EQ(refusal_of(R"(["\ud800"])").substr(0, 7), "syntax@") << "half a surrogate pair";
  EXPECT_EQ(refusal_of("[\"\xff\"]"), "bad-byte@1:3");
  EXPECT_EQ(refusal_of(std::string_view("[\"\0\"]", 5)), "bad-byte@1:3");
  EXPECT_EQ(refusal_of("[\"a\tb\"]").substr(0, 7), "syntax@") << "a tab inside a text is written \\t";
  EXPECT_EQ(refusal_of("\xef\xbb\xbf{}"), "accepted");
}

TEST(ParseJson, DuplicatesNameThePointer) {
  const auto document = parse_json(R"({"x":[0,{"a~/b":1,"a~/b":2}]})", "body");
  ASSERT_FALSE(document);
  ASSERT_EQ(document.error().size(), 1u);
  EXPECT_EQ(document.error()[0].pointer, "/x/1/a~0~1b");

  // Many keys, and the last of them the first again.
  std::string many = "{";
  for (int i = 0; i < 20'000; ++i) many += fmt::format("\"k{}\":{},", i, i);
  EXPECT_EQ(parse_json(many + "\"k0\":0}", "body").error().at(0).pointer, "/k0");
  EXPECT_EQ(root_of(many + "\"z\":0}").entries().size(), 20'001u);
}

TEST(ParseJson, MessagesAreForPeople) {
  const auto message_of = [](std::string_view text) { return parse_json(text, "").error().at(0).message; };
  EXPECT_EQ(message_of("{\"a\" 1}"),
            "not valid JSON: while parsing object separator - unexpected number literal; expected ':'");
  EXPECT_EQ(message_of("[\"\x1b[31m"), "the document contains the control character 0x1b");
  EXPECT_EQ(message_of("[tru\xc3\xbc]"), "not valid JSON: while parsing value - invalid literal");
}

TEST(ParseJson, BoundsHold) {
  const std::size_t deep = limits::kMaxDocumentDepth;
  EXPECT_EQ(refusal_of(std::string(deep, '[') + std::string(deep, ']')), "accepted");
  EXPECT_EQ(refusal_of(std::string(deep + 1, '[') + std::string(deep + 1, ']')), "too-deep@1:33");
  EXPECT_EQ(refusal_of(std::string(2'000'000, '[')), "too-deep@1:33") << "no stack is used up";
  const std::string longest(limits::kMaxScalarBytes, 'x');
  EXPECT_EQ(refusal_of("[\"" + longest + "\"]"), "accepted");
  EXPECT_EQ(refusal_of("[\"" + longest + "x\"]"), "too-large@1:2");
  EXPECT_EQ(refusal_of("{\"" + longest + "x\":1}"), "too-large@1:2");
  EXPECT_EQ(refusal_of("[" + std::string(limits::kMaxScalarBytes + 1, '1') + ".5e-1234567]").substr(0, 9), "too-large");
  EXPECT_EQ(refusal_of(std::string(limits::kMaxDocumentBytes + 1, ' ')), "too-large@0:0");
  std::string many = "[";
  for (std::size_t i = 1; i < limits::kMaxDocumentNodes; ++i) many += "1,";
  many.back() = ']';
  EXPECT_EQ(refusal_of(many), "accepted");
  many.back() = ',';
  EXPECT_EQ(refusal_of(many + "1]").substr(0, 9), "too-large");
}

// JSON has types, and answers that repeat what was written must keep to the contract: no text for a switch or a number.
TEST(ParseJson, ReadersHoldJsonToItsTypes) {
  const auto codes = [](std::string_view text) {
    const auto document = parse_json(text, "");
    EXPECT_TRUE(document);
    Reading reading("");
    bool on = true;
    std::uint32_t n = 5;
    std::uint64_t bytes = 5;
    std::chrono::milliseconds time{5};
    std::string word = "w";
    {
      const Field root(reading, document->root);
      MapReader map(root);
      map.read("switch", on);
      map.read_count("count", n, {1, 5, 100, true});
      map.read_size("size", bytes, {1, 5, 1 << 20, true});
      map.read("time", time, {std::chrono::milliseconds(1), time, std::chrono::seconds(100), true});
      map.read("text", word, 10);
    }
    std::string out;
    for (const Problem& p : reading.take_problems()) out += p.code + p.pointer + " ";
    return out + fmt::format("{} {} {} {} {}", on, n, bytes, time.count(), word);
  };
  EXPECT_EQ(codes(R"({"switch":false,"count":7,"size":"1KiB","time":"60s","text":"a"})"), "false 7 1024 60000 a");
  EXPECT_EQ(codes(R"({"size":9,"count":"off","time":"off"})"), "true 0 9 0 w");
  EXPECT_EQ(codes(R"({"size":"off","time":"0s"})"), "true 5 0 0 w");
  EXPECT_EQ(codes(R"({"switch":"true"})"), "wrong-type/switch true 5 5 5 w");
  EXPECT_EQ(codes(R"({"switch":"off"})"), "wrong-type/switch true 5 5 5 w");
  EXPECT_EQ(codes(R"({"count":"7"})"), "wrong-type/count true 5 5 5 w");
  EXPECT_EQ(codes(R"({"count":false})"), "wrong-type/count true 5 5 5 w");
  EXPECT_EQ(codes(R"({"size":false})"), "bad-size/size true 5 5 5 w");
  EXPECT_EQ(codes(R"({"time":60})"), "bad-duration/time true 5 5 5 w");
  EXPECT_EQ(codes(R"({"time":0})"), "bad-duration/time true 5 5 5 w");
  EXPECT_EQ(codes(R"({"time":false})"), "wrong-type/time true 5 5 5 w");
  EXPECT_EQ(codes(R"({"text":7})"), "wrong-type/text true 5 5 5 w");
  EXPECT_EQ(codes(R"({"text":"a\u0000b","swich":true})"), "bad-text/text unknown-key/swich true 5 5 5 w");
}

constexpr std::string_view kSample = R"({
  "websocket": { "connection_timeout": "60s", "heartbeat": { "interval": "off" } },
  "origins": [ { "host": "10.0.0.1", "weight": 10 }, { "host": "\u00fc", "insecure": true } ],
  "x": null, "y": [ -1.5e3, "", [] , {} ]
})";

TEST(ParseJson, CutAtEveryByteNeverThrows) {
  for (std::size_t cut = 0; cut < kSample.size(); ++cut) {
    const auto document = parse_json(kSample.substr(0, cut), "body");
    ASSERT_FALSE(document) << cut;
    EXPECT_EQ(document.error().size(), 1u);
  }
  EXPECT_TRUE(parse_json(kSample, "body"));
}

TEST(ParseJson, RandomDamageNeverThrows) {
  constexpr unsigned kSeed = 20261121;
  std::mt19937 random(kSeed);
  constexpr std::string_view kBytes = "{}[]:,\"\\u0ntf-+.eE1 \n\xc3\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(kSample);
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = kBytes[random() % kBytes.size()]; break;
        case 1: text.insert(at, 1, kBytes[random() % kBytes.size()]); break;
        default: text.erase(at, 1 + random() % 5); break;
      }
    }
    const auto document = parse_json(text, "body");
    if (!document) {
      ASSERT_FALSE(document.error().empty()) << "seed " << kSeed << " round " << round << "\n" << text;
      EXPECT_FALSE(document.error().front().message.empty());
      EXPECT_GT(document.error().front().location.line, 0u) << text;
    }
  }
}

}  // namespace
}  // namespace fairlead::model
