#pragma once
// What keeps one client from taking the control plane's time, or from guessing passwords: a rate of requests by key,
// and a growing wait after failed logins. Both remember a bounded number of keys (the least recently used goes first,
// so that an attack from many addresses costs memory once), are safe from any thread, read no clock (the caller gives
// the time, milliseconds since 1970), and live in memory: a restart forgets.

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace fairlead::control {

// Who counts as one client: an IPv4 address, or the /64 of an IPv6 address, because one host has all of it. What is no
// IP address (empty: a Unix socket) stands for itself.
std::string client_key(std::string_view address);

// Values by key, at most `capacity` of them; asking for one makes it the most recently used. Not thread-safe. Keys are
// cut after 320 bytes, so that the table is bounded in bytes, too.
template <class Value>
class RecentTable {
 public:
  explicit RecentTable(std::size_t capacity) : capacity_(capacity) {}

  Value* find(std::string_view key) {
    const auto it = index_.find(cut(key));
    if (it == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it->second);
    return &it->second->second;
  }
  // Made from `otherwise` when it is not there, in the place of the least recently used when the table is full.
  Value& get(std::string_view key, Value otherwise) {
    if (Value* value = find(key)) return *value;
    if (entries_.size() >= capacity_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(cut(key), otherwise);
    index_.emplace(entries_.front().first, entries_.begin());
    return entries_.front().second;
  }
  void erase(std::string_view key) {
    const auto it = index_.find(cut(key));
    if (it == index_.end()) return;
    const auto entry = it->second;
    index_.erase(it);
    entries_.erase(entry);
  }
  std::size_t size() const { return entries_.size(); }

 private:
  static std::string_view cut(std::string_view key) { return key.substr(0, 320); }

  std::size_t capacity_;
  std::list<std::pair<std::string, Value>> entries_;  // most recently used first
  std::unordered_map<std::string_view, typename std::list<std::pair<std::string, Value>>::iterator> index_;
};

// Token buckets: `per_second` requests in the long run, `burst` at once.
class RateLimit {
 public:
  static constexpr std::size_t kKeys = 65536;

  // per_second 0: no limit. burst 0: two seconds' worth.
  explicit RateLimit(std::uint32_t per_second, std::uint32_t burst = 0, std::size_t keys = kKeys);

  // Whether one more is in order now; if not, `*retry_after_s` (may be null) says when it will be, at least 1.
  bool take(std::string_view key, std::int64_t now_ms, int* retry_after_s = nullptr);
  std::size_t keys() const;

 private:
  struct Bucket {
    std::int64_t level;  // thousandths of a request
    std::int64_t at_ms;  // when it was that full
  };
  const std::int64_t per_second_, full_;
  mutable std::mutex mutex_;
  RecentTable<Bucket> buckets_;
};

// Failed logins, and how long to wait for the next try:
// - by e-mail address and client: five tries are free, then each costs twice the wait of the one before (2 s, 4 s,
// ...);
//   after ten, 15 minutes.
// - by client, whatever the e-mail address (one password tried on many users): the same from 50 on. Loopback and Unix
//   sockets are exempt: behind them stand many.
// - by e-mail address, whatever the client (many hosts guess at one user): from 50 on, the first rule allows each
// client
//   two free tries and five at most. Nothing that strangers do shuts a user out of a client nobody else has failed
//   from: locking the account itself would be a weapon for whoever knows an e-mail address.
// Failures are forgotten 15 minutes after the last one. Ask before the password is looked at, whether or not there is
// such a user; tries that are under way at the same time do not see each other's failures.
class LoginGuard {
 public:
  static constexpr std::int64_t kWindowMs = 15 * 60 * 1000;
  static constexpr std::size_t kKeys = 65536;  // of each kind

  explicit LoginGuard(std::size_t keys = kKeys);

  // Seconds to wait (for Retry-After, with 429), nullopt when the try may be made.
  std::optional<int> refused_for_s(std::string_view email, std::string_view address, std::int64_t now_ms);
  void failed(std::string_view email, std::string_view address, std::int64_t now_ms);
  // Forgets the failures of this e-mail address from this client, and only those: otherwise whoever has one account
  // could go on guessing at the others.
  void succeeded(std::string_view email, std::string_view address);
  std::size_t keys() const;

 private:
  struct Failures {
    int count = 0;
    std::int64_t last_ms = 0;
  };
  struct Rule {
    int free, most;
  };
  static constexpr Rule kPair{5, 10}, kPairUnderAttack{2, 5}, kClient{50, 60};
  static constexpr int kAttack = 50;

  // What still counts at now_ms.
  static Failures recent(RecentTable<Failures>& table, const std::string& key, std::int64_t now_ms);
  static void count(RecentTable<Failures>& table, const std::string& key, std::int64_t now_ms);
  static std::int64_t wait_ms(Failures failures, Rule rule, std::int64_t now_ms);

  mutable std::mutex mutex_;
  RecentTable<Failures> pairs_, clients_, emails_;
};

}  // namespace fairlead::control
