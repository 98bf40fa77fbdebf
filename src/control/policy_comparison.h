#pragma once
// The comparison of what the store says with what the edges obey, domain by domain: an operator's answer to "is
// everything I configured in force?", and the tests' after a crash. Nothing is remembered: each call composes every
// domain anew, as the publisher does at its start (about a second for 10,000), and asks every edge.

#include <cstdint>
#include <string>
#include <vector>

#include "control/context.h"
#include "control/failure.h"

namespace fairlead::control {

// By name.
struct EdgeComparison {
  std::string edge;  // its id
  bool answered = false;
  std::uint64_t revision = 0;
  std::size_t domains = 0;
  std::vector<std::string> missing, surplus, different;
};

struct PolicyComparison {
  std::int64_t revision = 0;  // of the newest change in the store
  std::size_t domains = 0;    // that edges are to know
  std::vector<std::string> unusable;
  std::vector<EdgeComparison> edges;
};

// An edge that has not come to the newest revision yet, or is ahead of what was read, differs in what lies between; one
// that has no answer is none of the errors, which are the store's.
Outcome<PolicyComparison> compare_policy(Context& context);

}  // namespace fairlead::control
