// Verbs: statistics.

#include <CLI/CLI.hpp>

#include "app/cli_verbs.h"

namespace fairlead::app {
namespace {

using cli::Desk;

using Show = cli::Told<void> (*)(Desk&, const cli::StatsArgs&);

struct Kind {
  const char *name, *what;
  Show show;
  bool series;  // points over time, by group
  bool meter;   // of what
  bool wire;    // bytes, one way or the other
};
constexpr Kind kKinds[] = {
    {"bandwidth", "Bits per second, with peak and 95th percentile", cli::stats_bandwidth, true, true, true},
    {"traffic", "Bytes, messages and sessions", cli::stats_traffic, true, true, true},
    {"codes", "HTTP statuses of opening handshakes, or of ordinary requests", cli::stats_codes, true, true, false},
    {"regions", "Where clients were: regions and ISPs by bytes to clients", cli::stats_regions, false, true, true},
    {"sessions", "Sessions opened, closed by cause, and how long handshakes took", cli::stats_sessions, true, false,
     false}};

void add_kind(Verbs& verbs, CLI::App* stats, const Kind& kind) {
  const auto o = new_options();
  o->formats = {"text", "json", "csv"};
  CLI::App* verb = verbs.verb(stats, kind.name, kind.what, o, [show = kind.show](Desk& desk, Options& x) {
    x.stats.account = x.account;
    x.stats.csv = x.format == "csv";
    return show(desk, x.stats);
  });
  cli::StatsArgs& to = o->stats;
  verbs.completes(verb->add_option("domains", to.domains, "Of these domains; default: all"), "domain");
  verb->add_option("--since", to.since, "From this moment on: 2026-11-21T10:00:00Z");
  verb->add_option("--until", to.until, "Before this moment; default: the last 24 hours");
  verb->add_option("--last", to.last, "Until now: 90m, 24h, 7d");
  verb->add_option("--region", to.region, "Only clients of this region");
  verb->add_option("--isp", to.isp, "Only clients of this ISP");
  verb->add_option("--time-zone", to.time_zone, "Days of this zone: Asia/Shanghai; default: UTC");
  verb->add_option("--interval", to.interval, "Of a point; default: as fine as the span allows")
      ->check(CLI::IsMember({"5m", "1h", "1d"}));
  if (kind.series) {
    verb->add_option("--group", to.group, "A series for each")
        ->check(CLI::IsMember({"none", "domain", "region", "isp", "region_and_isp"}));
    verb->add_flag("--points", to.points, "Every point");
    verb->add_flag("--sparse", to.sparse, "With -o csv: without points in which nothing was counted");
  } else {
    verb->add_option("--group", to.group, "What is ranked")->check(CLI::IsMember({"region", "isp", "region_and_isp"}));
  }
  if (kind.meter) {
    const bool codes = kind.show == cli::stats_codes;
    auto* meter = verb->add_option("--meter", to.meter, "What is counted; default: websocket");
    meter->check(codes ? CLI::IsMember({"websocket", "http"}) : CLI::IsMember({"websocket", "http", "tunnel"}));
  }
  if (kind.wire) verb->add_flag("--wire", to.wire, "Bytes on the wire: with TLS, HTTP/2 and heads");
  verbs.for_account(verb, o);
}

}  // namespace

void add_stats_verbs(Verbs& verbs) {
  CLI::App* stats = verbs.group("stats", "What passed, and what passes now");
  for (const Kind& kind : kKinds) add_kind(verbs, stats, kind);
  const auto o = new_options();
  o->most = 0;
  CLI::App* live = verbs.verb(stats, "live", "What passes now, a line a second", o, [](Desk& desk, Options& x) {
    x.stats.account = x.account;
    return cli::stats_live(desk, x.stats, x.most);
  });
  verbs.completes(live->add_option("domains", o->stats.domains, "Of these domains; default: all together"), "domain");
  live->add_option("--count", o->most, "So many lines; default: until it is interrupted");
  verbs.for_account(live, o);
}

}  // namespace fairlead::app
