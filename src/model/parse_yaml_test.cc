#include <random>

#include "model/document.h"
#include "model/limits.h"

namespace fairlead::model {
namespace {

Node root_of(std::string_view text) {
  auto document = parse_yaml(text, "t.yaml");
  EXPECT_TRUE(document) << (document ? "" : describe(document.error().front()));
  return document ? document->root : Node{};
}

std::string refusal_of(std::string_view text) {
  const auto document = parse_yaml(text, "t.yaml");
  if (document) return "accepted";
  std::string out;
  for (const Problem& problem : document.error())
    out += problem.code + "@" + std::to_string(problem.location.line) + ":" + std::to_string(problem.location.column) +
           " ";
  out.pop_back();
  return out;
}

TEST(ParseYaml, ScalarsKeepTheirTextAndKind) {
  const Node root = root_of(
      "a: 60s\nb: 60\nc: \"60\"\nd: true\ne: ~\nf:\ng: -1.5\nh: 0x10\ni: ''\nj: |\n  two\n  lines\nk: 'it''s'\nl: "
      "1.2.3\n");
  const auto at = [&](std::string_view key) -> const Node& { return *root.find(key); };
  EXPECT_EQ(at("a").kind, NodeKind::string);
  EXPECT_EQ(at("a").text, "60s");
  EXPECT_EQ(at("b").kind, NodeKind::number);
  EXPECT_EQ(at("c").kind, NodeKind::string);
  EXPECT_TRUE(at("c").quoted);
  EXPECT_EQ(at("d").kind, NodeKind::boolean);
  EXPECT_EQ(at("e").kind, NodeKind::null);
  EXPECT_EQ(at("f").kind, NodeKind::null);
  EXPECT_EQ(at("g").kind, NodeKind::number);
  EXPECT_EQ(at("h").kind, NodeKind::string);
  EXPECT_EQ(at("i").kind, NodeKind::string);
  EXPECT_EQ(at("j").text, "two\nlines\n");
  EXPECT_EQ(at("k").text, "it's");
  EXPECT_EQ(at("l").kind, NodeKind::string);
  EXPECT_EQ(root.find("zzz"), nullptr);
}

TEST(ParseYaml, EveryNodeKnowsItsPlace) {
  const Node root = root_of("# comment\nlist:\n  - one\n  - { key: two }\nmap:\n    inner: three\n");
  const Node& list = *root.find("list");
  EXPECT_EQ(list.items()[0].mark, (Mark{3, 5}));
  EXPECT_EQ(list.items()[1].entries()[0].key_mark, (Mark{4, 7}));
  EXPECT_EQ(list.items()[1].entries()[0].value.mark, (Mark{4, 12}));
  EXPECT_EQ(root.entries()[1].key_mark, (Mark{5, 1}));
  EXPECT_EQ(root.find("map")->find("inner")->mark, (Mark{6, 12}));
  // Columns are bytes; a byte order mark and CRLF change nothing.
  const Node crlf = root_of(
      "\xef\xbb\xbf"
      "a: \"\xc3\xbc\"\r\n\"\xc3\xbc\": b\r\n");
  EXPECT_EQ(crlf.entries()[1].key, "\xc3\xbc");
  EXPECT_EQ(crlf.entries()[1].value.mark, (Mark{2, 7}));
}

TEST(ParseYaml, AliasesAndMergeKeysShareValues) {
  const Node root = root_of(
      "base: &base { a: 1, b: 2 }\nmore: &more { b: 3, c: 4 }\n"
      "one: *base\ntwo: { b: 9, <<: *base }\nthree: { <<: [*base, *more] }\nfour: { <<: *base, d: 5 }\n");
  EXPECT_EQ(root.find("one")->find("b")->text, "2");
  EXPECT_EQ(root.find("one")->mark, (Mark{1, 7})) << "where it is written";
  EXPECT_EQ(root.find("two")->find("b")->text, "9") << "the map's own key wins";
  EXPECT_EQ(root.find("two")->find("a")->text, "1");
  EXPECT_EQ(root.find("three")->find("b")->text, "2") << "the earlier map wins";
  EXPECT_EQ(root.find("three")->find("c")->text, "4");
  EXPECT_EQ(root.find("four")->entries().size(), 3u);
}

TEST(ParseYaml, RefusesWithCodeAndPlace) {
  EXPECT_EQ(refusal_of("a: 1\na: 2\nb: { c: 1, c: 2 }\n"), "duplicate-key@2:1 duplicate-key@3:12");
  EXPECT_EQ(refusal_of("a: 1\n---\nb: 2\n"), "several-documents@2:1");
  EXPECT_EQ(refusal_of("a: 1\n...\n"), "accepted");
  EXPECT_EQ(refusal_of("a:\n\tb: 1\n"), "syntax@2:1");
  EXPECT_EQ(refusal_of("a: *nobody\n"), "syntax@1:4");
  EXPECT_EQ(refusal_of("a: &a [1, *a]\n"), "bad-alias@1:11");
  EXPECT_EQ(refusal_of("a: !!str 1\n"), "tag@1:4");
  EXPECT_EQ(refusal_of("a: !mine {}\n"), "tag@1:4");
  EXPECT_EQ(refusal_of("? [a]\n: 1\n"), "bad-key@1:3");
  EXPECT_EQ(refusal_of("a: &x b\n*x : 1\n"), "bad-key@2:1");
  EXPECT_EQ(refusal_of("a: {<<: 1}\n"), "bad-merge@1:5");
  EXPECT_EQ(refusal_of("a: \"x\n"), "syntax@1:4");
  EXPECT_EQ(refusal_of("a: 'it''s\n"), "syntax@1:4");
  EXPECT_EQ(refusal_of("a: &n \"x \\\" y\n"), "syntax@1:4");
  EXPECT_EQ(refusal_of("a: &n \"x \\\" y\"\n"), "accepted");
  EXPECT_EQ(refusal_of(std::string_view("a: \0b\n", 6)), "bad-byte@1:4");
  EXPECT_EQ(refusal_of("a: 1\nb: \xff\n"), "bad-byte@2:4");
  EXPECT_EQ(refusal_of("a: \xed\xa0\x80\n"), "bad-byte@1:4") << "a surrogate";
  EXPECT_EQ(refusal_of("a: \xc3"), "bad-byte@1:4") << "cut inside a character";
  EXPECT_EQ(refusal_of(std::string("\xff\xfe"
                                   "a\0",
                                   4)),
            "bad-byte@1:1")
      << "UTF-16";
}

TEST(ParseYaml, BoundsHold) {
  const std::size_t deep = limits::kMaxDocumentDepth;
  EXPECT_EQ(refusal_of(std::string(deep, '[') + std::string(deep, ']')), "accepted");
  EXPECT_EQ(refusal_of(std::string(deep + 1, '[') + std::string(deep + 1, ']')), "too-deep@1:33");
  // Depth through aliases counts like depth that is written out.
  std::string nested =
      "a: &a [[[[[[[[1]]]]]]]]\nb: &b [[[[[[[[*a]]]]]]]]\nc: &c [[[[[[[[*b]]]]]]]]\nd: [[[[[[[[*c]]]]]]]]\n";
  EXPECT_EQ(refusal_of(nested), "too-deep@4:12");

  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    bomb += fmt::format("{0}: &{0} [{1}]\n", c,
                        fmt::join(std::vector<std::string>(10, std::string("*") + char(c - 1)), ","));
  }
  EXPECT_TRUE(refusal_of(bomb).starts_with("alias-bomb@")) << refusal_of(bomb);

  // A long text behind many aliases costs memory as many values would.
  std::string heavy = "a: &a \"" + std::string(1'000'000, 'x') + "\"\nb: [";
  for (int i = 0; i < 200; ++i) heavy += "*a,";
  EXPECT_TRUE(refusal_of(heavy + "]\n").starts_with("alias-bomb@"));

  EXPECT_EQ(refusal_of("a: " + std::string(limits::kMaxScalarBytes + 1, 'x')), "too-large@1:4");
  EXPECT_EQ(refusal_of(std::string(limits::kMaxDocumentBytes + 1, ' ')), "too-large@0:0");
}

// Found by the fuzzer: aliases that stay just under the bound must not cost their expansion in memory and time.
TEST(ParseYaml, AliasesShareAndDoNotCopy) {
  const Node root = root_of(
      "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
      "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d]\nf: { <<: { g: *d } }\n");
  const auto& d = root.find("d")->sequence;
  ASSERT_NE(d, nullptr);
  for (const Node& item : root.find("e")->items()) EXPECT_EQ(item.sequence, d);
  EXPECT_EQ(root.find("f")->find("g")->sequence, d);
  EXPECT_EQ(root.find("e")->items()[7].items()[9].items()[0].items()[5].items()[3].text, "x");
}

constexpr std::string_view kSample = R"(listeners:
  - { address: "0.0.0.0:80", protocol: http }   # comment
x-shared: &shared
  websocket: { connection_timeout: 60s, heartbeat: { interval: off } }
domains:
  - name: 'live.example.com'
    <<: *shared
    text: |
      several
      lines
    folded: "a \u00fc \
      b"
)";

TEST(ParseYaml, CutAtEveryByteNeverThrows) {
  for (std::size_t cut = 0; cut <= kSample.size(); ++cut) {
    const auto document = parse_yaml(kSample.substr(0, cut), "t.yaml");
    if (!document) {
      EXPECT_FALSE(document.error().empty()) << cut;
    }
  }
  EXPECT_TRUE(parse_yaml(kSample, "t.yaml"));
}

TEST(ParseYaml, RandomDamageNeverThrows) {
  constexpr unsigned kSeed = 20260301;
  std::mt19937 random(kSeed);
  constexpr std::string_view kBytes = "{}[]:,&*#'\"|>-?!%@`\t\n\r \\~<x0\xc3\xff";
  for (int round = 0; round < 5000; ++round) {
    std::string text(kSample);
    for (unsigned n = 1 + random() % 8; n > 0; --n) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = kBytes[random() % kBytes.size()]; break;
        case 1: text.insert(at, 1, kBytes[random() % kBytes.size()]); break;
        default: text.erase(at, 1 + random() % 5); break;
      }
    }
    const auto document = parse_yaml(text, "t.yaml");
    if (!document) {
      ASSERT_FALSE(document.error().empty()) << "seed " << kSeed << " round " << round << "\n" << text;
      EXPECT_FALSE(document.error().front().message.empty());
    }
  }
}

}  // namespace
}  // namespace fairlead::model
