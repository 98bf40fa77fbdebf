#!/usr/bin/python3
"""What counting costs: CPU time a message of the relay with its counters, against the same program whose counters do nothing
(cmake --preset uncounted). The two take turns, so that what else the machine does touches both; the answer is the median of
the rounds' ratios, with the smallest and the largest.

    cmake --preset release && ninja -C build/release fairlead echo_load
    cmake --preset uncounted && ninja -C build/uncounted fairlead
    /usr/bin/python3 bench/counting_cost.py [ROUNDS] [SECONDS]
    /usr/bin/python3 bench/counting_cost.py instructions

The second form counts the instructions of the program itself (without the kernel's) a message, under valgrind: what a noisy
machine cannot blur. A long run less a short one, so that the beginning and the end are in neither.
"""

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHAPES = [(1000, 64), (100, 64), (1000, 1024)]  # connections, bytes of payload


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def loaded(binary, folder, connections, payload, seconds, under=()):
    """The edge, and what the load tool said of it: messages, CPU microseconds a message."""
    origin, relay, admin = free_port(), free_port(), free_port()
    config = Path(folder, "fairlead.yaml")
    config.write_text(f"""
listeners: [ {{ address: "127.0.0.1:{relay}", protocol: http }} ]
workers: 1
admin: {{ address: "127.0.0.1:{admin}" }}
access_log: {{ path: "off" }}
limits: {{ max_sessions_per_client: 100000, max_connections_per_client: 100000, handshakes_per_second_per_client: 100000 }}
domains:
  - name: bench.test
    origins: [ {{ host: 127.0.0.1, http_port: {origin} }} ]
    websocket: {{ origin_scheme: http, connection_timeout: 600s }}
""")
    edge = subprocess.Popen(["taskset", "-c", "0", *under, str(binary), "edge", "--config", str(config)], stderr=subprocess.PIPE if under else subprocess.DEVNULL, text=True)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=1)
                break
            except OSError:
                time.sleep(0.05)
        said = subprocess.run(["taskset", "-c", "1", str(ROOT / "build/release/bench/echo_load"), str(origin), str(relay), "bench.test",
                               str(edge.pid), str(connections), str(payload), str(seconds)], capture_output=True, text=True, timeout=60 + seconds)
        if said.returncode != 0:
            sys.exit(said.stderr)
        yield edge, *map(float, said.stdout.split()[:2])
    finally:
        edge.kill()
        edge.wait()


def cost(binary, folder, connections, payload, seconds):
    """CPU microseconds a message."""
    with loaded(binary, folder, connections, payload, seconds) as (_, _, cpu):
        return cpu


def instructions(binary, folder, connections, payload, seconds):
    """Messages, and instructions of the whole run."""
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    with loaded(binary, folder, connections, payload, seconds, callgrind) as (edge, messages, _):
        edge.terminate()
        said = edge.communicate(timeout=60)[1]
        return messages, int(re.search(r"Collected\s*:\s*(\d+)", said)[1])


def count_instructions(counted, uncounted, folder):
    print("instructions a message with counters, without, ratio")
    for connections, payload in SHAPES:
        figures = []
        for binary in (counted, uncounted):
            (short, less), (long, more) = (instructions(binary, folder, connections, payload, s) for s in (3, 12))
            figures.append((more - less) / (long - short))
        print(f"  {connections} x {payload} B: {figures[0]:.0f} {figures[1]:.0f} {figures[0] / figures[1]:.4f}", flush=True)


def main():
    counted, uncounted = (ROOT / "build" / preset / "fairlead" for preset in ("release", "uncounted"))
    if sys.argv[1:] == ["instructions"]:
        with tempfile.TemporaryDirectory() as folder:
            return count_instructions(counted, uncounted, folder)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    print(f"load average {os.getloadavg()[0]:.1f}; CPU us a message with counters, without, ratio")
    with tempfile.TemporaryDirectory() as folder:
        for connections, payload in SHAPES:
            ratios = []
            for i in range(rounds):
                order = (counted, uncounted) if i % 2 == 0 else (uncounted, counted)
                figures = {binary: cost(binary, folder, connections, payload, seconds) for binary in order}
                ratios.append(figures[counted] / figures[uncounted])
                print(f"  {connections} x {payload} B: {figures[counted]:.3f} {figures[uncounted]:.3f} {ratios[-1]:.3f}", flush=True)
            print(f"{connections} connections, {payload} B: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})", flush=True)


if __name__ == "__main__":
    main()
