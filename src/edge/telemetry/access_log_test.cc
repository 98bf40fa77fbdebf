#include "edge/telemetry/access_log.h"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace fairlead::edge {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class AccessLogTest : public testing::Test {
 protected:
  AccessLogTest() {
    std::string pattern = (fs::temp_directory_path() / "fairlead-log-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~AccessLogTest() override { fs::remove_all(folder_); }
  std::string path(const std::string& name = "access.log") const { return (folder_ / name).string(); }

  static AccessRecord record(int status, std::string target = "/") {
    AccessRecord r;
    r.status = status;
    r.target = std::move(target);
    return r;
  }
  // Every line of a file, parsed; a line that is not JSON fails the test.
  static std::vector<nlohmann::json> lines(const std::string& file) {
    std::vector<nlohmann::json> out;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
    return out;
  }

  fs::path folder_;
};

// The reading end of a FIFO, opened before the log opens the other.
class Reader {
 public:
  explicit Reader(const std::string& fifo) {
    EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    fd_ = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(fd_, 0);
  }
  ~Reader() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int capacity() const { return ::fcntl(fd_, F_GETPIPE_SZ); }
  // Reads up to the end of the file (the log is gone), waiting as long as it takes.
  std::string read_to_end() const {
    ::fcntl(fd_, F_SETFL, 0);  // blocking from here on
    std::string text;
    char buffer[65536];
    for (ssize_t n; (n = ::read(fd_, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
    return text;
  }
  std::string read_line() const {
    ::fcntl(fd_, F_SETFL, 0);
    std::string text;
    for (char c; ::read(fd_, &c, 1) == 1;) {
      text += c;
      if (c == '\n') break;
    }
    return text;
  }

 private:
  int fd_ = -1;
};

TEST_F(AccessLogTest, TheDestructorWritesWhatIsQueued) {
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path()));
    for (int i = 0; i < 1000; ++i) log.write(record(i));
  }
  const auto all = lines(path());
  ASSERT_EQ(all.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)]["status"], i);
  EXPECT_EQ(fs::status(path()).permissions() & fs::perms::others_all, fs::perms::none);
}

TEST_F(AccessLogTest, AppendsToWhatIsThere) {
  for (int i = 0; i < 2; ++i) {
    AccessLog log;
    ASSERT_TRUE(log.open(path()));
    log.write(record(i));
  }
  EXPECT_EQ(lines(path()).size(), 2u);
}

TEST_F(AccessLogTest, LinesOfManyThreadsStayWhole) {
  constexpr int kThreads = 4, kLines = 2000;
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path()));
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kLines; ++i) log.write(record(i, "/" + std::to_string(t)));
      });
    }
    for (auto& t : threads) t.join();
    EXPECT_EQ(log.dropped(), 0u);
  }
  std::map<std::string, int> next;  // the lines of one thread keep their order
  for (const auto& line : lines(path())) EXPECT_EQ(line["status"], next[line["target"]]++);
  EXPECT_EQ(next.size(), static_cast<std::size_t>(kThreads));
  for (const auto& [target, n] : next) EXPECT_EQ(n, kLines) << target;
}

TEST_F(AccessLogTest, OffWritesNothingAndCountsNothing) {
  AccessLog log;
  log.write(record(1));  // not opened is off
  ASSERT_TRUE(log.open("off"));
  log.write(record(2));
  EXPECT_TRUE(log.reopen());
  EXPECT_EQ(log.queued_bytes(), 0u);
  EXPECT_EQ(log.dropped(), 0u);
}

TEST_F(AccessLogTest, AFailedOpenNamesThePathAndChangesNothing) {
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path()));
    const auto opened = log.open(path("no/such/folder.log"));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().side, base::Side::config);
    EXPECT_THAT(opened.error().context, testing::HasSubstr("no/such/folder.log"));
    EXPECT_FALSE(log.open(folder_.string()));  // a folder
    log.write(record(7));
  }
  EXPECT_EQ(lines(path()).size(), 1u);
}

TEST_F(AccessLogTest, AFifoWithoutAReaderIsAnErrorAndNotAHang) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  AccessLog log;
  EXPECT_FALSE(log.open(path("pipe")));
}

TEST_F(AccessLogTest, ReopenFollowsARotation) {
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path()));
    for (int i = 0; i < 100; ++i) log.write(record(i));
    fs::rename(path(), path("access.log.1"));
    ASSERT_TRUE(log.reopen());
    EXPECT_TRUE(fs::exists(path()));
    for (int i = 100; i < 200; ++i) log.write(record(i));
  }
  const auto before = lines(path("access.log.1")), after = lines(path());
  EXPECT_EQ(before.size() + after.size(), 200u);
  ASSERT_GE(after.size(), 100u);  // lines handed over after reopen() are all in the new file
  EXPECT_EQ(after.back()["status"], 199);
}

TEST_F(AccessLogTest, AFailedReopenStaysWithTheOldFile) {
  fs::create_directory(path("sub"));
  const std::string old = path("sub/access.log");
  {
    AccessLog log;
    ASSERT_TRUE(log.open(old));
    fs::rename(path("sub"), path("moved"));
    EXPECT_FALSE(log.reopen());
    log.write(record(1));
  }
  EXPECT_EQ(lines(path("moved/access.log")).size(), 1u);
}

// The pipe is full and its reader asleep: the writer waits, workers do not; when the reader wakes, everything arrives,
// cut by short writes anywhere, and not a byte is wrong.
TEST_F(AccessLogTest, ASlowReaderGetsEverything) {
  Reader reader(path("pipe"));
  constexpr int kLines = 3000;
  std::string text;
  std::thread late;
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path("pipe")));
    for (int i = 0; i < kLines; ++i) log.write(record(i, std::string(static_cast<std::size_t>(i % 900), 'x')));
    EXPECT_EQ(log.dropped(), 0u);
    EXPECT_GT(log.queued_bytes(), 0u);  // far more than a pipe holds
    late = std::thread([&] { text = reader.read_to_end(); });
  }
  late.join();
  std::istringstream in(text);
  int n = 0;
  for (std::string line; std::getline(in, line); ++n) EXPECT_EQ(nlohmann::json::parse(line)["status"], n);
  EXPECT_EQ(n, kLines);
}

TEST_F(AccessLogTest, AReaderThatNeverReadsDelaysTheEndByTheFlushTimeOnly) {
  Reader reader(path("pipe"));
  const auto began = base::monotonic_now();
  std::uint64_t dropped = 0;
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path("pipe")));
    const int lines = reader.capacity() / 100;  // a line is longer than that
    for (int i = 0; i < lines; ++i) log.write(record(i));
    dropped = log.dropped();
  }
  EXPECT_EQ(dropped, 0u);
  EXPECT_LT(base::monotonic_now() - began, AccessLog::kFlushTime + 10s);
}

TEST_F(AccessLogTest, AFullQueueDropsAndCounts) {
  Reader reader(path("pipe"));
  AccessLog log;
  ASSERT_TRUE(log.open(path("pipe")));
  const std::string target(1u << 20, 'x');
  int handed = 0;
  for (; log.dropped() == 0 && handed < 1000; ++handed) log.write(record(handed, target));
  EXPECT_LE(log.queued_bytes(), AccessLog::kMaxQueued);
  EXPECT_GT(log.queued_bytes(), AccessLog::kMaxQueued - (2u << 20));
  EXPECT_GE(handed, 60);
  log.write(record(1, target));
  EXPECT_EQ(log.dropped(), 2u);
  reader.close();  // lets the writer go: everything queued is lost, and the destructor need not wait
}

TEST_F(AccessLogTest, AGoneReaderCostsLinesButNeitherAHangNorASignal) {
  Reader reader(path("pipe"));
  // The default action of SIGPIPE is to end the process; the writer must not let it come to that.
  ASSERT_NE(::signal(SIGPIPE, SIG_DFL), SIG_ERR);
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path("pipe")));
    log.write(record(1));
    EXPECT_EQ(nlohmann::json::parse(reader.read_line())["status"], 1);
    reader.close();
    for (int i = 0; i < 10; ++i) log.write(record(2));
    while (log.dropped() < 10) std::this_thread::yield();
    // Elsewhere it works again at once.
    ASSERT_TRUE(log.open(path()));
    log.write(record(3));
  }
  const auto all = lines(path());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["status"], 3);
}

// A disk that fills up in the middle of a line leaves a part of it; what comes after starts on a line of its own.
TEST_F(AccessLogTest, ATornLineSpoilsNoOther) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1000;  // for this process's files; the writer's thread has SIGXFSZ blocked
  {
    AccessLog log;
    ASSERT_TRUE(log.open(path()));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 20; ++i) log.write(record(i));
    while (log.queued_bytes() > 0) std::this_thread::yield();
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    for (int i = 20; i < 40; ++i) log.write(record(i));
    while (log.queued_bytes() > 0) std::this_thread::yield();
    std::ifstream in(path());
    std::uint64_t good = 0;
    std::vector<std::string> bad;
    for (std::string line; std::getline(in, line);) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      json.is_discarded() ? bad.push_back(line) : (void)++good;
    }
    EXPECT_EQ(bad.size(), 1u) << ::testing::PrintToString(bad);
    EXPECT_EQ(good + log.dropped(), 40u);
    EXPECT_GE(good, 20u);
  }
}

// /dev/full fails every write with ENOSPC, as a full disk does.
TEST_F(AccessLogTest, AFullDiskIsCountedAndSurvived) {
  AccessLog log;
  ASSERT_TRUE(log.open("/dev/full"));
  for (int i = 0; i < 50; ++i) log.write(record(i));
  while (log.dropped() < 50) std::this_thread::yield();
  EXPECT_EQ(log.dropped(), 50u);
  while (log.queued_bytes() > 0) std::this_thread::yield();
}

}  // namespace
}  // namespace fairlead::edge
