#pragma once
// Applications: what a customer asks for and an operator decides (R15, R17). A row goes from submitted to approved or
// rejected and no further: who applies again makes another. Values; functions work inside the caller's transaction and
// fail as database.h says.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/page.h"
#include "store/transaction.h"

namespace fairlead::store {

enum class ApplicationKind : std::uint8_t { activation, architecture_change };
enum class ApplicationState : std::uint8_t { submitted, approved, rejected };

struct Application {
  std::string id;
  ApplicationKind kind = ApplicationKind::activation;
  std::string account_id;
  std::optional<std::string> domain_id;  // of the same account; none: it is about the account, or the domain is gone
  std::string fields = "{}";             // JSON text: the information the form asks for
  ApplicationState state = ApplicationState::submitted;
  std::string reason;                     // of the decision, told to the customer
  std::optional<std::string> decided_by;  // a user's id, or a word for the program itself
  std::optional<std::int64_t> decided_ms;
  std::int64_t revision = 0;
  std::int64_t created_ms = 0;  // since 1970 UTC
  bool operator==(const Application&) const = default;
};

std::string_view to_string(ApplicationKind kind);
std::string_view to_string(ApplicationState state);

// Submits it at `now_ms`: kind, account_id, domain_id and fields are `application`'s, the rest is set here. The row as
// stored. not_found when the domain is not one of the account's.
base::Result<Application> insert_application(Transaction& tx, Application application, std::int64_t now_ms);

base::Result<Application> find_application(Transaction& tx, std::string_view id);

// The one that counts of an account's applications of a kind, for one domain if given: that which is submitted or
// approved (the control plane accepts no second one), else the newest of those rejected. not_found when there is none.
base::Result<Application> current_application(Transaction& tx, std::string_view account_id, ApplicationKind kind,
                                              const std::optional<std::string>& domain_id);

// Approves or rejects a submitted one, if its revision is the expected one: a decided one has another. `decision` must
// not be submitted (malformed). The row as stored.
base::Result<Application> decide_application(Transaction& tx, std::string_view id, std::int64_t expected_revision,
                                             ApplicationState decision, std::string_view reason,
                                             std::string_view decided_by, std::int64_t now_ms);

struct ApplicationFilter {
  std::optional<std::string> account_id, domain_id;
  std::optional<ApplicationKind> kind;
  std::optional<ApplicationState> state;
};

// Oldest first: an operator's desk. malformed when `page.after` is not the `next` of a page.
base::Result<Page<Application>> list_applications(Transaction& tx, const ApplicationFilter& filter,
                                                  const PageRequest& page);

}  // namespace fairlead::store
