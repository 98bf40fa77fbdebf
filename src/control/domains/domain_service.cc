#include "control/domains/domain_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/account_access.h"
#include "control/audit_trail.h"
#include "control/in_transaction.h"
#include "control/secrets.h"
#include "net/certificate_info.h"
#include "store/certificates.h"
#include "store/policy_changes.h"

namespace fairlead::control {

using store::DomainState;
using store::Transaction;

namespace {

constexpr std::pair<std::string_view, store::ServiceRegion> kRegions[] = {{"mainland", store::ServiceRegion::mainland},
                                                                          {"overseas", store::ServiceRegion::overseas},
                                                                          {"global", store::ServiceRegion::global}};

store::ServiceRegion region_of(const std::string& word) {
  for (const auto& [w, region] : kRegions) {
    if (w == word) return region;
  }
  return store::ServiceRegion::overseas;
}

std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// What a document of DomainReplace says; its form was checked.
struct Wanted {
  store::ServiceRegion service_region = store::ServiceRegion::overseas;
  std::string icp_number;
  Json settings = Json::object();
  std::optional<std::string> layer7_config;
  std::vector<std::string> certificates;
};

Outcome<Wanted> read_wanted(const Json& document) {
  Wanted out;
  for (const auto& [key, value] : document.items()) {
    if (value.is_null()) continue;
    if (key == "service_region") {
      out.service_region = region_of(value.get<std::string>());
    } else if (key == "icp_number") {
      out.icp_number = value.get<std::string>();
    } else if (key == "settings") {
      // A merge patch can make anything of it.
      if (!value.is_object()) return invalid("/settings", "wrong-type", "this must be object");
      out.settings = value;
    } else if (key == "layer7_config") {
      out.layer7_config = value.get<std::string>();
    } else if (key == "certificates") {
      // In the order of the document, which pointers to what is wrong with them count in.
      for (const Json& name : value) out.certificates.push_back(name.get<std::string>());
    }
  }
  return out;
}

// Problems of the settings have pointers of the settings.
std::vector<Detail> moved(std::vector<Detail> details, std::string_view below) {
  for (Detail& d : details) d.pointer = std::string(below) + d.pointer;
  return details;
}

Outcome<std::vector<store::Certificate>> certificates_named(Transaction& tx, std::string_view account_id,
                                                            const std::vector<std::string>& names) {
  std::vector<store::Certificate> out;
  std::vector<Detail> wrong;
  std::vector<store::Certificate> all;
  for (store::PageRequest request{.after = {}, .limit = store::kMaxPage}; !names.empty();) {
    auto page = store::list_certificates(tx, account_id, request);
    if (!page) return failed(page);
    std::ranges::move(page->items, std::back_inserter(all));
    if (page->next.empty()) break;
    request.after = page->next;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::ranges::find(all, names[i], &store::Certificate::name);
    if (found == all.end()) {
      wrong.push_back({fmt::format("/certificates/{}", i), "not_found", "the account has no certificate of this name",
                       "upload it first"});
      continue;
    }
    if (std::ranges::find(out, found->id, &store::Certificate::id) != out.end()) continue;  // named twice
    // The edges choose between certificates by what keys a client understands, and could not between two of one family
    // (TlsServerContext::create): the whole domain would be without TLS.
    const auto family = net::key_family(found->key_type);
    const auto same = std::ranges::find_if(out, [&](const auto& c) { return net::key_family(c.key_type) == family; });
    if (same != out.end()) {
      wrong.push_back({fmt::format("/certificates/{}", i), "same-key-type",
                       fmt::format("{} and {} both have a key of type {}", same->name, found->name, family),
                       "a domain takes one certificate of each key type; replace the old one's chain and key instead"});
      continue;
    }
    out.push_back(*found);
  }
  if (!wrong.empty()) return invalid(std::move(wrong));
  return out;
}

Outcome<std::optional<std::string>> layer7_named(Transaction& tx, std::string_view account_id,
                                                 const std::optional<std::string>& name) {
  if (!name) return std::optional<std::string>();
  auto found = store::find_layer7_config_by_name(tx, account_id, *name);
  if (found) return std::optional(found->id);
  if (found.error().code != base::Code::not_found) return failed(found);
  return invalid("/layer7_config", "not_found", "the account has no layer-7 configuration of this name",
                 "make it first");
}

Outcome<DomainView> view_of(Transaction& tx, Composition now) {
  DomainView view;
  auto bound = store::certificates_of_domain(tx, now.domain.id);
  if (!bound) return failed(bound);
  for (const store::Certificate& c : *bound) view.certificates.push_back(c.name);
  auto number = store::last_policy_change(tx);
  if (!number) return failed(number);
  view.policy_change = *number;
  view.now = std::move(now);
  return view;
}

// The view for what was changed already: ranges were judged before.
Outcome<DomainView> view_now(Transaction& tx, const Caller& caller, std::string_view name) {
  auto domain = visible_domain(tx, caller, name);
  if (!domain) return std::unexpected(domain.error());
  auto now = Composer(tx, false).compose(*domain);
  if (!now) return failed(now);
  return view_of(tx, std::move(*now));
}

Json audit_value(const DomainView& view) {
  Json out = replaceable(view);
  out["state"] = to_string(view.now.domain.state);
  return out;
}

base::Result<void> audit_domain(Transaction& tx, const Caller& caller, std::string_view action,
                                const store::Domain& domain, std::optional<Json> before, std::optional<Json> after,
                                std::int64_t now_ms) {
  return audit(tx, caller,
               {.account_id = domain.account_id,
                .action = action,
                .object_type = "domain",
                .object_name = domain.name,
                .old_value = std::move(before),
                .new_value = std::move(after)},
               now_ms);
}

// Settings may be empty while the domain is being configured; anything else must be right.
Outcome<void> check_settings(const Composition& composed, const Json& settings, std::string_view below) {
  if (composed.reading.policy) return {};
  const bool may_wait = composed.domain.state == DomainState::configuring ||
                        composed.domain.state == DomainState::offline ||
                        composed.domain.state == DomainState::check_failed;
  if (settings.empty() && may_wait) return {};
  auto errors = moved(errors_of(composed.reading.problems), below);
  if (errors.empty()) {
    return invalid("/layer7_config", "unusable", "the layer-7 configuration cannot be used");
  }
  return invalid(std::move(errors));
}

Outcome<void> bind_exactly(Transaction& tx, const std::string& domain_id, const std::vector<store::Certificate>& wanted,
                           std::int64_t now_ms) {
  auto bound = store::certificates_of_domain(tx, domain_id);
  if (!bound) return failed(bound);
  for (const store::Certificate& c : *bound) {
    if (std::ranges::find(wanted, c.id, &store::Certificate::id) != wanted.end()) continue;
    if (auto off = store::unbind_certificate(tx, domain_id, c.id, now_ms); !off) return failed(off);
  }
  for (const store::Certificate& c : wanted) {
    if (auto on = store::bind_certificate(tx, domain_id, c.id, now_ms); !on) return failed(on);
  }
  return {};
}

// Thrown away with the transaction: what a dry run would have made. g++ 12 keeps no promise about elided moves here, so
// it is a plain optional outside of the transaction.
constexpr std::string_view kDryRun = "dry_run";

template <class F>
Outcome<DomainView> write_or_try(Context& context, bool dry_run, F change) {
  std::optional<DomainView> would_be;
  auto done = write_in(context.database, [&](Transaction& tx) -> Outcome<DomainView> {
    would_be.reset();
    auto view = change(tx);
    if (!view || !dry_run) return view;
    would_be = std::move(*view);
    return refuse(200, kDryRun, "");
  });
  if (dry_run && would_be && !done && done.error().code == kDryRun) return std::move(*would_be);
  if (done) context.policy_changed();
  return done;
}

}  // namespace

Json replaceable(const DomainView& view) {
  const store::Domain& d = view.now.domain;
  return {{"service_region", to_string(d.service_region)},
          {"icp_number", d.icp_number},
          {"settings", Json::parse(d.settings, nullptr, false)},
          {"layer7_config", view.now.layer7 ? Json(view.now.layer7->name) : Json()},
          {"certificates", view.certificates}};
}

Outcome<store::Domain> visible_domain(Transaction& tx, const Caller& caller, std::string_view name) {
  // Any spelling of the name; what is no name at all is nobody's.
  const auto canonical = model::canonical_domain_name(name);
  if (!canonical) return not_found("domain");
  auto found = store::find_domain_by_name(tx, *canonical);
  if (!found) {
    if (found.error().code != base::Code::not_found) return failed(found);
    return not_found("domain");
  }
  if (!caller.sees(found->account_id)) return not_found("domain");
  return std::move(*found);
}

Outcome<DomainView> create_domain(Context& context, const Caller& caller, const DomainCreate& wanted, bool dry_run) {
  const auto name = model::canonical_domain_name(wanted.name);
  if (!name) return invalid("/name", name.error().code, name.error().message, name.error().hint);
  const std::int64_t now = context.now_ms();
  return write_or_try(context, dry_run, [&](Transaction& tx) -> Outcome<DomainView> {
    auto account = account_for(tx, caller, wanted.account_id);
    if (!account) return std::unexpected(account.error());
    store::Domain domain;
    domain.account_id = account->id;
    domain.name = *name;
    domain.settings = text_of(wanted.settings);
    domain.service_region = wanted.service_region;
    domain.icp_number = wanted.icp_number;
    domain.migrated = wanted.migrated;
    domain.ownership.token = Secrets::random_key("flv_");
    auto layer7 = layer7_named(tx, account->id, wanted.layer7_config);
    if (!layer7) return std::unexpected(layer7.error());
    domain.layer7_config_id = *layer7;
    auto certificates = certificates_named(tx, account->id, wanted.certificates);
    if (!certificates) return std::unexpected(certificates.error());

    Composer composer(tx, !caller.is_operator());
    auto composed = composer.compose(domain);
    if (!composed) return failed(composed);
    if (auto ok = check_settings(*composed, wanted.settings, "/settings"); !ok) return std::unexpected(ok.error());

    auto made = store::insert_domain(tx, domain, now);
    if (!made) return failed(made);
    if (auto bound = bind_exactly(tx, made->id, *certificates, now); !bound) return std::unexpected(bound.error());
    composed->domain = *made;
    auto view = view_of(tx, std::move(*composed));
    if (!view) return view;
    if (auto told = audit_domain(tx, caller, "domain.create", *made, std::nullopt, audit_value(*view), now); !told) {
      return failed(told);
    }
    return view;
  });
}

Outcome<DomainView> get_domain(Context& context, const Caller& caller, std::string_view name) {
  return read_in(context.database, [&](Transaction& tx) { return view_now(tx, caller, name); });
}

Outcome<store::Page<Composition>> list_domains(Context& context, const Caller& caller, const DomainListFilter& filter,
                                               const store::PageRequest& page) {
  return read_in(context.database, [&](Transaction& tx) -> Outcome<store::Page<Composition>> {
    store::DomainFilter wanted;
    wanted.account_id = filter.account_id;
    if (filter.account_id || !caller.sees_all()) {
      wanted.account_id = listed_account(caller, filter.account_id);
      if (!wanted.account_id) return store::Page<Composition>();
    }
    wanted.name_contains = filter.search;
    wanted.state = filter.state;
    wanted.layer7_config_id = filter.layer7_config_id;
    auto rows = store::list_domains(tx, wanted, page);
    if (!rows) return failed(rows);
    store::Page<Composition> out;
    out.total = rows->total;
    out.next = rows->next;
    Composer composer(tx, false);
    for (const store::Domain& d : rows->items) {
      auto composed = composer.compose(d);
      if (!composed) return failed(composed);
      out.items.push_back(std::move(*composed));
    }
    return out;
  });
}

namespace {

// `document` makes the new DomainReplace of the view as it is now.
template <class F>
Outcome<DomainView> replace(Context& context, const Caller& caller, std::string_view name,
                            std::optional<std::int64_t> expected, bool dry_run, std::string_view pointers_below,
                            F document) {
  const std::int64_t now = context.now_ms();
  return write_or_try(context, dry_run, [&](Transaction& tx) -> Outcome<DomainView> {
    auto before = view_now(tx, caller, name);
    if (!before) return before;
    store::Domain domain = before->now.domain;
    if (expected && *expected != domain.revision) {
      return refuse(412, "revision_conflict", "somebody else has changed it since it was read; read it again");
    }
    Outcome<Json> next = document(*before);
    if (!next) return std::unexpected(next.error());
    auto wanted = read_wanted(*next);
    if (!wanted) return std::unexpected(wanted.error());
    auto layer7 = layer7_named(tx, domain.account_id, wanted->layer7_config);
    if (!layer7) return std::unexpected(layer7.error());
    auto certificates = certificates_named(tx, domain.account_id, wanted->certificates);
    if (!certificates) return std::unexpected(certificates.error());
    domain.settings = text_of(wanted->settings);
    domain.layer7_config_id = *layer7;
    domain.service_region = wanted->service_region;
    domain.icp_number = wanted->icp_number;

    Composer composer(tx, !caller.is_operator());
    auto composed = composer.compose(domain);
    if (!composed) return failed(composed);
    if (auto ok = check_settings(*composed, wanted->settings, pointers_below); !ok) {
      return std::unexpected(ok.error());
    }
    const bool serves = domain.state == DomainState::online || domain.state == DomainState::checking;
    if (serves && !Composition::unmet(composed->live).empty()) {
      // Of what this change could take away there is only the ICP number; the rest was not touched.
      for (const Detail& d : Composition::unmet(composed->live)) {
        if (d.code == "icp_number") return refuse(409, "gates_unmet", d.message, {d});
      }
    }
    auto updated = store::update_domain(tx, domain, domain.revision, now);
    if (!updated) return failed(updated);
    if (auto bound = bind_exactly(tx, domain.id, *certificates, now); !bound) return std::unexpected(bound.error());
    composed->domain = *updated;
    auto view = view_of(tx, std::move(*composed));
    if (!view) return view;
    if (auto told = audit_domain(tx, caller, "domain.change", *updated, audit_value(*before), audit_value(*view), now);
        !told) {
      return failed(told);
    }
    return view;
  });
}

}  // namespace

Outcome<DomainView> change_domain(Context& context, const Caller& caller, std::string_view name, const Json& change,
                                  bool merge, std::optional<std::int64_t> expected, bool dry_run) {
  return replace(context, caller, name, expected, dry_run, "/settings", [&](const DomainView& before) -> Outcome<Json> {
    if (!merge) return change;
    Json next = replaceable(before);
    next.merge_patch(change);
    return next;
  });
}

Outcome<DomainView> change_websocket(Context& context, const Caller& caller, std::string_view name, const Json& change,
                                     std::optional<std::int64_t> expected) {
  auto done =
      replace(context, caller, name, expected, false, "/settings", [&](const DomainView& before) -> Outcome<Json> {
        if (!before.now.websocket_usable()) {
          auto unmet = Composition::unmet(before.now.websocket);
          std::string first = unmet.front().message;
          return refuse(409, "gates_unmet", std::move(first), std::move(unmet));
        }
        Json next = replaceable(before);
        Json& settings = next["settings"];
        if (!settings.is_object()) settings = Json::object();
        settings.merge_patch(Json{{"websocket", change}});
        return next;
      });
  if (done || done.error().status != 422) return done;
  // Pointers into the body that was sent.
  constexpr std::string_view kBelow = "/settings/websocket";
  for (Detail& d : done.error().errors) {
    if (d.pointer.starts_with(kBelow)) d.pointer.erase(0, kBelow.size());
  }
  return done;
}

Outcome<void> delete_domain(Context& context, const Caller& caller, std::string_view name,
                            std::optional<std::int64_t> expected) {
  const std::int64_t now = context.now_ms();
  auto done = write_in(context.database, [&](Transaction& tx) -> Outcome<void> {
    auto before = view_now(tx, caller, name);
    if (!before) return std::unexpected(before.error());
    const store::Domain& domain = before->now.domain;
    auto gone = store::delete_domain(tx, domain.id, expected.value_or(domain.revision), now);
    if (!gone) return failed(gone);
    auto told = audit_domain(tx, caller, "domain.delete", domain, audit_value(*before), std::nullopt, now);
    if (!told) return failed(told);
    return {};
  });
  if (done) context.policy_changed();
  return done;
}

Outcome<DomainView> start_domain(Context& context, const Caller& caller, std::string_view name) {
  const std::int64_t now = context.now_ms();
  std::vector<Detail> unmet;
  auto done = write_in(context.database, [&](Transaction& tx) -> Outcome<DomainView> {
    unmet.clear();
    auto before = view_now(tx, caller, name);
    if (!before) return before;
    store::Domain domain = before->now.domain;
    if (domain.state == DomainState::online) {
      // Its account may have lost what it had when the domain went live.
      if (!before->now.account_may_serve()) unmet = Composition::unmet(before->now.live);
      return before;
    }
    unmet = Composition::unmet(before->now.live);
    const bool only_ownership =
        !unmet.empty() && std::ranges::all_of(unmet, [](const Detail& d) { return d.code == "domain_ownership"; });
    if (domain.state == DomainState::checking && only_ownership) {
      unmet.clear();
      return before;
    }
    if (unmet.empty()) {
      domain.state = DomainState::online;
      domain.state_reason.clear();
    } else if (only_ownership) {
      domain.state = DomainState::checking;
      domain.state_reason = "the proof of ownership is being looked for";
      domain.ownership.checks = 0;
      domain.ownership.next_check_ms = now;
      if (auto looked = store::update_ownership(tx, domain.id, domain.ownership); !looked) return failed(looked);
      unmet.clear();
    } else {
      domain.state = DomainState::check_failed;
      domain.state_reason.clear();
      for (const Detail& d : unmet) domain.state_reason += (domain.state_reason.empty() ? "" : "; ") + d.message;
    }
    auto updated = store::update_domain(tx, domain, domain.revision, now);
    if (!updated) return failed(updated);
    auto view = view_now(tx, caller, name);
    if (!view) return view;
    auto told = audit_domain(tx, caller, "domain.start", *updated, audit_value(*before), audit_value(*view), now);
    if (!told) return failed(told);
    return view;
  });
  if (!done) return done;
  context.policy_changed();
  if (!unmet.empty()) {
    return refuse(409, "gates_unmet", fmt::format("the domain cannot go live: {}", done->now.reason()),
                  std::move(unmet));
  }
  return done;
}

Outcome<DomainView> stop_domain(Context& context, const Caller& caller, std::string_view name) {
  const std::int64_t now = context.now_ms();
  auto done = write_in(context.database, [&](Transaction& tx) -> Outcome<DomainView> {
    auto before = view_now(tx, caller, name);
    if (!before) return before;
    store::Domain domain = before->now.domain;
    if (domain.state == DomainState::offline || domain.state == DomainState::configuring) return before;
    domain.state = DomainState::offline;
    domain.state_reason.clear();
    if (domain.ownership.next_check_ms) {
      domain.ownership.next_check_ms.reset();
      if (auto ended = store::update_ownership(tx, domain.id, domain.ownership); !ended) return failed(ended);
    }
    auto updated = store::update_domain(tx, domain, domain.revision, now);
    if (!updated) return failed(updated);
    auto view = view_now(tx, caller, name);
    if (!view) return view;
    auto told = audit_domain(tx, caller, "domain.stop", *updated, audit_value(*before), audit_value(*view), now);
    if (!told) return failed(told);
    return view;
  });
  if (done) context.policy_changed();
  return done;
}

Outcome<void> audit_session_end(Transaction& tx, const Caller& caller, std::string_view domain,
                                std::string_view session_id, std::int64_t now_ms) {
  auto found = visible_domain(tx, caller, domain);
  if (!found) return std::unexpected(found.error());
  auto told = audit(tx, caller,
                    {.account_id = found->account_id,
                     .action = "session.end",
                     .object_type = "session",
                     .object_name = std::string(session_id),
                     .old_value = Json{{"domain", domain}},
                     .new_value = std::nullopt},
                    now_ms);
  if (!told) return failed(told);
  return {};
}

}  // namespace fairlead::control
