#pragma once
// `fairlead edge`: one edge serving the domains of its file, with signals as its controls: SIGHUP reads the file again,
// SIGTERM and SIGINT drain (a second one ends at once), SIGUSR1 reopens the access log.

#include <string>

namespace fairlead::app {

// Runs until it has ended; the process's exit status.
int run_edge(const std::string& config_file);

}  // namespace fairlead::app
