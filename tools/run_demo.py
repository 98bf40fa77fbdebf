#!/usr/bin/python3
"""`./dev run`: the whole product and a demo origin, on this machine, until Ctrl-C.

run_demo.py FAIRLEAD FOLDER DATA starts FOLDER/origin.js with node and `FAIRLEAD run` with FOLDER/fairlead.yaml and the
data folder DATA, says where to look, and stops both when it is interrupted or when either ends by itself. Children are
addressed by their pids only.
"""
import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml

STOP_SECONDS = 10  # the time a drain gets here before a second SIGTERM cuts it short


def addresses(config):
    """What a person types into a browser or a shell, from the configuration the edge really gets."""
    document = yaml.safe_load(config.read_text())
    for listener in document.get("listeners", []):
        host, port = listener["address"].rsplit(":", 1)
        host = "localhost" if host in ("0.0.0.0", "[::]", "127.0.0.1", "[::1]") else host
        if listener["protocol"] in ("http", "https"):
            yield "page", f"{listener['protocol']}://{host}:{port}/"
    admin = document.get("admin", {}).get("address")
    if admin and not admin.startswith("unix:"):
        yield "API", f"http://{admin}/v1/openapi.yaml"
        yield "metrics", f"http://{admin}/metrics"


def stop(process):
    """SIGTERM drains; a second one ends at once; SIGKILL is the last resort."""
    for ask in (process.terminate, process.terminate, process.kill):
        if process.poll() is not None:
            return
        ask()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def main(fairlead, folder, data):
    config = folder / "fairlead.yaml"
    data.parent.mkdir(parents=True, exist_ok=True)  # the folder itself is made by `fairlead run`, for its owner alone
    for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
        signal.signal(asked, signal.default_int_handler)
    # Sessions of their own: the terminal's Ctrl-C reaches this script alone, which stops them in order.
    origin = subprocess.Popen(["node", "origin.js"], cwd=folder, start_new_session=True)
    node = subprocess.Popen([fairlead, "run", "--config", str(config), "--data", str(data)], start_new_session=True)
    children = {origin.pid: ("the origin", origin), node.pid: ("fairlead", node)}
    try:
        print(f"\n  node    pid {node.pid}, {config}\n  data    {data}\n"
              f"  origin  pid {origin.pid}, node {folder / 'origin.js'}")
        for what, url in addresses(config):
            print(f"  {what:<7} {url}")
        print("  next    the tour in README.md; Ctrl-C stops both\n", flush=True)
        pid, status = os.wait()
        name, process = children[pid]
        process.returncode = os.waitstatus_to_exitcode(status)
        print(f"{name} ended by itself: exit status {process.returncode}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
        return 0
    finally:
        stop(node)
        stop(origin)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()))
