"""The binary under test as a child process: `fairlead edge --config F` in a folder of its own.

The tests say domains (`domain(...)`) and get ports back. start() returns when the admin address says ready; stop()
checks that the process ended with status 0 and that no sanitizer has anything to say."""

import copy
import ctypes
import http.client
import json
import os
import re
import resource
import select
import signal
import subprocess
import time
from pathlib import Path

import yaml

from .ports import free_port
from .waiting import eventually, eventually_async

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("FAIRLEAD_BIN", ROOT / "build" / "dev" / "fairlead")).resolve()
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer")


_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the same, in C and ten times as fast
_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def end_with_parent(number=signal.SIGKILL):
    """For preexec_fn: the child gets that signal when the thread that started it ends, however it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, number)


VALGRIND = os.environ.get("FAIRLEAD_PRESET") == "valgrind"
# The whole suite with another record layer than the default: FAIRLEAD_TLS_RECORDS=openssl.
TLS_RECORDS = os.environ.get("FAIRLEAD_TLS_RECORDS")
SLOWNESS = 4 if VALGRIND else 1  # of starting and of reloading, which is nearly all computing


def sanitized():
    """Whether the binary carries a sanitizer or runs under valgrind: shadow memory and quarantine make its RSS say
    nothing, and its speed is not that of the program."""
    if not hasattr(sanitized, "known"):
        data = BINARY.read_bytes() if BINARY.exists() else b""
        sanitized.known = VALGRIND or b"__asan_init" in data or b"__tsan_init" in data
    return sanitized.known


def domain(name, *origins, ca=None, certificates=None, **settings):
    """One domain of the file. `origins` are ports, dicts, or objects with yaml()."""
    listed = []
    for origin in origins:
        if isinstance(origin, int):
            origin = {"host": "127.0.0.1", "http_port": origin, "https_port": origin}
        listed.append(origin if isinstance(origin, dict) else origin.yaml())
    entry = {"name": name, "origins": listed}
    if certificates is None and ca is not None:
        certificates = [ca.leaf("ec").yaml()]
    if certificates:
        entry["certificates"] = certificates
    if ca is not None:
        entry["origin_tls"] = {"ca_file": str(ca.cert)}
    entry.update(settings)
    return entry


class Edge:
    def __init__(self, folder: Path, domains, listeners=None, preexec_fn=None, binary=None, h2c=False, **top):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.binary = Path(binary or BINARY)
        self.http, self.https, self.admin = free_port(), free_port(), free_port()
        if listeners is None:
            listeners = [{"address": f"127.0.0.1:{self.http}", "protocol": "http", **({"h2c": True} if h2c else {})}]
            if any(d.get("certificates") for d in domains):
                listeners.append({"address": f"127.0.0.1:{self.https}", "protocol": "https"})
        self.config = {
            "listeners": listeners,
            "workers": 2,
            "drain_time": "1s",
            "admin": {"address": f"127.0.0.1:{self.admin}"},
            "access_log": {"path": str(folder / "access.log")},
            "domains": list(domains),
            **({"tls": {"records": TLS_RECORDS}} if TLS_RECORDS else {}),
            **top,
        }
        self.path = folder / "fairlead.yaml"
        self.access_path = folder / "access.log"
        self.out_path, self.err_path = folder / "edge.out", folder / "edge.err"
        self.limits = preexec_fn
        self.arguments = ["edge", "--config", str(self.path)]
        self.process = None
        self.expected_status = 0

    # Life

    def write(self, config=None):
        """The file is replaced whole, as an operator's tool would: a reader never sees half of it."""
        if config is not None:
            self.config = config
        fresh = self.path.with_suffix(".new")
        fresh.write_text(yaml.dump(self.config, Dumper=_Dumper, sort_keys=False))
        fresh.rename(self.path)

    def launch(self):
        """Starts the process and does not wait for it."""
        self.write()
        self.log_before = len(self.err_path.read_text(errors="replace")) if self.err_path.exists() else 0
        env = dict(os.environ)
        env.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:exitcode=99")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        env.setdefault("TSAN_OPTIONS", "exitcode=66")
        self.process = subprocess.Popen([str(self.binary), *self.arguments], stdin=subprocess.DEVNULL, stdout=open(self.out_path, "ab"),
                                        stderr=open(self.err_path, "ab"), env=env, cwd=self.folder,
                                        preexec_fn=self._in_child)

    def start(self, timeout=15.0 * SLOWNESS):
        self.launch()
        pidfd = os.pidfd_open(self.process.pid)
        try:
            deadline = time.monotonic() + timeout
            while not self.ready():
                # Between two tries the wait is for the process: one that died will never be ready.
                died, _, _ = select.select([pidfd], [], [], 0.02)
                assert not died, f"the edge ended with status {self.process.wait()}:\n{self.tails()}"
                assert time.monotonic() < deadline, f"the edge was not ready within {timeout} s:\n{self.tails()}"
        finally:
            os.close(pidfd)
        return self

    def _in_child(self):
        """Before exec: the limits of the test, and the edge ends when the tests do, however they end."""
        end_with_parent()
        if self.limits:
            self.limits()

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=20.0):
        return self.process.wait(timeout)

    def terminate(self, timeout=20.0):
        """SIGTERM, and the status it ended with."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def stop(self):
        """The end of every test: asks twice, which ends at once, and looks at what is left behind."""
        if self.process is None:
            return
        killed = False
        if self.running():
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(0.3)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                killed = True
                self.process.kill()
                self.process.wait()
        text = self.out_path.read_text(errors="replace") + self.err_path.read_text(errors="replace")
        found = SANITIZER.search(text)
        assert not found, f"a sanitizer reports:\n{text[found.start():][:6000]}"
        assert not killed, f"the edge did not end within 15 s of a second SIGTERM:\n{self.tails()}"
        status = self.process.returncode
        assert status == self.expected_status, f"the edge ended with status {status}:\n{self.tails()}"

    # Reload

    def reload(self, config=None, timeout=10.0 * SLOWNESS, file_text=None):
        """Writes the file (or the given text), sends SIGHUP, and waits until a new revision is in force or the file was
        refused. Returns "applied" or "refused"."""
        revision, refused = self.revision(), self.refusals()
        if file_text is not None:
            fresh = self.path.with_suffix(".new")
            fresh.write_text(file_text)
            fresh.rename(self.path)
        else:
            self.write(config)
        self.signal(signal.SIGHUP)

        def outcome():
            if self.revision() > revision:
                return "applied"
            return "refused" if self.refusals() > refused else None

        return eventually(outcome, timeout, "SIGHUP to be answered by a revision or a refusal")

    def refusals(self):
        """How many reloads were refused so far, by the log."""
        return self.log().count("nothing has changed")

    def revision(self):
        return self.metric("fairlead_policy_revision") or 0

    def changed(self, change):
        """A deep copy of the configuration after change(copy)."""
        config = copy.deepcopy(self.config)
        change(config)
        return config

    # Looking in

    def admin_connection(self, timeout):
        return http.client.HTTPConnection("127.0.0.1", self.admin, timeout=timeout)

    def get(self, path, timeout=5.0):
        """GET on the admin address: (status, headers, body)."""
        connection = self.admin_connection(timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def ready(self):
        try:
            return self.get("/readyz", timeout=2.0)[0] == 200
        except OSError:
            return False
        except http.client.HTTPException:
            return False

    def metrics(self):
        """{name: [(labels, value)]} of the Prometheus text."""
        status, _, body = self.get("/metrics")
        assert status == 200
        lines = body.decode().splitlines()
        families = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
        assert len(families) == len(set(families)), f"a family twice: {sorted(families)}"
        found = {}
        for line in lines:
            if not line or line.startswith("#"):
                continue
            match = re.fullmatch(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)(?: \d+)?", line)
            assert match, f"not a line of the exposition format: {line!r}"
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            found.setdefault(match[1], []).append((labels, float(match[3])))
        return found

    def metric(self, name, /, **labels):
        """The sum over all series of `name` that carry `labels`; None when there is no such series."""
        values = [v for have, v in self.metrics().get(name, []) if labels.items() <= have.items()]
        return sum(values) if values else None

    def access_log(self):
        if not self.access_path.exists():
            return []
        lines = self.access_path.read_text().split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def whole_access_log(self):
        """With every line that was written until now: the edge gathers them for a moment."""
        eventually(lambda: self.metric("fairlead_limit_used", name="access_log_queue_bytes") == 0, 10, "the access log to be written")
        return self.access_log()

    async def logged(self, match, timeout=5.0):
        """Waits for an access log record that has the given fields (a dict) or satisfies a function."""
        wanted = match if callable(match) else (lambda record: match.items() <= record.items())
        return await eventually_async(lambda: next((r for r in self.access_log() if wanted(r)), None), timeout,
                                      f"an access log record {match if isinstance(match, dict) else ''}")

    def log(self):
        return self.out_path.read_text(errors="replace") + self.err_path.read_text(errors="replace")

    def log_since_start(self):
        return self.err_path.read_text(errors="replace")[self.log_before:]

    def rss(self):
        """Resident anonymous memory in bytes: what the process itself has allocated and touched."""
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"RssAnon:\s+(\d+) kB", status.read())[1]) * 1024

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def ticks(self):
        """Processor time so far, in the kernel's ticks."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def cpu_is_idle(self, seconds=1.0, share=0.2):
        """Whether the process takes less than `share` of one core over the next `seconds`."""
        before = self.ticks()
        time.sleep(seconds)
        return (self.ticks() - before) / os.sysconf("SC_CLK_TCK") < seconds * share

    def tails(self, size=4000):
        parts = []
        for path in (self.err_path, self.out_path, self.access_path, self.path):
            if path.exists():
                parts.append(f"--- {path.name}\n{path.read_text(errors='replace')[-size:]}")
        return "\n".join(parts)


def limit_fds(number):
    """A preexec_fn: the edge may open `number` file descriptors and no more."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
