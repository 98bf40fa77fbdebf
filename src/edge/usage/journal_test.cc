// The usage journal: order, durability, bounds, what damage costs and what it does not.
#include "edge/usage/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "base/log.h"
#include "edge/usage/durable_file.h"

namespace fairlead::edge {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_text(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(text.data(), static_cast<std::streamsize>(text.size()));
}

class UsageJournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base::log_set_level(base::LogLevel::off);  // what it says of damage is counted, too
    std::string name = where_ + "usage_journal_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    home_ = name;
    folder_ = name + "/usage";
  }
  void TearDown() override {
    fs::remove_all(home_);
    base::log_set_level(base::LogLevel::info);
  }

  std::unique_ptr<UsageJournal> open(UsageJournal::Options options = {}) {
    auto made = UsageJournal::open(folder_, options);
    EXPECT_TRUE(made) << describe(made.error());
    return made ? std::move(*made) : nullptr;
  }
  static void append(UsageJournal& journal, std::string_view set) {
    const auto done = journal.append(set);
    ASSERT_TRUE(done) << describe(done.error());
  }
  // All that waits, oldest first.
  static std::vector<std::string> read_all(UsageJournal& journal) {
    std::vector<std::string> out;
    std::uint64_t before = 0;
    for (;;) {
      auto entry = journal.next();
      EXPECT_TRUE(entry);
      if (!entry || !*entry) return out;
      EXPECT_GT((*entry)->number, before);
      before = (*entry)->number;
      out.push_back((*entry)->set);
    }
  }
  std::vector<fs::path> segments() const {
    std::vector<fs::path> out;
    for (const auto& file : fs::directory_iterator(folder_)) {
      if (file.path().extension() == ".usage") out.push_back(file.path());
    }
    std::ranges::sort(out);
    return out;
  }

  std::string where_ = ::testing::TempDir(), home_, folder_;
};

using Texts = std::vector<std::string>;

TEST_F(UsageJournalTest, GivesBackInOrderWhatWasAppended) {
  const auto journal = open();
  EXPECT_EQ(read_all(*journal), Texts());
  EXPECT_EQ(journal->stats().oldest_ms, 0);
  for (const char* set : {"one", "", "three"}) append(*journal, set);
  EXPECT_EQ(read_all(*journal), (Texts{"one", "", "three"}));
  EXPECT_EQ(read_all(*journal), Texts());  // given out, not acknowledged
  journal->rewind();
  EXPECT_EQ(read_all(*journal), (Texts{"one", "", "three"}));
  const auto stats = journal->stats();
  EXPECT_EQ(stats.waiting, 3u);
  EXPECT_EQ(stats.appended, 3u);
  EXPECT_GT(stats.oldest_ms, 1'500'000'000'000);
  append(*journal, "four");
  EXPECT_EQ(read_all(*journal), Texts{"four"});
}

TEST_F(UsageJournalTest, IsThereAfterReopening) {
  {
    const auto journal = open();
    for (const char* set : {"one", "two", "three"}) append(*journal, set);
    ASSERT_TRUE(*journal->next());
    journal->acknowledge(1);
  }
  const auto journal = open();
  EXPECT_EQ(journal->stats().waiting, 2u);
  EXPECT_GT(journal->stats().oldest_ms, 0);
  EXPECT_EQ(read_all(*journal), (Texts{"two", "three"}));
  journal->acknowledge(3);
  EXPECT_EQ(journal->stats().waiting, 0u);
  EXPECT_EQ(journal->stats().oldest_ms, 0);
  EXPECT_EQ(journal->stats().damaged_bytes, 0u);  // what was acknowledged is no damage
}

TEST_F(UsageJournalTest, RemovesSegmentsThatAreAcknowledgedAsAWhole) {
  const auto journal = open({.segment_bytes = 200});
  for (int i = 0; i < 40; ++i) append(*journal, std::string(60, static_cast<char>('a' + i % 26)));
  const std::size_t most = segments().size();
  ASSERT_GT(most, 10u);
  std::size_t read = 0;
  while (auto entry = *journal->next()) {
    EXPECT_EQ(entry->set, std::string(60, static_cast<char>('a' + read % 26)));
    ++read;
    journal->acknowledge(entry->number);
  }
  EXPECT_EQ(read, 40u);
  EXPECT_EQ(segments().size(), 1u);
  EXPECT_EQ(journal->stats().bytes, fs::file_size(segments().front()));
  append(*journal, "more");
  EXPECT_EQ(read_all(*journal), Texts{"more"});
}

TEST_F(UsageJournalTest, RefusesWhatTheBoundForbidsAndGoesOnWhenThereIsRoom) {
  constexpr std::uint64_t kBound = 8192;
  const auto journal = open({.max_bytes = kBound});
  Texts kept;
  std::uint64_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string set(200, static_cast<char>(33 + i));
    const auto done = journal->append(set);
    if (done) {
      kept.push_back(set);
      continue;
    }
    EXPECT_EQ(done.error().code, base::Code::overloaded);
    EXPECT_EQ(done.error().retry, base::Retry::later);
    ++refused;
  }
  ASSERT_GT(refused, 0u);
  EXPECT_EQ(journal->stats().refused_full, refused);
  EXPECT_LE(journal->stats().bytes, kBound);
  std::uint64_t on_disk = 0;
  for (const auto& path : segments()) on_disk += fs::file_size(path);
  EXPECT_EQ(on_disk, journal->stats().bytes);
  EXPECT_EQ(read_all(*journal), kept);
  // Half of it is taken: there is room again, for as much.
  journal->acknowledge(kept.size() / 2);
  std::size_t more = 0;
  while (journal->append(std::string(200, '!'))) ++more;
  EXPECT_GT(more, kept.size() / 3);
  // All of it: room even behind a segment that is not full.
  journal->acknowledge(kept.size() + more);
  append(*journal, std::string(4000, '?'));
  EXPECT_EQ(journal->append(std::string(UsageJournal::kMaxEntry + 1, 'x')).error().retry, base::Retry::never);
}

TEST_F(UsageJournalTest, TakesTheLargestEntry) {
  const std::string large(UsageJournal::kMaxEntry, 'l');
  {
    const auto journal = open();
    append(*journal, "before");
    append(*journal, large);
    append(*journal, "after");
  }
  EXPECT_EQ(read_all(*open()), (Texts{"before", large, "after"}));
}

TEST_F(UsageJournalTest, IsOneProcessesAtATime) {
  const auto journal = open();
  const auto second = UsageJournal::open(folder_, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Code::conflict);
}

TEST_F(UsageJournalTest, EpochsOnlyGrow) {
  const auto first = open()->next_epoch();
  ASSERT_TRUE(first);
  EXPECT_GE(*first, static_cast<std::uint64_t>(base::wall_clock_ms() - 60'000));
  // A clock that was a year ahead.
  const std::uint64_t ahead = *first + 31'536'000'000u;
  ASSERT_TRUE(write_number(folder_, "epoch", ahead, false));
  EXPECT_EQ(open()->next_epoch(), ahead + 1);
  EXPECT_EQ(open()->next_epoch(), ahead + 2);
  put_text(folder_ + "/epoch", "damaged");
  EXPECT_GE(*open()->next_epoch(), *first);
}

TEST_F(UsageJournalTest, StaysClearOfWhatANewerProgramWrote) {
  append(*open(), "one");
  std::string bytes = text_of(segments().front());
  bytes[7] = 2;
  put_text(segments().front(), bytes);
  EXPECT_TRUE(UsageJournal::open(folder_, {}));  // damage: the checksum of the head says so
  std::string newer;
  usage_format::append_segment_head(newer, 9);
  newer[7] = 2;
  // A whole head of version 2, its checksum made by trying.
  const auto sum_of = [](std::string_view text) {
    std::uint32_t sum = 0xffffffffu;
    for (const char c : text) {
      sum ^= static_cast<unsigned char>(c);
      for (int i = 0; i < 8; ++i) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
  };
  const std::uint32_t sum = sum_of(std::string_view(newer).substr(0, 16));
  for (int i = 0; i < 4; ++i) newer[16 + static_cast<std::size_t>(i)] = static_cast<char>(sum >> (8 * i));
  put_text(folder_ + "/0000000000000009.usage", newer);
  EXPECT_EQ(UsageJournal::open(folder_, {}).error().code, base::Code::unsupported);
}

// What remains of a small journal of two segments when one byte of it is another, or the rest is missing.
class DamagedJournal : public UsageJournalTest {
 protected:
  void SetUp() override {
    // Memory, where there is such a folder: thousands of journals are opened here, and no fsync matters.
    if (::access("/dev/shm/", W_OK) == 0) where_ = "/dev/shm/";
    UsageJournalTest::SetUp();
    {
      const auto journal = open({.segment_bytes = 150});
      for (const std::string& set : sets_) append(*journal, set);
    }
    for (const auto& path : segments()) whole_[path.filename()] = text_of(path);
    ASSERT_EQ(whole_.size(), 2u);
  }
  // The folder as it was, but for one file.
  void restore_with(const std::string& name, std::string_view text) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    for (const auto& [file, bytes] : whole_) put_text(folder_ + "/" + file, file == name ? text : bytes);
  }
  // Which of the sets are there, in order and nothing else, and how many are missing; `shows`: and that it is counted.
  std::size_t check_what_is_left(const std::string& context, bool shows = true) {
    const auto journal = open({.segment_bytes = 150});
    const Texts found = read_all(*journal);
    std::size_t at = 0;
    for (const std::string& set : found) {
      while (at < sets_.size() && sets_[at] != set) ++at;
      EXPECT_LT(at, sets_.size()) << context << ": not what was appended, not in order, or twice: " << set;
      ++at;
    }
    const std::size_t missing = sets_.size() - found.size();
    const auto stats = journal->stats();
    if (missing > 0 && shows) {
      EXPECT_GT(stats.damaged_bytes + stats.cut_bytes + stats.damaged_entries, 0u) << context;
    }
    // It goes on: what is appended now comes, once, behind what was there.
    append(*journal, "later");
    EXPECT_EQ(read_all(*journal), Texts{"later"}) << context;
    journal->rewind();
    Texts all = found;
    all.push_back("later");
    EXPECT_EQ(read_all(*journal), all) << context;
    const auto again = journal->stats();  // reading twice is no second loss
    EXPECT_EQ(again.damaged_bytes, stats.damaged_bytes) << context;
    EXPECT_EQ(again.damaged_entries, stats.damaged_entries) << context;
    journal->acknowledge(again.waiting + sets_.size() + 10);
    EXPECT_EQ(journal->stats().waiting, 0u) << context;
    return missing;
  }

  const Texts sets_{"first", "the second", "third, longer than the others by a few words", "4", "",
                    "sixth", "the last"};
  std::map<std::string, std::string> whole_;
};

TEST_F(DamagedJournal, AByteThatChangedCostsItsEntryAndNoOther) {
  std::size_t lost = 0, bytes = 0;
  for (const auto& [name, text] : whole_) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string other = text;
        other[i] = static_cast<char>(other[i] ^ flip);
        restore_with(name, other);
        const std::string context = fmt::format("{} byte {} ^ {:02x}", name, i, flip);
        const std::size_t missing = check_what_is_left(context);
        EXPECT_LE(missing, 1u) << context;
        EXPECT_EQ(missing == 0, i < usage_format::kSegmentHead) << context;
        lost += missing;
        ++bytes;
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_EQ(lost, bytes - 2 * 3 * usage_format::kSegmentHead);
}

TEST_F(DamagedJournal, ATailThatIsMissingCostsWhatWasInIt) {
  for (const auto& [name, text] : whole_) {
    const bool last = name == whole_.rbegin()->first;
    std::vector<std::size_t> ends;  // of its entries
    usage_format::RecordReader reader(text, usage_format::kSegmentHead, 0);
    while (const auto record = reader.next()) ends.push_back(record->end);
    for (std::size_t keep = 0; keep < text.size(); ++keep) {
      restore_with(name, std::string_view(text).substr(0, keep));
      const std::string context = fmt::format("{} cut at {}", name, keep);
      const auto whole =
          static_cast<std::size_t>(std::ranges::count_if(ends, [&](std::size_t e) { return e <= keep; }));
      // A file that ends behind a whole entry says nothing of more, when no other comes after it.
      const bool shows = !last || (keep > usage_format::kSegmentHead && !std::ranges::count(ends, keep));
      EXPECT_EQ(check_what_is_left(context, shows), ends.size() - whole) << context;
      if (HasFailure()) return;
    }
  }
}

// A set may hold anything, the bytes of another journal too: they are no entries of this one when its own head is
// damaged.
TEST_F(DamagedJournal, RecordsInsideAnEntryAreNone) {
  std::string inner;
  for (const auto& [name, text] : whole_) inner += text;
  fs::remove_all(folder_);
  {
    const auto journal = open();
    for (const std::string& set : {std::string("before"), inner, std::string("after")}) append(*journal, set);
  }
  const std::string bytes = text_of(segments().front());
  const std::size_t head = bytes.find("before") + 6;
  for (std::size_t i = 0; i < usage_format::kRecordHead; ++i) {
    std::string other = bytes;
    other[head + i] = static_cast<char>(other[head + i] ^ 1);
    put_text(segments().front(), other);
    EXPECT_EQ(read_all(*open()), (Texts{"before", "after"})) << i;
  }
}

// A page in the middle that is zeros, as a disk that lost it would give it.
TEST_F(DamagedJournal, ALostPageCostsTheEntriesOnIt) {
  fs::remove_all(folder_);
  Texts all;
  {
    const auto journal = open();
    for (int i = 0; i < 200; ++i) {
      all.push_back(fmt::format("set {} {}", i, std::string(100, 'x')));
      append(*journal, all.back());
    }
  }
  std::string bytes = text_of(segments().front());
  std::fill_n(bytes.begin() + 4096, 4096, '\0');
  put_text(segments().front(), bytes);
  const auto journal = open();
  const Texts found = read_all(*journal);
  const std::size_t missing = all.size() - found.size();
  EXPECT_GE(missing, 4096u / 145);
  EXPECT_LE(missing, 4096u / 140 + 2);
  EXPECT_EQ(journal->stats().damaged_entries, missing);
  EXPECT_EQ(found.front(), all.front());
  EXPECT_EQ(found.back(), all.back());
  EXPECT_TRUE(std::ranges::includes(
      all, found, [&](const auto& a, const auto& b) { return std::ranges::find(all, a) < std::ranges::find(all, b); }));
}

TEST_F(UsageJournalTest, ASegmentThatIsGoneCostsItsEntries) {
  const auto journal = open({.segment_bytes = 200});
  Texts all;
  for (int i = 0; i < 12; ++i) {
    all.push_back(std::string(60, static_cast<char>('a' + i)));
    append(*journal, all.back());
  }
  const auto files = segments();
  ASSERT_EQ(files.size(), 6u);  // two entries each
  fs::remove(files[1]);
  fs::resize_file(files[5], 0);  // under the journal's hands, and nothing behind it
  EXPECT_EQ(read_all(*journal), Texts({all[0], all[1], all[4], all[5], all[6], all[7], all[8], all[9]}));
  EXPECT_EQ(journal->stats().damaged_entries, 4u);
  EXPECT_EQ(journal->stats().waiting, 12u);
  journal->acknowledge(10);
  EXPECT_EQ(read_all(*journal), Texts());
  EXPECT_EQ(journal->stats().waiting, 0u);  // nobody waits for what cannot come
}

// Files of this process may not grow past a size while it lives: the disk is full in the middle of a write.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST_F(UsageJournalTest, AFullDiskRefusesAndLeavesTheJournalAsItWas) {
  const auto journal = open();
  Texts kept;
  std::uint64_t refused = 0;
  for (const rlim_t size : {1000u, 2003u, 3500u}) {
    std::vector<base::Error> errors;
    {
      const SmallDisk disk(size);
      for (int i = 0; i < 30; ++i) {
        const std::string set(70, static_cast<char>('a' + i));
        if (const auto done = journal->append(set)) {
          kept.push_back(set);
        } else {
          errors.push_back(done.error());
        }
      }
    }
    ASSERT_FALSE(errors.empty());
    EXPECT_EQ(errors.front().code, base::Code::resources) << describe(errors.front());
    EXPECT_EQ(errors.front().retry, base::Retry::later);
    EXPECT_EQ(fs::file_size(segments().front()), journal->stats().bytes);  // no half of anything
    refused += errors.size();
    EXPECT_EQ(journal->stats().refused_disk, refused);
    append(*journal, fmt::format("after {}", size));
    kept.push_back(fmt::format("after {}", size));
  }
  EXPECT_EQ(read_all(*journal), kept);
  journal->rewind();
  {
    // Not even a new segment can be begun.
    const SmallDisk disk(10);
    EXPECT_FALSE(journal->next_epoch());
    EXPECT_FALSE(UsageJournal::open(folder_ + "/other", {})->get()->append("x"));
    EXPECT_TRUE(fs::exists(folder_ + "/other"));
  }
  EXPECT_EQ(read_all(*journal), kept);
}

TEST_F(UsageJournalTest, PagesThatCannotBeReadAreHoles) {
  put_text(home_ + "/x", std::string(10'000, 'x'));
  const auto blind = open_file(home_ + "/x", O_WRONLY);
  ASSERT_TRUE(blind);
  EXPECT_EQ(read_past_holes(*blind, 9000, 100, "x"), std::string(9000, '\0'));
  const auto file = open_file(home_ + "/x", O_RDONLY);
  EXPECT_EQ(read_past_holes(*file, 9000, 5000, "x"), std::string(5000, 'x'));
}

// One thread appends as another reads and acknowledges; what comes out is what went in.
TEST_F(UsageJournalTest, AppendsWhileAnotherThreadReads) {
  const auto journal = open({.segment_bytes = 4096});
  constexpr int kSets = 400;
  std::thread writer([&] {
    for (int i = 0; i < kSets; ++i) append(*journal, fmt::format("set {} {}", i, std::string(i % 300, '.')));
  });
  int rewind_at = 50;
  for (int i = 0; i < kSets;) {
    auto entry = journal->next();
    ASSERT_TRUE(entry);
    if (!*entry) {
      std::this_thread::yield();
      continue;
    }
    EXPECT_EQ((*entry)->set, fmt::format("set {} {}", i, std::string(i % 300, '.')));
    if (++i % 7 == 0) journal->acknowledge((*entry)->number);
    if (i == rewind_at) {
      rewind_at += 50;
      journal->rewind();
      i -= i % 7;
    }
  }
  writer.join();
  EXPECT_EQ(journal->stats().damaged_bytes, 0u);
  EXPECT_EQ(journal->stats().damaged_entries, 0u);
}

// --- killed

struct Said {
  std::uint64_t appended = 0;      // up to here append() has said yes
  std::uint64_t acknowledged = 0;  // up to here it may have been acknowledged
};

std::string numbered(std::uint64_t n) { return fmt::format("{} {}", n, std::string(n * 7919 % 3000, 'u')); }

// Appends from, from + 1, ... and acknowledges some of them; says what it does. Ends by being killed, or with a status.
[[noreturn]] void append_forever(const std::string& folder, std::uint64_t from, int said) {
  auto journal = UsageJournal::open(folder, {.segment_bytes = 20'000});
  if (!journal) ::_exit(10);
  Said now{from - 1, 0};
  for (std::uint64_t n = from;; ++n) {
    if (!(*journal)->append(numbered(n))) ::_exit(11);
    now.appended = n;
    if (::write(said, &now, sizeof now) != sizeof now) ::_exit(12);
    if (n % 3 != 0) continue;
    const auto entry = (*journal)->next();
    if (!entry || !*entry) ::_exit(13);
    now.acknowledged = std::stoull((*entry)->set);
    if (::write(said, &now, sizeof now) != sizeof now) ::_exit(14);
    (*journal)->acknowledge((*entry)->number);
  }
}

TEST_F(UsageJournalTest, KilledAtAnyMomentKeepsAllThatWasAcknowledged) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937 random(seed);
  Said said;
  std::uint64_t last = 0, epoch = 0;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      append_forever(folder_, last + 1, ends[1]);
    }
    ::close(ends[1]);
    const auto hear = [&] {
      Said more;
      if (::read(ends[0], &more, sizeof more) != ssize_t{sizeof more}) return false;
      said.appended = std::max(said.appended, more.appended);
      said.acknowledged = std::max(said.acknowledged, more.acknowledged);
      return true;
    };
    for (unsigned words = 1 + random() % 40; words > 0; --words) ASSERT_TRUE(hear());
    // Somewhere in its next steps.
    for (unsigned spin = random() % 4000; spin > 0; --spin) ASSERT_EQ(::getppid(), ::getppid());
    ::kill(child, SIGKILL);
    while (hear()) {
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);

    const auto journal = open({.segment_bytes = 20'000});
    ASSERT_TRUE(journal);
    const Texts found = read_all(*journal);
    ASSERT_FALSE(found.empty());
    std::uint64_t expected = std::stoull(found.front());
    EXPECT_LE(expected, said.acknowledged + 1);
    for (const std::string& set : found) EXPECT_EQ(set, numbered(expected++));
    last = expected - 1;
    EXPECT_GE(last, said.appended);
    EXPECT_LE(last, said.appended + 1);
    EXPECT_EQ(journal->stats().damaged_entries, 0u);
    EXPECT_EQ(journal->stats().damaged_bytes, 0u);
    const auto next = journal->next_epoch();
    ASSERT_TRUE(next);
    EXPECT_GT(*next, epoch);
    epoch = *next;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace fairlead::edge
