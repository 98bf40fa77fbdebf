"""One measurement: a relay, or none, between the load and its origin; what fairlead-bench said of it."""

import json
import subprocess
import tempfile
from pathlib import Path

from certificate import HOST
from peers import CIPHER
from machine import BUILD, LOAD_CORE, free_port, pinned

BENCH = BUILD / "fairlead-bench"


class Failed(Exception):
    pass


def load(verb, port, origin, *arguments, tls=None, path="/echo", watch=None, seconds=60, own_origin=True, host=HOST, tolerant=False):
    """Runs the load to its end and returns its JSON. `tls`: the certificate, whose CA the load trusts. `tolerant`: sessions that
    fail are a figure, not a failure."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        command = [BENCH, verb, f"{'wss' if tls else 'ws'}://{host}:{port}{path}", "--connect-to", f"127.0.0.1:{port}",
                   "--quiet", "--json", result.name, *arguments]
        if own_origin:
            command += ["--own-origin", f"127.0.0.1:{origin}"]
        if tls:
            command += ["--ca", tls.ca]
        if watch:
            command += ["--watch", watch]
        done = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, text=True, timeout=seconds)
        text = Path(result.name).read_text()
        if done.returncode not in ((0, 1) if tolerant else (0,)) or not text:
            raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
        said = json.loads(text)
        if tls and said["tls"]["cipher"] != CIPHER:
            raise Failed(f"{said['tls']['cipher']} is not the cipher that all are compared with, {CIPHER}")
        return said


def through(make_relay, verb, *arguments, tls=None, **how):
    """The same through a relay that is started for it and watched. `make_relay(folder, origin)`; None: no relay."""
    origin = free_port()
    if make_relay is None:
        return load(verb, origin, origin, *arguments, **how)
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        with make_relay(folder, origin) as relay:
            return load(verb, relay.wss if tls else relay.ws, origin, *arguments, tls=tls, watch=relay.pid, **how)
