"""R15: what people and their systems are told leaves the house even when the process is killed, the receiver is down, or
both; nothing secret lies in the store or in the log in clear; certificates that end are told of."""

import base64
import json
import time
from datetime import datetime

from harness.edge import sanitized
from harness.outside import Hook, Mail, due_in_store
from harness.ports import free_port
from harness.waiting import eventually


def apply(api):
    return api.post("/v1/applications", {"kind": "activation", "fields": {
        "contact_name": "Contact", "contact_email": "contact@comments.test", "use_case": "quotes"}}).ok(201)


def notices(node, state, kind=None):
    items = node.operator.get(f"/v1/notices?state={state}&limit=500").ok()["items"]
    return [n for n in items if kind in (None, n["kind"])]


def stored_bytes(node):
    """Everything the data folder holds, the write-ahead log included."""
    return b"".join(path.read_bytes() for path in sorted(node.data.iterdir()) if path.is_file())


def due_now(node):
    """While nobody runs: what waits for its next attempt has waited long enough."""
    assert due_in_store(node, "update outbox set next_attempt_ms = :now where state = 'pending'")


def test_what_was_written_goes_out_though_the_process_is_killed(start_node, outside):
    """One notice is under way and others wait when the process dies: none is lost."""
    mail, silent = outside(Mail), outside(Hook, "--silent")
    port = silent.port
    hook = silent.settings()
    node = start_node(control={"mail": mail.settings(), "webhooks": [hook]})
    customers = [node.customer(f"Customer {i}") for i in range(3)]
    apply(customers[0])
    silent.wait_for(lambda r: r["method"] == "POST")  # the attempt is under way, and holds the sender up
    waiting = [apply(customer) for customer in customers[1:]]
    node.process.kill()
    node.wait()
    silent.stop()
    told = outside(Hook, port=port)
    assert told.settings() == hook
    node.expected_status = 0
    node.start()
    want = {a["id"] for a in waiting}
    told.wait_for(lambda r: json.loads(r["body"])["data"]["application"] in want, 2, timeout=40)
    for application in waiting:
        (note,) = mail.wait_for(lambda m, id=application["id"]: id in m.get("text", ""))
        assert note["to"] == [node.operator.me["user"]["email"]]
    # The one that was under way is claimed until its lease ends; it is neither lost nor done.
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    done = eventually(lambda: len(n := notices(node, "done", "webhook")) >= 2 and n, 10, "what was delivered is noted")
    (claimed,) = [n for n in notices(node, "pending", "webhook") + done if n["attempts"] > 1 or n["state"] == "pending"]
    assert claimed["last_error"] == "" and len(done) + (claimed not in done) == 3 and notices(node, "failed") == []
    events = told.events("application.submitted", 2)
    assert len({request["fields"]["fairlead-webhook-id"] for request, _ in events}) == 2


def test_a_receiver_that_is_down_gets_it_later_and_knows_it_again(start_node, outside):
    """500, then nothing at all, then a yes: each time later, always the same id; a mail likewise."""
    mail, failing = outside(Mail, "--refuse-at", "rcpt", "--refuse", "451 not now", "--refuse-times", "1"), outside(Hook, "--statuses", "500")
    port = failing.port
    node = start_node(control={"mail": mail.settings(), "webhooks": [failing.settings()]})
    apply(node.customer("Comments Ltd"))
    failing.events("application.submitted")

    def tried(times):
        def all_tried():
            now = notices(node, "pending")
            return now if all(n["attempts"] == times and n["last_error"] for n in now) else None
        return eventually(all_tried, 20, f"attempt {times}")
    first = tried(1)
    assert {n["kind"] for n in first} == {"email", "webhook"}
    (webhook,) = [n for n in first if n["kind"] == "webhook"]
    assert "answered 500" in webhook["last_error"] and webhook["destination"] == f"http://127.0.0.1:{port}"
    (refused,) = [n for n in first if n["kind"] == "email"]
    assert "451 not now" in refused["last_error"]
    waits = [iso(n["next_attempt"]) - iso(n["created"]) for n in first]
    assert all(24 <= w for w in waits) and (sanitized() or max(waits) < 50), first

    failing.stop()  # nobody there at all
    assert node.terminate() == 0
    due_now(node)
    node.start()
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    mail.about("A new application from Comments Ltd")
    (second,) = eventually(lambda: [n for n in notices(node, "pending") if n["attempts"] == 2 and "onnect" in n["last_error"]], 20, "attempt 2")
    assert second["id"] == webhook["id"]
    left = iso(second["next_attempt"]) - time.time()  # of 48 to 72 seconds
    assert left <= 72 and (sanitized() or left > 36)

    back = outside(Hook, port=port)
    back.settings()
    assert node.terminate() == 0
    due_now(node)
    node.start()
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    ((request, event),) = back.events("application.submitted")
    (before,) = failing.received()
    assert request["fields"]["fairlead-webhook-id"] == before["fields"]["fairlead-webhook-id"] == webhook["id"]
    assert request["body"] == before["body"]
    assert int(request["fields"]["fairlead-webhook-timestamp"]) >= int(before["fields"]["fairlead-webhook-timestamp"])
    done = eventually(lambda: len(n := notices(node, "done")) == 2 and n, 10, "both done")
    assert {n["attempts"] for n in done if n["kind"] == "webhook"} == {3} and notices(node, "pending") == []
    # What is secret of a webhook's URL is in no line of the log.
    assert f"webhook to http://127.0.0.1:{port})" in node.log() and "/services/T0" not in node.log()


def iso(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_what_is_gone_is_given_up_and_can_be_seen(start_node, outside):
    mail, gone = outside(Mail, "--refuse-at", "rcpt", "--refuse", "550 no such user"), outside(Hook, "--statuses", "410")
    moved, good = outside(Hook, "--statuses", "302", "--location", "http://127.0.0.1:1/"), outside(Hook)
    node = start_node(control={"mail": mail.settings(), "webhooks": [h.settings() for h in (gone, moved, good)]})
    customer = node.customer("Comments Ltd")
    apply(customer)
    failed = eventually(lambda: len(n := notices(node, "failed")) == 2 and n, 20, "two that failed for good")
    words = {n["kind"]: n for n in failed}
    assert "410" in words["webhook"]["last_error"] and words["webhook"]["next_attempt"] is None and words["webhook"]["attempts"] == 1
    assert "550 no such user" in words["email"]["last_error"] and words["email"]["destination"] == node.operator.me["user"]["email"]
    good.events("application.submitted")  # the others have theirs
    (waits,) = eventually(lambda: [n for n in notices(node, "pending") if n["last_error"]], 10, "the redirect")
    assert "answered 302" in waits["last_error"] and len(moved.received()) == 1
    assert node.metric("fairlead_control_notices_failed_total") == 2 and node.metric("fairlead_control_notices_retried_total") >= 1
    customer.get("/v1/notices?state=failed").refused(403, "forbidden")


def test_an_invitation_lies_sealed(start_node, outside):
    """Who reads the database, or a backup of it, cannot become the user who is invited."""
    port = free_port()
    hook = outside(Hook)
    mail_settings = {"server": f"smtp://127.0.0.1:{port}", "from": "fairlead@edge.test", "require_tls": False}
    node = start_node(control={"mail": mail_settings, "webhooks": [hook.settings()], "public_url": "https://console.edge.test"})
    customer = node.customer("Comments Ltd")
    made = customer.post("/v1/users", {"email": "new@comments.test"}).ok(201)
    assert "password_link" not in made  # a customer's own guess at an address is none of theirs
    by_operator = node.operator.post("/v1/users", {"account_id": customer.account, "email": "other@comments.test"}).ok(201)
    key = by_operator["password_link"]["key"]
    assert key.startswith("fll_") and by_operator["password_link"]["url"] == f"https://console.edge.test/password#{key}"
    pending = eventually(lambda: len(n := notices(node, "pending", "email")) == 2 and n, 10, "two mails that wait")
    assert b"fll_" not in stored_bytes(node) and "fll_" not in json.dumps(pending)
    rows = node.operator.get("/v1/audit?object_type=user").ok()["items"]
    assert key not in json.dumps(rows) and key not in node.log()
    for _, event in hook.events("user.invited", 2):
        assert "link" not in event["data"] and event["data"]["role"] == "customer"

    # Sealed or not, it arrives, also by a process that was not the one that wrote it; the link works once.
    node.process.kill()
    node.wait()
    mail = outside(Mail, port=port)
    due_now(node)
    node.start()
    (note,) = mail.about("You are invited to Comments Ltd", to="other@comments.test", timeout=60)
    assert by_operator["password_link"]["url"] in note["text"]
    (note,) = mail.about("You are invited to Comments Ltd", to="new@comments.test")
    (link,) = {line.split("#")[1].split()[0] for line in note["text"].splitlines() if "https://console.edge.test/password#" in line}
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    person = node.api()
    person.post("/v1/password", {"key": link, "password": "another long password"}).ok(204)
    person.post("/v1/password", {"key": link, "password": "another long password"}).refused(403, "link_invalid")
    person.log_in("new@comments.test", "another long password").ok(200)
    assert b"fll_" not in stored_bytes(node)


def test_an_end_is_told_of(start_node, outside, ca):
    """A certificate with ten days to go: a mail and an event, once, however often the program starts."""
    mail, hook = outside(Mail), outside(Hook)
    node = start_node(control={"mail": mail.settings(), "webhooks": [hook.settings()]})
    customer = node.customer("Comments Ltd")
    leaf = ca.leaf("ec", names=("ends.edge.test",), days=10)
    made = customer.post("/v1/certificates", {"name": "ends", "chain": leaf.chain.read_text(), "key": leaf.key.read_text()}).ok(201)
    assert [w["code"] for w in made["warnings"]] == ["expires-soon"] and made["expires_in_days"] in (9, 10)
    node.restart()  # which looks at once, and then every hour
    (note,) = mail.about("The certificate ends is about to expire", to=customer.user["email"])
    assert "ends.edge.test" in note["text"] and made["not_after"] in note["text"]
    ((_, event),) = hook.events("certificate.expiring")
    assert event["data"]["certificate"] == "ends" and event["data"]["names"] == "ends.edge.test, 127.0.0.1"
    node.restart(kill=True)
    apply(customer)  # comes after whatever the start has to say
    hook.events("application.submitted")
    assert len(hook.events("certificate.expiring")) == 1 and len(mail.about("The certificate ends")) == 1


def test_a_key_comes_in_and_never_out(start_node, outside, ca):
    """Private keys: in no answer, no audit row, no log line, and in the data folder only sealed."""
    node = start_node()
    customer = node.customer("Comments Ltd")
    # Of one family on one domain the edges could serve neither: it is refused when it is asked for.
    pairs = {name: ca.leaf(kind, serial_of=name) for name, kind in (("first", "ec"), ("second", "ec"), ("third", "rsa"))}
    made = {}
    for name, pair in pairs.items():
        made[name] = customer.post("/v1/certificates", {"name": name, "chain": pair.chain.read_text(), "key": pair.key.read_text()}).ok(201)
    domain = {"name": "live.edge.test", "settings": {"origins": [{"host": "127.0.0.1"}]}}
    refused = customer.post("/v1/domains", {**domain, "certificates": ["third", "second", "first"]}).refused(422, "invalid", "/certificates/2")
    (error,) = refused["errors"]
    assert error["code"] == "same-key-type" and "first" in error["message"] and "second" in error["message"] and error["hint"]
    customer.post("/v1/domains", {**domain, "certificates": ["third", "first", "first"]}).ok(201)
    at = "/v1/domains/live.edge.test"
    customer.patch(at, {"certificates": ["first", "second"]}).refused(422, "invalid", "/certificates/1")
    customer.patch(at, {"certificates": ["first", "gone"]}).refused(422, "invalid", "/certificates/1")
    customer.put(at, {"settings": domain["settings"], "certificates": ["second", "third", "first"]}).refused(422, "invalid", "/certificates/2")
    assert customer.get(at).ok()["certificates"] == ["first", "third"]
    # One for another of its family, in one step; and a replacement cannot come by the back door.
    assert customer.patch(at, {"certificates": ["second", "third"]}).ok(200)["certificates"] == ["second", "third"]
    pair = ca.leaf("ec", serial_of="fourth")
    customer.put(f"/v1/certificates/{made['third']['id']}", {"chain": pair.chain.read_text(), "key": pair.key.read_text()}).refused(
        422, "invalid", "/key")
    node.operator.post(f"{at}/ownership/vouch").ok(200)
    node.live(customer.post(f"{at}/start").ok(200)["policy_change"])

    secrets = []
    for pair in pairs.values():
        lines = [line for line in pair.key.read_text().splitlines() if line and "-----" not in line]
        der = base64.b64decode("".join(lines))
        # Any stretch of it: as text, as bytes, as hex.
        secrets += [line.encode() for line in lines if len(line) > 40] + [der[-40:], der[-40:].hex().encode()]
    answers = [api.get(path).text for api in (customer, node.operator) for path in (
        f"/v1/certificates?account_id={customer.account}", *(f"/v1/certificates/{c['id']}" for c in made.values()), at,
        f"/v1/audit?account_id={customer.account}&limit=500")]
    for text in [json.dumps(made), *answers, node.log()]:
        assert "PRIVATE KEY" not in text and not any(s in text.encode() for s in secrets)
    eventually(lambda: (node.data / "policy.sealed").exists(), 10, "the copy of the policy")
    kept = stored_bytes(node)
    assert not any(s in kept for s in secrets) and b"PRIVATE KEY" not in kept
    assert pairs["first"].chain.read_text().splitlines()[1].encode() in kept  # one would see it if it were there
    for path in ("secret.key", "policy.sealed"):
        assert (node.data / path).stat().st_mode & 0o077 == 0, path
