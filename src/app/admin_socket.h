#pragma once
// AdminSocket: the listening socket of the admin server, over TCP or in the file system. Opened with plain system calls
// because the HTTP library's own way shares a port with whoever has it already (SO_REUSEPORT), forgets errno and cannot
// set the mode of a socket file.

#include "base/error.h"
#include "net/address.h"

namespace fairlead::app {

class AdminSocket {
 public:
  // "ip:port", "[ip6]:port" or "unix:/path". A Unix socket has mode 0660 before anyone can connect. A socket file that
  // nobody listens on (left by a process that was killed) is replaced; one that is alive, and a file that is no socket,
  // are conflicts. Errors: config side, with the address: malformed, conflict, resources.
  static base::Result<AdminSocket> open(const std::string& address);

  AdminSocket() = default;
  AdminSocket(AdminSocket&& other) noexcept { *this = std::move(other); }
  AdminSocket& operator=(AdminSocket&& other) noexcept;
  ~AdminSocket() { close(); }

  int fd() const { return fd_; }
  const net::SocketAddress& address() const { return address_; }  // the real port in place of 0

  // Ends every accept() on it, now and later, and of its duplicates. From any thread.
  void shut_down();
  // Closes it, and removes its file unless another one has taken the name.
  void close();

 private:
  base::Result<void> open_unix();
  base::Result<void> listen();
  base::Error error(int number) const;

  int fd_ = -1;
  net::SocketAddress address_;
  std::string path_;                           // of our socket file; empty: none
  unsigned long long device_ = 0, inode_ = 0;  // of that file, to know it again
};

}  // namespace fairlead::app
