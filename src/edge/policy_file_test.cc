#include "edge/policy_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/log.h"
#include "model/testing/random_policy.h"

namespace fairlead::edge {
namespace {

namespace fs = std::filesystem;
using model::PolicySnapshot;
using ::testing::HasSubstr;

PolicyFile::Key key_of(unsigned char fill) {
  PolicyFile::Key key;
  key.fill(fill);
  return key;
}

PolicySnapshot::Ptr random_snapshot(unsigned seed, int domains, std::uint64_t revision) {
  model::testing::RandomPolicies random(seed);
  std::vector<model::DomainPolicy> all;
  for (int i = 0; i < domains; ++i) all.push_back(random.next());
  return PolicySnapshot::replace(nullptr, std::move(all), revision);
}

void expect_same(const PolicySnapshot::Ptr& a, const PolicySnapshot::Ptr& b) {
  EXPECT_EQ(a->revision(), b->revision());
  EXPECT_EQ(a->size(), b->size());
  EXPECT_TRUE(model::diff(a, b).empty());
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

class PolicyFileTest : public ::testing::Test {
 protected:
  PolicyFileTest() {
    std::string made = fs::temp_directory_path() / "policy_file.XXXXXX";
    folder_ = ::mkdtemp(made.data());
    path_ = folder_ + "/policy.sealed";
  }
  ~PolicyFileTest() override { fs::remove_all(folder_); }

  base::Result<PolicySnapshot::Ptr> load() const { return PolicyFile(path_, key_of(1)).load(); }
  void put(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }
  base::Code code_of_load() const {
    const auto loaded = load();
    return loaded ? base::Code::ok : loaded.error().code;
  }

  std::string folder_, path_;
};

TEST_F(PolicyFileTest, what_was_stored_is_loaded) {
  EXPECT_EQ(code_of_load(), base::Code::not_found);
  for (const int domains : {0, 1, 300}) {
    const auto snapshot = random_snapshot(7, domains, 1'000'000'007u + static_cast<unsigned>(domains));
    {
      PolicyFile file(path_, key_of(1));
      file.store(snapshot);
      const auto flushed = file.flush();
      ASSERT_TRUE(flushed) << base::describe(flushed.error());
    }
    const auto loaded = load();
    ASSERT_TRUE(loaded) << base::describe(loaded.error());
    expect_same(*loaded, snapshot);
  }
}

TEST_F(PolicyFileTest, it_knows_the_revision_on_disk) {
  PolicyFile file(path_, key_of(1));
  EXPECT_EQ(file.revision(), 0u);
  file.store(PolicySnapshot::build(nullptr, {}, 12));
  ASSERT_TRUE(file.flush());
  EXPECT_EQ(file.revision(), 12u);
  const PolicyFile next(path_, key_of(1));
  EXPECT_TRUE(next.load());
  EXPECT_EQ(next.revision(), 12u);
}

TEST_F(PolicyFileTest, nobody_else_can_read_it) {
  const auto old_mask = ::umask(0);
  PolicyFile file(path_, key_of(1));
  file.store(random_snapshot(7, 3, 1));
  ASSERT_TRUE(file.flush());
  ::umask(old_mask);
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777u, 0600u);
  const std::string sealed = bytes_of(path_);
  for (const char* plain : {"PRIVATE", "example.com", "revision", "\"name\""}) {
    EXPECT_EQ(sealed.find(plain), std::string::npos) << plain;
  }
  EXPECT_EQ(PolicyFile(path_, key_of(2)).load().error().code, base::Code::malformed) << "another key";
}

// Any byte changed, any tail cut off, anything put behind: never half a snapshot.
TEST_F(PolicyFileTest, a_damaged_file_is_none) {
  {
    PolicyFile file(path_, key_of(1));
    file.store(random_snapshot(7, 120, 9));
  }
  const std::string good = bytes_of(path_);
  ASSERT_GT(good.size(), 3u * 64 * 1024) << "several blocks";
  ASSERT_EQ(code_of_load(), base::Code::ok);
  constexpr unsigned kSeed = 20261121;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    const std::size_t at = round < 100 ? static_cast<std::size_t>(round) : random() % good.size();
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
    put(bad);
    const base::Code code = code_of_load();
    EXPECT_TRUE(code == base::Code::malformed || code == base::Code::unsupported) << "seed " << kSeed << " at " << at;
    put(good.substr(0, at));
    EXPECT_EQ(code_of_load(), base::Code::malformed) << "cut at " << at;
  }
  // Whole blocks left out, repeated or in another order.
  constexpr std::size_t kHead = 18 + 24, kBlock = 64 * 1024 + 17;
  const auto block = [&](std::size_t i) { return good.substr(kHead + i * kBlock, kBlock); };
  const std::string head = good.substr(0, kHead);
  const std::string rest = good.substr(kHead + 2 * kBlock);
  for (const std::string& bad : {head + block(0) + rest, head + block(0) + block(0) + block(1) + rest,
                                 head + block(1) + block(0) + rest, head + block(0), head, good + "x", good + good}) {
    put(bad);
    EXPECT_EQ(code_of_load(), base::Code::malformed);
  }
  put(head + block(0) + block(1) + rest);
  EXPECT_EQ(code_of_load(), base::Code::ok);
  std::string newer = good;
  newer[16] = '2';
  put(newer);
  EXPECT_EQ(code_of_load(), base::Code::unsupported);
  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_EQ(code_of_load(), base::Code::malformed);
}

TEST_F(PolicyFileTest, the_newest_wins_and_writes_are_few) {
  std::uint64_t writes = 0;
  const base::TimePoint begun = base::monotonic_now();
  {
    PolicyFile file(path_, key_of(1));
    const auto snapshot = random_snapshot(7, 1, 1);
    for (std::uint64_t revision = 1; revision <= 50'000; ++revision) {
      file.store(PolicySnapshot::build(snapshot, {}, revision));
    }
    ASSERT_TRUE(file.flush());
    EXPECT_EQ((*load())->revision(), 50'000u);
    writes = file.writes();
  }
  const auto seconds = static_cast<std::uint64_t>((base::monotonic_now() - begun) / base::seconds(1));
  EXPECT_LE(writes, 3 + seconds) << "the first, one a second, the flush";
}

TEST_F(PolicyFileTest, its_end_writes_what_is_pending) {
  for (std::uint64_t revision = 1; revision <= 20; ++revision) {
    PolicyFile file(path_, key_of(1));
    file.store(PolicySnapshot::build(nullptr, {}, revision - 1));
    file.store(PolicySnapshot::build(nullptr, {}, revision));
  }
  EXPECT_EQ((*load())->revision(), 20u);
}

TEST_F(PolicyFileTest, what_cannot_be_written_is_tried_again) {
  const std::string later = folder_ + "/later";
  PolicyFile file(later + "/policy.sealed", key_of(1));
  ::testing::internal::CaptureStderr();
  file.store(random_snapshot(7, 3, 5));
  const auto flushed = file.flush();
  ASSERT_FALSE(flushed);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("the copy of the policy is not written"));
  fs::create_directory(later);
  // Nothing new is stored.
  const base::TimePoint due = base::later(base::monotonic_now(), base::seconds(30));
  while (file.writes() == 0 && base::monotonic_now() < due) std::this_thread::yield();
  const auto loaded = file.load();
  ASSERT_TRUE(loaded) << base::describe(loaded.error());
  EXPECT_EQ((*loaded)->revision(), 5u);
}

// Stores revisions 1, 2, 3, ... and says each once it is on disk, until it is killed.
[[noreturn]] void store_forever(const std::string& path, std::uint64_t from, const PolicySnapshot::Ptr& domains,
                                int said) {
  PolicyFile file(path, key_of(1));
  for (std::uint64_t revision = from;; ++revision) {
    file.store(PolicySnapshot::build(domains, {}, revision));
    if (!file.flush()) ::_exit(10);
    if (::write(said, &revision, sizeof revision) != sizeof revision) ::_exit(11);
  }
}

TEST_F(PolicyFileTest, a_writer_that_is_killed_leaves_the_old_or_the_new) {
  constexpr unsigned kSeed = 20261121;
  std::mt19937 random(kSeed);
  const auto domains = random_snapshot(7, 200, 1);
  std::uint64_t present = 0;
  for (int round = 0; round < 60; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      store_forever(path_, present + 1, domains, ends[1]);
    }
    ::close(ends[1]);
    std::uint64_t said = 0;
    ASSERT_EQ(::read(ends[0], &said, sizeof said), ssize_t{sizeof said});
    // At any moment of the write that is under way now.
    const base::TimePoint kill_at = base::later(base::monotonic_now(), base::Duration(random() % 30'000'000));
    while (base::monotonic_now() < kill_at) {
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &said, sizeof said) == ssize_t{sizeof said}) {
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);
    const auto loaded = load();
    ASSERT_TRUE(loaded) << "seed " << kSeed << " round " << round << ": " << base::describe(loaded.error());
    present = (*loaded)->revision();
    ASSERT_GE(present, said);
    ASSERT_LE(present, said + 1);
    ASSERT_EQ((*loaded)->size(), domains->size());
  }
  expect_same(*load(), PolicySnapshot::build(domains, {}, present));
}

// The size that an edge is made for: 10,000 domains with 4 origins each, a certificate for every one. A sanitizer's
// build takes 20 times as long for each and has a tenth of them.
TEST_F(PolicyFileTest, ten_thousand_domains_load_quickly) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  std::vector<model::DomainPolicy> domains(1'000);
#else
  std::vector<model::DomainPolicy> domains(10'000);
#endif
  std::string pem(1600, 'A');
  for (std::size_t i = 64; i < pem.size(); i += 65) pem[i] = '\n';
  for (std::size_t i = 0; i < domains.size(); ++i) {
    domains[i].name = fmt::format("d{}.example.com", i);
    for (int o = 0; o < 4; ++o) domains[i].origins.push_back({.host = fmt::format("10.{}.{}.{}", o, i / 250, i % 250)});
    domains[i].certificates.push_back(
        {fmt::format("-----BEGIN CERTIFICATE-----\n{0}\n-----END CERTIFICATE-----\n-----BEGIN "
                     "CERTIFICATE-----\n{0}\n-----END CERTIFICATE-----\n",
                     pem),
         "-----BEGIN PRIVATE KEY-----\nMHc=\n-----END PRIVATE KEY-----\n"});
  }
  const std::size_t count = domains.size();
  const auto snapshot = PolicySnapshot::replace(nullptr, std::move(domains), 1);
  PolicyFile file(path_, key_of(1));
  const auto millis = [](base::TimePoint since) { return (base::monotonic_now() - since) / base::milliseconds(1); };
  base::TimePoint begun = base::monotonic_now();
  file.store(snapshot);
  ASSERT_TRUE(file.flush());
  const auto stored = millis(begun);
  begun = base::monotonic_now();
  const auto loaded = file.load();
  const auto took = millis(begun);
  ASSERT_TRUE(loaded) << base::describe(loaded.error());
  expect_same(*loaded, snapshot);
  fmt::print("{} domains, {} MB: stored in {} ms, loaded in {} ms\n", count, fs::file_size(path_) / 1'000'000, stored,
             took);
  EXPECT_LT(took, 20'000);  // busy machines included; the figure itself is what to look at
}

}  // namespace
}  // namespace fairlead::edge
