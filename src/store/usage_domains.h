#pragma once
// How the tables of usage put a choice of domains into SQL: for usage_points.cc and usage_blocks.cc. Internal to
// src/store.

#include <functional>

#include "store/usage_points.h"

namespace fairlead::store {

// The name of a statement's parameter, "d" and a number below 100, as a piece of SQL.
SqlText numbered(std::size_t n);

// Calls `f` with a condition to be appended to a "where ..." (" and domain_id in (...)", or "") and with `params` and
// the condition's own: once, or, when many domains are listed, for some of them after the other. No domain: not at all.
base::Result<void> for_each_choice(const UsageDomains& domains, const Params& params,
                                   const std::function<base::Result<void>(Sql condition, const Params& params)>& f);

// Hands a row of (domain_id, time, text) on.
base::Result<void> give_usage(const Row& row, const EachUsage& each);

}  // namespace fairlead::store
