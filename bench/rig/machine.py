"""The machine under the bench: a network of its own, processors, free ports, what it is made of.

Everything runs in a network namespace with nothing but loopback, whose routes name the congestion control: CUBIC for every
socket, whoever opens it and whatever the host's default is. Without the right to make one the bench runs in the host's
network and says so; what it then measures depends on that default."""

import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where the programs are; the tests have others than a release build.
BUILD = Path(os.environ.get("FAIRLEAD_BENCH_BUILD", ROOT / "build/release"))
MARK = "FAIRLEAD_BENCH_NETWORK"
CONGESTION = "cubic"
RELAY_CORE, LOAD_CORE = "0", "1"


def enter_network():
    """Runs this program again inside a network namespace. Returns when it is inside, or when there is none to be had."""
    if MARK in os.environ:
        return
    unshare = shutil.which("unshare")
    inside = unshare and subprocess.run([unshare, "-n", "true"], capture_output=True).returncode == 0
    os.environ[MARK] = "own" if inside else "host"
    if inside:
        os.execv(unshare, [unshare, "-n", "--", sys.executable, *sys.argv])


def prepare_network():
    """Returns words for what the network is."""
    if os.environ.get(MARK) == "own":
        _ip("link", "set", "lo", "up")
        for network in ("127.0.0.0/8", "127.0.0.1"):
            _ip("route", "replace", "local", network, "dev", "lo", "table", "local", "proto", "kernel", "scope", "host",
                "src", "127.0.0.1", "congctl", CONGESTION)
        # Storms open more connections than the usual 28,000 ports give in a minute.
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("10000 65535")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        used = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()
    own = "own namespace" if os.environ.get(MARK) == "own" else "host's network"
    if used != CONGESTION:
        print(f"bench: the congestion control is {used}, not {CONGESTION}: bulk figures will be noisier", file=sys.stderr)
    return f"loopback, {own}, {used}"


def _ip(*words):
    subprocess.run(["ip", *words], check=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


NICE = -15
_first = False


def go_first():
    """From now on what is started here goes before whatever else the machine does."""
    global _first
    _first = True
    if os.getsid(0) != os.getpid():
        os.setsid()
    prefer(os.getpid())


def prefer(pid):
    """After go_first(): of a process that leads a session. Nice values count within a session only, where the kernel groups
    processes by session, and then the session has one of its own."""
    if not _first:
        return
    os.setpriority(os.PRIO_PROCESS, pid, NICE)
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(str(NICE))


def pinned(core, command):
    return ["taskset", "-c", core, *map(str, command)]


def version(command, line=0):
    done = subprocess.run(command, capture_output=True, text=True)
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[line].strip() if len(said) > line else "unknown"


def description(network):
    """What a reader of the figures has to know of where they come from."""
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    commit = version(["git", "-C", str(ROOT), "rev-parse", "HEAD"])
    dirty = subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no"], capture_output=True).stdout
    return {
        "processors": f"{os.cpu_count()} x {cpu}",
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "network": network,
        "load_before": round(os.getloadavg()[0], 2),
        "commit": commit + (" and changes" if dirty else ""),
        "nginx": version(["nginx", "-v"]).removeprefix("nginx version: "),
        "haproxy": version(["haproxy", "-v"]).split(" - ")[0],
        "openssl": version(["openssl", "version"]),
    }
