"""docs/webhooks.md and docs/control-plane.md: their examples have the fields of real events and real answers, and the
programs that check a signature do so as they stand there."""

import json
import re
import shutil
import sqlite3
import subprocess

import pytest

from harness.edge import ROOT
from harness.outside import Dns, Hook, Mail, challenge, due_in_store, handshake
from harness.waiting import eventually

WEBHOOKS, CONTROL_PLANE = ROOT / "docs" / "webhooks.md", ROOT / "docs" / "control-plane.md"
HOST = "live.example.com"


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.M | re.S)


def shape(value):
    """What there is, without what it says."""
    if isinstance(value, dict):
        return {key: shape(v) for key, v in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_the_examples_are_what_really_comes(start_node, outside, ca):
    hook, dns, mail = outside(Hook), outside(Dns), outside(Mail)
    node = start_node(control={"webhooks": [hook.settings()], "resolvers": [f"127.0.0.1:{dns.port}"], "mail": mail.settings()})
    customer = node.customer("Example Ltd", email="ann@example.com", verified=False)
    fields = {"contact_name": "Ann", "contact_email": "ann@example.com", "use_case": "live-comments"}
    answers = {}

    def apply():
        return customer.post("/v1/applications", {"kind": "activation", "fields": fields}).ok(201)["id"]
    node.operator.post(f"/v1/applications/{apply()}/reject", {"reason": "Which match is it for?"}, if_match="*").ok(200)
    node.operator.post(f"/v1/applications/{apply()}/approve", {"reason": "Welcome"}, if_match="*").ok(200)
    customer.post("/v1/users", {"email": "bo@example.com"}).ok(201)
    leaf = ca.leaf("ec", names=("live.example.com",), days=7)
    customer.post("/v1/certificates", {"name": "live", "chain": leaf.chain.read_text(), "key": leaf.key.read_text()}).ok(201)
    settings = {"origins": [{"host": "127.0.0.1"}]}
    for name in (HOST, "old.example.com"):
        customer.post("/v1/domains", {"name": name, "settings": settings}).ok(201)
    answers["gates_unmet"] = customer.post(f"/v1/domains/{HOST}/start").refused(409, "gates_unmet")
    node.operator.patch(f"/v1/accounts/{customer.account}", {"identity_verified": True}).ok(200)
    for name in (HOST, "old.example.com"):
        assert customer.post(f"/v1/domains/{name}/start").ok(200)["state"] == "checking"
    at = f"/v1/domains/{HOST}/ownership"
    answers["ownership"] = eventually(lambda: (o := customer.get(at).ok())["last_result"] and o, 30, "the first look")
    dns.set(**{challenge(HOST): {"TXT": [[answers["ownership"]["dns"]["value"]]]}})
    assert node.terminate() == 0
    assert due_in_store(node, "update domains set checks = 11, next_check_ms = :now where name = 'old.example.com'") == 1
    node.start()
    events = {}
    for kind in ("application.submitted", "application.approved", "application.rejected", "certificate.expiring", "domain.online",
                 "domain.check_failed", "user.invited"):
        events[kind] = hook.events(kind, timeout=40)[0]
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    eventually(lambda: len(node.operator.get("/v1/notices?state=done").ok()["items"]) > 10, 20, "deliveries that are noted")
    answers["notices"] = node.operator.get("/v1/notices?state=done&limit=1").ok()
    answers["gates"] = customer.get(f"/v1/domains/{HOST}/gates").ok()
    answers["policy"] = node.operator.get("/v1/policy").ok()
    node.operator.patch(f"/v1/accounts/{customer.account}", {"identity_verified": False}).ok(200)
    domain = customer.get(f"/v1/domains/{HOST}").ok()
    answers["domain"] = {key: domain[key] for key in ("name", "state", "state_reason")}

    real = {kind: event for kind, (_, event) in events.items()}
    examples = [json.loads(text) for text in blocks(WEBHOOKS, "json")]
    assert {e["type"] for e in examples if "type" in e and "account" in e} == set(real)
    for example in examples:
        found = real[example["type"]] if "account" in example else answers["notices"]
        assert shape(example) == shape(found), f"{example}\nis not like\n{json.dumps(found, ensure_ascii=False)}"
    shapes = {name: shape(answer) for name, answer in answers.items()}
    for text in blocks(CONTROL_PLANE, "json"):
        assert shape(json.loads(text)) in shapes.values(), f"{text}\nis none of\n{json.dumps(answers, ensure_ascii=False)}"
    # The words of the mails that the table promises are there, too.
    assert mail.about("/ 您的申请已通过", to="ann@example.com")


def test_a_backup_is_as_good_as_the_page_says(start_node, start_origin, ca):
    """Made while it runs, put into an empty folder: what was there is there, what came later is not."""
    origin = start_origin("py_echo.py", "--lib=websockets")
    node = start_node()
    customer = node.customer("Example Ltd")
    node.activate(customer)
    leaf = ca.leaf("ec")
    customer.post("/v1/certificates", {"name": "live", "chain": leaf.chain.read_text(), "key": leaf.key.read_text()}).ok(201)
    node.online(customer, HOST, origin)
    node.live(customer.patch(f"/v1/domains/{HOST}", {"certificates": ["live"]}).ok(200)["policy_change"])
    folder = node.folder / "backup"
    folder.mkdir(mode=0o700)
    running, copy = sqlite3.connect(node.data / "fairlead.db"), sqlite3.connect(folder / "fairlead.db")
    running.backup(copy)  # what the command `.backup` does
    running.close()
    copy.close()
    shutil.copy(node.data / "secret.key", folder)
    for path in folder.iterdir():
        path.chmod(0o600)
    node.online(customer, "later.example.com", origin)
    assert handshake(node, "later.example.com") == (101, None)

    assert node.terminate() == 0
    node.data.rename(node.folder / "lost")
    folder.rename(node.data)
    node.start()
    node.operator.get("/v1/edges").ok(200)
    customer.get("/v1/domains/later.example.com").refused(404, "not_found")
    domain = customer.get(f"/v1/domains/{HOST}").ok()
    assert domain["state"] == "online" and domain["certificates"] == ["live"]
    node.live(domain["policy_change"])
    assert handshake(node, HOST) == (101, None) and handshake(node, "later.example.com")[0] == 404
    assert node.metric("fairlead_control_domains_failed_total") == 0
    # Without the key: the store is there, the certificate's key is not, and it is said.
    assert node.terminate() == 0
    (node.data / "secret.key").unlink()
    (node.data / "policy.sealed").unlink()
    node.start()
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    assert customer.get(f"/v1/domains/{HOST}").ok()["state"] == "online"
    eventually(lambda: node.metric("fairlead_control_domains_failed_total"), 10, "a domain that cannot be composed")
    assert f"{HOST} stays as the edges have it" in node.log()
    # Keys that others can read are not used.
    assert node.terminate() == 0
    (node.data / "secret.key").chmod(0o644)
    done = subprocess.run([str(node.binary), *node.arguments], capture_output=True, text=True, timeout=60, cwd=node.folder)
    assert done.returncode == 1 and "secret key" in done.stdout + done.stderr


def checks_of(delivery):
    """What a receiver gets, and what somebody else could make of it: (headers, body, secret, seconds later, good)."""
    fields, body = delivery["fields"], delivery["body"]
    forged = {**fields, "fairlead-webhook-id": "0" * 32}
    late = {**fields, "fairlead-webhook-timestamp": str(int(fields["fairlead-webhook-timestamp"]) + 1)}
    unsigned = {name: value for name, value in fields.items() if name != "fairlead-webhook-signature"}
    return [(fields, body, Hook.SECRET, 0, True), (fields, body, Hook.SECRET, 290, True), (fields, body, Hook.SECRET, 310, False),
            (fields, body, Hook.SECRET, -310, False), (fields, body + " ", Hook.SECRET, 0, False), (fields, body, "another", 0, False),
            (forged, body, Hook.SECRET, 0, False), (late, body, Hook.SECRET, 0, False), (unsigned, body, Hook.SECRET, 0, False),
            ({**fields, "fairlead-webhook-signature": "v1="}, body, Hook.SECRET, 0, False),
            ({**fields, "fairlead-webhook-timestamp": "soon"}, body, Hook.SECRET, 0, False)]


@pytest.fixture
def deliveries(start_node, outside):
    """Two real ones, the second with signs beyond ASCII."""
    hook = outside(Hook)
    node = start_node(control={"webhooks": [hook.settings()]})
    for i, name in enumerate(("Example Ltd", "示例公司 – Ünïcode")):
        node.customer(name, email=f"c{i}@example.com").post("/v1/users", {"email": f"u{i}@example.com"}).ok(201)
    return [request for request, _ in hook.events("user.invited", 2)]


def test_the_python_program_checks_signatures(deliveries):
    (program,) = blocks(WEBHOOKS, "python")
    names = {}
    exec(compile(program, str(WEBHOOKS), "exec"), names)
    for delivery in deliveries:
        sent = int(delivery["fields"]["fairlead-webhook-timestamp"])
        for headers, body, secret, later, good in checks_of(delivery):
            assert names["is_genuine"](headers, body.encode(), secret, now=sent + later) is good, (headers, later)


def test_the_node_program_checks_signatures(deliveries, tmp_path):
    (program,) = blocks(WEBHOOKS, "js")
    cases = [[*case[:3], int(d["fields"]["fairlead-webhook-timestamp"]) + case[3], case[4]] for d in deliveries for case in checks_of(d)]
    (tmp_path / "check.mjs").write_text(program)
    (tmp_path / "run.mjs").write_text(
        "import { isGenuine } from './check.mjs';\n"
        f"const cases = {json.dumps(cases)};\n"
        "console.log(JSON.stringify(cases.map(([h, b, s, now]) => isGenuine(h, Buffer.from(b), s, now))));\n")
    done = subprocess.run(["node", str(tmp_path / "run.mjs")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [case[4] for case in cases]


def test_the_metrics_are_those_of_the_page(start_node):
    def families(text):
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    described = dict(re.findall(r"^\| `(fairlead_\S+)` \| (\w+) \|", CONTROL_PLANE.read_text(), re.M))
    edges = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.M))
    page = families(start_node().get("/metrics")[2].decode())
    assert {name: kind for name, kind in page.items() if name not in edges} == described
