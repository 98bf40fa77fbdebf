"""R26: what is sent wrong is told so. From every schema of a request in the contract comes a right body, from that all the
ways to make it wrong (harness/schemas.py), and besides bytes that are no JSON at all, broken paths and queries. Whatever is
sent, the answer is a 4xx whose pointers lead to what was wrong, or a success when the schema still lets it pass: never a
5xx, nothing in the log, and the installation goes on."""

import dataclasses
import http.client
import json
import os
import random
import re
import urllib.parse

import pytest

from harness import requests
from harness.contract import the_contract
from harness.control import PASSWORD, Answer
from harness.control_store import billing_of
from harness.edge import sanitized
from harness.ports import free_port
from harness.requests import NUMBER, Things, body_of, fresh, path_of
from harness.schemas import dump, exists, garbage, merged, mutations

SEED = int(os.environ.get("FAIRLEAD_SEED", "20260504"))
# So many of an operation's broken bodies are drawn, and of its broken paths and queries; in a build that is several times
# slower fewer. FAIRLEAD_FUZZ=all sends every one.
ALL = os.environ.get("FAIRLEAD_FUZZ") == "all"
BODIES, PARAMETERS = (10**6, 10**6) if ALL else (40, 8) if sanitized() else (150, 30)
VALIDATION = ("invalid", "malformed_request")


# In place of what a path names.
PATHS = ["0", "-1", "%20", "%00", "%ff", "%", "%zz", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%0d%0ax:y", "'%20or%201=1--", "%25", "null", "*",
         "0" * 32, "f" * 32, "F" * 32, "g" * 32, "a" * 33, "9" * 30, "x" * 255, "x" * 4000, "%F0%9F%98%80", "%ED%A0%80", "a/b", "%2F", "?",
         "LIVE.guard.test", "live.guard.test.", "*.guard.test", ".guard.test", "[::1]", "::1", "xn--", "a..b", "-a.b", "_a.b"]
# Of those, what another spelling of a domain's name may find (and a question mark ends the path before the name).
SPELLINGS = {"LIVE.guard.test", "live.guard.test."}
QUERY_VALUES = ["", "0", "-1", "1", "501", "99999999999999999999", "1.5", "x", "true", "%00", "%ff", "%", "%zz", "%F0%9F%98%80", "%ED%A0%80",
                "'%20or%201=1--", "%25%25%25", "___", "!", "%5C", "y" * 300, "y" * 1025, "1&limit=1", "a" * 32, "2026-13-01T00:00:00Z",
                "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2026-05-04T12:00:00%2B99:00", "1.00000000000000000000000000000000",
                "9223372036854775807." + "0" * 32, "-9223372036854775808." + "0" * 32]


class Wire:
    """Requests one after the other on one connection, which the server may close and the client then opens anew."""

    def __init__(self, node, token):
        self.port, self.token, self.connection = node.admin, token, None

    def __call__(self, method, path, body=None, fields=None):
        head = {"authorization": f"Bearer {self.token}", **(fields or {})} if self.token else dict(fields or {})
        for last in (False, True):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self.connection.request(method, path, body, head)
                response = self.connection.getresponse()
                text = response.read().decode()
                break
            except (ConnectionError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
                if fresh or last:
                    raise  # a connection that was never used is not closed by the way
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, text)


class Target:
    """An installation with an active customer who has one of everything, the domain live on the edge."""

    def __init__(self, node, ca):
        self.node = node
        api = self.customer = node.customer("Customer")
        leaf = ca.leaf("ec")
        pair = (leaf.chain.read_text(), leaf.key.read_text())
        port = free_port()
        node.activate(api)
        user = api.post("/v1/users", {"email": "second@customer.test", "role": "customer", "password": PASSWORD}).ok(201)["user"]
        config = api.post("/v1/layer7-configs", {"name": "layer 7", "settings": {}}).ok(201)
        certificate = api.post("/v1/certificates", {"name": "certificate", "chain": pair[0], "key": pair[1]}).ok(201)
        domain = node.online(api, "live.guard.test", port)
        token = api.browser.post("/v1/tokens", {"name": "second"}).ok(201)
        application = api.get("/v1/applications").ok(200)["items"][0]
        self.things = Things(account_id=api.account, user_id=user["id"], token_id=token["id"], config_id=config["id"],
                             certificate_id=certificate["id"], application_id=application["id"], **billing_of(node, api), session_id="5e551017abcdef01",
                             domain=domain["name"], number=1, email="second@customer.test", layer7="layer 7",
                             certificate="certificate", pair=pair, port=port)
        # Named apart, because operators' requests about them change them for good.
        spare = node.customer("Spare")
        self.spare = {"account_id": spare.account, "user_id": spare.user["id"]}


class Fuzz:
    def __init__(self, target, who):
        self.target, self.who = target, who
        node = target.node
        self.ask = Wire(node, {"operator": node.operator.token, "customer": target.customer.token}[who])
        self.random = random.Random(SEED)
        self.sent = self.passed = 0
        self.codes, self.faults = {}, []
        self.known = {}  # what a merge patch would be merged into, until something changes it

    def things(self, operation):
        spare = operation.id in ("changeAccount", "changeUser") and self.who == "operator"
        return dataclasses.replace(self.target.things, **(self.target.spare if spare else {}))

    def send(self, operation, path, what, payload, fields=None, body=None):
        head = {"content-type": "application/json", **(fields or {})}
        if operation.needs_if_match():
            head.setdefault("if-match", "*")
        answer = self.ask(operation.method, path, payload, {n: v for n, v in head.items() if v != ""})
        self.sent += 1
        if answer.status < 400:
            self.passed += 1
            self.known.clear()
        else:
            self.codes[answer.code] = self.codes.get(answer.code, 0) + 1
        try:
            self.judge(operation, path, payload, answer)
        except AssertionError as fault:
            self.faults.append(f"{self.who}, {operation}: {what}: {fault}: {answer.status} {answer.text[:500]}")
        return answer

    def judge(self, operation, path, payload, answer):
        assert answer.status < 500
        the_contract().check(operation, answer.status, answer.fields.get("content-type", ""), answer.json)
        if answer.status < 400:
            assert 200 <= answer.status < 300
            return
        assert answer.json["status"] == answer.status and answer.fields["fairlead-error"] == answer.code
        if answer.code in VALIDATION:
            assert answer.status == {"invalid": 422, "malformed_request": 400}[answer.code]
            self.pointers(operation, path, payload, answer)

    def pointers(self, operation, path, payload, answer):
        errors = answer.json.get("errors", [])
        assert errors or answer.code != "invalid", "it does not say what"
        try:
            sent = [json.loads(payload)] if payload else []
        except (ValueError, RecursionError):
            sent = []
        if operation.method == "PATCH" and sent and any(not exists(sent[0], e["pointer"]) for e in errors if e["pointer"][:1] != "?"):
            # A merge patch is judged by what it makes.
            sent.append(merged(self.whole(operation, path), sent[0]))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query, keep_blank_values=True, errors="replace")
        for e in errors:
            assert e["message"] and e["code"]
            if e["pointer"].startswith("?"):
                assert e["pointer"][1:] in query or e["code"] == "missing-parameter", f"{e['pointer']} is not in the query"
            elif sent:
                assert any(exists(s, e["pointer"]) for s in sent), f"{e['pointer']} leads nowhere"
            else:
                assert e["pointer"] == "" or e["pointer"].startswith("/")

    def whole(self, operation, path):
        if "domains" not in path:
            return {}
        if path not in self.known:
            self.known[path] = self.read(path)
        return self.known[path]

    def read(self, path):
        d = self.target.node.operator.get(f"/v1/domains/{self.target.things.domain}").ok(200)
        if path.endswith("/websocket"):
            return {**d["settings"].get("websocket", {}), "settings": d["settings"]}
        return {k: d[k] for k in ("service_region", "icp_number", "settings", "layer7_config", "certificates")}

    def bodies(self, operation):
        things = self.things(operation)
        path, right = path_of(operation, things), body_of(operation, things, NUMBER)
        self.send(operation, path, "right", fresh(dump(right)))
        for what, make in self.drawn(mutations(the_contract(), operation.body, right), BODIES):
            self.send(operation, path, what, fresh(make()))
        for what, payload, fields in garbage(right, self.random):
            answer = self.send(operation, path, what, fresh(payload), fields)
            # A byte order mark may be overlooked (RFC 8259 8.1), and a damaged body may be another right one.
            if answer.status < 400 and "damaged" not in what and "byte order mark" not in what:
                self.faults.append(f"{operation}: {what}: {answer.status}")
        self.send(operation, path, "right again", fresh(dump(right)))

    def drawn(self, every, most):
        every = list(every)
        return every if len(every) <= most else self.random.sample(every, most)

    def parameters(self, operation):
        """Broken paths and queries, one parameter at a time, and fields that are no If-Match."""
        things = self.things(operation)
        path = path_of(operation, things)
        payload = dump(body_of(operation, things)) if operation.body else None
        every = list(self.broken(operation, things, path))
        if operation.method == "DELETE":
            every = [e for e in every if not e[-1]]  # what is deleted is wanted yet
        for what, target, fields, may_pass in self.drawn(every, PARAMETERS):
            answer = self.send(operation, target, what, payload, fields)
            if answer.status < 400 and not may_pass:
                self.faults.append(f"{operation}: {what}: {answer.status}")

    def broken(self, operation, things, path):
        """(what, path and query, fields, whether it may pass)"""
        plain, _, query = path.partition("?")
        for p in operation.parameters:
            if p["in"] == "path":
                value = urllib.parse.quote(str(getattr(things, p["name"])), safe="")
                for other in PATHS:
                    target = plain.replace(f"/{value}", f"/{other}", 1) + (f"?{query}" if query else "")
                    yield f"{p['name']}: {other[:40]!r}", target, {}, other in SPELLINGS
        known = [p["name"] for p in operation.parameters if p["in"] == "query"]
        for name in [*known, "unknown", "ACCOUNT_ID"]:
            for other in QUERY_VALUES:
                given = "&".join(filter(None, [query if name not in query else "", f"{name}={other}"]))
                yield f"?{name}={other[:40]}", f"{plain}?{given}", {}, name in known
        for given in ("%zz=1", "a%00=1", "%ff=1", "&&&", "=", "a=1" + "&b=2" * 200, "?", "limit=1;after=2", "limit[]=1"):
            yield f"?{given[:40]}", f"{plain}?{given}", {}, given == "&&&"
        if operation.needs_if_match():
            for field in ('"7777777"', '"-1"', '"99999999999999999999"', 'W/"1"', "1", '"', '""', "x" * 5000, '"1", "2"', "**", '"\xff"'):
                yield f"If-Match {field[:40]}", path, {"if-match": field}, False


def settle(fuzz, node):
    """Alive, and with nothing to complain of."""
    assert not fuzz.faults, f"{len(fuzz.faults)} of {fuzz.sent}, seed {SEED}:\n" + "\n".join(fuzz.faults[:25])
    assert node.running()
    assert node.operator.get("/v1/domains?limit=500").ok(200)["total"] >= 1
    assert node.get("/readyz")[0] == 200
    faults = [line for line in node.log().splitlines() if re.match(r"\S+Z [EC] ", line)]
    assert not faults, "\n".join(faults[:10])
    print(f"{fuzz.who}: {fuzz.sent} requests, {fuzz.passed} passed, seed {SEED}, {fuzz.codes}")


def groups():
    """Operations with bodies in heaps, for several workers to take."""
    out = {}
    for operation in the_contract().operations:
        if operation.body is not None:
            words = operation.path.split("/")
            out.setdefault(operation.id if words[2] == "domains" else words[2], []).append(operation)
    # Those that take no time share an installation.
    small = [name for name in out if len(out[name]) == 1 and "omain" not in name and name != "certificates"]
    out["others"] = [operation for name in small for operation in out.pop(name)]
    return out


def test_the_bodies_here_have_every_member_of_the_contract():
    stub = Things(**{n: n for n in ("account_id", "user_id", "token_id", "config_id", "certificate_id", "application_id", "price_book_id", "pack_id", "product",
                                    "session_id",
                                    "domain", "email", "layer7", "certificate")}, number=1, bill=1, pair=("chain", "key"))
    assert requests.complete(stub) == []


@pytest.mark.parametrize("who", ["operator", "customer"])
@pytest.mark.parametrize("group", groups())
def test_bodies(start_node, ca, who, group):
    target = Target(start_node(), ca)
    fuzz = Fuzz(target, who)
    for operation in groups()[group]:
        fuzz.bodies(operation)
    settle(fuzz, target.node)


@pytest.mark.parametrize("who", ["operator", "customer"])
def test_paths_and_queries(start_node, ca, who):
    target = Target(start_node(), ca)
    fuzz = Fuzz(target, who)
    for operation in the_contract().operations:
        fuzz.parameters(operation)
    settle(fuzz, target.node)
