#include "control/usage/rollup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "control/usage/block.h"
#include "control/usage/sums.h"
#include "control/usage/testing/usage_fixture.h"
#include "control/usage/traffic_points.h"
#include "store/usage_blocks.h"
#include "store/usage_damaged.h"
#include "store/usage_sums.h"

namespace fairlead::control {
namespace {

using model::Meter;
using model::UsageSet;
using Values = model::UsageValues;

constexpr Meter kMeters[] = {
    Meter::sessions_opened,  Meter::bytes_in,         Meter::bytes_out,           Meter::wire_bytes_out,
    Meter::frames_ping_in,   Meter::http_bytes_out,   Meter::sessions_closed + 3, Meter::handshake_seconds + 2,
    Meter::handshakes + 101, Meter::handshakes + 403, Meter::requests + 200};

class RollUpTest : public testing::UsageTest {
 protected:
  RollUpTest() {
    for (const char* account : {"acme", "other"}) accounts_.push_back(add_account(account));
    for (int i = 0; i < 5; ++i)
      domains_.push_back(add_domain(accounts_[static_cast<std::size_t>(i) % 2], fmt::format("d{}.example.com", i)));
  }
  unsigned below(std::size_t n) { return static_cast<unsigned>(random_() % n); }

  // Packed usage goes: of all tables, what the condition says.
  void forget_blocks(store::Sql condition) {
    for (const store::Sql table : {store::Sql("usage_blocks"), store::Sql("usage_totals_of_five_minutes"),
                                   store::Sql("usage_totals_of_hours"), store::Sql("usage_totals_of_days")}) {
      store::SqlText sql = "delete from " + table;
      sql += condition;
      write([&](store::Transaction& tx) { return tx.execute(sql); });
    }
  }

  UsageSet random_set(std::uint64_t epoch, std::uint64_t sequence, std::int64_t from_s, std::int64_t to_s) {
    UsageSet set{
        .edge = fmt::format("edge-{}", below(2)),
        .epoch = epoch,
        .sequence = sequence,
        .interval_s = from_s + 300 * static_cast<std::int64_t>(below(static_cast<std::size_t>((to_s - from_s) / 300))),
        .from_ms = 0,
        .to_ms = 0,
        .records = {}};
    std::map<model::UsageKey, Values> records;
    for (unsigned n = 1 + below(6); n > 0; --n) {
      const auto& domain = domains_[below(domains_.size())];
      Values& values =
          records[{domain.id, domain.name, fmt::format("r{}", below(3)), fmt::format("i{}", below(3)),
                   static_cast<model::UsageScheme>(below(2)), static_cast<model::UsageProtocol>(below(3))}];
      for (unsigned m = 1 + below(5); m > 0; --m)
        add_usage(values, {{kMeters[below(std::size(kMeters))], 1 + (random_() >> (24 + below(40)))}});
    }
    for (auto& [key, values] : records) set.records.push_back({key, values});
    return set;
  }

  RollUpReport roll_up(std::int64_t before_s, std::int64_t most_days = INT64_MAX) {
    return must(roll_up_usage(*database_, {.before_s = before_s, .most_days = most_days}));
  }

  // A random question, of whole days when `old`.
  SeriesQuery random_query(std::int64_t from_s, std::int64_t to_s) {
    SeriesQuery q;
    q.every_domain = below(2) == 0;
    for (const auto& d : domains_) {
      if (below(2) == 0) q.domain_ids.push_back(d.id);
    }
    if (below(4) == 0) q.region = fmt::format("r{}", below(4));
    if (below(4) == 0) q.isp = fmt::format("i{}", below(4));
    const auto at = [&] {
      return from_s + 300 * static_cast<std::int64_t>(below(static_cast<std::size_t>((to_s - from_s) / 300 + 1)));
    };
    q.from_s = below(3) == 0 ? from_s : at();
    q.to_s = below(3) == 0 ? to_s : at();
    if (q.from_s > q.to_s) std::swap(q.from_s, q.to_s);
    static constexpr std::int64_t kSteps[] = {300, 3600, 86400};
    q.step_s = kSteps[below(3)];
    q.group = static_cast<SeriesGroup>(below(5));
    q.one_point = below(4) == 0;
    if (below(2) == 0) {
      for (unsigned n = 1 + below(3); n > 0; --n) q.meters.push_back(Meter(kMeters[below(6)]));
    }
    return q;
  }
  static Values sum_of(const std::vector<Series>& all) {
    Values sum;
    for (const auto& s : all) {
      for (const auto& p : s.points) add_usage(sum, p.values);
    }
    return sum;
  }

  // Every row of the blocks' table.
  std::map<std::string, std::string> blocks() {
    std::map<std::string, std::string> all;
    for (const auto& tier : kTiers) {
      for (const auto dimension : kDimensions) {
        for (const auto part : kParts) {
          const store::UsageShelf shelf{tier.tier, dimension, part};
          read([&](store::Transaction& tx) {
            return store::each_usage_block(tx, shelf, store::UsageDomains::every(), 0, INT64_MAX,
                                           [&](std::string_view id, std::int64_t at, std::string_view text) {
                                             EXPECT_TRUE(is_block(text));
                                             all[fmt::format("{} {} {}", shelf.number(), id, at)] = text;
                                             return base::Result<void>();
                                           });
          });
        }
      }
    }
    return all;
  }
  std::int64_t open_rows() { return read(store::count_open_usage); }

  const unsigned seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, fmt::format("seed {}", seed_)};
  std::vector<std::string> accounts_;
  std::vector<store::Domain> domains_;
};

// Sets in any order, some of them several times, of several edges and epochs, with roll-ups between them that stop half
// way, and a control plane that starts anew on the same store: whatever is asked, the answer is the plain sum of what
// was counted.
TEST_P(RollUpTest, AnswersAreTheSumsWhateverHappens) {
  const std::int64_t from_s = kStart - 2 * kDay, to_s = kStart + kDay;
  std::vector<UsageSet> sets;
  testing::UsageModel model;
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> sequences;
  for (int i = 0; i < 150; ++i) {
    UsageSet set = random_set(1 + below(3), 0, from_s, to_s);
    set.sequence = ++sequences[{set.edge, set.epoch}];
    model.add(set);
    for (unsigned copies = 1 + (below(3) == 0); copies > 0; --copies) sets.push_back(set);
  }
  std::ranges::shuffle(sets, random_);
  testing::UsageModel taken;
  std::set<std::tuple<std::string, std::uint64_t, std::uint64_t>> known;
  for (const UsageSet& set : sets) {
    ASSERT_TRUE(take(set));
    if (known.emplace(set.edge, set.epoch, set.sequence).second) taken.add(set);
    if (below(20) == 0) open();
    if (below(8) == 0) roll_up(from_s + static_cast<std::int64_t>(below(72)) * kHour, 1 + below(4));
    if (below(10) == 0) {
      const SeriesQuery q = random_query(from_s, to_s);
      ASSERT_EQ(series(q), taken.series(q));
    }
  }
  for (const std::int64_t before : {from_s, kStart, to_s}) {
    roll_up(before);
    for (int i = 0; i < 60; ++i) {
      const SeriesQuery q = random_query(from_s, to_s);
      ASSERT_EQ(series(q), model.series(q)) << i;
    }
    for (const std::int64_t step : {300, 3600, 86400}) {
      const Values all = sum_of(model.series(everything(from_s, to_s, 300)));
      for (int group = 0; group < 5; ++group)
        EXPECT_EQ(sum_of(series(everything(from_s, to_s, step, static_cast<SeriesGroup>(group)))), all);
    }
  }
  EXPECT_EQ(open_rows(), 0);
}

// What is packed little by little, with late records, is what is packed at once.
TEST_P(RollUpTest, BlocksDependOnWhatIsInThemAlone) {
  std::vector<UsageSet> sets;
  for (int i = 1; i <= 60; ++i) sets.push_back(random_set(1, static_cast<std::uint64_t>(i), kStart, kStart + 2 * kDay));
  for (auto& set : sets) {
    set.edge = "edge-1";
    ASSERT_TRUE(take(set));
  }
  roll_up(kStart + 2 * kDay);
  const auto at_once = blocks();
  EXPECT_FALSE(at_once.empty());
  forget_blocks("");
  std::ranges::shuffle(sets, random_);
  for (auto& set : sets) {
    set.edge = "edge-2";
    ASSERT_TRUE(take(set));
    if (below(4) == 0) roll_up(kStart + static_cast<std::int64_t>(below(49)) * kHour);
  }
  roll_up(kStart + 2 * kDay);
  EXPECT_EQ(blocks(), at_once);
}

// Sums that are begun when there is usage already: whatever is asked of all domains, or of all of an account, is what
// their own rows say, on both sides of the sum's beginning.
TEST_P(RollUpTest, SumsAreWhatTheyAreSumsOf) {
  const std::int64_t from_s = kStart - 3 * kDay, to_s = kStart + kDay;
  testing::UsageModel model;
  std::uint64_t sequence = 0;
  const auto take_some = [&](int sets, std::int64_t until_s) {
    for (int i = 0; i < sets; ++i) {
      UsageSet set = random_set(1, ++sequence, from_s, until_s);
      set.edge = "edge-1";
      model.add(set);
      ASSERT_TRUE(take(set));
      if (below(12) == 0) {
        ASSERT_TRUE(take(set));
      }
      if (below(8) == 0) roll_up(from_s + static_cast<std::int64_t>(below(96)) * kHour, 1 + below(4));
    }
  };
  const auto compare = [&](std::int64_t first_s) {
    for (int i = 0; i < 40; ++i) {
      SeriesQuery q = random_query(first_s, to_s);
      q.every_domain = true;
      ASSERT_EQ(series(q), model.series(q)) << i;
      const std::size_t account = below(2);
      q.every_domain = false;
      q.domain_ids.clear();
      for (std::size_t d = account; d < domains_.size(); d += 2) q.domain_ids.push_back(domains_[d].id);
      const auto of = store::UsageDomains::of_account(accounts_[account]);
      ASSERT_EQ(read([&](store::Transaction& tx) { return read_series(tx, of, q); }), model.series(q)) << i;
      ASSERT_EQ(series(q), model.series(q)) << i;
    }
  };
  take_some(40, kStart - kDay - kDay / 2);
  EXPECT_EQ(must(begin_usage_sums(*database_, 6)), 0) << "there are five domains";
  EXPECT_EQ(must(begin_usage_sums(*database_, 3)), 2) << "of all, and of the account that has three";
  EXPECT_EQ(must(begin_usage_sums(*database_, 3)), 0);
  EXPECT_EQ(must(begin_usage_sums(*database_, 1)), 1);
  open();  // another program, which has learned nothing yet
  take_some(80, to_s);
  compare(from_s);
  for (const std::int64_t before : {kStart - kDay, to_s}) {
    roll_up(before);
    compare(from_s);
  }
  // Theirs are the rows that are read: without all others the answers are the same.
  const auto sums = read(store::list_usage_sums);
  ASSERT_EQ(sums.size(), 3u);
  const std::int64_t since_s = sums.begin()->second;
  EXPECT_EQ(since_s % kDay, 0);
  EXPECT_GT(since_s, from_s);
  EXPECT_LE(since_s, kStart - kDay);
  forget_blocks(" where domain_id not like 'sum:%'");
  for (const std::int64_t step : {300, 3600, 86400}) {
    for (const auto group : {SeriesGroup::none, SeriesGroup::region, SeriesGroup::isp, SeriesGroup::region_and_isp}) {
      const SeriesQuery q = everything(since_s, to_s, step, group);
      EXPECT_EQ(series(q), model.series(q));
      EXPECT_FALSE(model.series(q).empty());
    }
  }
}

// An installation that had no usage for longer than fine points are kept: what is left of it is not of a sum.
TEST_P(RollUpTest, SumsBeginAfterAllThatIsKept) {
  ASSERT_TRUE(take(set_of(domains_[0], 1, kStart, {{Meter::bytes_out, 1}})));
  roll_up(kStart + kDay);
  must(remove_old_usage(*database_, kStart + 200 * kDay));
  ASSERT_EQ(sum_of(series(everything(kStart, kStart + kDay, 86400))), (Values{{Meter::bytes_out, 1}}));
  ASSERT_EQ(must(begin_usage_sums(*database_, 1)), 3);
  EXPECT_EQ(sum_of(series(everything(kStart, kStart + kDay, 86400))), (Values{{Meter::bytes_out, 1}}));
}

TEST_P(RollUpTest, TheFirstOfAFamilyIsAllOfIt) {
  const Values answers = {{Meter::handshakes, 1}, {Meter::handshakes + 101, 2}, {Meter::handshakes + 599, 4}};
  const Values closes = {{Meter::sessions_closed, 8}, {Meter::sessions_closed + 11, 16}};
  const Values times = {{Meter::handshake_seconds + 12, 32}, {Meter::handshake_nanoseconds, 64}};
  Values all = {{Meter::bytes_out, 1}, {Meter::requests + 200, 1}};
  for (const Values* more : {&answers, &closes, &times}) add_usage(all, *more);
  ASSERT_TRUE(take(set_of(domains_[0], 1, kStart, all)));
  for (int packed = 0; packed < 2; ++packed) {
    SeriesQuery q = everything(kStart, kStart + kDay, 3600);
    EXPECT_EQ(sum_of(series(q)), all);
    q.meters = {Meter::handshakes};
    EXPECT_EQ(sum_of(series(q)), answers);
    q.meters = {Meter::handshakes + 101};
    EXPECT_EQ(sum_of(series(q)), (Values{{Meter::handshakes + 101, 2}}));
    q.meters = {Meter::sessions_closed};
    EXPECT_EQ(sum_of(series(q)), closes);
    q.meters = {Meter::handshake_seconds};
    EXPECT_EQ(sum_of(series(q)), (Values{{Meter::handshake_seconds + 12, 32}}));
    roll_up(kStart + kDay);
  }
}

TEST_P(RollUpTest, TooManySeriesAreFoundOutEarly) {
  UsageSet set = set_of(domains_[0], 1, kStart, {{Meter::bytes_in, 1}, {Meter::bytes_out, 2}});
  for (int i = 0; i < 9; ++i) {
    set.records.push_back(set.records[0]);
    set.records.back().key.region = fmt::format("r{}", i);
  }
  std::ranges::sort(set.records, {}, &model::UsageRecord::key);
  ASSERT_TRUE(take(set));
  for (int packed = 0; packed < 2; ++packed) {
    SeriesQuery q = everything(kStart, kStart + kDay, 300, SeriesGroup::region);
    q.most_series = 10;
    EXPECT_EQ(series(q).size(), 10u);
    q.most_series = 9;
    const auto refused = database_->read([&](store::Transaction& tx) { return read_series(tx, q); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, base::Code::overloaded);
    // What is not asked for is none too many.
    q.region = "r3";
    q.most_series = 1;
    EXPECT_EQ(sum_of(series(q)), (Values{{Meter::bytes_in, 1}, {Meter::bytes_out, 2}}));
    roll_up(kStart + kDay);
  }
}

TEST_P(RollUpTest, OnlyFullHoursBeforeTheDateArePacked) {
  ASSERT_TRUE(take(set_of(domains_[0], 1, kStart + 3300, {{Meter::bytes_out, 1}})));
  ASSERT_TRUE(take(set_of(domains_[0], 2, kStart + 3600, {{Meter::bytes_out, 2}})));
  EXPECT_EQ(closed_until_s(kStart + 6 * kHour + kRollUpGrace - 1), kStart);
  EXPECT_EQ(closed_until_s(kStart + 6 * kHour + kRollUpGrace), kStart + 6 * kHour);
  const auto report = roll_up(kStart + 3600);
  EXPECT_EQ(report.days, 1);
  EXPECT_EQ(report.rows, 1);
  EXPECT_EQ(open_rows(), 1);
  EXPECT_EQ(roll_up(kStart + 3600).days, 0);
}

TEST_P(RollUpTest, ADamagedTextHoldsNobodyElseUp) {
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(take(set_of(domains_[i], i + 1, kStart, {{Meter::bytes_out, 1}})));
  write([&](store::Transaction& tx) {
    return store::put_open_usage(tx, {{domains_[1].id, kStart, "no block", "no block"}});
  });
  ASSERT_TRUE(take(set_of(domains_[1], 4, kStart + 300, {{Meter::bytes_out, 5}})));
  const auto report = roll_up(kStart + kHour);
  EXPECT_EQ(report.failed, 0);
  EXPECT_EQ(report.aside, 1);
  EXPECT_EQ(report.days, 3) << "with what is good of the damaged one";
  EXPECT_EQ(open_rows(), 0);
  const auto aside = read([](store::Transaction& tx) { return store::list_damaged_usage(tx); });
  ASSERT_EQ(aside.size(), 1u);
  EXPECT_EQ(aside[0].row, (store::OpenUsage{domains_[1].id, kStart, "no block", "no block"}));
  EXPECT_EQ(sum_of(series(everything(kStart, kStart + kDay, 300))), (Values{{Meter::bytes_out, 7}}));
}

// Not even what is old stays for the sake of a domain whose packed block is damaged.
TEST_P(RollUpTest, ADamagedBlockHoldsNobodyElseUp) {
  for (std::size_t i = 0; i < 2; ++i) ASSERT_TRUE(take(set_of(domains_[i], i + 1, kStart, {{Meter::bytes_out, 1}})));
  roll_up(kStart + kHour);
  write([&](store::Transaction& tx) {
    return tx.execute("update usage_blocks set body = 'no block' where domain_id = :id", {{"id", domains_[1].id}});
  });
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(take(set_of(domains_[i], i + 3, kStart + 300, {{Meter::bytes_out, 2}})));
  }
  const auto report = roll_up(kStart + kHour);
  EXPECT_EQ(report.aside, 1);
  EXPECT_EQ(report.days, 1);
  EXPECT_EQ(open_rows(), 0);
  SeriesQuery q = everything(kStart, kStart + kDay, 300);
  q.every_domain = false;
  q.domain_ids = {domains_[0].id};
  EXPECT_EQ(sum_of(series(q)), (Values{{Meter::bytes_out, 3}}));
  EXPECT_EQ(must(remove_old_usage(*database_, kStart + 94 * kDay)), 2 * 4);
}

// A sum is only kept for speed: where its texts are damaged, the domains answer, and it begins anew later.
TEST_P(RollUpTest, ADamagedSumIsMadeGoodByItsDomains) {
  ASSERT_EQ(must(begin_usage_sums(*database_, 1)), 3);
  std::uint64_t sequence = 0, bytes = 0;
  const auto some = [&](std::int64_t at_s) {
    for (const auto& domain : domains_) {
      bytes += ++sequence;
      ASSERT_TRUE(take(set_of(domain, sequence, at_s, {{Meter::bytes_out, sequence}})));
    }
  };
  const auto is_all_there = [&](const char* when) {
    for (const std::int64_t step : {300, 3600, 86400}) {
      EXPECT_EQ(sum_of(series(everything(kStart, kStart + 3 * kDay, step))), (Values{{Meter::bytes_out, bytes}}))
          << when << ", " << step;
    }
  };
  some(kStart);
  some(kStart + 300);
  // Of an open row: found when the next set comes, or when it is packed.
  const auto damage_open = [&](std::int64_t at_s) {
    write([&](store::Transaction& tx) {
      return tx.execute(
          "update usage_open set body = 'no block', total = 'no block' where domain_id like 'sum:%' and at_s = :at",
          {{"at", at_s}});
    });
  };
  damage_open(kStart);
  some(kStart);
  is_all_there("a damaged open row, and another set");
  const auto since = [&] { return read(store::list_usage_sums).at(store::usage_sum_id("")); };
  const std::int64_t second_s = since();
  EXPECT_GT(second_s, kStart);
  EXPECT_EQ(second_s % kDay, 0);
  now_ms_ = second_s * 1000;
  some(kStart + kDay);
  EXPECT_EQ(roll_up(kStart + 2 * kDay).aside, 0);
  is_all_there("packed");

  // From then on it answers again, and is damaged again: a row first, then what is packed.
  bytes = 0;
  const auto is_there_now = [&](const char* when) {
    EXPECT_EQ(sum_of(series(everything(second_s, second_s + 3 * kDay, 3600))), (Values{{Meter::bytes_out, bytes}}))
        << when;
  };
  some(second_s);
  damage_open(second_s);
  EXPECT_EQ(roll_up(second_s + kDay).aside, 0);
  is_there_now("a damaged open row, packed");
  const std::int64_t third_s = since();
  EXPECT_GT(third_s, second_s);
  now_ms_ = third_s * 1000;
  bytes = 0;
  some(third_s);
  roll_up(third_s + kDay);
  for (const store::Sql sql :
       {store::Sql("update usage_blocks set body = 'no block' where domain_id like 'sum:%'"),
        store::Sql("update usage_totals_of_days set body = 'no block' where domain_id like 'sum:%'")}) {
    write([&](store::Transaction& tx) { return tx.execute(sql); });
  }
  some(third_s + 300);
  EXPECT_EQ(roll_up(third_s + kDay).aside, 0);
  EXPECT_EQ(open_rows(), 0);
  EXPECT_EQ(sum_of(series(everything(third_s, third_s + kDay, 86400))), (Values{{Meter::bytes_out, bytes}}));
  EXPECT_TRUE(read([](store::Transaction& tx) { return store::list_damaged_usage(tx); }).empty());
  EXPECT_GT(since(), third_s);
}

// What the store itself has to complain of is no damage of the usage in it.
TEST_P(RollUpTest, AStoreThatFailsSetsNothingAside) {
  ASSERT_TRUE(take(set_of(domains_[0], 1, kStart, {{Meter::bytes_out, 7}})));
  const bool sqlite = std::string_view(GetParam()) == "SQLite";
  write([&](store::Transaction& tx) {
    return tx.execute(sqlite ? store::Sql("create trigger full before insert on usage_blocks begin select raise(abort, "
                                          "'no room'); end")
                             : store::Sql("alter table usage_blocks add constraint no_room check (start_s < 0)"));
  });
  const auto failed = roll_up_usage(*database_, {.before_s = kStart + kHour});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, base::Code::malformed) << "as it would be of a damaged file";
  EXPECT_TRUE(read([](store::Transaction& tx) { return store::list_damaged_usage(tx); }).empty());
  write([&](store::Transaction& tx) {
    return tx.execute(sqlite ? store::Sql("drop trigger full")
                             : store::Sql("alter table usage_blocks drop constraint no_room"));
  });
  roll_up(kStart + kHour);
  EXPECT_EQ(open_rows(), 0);
  EXPECT_EQ(sum_of(series(everything(kStart, kStart + kDay, 300))), (Values{{Meter::bytes_out, 7}}));
}

TEST_P(RollUpTest, OldPointsGoAndWhoAsksIsTold) {
  for (int day = 0; day < 40; ++day) {
    ASSERT_TRUE(take(set_of(domains_[0], static_cast<std::uint64_t>(day + 1), kStart - day * kDay,
                            {{Meter::bytes_out, 1}, {Meter::handshakes + 101, 2}})));
  }
  roll_up(kStart + kDay);
  const auto ask = [&](std::int64_t from_s, std::int64_t to_s, std::int64_t step_s) -> std::string {
    const auto done =
        database_->read([&](store::Transaction& tx) { return read_series(tx, everything(from_s, to_s, step_s)); });
    if (done) return std::to_string(usage_of(sum_of(*done), Meter::bytes_out));
    EXPECT_EQ(done.error().code, base::Code::too_large);
    return done.error().context;
  };
  const std::int64_t first = kStart - 39 * kDay;
  EXPECT_EQ(must(remove_old_usage(*database_, kStart)), 0);
  EXPECT_EQ(ask(first - 300 * kDay, kStart + kDay, 300), "40") << "nothing was ever removed";

  // Ten days of five-minute points are past their time, 9:30 past midnight.
  const std::int64_t now_s = first + 103 * kDay + 34'200, since = first + 10 * kDay;
  EXPECT_EQ(must(remove_old_usage(*database_, now_s)), 10 * 4 * 2);
  EXPECT_EQ(ask(since, kStart + kDay, 300), "30");
  EXPECT_EQ(ask(since - 300, kStart + kDay, 300),
            "points of 300 seconds are kept since " + base::format_utc_ms(since * 1000) + " only");
  EXPECT_EQ(ask(first, kStart + kDay, 3600), "40");
  EXPECT_EQ(ask(first, kStart + kDay, 86400), "40");
  EXPECT_NE(ask(first + 300, kStart + kDay, 86400).find("points of 300 seconds"), std::string::npos);
  EXPECT_EQ(read([&](store::Transaction& tx) { return traffic_points(tx, accounts_[0], since, kStart + kDay); }).size(),
            30u);
  EXPECT_FALSE(
      database_->read([&](store::Transaction& tx) { return traffic_points(tx, accounts_[0], first, kStart); }));

  // What was too late before is too late by what the store says, too, if a clock goes back.
  ASSERT_TRUE(take(set_of(domains_[0], 100, first, {{Meter::bytes_out, 1}})));
  EXPECT_EQ(ingestion_->counters().out_of_range, 1u);

  must(remove_old_usage(*database_, first + 366 * kDay + 5 * kDay));
  EXPECT_EQ(ask(first + 5 * kDay, kStart + kDay, 86400), "35");
  EXPECT_NE(ask(first + 4 * kDay, kStart + kDay, 86400).find("points of 86400 seconds"), std::string::npos);
  EXPECT_NE(ask(first + 30 * kDay, kStart + kDay, 3600).find("points of 3600 seconds"), std::string::npos);
  must(remove_old_usage(*database_, first + 500 * kDay));
  EXPECT_TRUE(blocks().empty());
}

TEST_P(RollUpTest, WhatIsNotPackedYetIsNotRemoved) {
  ASSERT_TRUE(take(set_of(domains_[0], 1, kStart, {{Meter::bytes_out, 1}})));
  roll_up(kStart + kDay);
  ASSERT_TRUE(take(set_of(domains_[0], 2, kStart, {{Meter::bytes_out, 2}})));
  const std::int64_t now_s = kStart + 94 * kDay;
  EXPECT_EQ(must(remove_old_usage(*database_, now_s)), 0);
  roll_up(kStart + kDay);
  EXPECT_EQ(must(remove_old_usage(*database_, now_s)), 4);
  EXPECT_EQ(sum_of(series(everything(kStart, kStart + kDay, 3600))), (Values{{Meter::bytes_out, 3}}));
}

FAIRLEAD_USAGE_ON_BOTH_ENGINES(RollUpTest);

// A program that takes sets in and packs them all the time, and is killed.
class KilledRollUp : public RollUpTest {
 protected:
  static constexpr int kSets = 400;
  std::vector<UsageSet> sets_;

  [[noreturn]] void work(int said) {
    auto database = store::Database::open(address_);
    if (!database) ::_exit(10);
    Context context{*database, secrets_, edges_, config_, [] { return kStart * 1000; }, [] {}, [] {}};
    UsageIngestion ingestion(context);
    for (std::uint32_t i = 0;; i = (i + 1) % kSets) {  // from the first one again: it cannot know what it told
      if (!ingestion.take(model::encode_usage(sets_[i]))) ::_exit(11);
      if (i % 5 == 4 && !roll_up_usage(*database, {.before_s = kStart + (i % 25) * kHour, .most_days = 3})) ::_exit(12);
      if (::write(said, &i, sizeof i) != sizeof i) ::_exit(13);
    }
  }
};

TEST_P(KilledRollUp, LosesAndDoublesNothing) {
  testing::UsageModel model;
  for (int i = 1; i <= kSets; ++i) {
    sets_.push_back(random_set(1, static_cast<std::uint64_t>(i), kStart, kStart + kDay));
    sets_.back().edge = "edge-1";
    model.add(sets_.back());
  }
  database_.reset();  // a database must not be carried through fork
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      work(ends[1]);
    }
    ::close(ends[1]);
    std::uint32_t last = 0;
    for (unsigned n = below(40); n > 0; --n) ASSERT_EQ(::read(ends[0], &last, sizeof last), ssize_t{sizeof last});
    ::kill(child, SIGKILL);
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);
  }
  open();
  for (const UsageSet& set : sets_) ASSERT_TRUE(take(set));
  for (const std::int64_t before : {kStart, kStart + kDay}) {
    roll_up(before);
    for (const auto group : {SeriesGroup::none, SeriesGroup::domain, SeriesGroup::region_and_isp}) {
      const SeriesQuery q = everything(kStart, kStart + kDay, 300, group);
      EXPECT_EQ(series(q), model.series(q));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, KilledRollUp, ::testing::Values("SQLite"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace fairlead::control
