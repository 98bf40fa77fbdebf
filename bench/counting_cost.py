#!/usr/bin/python3
"""What counting costs: CPU time a message of the relay with its counters, against the same program whose counters do nothing
(cmake --preset uncounted). The two take turns, so that what else the machine does touches both; the answer is the median of
the rounds' ratios, with the smallest and the largest.

    cmake --preset release && ninja -C build/release fairlead echo_load
    cmake --preset uncounted && ninja -C build/uncounted fairlead
    /usr/bin/python3 bench/counting_cost.py [ROUNDS] [SECONDS]
"""

import os
import signal
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


def cost(binary, folder, connections, payload, seconds):
    """CPU microseconds a message."""
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
    edge = subprocess.Popen(["taskset", "-c", "0", str(binary), "edge", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=1)
                break
            except OSError:
                time.sleep(0.05)
        said = subprocess.run(["taskset", "-c", "1", str(ROOT / "build/release/bench/echo_load"), str(origin), str(relay), "bench.test",
                               str(edge.pid), str(connections), str(payload), str(seconds)], capture_output=True, text=True, timeout=60 + seconds)
        if said.returncode != 0:
            sys.exit(said.stderr)
        return float(said.stdout.split()[1])
    finally:
        edge.send_signal(signal.SIGKILL)
        edge.wait()


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    counted, uncounted = (ROOT / "build" / preset / "fairlead" for preset in ("release", "uncounted"))
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
