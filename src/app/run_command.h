#pragma once
// `fairlead run`: the whole product on one machine (R27): edge, control plane and its API in one process, with an
// embedded database in the data folder:
//
//   fairlead.db      the store, unless `control.database` names another
//   secret.key       what private keys and the edge's copy are sealed with; back it up apart from the database
//   policy.sealed    the edge's copy of its last policy, from which it starts when the database is away
//   edge.id          the name of this edge
//   lock             held while a process runs on the folder
//
// Signals are those of `fairlead edge`; SIGHUP also reads the admin listener's certificate again.

#include <string>

namespace fairlead::app {

// Runs until it has ended; the process's exit status.
int run_node(const std::string& config_file, const std::string& data_folder);

}  // namespace fairlead::app
