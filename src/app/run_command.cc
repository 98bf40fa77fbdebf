#include "app/run_command.h"

#include <poll.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "app/admin_request.h"
#include "app/admin_server.h"
#include "app/check_command.h"
#include "app/control_starter.h"
#include "app/data_folder.h"
#include "app/process.h"
#include "base/log.h"
#include "cluster/edge_agent.h"
#include "cluster/policy_bus.h"
#include "cluster/usage_bus.h"
#include "control/console/console_pages.h"
#include "control/control_plane.h"
#include "edge/agent.h"
#include "edge/edge.h"
#include "edge/policy_file.h"
#include "edge/usage/reporter.h"

namespace fairlead::app {
namespace {

constexpr std::string_view kDefaultAdmin = "127.0.0.1:9180";
// How long a node that has no copy of its policy waits for the control plane before it serves what it has: nothing.
constexpr std::chrono::seconds kFirstPolicy{15};
// How long an ending node waits for its own control plane to take the last usage; what it does not stays in the
// journal.
constexpr base::milliseconds kLastUsage{10'000};

// The first thing the control plane says. Null: nothing within kFirstPolicy, or a signal waits.
model::PolicySnapshot::Ptr first_policy(cluster::PolicyBus& bus, const ControlStarter& starter,
                                        const Signals& signals) {
  std::mutex mutex;
  std::condition_variable come;
  model::PolicySnapshot::Ptr first;
  const auto subscription = bus.subscribe([&](const cluster::PolicyUpdate& update) {
    const std::lock_guard lock(mutex);
    if (first) return;
    first = model::PolicySnapshot::build(nullptr, update.edits, update.revision);
    come.notify_all();
  });
  std::unique_lock lock(mutex);
  const auto until = std::chrono::steady_clock::now() + kFirstPolicy;
  const auto signalled = [&signals] {
    pollfd waiting{signals.fd(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) > 0;
  };
  while (!first && !starter.hopeless() && !signalled() && std::chrono::steady_clock::now() < until) {
    come.wait_for(lock, std::chrono::milliseconds(100));
  }
  return first;
}

// What of `admin` was set at the start: a certificate can be replaced, these cannot.
struct AdminPlace {
  std::string address;
  bool tls = false;
  bool operator==(const AdminPlace&) const = default;
};

AdminPlace admin_place(const model::EdgeConfig& config) {
  return {config.admin_address.empty() ? std::string(kDefaultAdmin) : config.admin_address,
          config.admin_tls.has_value()};
}

void reload(edge::Edge& edge, AdminServer& admin, const AdminPlace& place, const std::string& file) {
  model::ConfigReading reading = read_config(file, model::ConfigPurpose::run);
  log_problems(reading);
  if (!reading.config) {
    base::log_error("{} is refused; nothing has changed", file);
    return;
  }
  base::log_set_level(log_level_of(reading.config->log_level));
  if (reading.config->admin_tls) {
    if (auto replaced = admin.replace_tls(*reading.config->admin_tls); !replaced) {
      base::log_error("admin: {}", base::describe(replaced.error()));
    }
  }
  const bool moved = admin_place(*reading.config) != place;
  for (const std::string& name : edge.apply(std::move(*reading.config))) {
    if (name == "admin" && !moved) continue;  // its certificate was replaced
    base::log_warn("{}: a change of `{}` needs a restart and is left aside", file, name);
  }
}

}  // namespace

int run_node(const std::string& config_file, const std::string& data_folder) {
  const Signals signals;
  model::ConfigReading reading = read_config(config_file, model::ConfigPurpose::run);
  log_problems(reading);
  if (!reading.config) return 1;
  model::EdgeConfig config = std::move(*reading.config);
  model::ControlConfig control_config = reading.control.value_or(model::ControlConfig());
  base::log_set_level(log_level_of(config.log_level));

  const auto cannot_start = [](std::string_view what, const base::Error& error) {
    base::log_error("cannot start: {}: {}", what, base::describe(error));
    return 1;
  };
  auto folder = DataFolder::open(data_folder);
  if (!folder) return cannot_start("data folder", folder.error());
  auto secrets = control::Secrets::open(folder->file("secret.key"));
  if (!secrets) return cannot_start("secret key", secrets.error());
  edge::PolicyFile copy(folder->file("policy.sealed"), secrets->derived_key("policy"));
  auto last = copy.load();
  if (!last && last.error().code != base::Code::not_found) {
    base::log_warn("the copy of the last policy cannot be used: {}", base::describe(last.error()));
  }

  const AdminPlace place = admin_place(config);
  const model::AdminTls admin_tls = config.admin_tls.value_or(model::AdminTls());
  const Event finished;
  edge::Edge edge(std::move(config), [&finished] { finished.set(); });
  edge::Agent agent(edge, folder->edge_id());
  cluster::LocalEdges edges(agent);
  cluster::LocalPolicyBus bus;
  cluster::LocalUsageBus usage_bus;
  auto usage = edge::UsageReporter::start(edge, usage_bus, folder->edge_id(), folder->file("usage"), {});
  if (!usage) return cannot_start("usage journal", usage.error());

  std::atomic<const control::ControlPlane*> plane_now{nullptr};
  std::atomic<bool> knows_domains{last.has_value()};  // the edge does, or will as soon as it starts
  AdminServer admin;
  AdminServer::Handlers handlers;
  handlers.metrics = [&] {
    const control::ControlPlane* plane = plane_now;
    return edge.metrics() + (*usage)->metrics() + (plane ? plane->metrics() : std::string()) +
           "# HELP fairlead_policy_copy_revision Revision of the edge's copy of its policy on disk.\n"
           "# TYPE fairlead_policy_copy_revision gauge\n"
           "fairlead_policy_copy_revision " +
           std::to_string(copy.revision()) + "\n";
  };
  handlers.ready = [&edge] { return edge.ready(); };
  handlers.ready_reason = [&edge, &knows_domains] {
    if (knows_domains) return std::string(edge.state_name());
    return std::string("no policy: the control plane has no database yet, and there is no copy of an earlier policy");
  };
  handlers.ready_note = [&]() -> std::string {
    const control::ControlPlane* plane = plane_now;
    if (plane && plane->has_database()) return {};
    return edge.policy_source() == edge::PolicySource::file
               ? "the control plane has no database: the edge serves its copy of the last policy"
               : "the control plane has no database: the edge goes on with the policy it has";
  };
  handlers.api = [&](const control::ApiRequest& request) {
    if (const control::ControlPlane* plane = plane_now) return plane->handle(request);
    control::ApiResponse starting = admin_problem(503, "store_unavailable", "the control plane is starting");
    starting.fields.emplace_back("retry-after", "1");
    return starting;
  };
  handlers.pages = control::console_page;
  if (auto started = admin.start(place.address, admin_tls, std::move(handlers)); !started) {
    return cannot_start("admin", started.error());
  }
  base::log_info("admin on {}", admin.address());
  if (control_config.public_url.empty() && admin.port() != 0) {
    control_config.public_url = (admin_tls.chain_pem.empty() ? "http://" : "https://") + admin.address();
  }

  const std::string database =
      control_config.database.empty() ? "sqlite:" + folder->file("fairlead.db") : control_config.database;
  control::ControlPlane plane(std::move(control_config), database, std::move(*secrets), bus, usage_bus, edges);
  plane_now = &plane;
  int status = 0;
  {
    ControlStarter starter(plane);
    model::PolicySnapshot::Ptr initial = last ? *last : first_policy(bus, starter, signals);
    knows_domains = initial != nullptr;
    const auto source = last      ? edge::PolicySource::file
                        : initial ? edge::PolicySource::control
                                  : edge::PolicySource::none;
    if (source == edge::PolicySource::file) {
      base::log_info("the edge begins with its copy of policy revision {}: {} domains", initial->revision(),
                     initial->size());
    }
    if (!initial) {
      base::log_warn("the edge begins without a policy: it knows no domain until the control plane has its database");
      initial = model::PolicySnapshot::empty();
    }
    cluster::PolicyBus::Subscription subscription;
    base::Result<void> started;
    if (starter.hopeless()) {
      started = base::fail(base::Code::internal, base::Side::none, "the control plane cannot begin");
    } else {
      started = edge.start(std::move(initial), source);
    }
    if (!started) {
      status = cannot_start("edge", started.error());
    } else {
      for (const net::SocketAddress& a : edge.addresses()) base::log_info("listening on {}", a.to_string());
      subscription = bus.subscribe([&](const cluster::PolicyUpdate& update) {
        edge.apply_policy(update);
        knows_domains = true;
        copy.store(edge.policy());
      });
      bool asked = false;
      for (;;) {
        pollfd fds[2] = {{signals.fd(), POLLIN, 0}, {finished.fd(), POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0) continue;
        if (fds[1].revents & POLLIN) break;
        if (!(fds[0].revents & POLLIN)) continue;
        switch (signals.take()) {
          case SIGHUP: reload(edge, admin, place, config_file); break;
          case SIGUSR1: edge.reopen_log(); break;
          case SIGTERM:
          case SIGINT:
            base::log_info("{}", asked ? "stopping at once" : "draining");
            if (std::exchange(asked, true)) {
              edge.stop();
            } else {
              edge.drain();
            }
            break;
          default: break;
        }
      }
    }
    // Nobody speaks to the edge any more before its workers end.
    subscription.reset();
  }
  admin.stop();
  if (status == 0) edge.wait();
  if (!(*usage)->end(plane.has_database() ? kLastUsage : base::milliseconds(500)))
    base::log_warn("some usage is not in the database yet: it stays in the journal");
  plane.end();
  base::log_info("ended");
  return status;
}

}  // namespace fairlead::app
