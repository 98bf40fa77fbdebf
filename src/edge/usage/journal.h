#pragma once
// UsageJournal: usage on disk between the edge that counted it and the control plane that has it: a durable queue of
// encoded sets (model/usage.h), oldest first. The recorder appends, the shipper reads and acknowledges, each on a
// thread of its own. Owned by the application, one for a folder, and one process's at a time.
//
// Promises:
// - What append() has acknowledged is there after a crash of the process or the machine, until it is acknowledged or
//   the disk loses it. What it refused, or did not come to acknowledge, is never there by half.
// - Entries come out in the order they went in. After a restart some that were acknowledged may come again (the
// position
//   is written lazily): who takes them in knows what it had by (edge, epoch, sequence).
// - A damaged place costs the entries it lies in and no others, is counted and logged, and is never taken for data.
//   Bytes that a crash left half written behind the last acknowledged entry are cut off when the journal is opened.
// - Bounded: at most `max_bytes` of segments on disk. Further entries are refused, and counted.
//
// On disk, in the folder: `lock`; `epoch`; `position`; and segments `NNNNNNNNNNNNNNNN.usage` (hexadecimal: the number
// of the first entry), whose bytes are described in journal_format.h. Entries are numbered 1, 2, ... over all segments.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "edge/usage/durable_file.h"
#include "edge/usage/journal_format.h"

namespace fairlead::edge {

class UsageJournal {
 public:
  static constexpr std::size_t kMaxEntry = usage_format::kMaxBody;  // bytes of one set
  static constexpr std::size_t kSegmentBytes = 4u << 20;  // a segment that has as much takes no further record

  struct Options {
    std::uint64_t max_bytes = 1u << 30;         // of all segments
    std::size_t segment_bytes = kSegmentBytes;  // tests make it small
  };
  struct Entry {
    std::uint64_t number = 0;  // what to acknowledge
    std::string set;           // as it was appended
  };
  struct Stats {
    std::uint64_t bytes = 0;            // of all segments on disk
    std::uint64_t max_bytes = 0;        // the bound on it
    std::uint64_t waiting = 0;          // entries not acknowledged
    std::int64_t oldest_ms = 0;         // when the oldest of them was appended, wall clock; 0: none waits
    std::uint64_t appended = 0;         // entries since open()
    std::uint64_t acknowledged = 0;     // likewise, those lost to damage among them
    std::uint64_t refused_full = 0;     // not appended: the bound, or an entry above kMaxEntry
    std::uint64_t refused_disk = 0;     // not appended: the disk
    std::uint64_t damaged_entries = 0;  // lost to damage since open(), as far as numbers tell
    std::uint64_t damaged_bytes = 0;    // passed over or cut off
    std::uint64_t cut_bytes = 0;        // half written at a crash and cut off: nobody was told that these were kept
  };

  // Makes the folder (its parent must be there) and everything in it. Errors (config side): conflict (another process
  // has it), forbidden, not_found, resources (the disk), unsupported (of a newer program).
  static base::Result<std::unique_ptr<UsageJournal>> open(const std::string& folder, Options options);
  ~UsageJournal();
  UsageJournal(const UsageJournal&) = delete;
  UsageJournal& operator=(const UsageJournal&) = delete;

  // A number higher than every one that was given before on this folder, and not lower than the wall clock's
  // milliseconds: an epoch for UsageSet. Durable when it returns. Errors: resources.
  base::Result<std::uint64_t> next_epoch();

  // Appends a set; when it returns it is on disk. Any thread, one at a time waits for the other; takes as long as
  // fsync does. Errors: overloaded (later: the bound; never: longer than kMaxEntry), resources (later: the disk, which
  // the context names; the journal is as it was before).
  base::Result<void> append(std::string_view set);

  // The oldest entry that was neither acknowledged nor yet given out; nothing when there is none. Not while another
  // thread is in next(), rewind() or acknowledge(); append() may go on meanwhile. A disk that cannot be read is an
  // error (resources, later).
  base::Result<std::optional<Entry>> next();
  // next() begins again with the oldest that was not acknowledged.
  void rewind();
  // All entries up to this one are safe elsewhere: segments with nothing else are removed.
  void acknowledge(std::uint64_t number);
  // Writes down what was acknowledged (done lazily else). Errors: resources.
  base::Result<void> save_position();

  const std::string& folder() const { return folder_; }
  Stats stats() const;  // any thread

 private:
  struct Segment {
    std::uint64_t first = 0;  // number of its first entry, and its name
    std::uint64_t bytes = 0;  // on disk for sure; whole records
  };
  UsageJournal(std::string folder, Options options) : folder_(std::move(folder)), options_(options) {}

  // While opening.
  base::Result<void> find_segments();
  base::Result<void> open_tail();  // cuts what was half written
  void read_position();

  // With append_mutex_ held. `at`: where the last whole record of the tail ends.
  base::Result<void> mend_tail(std::uint64_t at);  // takes off what a failed append left
  base::Result<void> begin_segment(std::uint64_t first);

  // By the reading thread.
  base::Result<bool> load_more();  // false: all there is was read
  // Reading goes on at `until` of the segment; entries up to number `through` that were not given out are lost.
  void pass_over(std::uint64_t until, std::uint64_t through);
  void pass_over_locked(std::uint64_t until, std::uint64_t through);
  void remove_acknowledged();

  std::string path_of(const Segment& segment) const;
  std::uint64_t total_bytes() const;  // with mutex_ held

  const std::string folder_;
  const Options options_;
  base::Descriptor lock_;

  std::mutex append_mutex_;  // of these two; before mutex_
  base::Descriptor tail_;    // the last segment, open for writing; none: the next append begins one
  bool tail_dirty_ = false;  // there are bytes behind its last whole record

  mutable std::mutex mutex_;  // of these
  std::deque<Segment> segments_;
  std::uint64_t last_ = 0;          // number of the last entry
  std::uint64_t acknowledged_ = 0;  // all up to this one
  Stats stats_;                     // counters and oldest_ms

  // The reading thread's.
  std::uint64_t loaded_segment_ = 0;  // first number of the segment that is read; 0: none
  std::string loaded_;                // its bytes from loaded_from_ on; missing ones at the end cannot be read
  std::uint64_t loaded_from_ = 0, loaded_until_ = 0;
  std::uint64_t read_at_ = 0;    // where the next record is looked for
  std::uint64_t seen_ = 0;       // number of the last entry that was read or passed over
  std::uint64_t given_ = 0;      // number of the newest entry that was given out or passed over
  std::uint64_t given_out_ = 0;  // of the last that was given out
  // Damage up to here has been counted: a rewind does not count it again.
  std::uint64_t counted_number_ = 0;
  std::pair<std::uint64_t, std::uint64_t> counted_place_;  // segment, byte
  std::uint64_t position_written_ = 0;
  base::TimePoint position_written_at_{};
};

}  // namespace fairlead::edge
