#include "net/timer_wheel.h"

#include <bit>
#include <cassert>

#include "net/guard.h"

namespace fairlead::net {

void Timer::cancel() {
  if (prev_) wheel_->unlink(*this);
}

TimerWheel::TimerWheel(TimePoint start) : start_(start) {}

TimerWheel::~TimerWheel() {
  for (Timer*& head : slots_) {
    while (head) unlink(*head);
  }
}

// Rounded up: a timer never fires early.
std::uint64_t TimerWheel::tick_of(TimePoint t) const {
  if (t <= start_) return 0;
  return static_cast<std::uint64_t>((t - start_ + kTick - Duration(1)) / kTick);
}

void TimerWheel::unlink(Timer& t) {
  *t.prev_ = t.next_;
  if (t.next_) t.next_->prev_ = t.prev_;
  if (!slots_[t.slot_]) occupied_[t.slot_ / kSlots] &= ~(1ull << (t.slot_ % kSlots));
  t.prev_ = nullptr;
  t.next_ = nullptr;
  --size_;
}

void TimerWheel::set(Timer& t, TimePoint when) {
  t.cancel();
  t.when_ = when;
  if (when == kNever) return;
  insert(t);
}

// The level is that of the highest bit in which the due tick differs from the current one, so that a slot of level n
// is emptied exactly when the wheel enters the span of 64^n ticks that it stands for.
void TimerWheel::insert(Timer& t) {
  std::uint64_t due = tick_of(t.when_);
  if (due <= current_) due = current_ + 1;
  constexpr std::uint64_t kSpan = 1ull << (kLevels * kBits);
  if (due - current_ >= kSpan / 2) due = current_ + kSpan / 2;  // looked at again when it cascades
  const std::uint64_t diff = due ^ current_;
  int level = (63 - std::countl_zero(diff)) / kBits;
  if (level >= kLevels) level = kLevels - 1;
  const int slot = static_cast<int>((due >> (level * kBits)) & (kSlots - 1));
  t.slot_ = static_cast<std::uint16_t>(level * kSlots + slot);
  t.wheel_ = this;
  Timer*& head = slots_[t.slot_];
  t.next_ = head;
  t.prev_ = &head;
  if (head) head->prev_ = &t.next_;
  head = &t;
  occupied_[static_cast<std::size_t>(level)] |= 1ull << slot;
  ++size_;
}

std::uint64_t TimerWheel::next_tick() const {
  std::uint64_t best = UINT64_MAX;
  for (int level = 0; level < kLevels; ++level) {
    const std::uint64_t bits = occupied_[static_cast<std::size_t>(level)];
    if (!bits) continue;
    const int shift = level * kBits;
    const int here = static_cast<int>((current_ >> shift) & (kSlots - 1));
    // Slots after the current one come first; those at or before it belong to the next turn of this level.
    const std::uint64_t rotated = std::rotr(bits, (here + 1) & (kSlots - 1));
    const std::uint64_t ahead = static_cast<std::uint64_t>(std::countr_zero(rotated)) + 1;
    const std::uint64_t tick = ((current_ >> shift) + ahead) << shift;
    if (tick < best) best = tick;
  }
  return best;
}

TimePoint TimerWheel::next() const {
  if (size_ == 0) return kNever;
  return start_ + kTick * static_cast<std::int64_t>(next_tick());
}

void TimerWheel::advance(TimePoint now) {
  if (now < start_) return;
  const std::uint64_t target = static_cast<std::uint64_t>((now - start_) / kTick);
  while (size_ != 0) {
    const std::uint64_t tick = next_tick();
    if (tick > target) break;
    current_ = tick;
    // Highest level first: what falls out of it may land in a lower slot of this same tick.
    for (int level = kLevels - 1; level >= 0; --level) {
      const int shift = level * kBits;
      if (level > 0 && (current_ & ((1ull << shift) - 1)) != 0) continue;
      const std::size_t slot = static_cast<std::size_t>(level * kSlots) + ((current_ >> shift) & (kSlots - 1));
      // Take the list away first: callbacks may arm timers for this very slot.
      Timer* list = slots_[slot];
      if (!list) continue;
      slots_[slot] = nullptr;
      occupied_[static_cast<std::size_t>(level)] &= ~(1ull << (slot % kSlots));
      list->prev_ = &list;
      while (list) {
        Timer* t = list;
        list = t->next_;
        if (list) list->prev_ = &list;
        t->prev_ = nullptr;
        t->next_ = nullptr;
        --size_;
        if (tick_of(t->when_) <= current_) {
          guarded("a timer", [t] { t->fire_(*t); });
        } else {
          insert(*t);
        }
      }
    }
  }
  if (target > current_) current_ = target;
}

}  // namespace fairlead::net
