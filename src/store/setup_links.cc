#include "store/setup_links.h"

#include "store/query.h"

namespace fairlead::store {

using base::Result;

namespace {

SetupLink read_link(Columns& c) {
  SetupLink link;
  link.hash = c.text();
  link.purpose = c.text();
  link.user_id = c.optional_text();
  link.created_ms = c.integer();
  link.expires_ms = c.integer();
  link.used_ms = c.optional_integer();
  return link;
}

}  // namespace

Result<SetupLink> insert_setup_link(Transaction& tx, SetupLink link, std::int64_t now_ms) {
  link.created_ms = now_ms;
  link.used_ms.reset();
  auto done = tx.execute(
      "insert into setup_links (hash, purpose, user_id, created_ms, expires_ms) "
      "values (:hash, :purpose, :user, :now, :expires)",
      {{"hash", link.hash},
       {"purpose", link.purpose},
       {"user", link.user_id},
       {"now", now_ms},
       {"expires", link.expires_ms}});
  if (!done) return std::unexpected(std::move(done.error()));
  return link;
}

Result<SetupLink> find_setup_link(Transaction& tx, std::string_view hash, std::string_view purpose,
                                  std::int64_t now_ms) {
  return read_one(tx.query_one("select hash, purpose, user_id, created_ms, expires_ms, used_ms from setup_links "
                               "where hash = :hash and purpose = :purpose and used_ms is null and expires_ms > :now",
                               {{"hash", hash}, {"purpose", purpose}, {"now", now_ms}}, "setup link"),
                  read_link);
}

Result<SetupLink> use_setup_link(Transaction& tx, std::string_view hash, std::string_view purpose,
                                 std::int64_t now_ms) {
  auto link = find_setup_link(tx, hash, purpose, now_ms);
  if (!link) return link;
  auto used = must_change(tx.execute("update setup_links set used_ms = :now where hash = :hash and used_ms is null",
                                     {{"now", now_ms}, {"hash", hash}}),
                          "setup link");
  if (!used) return std::unexpected(std::move(used.error()));
  link->used_ms = now_ms;
  return link;
}

Result<std::int64_t> delete_setup_links(Transaction& tx, std::string_view purpose,
                                        const std::optional<std::string>& user_id) {
  if (!user_id)
    return tx.execute("delete from setup_links where purpose = :purpose and user_id is null", {{"purpose", purpose}});
  return tx.execute("delete from setup_links where purpose = :purpose and user_id = :user",
                    {{"purpose", purpose}, {"user", *user_id}});
}

Result<std::int64_t> delete_spent_setup_links(Transaction& tx, std::int64_t now_ms) {
  return tx.execute("delete from setup_links where used_ms is not null or expires_ms <= :now", {{"now", now_ms}});
}

}  // namespace fairlead::store
