"""A node with something on every page of the console: what its end-to-end tests walk through and pictures are taken of."""

import base64
import os
import socket
import threading
import time

from . import past
from .control import PASSWORD
from .past import DAY, GB
from .truth import TEXT, frame
from .waiting import eventually

PRICES = {
    "effective": "2026-01-01", "currency": "USD",
    "traffic": {"day": {"mode": "graduated", "tiers": [{"up_to": 10, "price": 240_000}, {"up_to": 50, "price": 200_000}, {"price": 160_000}]},
                "month": {"mode": "graduated", "tiers": [{"up_to": 1000, "price": 220_000}, {"price": 150_000}]}},
    "bandwidth": {"day": {"mode": "graduated", "tiers": [{"up_to": 500, "price": 600_000}, {"price": 450_000}]}}}


class Clients:
    """Sessions that go on: every second one says something."""

    def __init__(self, node, host, count):
        self.sockets = []
        for n in range(count):
            s = socket.create_connection(("127.0.0.1", node.http), timeout=10)
            key = base64.b64encode(os.urandom(16)).decode()
            s.sendall((f"GET /room/{n % 7} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
            head = b""
            while b"\r\n\r\n" not in head:
                piece = s.recv(4096)
                assert piece, head
                head += piece
            assert head.startswith(b"HTTP/1.1 101"), head
            self.sockets.append(s)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._talk, daemon=True)
        self.thread.start()

    def _talk(self):
        n = 0
        while not self.ended.wait(0.25):
            n += 1
            for s in self.sockets[n % 2::2]:
                try:
                    s.sendall(frame(TEXT, b"x" * (40 + 60 * (n % 9)), True))
                    s.settimeout(1)
                    s.recv(65536)
                except OSError:
                    pass

    def stop(self):
        self.ended.set()
        self.thread.join()
        for s in self.sockets:
            s.close()


class Furnished:
    """`customer` is who the pictures are of; `node.operator` runs the place. Both sign in with PASSWORD."""

    def __init__(self, node, origin, ca):
        self.node, self.origin, self.clients = node, origin, []
        op = node.operator
        op.post("/v1/price-books", PRICES).ok(201)
        op.post("/v1/pack-products", {"name": "100-gb", "bytes": 100 * GB, "validity_days": 365, "currency": "USD", "price": 15_000_000}).ok(201)
        self.customer = c = node.customer("Example Live", email="customer@example.com")
        self.other = node.customer("Example Classroom", email="classroom@example.com")
        node.activate(c)
        self.application = self.other.post("/v1/applications", {"kind": "activation", "fields": {
            "contact_name": "Contact", "contact_email": "classroom@example.com", "use_case": "online-class",
            "description": "Whiteboards of 30 pupils each", "expected_sessions": 30000}}).ok(201)["id"]
        c.post("/v1/billing/method", {"method": "traffic", "period": "day"}).ok(200)
        c.post("/v1/billing/method", {"method": "bandwidth", "period": "day"}).ok(200)
        leaf = ca.leaf("ec", names=("example.com", "*.example.com"))
        c.post("/v1/certificates", {"name": "example.com 2026", "chain": leaf.chain.read_text(), "key": leaf.key.read_text()}).ok(201)
        short = ca.leaf("ec", names=("quiz.example.com",), days=6)
        c.post("/v1/certificates", {"name": "quiz", "chain": short.chain.read_text(), "key": short.key.read_text()}).ok(201)
        self.layer7 = c.post("/v1/layer7-configs", {"name": "mark the client", "settings": {"add_header": {"x-edge": "fairlead"}}}).ok(201)["id"]
        self.live = node.online(c, "live.example.com", origin, websocket={"origin_scheme": "http", "enabled": True, "heartbeat": {"interval": "30s"}})
        self.quiz = node.online(c, "quiz.example.com", origin, websocket={"origin_scheme": "http", "enabled": True})
        for name, bound in (("live", "example.com 2026"), ("quiz", "quiz")):
            c.patch(f"/v1/domains/{name}.example.com", {"certificates": [bound]}).ok(200)
        c.post("/v1/domains", {"name": "chat.example.com", "settings": {"origins": [{"host": "origin.example.com"}]}}).ok(201)
        c.post("/v1/domains", {"name": "old.example.com", "settings": {"origins": [{"host": "127.0.0.1", "http_port": origin.port}]}}).ok(201)
        product = op.get("/v1/pack-products").ok(200)["items"][0]
        self.pack = op.post("/v1/resource-packs", {"product_id": product["id"], "account_id": c.account}).ok(201)["id"]
        self.token = c.browser.post("/v1/tokens", {"name": "dashboard", "scope": "read"}).ok(201)["id"]
        self.certificate = c.get("/v1/certificates").ok(200)["items"][0]["id"]

    def let_days_pass(self, days=3, most=900):
        """Usage of the last days, and the bills of them."""
        assert self.node.terminate() == 0
        now = int(time.time())
        midnight = now // DAY * DAY
        with past.store_of(self.node) as database:
            # Whole days, whatever time it is now: of what is left of an evening the pack would pay everything.
            database.execute("update billing_methods set effective_ms = (effective_ms / ?1 - ?2) * ?1", (DAY * 1000, days))
            database.execute("update packs set from_day = ?", (past.date(midnight - days * DAY),))
            database.execute("update metered_domains set created_ms = created_ms - ?", (30 * DAY * 1000,))
            for n, domain in enumerate((self.live, self.quiz)):
                past.write_usage(database, domain["id"], midnight - days * DAY, now - 300, most // (n + 1), 20261122 + n)
        self.node.start()
        eventually(lambda: self.node.api().get("/v1/login").status == 401, 20, "the API")
        eventually(lambda: self.customer.get("/v1/bills").ok(200)["total"] >= 1, 30, "a bill")

    def connect(self, count=24):
        self.clients.append(Clients(self.node, "live.example.com", count))
        self.clients.append(Clients(self.node, "quiz.example.com", count // 3))

    def stop(self):
        for clients in self.clients:
            clients.stop()


__all__ = ["Furnished", "PASSWORD"]
