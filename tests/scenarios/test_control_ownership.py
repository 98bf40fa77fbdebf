"""R16: the proof that a domain is its account's, by a TXT record and by a file, asked of a DNS server and an HTTP server
of the test's own; what is no proof; and where the control plane does not go, whoever sends it there."""

import pytest

from harness.edge import sanitized
from harness.outside import Dns, Hook, Mail, Sites, challenge, due_in_store
from harness.waiting import Stopwatch, eventually

SILENT = {"silent": True}


def begin(start_node, dns, sites=None, private=True, **control):
    node = start_node(control={"resolvers": [f"127.0.0.1:{dns.port}"], "ownership_allow_private": private,
                               **({"ownership_http_port": sites.port} if sites else {}), **control})
    customer = node.customer("Comments Ltd")
    return node, customer


def claim(customer, name):
    """Makes the domain; what its proof must be: (value of the record, content of the file)."""
    customer.post("/v1/domains", {"name": name, "settings": {"origins": [{"host": "127.0.0.1"}]}}).ok(201)
    proof = customer.get(f"/v1/domains/{name}/ownership").ok()
    assert not proof["verified"] and not proof["checking"] and proof["last_result"] == ""
    assert proof["dns"]["name"] == challenge(name) and proof["dns"]["type"] == "TXT"
    if name.startswith("."):
        assert proof["http"] is None
        return proof["dns"]["value"], None
    return proof["dns"]["value"], proof["http"]["body"]


def look(customer, *names):
    """Asks for a look at each at once, and returns what was found: {name: ownership}."""
    for name in names:
        assert customer.post(f"/v1/domains/{name}/ownership/check").ok(202)["checking"]

    def found():
        seen = {name: customer.get(f"/v1/domains/{name}/ownership").ok() for name in names}
        return seen if all(o["last_result"] for o in seen.values()) else None
    # At most 10 s and a second for each of four at a time.
    return eventually(found, 11 * (1 + len(names) // 4) + (30 if sanitized() else 5), f"looks at {names}", pause=0.1)


def test_a_record_proves_it(start_node, outside):
    dns = outside(Dns)
    node, customer = begin(start_node, dns)
    good = ["one.test", "strings.test", "among.test", "cname.test", "long.test", ".wild.test", "Upper.TEST"]
    bad = ["wrong.test", "none.test", "servfail.test", "beside.test", "deaf.test"]
    value = {name: claim(customer, name)[0] for name in good + bad if name != "Upper.TEST"}
    value["Upper.TEST"] = claim_upper = customer.post("/v1/domains", {"name": "Upper.TEST"}).ok(201)["name"]
    assert claim_upper == "upper.test"
    value["Upper.TEST"] = customer.get("/v1/domains/UPPER.test/ownership").ok()["dns"]["value"]
    dns.set(**{
        challenge("one.test"): {"TXT": [[value["one.test"]]]},
        challenge("strings.test"): {"TXT": [[value["strings.test"][:9], value["strings.test"][9:20], value["strings.test"][20:]]]},
        challenge("among.test"): {"TXT": [["v=spf1 -all"], [value["wrong.test"]], [value["among.test"]]]},
        challenge("cname.test"): {"CNAME": ["proofs.elsewhere.test."]},
        "proofs.elsewhere.test": {"TXT": [[value["cname.test"]]]},
        challenge("long.test"): {"TXT": [["x" * 250]] * 8 + [[value["long.test"]]]},  # needs TCP
        challenge(".wild.test"): {"TXT": [[value[".wild.test"]]]},
        challenge("upper.test"): {"TXT": [[value["Upper.TEST"]]]},
        challenge("wrong.test"): {"TXT": [[value["one.test"]]]},
        challenge("servfail.test"): {"rcode": "SERVFAIL"},
        "beside.test": {"TXT": [[value["beside.test"]]]},  # not where it belongs
        challenge("deaf.test"): SILENT, "deaf.test": SILENT,
    })
    clock = Stopwatch()
    seen = look(customer, *good, *bad)
    if not sanitized():
        assert clock.seconds < 45, "twelve looks, four at a time, 11 s each at most"
    for name in good:
        assert seen[name]["verified"] and seen[name]["method"] == "dns" and seen[name]["verified_at"], (name, seen[name])
        assert not seen[name]["checking"] and seen[name]["last_result"].endswith("found")
    for name in bad:
        assert not seen[name]["verified"] and seen[name]["method"] is None and seen[name]["checking"], (name, seen[name])
    reasons = {name: seen[name]["last_result"].split("; ")[0] for name in bad}
    assert reasons["wrong.test"].endswith("another value") and reasons["none.test"].endswith("there is none")
    assert reasons["beside.test"].endswith("there is none") and reasons["deaf.test"].endswith("no answer in time")
    assert reasons["servfail.test"].endswith("failed"), reasons
    # Nothing of a record is shown that is not the asker's.
    assert value["one.test"] not in seen["wrong.test"]["last_result"]
    # Asked again, a proof stands; and it is in the audit.
    assert customer.post("/v1/domains/one.test/ownership/check").ok(202)["verified"]
    (row,) = customer.get("/v1/audit?action=domain.ownership_proved&object_name=one.test").ok()["items"]
    assert row["user"] is None and row["new_value"]["method"] == "dns"
    dns.wait_for(lambda q: q["name"] == challenge("long.test") and q["protocol"] == "tcp")


def test_a_file_proves_it(start_node, outside):
    dns, sites = outside(Dns), outside(Sites)
    node, customer = begin(start_node, dns, sites)
    names = ["file.test", "lines.test", "moved.test", "big.test", "wrong.test", "none.test", "deaf.test", "nowhere.test", "closed.test",
             "metadata.test"]
    content = {name: claim(customer, name)[1] for name in names}
    url = customer.get("/v1/domains/file.test/ownership").ok()["http"]["url"]
    assert url == f"http://file.test:{sites.port}/.well-known/fairlead-verification.txt"
    wild_value, nothing = claim(customer, ".wild.test")
    assert nothing is None
    here = {"A": ["127.0.0.1"]}
    dns.set(**{**{name: here for name in names}, "nowhere.test": {}, "closed.test": {"A": ["127.0.0.2"]}, "wild.test": here,
                                                 "metadata.test": {"A": ["169.254.169.254"]}})
    sites.set(**{
        "file.test": {"content": content["file.test"]},
        "lines.test": {"content": f"\n{content['lines.test']}\r\n"},
        "moved.test": {"status": 302, "location": url, "content": content["moved.test"]},
        "big.test": {"content": content["big.test"] + " " * 2000},
        "wrong.test": {"content": content["file.test"]},
        "deaf.test": SILENT,
        "wild.test": {"content": wild_value},
    })
    seen = look(customer, *names, ".wild.test")
    for name in ("file.test", "lines.test"):
        assert seen[name]["verified"] and seen[name]["method"] == "http", seen[name]
    for name, why in {"moved.test": "status 302 (redirects are not followed)", "big.test": "more than a token",
                      "wrong.test": "another content", "none.test": "status 404", "deaf.test": "no answer in time",
                      "nowhere.test": "the name has no address", "closed.test": "no connection",
                      "metadata.test": "the name leads to an address that is not asked"}.items():
        assert not seen[name]["verified"] and seen[name]["last_result"].endswith(why), (name, seen[name])
    assert content["file.test"] not in seen["wrong.test"]["last_result"]
    assert not seen[".wild.test"]["verified"] and "file" not in seen[".wild.test"]["last_result"]
    asked = [(r["method"], r["path"]) for r in sites.received()]
    assert set(asked) == {("GET", "/.well-known/fairlead-verification.txt")}
    assert sum(r["fields"]["host"].startswith("file.test") for r in sites.received()) == 1  # no redirect led there
    assert not any(r["fields"]["host"].startswith("wild.test") for r in sites.received())


def test_nobody_sends_it_inside(start_node, outside):
    """What leads to loopback, private, link-local or reserved addresses is not connected to, however it is written."""
    dns, sites = outside(Dns), outside(Sites)
    node, customer = begin(start_node, dns, sites, private=False)
    inside = {"A": ["127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"],
              "AAAA": ["::1", "::ffff:7f00:1", "fe80::1", "fd00:ec2::254", "64:ff9b::7f00:1", "2002:7f00:1::"]}
    names = {}
    for kind, addresses in inside.items():
        for i, address in enumerate(addresses):
            names[f"{kind.lower()}{i}.test"] = {kind: [address]}
    names["all.test"] = inside
    dns.set(**names)
    asked = [*names, "127.0.0.1"]
    for name in asked:
        content = claim(customer, name)[1]
        sites.set(**{name: {"content": content}})
    seen = look(customer, *asked)
    for name in asked:
        assert not seen[name]["verified"] and seen[name]["last_result"].endswith("the name leads to an address that is not asked"), (
            name, seen[name])
    assert sites.received() == []


def test_a_start_waits_for_the_proof(start_node, outside):
    dns, mail, hook = outside(Dns), outside(Mail), outside(Hook)
    node, customer = begin(start_node, dns, mail=mail.settings(), webhooks=[hook.settings()])
    late, never = "late.test", "never.test"
    value, _ = claim(customer, late)
    claim(customer, never)
    for name in (late, never):
        domain = customer.post(f"/v1/domains/{name}/start").ok(200)
        assert domain["state"] == "checking" and "ownership" in domain["state_reason"], domain
    look_at = f"/v1/domains/{late}/ownership"
    eventually(lambda: "there is none" in customer.get(look_at).ok()["last_result"], 15, "the first look")
    assert customer.get(f"/v1/domains/{late}").ok()["state"] == "checking"
    # It goes on where the last process stopped: the next look finds it, and the domain goes online by itself.
    dns.set(**{challenge(late): {"TXT": [[value]]}})
    node.restart(kill=True)
    eventually(lambda: customer.get(f"/v1/domains/{late}").ok()["state"] == "online", 30, "online once the proof is there")
    assert customer.get(look_at).ok()["method"] == "dns"
    mail.about("late.test is online", to=customer.user["email"])
    assert hook.events("domain.online")[0][1]["data"]["domain"] == late

    # The last look: half an hour after the first, so the row is told that it has come to that.
    assert node.terminate() == 0
    assert due_in_store(node, "update domains set checks = 11, next_check_ms = :now where name = 'never.test'") == 1
    node.start()
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    failed = eventually(lambda: (d := customer.get(f"/v1/domains/{never}").ok())["state"] == "check_failed" and d, 30, "the last look")
    assert failed["state_reason"] == "nobody has proved yet that the domain is yours"
    assert not customer.get(f"/v1/domains/{never}/ownership").ok()["checking"]
    (note,) = mail.about("The check of never.test has failed", to=customer.user["email"])
    assert "nobody has proved" in note["text"]
    assert hook.events("domain.check_failed")[0][1]["data"]["domain"] == never
    # Stopped while it is looked for, it is looked for no more; an operator's word is as good as a proof.
    assert customer.post(f"/v1/domains/{never}/start").ok(200)["state"] == "checking"
    assert customer.post(f"/v1/domains/{never}/stop").ok(200)["state"] == "offline"
    assert not customer.get(f"/v1/domains/{never}/ownership").ok()["checking"]
    assert customer.post(f"/v1/domains/{never}/start").ok(200)["state"] == "checking"
    customer.post(f"/v1/domains/{never}/ownership/vouch").refused(403, "forbidden")
    assert node.operator.post(f"/v1/domains/{never}/ownership/vouch").ok(200)["method"] == "operator"
    assert customer.get(f"/v1/domains/{never}").ok()["state"] == "online"


def test_two_accounts_claim_one_domain(start_node, outside):
    dns = outside(Dns)
    node, first = begin(start_node, dns)
    second = node.customer("Other Ltd")
    value, _ = claim(first, "mine.test")
    for spelling in ("mine.test", "MINE.test."):
        second.post("/v1/domains", {"name": spelling}).refused(409, "name_taken")
    for method, path in (("GET", "ownership"), ("POST", "ownership/check"), ("POST", "start")):
        second(method, f"/v1/domains/mine.test/{path}").refused(404, "not_found")
    # It goes to the other, by an operator's hand or the first one's: what was published for the first proves nothing.
    dns.set(**{challenge("mine.test"): {"TXT": [[value]]}})
    node.operator.delete("/v1/domains/mine.test").ok(204)
    other_value, _ = claim(second, "mine.test")
    assert other_value != value
    assert look(second, "mine.test")["mine.test"]["last_result"].split("; ")[0].endswith("another value")
    dns.set(**{challenge("mine.test"): {"TXT": [[value], [other_value]]}})
    assert look_again(second, "mine.test")["verified"]
    first.post("/v1/domains", {"name": "mine.test"}).refused(409, "name_taken")


def look_again(customer, name):
    customer.post(f"/v1/domains/{name}/ownership/check").ok(202)
    return eventually(lambda: (o := customer.get(f"/v1/domains/{name}/ownership").ok())["verified"] and o, 20, f"the proof of {name}")


@pytest.mark.parametrize("deaf", [3])
def test_the_deaf_hold_nobody_up_for_long(start_node, outside, deaf):
    """Looks at names whose servers never answer end in time, the API answers meanwhile, and others get theirs."""
    dns = outside(Dns)
    node, customer = begin(start_node, dns)
    silent = [f"deaf{i}.test" for i in range(deaf)]
    good = [f"good{i}.test" for i in range(4)]
    for name in silent:
        claim(customer, name)
        dns.set(**{challenge(name): SILENT, name: SILENT})
    for name in good:
        dns.set(**{challenge(name): {"TXT": [[claim(customer, name)[0]]]}})
    clock = Stopwatch()
    for name in silent + good:
        customer.post(f"/v1/domains/{name}/ownership/check").ok(202)
    if not sanitized():
        assert clock.seconds < 5
    eventually(lambda: all(customer.get(f"/v1/domains/{name}/ownership").ok()["verified"] for name in good),
               60 if sanitized() else 25, "the others", pause=0.1)
    # The node ends in order while looks are under way.
    for name in silent:
        customer.post(f"/v1/domains/{name}/ownership/check").ok(202)
