"""The whole of Fairlead, edge and control plane (`fairlead run`), with as many domains as wanted in its store, as a relay of the
bench. The first domain comes through the API; the others are copies of its row, written while the program is down: through the
API they would be 20,000 requests."""

import http.client
import json
import re
import sqlite3
import subprocess

from certificate import HOST
from machine import RELAY_CORE, pinned
from peers import Fairlead


class Api:
    """Somebody at the API over one connection that stays."""

    def __init__(self, port, fields=None):
        self.port, self.fields = port, fields or {}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, method, path, body=None, **fields):
        head = {"content-type": "application/json", **self.fields, **fields}
        self.connection.request(method, path, None if body is None else json.dumps(body), head)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text}")
        self.answer_fields = answer.headers
        return json.loads(text) if text else None


class FairleadNode(Fairlead):
    """domains: so many, the first with certificates as an edge's file has them."""

    def command(self):
        self.data = self.folder / "data"
        self.data.mkdir()
        config = {**self.base(), "log_level": "info"}  # which prints the first operator's link
        # The listeners that need no certificate from the store.
        config["listeners"] = [config["listeners"][0]]
        self.wss = self.ws
        (self.folder / "fairlead.yaml").write_text(json.dumps({**config, "control": {}}))
        command = [self.binary(), "run", "--config", self.folder / "fairlead.yaml", "--data", self.data]
        self.fill(command)
        return command

    def fill(self, command):
        """Runs the program once, to be set up, and stops it full."""
        with open(self.folder / "output", "wb") as self.output:
            self.process = subprocess.Popen(pinned(RELAY_CORE, command), cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                self.set_up()
            finally:
                self.process.terminate()
                self.process.wait(30)
        self.copy(self.settings.get("domains", 1))

    def set_up(self):
        log = self.folder / "output"
        self.wait_for(lambda: re.search(r"#\S*?(fll_[\w-]+)", log.read_text(errors="replace")), "the first operator's link")
        key = re.findall(r"#\S*?(fll_[\w-]+)", log.read_text(errors="replace"))[-1]
        api = Api(self.admin)
        made = api("POST", "/v1/setup", {"key": key, "email": "operator@bench.test", "password": "a long enough password", "account_name": "Bench"})
        cookie = api.answer_fields["set-cookie"].split(";")[0]
        token = api("POST", "/v1/tokens", {"name": "bench", "scope": "write"}, cookie=cookie, **{"fairlead-csrf": made["csrf"]})["token"]
        self.api_fields = {"authorization": f"Bearer {token}"}
        api = Api(self.admin, self.api_fields)
        settings = {key: value for key, value in self.domain(HOST).items() if key not in ("name", "certificates")}
        settings["origins"][0]["https_port"] = "off"
        api("POST", "/v1/domains", {"name": HOST, "settings": settings})
        api("POST", f"/v1/domains/{HOST}/start")

    def copy(self, domains):
        with sqlite3.connect(self.data / "fairlead.db") as database:
            cursor = database.execute("select * from domains where name = ?", (HOST,))
            columns = [c[0] for c in cursor.description]
            row = dict(zip(columns, cursor.fetchone()))
            rows = [{**row, "id": f"{i:032x}", "name": f"d{i}.{HOST}"} for i in range(1, domains)]
            database.executemany(f"insert into domains ({', '.join(columns)}) values ({', '.join('?' * len(columns))})",
                                 [[r[c] for c in columns] for r in rows])
        database.close()
        (self.data / "policy.sealed").unlink(missing_ok=True)

    def __enter__(self):
        super().__enter__()
        api = Api(self.admin, self.api_fields)
        wanted = self.settings.get("domains", 1)

        def served():
            edges = api("GET", "/v1/edges")["items"]
            return edges and all(e["policy_source"] == "control" for e in edges) and api("GET", "/v1/policy-comparison")["edges"][0]["domains"] == wanted
        self.wait_for(served, f"{wanted} domains on the edge")
        self.api = api
        return self

    def switch(self, name, enabled):
        """Of the domain's WebSocket: what is timed begins with this."""
        self.api("PATCH", f"/v1/domains/{name}/websocket", {"enabled": enabled}, **{"if-match": "*"})
