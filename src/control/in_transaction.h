#pragma once
// read_in and write_in: one transaction of a service, whose function says Outcome<T> instead of base::Result<T>: a
// Failure rolls back what was written and is handed on as it is. As with Database::read and write the function may be
// called more than once and must have no effect but through its Transaction.

#include <optional>
#include <type_traits>
#include <utility>

#include "control/failure.h"
#include "store/database.h"

namespace fairlead::control {
namespace in_transaction_detail {

template <bool kWrites, class F>
auto run(store::Database& database, F& f) -> std::invoke_result_t<F&, store::Transaction&> {
  using T = typename std::invoke_result_t<F&, store::Transaction&>::value_type;
  std::optional<Failure> failure;  // of the last try
  auto once = [&](store::Transaction& tx) -> base::Result<T> {
    failure.reset();
    auto outcome = f(tx);
    if (outcome) {
      if constexpr (std::is_void_v<T>) {
        return {};
      } else {
        return std::move(*outcome);
      }
    }
    failure = std::move(outcome.error());
    // The engine's own error, when there is one, tells the database whether another try is sound.
    if (tx.failure()) return std::unexpected(*tx.failure());
    return base::fail(base::Code::cancelled, base::Side::none, "the service refused");
  };
  auto done = [&] {
    if constexpr (kWrites) {
      return database.write(once);
    } else {
      return database.read(once);
    }
  }();
  if (!done && failure) return std::unexpected(std::move(*failure));
  if (!done) return std::unexpected(from_store(done.error()));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*done);
  }
}

}  // namespace in_transaction_detail

template <class F>
auto read_in(store::Database& database, F f) {
  return in_transaction_detail::run<false>(database, f);
}
template <class F>
auto write_in(store::Database& database, F f) {
  return in_transaction_detail::run<true>(database, f);
}

// What a store function said, as a service says it: std::unexpected of the failure.
template <class T>
std::unexpected<Failure> failed(const base::Result<T>& result) {
  return std::unexpected(from_store(result.error()));
}

}  // namespace fairlead::control
