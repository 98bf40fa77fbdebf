"""`fairlead apply`: a file against a real server: the plan, nothing twice, nobody else's work overwritten, the truth about
what was done when something was refused."""

import os
import pty
import subprocess

import pytest
import yaml

from harness.control import PASSWORD
from harness.edge import BINARY
from harness.shell import Shell
from harness.waiting import eventually

HOST, BESIDE = "live.edge.test", "beside.edge.test"


@pytest.fixture
def shop(start_node, tmp_path):
    """A customer at a shell, whose domains may go live at once."""
    node = start_node()
    customer = node.customer("Comments Ltd")
    node.activate(customer)
    policy = node.operator.get("/v1/policy").ok()
    gates = {**policy["gates"], "domain_ownership": False}
    node.operator.put("/v1/policy", {"approve_automatically": False, "gates": gates}).ok(200)
    shell = Shell(node, tmp_path / "shell")
    shell.node, shell.api = node, customer
    shell.log_in("commentsltd@customer.test", shell.file("password", PASSWORD))
    return shell


def document(ca, **more):
    leaf = ca.leaf("ec")
    return {"listeners": [{"address": "0.0.0.0:80", "protocol": "http"}],
            "layer7_configs": {"small": {"client_max_body_size": "1MiB", "keepalive_timeout": "75s"}},
            "domains": [{"name": HOST, "origins": [{"host": "10.0.0.11", "http_port": 8080, "https_port": "off"}],
                         "certificates": [{"chain": str(leaf.chain), "key": str(leaf.key)}], "layer7": "small",
                         "websocket": {"origin_scheme": "http", "connection_timeout": "1m"}},
                        {"name": BESIDE, "origins": [{"host": "10.0.0.12"}], "websocket": {"origin_scheme": "http"}}], **more}


def written(shop):
    """What every write leaves a trace in: the newest change of the policy, and the audit."""
    return (shop.node.operator.get("/v1/edges").ok()["policy_revision"], shop.node.operator.get("/v1/audit?limit=1").ok()["items"][0]["id"])


def asked(shop, *words):
    """`fairlead apply` at a terminal, up to its question. Returns the process, its terminal and what it said so far."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BINARY, "apply", *words], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=shop.env,
                               cwd=shop.home)
    os.close(theirs)
    os.set_blocking(process.stdout.fileno(), False)
    said = b""

    def question():
        nonlocal said
        said += process.stdout.read() or b""
        assert process.poll() is None, said
        return b"Go on? [y/N]" in said

    eventually(question, 60, "the question")
    os.set_blocking(process.stdout.fileno(), True)
    return process, ours, said.decode()


def answered(process, terminal, word):
    os.write(terminal, word.encode() + b"\n")
    said = process.communicate(timeout=60)[0].decode()
    os.close(terminal)
    return process.returncode, said


def test_a_file_is_planned_applied_and_then_nothing_is_to_do(shop, ca):
    file = shop.file("domains.yaml", yaml.safe_dump(document(ca)))
    before = written(shop)
    plan = shop("apply", "-f", file, "--dry-run", status=2)
    plan.has('note: "listeners" belongs to an edge', "create layer-7 configuration small", f"create domain {HOST}",
             f"create domain {BESIDE}", "4 to create, 0 to change, 0 to delete, 0 unchanged")
    shop("apply", "-f", file, status=1).has("nobody is there to ask", "4 to create")
    process, terminal, said = asked(shop, "-f", file)
    assert "4 to create" in said
    status, said = answered(process, terminal, "n")
    assert status == 1 and "nothing was changed" in said
    assert written(shop) == before and shop.json("domain", "list") == []

    process, terminal, said = asked(shop, "-f", file, "--start")
    assert f"start domain {HOST}" in said and "; 2 to start" in said
    status, said = answered(process, terminal, "y")
    assert status == 0 and "6 steps done; in force on 1 of 1 edge" in said, said
    assert {(d["name"], d["state"]) for d in shop.json("domain", "list")} == {(HOST, "online"), (BESIDE, "online")}
    have = shop.json("domain", "show", HOST)
    assert have["layer7_config"] == "small" and len(have["certificates"]) == 1 and have["account_name"] == "Comments Ltd"

    # The same again, and the same in other words: nothing to do, and nothing is written.
    other = document(ca)
    other["layer7_configs"]["small"] = {"client_max_body_size": "1024KiB"}
    other["domains"][0]["websocket"]["connection_timeout"] = "60s"
    other["domains"][0]["http2"] = True
    again = shop.file("again.yaml", yaml.safe_dump(other))
    after = written(shop)
    for words in (["-f", file], ["-f", file, "--start"], ["-f", again, "--yes"], ["-f", file, "--prune"]):
        shop("apply", *words).has("0 to create, 0 to change, 0 to delete, 4 unchanged", "nothing to do")
    shop("apply", "-f", again, "--dry-run", status=0)
    assert shop.json("apply", "-f", file)["applied"] is True
    assert written(shop) == after

    # A change shows what it is; what the file does not have goes with --prune alone.
    changed = document(ca)
    changed["domains"][0]["websocket"]["connection_timeout"] = "90s"
    changed["domains"].pop()
    file = shop.file("changed.yaml", yaml.safe_dump(changed))
    shop("apply", "-f", file, "--dry-run", status=2).has("websocket.connection_timeout: 60s -> 90s",
                                                         "0 to create, 1 to change, 0 to delete")
    shop("apply", "-f", "-", "--dry-run", "--prune", typed=yaml.safe_dump(changed), status=2).has(f"delete domain {BESIDE}")
    done = shop.json("apply", "-f", file, "--prune", "--yes")
    assert done["applied"] is True
    assert {(c["action"], c["name"], c.get("done")) for c in done["changes"] if c["action"] != "unchanged"} == {
        ("change", HOST, True), ("delete", BESIDE, True)}
    assert [d["name"] for d in shop.json("domain", "list")] == [HOST]


def test_a_change_made_meanwhile_is_not_overwritten_and_what_was_done_is_said(shop, ca):
    wanted = document(ca)
    file = shop.file("domains.yaml", yaml.safe_dump(wanted))
    shop("apply", "-f", file, "--yes", "--start")
    wanted["layer7_configs"]["small"]["client_max_body_size"] = "2MiB"
    for domain in wanted["domains"]:
        domain["websocket"]["connection_timeout"] = "45s"
    wanted["domains"].append({"name": "third.edge.test", "origins": [{"host": "10.0.0.13"}]})
    shop.file("domains.yaml", yaml.safe_dump(wanted))

    process, terminal, said = asked(shop, "-f", file)
    assert "1 to create, 3 to change" in said
    theirs = shop.api.patch(f"/v1/domains/{HOST}", {"settings": {"http2": False}}).ok(200)
    status, said = answered(process, terminal, "y")
    assert status == 1
    for text in (f"change domain {HOST}: ", "1 of 4 steps were done before that", f"not tried: change domain {BESIDE}",
                 "not tried: create domain third.edge.test", "somebody else changed it meanwhile"):
        assert text in said, said
    have = shop.json("domain", "show", HOST)
    assert (have["revision"], have["settings"]) == (theirs["revision"], theirs["settings"])
    assert shop.json("layer7", "show", "small")["settings"]["client_max_body_size"] == "2MiB"
    assert "connection_timeout" not in shop.json("domain", "show", BESIDE)["settings"]["websocket"]

    # The next plan starts from there, and shows what it would undo.
    plan = shop("apply", "-f", file, "--dry-run", status=2)
    plan.has("1 to create, 2 to change, 0 to delete, 2 unchanged", "http2: ")
    shop("apply", "-f", file, "--yes").has("3 steps done")


def test_a_certificate_is_not_replaced_under_a_domain_that_is_not_to_have_it(shop, ca):
    """Two chains of one name in two folders: who goes from the file must not hand its certificate's name to the other."""
    def domain_with(name):
        leaf = ca.leaf("ec", names=(name,))
        folder = shop.home / name
        folder.mkdir()
        chain, key = folder / "fullchain.pem", folder / "privkey.pem"
        chain.write_text(leaf.chain.read_text())
        key.write_text(leaf.key.read_text())
        return {"name": name, "origins": [{"host": "10.0.0.11"}], "websocket": {"origin_scheme": "http"},
                "certificates": [{"chain": str(chain), "key": str(key)}]}
    first, second = domain_with(HOST), domain_with(BESIDE)
    shop("apply", "-f", shop.file("both.yaml", yaml.safe_dump({"domains": [first, second]})), "--yes")
    before = written(shop)
    said = shop("apply", "-f", shop.file("one.yaml", yaml.safe_dump({"domains": [second]})), "--yes", status=1)
    said.has("certificate fullchain is bound to live.edge.test", "a name of its own")
    assert written(shop) == before


def test_two_certificates_of_a_domain_are_a_set(shop, ca):
    leaves = {"site-rsa": ca.leaf("rsa"), "site-ec": ca.leaf("ec")}
    pairs = []
    for name, leaf in leaves.items():
        for kind, path in (("crt", leaf.chain), ("key", leaf.key)):
            (shop.home / f"{name}.{kind}").write_text(path.read_text())
        pairs.append({"chain": str(shop.home / f"{name}.crt"), "key": str(shop.home / f"{name}.key")})
    file = shop.file("two.yaml", yaml.safe_dump({"domains": [{"name": HOST, "origins": [{"host": "10.0.0.11"}], "certificates": pairs}]}))
    shop("apply", "-f", file, "--yes")
    shop("apply", "-f", file, "--dry-run").has("0 to change", "3 unchanged")


def test_a_file_that_cannot_be_is_refused_before_anything_is_done(shop, ca):
    before = written(shop)
    wrong = document(ca)
    wrong["domains"][0]["websocket"]["connection_timeout"] = "90x"
    wrong["domains"][1]["origins"][0]["weight"] = 0
    shop("apply", "-f", shop.file("wrong.yaml", yaml.safe_dump(wrong)), "--yes", status=1).has("wrong.yaml:", "90x", "weight")
    # What only the server knows: ranges for customers.
    beyond = document(ca)
    beyond["domains"][1]["origins"][0]["host"] = "10.0.0.14"
    del beyond["domains"][0]["layer7"], beyond["domains"][0]["certificates"]
    beyond["domains"][0]["websocket"]["connection_timeout"] = "2h"
    shop("apply", "-f", shop.file("beyond.yaml", yaml.safe_dump(beyond)), "--yes", status=1).has("connection_timeout")
    assert written(shop) == before
    # Somebody else's domain, and a file that is none.
    other = shop.node.customer("Other")
    other.post("/v1/domains", {"name": "foreign.edge.test", "settings": {"origins": [{"host": "10.0.0.9"}]}}).ok(201)
    before = written(shop)
    foreign = {"domains": [{"name": "mine.edge.test", "origins": [{"host": "10.0.0.9"}]},
                           {"name": "foreign.edge.test", "origins": [{"host": "10.0.0.9"}]}]}
    shop("apply", "-f", shop.file("foreign.yaml", yaml.safe_dump(foreign)), "--yes", status=1).has("foreign.edge.test")
    shop("apply", "-f", shop.file("none.yaml", "domains: [ {"), "--yes", status=1).has("none.yaml:")
    shop("apply", "-f", "/none/such", "--yes", status=1)
    assert written(shop) == before
