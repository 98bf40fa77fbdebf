#include "app/admin_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fairlead::app {
namespace {

constexpr int kBacklog = 64;
constexpr mode_t kSocketMode = 0660;

// Whether somebody answers on a Unix socket. Any verdict but a plain refusal counts as alive: a full backlog, and a
// file we may not touch, are no proof of death.
bool nobody_listens(const net::SocketAddress& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  sockaddr_storage native{};
  const socklen_t length = address.to_native(&native);
  const bool refused = ::connect(probe, reinterpret_cast<sockaddr*>(&native), length) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

}  // namespace

base::Result<AdminSocket> AdminSocket::open(const std::string& address) {
  auto parsed = net::SocketAddress::parse(address);
  if (!parsed) {
    return base::fail(base::Code::malformed, base::Side::config,
                      "\"" + address + "\" is not ip:port, [ip6]:port or unix:/path");
  }
  AdminSocket socket;
  socket.address_ = *parsed;
  const int family = parsed->family() == net::Family::unix_  ? AF_UNIX
                     : parsed->family() == net::Family::ipv6 ? AF_INET6
                                                             : AF_INET;
  socket.fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket.fd_ < 0) return std::unexpected(socket.error(errno));
  auto done = family == AF_UNIX ? socket.open_unix() : socket.listen();
  if (!done) return std::unexpected(done.error());
  return socket;
}

base::Result<void> AdminSocket::open_unix() {
  const std::string path = address_.ip();
  struct stat file{};
  if (::lstat(path.c_str(), &file) == 0) {
    if (!S_ISSOCK(file.st_mode)) {
      return base::fail(base::Code::conflict, base::Side::config, address_.to_string() + ": the file is no socket");
    }
    if (!nobody_listens(address_)) return std::unexpected(error(EADDRINUSE));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return std::unexpected(error(errno));
  }
  // bind() makes the file with the mode of the socket less the umask, so it is never wider than this; chmod() then
  // undoes the umask. Nobody can connect before listen().
  if (::fchmod(fd_, kSocketMode) != 0) return std::unexpected(error(errno));
  sockaddr_storage native{};
  const socklen_t length = address_.to_native(&native);
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&native), length) != 0) return std::unexpected(error(errno));
  path_ = path;
  if (::lstat(path.c_str(), &file) != 0) return std::unexpected(error(errno));
  device_ = file.st_dev;
  inode_ = file.st_ino;
  if (::chmod(path.c_str(), kSocketMode) != 0 || ::listen(fd_, kBacklog) != 0) return std::unexpected(error(errno));
  return {};
}

base::Result<void> AdminSocket::listen() {
  // SO_REUSEADDR: a restart need not wait for the connections of the last run. It does not share the port.
  const int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage native{};
  socklen_t length = address_.to_native(&native);
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&native), length) != 0 || ::listen(fd_, kBacklog) != 0) {
    return std::unexpected(error(errno));
  }
  length = sizeof native;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&native), &length) != 0) return std::unexpected(error(errno));
  address_ = net::SocketAddress::from_native(reinterpret_cast<sockaddr*>(&native), length);
  return {};
}

base::Error AdminSocket::error(int number) const {
  return base::from_errno(number, base::Side::config, address_.to_string());
}

AdminSocket& AdminSocket::operator=(AdminSocket&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  address_ = std::move(other.address_);
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

void AdminSocket::shut_down() {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

void AdminSocket::close() {
  if (!path_.empty()) {
    struct stat file{};
    if (::lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_) ::unlink(path_.c_str());
    path_.clear();
  }
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace fairlead::app
