#include "store/testing/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "store/database.h"
#include "store/transaction.h"

namespace fairlead::store::testing {
namespace {

constexpr const char* kPrograms = "/usr/lib/postgresql/15/bin/";

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

// Becomes `postgres` when root, then the program; its words go to `output`. Never returns. Called after fork, so it
// only uses what was prepared before.
[[noreturn]] void become(const passwd* user, const char* folder, char* const* words, int output, pid_t parent) {
  ::dup2(output, 1);
  ::dup2(output, 2);
  if (::chdir(folder) != 0) ::_exit(126);
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
    ::_exit(126);
  // After setuid, which would forget it. The parent may have ended before.
  ::prctl(PR_SET_PDEATHSIG, SIGINT);
  if (::getppid() != parent) ::_exit(126);
  ::execv(words[0], words);
  ::_exit(127);
}

pid_t spawn(const std::string& folder, std::vector<std::string> words, int output) {
  const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  if (::geteuid() == 0 && user == nullptr) throw std::runtime_error("no user postgres: is postgresql-15 installed?");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(user, folder.c_str(), pointers.data(), output, parent);
  if (pid < 0) throw std::runtime_error("fork failed");
  return pid;
}

// Reads `fd` until `wanted` has come (an empty one: until the end).
std::string read_until(int fd, std::string_view wanted) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
    if (!wanted.empty() && text.find(wanted) != std::string::npos) break;
  }
  return text;
}

}  // namespace

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  try {
    char name[] = "/tmp/fairlead-store-XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = name;
    if (const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr; user != nullptr)
      std::ignore = ::chown(name, user->pw_uid, user->pw_gid);

    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    const pid_t pid = spawn(folder_,
                            {std::string(kPrograms) + "initdb", "-D", folder_ + "/data", "-U", "postgres", "-A",
                             "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"},
                            ends[1]);
    ::close(ends[1]);
    const std::string words = read_until(ends[0], "");
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status != 0) throw std::runtime_error("initdb of PostgreSQL 15 failed (is postgresql-15 installed?): " + words);
    port_ = free_port();
    start();
  } catch (const std::exception& e) {
    error_ = e.what();
  }
}

void PostgresServer::start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  // It logs when it is ready and little else, so a pipe that is not read further does not fill: statements' errors are
  // below log_min_messages.
  pid_ = spawn(folder_,
               {std::string(kPrograms) + "postgres",
                "-D",
                folder_ + "/data",
                "-p",
                std::to_string(port_),
                "-k",
                folder_,
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "full_page_writes=off",
                "-c",
                "log_min_messages=log",
                "-c",
                "log_checkpoints=off",
                "-c",
                "max_connections=40",
                "-c",
                "shared_buffers=16MB",
                "-c",
                "autovacuum=off",
                "-c",
                "log_min_error_statement=panic"},
               ends[1]);
  ::close(ends[1]);
  const std::string words = read_until(ends[0], "ready to accept connections");
  // Left open on purpose: a server whose log has no reader would be told so with SIGPIPE. It ends with the program.
  if (words.find("ready to accept connections") == std::string::npos) {
    ::close(ends[0]);
    throw std::runtime_error("PostgreSQL did not start: " + words);
  }
}

void PostgresServer::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGINT);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

PostgresServer::~PostgresServer() {
  stop();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string PostgresServer::uri(const std::string& schema) const {
  return "postgresql://postgres@127.0.0.1:" + std::to_string(port_) + "/postgres?options=-csearch_path%3D" + schema;
}

void PostgresServer::make_schema(const std::string& schema) {
  auto database = Database::open(uri("public"));
  if (!database) throw std::runtime_error("PostgreSQL: " + describe(database.error()));
  // A name of a schema is no parameter to a statement; to the server's own quoting it is.
  const auto made = database->write([&](Transaction& tx) -> base::Result<std::int64_t> {
    auto told = tx.query("select set_config('fairlead.schema', :name, true)", {{"name", schema}});
    if (!told) return std::unexpected(told.error());
    return tx.execute("do $$ begin execute format('create schema %I', current_setting('fairlead.schema')); end $$");
  });
  if (!made) throw std::runtime_error("PostgreSQL: " + describe(made.error()));
}

}  // namespace fairlead::store::testing
