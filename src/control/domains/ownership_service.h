#pragma once
// Ownership service: the proof that a domain is its account's (R16), asked for, looked for, given. Looks are
// persistent: the domain's row says when the next one is due, so a restart goes on where the last process stopped. A
// look takes seconds and never happens inside a transaction.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <thread>

#include "control/caller.h"
#include "control/context.h"
#include "control/failure.h"
#include "control/ownership/ownership_check.h"
#include "store/domains.h"

namespace fairlead::control {

// The row, with the domain's name and what must be shown where.
struct OwnershipView {
  store::Domain domain;
  std::string dns_name, dns_value;
  std::string http_url;  // empty for a wildcard
};

Outcome<OwnershipView> get_ownership(Context& context, const Caller& caller, std::string_view name);
// Has it looked for from now on; OwnershipVerifier::wake() comes next.
Outcome<OwnershipView> ask_for_check(Context& context, const Caller& caller, std::string_view name);
// An operator's word, in place of a proof.
Outcome<OwnershipView> vouch(Context& context, const Caller& caller, std::string_view name);

// How long after each look without proof comes the next: DNS takes its time. After the last the looks end, and a domain
// in `checking` becomes check_failed.
inline constexpr std::chrono::seconds kLookDelays[] = {
    std::chrono::seconds(5),   std::chrono::seconds(10),  std::chrono::seconds(15),  std::chrono::seconds(30),
    std::chrono::seconds(60),  std::chrono::seconds(60),  std::chrono::seconds(120), std::chrono::seconds(300),
    std::chrono::seconds(300), std::chrono::seconds(600), std::chrono::seconds(600)};

class OwnershipVerifier {
 public:
  // A thread that looks for what is due, up to kAtOnce at a time. `delays` are for tests.
  explicit OwnershipVerifier(Context& context, std::span<const std::chrono::seconds> delays = kLookDelays);
  ~OwnershipVerifier();  // waits for looks under way, about ten seconds at most

  void wake();

  static constexpr std::int64_t kAtOnce = 4;

 private:
  void run();
  // False when what was found could not be noted, so that they are still due.
  bool look_at_all(const std::vector<store::Domain>& domains);
  bool look(const store::Domain& domain);
  base::Result<void> note(const store::Domain& looked_at, const OwnershipResult& result);

  Context& context_;
  const std::span<const std::chrono::seconds> delays_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace fairlead::control
