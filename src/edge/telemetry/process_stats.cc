#include "edge/telemetry/process_stats.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace fairlead::edge {
namespace {

// proc(5): field 20 is num_threads, field 24 rss in pages. The second field, the program's name, may hold anything, so
// counting starts behind its last parenthesis, at field 3.
void read_stat(ProcessStats& out) {
  const int fd = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char text[2048];
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (n <= 0) return;
  text[n] = '\0';
  const char* rest = std::strrchr(text, ')');
  unsigned long long threads = 0, rss = 0;
  if (rest && std::sscanf(rest + 1,
                          " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %llu %*d %*u %*u %llu",
                          &threads, &rss) == 2) {
    out.threads = threads;
    out.resident_bytes = rss * static_cast<unsigned long long>(::sysconf(_SC_PAGESIZE));
  }
}

std::optional<std::uint64_t> count_fds() {
  // Since Linux 6.2 the folder's size is the number of open descriptors; before that it is 0, and they are counted one
  // by one: 0.3 s for a million, which only the scrape waits for.
  struct stat info{};
  if (::stat("/proc/self/fd", &info) == 0 && info.st_size > 0) return static_cast<std::uint64_t>(info.st_size);
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return std::nullopt;
  std::uint64_t n = 0;
  while (const dirent* entry = ::readdir(folder)) n += entry->d_name[0] != '.';
  ::closedir(folder);
  return n - 1;  // less the one that lists
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats out;
  read_stat(out);
  out.open_fds = count_fds();
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + t.tv_usec / 1e6; };
    out.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) out.max_fds = limit.rlim_cur;
  return out;
}

}  // namespace fairlead::edge
