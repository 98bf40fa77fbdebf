"""A whole node, `fairlead run`, as a child process, and clients of its API. Every answer is compared with the contract
(harness/contract.py), so each test of anything is a test of that, too."""

import http.client
import json
import re
import ssl
import urllib.parse

from .contract import the_contract
from .edge import Edge
from .waiting import eventually

PASSWORD = "a long enough password"


class Answer:
    def __init__(self, status, fields, text):
        self.status, self.fields, self.text = status, fields, text
        self.json = json.loads(text) if text and "json" in fields.get("content-type", "") else None

    @property
    def etag(self):
        return self.fields["etag"]

    @property
    def code(self):
        return self.json.get("code") if isinstance(self.json, dict) else None

    def ok(self, *statuses):
        assert self.status in (statuses or (200, 201, 202, 204)), f"{self.status}: {self.text}"
        return self.json

    def refused(self, status, code=None, pointer=None):
        assert self.status == status and code in (None, self.code), f"{self.status}: {self.text}"
        if pointer is not None:
            assert pointer in [e["pointer"] for e in self.json.get("errors", [])], self.text
        return self.json


class Api:
    """Somebody at the API: nobody, a token's holder, or a browser with a cookie."""

    def __init__(self, port, token=None, tls=None):
        self.port, self.token, self.tls = port, token, tls
        self.cookie = self.csrf = None
        self.me = None

    def __call__(self, method, path, body=None, if_match=None, fields=None, raw=None, check=True, timeout=30):
        head = {"accept": "application/json", **(fields or {})}
        if self.token:
            head["authorization"] = f"Bearer {self.token}"
        elif self.cookie:
            head["cookie"] = f"fairlead-session={self.cookie}"
            if method not in ("GET", "HEAD"):
                head["fairlead-csrf"] = self.csrf
        if if_match is not None:
            head["if-match"] = if_match
        payload = raw
        if body is not None:
            payload = json.dumps(body).encode()
        if payload is not None:
            head.setdefault("content-type", "application/json")
        if self.tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, payload, head)
            response = connection.getresponse()
            text = response.read().decode()
            answer = Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, text)
        finally:
            connection.close()
        plain = urllib.parse.urlsplit(path).path
        if check and method != "HEAD":
            operation = the_contract().operation(method, plain)
            if operation or answer.status < 400:
                the_contract().check(operation, answer.status, answer.fields.get("content-type", ""),
                                     answer.json if text else None)
        return answer

    def get(self, path, **more):
        return self("GET", path, **more)

    def post(self, path, body=None, **more):
        return self("POST", path, body, **more)

    def put(self, path, body=None, if_match="*", **more):
        return self("PUT", path, body, if_match=if_match, **more)

    def patch(self, path, body=None, if_match="*", **more):
        return self("PATCH", path, body, if_match=if_match, **more)

    def delete(self, path, if_match="*", **more):
        return self("DELETE", path, if_match=if_match, **more)

    def log_in(self, email, password=PASSWORD):
        answer = self.post("/v1/login", {"email": email, "password": password})
        if answer.status == 200:
            self.take_login(answer)
        return answer

    def take_login(self, answer):
        self.cookie = re.search(r"fairlead-session=([^;]+)", answer.fields["set-cookie"])[1]
        self.csrf, self.me = answer.json["csrf"], answer.json


class Node(Edge):
    """`fairlead run`: edge and control plane in one process, its data in a folder of its own. `admin_tls` is what the file
    says, `tls` the context of its clients then."""

    def __init__(self, folder, listeners=None, control=None, admin_tls=None, tls=None, admin_host="127.0.0.1", **top):
        super().__init__(folder, [], listeners=listeners, **top)
        del self.config["domains"]
        self.tls = tls
        self.config["admin"]["address"] = f"{admin_host}:{self.admin}"
        if admin_tls:
            self.config["admin"]["tls"] = admin_tls
        self.config["control"] = control or {}
        self.data = folder / "data"
        self.arguments = ["run", "--config", str(self.path), "--data", str(self.data)]
        self.operator = None

    def start(self, **more):
        self.folder.joinpath("data").mkdir(exist_ok=True)
        return super().start(**more)

    def restart(self, kill=False):
        """Ends it, in order or by SIGKILL, and starts it again; returns once the API answers, which may be after the edge
        is ready with its copy of the policy."""
        if kill:
            self.process.kill()
            self.wait()
        else:
            assert self.terminate() == 0
        self.start()
        eventually(lambda: self.api().get("/v1/login").status == 401, 20, "the API after a restart")

    def api(self, token=None):
        return Api(self.admin, token, self.tls)

    def admin_connection(self, timeout):
        if not self.tls:
            return super().admin_connection(timeout)
        return http.client.HTTPSConnection("127.0.0.1", self.admin, timeout=timeout, context=self.tls)

    def first_operator_key(self):
        """The key of the link that the start printed."""
        found = eventually(lambda: re.findall(r"#\S*?(fll_[\w-]+)", self.log()), 10, "the link of the first operator")
        return found[-1]

    def set_up(self, email="operator@fairlead.test"):
        """The first operator, by the link; then by a token, which is what the tests go on with."""
        api = self.api()
        answer = api.post("/v1/setup", {"key": self.first_operator_key(), "email": email, "password": PASSWORD,
                                        "account_name": "Operators"})
        answer.ok(201)
        api.take_login(answer)
        self.operator = self.api(api.post("/v1/tokens", {"name": "tests", "scope": "write"}).ok(201)["token"])
        self.operator.me = api.me
        return self.operator

    def customer(self, name, verified=True, email=None):
        """A customer's account with one user; returns their token's Api, with .account and .user."""
        account = self.operator.post("/v1/accounts", {"name": name, "identity_verified": verified}).ok(201)
        email = email or f"{re.sub('[^a-z0-9]', '', name.lower())}@customer.test"
        user = self.operator.post("/v1/users", {"account_id": account["id"], "email": email, "role": "customer",
                                                "password": PASSWORD}).ok(201)["user"]
        browser = self.api()
        browser.log_in(email).ok(200)
        api = self.api(browser.post("/v1/tokens", {"name": "tests", "scope": "write"}).ok(201)["token"])
        api.account, api.user, api.browser = account["id"], user, browser
        return api

    def activate(self, api):
        """Applies and approves."""
        application = api.post("/v1/applications", {"kind": "activation", "fields": {
            "contact_name": "Contact", "contact_email": api.user["email"], "use_case": "live-comments"}}).ok(201)
        if application["state"] == "submitted":
            self.operator.post(f"/v1/applications/{application['id']}/approve", {}, if_match="*").ok(200)
        return application["id"]

    def online(self, api, name, origin, **settings):
        """A domain of that customer's, vouched for and live on the edge."""
        port = origin if isinstance(origin, int) else origin.port
        settings = {"origins": [{"host": "127.0.0.1", "http_port": port, "https_port": port}],
                    "websocket": {"origin_scheme": "http"}, **settings}
        api.post("/v1/domains", {"name": name, "settings": settings}).ok(201)
        self.operator.post(f"/v1/domains/{name}/ownership/vouch").ok(200)
        domain = api.post(f"/v1/domains/{name}/start").ok(200)
        assert domain["state"] == "online", domain
        self.live(domain["policy_change"])
        return domain

    def live(self, number, timeout=10):
        """Waits until every edge obeys that policy change; returns how long it took by the server's own clock."""
        def arrived():
            change = self.operator.get(f"/v1/policy-changes/{number}").ok(200)
            return change if change["live"] == change["edges"] > 0 else None
        return eventually(arrived, timeout, f"policy change {number} on every edge")["after_ms"]


def verifying(ca_file):
    return ssl.create_default_context(cafile=str(ca_file))
