#include "net/txt_lookup.h"

#include <ares.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

namespace fairlead::net {

using base::Code;
using base::Retry;
using base::Side;

namespace {

constexpr int kClassIn = 1, kTypeTxt = 16;  // RFC 1035 sections 3.2.2 and 3.2.4

struct ChannelDeleter {
  void operator()(ares_channeldata* channel) const { ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, ChannelDeleter>;

std::unexpected<base::Error> error_of(int status, const std::string& name) {
  const auto text = fmt::format("{}: {}", name, ares_strerror(status));
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA: return base::fail(Code::not_found, Side::none, text, Retry::later);
    case ARES_EBADNAME: return base::fail(Code::malformed, Side::none, text);
    case ARES_ETIMEOUT: return base::fail(Code::timeout, Side::none, text, Retry::later);
    case ARES_ENOMEM: return base::fail(Code::resources, Side::none, text, Retry::later);
    default: return base::fail(Code::unreachable, Side::none, text, Retry::later);
  }
}

// As nodes and not as a string, because c-ares forgives what it cannot read in one.
base::Result<void> set_servers(ares_channel channel, const std::vector<std::string>& servers) {
  if (servers.empty()) return {};
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto address = SocketAddress::from_ip(servers[i], 53);
    if (!address) address = SocketAddress::parse(servers[i]);
    if (!address || address->family() == Family::unix_ || address->port() == 0) {
      return base::fail(Code::malformed, Side::config,
                        fmt::format("DNS server '{}' is not of the form ip[:port]", servers[i]));
    }
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    const bool v4 = address->family() == Family::ipv4;
    nodes[i].family = v4 ? AF_INET : AF_INET6;
    std::copy_n(address->bytes() + (v4 ? 12 : 0), v4 ? 4 : 16, reinterpret_cast<unsigned char*>(&nodes[i].addr));
    nodes[i].udp_port = nodes[i].tcp_port = address->port();
  }
  if (const int e = ares_set_servers_ports(channel, nodes.data()); e != ARES_SUCCESS) {
    return base::fail(Code::internal, Side::none, fmt::format("DNS servers: {}", ares_strerror(e)));
  }
  return {};
}

base::Result<Channel> open_channel(const DnsServers& dns) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options o{};
  char lookups[] = "b";  // DNS alone
  o.lookups = lookups;
  o.timeout = static_cast<int>(dns.attempt_timeout / base::milliseconds(1));
  o.tries = dns.attempts;
  o.ndomains = 0;  // no search list
  ares_channel raw = nullptr;
  const int mask = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS;
  if (const int e = ares_init_options(&raw, &o, mask); e != ARES_SUCCESS) {
    return base::fail(Code::internal, Side::none, fmt::format("DNS: {}", ares_strerror(e)));
  }
  Channel channel(raw);
  if (auto set = set_servers(raw, dns.servers); !set) return std::unexpected(std::move(set.error()));
  return channel;
}

// Lets the channel work until `done`, or until the time is over: then false.
bool run(ares_channel channel, base::Duration limit, const bool& done) {
  const base::TimePoint end = base::later(base::monotonic_now(), limit);
  while (!done) {
    const base::Duration left = end - base::monotonic_now();
    if (left <= base::Duration::zero()) return false;
    ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
    const int wanted = ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
    pollfd waits[ARES_GETSOCK_MAXNUM];
    nfds_t count = 0;
    for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      const int events =
          (ARES_GETSOCK_READABLE(wanted, i) ? POLLIN : 0) | (ARES_GETSOCK_WRITABLE(wanted, i) ? POLLOUT : 0);
      if (events != 0) waits[count++] = pollfd{sockets[i], static_cast<short>(events), 0};
    }
    timeval most{}, until{};
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
    most.tv_sec = micros / 1'000'000;
    most.tv_usec = micros % 1'000'000;
    const timeval* wait = ares_timeout(channel, &most, &until);
    // One millisecond more, so that c-ares finds its date past and not about to be.
    const int wait_ms = static_cast<int>(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
    const int ready = ::poll(waits, count, wait_ms);
    if (ready <= 0) {
      ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // what has timed out
      continue;
    }
    for (nfds_t i = 0; i < count && !done; ++i) {
      const short seen = waits[i].revents;
      if (seen == 0) continue;
      const bool broken = (seen & (POLLERR | POLLHUP | POLLNVAL)) != 0;
      ares_process_fd(channel, (seen & POLLIN) || broken ? waits[i].fd : ARES_SOCKET_BAD,
                      (seen & POLLOUT) ? waits[i].fd : ARES_SOCKET_BAD);
    }
  }
  return true;
}

struct TxtAnswer {
  bool done = false;
  int status = ARES_ECANCELLED;
  std::vector<std::string> texts;
};

void on_txt(void* to, int status, int /*timeouts*/, unsigned char* bytes, int length) {
  auto& answer = *static_cast<TxtAnswer*>(to);
  answer.done = true;
  answer.status = status;
  if (status != ARES_SUCCESS) return;
  ares_txt_ext* first = nullptr;
  answer.status = ares_parse_txt_reply_ext(bytes, length, &first);
  for (const ares_txt_ext* part = first; part; part = part->next) {
    const std::string_view text(reinterpret_cast<const char*>(part->txt), part->length);
    if (part->record_start || answer.texts.empty()) {
      answer.texts.emplace_back(text);
    } else {
      answer.texts.back() += text;
    }
  }
  if (first) ares_free_data(first);
}

struct AddressAnswer {
  bool done = false;
  int status = ARES_ECANCELLED;
  std::vector<SocketAddress> addresses;
};

void on_addresses(void* to, int status, int /*timeouts*/, ares_addrinfo* found) {
  auto& answer = *static_cast<AddressAnswer*>(to);
  answer.done = true;
  answer.status = status;
  for (const ares_addrinfo_node* node = found ? found->nodes : nullptr; node; node = node->ai_next)
    answer.addresses.push_back(SocketAddress::from_native(node->ai_addr, node->ai_addrlen));
  if (found) ares_freeaddrinfo(found);
}

std::unexpected<base::Error> too_late(const std::string& name) {
  return base::fail(Code::timeout, Side::none, name + ": DNS gave no answer in time", Retry::later);
}

}  // namespace

base::Result<std::vector<std::string>> lookup_txt(const std::string& name, const DnsServers& dns) {
  TxtAnswer answer;  // outlives the channel, which answers what is open when it is destroyed
  auto channel = open_channel(dns);
  if (!channel) return std::unexpected(std::move(channel.error()));
  ares_query(channel->get(), name.c_str(), kClassIn, kTypeTxt, on_txt, &answer);
  if (!run(channel->get(), dns.timeout, answer.done)) return too_late(name);
  if (answer.status != ARES_SUCCESS) return error_of(answer.status, name);
  if (answer.texts.empty()) return error_of(ARES_ENODATA, name);
  return std::move(answer.texts);
}

base::Result<std::vector<SocketAddress>> lookup_addresses(const std::string& name, std::uint16_t port,
                                                          const DnsServers& dns) {
  if (auto literal = SocketAddress::from_ip(name, port)) return std::vector<SocketAddress>{*literal};
  AddressAnswer answer;
  auto channel = open_channel(dns);
  if (!channel) return std::unexpected(std::move(channel.error()));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel->get(), name.c_str(), nullptr, &hints, on_addresses, &answer);
  if (!run(channel->get(), dns.timeout, answer.done)) return too_late(name);
  if (answer.status != ARES_SUCCESS) return error_of(answer.status, name);
  if (answer.addresses.empty()) return error_of(ARES_ENODATA, name);
  for (SocketAddress& address : answer.addresses) address = address.with_port(port);
  return std::move(answer.addresses);
}

}  // namespace fairlead::net
