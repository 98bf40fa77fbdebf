"""What is measured: a workload has a name, contestants, a way to measure one of them, and aims. Figures of a measurement are
{metric: number}; METRICS says what each is."""

from dataclasses import dataclass, field
from functools import partial
from typing import Callable

from counting import instructions
from machine import ROOT
from measuring import through
from node import FairleadNode
from peers import Fairlead, Floor, Haproxy, Nginx
from policy import DOMAINS, NginxFleet, changing

# metric: (words, unit, whether the relays are compared by it)
METRICS = {
    "cpu_us_per_message": ("CPU", "µs/message", True),
    "cpu_us_per_mib": ("CPU", "µs/MiB", True),
    "cpu_us_per_handshake": ("CPU", "µs/handshake", True),
    "cpu_us_per_opening": ("CPU", "µs/session", True),
    "rss_kib_per_session": ("resident memory", "KiB/session", True),
    "pss_mib": ("memory of its processes", "MiB", True),
    "instructions_per_message": ("instructions", "/message", True),
    "rss_kib_left": ("resident memory left", "KiB/session", True),
    "slab_kib_per_session": ("kernel slab, both ends", "KiB/session", False),
    "p50_us": ("p50", "µs", False),
    "p99_us": ("p99", "µs", True),
    "p99.9_us": ("p99.9", "µs", False),
    "messages_per_s": ("rate", "messages/s", False),
    "mib_per_s": ("rate", "MiB/s", False),
    "handshakes_per_s": ("rate", "handshakes/s", False),
    "share": ("share of its core", "", False),
    "effect_ms": ("time to effect", "ms", True),
    "p99_us_before": ("p99 of others before", "µs", False),
    "sessions_ended": ("sessions of others ended", "", False),
}


@dataclass(frozen=True)
class Contestant:
    label: str
    kind: type | None = None  # None: no relay
    settings: dict = field(default_factory=dict)

    def make(self, certificate, **more):
        if self.kind is None:
            return None
        return partial(self.kind, certificate=certificate, **{**self.settings, **more})


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    group: str
    metric: str  # the one that matters
    measure: Callable  # (contestant, certificate, brief) -> figures
    contestants: tuple
    aims: tuple = ()  # (metric, label of the peer, most that Fairlead's ratio to it may be); label "": an absolute bound
    quick: bool = False


# Fairlead with counters that do nothing: cmake --preset uncounted && ninja -C build/uncounted fairlead
UNCOUNTED = ROOT / "build/uncounted/fairlead"
DIRECT = Contestant("direct")
NGINX, HAPROXY, FAIRLEAD = Contestant("nginx", Nginx), Contestant("HAProxy", Haproxy), Contestant("Fairlead", Fairlead)
ALL = (NGINX, HAPROXY, FAIRLEAD)
FLOOR = Contestant("floor", Floor)


def _latencies(measured, *names):
    return {f"{name}_us": measured["latency_us"][name] for name in names}


def _times(brief, full, short):
    """--duration and --warmup."""
    seconds, warmup = short if brief else full
    return ["--duration", f"{int(seconds * 1000)}ms", "--warmup", f"{int(warmup * 1000)}ms"]


def closed(contestant, certificate, brief, *, size, sessions, in_flight, tls, memory=False, http2=False):
    more = ["--http2"] if http2 else []
    said = through(contestant.make(certificate), "echo", "--size", size, "--sessions", sessions, "--in-flight", in_flight, *more,
                   *_times(brief, (3, 1), (1, 0.4)), tls=certificate if tls and contestant.kind else None)
    figures = {"messages_per_s": 2 * said["measured"]["exchanges_per_second"], **_latencies(said["measured"], "p50", "p99")}
    if contestant.kind:
        figures["cpu_us_per_message"], figures["share"] = said["watched"]["cpu_us_per_message"], said["watched"]["cpu_share"]
    if memory:
        figures["pss_mib"] = said["watched"]["measured"]["pss_kib"] / 1024
    return figures


def paced(contestant, certificate, brief, *, rate, sessions, tls):
    said = through(contestant.make(certificate), "echo", "--rate", rate, "--sessions", sessions,
                   *_times(brief, (5, 1), (1.5, 0.5)), tls=certificate if tls and contestant.kind else None)
    figures = _latencies(said["measured"], "p50", "p99", "p99.9")
    if contestant.kind:
        figures["cpu_us_per_message"], figures["share"] = said["watched"]["cpu_us_per_message"], said["watched"]["cpu_share"]
    return figures


def bulk(contestant, certificate, brief, *, verb, tls, size=1 << 20, sessions=8):
    path = f"/source?size={size}" if verb == "receive" else "/sink"
    said = through(contestant.make(certificate), verb, "--size", size, "--sessions", sessions, "--in-flight", 2,
                   *_times(brief, (3, 1), (1, 0.4)), tls=certificate if tls and contestant.kind else None, path=path)
    measured = said["measured"]
    figures = {"mib_per_s": (measured["bytes_in"] + measured["bytes_out"]) / measured["seconds"] / (1 << 20)}
    if contestant.kind:
        figures["cpu_us_per_mib"], figures["share"] = said["watched"]["cpu_us_per_mib"], said["watched"]["cpu_share"]
    return figures


def handshakes(contestant, certificate, brief, *, tls, resume=False, at_a_time=32):
    more = ["--resume"] if resume else []
    said = through(contestant.make(certificate), "connect", "--sessions", at_a_time, *more, *_times(brief, (3, 0.5), (1, 0.2)),
                   tls=certificate if tls and contestant.kind else None)
    figures = {"handshakes_per_s": said["measured"]["exchanges_per_second"], **_latencies(said["measured"], "p99")}
    if contestant.kind:
        figures["cpu_us_per_handshake"], figures["share"] = said["watched"]["cpu_us_per_handshake"], said["watched"]["cpu_share"]
    return figures


def idle(contestant, certificate, brief, *, tls, sessions=8000):
    """Beyond what the first few touch (code, libraries, tables), which is the process's and not the sessions'."""
    said = through(contestant.make(certificate), "hold", "--sessions", sessions, "--duration", "1s" if brief else "3s",
                   tls=certificate if tls else None, warm=32)
    watched = said["watched"]
    return {"rss_kib_per_session": (watched["measured"]["rss_kib"] - watched["before"]["rss_kib"]) / said["opened"],
            "slab_kib_per_session": (watched["measured"]["slab_kib"] - watched["before"]["slab_kib"]) / said["opened"]}


def storm(contestant, certificate, brief, *, tls, sessions=4000):
    """All at once, as after a network came back; then all leave."""
    said = through(contestant.make(certificate), "hold", "--sessions", sessions, "--opening", sessions, "--duration", "500ms",
                   "--settle", "1s", tls=certificate if tls else None)
    watched = said["watched"]
    return {"cpu_us_per_opening": watched["opening_cpu_us"] / said["opened"], "p99_us": said["opening"]["latency_us"]["p99"],
            "rss_kib_left": (watched["closed"]["rss_kib"] - watched["before"]["rss_kib"]) / said["opened"]}


def _closed_workloads():
    for scheme, tls in (("ws", False), ("wss", True)):
        for size, words in ((64, "64 B"), (1024, "1 KiB")):
            for sessions in (1, 100, 1000, 4000):
                for in_flight in (1, 16):
                    aims = _closed_aims(tls, size, sessions, in_flight)
                    floor = (FLOOR,) if aims and not tls else ()
                    yield Workload(
                        f"{scheme}-{size}-x{sessions}" + (f"-k{in_flight}" if in_flight > 1 else ""),
                        f"{words} × {sessions}" + (f", {in_flight} in flight" if in_flight > 1 else ""),
                        f"{scheme}, closed loop", "cpu_us_per_message",
                        partial(closed, size=size, sessions=sessions, in_flight=in_flight, tls=tls), (DIRECT, *floor, *ALL),
                        aims, quick=(size, sessions, in_flight) == (64, 1000, 1))


def _closed_aims(tls, size, sessions, in_flight):
    stated = {(64, 1000, 1): (0.92, 0.80), (64, 4000, 1): (0.92, 0.80), (64, 1, 1): (1.0, 0.85), (64, 100, 1): (1.0, 0.85),
              (1024, 1000, 1): (1.0, 0.85), (64, 1000, 16): (1.0, 0.85)}.get((size, sessions, in_flight))
    if not stated:
        return ()
    nginx, haproxy = (0.75, 0.65) if tls else stated
    return (("cpu_us_per_message", "nginx", nginx), ("cpu_us_per_message", "HAProxy", haproxy))


def _bulk_workloads():
    wide = Contestant("nginx, 64k buffers", Nginx, {"buffer": "64k"})
    for scheme, tls in (("ws", False), ("wss", True)):
        splicing = Contestant("HAProxy", Haproxy, {"buffer": 65536}) if tls else Contestant("HAProxy, splice", Haproxy, {"splice": True})
        aims = ((("cpu_us_per_mib", wide.label, 0.85),) if tls else
                (("cpu_us_per_mib", wide.label, 0.45), ("cpu_us_per_mib", splicing.label, 0.8)))
        for verb, words in (("send", "up"), ("receive", "down")):
            yield Workload(f"{scheme}-bulk-{words}", f"1 MiB {words}", f"{scheme}, bulk", "cpu_us_per_mib",
                           partial(bulk, verb=verb, tls=tls), (DIRECT, wide, splicing, FAIRLEAD), aims, quick=words == "up" and not tls)


def workloads():
    """All of them, in the order of the report."""
    found = list(_closed_workloads())
    for scheme, tls in (("ws", False), ("wss", True)):
        aims = () if tls else (("cpu_us_per_message", "nginx", 0.95), ("p99_us", "nginx", 1.0))
        for rate in (5000, 20000):
            found.append(Workload(f"{scheme}-paced-{rate // 1000}k", f"{rate // 1000},000 messages/s over 1000", f"{scheme}, open loop",
                                  "cpu_us_per_message", partial(paced, rate=rate, sessions=1000, tls=tls), (DIRECT, *(() if tls else (FLOOR,)), *ALL),
                                  aims if rate == 20000 else (), quick=rate == 20000 and not tls))
    found += _bulk_workloads()
    for name, words, tls, resume in (("plain", "ws", False, False), ("tls", "wss, full", True, False), ("resumed", "wss, resumed", True, True)):
        found.append(Workload(f"handshake-{name}", words, "opening and closing", "cpu_us_per_handshake",
                              partial(handshakes, tls=tls, resume=resume), ALL, (("cpu_us_per_handshake", "nginx", 1.0),), quick=not resume))
    for sessions, in_flight, words in ((1000, 1, ""), (1000, 16, ", 16 in flight")):
        found.append(Workload(f"h2-64-x{sessions}" + ("-k16" if words else ""), f"64 B × {sessions}{words}", "wss over HTTP/2, 100 sessions a connection",
                              "cpu_us_per_message", partial(closed, size=64, sessions=sessions, in_flight=in_flight, tls=True, http2=True),
                              (HAPROXY, FAIRLEAD)))
    lean = Contestant("nginx, lean", Nginx, {"lean": True})
    for scheme, tls, bound in (("ws", False, 1.0), ("wss", True, 2.0)):
        found.append(Workload(f"idle-{scheme}", f"{scheme}, 8000 sessions", "idle sessions", "rss_kib_per_session", partial(idle, tls=tls),
                              (NGINX, lean, HAPROXY, FAIRLEAD), (("rss_kib_per_session", "", bound),), quick=True))
    for scheme, tls in (("ws", False), ("wss", True)):
        found.append(Workload(f"storm-{scheme}", f"{scheme}, 4000 at once", "connect storms", "cpu_us_per_opening", partial(storm, tls=tls),
                              ALL, (), quick=False))
    one = tuple(Contestant(f"{c.label}, 1 domain", c.kind) for c in (NGINX, FAIRLEAD))
    many = tuple(Contestant(c.label, c.kind, {"domains": DOMAINS}) for c in (NGINX, FAIRLEAD))
    found.append(Workload("domains", "64 B × 1000", "10,000 domains", "cpu_us_per_message",
                          partial(closed, size=64, sessions=1000, in_flight=1, tls=False, memory=True),
                          (one[0], many[0], one[1], many[1]), (("cpu_us_per_message", one[1].label, 1.05),)))
    found.append(Workload("policy-change", "a domain's switch", "policy change among 10,000 domains", "effect_ms", changing,
                          (Contestant("nginx", NginxFleet), Contestant("Fairlead", FairleadNode)),
                          (("effect_ms", "", 100), ("sessions_ended", "", 0))))
    silent = Contestant("Fairlead, uncounted", Fairlead, {"binary": UNCOUNTED})
    for sessions, size, words in ((1000, 64, "64 B × 1000"), (100, 64, "64 B × 100"), (1000, 1024, "1 KiB × 1000")):
        found.append(Workload(f"counting-{size}-x{sessions}", words, "counters on and off", "cpu_us_per_message",
                              partial(closed, size=size, sessions=sessions, in_flight=1, tls=False), (silent, FAIRLEAD)))
    found.append(Workload("counting-instructions", "64 B × 100, under valgrind", "counters on and off", "instructions_per_message",
                          partial(instructions, size=64, sessions=100), (silent, FAIRLEAD)))
    return found


def with_variants(found, variants):
    """The same with more kinds of Fairlead beside the one there is: {label: settings}."""
    if not variants:
        return found
    from dataclasses import replace
    more = tuple(Contestant(label, Fairlead, settings) for label, settings in variants.items())
    return [replace(w, contestants=w.contestants + more) if FAIRLEAD in w.contestants else w for w in found]
