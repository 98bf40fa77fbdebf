"""Origins and clients that are programs of their own: Node or Python scripts with other people's WebSocket libraries.

An origin prints one JSON object as its first line, with its port, and ends when its standard input closes, so that
none outlives a test that was killed. A client runs to its end and prints a JSON object as its last line."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
NODE = ["node", "--require", str(HERE / "peers" / "resolve.cjs")]
PYTHON = ["/usr/bin/python3", "-X", "dev", "-W", "ignore"]


def command(script: Path):
    if script.suffix in (".js", ".mjs", ".cjs"):
        return [*NODE, str(script)]
    if script.suffix == ".py":
        return [*PYTHON, str(script)]
    return [str(script)]


def environment(ca=None):
    env = dict(os.environ, PYTHONPATH=str(HERE), PYTHONUNBUFFERED="1")
    env.pop("NODE_OPTIONS", None)
    if ca:
        env.update(NODE_EXTRA_CA_CERTS=str(ca.cert), SSL_CERT_FILE=str(ca.cert))
    return env


class Child:
    """A process with its output in files; ended by its pid, never by name."""

    def __init__(self, argv, log_folder: Path, name: str, env=None, cwd=None, preexec_fn=None, pass_fds=()):
        self.name = name
        log_folder.mkdir(parents=True, exist_ok=True)
        self.err_path = log_folder / f"{name}.err"
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(self.err_path, "wb"), env=env, cwd=cwd, preexec_fn=preexec_fn,
                                        pass_fds=pass_fds)

    @property
    def pid(self):
        return self.process.pid

    def line(self, timeout=30.0):
        """The next line of its output."""
        deadline = time.monotonic() + timeout
        text = b""
        fd = self.process.stdout.fileno()
        while not text.endswith(b"\n"):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([fd], [], [], max(0, left))
            assert ready, f"{self.name}: no line within {timeout} s; stderr: {self.tail()}"
            byte = os.read(fd, 1)
            assert byte, f"{self.name} ended before its first line; stderr: {self.tail()}"
            text += byte
        return text.decode()

    def tail(self, size=3000):
        return self.err_path.read_text(errors="replace")[-size:]

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        if not self.process.stdin.closed:
            self.process.stdin.close()


class Origin(Child):
    def __init__(self, script, log_folder, *args, ca=None, tls=False, name=None):
        path = HERE / "origins" / script
        options = list(map(str, args))
        if tls:
            leaf = ca.leaf("ec")
            options += [f"--cert={leaf.chain}", f"--key={leaf.key}"]
        label = name or f"{Path(script).stem}-{time.monotonic_ns() % 10**9}"
        super().__init__([*command(path), *options], log_folder, label, env=environment(ca), cwd=HERE)
        self.hello = json.loads(self.line())
        self.port = self.hello["port"]

    def yaml(self, **more):
        return {"host": "127.0.0.1", "http_port": self.port, "https_port": self.port, **more}


def run_client(script, *args, ca=None, timeout=50, cwd=HERE, env=None, options=()):
    """Runs a client script to its end; returns the JSON of its last line. A client that fails says so by its status.
    `options` are its interpreter's."""
    *interpreter, path = command(HERE / "peers" / script)
    done = subprocess.run([*interpreter, *options, path, *map(str, args)], capture_output=True, text=True, timeout=timeout, cwd=cwd,
                          env={**environment(ca), **(env or {})}, stdin=subprocess.DEVNULL)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    assert done.returncode == 0 and lines, (
        f"{script} {' '.join(map(str, args))}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return json.loads(lines[-1])


assert sys.version_info >= (3, 11)
