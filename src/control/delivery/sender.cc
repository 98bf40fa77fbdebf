#include "control/delivery/sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/log.h"
#include "control/delivery/http_client.h"
#include "control/delivery/mail.h"
#include "control/delivery/notices.h"
#include "control/delivery/webhook.h"
#include "store/outbox.h"

namespace fairlead::control {

using base::Code;
using base::Error;
using base::Result;
using base::Retry;
using base::Side;
using store::Notice;

namespace {

constexpr std::chrono::seconds kStoreRest{1};  // when the database is away
constexpr std::chrono::minutes kPruneEvery{10};
constexpr std::size_t kMaxReason = 500;  // bytes of last_error

// What a peer said, as any column and any terminal takes it.
std::string printable(std::string text) {
  if (text.size() > kMaxReason) text.resize(kMaxReason);
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return text;
}

// Who holds a webhook's URL may be able to write to what is behind it: the log says whose it is.
std::string shown_destination(const Notice& notice) {
  return notice.kind == store::NoticeKind::webhook ? url_place(notice.destination) : notice.destination;
}

bool is_nobody_there(const Error& error) {
  switch (error.code) {
    case Code::unreachable:
    case Code::refused:
    case Code::timeout:
    case Code::tls:
    case Code::certificate: return true;
    default: return false;
  }
}

}  // namespace

std::chrono::milliseconds retry_delay(const Delays& delays, std::int64_t attempts, double chance) {
  auto delay = delays.first;
  for (std::int64_t i = 1; i < attempts && delay < delays.longest; ++i) delay *= 2;
  delay = std::min(delay, delays.longest);
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(delay.count()) * (0.8 + 0.4 * chance)));
}

class OutboxSender::Work {
 public:
  Work(store::Database& database, const model::ControlConfig& config, const Secrets& secrets,
       std::function<std::int64_t()> now_ms, Delays delays)
      : database_(database), config_(config), secrets_(secrets), now_ms_(std::move(now_ms)), delays_(delays) {
    thread_ = std::thread([this] { run(); });
  }

  void notify() {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    if (!changed_.wait_for(lock, kStopGrace, [this] { return ended_; })) abort_ = true;
    changed_.wait(lock, [this] { return ended_; });
    if (!thread_.joinable()) return;
    std::thread thread = std::move(thread_);
    lock.unlock();
    thread.join();
  }

  Counters counters() const { return {sent_, retried_, failed_}; }

 private:
  void run() {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) break;
        woken_ = false;  // what is written from here on is noticed after the turn
      }
      const std::chrono::milliseconds wait = turn();
      std::unique_lock lock(mutex_);
      if (wait.count() > 0) changed_.wait_for(lock, wait, [this] { return stopping_ || woken_; });
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  // Sends one notice, if one is due; then how long nothing will be.
  std::chrono::milliseconds turn() {
    const std::int64_t now = now_ms_();
    auto claimed =
        database_.write([&](store::Transaction& tx) { return store::claim_due(tx, now, 1, delays_.lease.count()); });
    if (!claimed) return store_failed(claimed.error());
    if (!claimed->empty()) {
      attempt(claimed->front());
      return {};
    }
    prune(now);
    auto next = database_.read([](store::Transaction& tx) { return store::next_due_ms(tx); });
    if (!next) return store_failed(next.error());
    if (!*next) return delays_.look;
    return std::clamp(std::chrono::milliseconds(**next - now), std::chrono::milliseconds(1), delays_.look);
  }

  std::chrono::milliseconds store_failed(const Error& error) {
    base::log_warn("outbox: {}", describe(error));
    return kStoreRest;
  }

  void attempt(const Notice& notice) {
    const std::string receiver = notice.kind == store::NoticeKind::email ? config_.mail.server : notice.destination;
    const auto rest = rests_.find(receiver);
    const bool resting = rest != rests_.end() && now_ms_() < rest->second.until_ms;
    Result<void> sent;
    if (resting) {
      sent = std::unexpected(rest->second.error);
    } else {
      rests_.erase(receiver);
      sent = send(notice);
      if (!sent && is_nobody_there(sent.error()) && delays_.rest.count() > 0)
        rests_[receiver] = {now_ms_() + delays_.rest.count(), sent.error()};
    }
    report(notice, sent, resting);
  }

  Result<void> send(const Notice& notice) {
    if (notice.kind == store::NoticeKind::email) {
      auto text = read_mail_notice(notice, secrets_);
      if (!text) return std::unexpected(std::move(text.error()));
      Mail mail;
      mail.subject = std::move(text->subject);
      mail.text = std::move(text->text);
      mail.to = notice.destination;
      mail.id = notice.id;
      mail.date_ms = notice.created_ms;  // and not of the attempt: a repetition is the same message
      return send_mail(config_.mail, mail, &abort_);
    }
    const auto webhook = std::find_if(config_.webhooks.begin(), config_.webhooks.end(),
                                      [&](const model::WebhookConfig& w) { return w.url == notice.destination; });
    if (webhook == config_.webhooks.end()) {
      return base::fail(Code::unsupported, Side::config, "no webhook is configured with this address", Retry::later);
    }
    return send_webhook(*webhook, WebhookCall{notice.id, notice.payload, now_ms_()}, &abort_);
  }

  void report(const Notice& notice, const Result<void>& sent, bool resting) {
    std::optional<std::int64_t> retry_at;
    std::string reason;
    if (!sent) {
      reason = printable(describe(sent.error()));
      // Broken off by stop(): that was not the receiver's doing.
      const bool ours = sent.error().code == Code::cancelled;
      const std::int64_t at = now_ms_() + (ours ? 0 : retry_delay(delays_, notice.attempts, chance_(random_)).count());
      if (sent.error().retry != Retry::never && at <= notice.created_ms + delays_.give_up.count()) retry_at = at;
      // A receiver that rests has been complained of.
      base::log_line(!retry_at ? base::LogLevel::warn
                     : resting ? base::LogLevel::debug
                               : base::LogLevel::info,
                     fmt::format("notice {} ({} to {}), attempt {}: {}; {}", notice.id, to_string(notice.kind),
                                 printable(shown_destination(notice)), notice.attempts, reason,
                                 retry_at ? "it will be tried again" : "given up"));
    }
    const auto done = database_.write([&](store::Transaction& tx) {
      return sent ? store::mark_done(tx, notice) : store::mark_failed(tx, notice, reason, retry_at);
    });
    // Not reported: the lease runs out and the notice is sent once more, which its receiver can tell.
    if (!done) base::log_warn("notice {}: {}", notice.id, describe(done.error()));
    ++(sent ? sent_ : retry_at ? retried_ : failed_);
  }

  void prune(std::int64_t now) {
    if (now < prune_at_ms_) return;
    prune_at_ms_ = now + std::chrono::milliseconds(kPruneEvery).count();
    const auto done =
        database_.write([&](store::Transaction& tx) { return store::prune_notices(tx, now - delays_.keep.count()); });
    if (!done) store_failed(done.error());
  }

  struct Rest {
    std::int64_t until_ms = 0;
    Error error;
  };

  store::Database& database_;
  const model::ControlConfig& config_;
  const Secrets& secrets_;
  const std::function<std::int64_t()> now_ms_;
  const Delays delays_;

  // Of the thread alone.
  std::map<std::string, Rest> rests_;  // by mail server or URL: as many as are configured
  std::int64_t prune_at_ms_ = 0;
  std::minstd_rand random_{std::random_device()()};
  std::uniform_real_distribution<double> chance_{0, 1};

  std::atomic<std::uint64_t> sent_{0}, retried_{0}, failed_{0};
  std::atomic<bool> abort_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false, stopping_ = false, ended_ = false;
  std::thread thread_;  // last: it uses all of the above
};

OutboxSender::OutboxSender(store::Database& database, const model::ControlConfig& config, const Secrets& secrets,
                           std::function<std::int64_t()> now_ms, Delays delays)
    : work_(std::make_unique<Work>(database, config, secrets, std::move(now_ms), delays)) {}
OutboxSender::~OutboxSender() { stop(); }
void OutboxSender::notify() { work_->notify(); }
void OutboxSender::stop() { work_->stop(); }
OutboxSender::Counters OutboxSender::counters() const { return work_->counters(); }

}  // namespace fairlead::control
