#include "store/usage_domains.h"

#include <algorithm>
#include <string>

namespace fairlead::store {

using base::Result;

namespace {

constexpr std::size_t kListed = 100;  // ids in one statement

static_assert(kListed <= 100);

}  // namespace

SqlText numbered(std::size_t n) {
  static constexpr Sql kDigits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  SqlText name;
  name += "d";
  name += kDigits[n / 10];
  name += kDigits[n % 10];
  return name;
}

Result<void> for_each_choice(const UsageDomains& domains, const Params& params,
                             const std::function<Result<void>(Sql, const Params&)>& f) {
  if (domains.of == UsageDomains::Of::all) {  // but no sums (usage_sums.h)
    return f(" and domain_id not like 'sum:%'", params);
  }
  if (domains.of == UsageDomains::Of::account) {
    Params with = params;
    with.emplace_back("account", domains.account_id);
    return f(" and domain_id in (select domain_id from metered_domains where account_id = :account)", with);
  }
  for (std::size_t begin = 0; begin < domains.ids.size(); begin += kListed) {
    const std::size_t end = std::min(begin + kListed, domains.ids.size());
    SqlText condition;
    Params with = params;
    for (std::size_t i = begin; i < end; ++i) {
      const SqlText name = numbered(i - begin);
      condition += i == begin ? Sql(" and domain_id in (:") : Sql(", :");
      condition += name;
      with.emplace_back(Sql(name).text(), domains.ids[i]);
    }
    condition += ")";
    if (auto done = f(condition, with); !done) return done;
  }
  return {};
}

Result<void> give_usage(const Row& row, const EachUsage& each) {
  return each(std::get<std::string>(row[0]), std::get<std::int64_t>(row[1]), std::get<std::string>(row[2]));
}

}  // namespace fairlead::store
