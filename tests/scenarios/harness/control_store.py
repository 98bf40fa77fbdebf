"""What tests of the control plane's store need: a PostgreSQL of their own, rows as they lie in either engine, a client of
the API that keeps its connection, and the comparison of the store with the edge."""

import csv
import http.client
import io
import json
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from .control import Answer
from .edge import SLOWNESS, end_with_parent
from .ports import free_port
from .waiting import eventually

PROGRAMS = "/usr/lib/postgresql/15/bin/"


class Postgres:
    """A server in a folder of its own on a free loopback port, with fsync off: what is killed in these tests is Fairlead,
    not the machine. As root it runs as Debian's user `postgres`, for it refuses root. Ends with the tests, however they
    end."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="fairlead-scenario-")
        self.user = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self.user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        self.port = free_port()
        self.process = None
        self._log = open(os.path.join(self.folder, "log"), "wb")
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                  "--no-sync")

    def _run(self, program, *arguments):
        subprocess.run([PROGRAMS + program, *arguments], check=True, cwd=self.folder, stdout=self._log,
                       stderr=subprocess.STDOUT, timeout=60, **self.user)

    def start(self):
        """Of the main thread: it ends with the thread that starts it."""
        settings = {"listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB",
                    "autovacuum": "off", "max_connections": "40", "log_checkpoints": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [PROGRAMS + "postgres", "-D", f"{self.folder}/data", "-p", str(self.port), "-k", self.folder, *options],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
            preexec_fn=lambda: end_with_parent(signal.SIGINT), **self.user)
        eventually(self._answers, 30, "PostgreSQL")
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    def _answers(self):
        assert self.running(), open(self._log.name, errors="replace").read()[-3000:]
        asked = subprocess.run([PROGRAMS + "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], timeout=10)
        return asked.returncode == 0

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast, connections are dropped in order. SIGQUIT: at once, as when the machine goes."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def make(self, name):
        """A new database; its address for `control.database`."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def end(self):
        self.stop()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def rows(node, sql):
    """The rows of a SELECT as lists of texts, past the program, from either engine."""
    address = node.config["control"].get("database", "")
    if address.startswith("postgresql:"):
        done = subprocess.run(["psql", "-X", "--csv", "-t", "-c", sql, address], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return list(csv.reader(io.StringIO(done.stdout)))
    with sqlite3.connect(f"file:{node.data}/fairlead.db?mode=ro", uri=True, timeout=20) as database:
        found = [["" if v is None else str(v) for v in row] for row in database.execute(sql)]
    database.close()
    return found


class Unanswered(Exception):
    """The server went away: whether the request was carried out is not known."""


class Line:
    """A program at the API over one connection that stays. Answers are not compared with the contract: the same requests
    are, elsewhere."""

    def __init__(self, port, token):
        self.fields = {"accept": "application/json", "authorization": f"Bearer {token}", "content-type": "application/json"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, method, path, body=None, if_match=None):
        fields = dict(self.fields, **({"if-match": if_match} if if_match else {}))
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body).encode(), fields)
            response = self.connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as e:
            self.connection.close()
            raise Unanswered(f"{method} {path}: {e!r}") from e
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, text)

    def every(self, path):
        """All items of a list, page by page."""
        items, after = [], None
        while True:
            more = f"&after={after}" if after else ""
            page = self("GET", f"{path}{'&' if '?' in path else '?'}limit=500{more}").ok(200)
            items += page["items"]
            after = page.get("next")
            if not after:
                return items

    def close(self):
        self.connection.close()


def kill(node):
    """SIGKILL, and the end of the process."""
    node.signal(signal.SIGKILL)
    node.wait()


def stretch():
    """How many times as long as its own computing takes, computing takes at the moment: 1 on a machine that has its
    processors to itself, 5 where others take four fifths. What a limit on time is multiplied with, so that it is exact
    on the one and still means the program's own time on the other."""
    begun, own = time.perf_counter(), time.thread_time()
    while time.thread_time() - own < 0.2:
        pass
    return max(1.0, (time.perf_counter() - begun) / (time.thread_time() - own))


def spin(seconds):
    """Passes time on the processor, finer than a sleep would."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def in_force(node, timeout=10):
    """Waits until the edge obeys the store's newest change, by the control plane's word."""
    def arrived():
        answer = node.operator.get("/v1/edges", check=False)
        if answer.status != 200:
            return False
        edges = answer.json["items"]
        return edges and all(e["policy_source"] == "control" and e["policy_revision"] == answer.json["policy_revision"]
                             for e in edges)
    eventually(arrived, timeout * SLOWNESS, "every edge to obey the newest change")


def differences(node):
    """What the edge obeys otherwise than the store says: {} when nothing does."""
    compared = node.operator.get("/v1/policy-comparison").ok(200)
    assert compared["unusable"]["count"] == 0, compared
    [edge] = compared["edges"]
    assert edge["answered"], compared
    found = {what: edge[what]["names"] for what in ("missing", "surplus", "different") if edge[what]["count"]}
    if not found:
        assert edge["domains"] == compared["domains"] and edge["policy_revision"] == compared["policy_revision"], compared
    return found


def billing_of(node, api):
    """One of everything that billing has, of that customer's; as harness/requests.py's Things name it. A bill takes a day to
    come by itself, so its row is written past the program."""
    op, stem = node.operator, api.user["email"].partition("@")[0]
    book = op.post("/v1/price-books", {"account_id": api.account, "effective": "2999-01-01", "currency": "USD", "traffic": {
        "day": {"mode": "graduated", "tiers": [{"price": 240000}]}}, "bandwidth": {}}).ok(201)
    product = op.post("/v1/pack-products", {"name": f"pack of {len(stem)} {stem[::-1]}", "bytes": 10**9, "validity_days": 30,
                                            "currency": "USD", "price": 10**6}).ok(201)
    pack = op.post("/v1/resource-packs", {"account_id": api.account, "product_id": product["id"]}).ok(201)
    database = sqlite3.connect(node.data / "fairlead.db", timeout=20)
    with database:
        number = database.execute("select coalesce(max(number), 0) + 1 from statements").fetchone()[0]
        document = {"number": number, "state": "issued", "account_id": api.account, "period": "day", "from": "2026-03-01",
                    "to": "2026-03-01", "issued": "2026-03-02T02:00:00.000Z", "currency": "USD", "days": [], "charges": [],
                    "adjustments": [], "amount": 0, "what_if": None}
        database.execute("insert into statements values (?, ?, ?, 'day', '2026-03-01', '2026-03-01', 'USD', 0, ?, ?)",
                         (f"{number:08x}" + api.account[8:], number, api.account, json.dumps(document), 1772416800000))
    database.close()
    return {"price_book_id": book["id"], "pack_id": pack["id"], "product": product["id"], "bill": number}
