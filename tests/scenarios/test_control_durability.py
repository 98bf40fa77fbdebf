"""kill -9 of the whole node in the middle of writes through its API, again and again on the same data: every acknowledged
write is there afterwards with its content, its revision, its line in the audit and its policy change; one that was not
acknowledged is there wholly or not at all; and the edge obeys exactly what the store says.

Several clients write at once, each to an account of its own, over connections that stay. Everything random comes from one
seed, which a failure prints; FAIRLEAD_SEED=N repeats a choice of writes and of moments (not the threads' interleaving)."""

import collections
import copy
import json
import os
import random
import sqlite3
import threading
import time
from functools import partial

import pytest

from harness.control_store import Line, Unanswered, differences, in_force, kill, rows, spin
from harness.edge import sanitized
from harness.transport import TRANSPORTS
from harness.waiting import eventually
from harness.wire import TEXT, Refused, WireOrigin, echo

WRITERS = 4
WRITES = 1000  # in a round, had it no end
ROUNDS = {"sqlite": 20, "postgresql": 6}
SANITIZED_ROUNDS = {"sqlite": 3, "postgresql": 2}  # the same program, several times slower
h1 = TRANSPORTS["h1"]()


def merged(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class Change:
    """One write: what is sent, and what it makes of one object: `before` and `after` are that object, None: it is not
    there. `told`: what the audit says of it."""

    def __init__(self, kind, name, before, after, action, request, status=200, told=None):
        self.kind, self.name, self.before, self.after = kind, name, before, after
        self.request, self.status = request, status
        self.told = (action, name, json.dumps(told, sort_keys=True))

    def __repr__(self):
        return f"{self.told[0]} {self.name}: {self.request}"


class Writer:
    """One client, and what it knows of its account: the last acknowledged state of every object."""

    def __init__(self, number, seed, api, origin, pairs):
        self.number, self.api, self.origin, self.pairs = number, api, origin, pairs
        self.random = random.Random(f"{seed}/{number}")
        self.objects = {"domain": {}, "config": {}, "certificate": {}, "token": {}}
        self.secrets, self.deleted_secret = {}, None
        self.told, self.last_audit = [], None
        self.pending = self.trouble = None
        self.count = 0

    # What to write next

    def next(self):
        domains, configs, certificates, tokens = self.objects.values()
        bound = {kind: {n for d in domains.values() for n in ([d[kind]] if isinstance(d[kind], str) else d[kind] or [])}
                 for kind in ("layer7_config", "certificates")}
        ways = [(self.make_domain, 8 if len(domains) < 20 else 0), (self.change_domain, 8 if domains else 0),
                (self.change_websocket, 6 if domains else 0), (self.start_or_stop, 6 if domains else 0),
                (self.bind, 5 if domains else 0), (self.delete_domain, 5 if len(domains) > 8 else 0),
                (self.make_config, 2 if len(configs) < 4 else 0), (self.replace_config, 3 if configs else 0),
                (self.upload, 1 if len(certificates) < 3 else 0), (self.replace_certificate, 1 if certificates else 0),
                (self.make_token, 1 if len(tokens) < 5 else 0), (self.delete_token, 1 if len(tokens) > 2 else 0)]
        spare = [n for n in configs if n not in bound["layer7_config"]]
        if spare and len(configs) > 2:
            ways.append((partial(self.delete, "config", spare, "/v1/layer7-configs", "layer7.delete"), 1))
        spare = [n for n in certificates if n not in bound["certificates"]]
        if spare and len(certificates) > 1:
            ways.append((partial(self.delete, "certificate", spare, "/v1/certificates", "certificate.delete"), 1))
        return self.random.choices([w for w, _ in ways], [n for _, n in ways])[0]()

    def fresh(self, kind):
        """A name that this kind has not; often one that it had."""
        return next(n for n in iter(lambda: f"w{self.number}-{kind}{self.random.randrange(40)}", None)
                    if self.named(kind, n) not in self.objects[kind])

    @staticmethod
    def named(kind, name):
        return f"{name}.edge.test" if kind == "domain" else name

    def some(self, kind):
        return self.random.choice(sorted(self.objects[kind]))

    def domain_change(self, name, action, request, status=200, **changes):
        before = self.objects["domain"].get(name)
        after = {**(before or {"revision": 0}), **changes}
        after["revision"] += 1
        told = {k: v for k, v in after.items() if k != "revision"}
        return Change("domain", name, before, after, action, request, status, told)

    def make_domain(self):
        name = self.named("domain", self.fresh("domain"))
        settings = {"origins": [{"host": "127.0.0.1", "http_port": self.origin, "https_port": "off"}],
                    "websocket": {"origin_scheme": "http", "connection_timeout": f"{self.random.randint(30, 3600)}s"}}
        configs = sorted(self.objects["config"])
        config = self.random.choice(configs) if configs and self.random.random() < 0.5 else None
        body = {"name": name, "settings": settings, **({"layer7_config": config} if config else {})}
        return self.domain_change(name, "domain.create", ("POST", "/v1/domains", body), 201, service_region="overseas",
                                  icp_number="", settings=settings, layer7_config=config, certificates=[], state="configuring")

    def if_match(self, value):
        """By revision or by "*", which must come to the same: each object has one writer."""
        return f'"{value["revision"]}"' if self.random.random() < 0.7 else "*"

    def change_domain(self):
        name = self.some("domain")
        now = self.objects["domain"][name]
        patch = self.random.choice([{"origin_request_timeout": f"{self.random.randint(1, 900)}s"},
                                    {"limits": {"max_sessions": self.random.randint(10, 10**6)}},
                                    {"http2": self.random.random() < 0.5},
                                    {"limits": None}])
        icp = f"ICP-{self.random.randrange(10**6)}"
        body = {"icp_number": icp, "settings": patch}
        return self.domain_change(name, "domain.change", ("PATCH", f"/v1/domains/{name}", body, self.if_match(now)),
                                  icp_number=icp, settings=merged(now["settings"], patch))

    def change_websocket(self):
        name = self.some("domain")
        now = self.objects["domain"][name]
        patch = {"enabled": self.random.random() < 0.6, "connection_timeout": f"{self.random.randint(30, 3600)}s"}
        return self.domain_change(name, "domain.change",
                                  ("PATCH", f"/v1/domains/{name}/websocket", patch, self.if_match(now)),
                                  settings=merged(now["settings"], {"websocket": patch}))

    def bind(self):
        name = self.some("domain")
        config = self.random.choice([None, *sorted(self.objects["config"])])
        certificates = [self.some("certificate")] if self.objects["certificate"] and self.random.random() < 0.6 else []
        body = {"layer7_config": config, "certificates": certificates}
        return self.domain_change(
            name, "domain.change", ("PATCH", f"/v1/domains/{name}", body, self.if_match(self.objects["domain"][name])), **body)

    def start_or_stop(self):
        name = self.some("domain")
        what, state = ("stop", "offline") if self.objects["domain"][name]["state"] == "online" else ("start", "online")
        return self.domain_change(name, f"domain.{what}", ("POST", f"/v1/domains/{name}/{what}"), state=state)

    def delete_domain(self):
        name = self.some("domain")
        now = self.objects["domain"][name]
        return Change("domain", name, now, None, "domain.delete", ("DELETE", f"/v1/domains/{name}", None, self.if_match(now)), 204)

    def layer7_settings(self):
        return {"keepalive_timeout": f"{self.random.randint(1, 900)}s",
                "add_header": [{"name": "x-config", "value": str(self.random.randrange(10**9))}]}

    def make_config(self):
        name, settings = self.fresh("config"), self.layer7_settings()
        body = {"name": name, "settings": settings}
        return Change("config", name, None, {"settings": settings, "revision": 1}, "layer7.create",
                      ("POST", "/v1/layer7-configs", body), 201, body)

    def replace_config(self):
        name, settings = self.some("config"), self.layer7_settings()
        now, body = self.objects["config"][name], {"name": name, "settings": settings}
        return Change("config", name, now, {**now, "settings": settings, "revision": now["revision"] + 1}, "layer7.replace",
                      ("PUT", f"/v1/layer7-configs/{now['id']}", body, self.if_match(now)), 200, body)

    def upload(self):
        name, (chain, key) = self.fresh("certificate"), self.random.choice(self.pairs)
        return Change("certificate", name, None, {"chain": chain, "revision": 1}, "certificate.upload",
                      ("POST", "/v1/certificates", {"name": name, "chain": chain, "key": key}), 201)

    def replace_certificate(self):
        name, (chain, key) = self.some("certificate"), self.random.choice(self.pairs)
        now = self.objects["certificate"][name]
        return Change("certificate", name, now, {**now, "chain": chain, "revision": now["revision"] + 1}, "certificate.replace",
                      ("PUT", f"/v1/certificates/{now['id']}", {"chain": chain, "key": key}, self.if_match(now)))

    def delete(self, kind, names, path, action):
        name = self.random.choice(names)
        now = self.objects[kind][name]
        return Change(kind, name, now, None, action, ("DELETE", f"{path}/{now['id']}", None, self.if_match(now)), 204)

    def make_token(self):
        name, scope = self.fresh("token"), self.random.choice(["read", "write"])
        return Change("token", name, None, {"scope": scope}, "token.create", ("POST", "/v1/tokens", {"name": name, "scope": scope}), 201)

    def delete_token(self):
        name = self.some("token")
        now = self.objects["token"][name]
        return Change("token", name, now, None, "token.delete", ("DELETE", f"/v1/tokens/{now['id']}"), 204)

    # Writing

    def write(self, acknowledged):
        """Until the server is gone, or acknowledged() says that it is enough."""
        line = Line(self.api.port, self.api.token)
        try:
            while True:
                self.pending = change = self.next()
                answer = line(*change.request)
                if answer.status != change.status:
                    self.trouble = f"{change}: {answer.status} {answer.text}"
                    return
                self.take(change, answer.json)
                self.pending = None
                if not acknowledged():
                    return
        except Unanswered:
            pass
        except Exception as e:  # an assertion of the test in a thread that is not its own
            self.trouble = repr(e)
        finally:
            line.close()

    def take(self, change, answer=None):
        """The change was made."""
        self.count += 1
        self.told.append(change.told)
        of_kind = self.objects[change.kind]
        if change.after is None:
            del of_kind[change.name]
            if change.kind == "token":
                self.deleted_secret = self.secrets.pop(change.name, None) or self.deleted_secret
            return
        of_kind[change.name] = copy.deepcopy(change.after)
        if answer and "id" in answer and change.kind != "domain":
            of_kind[change.name]["id"] = answer["id"]
        if answer and "token" in answer:  # shown by the answer to its making alone
            self.secrets[change.name] = answer["token"]

    # Looking

    def found(self, line):
        """Every object of the account as the server has it now, in the form of self.objects."""
        domains = {}
        for item in line.every("/v1/domains"):
            whole = line("GET", f"/v1/domains/{item['name']}").ok(200)
            domains[item["name"]] = {k: whole[k] for k in ("service_region", "icp_number", "settings", "layer7_config",
                                                           "certificates", "state", "revision")}
            assert item["revision"] == whole["revision"] and item["state"] == whole["state"]
        take = lambda items, *keys: {i["name"]: {k: i[k] for k in keys} for i in items}
        tokens = take(line("GET", "/v1/tokens").ok(200)["items"], "id", "scope")
        del tokens["tests"]  # the one this test came with
        return {"domain": domains, "config": take(line.every("/v1/layer7-configs"), "id", "settings", "revision"),
                "certificate": take(line.every("/v1/certificates"), "id", "chain", "revision"), "token": tokens}

    def new_audit(self, line):
        """The audit's rows since it was last asked, newest first."""
        fresh, after = [], ""
        while True:
            page = line("GET", f"/v1/audit?limit=500{after}").ok(200)
            for entry in page["items"]:
                if entry["id"] == self.last_audit:
                    break
                fresh.append(entry)
            else:
                if page["next"]:
                    after = f"&after={page['next']}"
                    continue
            if fresh:
                self.last_audit = fresh[0]["id"]
            return fresh

    def check(self, line):
        """Compares what is there with what was acknowledged; the one write without an answer may be there or not. Returns
        whether it is, None: there was none."""
        assert self.trouble is None, self.trouble
        found, outcome = self.found(line), None
        if self.pending:
            change, self.pending = self.pending, None
            now = found[change.kind].get(change.name)
            same = lambda value: value == now or (value and now and {**value, "id": now.get("id")} == now)
            assert same(change.before) or same(change.after), f"half done: {change}\nbefore {change.before}\nnow {now}"
            outcome = not same(change.before)
            if outcome:
                self.take(change, now)
        assert found == self.objects
        audit = self.new_audit(line)
        # What a certificate or token is told to be is not compared: names and keys of files are not this test's.
        plain = lambda action, name, value: (action, name, value if action.split(".")[0] in ("domain", "layer7") else "")
        told = collections.Counter(plain(*t) for t in self.told)
        heard = collections.Counter(plain(e["action"], e["object_name"], json.dumps(e["new_value"], sort_keys=True)) for e in audit)
        assert heard == told, f"only told: {told - heard}\nonly in the audit: {heard - told}"
        self.told.clear()
        return outcome

    def check_secrets(self):
        """An acknowledged token opens the door, a deleted one does not."""
        for name, secret in list(self.secrets.items())[-2:]:
            line = Line(self.api.port, secret)
            assert line("GET", "/v1/login").ok(200)["may_write"] == (self.objects["token"][name]["scope"] == "write")
            line.close()
        if self.deleted_secret:
            line = Line(self.api.port, self.deleted_secret)
            line("GET", "/v1/login").refused(401)
            line.close()


def check_policy_changes(node, since):
    """Every change of a domain has its numbers in the sequence that edges follow, and no number is without its reason in
    the audit: by name and by the millisecond, which a write notes once for both. Returns the last number."""
    changes = rows(node, f"select number, domain_name, kind, at_ms from policy_changes where number > {since} order by number")
    assert [int(c[0]) for c in changes] == list(range(since + 1, since + 1 + len(changes))), "numbers are missing"
    first = min((int(c[3]) for c in changes), default=0)
    audit = rows(node, "select action, object_name, account_id, at_ms from audit where at_ms >= "
                       f"{first} and (action like 'domain.%' or action in ('layer7.replace', 'certificate.replace'))")
    changed = {(name, at) for _, name, _, at in changes}
    removed = {(name, at) for _, name, kind, at in changes if kind == "removed"}
    own = {(name, at) for action, name, _, at in audit if action.startswith("domain.")}
    deleted = {(name, at) for action, name, _, at in audit if action == "domain.delete"}
    shared = {(account, at) for action, _, account, at in audit if not action.startswith("domain.")}
    accounts = dict(rows(node, "select object_name, account_id from audit where object_type = 'domain' group by object_name, account_id"))
    assert own <= changed, f"in the audit and not in the changes: {own - changed}"
    assert deleted == removed
    unexplained = {(name, at) for name, at in changed - own if (accounts[name], at) not in shared}
    assert not unexplained, f"changes without a line in the audit: {unexplained}"
    return since + len(changes)


async def check_by_clients(node, writers, chance):
    """Opening handshakes to some domains of each: served, refused or unknown, as the store has it."""
    for writer in writers:
        domains = writer.objects["domain"]
        names = chance.sample(sorted(domains), min(4, len(domains))) + [f"w{writer.number}-domain99.edge.test"]
        for name in names:
            now = domains.get(name, {"state": "none"})
            expected = (404 if now["state"] != "online" else
                        101 if now["settings"]["websocket"].get("enabled", True) else 403)
            try:
                async with h1.open_session(node.http, host=name) as client:
                    await client.text(name)
                    await client.expect(TEXT, name.encode())
                    status = 101
            except Refused as e:
                status = e.status
            assert status == expected, f"{name}: {status}, and the store has {now}"


def one_round(node, writers, chance):
    """Writes, SIGKILL at some moment, a start on the same data. Returns how many writes were acknowledged."""
    fatal, lock, done = chance.randint(1, WRITES - 1), threading.Lock(), [0]
    reached = threading.Event()

    def acknowledged():
        with lock:
            done[0] += 1
            if done[0] == fatal:
                reached.set()
            return done[0] < WRITES

    threads = [threading.Thread(target=w.write, args=(acknowledged,)) for w in writers]
    for t in threads:
        t.start()
    while not reached.wait(0.5):
        # No answer is a finding as long as nobody has killed anything.
        assert any(t.is_alive() for t in threads), f"after {done[0]} of {fatal}: {[w.trouble or w.pending for w in writers]}"
    spin(chance.random() * 0.01)
    kill(node)
    for t in threads:
        t.join(60)
        assert not t.is_alive()
    node.start()
    return done[0]


def test_the_comparison_sees_what_differs(start_node):
    """What this file's last word rests on: the store is changed behind the program's back, in a way no edge hears of."""
    node = start_node()
    customer = node.customer("Customer")
    for name in ("a", "b", "c", "d"):
        node.online(customer, f"{name}.edge.test", 9)
    customer.post("/v1/domains/d.edge.test/stop").ok(200)
    in_force(node)
    assert differences(node) == {}
    with sqlite3.connect(node.data / "fairlead.db", timeout=20) as database:
        database.execute("""update domains set settings = replace(settings, '"http"', '"follow"') where name = 'a.edge.test'""")
        database.execute("update domains set state = 'offline' where name = 'b.edge.test'")
        database.execute("update domains set state = 'online' where name = 'd.edge.test'")
    database.close()
    assert differences(node) == {"different": ["a.edge.test"], "surplus": ["b.edge.test"], "missing": ["d.edge.test"]}
    # A start publishes all there is.
    assert node.terminate() == 0
    node.start()
    # The copy that the edge began with has the newest number, for the changes above took none: there is none to wait for.
    in_force(node)
    eventually(lambda: differences(node) == {}, 10, "the edge to obey what the store says")
    customer.get("/v1/policy-comparison").refused(403, "forbidden")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ROUNDS)
async def test_every_acknowledged_write_survives_kill_9(start_node, request, ca, engine):
    seed = int(os.environ.get("FAIRLEAD_SEED") or time.time_ns() % 10**9)
    print(f"FAIRLEAD_SEED={seed}")
    chance = random.Random(seed)
    rounds = (SANITIZED_ROUNDS if sanitized() else ROUNDS)[engine]
    control = {} if engine == "sqlite" else {"database": request.getfixturevalue("postgres").make(f"durability{seed}")}
    node = start_node(control=control)
    node.operator("PUT", "/v1/policy", {"approve_automatically": True, "gates": {
        "account_verified": False, "domain_ownership": False, "whole_site_acceleration": False, "activation": False,
        "icp_regions": []}}, if_match="*").ok(200)
    pairs = [(leaf.chain.read_text(), leaf.key.read_text()) for leaf in (ca.leaf("ec"), ca.leaf("rsa"))]
    async with WireOrigin(echo) as origin:
        writers = [Writer(i, seed, node.customer(f"Writer {i}"), origin.port, pairs) for i in range(WRITERS)]
        for writer in writers:
            writer.last_audit = writer.api.get("/v1/audit?limit=1").ok(200)["items"][0]["id"]
        number, outcomes, writes = 0, collections.Counter(), 0
        for _ in range(rounds):
            writes += one_round(node, writers, chance)
            in_force(node)
            for writer in writers:
                line = Line(node.admin, writer.api.token)
                outcomes[writer.check(line)] += 1
                writer.check_secrets()
                line.close()
            number = check_policy_changes(node, number)
            assert differences(node) == {}
            await check_by_clients(node, writers, chance)
    print(f"{engine}: {rounds} kills, {writes} acknowledged writes, {number} policy changes; without an answer and done: "
          f"{outcomes[True]}, and not done: {outcomes[False]}")
    # The kills came in the middle: there were writes under way.
    assert outcomes[True] + outcomes[False] >= rounds
