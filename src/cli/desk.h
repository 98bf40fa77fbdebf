#pragma once
// Desk: what every verb works with: the API and the output, opened from the options that all verbs share. Verbs are
// functions that take a Desk and return Told<void>; the application turns that into an exit status.

#include "cli/api_client.h"
#include "cli/table.h"
#include "cli/trouble.h"

#include <string>
#include <string_view>

namespace fairlead::cli {

struct Connection {
  std::string server;      // empty: $FAIRLEAD_SERVER, else that of the last login, else http://127.0.0.1:9180
  std::string token_file;  // empty: $FAIRLEAD_TOKEN, else that of the login
  std::string ca_file;     // empty: that of the login
  bool json = false;
};

struct Desk {
  ApiClient api;
  Output out;
};

// Finds address and token; asks nothing yet. `with_token` false: for verbs that sign in.
Told<Desk> open_desk(const Connection& connection, bool with_token = true);

// --- From the names that people use to the ids that the API uses. A text of 32 hex digits is taken for an id.

Told<std::string> account_id(Desk& desk, std::string_view name_or_id);
Told<std::string> user_id(Desk& desk, std::string_view email_or_id);
Told<std::string> token_id(Desk& desk, std::string_view name_or_id);
// An application that waits may go by the name of its account, when that has one alone.
Told<std::string> application_id(Desk& desk, std::string_view id_or_account);
// Of the caller's account, or of the one given (name or id).
Told<std::string> certificate_id(Desk& desk, std::string_view name_or_id, std::string_view account);
Told<std::string> layer7_config_id(Desk& desk, std::string_view name_or_id, std::string_view account);

// {"account_id": ...} for a query, empty when no account is given.
Told<Query> account_query(Desk& desk, std::string_view account);

// Reads a secret: a line of `file`, or of standard input when that is no terminal, or typed without being shown. A new
// one is typed twice.
Told<std::string> read_secret(const std::string& file, const std::string& prompt, bool fresh = false);

// The whole of a file ("-" or /dev/stdin: standard input), which must be there.
Told<std::string> read_text(const std::string& file);

// "in force on 3 of 3 edges, 41 ms after the change": waits until every edge obeys that change, for a few seconds at
// most; what it says is true in any case. Empty when the server cannot tell.
std::string in_force(Desk& desk, long long policy_change);

// Trouble to standard error, and the exit status. Output that could not be written (a full disk) is trouble, too.
int finish(const Told<void>& done);

}  // namespace fairlead::cli
