#pragma once
// Credentials: the file in which `fairlead login` keeps tokens, one per server: ~/.config/fairlead/credentials.json, or
// under $XDG_CONFIG_HOME. Who is several people to one server has a profile for each: $FAIRLEAD_PROFILE=ann says
// credentials-ann.json. Mode 0600; a file that others can read is refused. Written whole and moved into place, so
// that it is never half there.

#include "cli/trouble.h"

#include <map>
#include <string>

namespace fairlead::cli {

struct Credential {
  std::string token;
  std::string token_id;  // to end it at logout; empty when it came from somewhere else
  std::string ca_file;
};

struct Credentials {
  std::string current;                        // the server of the last login
  std::map<std::string, Credential> servers;  // by URL
};

// Trouble when neither $XDG_CONFIG_HOME nor $HOME is set, or the profile's name is none.
Told<std::string> credentials_path();

// A file that is not there holds nothing.
Told<Credentials> read_credentials(const std::string& path);
Told<void> write_credentials(const std::string& path, const Credentials& credentials);

}  // namespace fairlead::cli
