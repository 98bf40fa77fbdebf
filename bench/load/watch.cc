#include "bench/load/watch.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace fairlead::bench {
namespace {

namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<int> numbers_in(const std::string& folder) {
  std::vector<int> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

// What stands behind the program's name in /proc/PID/stat: state, parent, ...
std::istringstream stat_of(int pid) {
  const std::string text = contents("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name = text.rfind(')');
  return std::istringstream(name == std::string::npos ? "" : text.substr(name + 2));
}

// The processes themselves and all below them. (/proc/PID/task/TID/children is not on every kernel.)
std::set<int> with_children(const std::vector<int>& pids) {
  if (pids.empty()) return {};
  std::multimap<int, int> children;
  for (const int pid : numbers_in("/proc")) {
    std::istringstream stat = stat_of(pid);
    std::string state;
    int parent = 0;
    if (stat >> state >> parent) children.emplace(parent, pid);
  }
  std::set<int> all;
  std::vector<int> open = pids;
  while (!open.empty()) {
    const int pid = open.back();
    open.pop_back();
    if (!fs::exists("/proc/" + std::to_string(pid)) || !all.insert(pid).second) continue;
    const auto [from, to] = children.equal_range(pid);
    for (auto it = from; it != to; ++it) open.push_back(it->second);
  }
  return all;
}

double ticks_us(int pid) {
  std::istringstream stat = stat_of(pid);
  std::string skipped;
  for (int i = 0; i < 11; ++i) stat >> skipped;
  double user = 0, system = 0;
  stat >> user >> system;
  return (user + system) * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::uint64_t field_kib(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::stoull(line.substr(name.size()));
  }
  return 0;
}

}  // namespace

Cost Watch::look() const {
  Cost cost;
  for (const int pid : with_children(pids_)) {
    ++cost.processes;
    cost.cpu_us += ticks_us(pid);
    cost.rss_kib += field_kib("/proc/" + std::to_string(pid) + "/status", "VmRSS:");
    cost.pss_kib += field_kib("/proc/" + std::to_string(pid) + "/smaps_rollup", "Pss:");
  }
  return cost;
}

CpuMeter::Sample CpuMeter::sample(const std::set<int>& processes) {
  Sample s;
  for (const int pid : processes) {
    const std::string folder = "/proc/" + std::to_string(pid) + "/task";
    for (const int thread : numbers_in(folder)) {
      std::istringstream text(contents(folder + "/" + std::to_string(thread) + "/schedstat"));
      text >> s.threads[thread];
    }
    s.ticks_us += ticks_us(pid);
  }
  return s;
}

void CpuMeter::find() { found_ = with_children(pids_); }

double CpuMeter::microseconds() const {
  double ns = 0;
  bool same = to_.threads.size() == from_.threads.size() && with_children(pids_) == found_;
  for (const auto& [thread, at] : to_.threads) {
    const auto before = from_.threads.find(thread);
    same = same && before != from_.threads.end() && at >= before->second;
    if (same) ns += static_cast<double>(at - before->second);
  }
  if (same && ns > 0) return ns / 1000;
  // Children that came since are counted with all they used.
  double ticks = to_.ticks_us - from_.ticks_us;
  for (const int pid : with_children(pids_)) {
    if (!found_.contains(pid)) ticks += ticks_us(pid);
  }
  return ticks;
}

std::uint64_t kernel_slab_kib() { return field_kib("/proc/meminfo", "Slab:"); }

}  // namespace fairlead::bench
