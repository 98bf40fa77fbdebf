#include "store/applications.h"

#include <array>

#include "store/ids.h"
#include "store/query.h"

namespace fairlead::store {

using base::Code;
using base::Result;
using base::Side;

namespace {

constexpr std::array<std::string_view, 2> kKinds = {"activation", "architecture_change"};
constexpr std::array<std::string_view, 3> kStates = {"submitted", "approved", "rejected"};

constexpr Sql kColumns =
    "id, kind, account_id, domain_id, fields, state, reason, decided_by, decided_ms, revision, created_ms";

Application read_application(Columns& c) {
  Application a;
  a.id = c.text();
  a.kind = value_of<ApplicationKind>(kKinds, c.text());
  a.account_id = c.text();
  a.domain_id = c.optional_text();
  a.fields = c.text();
  a.state = value_of<ApplicationState>(kStates, c.text());
  a.reason = c.text();
  a.decided_by = c.optional_text();
  a.decided_ms = c.optional_integer();
  a.revision = c.integer();
  a.created_ms = c.integer();
  return a;
}

}  // namespace

std::string_view to_string(ApplicationKind kind) { return word_of(kKinds, kind); }
std::string_view to_string(ApplicationState state) { return word_of(kStates, state); }

Result<Application> insert_application(Transaction& tx, Application a, std::int64_t now_ms) {
  if (a.domain_id) {
    auto own = tx.query_one("select id from domains where id = :id and account_id = :account",
                            {{"id", *a.domain_id}, {"account", a.account_id}}, "domain");
    if (!own) return std::unexpected(std::move(own.error()));
  }
  a.id = new_id(now_ms);
  a.state = ApplicationState::submitted;
  a.reason.clear();
  a.decided_by.reset();
  a.decided_ms.reset();
  a.revision = 1;
  a.created_ms = now_ms;
  auto done = tx.execute(
      "insert into applications (id, kind, account_id, domain_id, fields, state, reason, revision, created_ms) "
      "values (:id, :kind, :account, :domain, :fields, 'submitted', '', 1, :now)",
      {{"id", a.id},
       {"kind", to_string(a.kind)},
       {"account", a.account_id},
       {"domain", a.domain_id},
       {"fields", a.fields},
       {"now", now_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return a;
}

Result<Application> find_application(Transaction& tx, std::string_view id) {
  const auto sql = "select " + kColumns + " from applications where id = :id";
  return read_one(tx.query_one(sql, {{"id", id}}, "application"), read_application);
}

Result<Application> current_application(Transaction& tx, std::string_view account_id, ApplicationKind kind,
                                        const std::optional<std::string>& domain_id) {
  Filter filter;
  filter.add("account_id = :account", "account", account_id);
  filter.add("kind = :kind", "kind", to_string(kind));
  filter.equal("domain_id", "domain", domain_id);
  // Times alone would not do: clocks are set back, and two rows may be of one millisecond.
  return read_one(tx.query_one("select " + kColumns + " from applications" + filter.where() +
                                   " order by case state when 'rejected' then 1 else 0 end, created_ms desc, id desc "
                                   "limit 1",
                               filter.params(), "application"),
                  read_application);
}

Result<Application> decide_application(Transaction& tx, std::string_view id, std::int64_t expected_revision,
                                       ApplicationState decision, std::string_view reason, std::string_view decided_by,
                                       std::int64_t now_ms) {
  if (decision == ApplicationState::submitted)
    return base::fail(Code::malformed, Side::none, "a decision is approved or rejected");
  // Only a submitted one has revision 1, but who expects 2 must not decide twice either.
  auto done = must_match(
      tx.execute("update applications set state = :decision, reason = :reason, decided_by = :by, decided_ms = :now, "
                 "revision = revision + 1 where id = :id and revision = :expected and state = 'submitted'",
                 {{"decision", to_string(decision)},
                  {"reason", reason},
                  {"by", decided_by},
                  {"now", now_ms},
                  {"id", id},
                  {"expected", expected_revision}}),
      tx, "applications", id, expected_revision, "application");
  if (!done) return std::unexpected(std::move(done.error()));
  return find_application(tx, id);
}

Result<Page<Application>> list_applications(Transaction& tx, const ApplicationFilter& wanted, const PageRequest& page) {
  Filter filter;
  filter.equal("account_id", "account", wanted.account_id);
  filter.equal("domain_id", "domain", wanted.domain_id);
  if (wanted.kind) filter.add("kind = :kind", "kind", to_string(*wanted.kind));
  if (wanted.state) filter.add("state = :state", "state", to_string(*wanted.state));
  Filter after = filter;
  if (!page.after.empty()) {
    auto key = parse_time_key(page.after);
    if (!key) return std::unexpected(std::move(key.error()));
    after.add("(created_ms, id) > (:after_ms, :after_id)", "after_ms", key->at_ms);
    after.give("after_id", key->id);
  }
  return read_page(tx, "applications", kColumns, filter, after, "created_ms, id", page, read_application,
                   [](const Application& a) { return to_text(TimeKey{a.created_ms, a.id}); });
}

}  // namespace fairlead::store
