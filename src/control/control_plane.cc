#include "control/control_plane.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/api/activation_operations.h"
#include "control/api/api.h"
#include "control/api/billing_operations.h"
#include "control/api/certificate_operations.h"
#include "control/api/domain_operations.h"
#include "control/api/identity_operations.h"
#include "control/api/layer7_operations.h"
#include "control/api/operator_operations.h"
#include "control/api/statistics_operations.h"
#include "control/billing/biller.h"
#include "control/delivery/sender.h"
#include "control/domains/ownership_service.h"
#include "control/housekeeping.h"
#include "control/identity/caller_of.h"
#include "control/identity/first_operator.h"
#include "control/throttle.h"
#include "control/usage/ingestion.h"
#include "control/usage/keeper.h"
#include "control/usage/usage_metrics.h"
#include "store/migrations.h"

namespace fairlead::control {

namespace {

bool is_local(const std::string& address) {
  return address.empty() || address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

}  // namespace

// In the order they depend on each other: what is destroyed first uses what comes before it.
struct ControlPlane::Parts {
  Parts(store::Database db, const ControlPlane& plane)
      : database(std::move(db)),
        context{.database = database,
                .secrets = plane.secrets_,
                .edges = plane.edges_,
                .config = plane.config_,
                .now_ms = [] { return base::wall_clock_ms(); },
                .policy_changed = [this] { publisher.notify(); },
                .notice_written = [this] { sender->notify(); }},
        publisher(context, plane.bus_),
        ingestion(context),
        limit(plane.config_.requests_per_second_per_client) {}

  base::Result<void> make_api() {
    auto contract = Contract::parse(contract_text());
    if (!contract) return std::unexpected(contract.error());
    Api::Parts parts{.contract = std::move(*contract), .operations = {}, .caller_of = {}, .over_limit = {}};
    add_identity_operations(parts.operations, context, guard);
    add_domain_operations(parts.operations, context, [this] { verifier->wake(); });
    add_certificate_operations(parts.operations, context);
    add_layer7_operations(parts.operations, context);
    add_activation_operations(parts.operations, context);
    add_operator_operations(parts.operations, context);
    add_billing_operations(parts.operations, context, billing_points);
    add_statistics_operations(parts.operations, context);
    parts.caller_of = [this](const ApiRequest& request) { return caller_of(context, request); };
    parts.over_limit = [this](const std::string& address) -> std::optional<int> {
      int wait = 0;
      if (is_local(address) || limit.take(client_key(address), context.now_ms(), &wait)) return std::nullopt;
      return wait;
    };
    auto made = Api::make(std::move(parts));
    if (!made) return std::unexpected(made.error());
    api = std::move(*made);
    return {};
  }

  store::Database database;
  Context context;
  Publisher publisher;
  UsageIngestion ingestion;
  RateLimit limit;
  LoginGuard guard;
  std::shared_ptr<const Api> api;
  std::unique_ptr<OutboxSender> sender;
  std::unique_ptr<OwnershipVerifier> verifier;
  std::unique_ptr<Housekeeping> housekeeping;
  std::unique_ptr<UsageKeeper> usage_keeper;
  cluster::LocalUsageBus::Subscription usage;
  std::unique_ptr<Biller> biller;
};

ControlPlane::ControlPlane(model::ControlConfig config, std::string database, Secrets secrets, cluster::PolicyBus& bus,
                           cluster::LocalUsageBus& usage, cluster::EdgeDirectory& edges)
    : config_(std::move(config)),
      database_(std::move(database)),
      secrets_(std::move(secrets)),
      bus_(bus),
      usage_(usage),
      edges_(edges) {}

ControlPlane::~ControlPlane() { end(); }

base::Result<void> ControlPlane::begin(std::optional<std::string>& first_operator_url) {
  auto database = store::Database::open(database_);
  if (!database) return std::unexpected(database.error());
  const auto steps = store::migrate(*database, base::wall_clock_ms());
  if (!steps) return std::unexpected(steps.error());
  if (*steps > 0) base::log_info("the database was brought up to date: {} steps", *steps);

  auto parts = std::make_shared<Parts>(std::move(*database), *this);
  if (auto made = parts->make_api(); !made) return made;
  const auto link = first_start_link(parts->context);
  if (!link) {
    const bool later = link.error().status == 503;
    return base::fail(later ? base::Code::unreachable : base::Code::internal, base::Side::none, link.error().detail,
                      later ? base::Retry::later : base::Retry::never);
  }
  if (*link) first_operator_url = (*link)->url;
  parts->sender = std::make_unique<OutboxSender>(parts->database, config_, secrets_, parts->context.now_ms);
  parts->verifier = std::make_unique<OwnershipVerifier>(parts->context);
  parts->publisher.start();
  parts->housekeeping = std::make_unique<Housekeeping>(parts->context);
  parts->usage_keeper = std::make_unique<UsageKeeper>(parts->context);
  parts->usage =
      usage_.subscribe([ingestion = &parts->ingestion](std::string_view set) { return ingestion->take(set); });
  parts->biller = std::make_unique<Biller>(parts->context, billing_points);
  const std::lock_guard lock(mutex_);
  parts_ = std::move(parts);
  return {};
}

void ControlPlane::end() {
  std::shared_ptr<Parts> parts;
  {
    const std::lock_guard lock(mutex_);
    parts = std::move(parts_);
  }
  // Requests under way keep it alive; whoever is last ends the threads.
}

ApiResponse ControlPlane::handle(const ApiRequest& request) const {
  const auto now = parts();
  if (now) {
    ApiResponse response = now->api->handle(request);
    // A stream goes on after this call, and needs what it was made of.
    if (response.produce) {
      response.produce = [now, produce = std::move(response.produce)](ApiSink& sink) { return produce(sink); };
    }
    return response;
  }
  Failure failure;
  failure.status = 503;
  failure.code = "store_unavailable";
  failure.detail = "the database cannot be reached at the moment";
  failure.retry_after_s = 1;
  return problem_response(failure);
}

bool ControlPlane::has_database() const {
  const auto now = parts();
  return now && now->publisher.status().reached;
}

std::string ControlPlane::metrics() const {
  const auto now = parts();
  const auto published = now ? now->publisher.status() : Publisher::Status();
  const auto sent = now ? now->sender->counters() : OutboxSender::Counters();
  std::string out;
  const auto add = [&](std::string_view name, std::string_view kind, std::string_view help, std::uint64_t value) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", name, help, kind, value);
  };
  add("fairlead_control_ready", "gauge", "Whether the control plane has its database.", now && published.reached);
  add("fairlead_control_policy_revision", "gauge", "Number of the last policy change that was published.",
      published.revision);
  add("fairlead_control_policy_updates_total", "counter", "Updates published to the edges.", published.published);
  add("fairlead_control_domains_failed_total", "counter",
      "Times that a domain could not be composed and edges kept what they had.", published.failed_domains);
  add("fairlead_control_notices_sent_total", "counter", "Mails and webhooks that were delivered.", sent.sent);
  add("fairlead_control_notices_retried_total", "counter", "Attempts that failed and will be repeated.", sent.retried);
  add("fairlead_control_notices_failed_total", "counter", "Mails and webhooks given up for good.", sent.failed);
  if (now) out += usage_metrics(now->ingestion.counters(), now->usage_keeper->status(), now->context.now_ms());
  if (now) out += billing_metrics(now->biller->status());
  return out;
}

}  // namespace fairlead::control
