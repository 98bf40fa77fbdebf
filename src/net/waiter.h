#pragma once
// Waiter: whom to resume when what was waited for has come: a coroutine, or an object that is Resumable because a frame
// of its own beside every idle session would cost more than it is worth (edge/relay.h). One word; whoever holds it need
// not know which it is.

#include <coroutine>
#include <cstdint>

namespace fairlead::net {

class Resumable {
 public:
  virtual void resume() = 0;

 protected:
  ~Resumable() = default;
};

class Waiter {
 public:
  Waiter() = default;
  Waiter(std::coroutine_handle<> h) : word_(reinterpret_cast<std::uintptr_t>(h.address())) {}
  template <class P>
  Waiter(std::coroutine_handle<P> h) : Waiter(std::coroutine_handle<>(h)) {}
  // It outlives the wait.
  Waiter(Resumable& r) : word_(reinterpret_cast<std::uintptr_t>(&r) | kResumable) {}

  explicit operator bool() const { return word_ != 0; }
  void resume() const {
    if (word_ & kResumable) {
      reinterpret_cast<Resumable*>(word_ - kResumable)->resume();
    } else {
      std::coroutine_handle<>::from_address(reinterpret_cast<void*>(word_)).resume();
    }
  }
  void operator()() const { resume(); }

 private:
  static constexpr std::uintptr_t kResumable = 1;  // frames and objects with a virtual function are aligned to words
  std::uintptr_t word_ = 0;
};

}  // namespace fairlead::net
