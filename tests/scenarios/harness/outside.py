"""The servers of receivers.py as children of a test: mail, webhooks (or a file over HTTP), DNS."""

import hashlib
import hmac
import http.client
import itertools
import json
import sqlite3
import time

from .process import HERE, PYTHON, Child
from .waiting import eventually

_SCRIPT = HERE / "harness" / "receivers.py"
_number = itertools.count()


def replace_json(path, value):
    """Whole, so that a reader never sees half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value))
    fresh.rename(path)


class Outside(Child):
    def __init__(self, folder, kind, *options, port=0):
        name = f"{kind}{next(_number)}"
        folder.mkdir(parents=True, exist_ok=True)
        self.out_path = folder / f"{name}.received"
        super().__init__([*PYTHON, str(_SCRIPT), "--out", str(self.out_path), "--port", str(port), kind, *map(str, options)],
                         folder, name)
        self.port = json.loads(self.line())["port"]

    def received(self):
        if not self.out_path.exists():
            return []
        return [json.loads(line) for line in self.out_path.read_text().split("\n")[:-1]]

    def wait_for(self, match, count=1, timeout=20):
        """Those of what was received that satisfy match(), once they are `count`."""
        def come():
            found = [thing for thing in self.received() if match(thing)]
            return found if len(found) >= count else None
        return eventually(come, timeout, f"{count} of what {self.name} waits for; it has {self.received()}")


class Dns(Outside):
    """Its zone can be changed: see class Zone of receivers.py."""

    def __init__(self, folder, names=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.zone_path = folder / f"zone{next(_number)}.json"
        self.names = dict(names or {})
        self.set()
        super().__init__(folder, "dns", "--zone-file", self.zone_path)

    def set(self, **names):
        """Names may be given by set(**{"a.test": {...}})."""
        self.names.update(names)
        replace_json(self.zone_path, self.names)


class Sites(Outside):
    """One HTTP server for the files of many hosts: set(**{"a.test": {"content": "..."}})."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.hosts_path = folder / f"hosts{next(_number)}.json"
        self.hosts = {}
        self.set()
        super().__init__(folder, "http", "--hosts", self.hosts_path)

    def set(self, **hosts):
        self.hosts.update(hosts)
        replace_json(self.hosts_path, self.hosts)


class Mail(Outside):
    """A mail server. With `ca`, STARTTLS and a password are required."""

    def __init__(self, folder, *options, ca=None, port=0):
        self.ca = ca
        if ca:
            leaf = ca.leaf("ec")
            options = ["--cert", leaf.chain, "--key", leaf.key, "--require-starttls", "--user", "fairlead", "--password", "mail word",
                       *options]
        super().__init__(folder, "smtp", *options, port=port)
        self.folder = folder

    def settings(self):
        """What `control.mail` says to use it."""
        plain = {"server": f"smtp://127.0.0.1:{self.port}", "from": "fairlead@edge.test"}
        if not self.ca:
            return {**plain, "require_tls": False}
        secret = self.folder / "mail.secret"
        secret.write_text("mail word\n")
        return {**plain, "username": "fairlead", "password_file": str(secret), "ca_file": str(self.ca.cert)}

    def about(self, words, to=None, count=1, timeout=20):
        """The mails with these words in their subject."""
        return self.wait_for(lambda m: words in m.get("subject", "") and to in (None, *m["to"]), count, timeout)


class Hook(Outside):
    """A receiver of webhooks."""

    SECRET = "hook word"

    def __init__(self, folder, *options, port=0, path="/services/T0/B0"):
        super().__init__(folder, "http", *options, port=port)
        self.folder, self.path = folder, path

    def settings(self):
        """One of `control.webhooks`."""
        secret = self.folder / "hook.secret"
        secret.write_text(self.SECRET + "\n")
        return {"url": f"http://127.0.0.1:{self.port}{self.path}", "secret_file": str(secret)}

    def events(self, kind, count=1, timeout=20):
        """(request, event) of that type, each with a signature that holds."""
        requests = self.wait_for(lambda r: json.loads(r["body"])["type"] == kind, count, timeout)
        for request in requests:
            assert request["fields"]["fairlead-webhook-signature"] == signature_of(request, self.SECRET), request
        return [(request, json.loads(request["body"])) for request in requests]


def signature_of(request, secret):
    """What docs/webhooks.md says the signature of a request is."""
    fields = request["fields"]
    signed = f"{fields['fairlead-webhook-id']}.{fields['fairlead-webhook-timestamp']}.{request['body']}"
    return "v1=" + hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()


def due_in_store(node, statement):
    """Does to the store of a node what only time would do; `:now` is the time. How many rows it changed."""
    database = sqlite3.connect(node.data / "fairlead.db", timeout=10)
    with database:
        changed = database.execute(statement, {"now": int(time.time() * 1000)}).rowcount
    database.close()
    return changed


def challenge(name):
    """Where the record is looked for that proves a domain."""
    return "_fairlead-challenge." + name.removeprefix(".")


def handshake(node, host):
    """What the edge answers to an opening handshake: (status, fairlead-error)."""
    connection = http.client.HTTPConnection("127.0.0.1", node.http, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
                                                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"})
        response = connection.getresponse()
        return response.status, response.getheader("fairlead-error")
    finally:
        connection.close()
