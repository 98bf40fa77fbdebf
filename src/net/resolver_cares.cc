// CaresResolver: c-ares asks, this file waits for it in the loop, remembers the answers and hands them to whoever
// asked.
//
// c-ares says which of its sockets it wants to hear of (on_socket) and when it wants to be called at the latest
// (ares_timeout). Its answers arrive inside process(); waiters are resumed by the loop afterwards, never from there.

#include <ares.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <unordered_map>

#include "net/resolver.h"

namespace fairlead::net {

using base::Code;
using base::Error;
using base::Retry;
using base::Side;

namespace {

// RFC 1035 section 2.3.4 for the lengths; '_' because service names use it. A trailing dot means "no search list".
bool is_host_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
    if (++label > 63) return false;
  }
  return label > 0;
}

// "No such name" is an answer; everything else means that DNS itself did not work, and an old answer may serve.
Error error_of(int status, const std::string& name) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return Error(Code::not_found, Side::origin, fmt::format("{}: {}", name, ares_strerror(status)), Retry::later);
    case ARES_EBADNAME: return Error(Code::malformed, Side::origin, fmt::format("{}: {}", name, ares_strerror(status)));
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED: return Error(Code::cancelled, Side::origin, "resolve " + name);
    case ARES_ENOMEM: return Error(Code::resources, Side::edge, "resolve " + name, Retry::later);
    default:
      return Error(Code::unreachable, Side::origin, fmt::format("{}: DNS failed: {}", name, ares_strerror(status)),
                   Retry::later);
  }
}

}  // namespace

class CaresResolver::Channel final : Timer {
 public:
  explicit Channel(EventLoop& event_loop)
      : Timer([](Timer& t) { static_cast<Channel&>(t).process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }), loop(event_loop) {}
  ~Channel();

  base::Result<void> open(const Options& options);

  struct Entry;
  class Lookup;

  Entry& entry(const std::string& name);
  // An answer from memory: fresh, or a failure of a moment ago; nullopt = ask.
  std::optional<base::Result<ResolvedName>> remembered(Entry& e);
  std::optional<ResolvedName> stale_answer(const Entry& e);
  void ask(Entry& e);

  EventLoop& loop;
  Stats stats;

 private:
  struct Watch final : Pollable {
    Channel* channel = nullptr;
    int fd = -1;
    Events events = Poller::kNotWatched;
    void on_ready(Events ready) override {
      channel->process(ready & (kReadable | kHangup) ? fd : ARES_SOCKET_BAD, ready & kWritable ? fd : ARES_SOCKET_BAD);
    }
  };
  static void on_socket(void* self, ares_socket_t fd, int readable, int writable);
  template <bool Alone>
  static void on_answer(void* entry, int status, int timeouts, ares_addrinfo* answer);
  void process(ares_socket_t readable, ares_socket_t writable);
  void rearm();
  void ask_ipv4_alone(Entry& e);
  void settle(Entry& e, int status, const ares_addrinfo* answer);

  ares_channel channel_ = nullptr;
  Duration patience_{};
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
  std::vector<std::unique_ptr<Watch>> buried_;  // closed by c-ares while one of them may be on the stack
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
};

// What is known of one name, and who waits to know it.
struct CaresResolver::Channel::Entry final : Timer {
  Entry() : Timer([](Timer& t) { static_cast<Entry&>(t).lose_patience(); }) {}
  void lose_patience() { channel->ask_ipv4_alone(*this); }

  Channel* channel = nullptr;
  std::string name;
  std::vector<SocketAddress> addresses;  // the last good answer
  TimePoint expires = TimePoint::min();  // of addresses
  std::optional<Error> failure;          // the last query's
  TimePoint failed_until = TimePoint::min();
  TimePoint used = TimePoint::min();
  bool asking = false;        // for both families
  bool asking_alone = false;  // for IPv4
  Lookup* waiters = nullptr;
};

// One waiter, in the frame of resolve(): until the answer, the date, or the stop.
class CaresResolver::Channel::Lookup final : Timer {
 public:
  Lookup(Entry& e, TimePoint deadline, StopToken stop)
      : Timer([](Timer& t) { static_cast<Lookup&>(t).expire(); }),
        entry_(e),
        deadline_(deadline),
        next_(e.waiters),
        stop_(stop, OnStop{this}) {
    if (!over_) e.waiters = this;
  }
  ~Lookup() { leave(); }

  bool await_ready() {
    if (!over_) entry_.channel->ask(entry_);  // /etc/hosts answers at once
    return over_;
  }
  void await_suspend(std::coroutine_handle<> h) {
    waiter_ = h;
    entry_.channel->loop.timers().set(*this, deadline_);
  }
  base::Result<ResolvedName> await_resume() { return std::move(result_); }

  // Called by the entry's settling, which has taken the whole list off.
  void complete(const base::Result<ResolvedName>& result) {
    over_ = true;
    result_ = result;
    cancel();
    if (waiter_) entry_.channel->loop.ready(std::exchange(waiter_, {}));
  }
  Lookup* next() const { return next_; }

 private:
  struct OnStop {
    Lookup* self;
    void operator()() const {
      self->leave();
      self->complete(base::fail(Code::cancelled, Side::origin, "resolve " + self->entry_.name));
    }
  };
  void expire() {
    leave();
    // Better an old address in time than a new one too late.
    if (auto old = entry_.channel->stale_answer(entry_)) {
      complete(std::move(*old));
      return;
    }
    complete(base::fail(Code::timeout, Side::origin, fmt::format("resolve {}: no answer in time", entry_.name),
                        Retry::later));
  }
  void leave() {
    if (over_) return;
    for (Lookup** p = &entry_.waiters; *p; p = &(*p)->next_) {
      if (*p != this) continue;
      *p = next_;
      break;
    }
  }

  Entry& entry_;
  TimePoint deadline_;
  Lookup* next_;
  std::coroutine_handle<> waiter_;
  bool over_ = false;
  base::Result<ResolvedName> result_ = base::fail(Code::internal, Side::edge, "resolver");
  StopCallback<OnStop> stop_;  // last: it may complete the lookup while it is built
};

CaresResolver::Channel::~Channel() {
  if (channel_) ares_destroy(channel_);  // answers every query with EDESTRUCTION and closes the sockets
}

base::Result<void> CaresResolver::Channel::open(const Options& options) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options o{};
  patience_ = options.patience;
  char lookups[] = "fb";  // /etc/hosts, then DNS
  o.lookups = lookups;
  o.timeout = static_cast<int>(options.attempt_timeout / base::milliseconds(1));
  o.tries = options.attempts;
  o.sock_state_cb = on_socket;
  o.sock_state_cb_data = this;
  const int mask = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (const int e = ares_init_options(&channel_, &o, mask); e != ARES_SUCCESS) {
    channel_ = nullptr;
    return base::fail(Code::internal, Side::edge, fmt::format("DNS: {}", ares_strerror(e)));
  }
  if (options.servers.empty()) return {};

  // As nodes and not as a string, because c-ares forgives what it cannot read in one.
  std::vector<ares_addr_port_node> nodes(options.servers.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string& text = options.servers[i];
    auto address = SocketAddress::from_ip(text, 53);
    if (!address) address = SocketAddress::parse(text);
    if (!address || address->family() == Family::unix_ || address->port() == 0) {
      return base::fail(Code::malformed, Side::config,
                        fmt::format("DNS server '{}' is not of the form ip[:port]", text));
    }
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    const bool v4 = address->family() == Family::ipv4;
    nodes[i].family = v4 ? AF_INET : AF_INET6;
    std::copy_n(address->bytes() + (v4 ? 12 : 0), v4 ? 4 : 16, reinterpret_cast<unsigned char*>(&nodes[i].addr));
    nodes[i].udp_port = nodes[i].tcp_port = address->port();
  }
  if (const int e = ares_set_servers_ports(channel_, nodes.data()); e != ARES_SUCCESS) {
    return base::fail(Code::internal, Side::edge, fmt::format("DNS servers: {}", ares_strerror(e)));
  }
  return {};
}

// c-ares opened, closed, or changed what it wants of one of its sockets.
void CaresResolver::Channel::on_socket(void* self, ares_socket_t fd, int readable, int writable) {
  auto& channel = *static_cast<Channel*>(self);
  Poller& poller = channel.loop.poller();
  auto& watch = channel.watches_[fd];
  if (!watch) {
    watch = std::make_unique<Watch>();
    watch->channel = &channel;
    watch->fd = fd;
  }
  if (!readable && !writable) {  // c-ares closes the socket after this call
    poller.forget(watch.get());
    if (watch->events != Poller::kNotWatched) poller.watch(fd, watch.get(), watch->events, Poller::kNotWatched);
    channel.buried_.push_back(std::move(watch));
    channel.watches_.erase(fd);
    return;
  }
  const Events wanted = (readable ? kReadable : 0) | (writable ? kWritable : 0);
  // When the poller has no room the query times out, which is an answer too.
  if (poller.watch(fd, watch.get(), watch->events, wanted) >= 0) watch->events = wanted;
}

void CaresResolver::Channel::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  rearm();
  buried_.clear();  // the caller is a Watch that touches nothing of its own after this, or the timer
}

void CaresResolver::Channel::rearm() {
  timeval left{};
  if (!ares_timeout(channel_, nullptr, &left)) {
    cancel();
    return;
  }
  // One tick more than c-ares says: its clock and the loop's differ by the length of a turn.
  const Duration wait = base::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec) + TimerWheel::kTick;
  loop.timers().set(*this, base::later(loop.now(), wait));
}

CaresResolver::Channel::Entry& CaresResolver::Channel::entry(const std::string& name) {
  auto& slot = entries_[name];
  if (slot) return *slot;
  slot = std::make_unique<Entry>();
  Entry* made = slot.get();
  made->channel = this;
  made->name = name;
  // Names come from configurations, so this is a bound against accidents; a scan is good enough for it.
  if (entries_.size() > kCacheSize) {
    auto oldest = entries_.end();
    for (auto i = entries_.begin(); i != entries_.end(); ++i) {
      const Entry& e = *i->second;
      if (&e == made || e.asking || e.asking_alone || e.waiters) continue;
      if (oldest == entries_.end() || e.used < oldest->second->used) oldest = i;
    }
    if (oldest != entries_.end()) entries_.erase(oldest);
  }
  stats.names = entries_.size();
  return *made;
}

std::optional<ResolvedName> CaresResolver::Channel::stale_answer(const Entry& e) {
  if (e.addresses.empty() || loop.now() >= base::later(e.expires, kStaleFor)) return std::nullopt;
  ++stats.stale;
  return ResolvedName{e.addresses, kMinTtl, true};
}

std::optional<base::Result<ResolvedName>> CaresResolver::Channel::remembered(Entry& e) {
  const TimePoint now = loop.now();
  e.used = now;  // for the eviction
  if (!e.addresses.empty() && now < e.expires) {
    ++stats.hits;
    return ResolvedName{e.addresses, std::max(kMinTtl, Duration(e.expires - now)), false};
  }
  if (!e.failure || now >= e.failed_until) return std::nullopt;
  ++stats.hits;
  if (auto old = stale_answer(e)) return std::move(*old);
  return std::unexpected(*e.failure);
}

void CaresResolver::Channel::ask(Entry& e) {
  if (std::exchange(e.asking, true)) return;
  ++stats.queries;
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // one node per address instead of one per protocol
  ares_getaddrinfo(channel_, e.name.c_str(), nullptr, &hints, on_answer<false>, &e);
  if (!e.asking) return;
  loop.timers().set(e, base::later(loop.now(), patience_));
  rearm();
}

void CaresResolver::Channel::ask_ipv4_alone(Entry& e) {
  if (!e.asking || std::exchange(e.asking_alone, true)) return;
  ++stats.impatient;
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, e.name.c_str(), nullptr, &hints, on_answer<true>, &e);
  rearm();
}

template <bool Alone>
void CaresResolver::Channel::on_answer(void* entry, int status, int, ares_addrinfo* answer) {
  auto& e = *static_cast<Entry*>(entry);
  bool counts = true;
  if (Alone) {
    e.asking_alone = false;
    // Only good news: what else there is to say of the name the full query says.
    counts = e.asking && status == ARES_SUCCESS;
  } else {
    e.asking = false;
    e.cancel();
  }
  if (counts) e.channel->settle(e, status, answer);
  ares_freeaddrinfo(answer);
}

void CaresResolver::Channel::settle(Entry& e, int status, const ares_addrinfo* answer) {
  const TimePoint now = loop.now();
  std::vector<SocketAddress> addresses;
  long ttl = kMaxTtl / base::seconds(1);
  if (status == ARES_SUCCESS && answer) {
    for (const ares_addrinfo_node* n = answer->nodes; n; n = n->ai_next) {
      const auto a = SocketAddress::from_native(n->ai_addr, n->ai_addrlen).with_port(0);
      if (std::find(addresses.begin(), addresses.end(), a) == addresses.end()) addresses.push_back(a);
      ttl = std::min(ttl, static_cast<long>(n->ai_ttl));  // 0 for /etc/hosts: read again in a second
    }
    // An alias may be moved sooner than what it points to.
    for (const ares_addrinfo_cname* c = answer->cnames; c; c = c->next) ttl = std::min(ttl, static_cast<long>(c->ttl));
    if (addresses.empty()) status = ARES_ENODATA;
  }

  base::Result<ResolvedName> result;
  if (status == ARES_SUCCESS) {
    const Duration keep = std::clamp(Duration(base::seconds(ttl)), kMinTtl, kMaxTtl);
    e.addresses = interleave_families(addresses);
    e.expires = base::later(now, keep);
    e.failure.reset();
    result = ResolvedName{e.addresses, keep, false};
  } else {
    e.failure = error_of(status, e.name);
    e.failed_until = base::later(now, kNegativeTtl);
    if (e.failure->code == Code::not_found) e.addresses.clear();  // the name is gone: an old address would be wrong
    ++stats.failures;
    if (auto old = stale_answer(e)) {
      result = std::move(*old);
    } else {
      result = std::unexpected(*e.failure);
    }
  }
  // The list is taken off first: whoever asks again from now on starts a new one.
  for (Lookup* w = std::exchange(e.waiters, nullptr); w;) {
    Lookup* following = w->next();
    w->complete(result);
    w = following;
  }
}

CaresResolver::CaresResolver(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}
CaresResolver::~CaresResolver() = default;

base::Result<std::unique_ptr<CaresResolver>> CaresResolver::create(EventLoop& loop, Options options) {
  auto channel = std::make_unique<Channel>(loop);
  if (auto ok = channel->open(options); !ok) return std::unexpected(std::move(ok.error()));
  return std::unique_ptr<CaresResolver>(new CaresResolver(std::move(channel)));
}

const CaresResolver::Stats& CaresResolver::stats() const { return channel_->stats; }

Task<base::Result<ResolvedName>> CaresResolver::resolve(std::string name, TimePoint deadline, StopToken stop) {
  if (stop.stop_requested()) co_return base::fail(Code::cancelled, Side::origin, "resolve " + name);
  if (auto literal = resolve_literal(name)) co_return std::move(*literal);
  if (!is_host_name(name))
    co_return base::fail(Code::malformed, Side::origin, fmt::format("'{}' is no host name", name));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  ++channel_->stats.lookups;
  Channel::Entry& entry = channel_->entry(name);
  if (auto known = channel_->remembered(entry)) co_return std::move(*known);
  Channel::Lookup lookup(entry, deadline, stop);
  co_return co_await lookup;
}

}  // namespace fairlead::net
