#pragma once
// A PostgreSQL server of the tests' own: made with initdb in a temporary folder, listening on a free loopback port,
// with fsync off. One for a whole test program; ends with it, also when the program is killed (the kernel tells the
// server that its parent is gone). As root it runs as the user `postgres` of Debian's package, because PostgreSQL
// refuses root. Without the package start() fails, and so does the test that asked: it is not skipped.

#include <sys/types.h>

#include <string>

namespace fairlead::store::testing {

class PostgresServer {
 public:
  // The program's one server, started when first asked for. On failure a server whose error() says why.
  static PostgresServer& shared();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  const std::string& error() const { return error_; }

  // A URI whose tables live in the schema of that name. The schema must be made with make_schema first.
  std::string uri(const std::string& schema) const;
  void make_schema(const std::string& schema);

  // Fast shutdown: connections are dropped. start() comes back on the same port, when the server takes connections.
  void stop();
  void start();

 private:
  PostgresServer();

  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
  std::string error_;
};

}  // namespace fairlead::store::testing
