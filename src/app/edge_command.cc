#include "app/edge_command.h"

#include <poll.h>
#include <signal.h>

#include <utility>

#include "app/admin_server.h"
#include "app/check_command.h"
#include "app/process.h"
#include "base/log.h"
#include "edge/edge.h"

namespace fairlead::app {
namespace {

void reload(edge::Edge& edge, const std::string& file) {
  model::ConfigReading reading = read_config(file);
  log_problems(reading);
  if (!reading.config) {
    base::log_error("{} is refused; nothing has changed", file);
    return;
  }
  base::log_set_level(log_level_of(reading.config->log_level));
  for (const std::string& name : edge.apply(std::move(*reading.config))) {
    base::log_warn("{}: a change of `{}` needs a restart and is left aside", file, name);
  }
}

}  // namespace

int run_edge(const std::string& config_file) {
  const Signals signals;
  model::ConfigReading reading = read_config(config_file);
  log_problems(reading);
  if (!reading.config) return 1;
  base::log_set_level(log_level_of(reading.config->log_level));
  const std::string admin_address = reading.config->admin_address;
  const model::AdminTls admin_tls = reading.config->admin_tls.value_or(model::AdminTls());

  const Event finished;
  edge::Edge edge(std::move(*reading.config), [&finished] { finished.set(); });
  if (auto started = edge.start(); !started) {
    base::log_error("cannot start: {}", base::describe(started.error()));
    return 1;
  }
  for (const net::SocketAddress& a : edge.addresses()) base::log_info("listening on {}", a.to_string());

  AdminServer admin;
  if (!admin_address.empty()) {
    AdminServer::Handlers handlers;
    handlers.metrics = [&edge] { return edge.metrics(); };
    handlers.ready = [&edge] { return edge.ready(); };
    handlers.ready_reason = [&edge] { return std::string(edge.state_name()); };
    if (auto started = admin.start(admin_address, admin_tls, std::move(handlers)); !started) {
      base::log_error("admin: {}", base::describe(started.error()));
      edge.stop();
      edge.wait();
      return 1;
    }
    base::log_info("admin on {}", admin.address());
  }

  bool asked = false;
  for (;;) {
    pollfd fds[2] = {{signals.fd(), POLLIN, 0}, {finished.fd(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents & POLLIN) break;
    if (!(fds[0].revents & POLLIN)) continue;
    switch (signals.take()) {
      case SIGHUP: reload(edge, config_file); break;
      case SIGUSR1: edge.reopen_log(); break;
      case SIGTERM:
      case SIGINT:
        if (std::exchange(asked, true)) {
          base::log_info("stopping at once");
          edge.stop();
        } else {
          base::log_info("draining");
          edge.drain();
        }
        break;
      default: break;
    }
  }
  edge.wait();
  admin.stop();
  base::log_info("ended");
  return 0;
}

}  // namespace fairlead::app
