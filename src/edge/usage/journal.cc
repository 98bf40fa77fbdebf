#include "edge/usage/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "base/log.h"

namespace fairlead::edge {

using base::Code;
using base::Result;
using base::Retry;
using base::Side;
using usage_format::HeadState;
using usage_format::kSegmentHead;
using usage_format::RecordReader;

namespace {

constexpr std::string_view kSuffix = ".usage";
constexpr std::string_view kEpoch = "epoch", kPosition = "position";
// The position is written no more often than this while sets flow.
constexpr base::milliseconds kPositionEvery{1000};

// The number in a segment's name; 0: it is none.
std::uint64_t segment_number(const std::string& name) {
  if (name.size() != 16 + kSuffix.size() || !name.ends_with(kSuffix)) return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 16, number, 16);
  return error == std::errc() && end == name.data() + 16 ? number : 0;
}

}  // namespace

std::string UsageJournal::path_of(const Segment& segment) const {
  return fmt::format("{}/{:016x}{}", folder_, segment.first, kSuffix);
}

std::uint64_t UsageJournal::total_bytes() const {
  std::uint64_t sum = 0;
  for (const Segment& s : segments_) sum += s.bytes;
  return sum;
}

// --- opening

Result<std::unique_ptr<UsageJournal>> UsageJournal::open(const std::string& folder, Options options) {
  // Room for some segments, so that what is acknowledged can go while the rest waits.
  options.segment_bytes = std::min<std::uint64_t>(options.segment_bytes, options.max_bytes / 8);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return file_error(folder);
  std::unique_ptr<UsageJournal> out(new UsageJournal(folder, options));
  auto lock = open_file(folder + "/lock", O_RDWR | O_CREAT);
  if (!lock) return std::unexpected(lock.error());
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
    return base::fail(Code::conflict, Side::config, folder + ": another process has this usage journal");
  }
  out->lock_ = std::move(*lock);
  if (auto found = out->find_segments(); !found) return std::unexpected(found.error());
  if (auto opened = out->open_tail(); !opened) return std::unexpected(opened.error());
  out->read_position();
  out->remove_acknowledged();
  // Finds the time of the oldest entry.
  if (const auto first = out->next(); !first) return std::unexpected(first.error());
  out->rewind();
  return out;
}

UsageJournal::~UsageJournal() {
  if (!lock_ || position_written_ == acknowledged_) return;
  if (auto saved = save_position(); !saved) base::log_warn("usage journal: {}", base::describe(saved.error()));
}

Result<void> UsageJournal::find_segments() {
  std::error_code error;
  std::filesystem::directory_iterator at(folder_, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::uint64_t first = segment_number(at->path().filename().string());
    if (first == 0) continue;
    segments_.push_back({first, 0});
    const std::string path = path_of(segments_.back());
    const auto file = open_file(path, O_RDONLY);
    if (!file) return std::unexpected(file.error());
    struct stat now{};
    if (::fstat(file->get(), &now) != 0) return file_error(path);
    segments_.back().bytes = static_cast<std::uint64_t>(now.st_size);
    const auto head = read_at(*file, kSegmentHead, 0, path);
    if (head && usage_format::check_segment_head(*head, first) == HeadState::newer) {
      return base::fail(Code::unsupported, Side::config, path + ": written by a newer program");
    }
  }
  if (error) return base::fail(Code::resources, Side::config, folder_ + ": " + error.message(), Retry::later);
  std::ranges::sort(segments_, {}, &Segment::first);
  return {};
}

Result<void> UsageJournal::open_tail() {
  while (!segments_.empty()) {
    Segment& last = segments_.back();
    const std::string path = path_of(last);
    auto file = open_file(path, O_RDWR);
    if (!file) return std::unexpected(file.error());
    const std::string bytes = read_past_holes(*file, last.bytes, 0, path);
    RecordReader reader(bytes, std::min(kSegmentHead, bytes.size()), last.first - 1);
    last_ = last.first - 1;
    while (const auto record = reader.next()) last_ = record->number;
    const bool good = usage_format::check_segment_head(bytes, last.first) == HeadState::good;
    const bool any = last_ >= last.first;
    const std::uint64_t keep = any || good ? reader.at() : 0;
    if (keep < last.bytes) {
      stats_.cut_bytes += last.bytes - keep;
      base::log_warn("usage journal: {}: {} bytes behind the last whole entry are cut off", path, last.bytes - keep);
    }
    if (keep == 0) {  // a crash came between its making and its head
      if (::unlink(path.c_str()) != 0) return file_error(path);
      segments_.pop_back();
      continue;
    }
    if (keep < last.bytes && (::ftruncate(file->get(), static_cast<off_t>(keep)) != 0 || ::fsync(file->get()) != 0)) {
      return file_error(path);
    }
    last.bytes = keep;
    if (good) tail_ = std::move(*file);
    return {};
  }
  return {};
}

void UsageJournal::read_position() {
  auto position = read_number(folder_, std::string(kPosition));
  if (!position) {
    base::log_warn("usage journal: all that is in it is sent again: {}", base::describe(position.error()));
    position = 0;
  }
  // What came before the first segment was acknowledged, or it would not have been removed.
  acknowledged_ = std::max(*position, segments_.empty() ? 0 : segments_.front().first - 1);
  last_ = std::max(last_, acknowledged_);
  position_written_ = *position;
  given_ = acknowledged_;
}

Result<std::uint64_t> UsageJournal::next_epoch() {
  auto before = read_number(folder_, std::string(kEpoch));
  if (!before) {
    if (before.error().code != Code::malformed) return std::unexpected(before.error());
    base::log_warn("usage journal: the epoch is counted from the clock: {}", base::describe(before.error()));
    before = 0;
  }
  const std::uint64_t epoch = std::max(*before + 1, static_cast<std::uint64_t>(base::wall_clock_ms()));
  if (auto kept = write_number(folder_, std::string(kEpoch), epoch, true); !kept) return std::unexpected(kept.error());
  return epoch;
}

// --- appending

Result<void> UsageJournal::append(std::string_view set) {
  const std::lock_guard appending(append_mutex_);
  const auto refused = [this](std::uint64_t Stats::* counter, base::Error error) -> Result<void> {
    const std::lock_guard lock(mutex_);
    ++(stats_.*counter);
    return std::unexpected(std::move(error));
  };
  if (set.size() > kMaxEntry) {
    return refused(&Stats::refused_full, {Code::too_large, Side::edge, "usage journal: the set is too large"});
  }
  std::uint64_t number = 0, used = 0, at = 0;
  {
    const std::lock_guard lock(mutex_);
    number = last_ + 1;
    used = total_bytes();
    at = segments_.empty() ? 0 : segments_.back().bytes;
  }
  const std::int64_t now = base::wall_clock_ms();
  const bool fresh = !tail_ || at >= options_.segment_bytes;
  std::string record;
  usage_format::append_record(record, fresh ? kSegmentHead : at, number, now, set);
  if (used + record.size() + (fresh ? kSegmentHead : 0) > options_.max_bytes) {
    return refused(
        &Stats::refused_full,
        {Code::overloaded, Side::edge,
         fmt::format("usage journal: {} bytes are kept and {} are the bound", used, options_.max_bytes), Retry::later});
  }
  auto done = mend_tail(at);
  if (done && fresh) {
    done = begin_segment(number);
    at = kSegmentHead;
  }
  if (done) {
    tail_dirty_ = true;
    done = write_at(tail_, record, at, folder_);
    if (done && ::fdatasync(tail_.get()) != 0) done = file_error(folder_);
    tail_dirty_ = !done;
  }
  if (!done) {
    static_cast<void>(mend_tail(at));  // if not now, then before the next
    return refused(&Stats::refused_disk, done.error());
  }
  const std::lock_guard lock(mutex_);
  segments_.back().bytes = at + record.size();
  if (last_ == acknowledged_) stats_.oldest_ms = now;
  last_ = number;
  ++stats_.appended;
  return {};
}

Result<void> UsageJournal::mend_tail(std::uint64_t at) {
  if (!tail_dirty_) return {};
  if (::ftruncate(tail_.get(), static_cast<off_t>(at)) != 0 || ::fsync(tail_.get()) != 0) return file_error(folder_);
  tail_dirty_ = false;
  return {};
}

Result<void> UsageJournal::begin_segment(std::uint64_t first) {
  const Segment segment{first, kSegmentHead};
  const std::string path = path_of(segment);
  auto file = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
  if (!file) return std::unexpected(file.error());
  std::string head;
  usage_format::append_segment_head(head, first);
  auto done = write_at(*file, head, 0, path);
  if (done && ::fsync(file->get()) != 0) done = file_error(path);
  if (done) done = sync_folder(folder_);
  if (!done) {
    ::unlink(path.c_str());
    return done;
  }
  tail_ = std::move(*file);
  const std::lock_guard lock(mutex_);
  segments_.push_back(segment);
  return {};
}

// --- reading

Result<std::optional<UsageJournal::Entry>> UsageJournal::next() {
  for (;;) {
    RecordReader reader(loaded_, static_cast<std::size_t>(read_at_ - loaded_from_), seen_, loaded_from_);
    if (const auto record = reader.next()) {
      pass_over(loaded_from_ + record->at, record->number - 1);
      read_at_ = loaded_from_ + record->end;
      seen_ = record->number;
      if (record->number <= given_) continue;
      given_ = record->number;
      const std::lock_guard lock(mutex_);
      if (given_out_ <= acknowledged_) stats_.oldest_ms = record->time_ms;
      given_out_ = record->number;
      return Entry{record->number, std::string(record->body)};
    }
    if (read_at_ < loaded_until_) pass_over(loaded_until_, seen_);
    const auto more = load_more();
    if (!more) return std::unexpected(more.error());
    if (*more) continue;
    const std::lock_guard lock(mutex_);
    // Behind what is acknowledged there was nothing but damage.
    if (given_out_ <= acknowledged_) acknowledged_ = std::max(acknowledged_, given_);
    if (last_ == acknowledged_) stats_.oldest_ms = 0;
    return std::nullopt;
  }
}

Result<bool> UsageJournal::load_more() {
  loaded_.clear();
  loaded_from_ = loaded_until_ = read_at_;
  Segment segment;
  {
    const std::lock_guard lock(mutex_);
    auto at = std::ranges::find(segments_, loaded_segment_, &Segment::first);
    if (at == segments_.end()) {  // none yet, or it was removed: the one with the next number
      at = std::ranges::upper_bound(segments_, given_ + 1, {}, &Segment::first);
      if (at != segments_.begin()) --at;
      if (at == segments_.end()) return false;
    } else if (read_at_ >= at->bytes) {
      const auto following = std::next(at);
      const std::uint64_t through = following == segments_.end() ? last_ : following->first - 1;
      if (through > seen_) pass_over_locked(read_at_, through);
      if (following == segments_.end()) {
        loaded_.shrink_to_fit();
        return false;
      }
      at = following;
    }
    if (loaded_segment_ != at->first) {
      loaded_segment_ = at->first;
      seen_ = at->first - 1;
      read_at_ = loaded_from_ = loaded_until_ = kSegmentHead;
    }
    segment = *at;
  }
  if (segment.bytes <= read_at_) return true;  // decided in the next turn
  const std::string path = path_of(segment);
  const auto file = open_file(path, O_RDONLY);
  if (!file && file.error().code != Code::not_found) return std::unexpected(file.error());
  if (file) loaded_ = read_past_holes(*file, segment.bytes - read_at_, read_at_, path);
  loaded_until_ = segment.bytes;
  return true;
}

void UsageJournal::pass_over(std::uint64_t until, std::uint64_t through) {
  const std::lock_guard lock(mutex_);
  pass_over_locked(until, through);
}

void UsageJournal::pass_over_locked(std::uint64_t until, std::uint64_t through) {
  const auto place = [](std::uint64_t segment, std::uint64_t at) { return std::pair(segment, at); };
  std::uint64_t bytes = 0, entries = 0;
  if (until > read_at_ && place(loaded_segment_, until) > counted_place_) {
    const std::uint64_t from =
        counted_place_.first == loaded_segment_ ? std::max(read_at_, counted_place_.second) : read_at_;
    bytes = until - from;
    counted_place_ = place(loaded_segment_, until);
  }
  const std::uint64_t known = std::max({seen_, counted_number_, acknowledged_});
  if (through > known) {
    entries = through - known;
    counted_number_ = through;
  }
  if (bytes != 0 || entries != 0) {
    stats_.damaged_bytes += bytes;
    stats_.damaged_entries += entries;
    base::log_error("usage journal: {}/{:016x}{}: damaged before byte {}: {} bytes and {} entries are lost", folder_,
                    loaded_segment_, kSuffix, until, bytes, entries);
  }
  read_at_ = std::max(read_at_, until);
  seen_ = std::max(seen_, through);
  given_ = std::max(given_, through);
}

void UsageJournal::rewind() {
  loaded_.clear();
  loaded_segment_ = 0;
  loaded_from_ = loaded_until_ = read_at_ = 0;
  const std::lock_guard lock(mutex_);
  given_ = given_out_ = acknowledged_;
}

void UsageJournal::acknowledge(std::uint64_t number) {
  {
    const std::lock_guard lock(mutex_);
    number = std::min(number, last_);
    if (number <= acknowledged_) return;
    stats_.acknowledged += number - acknowledged_;
    acknowledged_ = number;
    if (last_ == acknowledged_) stats_.oldest_ms = 0;
  }
  remove_acknowledged();
  const base::TimePoint now = base::monotonic_now();
  if (position_written_at_ != base::TimePoint() && now < base::later(position_written_at_, kPositionEvery)) return;
  position_written_at_ = now;
  if (auto kept = write_number(folder_, std::string(kPosition), number, false); kept) {
    position_written_ = number;
  } else {
    base::log_warn("usage journal: after a restart more is sent again: {}", base::describe(kept.error()));
  }
}

void UsageJournal::remove_acknowledged() {
  for (;;) {
    Segment gone;
    {
      const std::lock_guard lock(mutex_);
      if (segments_.size() < 2 || segments_[1].first - 1 > acknowledged_) return;
      gone = segments_.front();
      segments_.pop_front();
    }
    if (::unlink(path_of(gone).c_str()) != 0 && errno != ENOENT) {
      base::log_warn("usage journal: {}", base::describe(file_error(path_of(gone)).error()));
    }
  }
}

Result<void> UsageJournal::save_position() {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = acknowledged_;
  }
  auto kept = write_number(folder_, std::string(kPosition), number, true);
  if (kept) position_written_ = number;
  return kept;
}

UsageJournal::Stats UsageJournal::stats() const {
  const std::lock_guard lock(mutex_);
  Stats out = stats_;
  out.bytes = total_bytes();
  out.max_bytes = options_.max_bytes;
  out.waiting = last_ - acknowledged_;
  return out;
}

}  // namespace fairlead::edge
