#include "bench/load/options.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <sstream>

namespace fairlead::bench {
namespace {

using base::Code;
using base::Side;

constexpr std::uint64_t kLargestMessage = std::uint64_t{1} << 30;

// A CLI11 validator that stores what `parse` makes of the text.
template <class T, class Parse>
CLI::callback_t stored(T& to, Parse parse) {
  return [&to, parse](const CLI::results_t& texts) {
    const auto value = parse(texts.front());
    if (!value) throw CLI::ValidationError(value.error().context);
    to = *value;
    return true;
  };
}

template <class T, class Parse>
CLI::Option* add_parsed(CLI::App* app, const std::string& name, T& to, Parse parse, const std::string& kind,
                        const std::string& help) {
  return app->add_option(name, stored(to, parse), help)->type_name(kind);
}

void add_where(CLI::App* app, Options& o) {
  app->add_option("url", o.url, "ws://HOST[:PORT]/PATH or wss://...")->type_name("URL");
  app->add_option("--connect-to", o.connect_to, "Connect there; Host and SNI stay those of the URL")
      ->type_name("HOST:PORT");
  app->add_option("--header,-H", o.headers, "A field of the opening handshake (repeatable)")
      ->type_name("'NAME: VALUE'")
      ->take_all();
  app->add_option("--subprotocol", o.subprotocol, "Subprotocol to ask for")->type_name("NAME");
  app->add_option("--ca", o.ca_file, "CA certificates (PEM); default: the system's")->type_name("FILE");
  app->add_flag("--insecure", o.insecure, "Accept any certificate");
  app->add_flag("--resume", o.resume, "Resume TLS sessions");
  app->add_flag("--http2", o.http2,
                "Sessions as streams of HTTP/2 connections (RFC 8441); over ws://, by prior knowledge");
  app->add_option("--sessions-per-connection", o.sessions_per_connection, "Over HTTP/2")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app->add_option("--own-origin", o.own_origin, "Run an origin (as `origin` does) at ADDRESS in this process")
      ->type_name("ADDRESS");
}

void add_how(CLI::App* app, Options& o) {
  app->add_option("--sessions,-n", o.sessions, "Sessions open at a time")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  add_parsed(app, "--duration,-d", o.duration, parse_duration, "TIME", "What is measured takes that long [10s]");
  add_parsed(app, "--timeout", o.timeout, parse_duration, "TIME",
             "Of an opening handshake, and of answers still due at the end [30s]");
  add_parsed(app, "--settle", o.settle, parse_duration, "TIME",
             "Wait after all is closed, before memory is read again [0s]");
  app->add_option("--ramp", o.ramp, "Open that many sessions a second; 0: as fast as --opening allows")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--opening", o.opening, "Opening handshakes under way at a time")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app->add_option("--close", "How sessions end: websocket (Close handshake) or tcp")
      ->check(CLI::IsMember({"websocket", "tcp"}))
      ->each([&o](const std::string& t) { o.close = t == "tcp" ? CloseWay::tcp : CloseWay::websocket; });
  app->add_option("--threads,-t", o.threads, "Event loops to spread the sessions over")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app->add_option("--watch", o.watch,
                  "Process whose CPU time and memory, its children's included, are reported (repeatable)")
      ->type_name("PID")
      ->take_all()
      ->check(CLI::Range(1, 1 << 22));
  app->add_option("--json", o.json_file, "Write the result there, too; - is standard output instead of the table")
      ->type_name("FILE");
  app->add_flag("--quiet,-q", o.quiet, "No progress");
}

void add_messages(CLI::App* app, Options& o) {
  app->add_option("--in-flight,-k", o.in_flight, "Closed loop: messages a session has under way")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  add_parsed(app, "--size,-s", o.size, parse_size, "SIZE", "Payload of a message [64]");
  app->add_option("--rate,-r", o.rate,
                  "Open loop: messages a second over all sessions; latency counts from when a message was due")
      ->check(CLI::PositiveNumber);
  add_parsed(app, "--warmup,-w", o.warmup, parse_duration, "TIME", "Messages before measuring begins [1s]");
  app->add_flag("--text", o.text, "Text messages instead of binary ones");
  app->add_option("--check", "What of an answer is checked: none, size, content (every byte)")
      ->check(CLI::IsMember({"none", "size", "content"}))
      ->each([&o](const std::string& t) {
        o.check = t == "none" ? Check::none : t == "size" ? Check::size : Check::content;
      });
}

// What options must not be together; empty: all is well.
std::string contradiction(const Options& o) {
  if (o.workload == Workload::origin) return {};
  const auto target = parse_url(o.url);
  if (!target) return target.error().context;
  if (o.rate != 0 && o.in_flight != 1) return "--rate is an open loop, --in-flight a closed one: give one of them";
  if (!target->tls && (!o.ca_file.empty() || o.insecure || o.resume))
    return "--ca, --insecure and --resume are for wss://";
  if (!o.ca_file.empty() && o.insecure) return "--ca and --insecure exclude each other";
  if (o.size > kLargestMessage) return "--size is 1GiB at most";
  if (o.duration <= Nanoseconds(0)) return "--duration must be more than nothing";
  if (o.threads > o.sessions) return "--threads must not be more than --sessions";
  for (const std::string& h : o.headers) {
    if (h.find(':') == std::string::npos || h.find_first_of("\r\n") != std::string::npos)
      return fmt::format("--header '{}' is not 'NAME: VALUE'", h);
  }
  return {};
}

}  // namespace

std::string_view to_string(Workload w) {
  switch (w) {
    case Workload::echo: return "echo";
    case Workload::send: return "send";
    case Workload::receive: return "receive";
    case Workload::hold: return "hold";
    case Workload::connect: return "connect";
    case Workload::origin: return "origin";
  }
  return "";
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  Options o;
  CLI::App app{"Load for WebSocket services, and an origin to answer it", "fairlead-bench"};
  app.set_version_flag("--version", "fairlead-bench " FAIRLEAD_VERSION);
  app.require_subcommand(1);
  app.footer("Exit status: 0 all well, 1 sessions failed or answers were wrong, 2 usage.");
  struct Verb {
    Workload workload;
    const char* help;
  };
  const Verb verbs[] = {
      {Workload::echo, "Messages to a service that sends each back"},
      {Workload::send, "Messages to a service that answers each with a small one: bulk up"},
      {Workload::receive, "Small messages to a service that answers each with a large one: bulk down"},
      {Workload::hold, "Open sessions and leave them idle"},
      {Workload::connect, "Open and close sessions, again and again"},
  };
  for (const Verb& verb : verbs) {
    CLI::App* sub = app.add_subcommand(std::string(to_string(verb.workload)), verb.help);
    add_where(sub, o);
    add_how(sub, o);
    sub->get_option("url")->required();
    if (verb.workload == Workload::connect) {
      add_parsed(sub, "--warmup,-w", o.warmup, parse_duration, "TIME", "Handshakes before measuring begins [1s]");
    } else if (verb.workload != Workload::hold) {
      add_messages(sub, o);
    }
    sub->callback([&o, verb] { o.workload = verb.workload; });
  }
  CLI::App* origin = app.add_subcommand("origin",
                                        "Serve /echo, /sink (each message is answered by 8 bytes) and /source?size=N "
                                        "(each is answered by N bytes); ends by SIGINT or SIGTERM");
  origin->add_option("--listen,-l", o.listen, "IP:PORT; port 0: the system chooses, and the first line printed says it")
      ->required()
      ->type_name("ADDRESS");
  origin->add_option("--threads,-t", o.threads, "Event loops")->check(CLI::Range(1, 256))->capture_default_str();
  origin->callback([&o] { o.workload = Workload::origin; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, wrong;
    const int status = app.exit(error, out, wrong);
    return {std::nullopt, status == 0 ? 0 : 2, out.str() + wrong.str()};
  }
  if (const std::string wrong = contradiction(o); !wrong.empty())
    return {std::nullopt, 2, "fairlead-bench: " + wrong + "\n"};
  return {o, 0, {}};
}

base::Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const int shift = unit.empty() ? 0 : unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
  if (error != std::errc() || shift < 0 || n > (std::uint64_t{1} << 40))
    return base::fail(Code::malformed, Side::config, fmt::format("'{}' is no size: 64, 1KiB, 16MiB", text));
  return n << shift;
}

base::Result<Nanoseconds> parse_duration(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t each = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" ? 60'000 : 0;
  if (error != std::errc() || each == 0 || n < 0 || n > 1'000'000)
    return base::fail(Code::malformed, Side::config, fmt::format("'{}' is no time: 500ms, 3s, 2m", text));
  return std::chrono::milliseconds(n * each);
}

base::Result<Target> parse_url(std::string_view url) {
  const auto wrong = [&](const char* what) {
    return base::fail(Code::malformed, Side::config,
                      fmt::format("'{}' {}: ws://HOST[:PORT]/PATH or wss://...", url, what));
  };
  Target t;
  if (url.starts_with("wss://")) {
    t.tls = true;
  } else if (!url.starts_with("ws://")) {
    return wrong("is no WebSocket URL");
  }
  std::string_view rest = url.substr(t.tls ? 6 : 5);
  if (rest.find_first_of(" \t\r\n#") != std::string_view::npos) return wrong("has a character that cannot be there");
  const std::size_t path = rest.find_first_of("/?");
  t.authority = rest.substr(0, path);
  if (path != std::string_view::npos) t.path = rest.substr(path);
  if (!t.path.starts_with('/')) t.path.insert(0, "/");
  std::string_view host = t.authority, port;
  if (host.find('@') != std::string_view::npos) return wrong("has a user");
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return wrong("has a bracket that does not close");
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!port.empty() && port.front() != ':') return wrong("has something behind its host");
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (host.empty()) return wrong("has no host");
  t.host = host;
  t.port = t.tls ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), t.port);
    if (error != std::errc() || end != port.data() + port.size() || t.port == 0) return wrong("has no valid port");
  }
  return t;
}

}  // namespace fairlead::bench
