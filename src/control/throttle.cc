#include "control/throttle.h"

#include <algorithm>

#include "net/address.h"

namespace fairlead::control {
namespace {

std::string lower(std::string_view text) {
  std::string out(text.substr(0, 254));  // RFC 5321 4.5.3.1.3: no mailbox is longer
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// NUL separates: neither an e-mail address nor an IP address holds one, and what holds one is its sender's own loss.
std::string pair_key(std::string_view email, std::string_view client) {
  std::string key(client);
  key += '\0';
  return key + lower(email);
}

bool stands_for_many(std::string_view address) {
  if (address.empty()) return true;
  const auto parsed = net::SocketAddress::from_ip(address, 0);
  return parsed && parsed->is_loopback();
}

}  // namespace

std::string client_key(std::string_view address) {
  const auto parsed = net::SocketAddress::from_ip(address, 0);
  if (!parsed) return std::string(address);
  std::string text = parsed->ip();
  if (text.find(':') == std::string::npos) return text;
  return std::string(reinterpret_cast<const char*>(parsed->bytes()), 8) + "/64";
}

RateLimit::RateLimit(std::uint32_t per_second, std::uint32_t burst, std::size_t keys)
    : per_second_(per_second),
      full_(1000 * (burst ? std::int64_t{burst} : 2 * std::int64_t{per_second})),
      buckets_(keys) {}

bool RateLimit::take(std::string_view key, std::int64_t now_ms, int* retry_after_s) {
  if (per_second_ == 0) return true;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = buckets_.get(key, Bucket{full_, now_ms});
  // A clock that was set back gives nothing and takes nothing. A long pause must not overflow the product.
  const std::int64_t passed = std::clamp<std::int64_t>(now_ms - bucket.at_ms, 0, full_ / per_second_ + 1);
  bucket.level = std::min(full_, bucket.level + passed * per_second_);
  bucket.at_ms = now_ms;
  if (bucket.level >= 1000) {
    bucket.level -= 1000;
    return true;
  }
  if (retry_after_s) {
    const std::int64_t wait_ms = (1000 - bucket.level + per_second_ - 1) / per_second_;
    *retry_after_s = static_cast<int>(std::max<std::int64_t>(1, (wait_ms + 999) / 1000));
  }
  return false;
}

std::size_t RateLimit::keys() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

LoginGuard::LoginGuard(std::size_t keys) : pairs_(keys), clients_(keys), emails_(keys) {}

std::optional<int> LoginGuard::refused_for_s(std::string_view email, std::string_view address, std::int64_t now_ms) {
  const std::string client = client_key(address);
  const std::lock_guard lock(mutex_);
  const bool attacked = recent(emails_, lower(email), now_ms).count >= kAttack;
  std::int64_t wait =
      wait_ms(recent(pairs_, pair_key(email, client), now_ms), attacked ? kPairUnderAttack : kPair, now_ms);
  if (!stands_for_many(address)) wait = std::max(wait, wait_ms(recent(clients_, client, now_ms), kClient, now_ms));
  if (wait <= 0) return std::nullopt;
  return static_cast<int>((wait + 999) / 1000);
}

void LoginGuard::failed(std::string_view email, std::string_view address, std::int64_t now_ms) {
  const std::string client = client_key(address);
  const std::lock_guard lock(mutex_);
  count(pairs_, pair_key(email, client), now_ms);
  count(emails_, lower(email), now_ms);
  if (!stands_for_many(address)) count(clients_, client, now_ms);
}

void LoginGuard::succeeded(std::string_view email, std::string_view address) {
  const std::lock_guard lock(mutex_);
  pairs_.erase(pair_key(email, client_key(address)));
}

std::size_t LoginGuard::keys() const {
  const std::lock_guard lock(mutex_);
  return pairs_.size() + clients_.size() + emails_.size();
}

LoginGuard::Failures LoginGuard::recent(RecentTable<Failures>& table, const std::string& key, std::int64_t now_ms) {
  const Failures* known = table.find(key);
  // A clock that was set back must not keep anyone waiting for longer than the window.
  if (!known || now_ms - known->last_ms >= kWindowMs || known->last_ms > now_ms) return {};
  return *known;
}

void LoginGuard::count(RecentTable<Failures>& table, const std::string& key, std::int64_t now_ms) {
  const Failures before = recent(table, key, now_ms);
  table.get(key, {}) = {before.count + 1, now_ms};
}

std::int64_t LoginGuard::wait_ms(Failures failures, Rule rule, std::int64_t now_ms) {
  if (failures.count < rule.free) return 0;
  const std::int64_t wait = failures.count >= rule.most ? kWindowMs : 2000LL << (failures.count - rule.free);
  return failures.last_ms + std::min(wait, kWindowMs) - now_ms;
}

}  // namespace fairlead::control
