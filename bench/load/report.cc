#include "bench/load/report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/load/progress.h"

namespace fairlead::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<const char*, double> kPercentiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};

Json percentiles(const Histogram& h) {
  if (h.count() == 0) return nullptr;
  Json all;
  all["count"] = h.count();
  all["mean"] = h.mean() / 1000;
  all["min"] = static_cast<double>(h.min()) / 1000;
  for (const auto& [name, percent] : kPercentiles) all[name] = static_cast<double>(h.percentile(percent)) / 1000;
  all["max"] = static_cast<double>(h.max()) / 1000;
  return all;
}

std::string percentile_line(const Histogram& h) {
  std::string line;
  for (const auto& [name, percent] : kPercentiles)
    line += fmt::format("{} {}  ", name, human_time(static_cast<double>(h.percentile(percent))));
  return line + fmt::format("max {}", human_time(static_cast<double>(h.max())));
}

double per(double sum, double of) { return of > 0 ? sum / of : 0; }

Json memory(const Memory& m) {
  return {{"rss_kib", m.watched.rss_kib},
          {"pss_kib", m.watched.pss_kib},
          {"processes", m.watched.processes},
          {"slab_kib", m.slab_kib}};
}

}  // namespace

std::string to_json(const Result& r) {
  const Options& o = r.options;
  Json j;
  j["tool"] = "fairlead-bench " FAIRLEAD_VERSION;
  j["workload"] = to_string(o.workload);
  j["url"] = o.url;
  j["sessions"] = o.sessions;
  j["threads"] = o.threads;
  if (o.workload != Workload::hold && o.workload != Workload::connect) {
    j["size"] = o.size;
    if (o.rate != 0) {
      j["rate"] = o.rate;
    } else {
      j["in_flight"] = o.in_flight;
    }
  }
  j["good"] = r.good();
  j["opened"] = r.opened;
  j["failed"] = r.failed;
  j["broken"] = r.broken;
  j["wrong"] = r.wrong;
  j["unanswered"] = r.unanswered;
  if (!r.interrupted.empty()) j["interrupted"] = r.interrupted;
  j["errors"] = r.errors;
  if (!r.tls_version.empty()) j["tls"] = {{"version", r.tls_version}, {"cipher", r.cipher}, {"resumed", r.resumed}};
  if (!r.subprotocol.empty()) j["subprotocol"] = r.subprotocol;
  j["opening"] = {{"seconds", r.opening_seconds}, {"latency_us", percentiles(r.opening)}};
  const double seconds = r.measured_seconds;
  j["measured"] = {{"seconds", seconds},
                   {"exchanges", r.exchanges},
                   {"exchanges_per_second", per(static_cast<double>(r.exchanges), seconds)},
                   {"bytes_out", r.bytes_out},
                   {"bytes_in", r.bytes_in},
                   {"latency_us", percentiles(r.latency)},
                   {"own_cpu_us", r.own_cpu_us}};
  if (o.watch.empty()) return j.dump(2) + "\n";
  const double mib = static_cast<double>(r.bytes_in + r.bytes_out) / (1 << 20);
  j["watched"] = {{"pids", o.watch},
                  {"opening_cpu_us", r.opening_cpu_us},
                  {"cpu_us", r.watched_cpu_us},
                  {"cpu_share", per(r.watched_cpu_us, seconds * 1e6)},
                  {o.workload == Workload::connect ? "cpu_us_per_handshake" : "cpu_us_per_message",
                   per(r.watched_cpu_us, r.units())},
                  {"cpu_us_per_mib", per(r.watched_cpu_us, mib)},
                  {"before", memory(r.before)},
                  {"ramped", memory(r.ramped)},
                  {"measured", memory(r.measured)},
                  {"closed", memory(r.closed)}};
  return j.dump(2) + "\n";
}

std::string to_table(const Result& r) {
  const Options& o = r.options;
  const double seconds = r.measured_seconds;
  std::string t = fmt::format("{} {}\n", to_string(o.workload), o.url);
  const auto row = [&t](std::string_view name, const std::string& text) {
    t += fmt::format("  {:<12} {}\n", name, text);
  };
  row("sessions",
      fmt::format("{} opened in {:.2f} s, {} failed, {} broken", r.opened, r.opening_seconds, r.failed, r.broken));
  if (!r.tls_version.empty()) row("TLS", fmt::format("{} {}, {} resumed", r.tls_version, r.cipher, r.resumed));
  if (r.opening.count() != 0) row("opening", percentile_line(r.opening));
  if (o.workload == Workload::connect) {
    row("handshakes",
        fmt::format("{} in {:.2f} s, {:.0f}/s", r.exchanges, seconds, per(static_cast<double>(r.exchanges), seconds)));
  } else if (o.workload != Workload::hold) {
    row("answers", fmt::format("{} in {:.2f} s, {:.0f}/s, {} wrong, {} missing", r.exchanges, seconds,
                               per(static_cast<double>(r.exchanges), seconds), r.wrong, r.unanswered));
    row("bytes", fmt::format("{:.1f} MiB/s sent, {:.1f} MiB/s received",
                             per(static_cast<double>(r.bytes_out) / (1 << 20), seconds),
                             per(static_cast<double>(r.bytes_in) / (1 << 20), seconds)));
    if (r.latency.count() != 0) row("latency", percentile_line(r.latency));
  }
  if (!o.watch.empty()) {
    row("watched CPU",
        fmt::format("{:.2f} of a core, {:.2f} us a {}", per(r.watched_cpu_us, seconds * 1e6),
                    per(r.watched_cpu_us, r.units()), o.workload == Workload::connect ? "handshake" : "message"));
    row("watched RSS", fmt::format("{} KiB before, {} with all open, {} measured, {} closed", r.before.watched.rss_kib,
                                   r.ramped.watched.rss_kib, r.measured.watched.rss_kib, r.closed.watched.rss_kib));
  }
  if (!r.interrupted.empty()) row("", r.interrupted);
  for (const auto& [error, times] : r.errors) row("error", fmt::format("{} x {}", times, error));
  return t;
}

}  // namespace fairlead::bench
