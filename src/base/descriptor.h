#pragma once
// Descriptor: a file descriptor that is closed on every way out. One that is moved from has none.

#include <unistd.h>

#include <utility>

namespace fairlead::base {

class Descriptor {
 public:
  Descriptor() = default;
  // Of open(2) and the like; negative: none, and errno is still that of the call.
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace fairlead::base
