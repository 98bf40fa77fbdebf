#pragma once
// `fairlead apply -f FILE`: brings the server to what a file asks for. A plan first, then its steps in order, each
// guarded by the revision that the plan was made from; applying the same file again changes nothing. When a step fails,
// those before it have been done, and a next `apply` goes on from there.

#include "cli/desk.h"

#include <string>

namespace fairlead::cli {

struct ApplyArgs {
  std::string file;
  std::string account;   // for operators: whose; empty: the caller's
  bool dry_run = false;  // the plan alone
  bool yes = false;      // without asking
  bool prune = false;    // delete what the file does not have
  bool start = false;    // bring every domain of the file online
};

// The exit status: 0, or 2 when a dry run found something to change.
Told<int> apply(Desk& desk, const ApplyArgs& args);

}  // namespace fairlead::cli
