#pragma once
// Memory that runs out on purpose: operator new throws std::bad_alloc for chosen allocations of this thread, or of the
// program's other threads. It works in a test program that links testing/scarce_memory.cc, whose operators call malloc
// and free, so that a sanitizer still sees every block (though not which kind of delete gave it back).
//
//   ScarceMemory::fail_nth(n);            // this thread's n-th allocation from now (0: the next one) fails, once
//   bool happened = ScarceMemory::end();  // no more; whether it came to that
//
// A test that fails the first allocation, then the second, and so on until none is left to fail has been everywhere.

#include <cstddef>

namespace fairlead::net::testing {

struct ScarceMemory {
  static void fail_nth(long n);
  static bool end();

  // The next `count` allocations of threads other than this one fail.
  static void fail_elsewhere(long count);
  static long end_elsewhere();  // how many have not failed yet
};

}  // namespace fairlead::net::testing
