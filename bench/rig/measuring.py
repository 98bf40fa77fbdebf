"""One measurement: a relay, or none, between the load and its origin; what fairlead-bench said of it."""

import json
import subprocess
import tempfile
from pathlib import Path

from certificate import HOST
from machine import BUILD, LOAD_CORE, free_port, pinned
from peers import CIPHER

BENCH = BUILD / "fairlead-bench"


class Failed(Exception):
    pass


class Load:
    """fairlead-bench under way. `tls`: the certificate, whose CA it trusts. `tolerant`: sessions that fail are a figure, not a
    failure."""

    def __init__(self, verb, port, origin, *arguments, tls=None, path="/echo", watch=None, host=HOST, tolerant=False):
        self.tls, self.tolerant = tls, tolerant
        self.result = tempfile.NamedTemporaryFile(suffix=".json")
        self.command = [BENCH, verb, f"{'wss' if tls else 'ws'}://{host}:{port}{path}", "--connect-to", f"127.0.0.1:{port}",
                        "--own-origin", f"127.0.0.1:{origin}", "--quiet", "--json", self.result.name, *arguments]
        if tls:
            self.command += ["--ca", tls.ca]
        if watch:
            self.command += ["--watch", watch]

    def __enter__(self):
        self.process = subprocess.Popen(pinned(LOAD_CORE, self.command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.result.close()

    def stop(self):
        """Now, instead of when its time is over: finish() tells what was measured."""
        self.process.terminate()

    def finish(self, seconds=60):
        """Its JSON, when it has ended."""
        output, _ = self.process.communicate(timeout=seconds)
        text = Path(self.result.name).read_text()
        if self.process.returncode not in ((0, 1) if self.tolerant else (0,)) or not text:
            raise Failed(f"{' '.join(map(str, self.command))}\n{output}")
        said = json.loads(text)
        if self.tls and said["tls"]["cipher"] != CIPHER:
            raise Failed(f"{said['tls']['cipher']} is not the cipher that all are compared with, {CIPHER}")
        return said


def load(*words, **how):
    with Load(*words, **how) as running:
        return running.finish()


def through(make_relay, verb, *arguments, tls=None, warm=0, **how):
    """The same through a relay that is started for it and watched. `make_relay(folder, origin)`; None: no relay. `warm`
    sessions come and go first."""
    origin = free_port()
    if make_relay is None:
        return load(verb, origin, origin, *arguments, **how)
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        with make_relay(folder, origin) as relay:
            if warm:
                load("hold", relay.wss if tls else relay.ws, origin, "--sessions", warm, "--duration", "100ms", tls=tls)
            return load(verb, relay.wss if tls else relay.ws, origin, *arguments, tls=tls, watch=relay.pid, **how)
