// Usage at scale: generates days of five-minute points of many domains of one account into a store, as the open rows
// that ingestion would leave, packs each day with the real roll-up, and asks the widest questions there are. Every sum
// is compared with what was generated: a figure of a wrong answer is none. Ends with status 1 when one differs.
//
//   bench_usage_scale [--store ADDRESS] [--days N] [--domains N] [--regions N] [--isps N] [--active N] [--rich]
//                     [--passes N] [--open HOURS] [--made DAYS]
//
// A key is a region and an ISP; of them `active` have usage in an interval, others in the next hour. `--rich`: twenty
// meters a point instead of four. `passes`: in how many steps a day is packed; `open`: how many hours of the last day
// are not. `made`: the store of a run that was ended has that many days already, go on. Without --store it is a SQLite
// file in a folder of its own, removed at the end.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cluster/testing/no_edges.h"
#include "control/context.h"
#include "control/secrets.h"
#include "control/usage/block.h"
#include "control/usage/ingestion.h"
#include "control/usage/layout.h"
#include "control/usage/rollup.h"
#include "control/usage/series.h"
#include "control/usage/sums.h"
#include "model/control_config.h"
#include "store/metered_domains.h"
#include "store/migrations.h"
#include "store/usage_points.h"
#include "store/usage_sums.h"

namespace fairlead::control {
namespace {

using model::Meter;
using store::Transaction;

struct Shape {
  std::string address;
  std::int64_t days = 2;
  std::uint32_t domains = 50, regions = 20, isps = 10, active = 200;
  std::int64_t passes = 1, open = 0, made = 0;
  bool rich = false;
};

constexpr std::int64_t kEnd = 1'800'057'600;  // the midnight after the last day

constexpr Meter kFour[] = {Meter::bytes_in, Meter::bytes_out, Meter::wire_bytes_in, Meter::wire_bytes_out};
const std::vector<Meter>& meters(const Shape& shape) {
  static const std::vector<Meter> four(std::begin(kFour), std::end(kFour));
  static const std::vector<Meter> twenty = {Meter::sessions_opened,
                                            Meter::session_milliseconds,
                                            Meter::bytes_in,
                                            Meter::bytes_out,
                                            Meter::wire_bytes_in,
                                            Meter::wire_bytes_out,
                                            Meter::messages_text_in,
                                            Meter::messages_text_out,
                                            Meter::frames_text_in,
                                            Meter::frames_text_out,
                                            Meter::frames_ping_out,
                                            Meter::frames_pong_in,
                                            Meter::frames_close_in,
                                            Meter::sessions_closed,
                                            Meter::sessions_closed + 1,
                                            Meter::handshake_seconds + 1,
                                            Meter::handshake_seconds + 2,
                                            Meter::handshake_nanoseconds,
                                            Meter::origin_nanoseconds,
                                            Meter::handshakes + 101};
  return shape.rich ? twenty : four;
}

// Bytes of a quarter of an hour's small stream: 17 to 22 bits; other counts are small.
std::uint64_t count_of(std::uint64_t domain, std::uint64_t key, std::uint64_t interval, Meter meter) {
  std::uint64_t x = (domain << 40) ^ (key << 24) ^ (interval << 8) ^ static_cast<std::uint64_t>(meter);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  const bool large = part_of(meter) == store::UsagePart::bytes || meter == Meter::session_milliseconds ||
                     meter == Meter::handshake_nanoseconds || meter == Meter::origin_nanoseconds;
  return large ? 100'000 + x % 4'000'000 : 1 + x % 100;
}

std::string domain_id(std::uint32_t n) {
  std::string digits = std::to_string(n);
  return std::string(32 - digits.size(), '0') + digits;  // as long as ids are
}

double since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}
// Of this thread: what a figure would be on a machine that does nothing else, but for the disk.
double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }
double kernel_now() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_stime);
}
double cpu_now() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
auto now() { return std::chrono::steady_clock::now(); }

template <class T>
T must(base::Result<T> made) {
  if (!made) {
    std::fprintf(stderr, "usage_scale: %s\n", base::describe(made.error()).c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*made);
}

class Bench {
 public:
  Bench(Shape shape, store::Database& database, std::string file)
      : shape_(std::move(shape)), database_(database), file_(std::move(file)) {}

  void prepare() {
    must(store::migrate(database_, 0));
    must(database_.write([&](Transaction& tx) -> base::Result<void> {
      for (std::uint32_t d = 0; d < shape_.domains; ++d) {
        const store::MeteredDomain domain{domain_id(d), "account", "d" + std::to_string(d) + ".example.com", 0, {}};
        if (auto done = store::ensure_metered_domain(tx, domain); !done) return done;
      }
      for (std::uint32_t i = 1; i <= shape_.regions + shape_.isps; ++i) {
        const auto name = i <= shape_.regions ? "region-" + std::to_string(i) : "isp-" + std::to_string(i);
        if (auto done = store::ensure_usage_name(tx, name); !done) return std::unexpected(done.error());
      }
      return {};
    }));
    if (shape_.domains >= kSummedFrom && must(begin_usage_sums(database_)) != (shape_.made > 0 ? 0 : 2))
      wrong("the number of sums");
  }

  void generate(std::int64_t day_s, bool made) {
    const auto begun = now();
    std::vector<store::OpenUsage> rows;
    day_counts_.assign(288 * keys() * meters(shape_).size(), 0);
    const std::size_t most = 100'000 / std::min(shape_.active, keys());  // rows of a transaction
    for (std::uint32_t d = 0; d < shape_.domains; ++d) {
      for (std::int64_t at_s = day_s; at_s < day_s + kDay; at_s += 300) rows.push_back(point(d, at_s));
      if (made) rows.clear();
      if (rows.size() < most && d + 1 < shape_.domains) continue;
      must(database_.write([&](Transaction& tx) { return store::put_open_usage(tx, rows); }));
      rows.clear();
    }
    if (shape_.domains >= kSummedFrom && !made) put_sums(day_s);
    if (!made) generating_ += since(begun);
  }

  void roll_up(std::int64_t day_s) {
    const std::int64_t length_s = kDay - (day_s + kDay == kEnd ? shape_.open * kHour : 0);
    rolled_.push_back(0);
    for (std::int64_t pass = 1; pass <= shape_.passes; ++pass)
      roll_up_before(day_s + length_s * pass / shape_.passes / kHour * kHour);
  }

  void roll_up_before(std::int64_t before_s) {
    const auto begun = now();
    const double cpu = cpu_now(), kernel = kernel_now();
    const auto report = must(roll_up_usage(database_, {.before_s = before_s}));
    const double took = since(begun);
    if (report.days != shape_.domains || report.failed != 0) wrong("the roll-up's report");
    rolled_.back() += took;
    rolled_cpu_ += cpu_now() - cpu;
    rolled_kernel_ += kernel_now() - kernel;
  }

  void report() {
    std::ranges::sort(rolled_);
    const auto points = static_cast<double>(points_);
    std::printf("%lld days x %u domains x %u of %u keys x 288: %.0f points, %zu counts each\n",
                static_cast<long long>(shape_.days), shape_.domains, std::min(shape_.active, keys()), keys(), points,
                meters(shape_).size());
    std::printf(
        "generated in %.1f s; roll-up of a day: median %.2f s, longest %.2f s, %.2f s of CPU (%.2f in the kernel)\n",
        generating_, rolled_[rolled_.size() / 2], rolled_.back(), rolled_cpu_ / static_cast<double>(rolled_.size()),
        rolled_kernel_ / static_cast<double>(rolled_.size()));
    if (!file_.empty()) {
      const auto bytes = static_cast<double>(std::filesystem::file_size(file_));
      std::printf("disk: %.2f GB, %.2f bytes a point, %.2f bytes a count\n", bytes / 1e9, bytes / points,
                  bytes / points / static_cast<double>(meters(shape_).size()));
    }
  }

  // The widest question of a step, several times; what it says must be what was generated in that time.
  void ask(std::int64_t days, std::int64_t step_s, SeriesGroup group, bool account, const char* words) {
    forget();
    const auto domains = account ? store::UsageDomains::of_account("account") : store::UsageDomains::every();
    SeriesQuery query;
    query.from_s = kEnd - days * kDay, query.to_s = kEnd;
    query.step_s = step_s;
    query.group = group;
    query.meters = {Meter::bytes_in, Meter::bytes_out};
    std::vector<double> took, used;
    std::size_t points = 0, groups = 0;
    for (int i = 0; i < 5; ++i) {
      const auto begun = now();
      const double cpu = cpu_now();
      const auto all = must(database_.read([&](Transaction& tx) { return read_series(tx, domains, query); }));
      took.push_back(since(begun));
      used.push_back(cpu_now() - cpu);
      model::UsageValues sum;
      groups = all.size(), points = 0;
      for (const Series& s : all) {
        for (const SeriesPoint& p : s.points) add_usage(sum, p.values);
        points += s.points.size();
      }
      model::UsageValues expected;
      for (std::int64_t day = query.from_s; day < query.to_s; day += kDay) add_usage(expected, sums_[day]);
      if (sum != expected) wrong("a sum");
    }
    const double first = took.front();
    std::ranges::sort(took);
    std::ranges::sort(used);
    std::printf("%lld d at %lld s, %s %-18s first %.3f s, median of 5 %.3f s, %.3f s of CPU (%zu series, %zu points)\n",
                static_cast<long long>(days), static_cast<long long>(step_s), account ? "account," : "everyone,", words,
                first, took[2], used[2], groups, points);
  }

  // One set as an edge hands it over every ten seconds: all domains with 20 keys each.
  void ingest() {
    model::UsageSet set{
        .edge = "edge", .epoch = 1, .sequence = 0, .interval_s = kEnd, .from_ms = 0, .to_ms = 0, .records = {}};
    for (std::uint32_t d = 0; d < shape_.domains; ++d) {
      for (std::uint32_t key = 0; key < 20; ++key) {
        model::UsageRecord record{
            {domain_id(d), "d" + std::to_string(d) + ".example.com", name(key, true), name(key, false), {}, {}}, {}};
        for (const Meter meter : meters(shape_)) record.values.emplace_back(meter, count_of(d, key, 0, meter));
        set.records.push_back(std::move(record));
      }
    }
    std::ranges::sort(set.records, {}, &model::UsageRecord::key);
    Context context{database_, secrets_, edges_, config_, [] { return kEnd * 1000; }, [] {}, [] {}};
    UsageIngestion ingestion(context);
    std::vector<double> took;
    for (int i = 1; i <= 10; ++i) {
      set.sequence = static_cast<std::uint64_t>(i);
      const std::string encoded = model::encode_usage(set);
      const auto begun = now();
      must(ingestion.take(encoded));
      took.push_back(since(begun));
    }
    const double first = took.front();
    std::ranges::sort(took);
    std::printf("a set of %zu records taken in: first %.3f s, median of 10 %.3f s\n", set.records.size(), first,
                took[5]);
  }

  bool good() const { return good_; }

 private:
  // What a database that was not read for long has in memory: nothing. Of a server's that is not ours to do.
  void forget() {
    if (file_.empty()) return;
    database_ = must(store::Database::open("sqlite::memory:"));
    const int fd = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::fsync(fd) != 0 || ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0) wrong("the file's state");
    ::close(fd);
    database_ = must(store::Database::open(shape_.address));
  }

  // The rows of the sums of all domains, and of all of the account, which are the same.
  void put_sums(std::int64_t day_s) {
    std::vector<store::OpenUsage> rows;
    std::size_t place = 0;
    for (std::int64_t at_s = day_s; at_s < day_s + kDay; at_s += 300) {
      PointUsage usage;
      for (std::uint32_t key = 0; key < keys(); ++key) {
        KeyedUsage keyed{key_of(key), {}};
        for (const Meter meter : meters(shape_)) {
          if (const std::uint64_t n = day_counts_[place++]; n != 0) keyed.values.emplace_back(meter, n);
        }
        if (!keyed.values.empty()) usage.push_back(std::move(keyed));
      }
      for (const char* account : {"", "account"}) {
        rows.push_back(
            {store::usage_sum_id(account), at_s, encode_point(point_of(total_of(usage))), encode_point(usage)});
      }
    }
    must(database_.write([&](Transaction& tx) { return store::put_open_usage(tx, rows); }));
  }

  std::uint32_t keys() const { return shape_.regions * shape_.isps; }
  static std::string name(std::uint32_t key, bool region) {
    return (region ? "region-" : "isp-") + std::to_string(1 + key);
  }

  BlockKey key_of(std::uint32_t place) const {
    return {1 + place / shape_.isps, 1 + shape_.regions + place % shape_.isps, 4};
  }

  store::OpenUsage point(std::uint32_t domain, std::int64_t at_s) {
    const std::uint32_t active = std::min(shape_.active, keys());
    const auto hour = static_cast<std::uint32_t>(at_s / kHour);
    PointUsage usage;
    model::UsageValues total;
    auto& day = sums_[at_s - at_s % kDay];
    // The active keys of the hour, ascending.
    std::vector<std::uint32_t> places;
    for (std::uint32_t i = 0; i < active; ++i) places.push_back((i * keys() / active + hour * 7 + domain) % keys());
    std::ranges::sort(places);
    for (const std::uint32_t place : places) {
      KeyedUsage& keyed = usage.emplace_back();
      keyed.key = key_of(place);
      for (const Meter meter : meters(shape_))
        keyed.values.emplace_back(meter, count_of(domain, place, static_cast<std::uint64_t>(at_s / 300), meter));
      std::uint64_t* sum =
          &day_counts_[(static_cast<std::size_t>(at_s % kDay / 300) * keys() + place) * keyed.values.size()];
      for (const auto& [meter, n] : keyed.values) *sum++ += n;
      add_usage(total, keyed.values);
    }
    points_ += usage.size();
    add_usage(day, {{Meter::bytes_in, usage_of(total, Meter::bytes_in)},
                    {Meter::bytes_out, usage_of(total, Meter::bytes_out)}});
    return {domain_id(domain), at_s, encode_point(point_of(total)), encode_point(usage)};
  }

  void wrong(const char* what) {
    std::fprintf(stderr, "usage_scale: %s differs from what was generated\n", what);
    good_ = false;
  }

  const Shape shape_;
  store::Database& database_;
  const std::string file_;
  Secrets secrets_ = Secrets::ephemeral();
  cluster::testing::NoEdges edges_;
  model::ControlConfig config_;
  std::map<std::int64_t, model::UsageValues> sums_;  // by day: what was generated of the meters asked for
  std::vector<std::uint64_t> day_counts_;            // of the day at hand: by interval, key and meter, of all domains
  std::uint64_t points_ = 0;
  double generating_ = 0;
  std::vector<double> rolled_;
  double rolled_cpu_ = 0, rolled_kernel_ = 0;
  bool good_ = true;
};

int run(Shape shape) {
  std::string folder;
  if (shape.address.empty()) {
    char name[] = "/tmp/fairlead-bench-XXXXXX";
    if (::mkdtemp(name) == nullptr) return 1;
    folder = name;
    shape.address = "sqlite:" + folder + "/x.db";
  }
  const std::string file = shape.address.starts_with("sqlite:/") ? shape.address.substr(7) : std::string();
  bool good = false;
  {
    store::Database database = must(store::Database::open(shape.address));
    Bench bench(shape, database, file);
    bench.prepare();
    for (std::int64_t day = kEnd - shape.days * kDay; day < kEnd; day += kDay) {
      const bool made = day < kEnd - (shape.days - shape.made) * kDay;
      bench.generate(day, made);
      if (!made) bench.roll_up(day);
    }
    bench.report();
    struct Width {
      std::int64_t days, step_s;
    };
    for (const Width w : {Width{93, kDay}, Width{31, kHour}, Width{3, 300}}) {
      const std::int64_t days = std::min(shape.days, w.days);
      bench.ask(days, w.step_s, SeriesGroup::domain, false, "by domain:");
      for (const bool account : {false, true}) {
        bench.ask(days, w.step_s, SeriesGroup::none, account, "together:");
        bench.ask(days, w.step_s, SeriesGroup::region, account, "by region:");
        bench.ask(days, w.step_s, SeriesGroup::isp, account, "by ISP:");
        bench.ask(days, w.step_s, SeriesGroup::region_and_isp, account, "by region and ISP:");
      }
    }
    bench.ingest();
    good = bench.good();
  }
  if (!folder.empty()) std::filesystem::remove_all(folder);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace fairlead::control

int main(int argc, char** argv) {
  fairlead::control::Shape shape;
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--rich") {
      shape.rich = true;
      continue;
    }
    const std::string_view value = i + 1 < words.size() ? words[i + 1] : "";
    std::int64_t number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    if (words[i] == "--store" && !value.empty()) {
      shape.address = value;
    } else if (words[i] == "--days" && number > 0) {
      shape.days = number;
    } else if (words[i] == "--passes" && number > 0 && number <= 24) {
      shape.passes = number;
    } else if (words[i] == "--made" && number > 0 && number < shape.days) {
      shape.made = number;
    } else if (words[i] == "--open" && number > 0 && number <= 12) {
      shape.open = number;
    } else if (number > 0 && number <= 100'000 && words[i] == "--domains") {
      shape.domains = static_cast<std::uint32_t>(number);
    } else if (number > 0 && number <= 1000 && words[i] == "--regions") {
      shape.regions = static_cast<std::uint32_t>(number);
    } else if (number > 0 && number <= 1000 && words[i] == "--isps") {
      shape.isps = static_cast<std::uint32_t>(number);
    } else if (number > 0 && number <= 1'000'000 && words[i] == "--active") {
      shape.active = static_cast<std::uint32_t>(number);
    } else {
      std::fprintf(stderr,
                   "usage: bench_usage_scale [--store ADDRESS] [--days N] [--domains N] [--regions N] "
                   "[--isps N] [--active N] [--rich] [--passes N] [--open HOURS] [--made DAYS]\n");
      return 2;
    }
    ++i;
  }
  return fairlead::control::run(std::move(shape));
}
