"""Who may come in, and what ends it: roles, invitations, passwords, logins, tokens, and the operator who stays."""

import http.client
import json

from harness.control import PASSWORD
from harness.outside import due_in_store
from harness.waiting import eventually

ANOTHER = "another long password"


def user_of(node, account, email, role="customer", password=PASSWORD):
    return node.operator.post("/v1/users", {"account_id": account, "email": email, "role": role, "password": password}).ok(201)["user"]


def signed_in(node, email, password=PASSWORD):
    browser = node.api()
    browser.log_in(email, password).ok(200)
    return browser


def log_in_from(node, source, email, password):
    """(status, retry-after) of a login from that loopback address."""
    connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=30, source_address=(source, 0))
    try:
        connection.request("POST", "/v1/login", json.dumps({"email": email, "password": password}), {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, int(answer.getheader("retry-after") or 0)
    finally:
        connection.close()


def test_roles(start_node):
    node = start_node()
    customer, other = node.customer("Comments Ltd"), node.customer("Other Ltd")
    operators = node.operator.me["account"]["id"]
    for account, role in ((operators, "customer"), (customer.account, "operator"), (customer.account, "auditor")):
        body = {"account_id": account, "email": "x@edge.test", "role": role, "password": PASSWORD}
        node.operator.post("/v1/users", body).refused(422, "invalid", "/role")
    user_of(node, operators, "auditor@fairlead.test", "auditor")
    auditor = signed_in(node, "auditor@fairlead.test")
    # An auditor sees all and changes nothing, not even with a token of theirs that asks for more.
    assert {a["name"] for a in auditor.get("/v1/accounts").ok()["items"]} == {"Comments Ltd", "Other Ltd", "Operators"}
    assert auditor.get("/v1/notices?state=pending").ok()["total"] == 0 and auditor.me["may_write"] is False
    auditor.post("/v1/accounts", {"name": "Mine"}).refused(403, "forbidden")
    auditor.put("/v1/policy", {"approve_automatically": True, "gates": auditor.get("/v1/policy").ok()["gates"]}).refused(403, "forbidden")
    auditor.post("/v1/tokens", {"name": "more", "scope": "write"}).refused(403, "forbidden")
    assert auditor.post("/v1/tokens", {"name": "mine", "scope": "read"}).ok(201)["scope"] == "read"
    # A customer: their own people, and no other role, account, or operator's page.
    mate = customer.post("/v1/users", {"email": "mate@comments.test", "password": PASSWORD}).ok(201)["user"]
    assert mate["account_id"] == customer.account and mate["role"] == "customer"
    customer.post("/v1/users", {"account_id": other.account, "email": "y@edge.test", "password": PASSWORD}).refused(404, "not_found")
    customer.post("/v1/users", {"email": "z@edge.test", "role": "operator", "password": PASSWORD}).refused(422, "invalid")
    customer.patch(f"/v1/users/{mate['id']}", {"role": "operator"}).refused(403, "forbidden")
    customer.post("/v1/users", {"email": other.user["email"]}).refused(409, "name_taken")
    customer.delete(f"/v1/users/{other.user['id']}").refused(404, "not_found")
    customer.delete(f"/v1/users/{customer.user['id']}").refused(403, "forbidden")  # nobody locks themselves out
    customer.patch(f"/v1/users/{customer.user['id']}", {"disabled": True}).refused(403, "forbidden")
    assert [u["email"] for u in customer.get("/v1/users").ok()["items"]] == [customer.user["email"], "mate@comments.test"]
    for path in ("/v1/policy", "/v1/edges", "/v1/notices?state=done"):
        customer.get(path).refused(403, "forbidden")
    customer.delete(f"/v1/users/{mate['id']}").ok(204)


def test_the_last_operator_stays(start_node):
    node = start_node()
    me = node.operator.me["user"]
    at = f"/v1/users/{me['id']}"

    def stays():
        node.operator.delete(at).refused(409, "last_operator")
        node.operator.patch(at, {"disabled": True}).refused(409, "last_operator")
        node.operator.patch(at, {"role": "auditor"}).refused(409, "last_operator")
    stays()
    second = node.operator.post("/v1/users", {"account_id": me["account_id"], "email": "second@fairlead.test", "role": "operator"}).ok(201)
    stays()  # who has no password yet cannot sign in
    node.api().post("/v1/password", {"key": second["password_link"]["key"], "password": ANOTHER}).ok(204)
    at_second = f"/v1/users/{second['user']['id']}"
    browser = signed_in(node, "second@fairlead.test", ANOTHER)
    node.operator.patch(at_second, {"disabled": True}).ok(200)
    stays()
    browser.get("/v1/login").refused(401, "unauthorized")  # ended at once
    node.operator.patch(at_second, {"disabled": False}).ok(200)
    browser.log_in("second@fairlead.test", ANOTHER).ok(200)
    node.operator.delete(at).ok(204)  # by himself: another is there
    node.operator.get("/v1/login").refused(401, "unauthorized")
    browser.delete(at_second).refused(409, "last_operator")
    # After a restart nobody is offered a link: somebody can sign in.
    offered = node.log().count("open this link")
    node.restart()
    assert node.log().count("open this link") == offered


def test_passwords(start_node):
    node = start_node()
    customer = node.customer("Comments Ltd")
    email, at = customer.user["email"], f"/v1/users/{customer.user['id']}"
    browser, elsewhere = customer.browser, signed_in(node, email)
    for bad in ("short", "aaaaaaaaaaaaaaaa", email, "password1234"):
        browser.put("/v1/password", {"old_password": PASSWORD, "new_password": bad}, if_match=None).refused(422, "invalid", "/new_password")
    browser.put("/v1/password", {"old_password": "wrong", "new_password": ANOTHER}, if_match=None).refused(401, "bad_credentials")
    browser.put("/v1/password", {"old_password": PASSWORD, "new_password": ANOTHER}, if_match=None).ok(204)
    browser.get("/v1/login").ok(200)
    elsewhere.get("/v1/login").refused(401, "unauthorized")
    customer.get("/v1/login").refused(401, "unauthorized")  # tokens, too
    node.api().log_in(email).refused(401, "bad_credentials")
    # A link of an operator's: the newest one alone, once, within a day; it ends what the old password let in.
    browser.post(f"{at}/password-link").refused(403, "forbidden")
    old = node.operator.post(f"{at}/password-link").ok(201)
    new = node.operator.post(f"{at}/password-link").ok(201)
    person = node.api()
    person.post("/v1/password", {"key": old["key"], "password": PASSWORD}).refused(403, "link_invalid")
    person.post("/v1/password", {"key": new["key"], "password": "short"}).refused(422, "invalid", "/password")
    person.post("/v1/password", {"key": new["key"], "password": PASSWORD}).ok(204)
    person.post("/v1/password", {"key": new["key"], "password": ANOTHER}).refused(403, "link_invalid")
    browser.get("/v1/login").refused(401, "unauthorized")
    person.log_in(email).ok(200)
    late = node.operator.post(f"{at}/password-link").ok(201)
    assert due_in_store(node, "update setup_links set expires_ms = :now where used_ms is null") == 1
    person.post("/v1/password", {"key": late["key"], "password": ANOTHER}).refused(403, "link_invalid")
    told = {a["action"] for a in node.operator.get("/v1/audit?object_type=user&limit=500").ok()["items"]}
    assert {"user.password", "user.password_refused", "user.password_link", "login.failed"} <= told


def test_guessing_is_slowed_and_locks_nobody_out(start_node):
    node = start_node()
    customer, other = node.customer("Comments Ltd"), node.customer("Other Ltd")
    email = customer.user["email"]
    for name in (email, "nobody@nowhere.test"):  # no difference for who does not exist
        assert [log_in_from(node, "127.0.0.1", name, f"guess number {i}")[0] for i in range(6)] == [401] * 5 + [429]
        status, wait = log_in_from(node, "127.0.0.1", name, PASSWORD)
        assert status == 429 and 1 <= wait <= 2
    assert log_in_from(node, "127.0.0.2", email, PASSWORD)[0] == 200  # the user, from where nobody guessed
    assert log_in_from(node, "127.0.0.1", other.user["email"], PASSWORD)[0] == 200  # who sits beside the guesser
    customer.get("/v1/login").ok(200)
    eventually(lambda: log_in_from(node, "127.0.0.1", email, PASSWORD)[0] == 200, 10, "the wait", pause=0.1)
    refused = customer.get("/v1/audit?action=login.failed").ok()
    assert refused["total"] == 5 and {r["source_address"] for r in refused["items"]} == {"127.0.0.1"}


def test_cookies_and_pages_of_others(start_node):
    node = start_node()
    customer = node.customer("Comments Ltd")
    browser = customer.browser
    change = lambda **fields: browser.patch(f"/v1/accounts/{customer.account}", {"time_zone": "Asia/Tokyo"}, fields=fields)
    csrf, browser.csrf = browser.csrf, ""
    change().refused(403, "csrf_required")
    browser.csrf = csrf[:-1] + ("A" if csrf[-1] != "A" else "B")
    change().refused(403, "csrf_required")
    browser.csrf = csrf
    change(origin="https://evil.test").refused(403, "csrf_required")
    change(origin="null").refused(403, "csrf_required")
    assert browser.get(f"/v1/accounts/{customer.account}").ok()["time_zone"] == "UTC"
    change(origin=f"http://127.0.0.1:{node.admin}").ok(200)
    # A login that is another's knows another csrf.
    second = signed_in(node, customer.user["email"])
    assert second.csrf != browser.csrf and second.cookie != browser.cookie
    second.post("/v1/logout").ok(204)
    second.get("/v1/login").refused(401, "unauthorized")
    browser.get("/v1/login").ok(200)
    # It lasts as long as the cookie says after its last use, and no longer.
    assert due_in_store(node, "update logins set expires_ms = :now") >= 1
    browser.get("/v1/login").refused(401, "unauthorized")
    stored = b"".join(p.read_bytes() for p in node.data.iterdir() if p.is_file())
    assert browser.cookie.encode() not in stored and second.cookie.encode() not in stored


def test_tokens(start_node):
    node = start_node()
    customer, other = node.customer("Comments Ltd"), node.customer("Other Ltd")
    browser = customer.browser
    made = browser.post("/v1/tokens", {"name": "reads"}).ok(201)
    assert made["scope"] == "read" and made["token"].startswith("flt_")
    reader = node.api(made["token"])
    reader.get("/v1/domains").ok(200)
    reader.post("/v1/domains", {"name": "live.edge.test"}).refused(403, "forbidden")
    reader.post("/v1/tokens", {"name": "more", "scope": "write"}).refused(403, "forbidden")
    reader.delete(f"/v1/tokens/{made['id']}", if_match=None).refused(403, "forbidden")
    reader.put("/v1/password", {"old_password": PASSWORD, "new_password": ANOTHER}, if_match=None).refused(403, "forbidden")
    customer.post("/v1/domains", {"name": "live.edge.test"}).ok(201)  # its scope is write
    listed = browser.get("/v1/tokens").ok()["items"]
    assert {t["name"]: t["scope"] for t in listed} == {"tests": "write", "reads": "read"}
    assert all("token" not in t and t["expires"] for t in listed)
    assert next(t for t in listed if t["name"] == "reads")["last_used"]
    # Revoked, expired, misspelt, or another's.
    other.delete(f"/v1/tokens/{made['id']}", if_match=None).refused(404, "not_found")
    browser.delete(f"/v1/tokens/{made['id']}", if_match=None).ok(204)
    reader.get("/v1/domains").refused(401, "unauthorized")
    short = browser.post("/v1/tokens", {"name": "short", "expires_in_days": 1}).ok(201)
    brief = node.api(short["token"])
    brief.get("/v1/domains").ok(200)
    assert due_in_store(node, "update tokens set expires_ms = :now where name = 'short'") == 1
    brief.get("/v1/domains").refused(401, "unauthorized")
    browser.post("/v1/tokens", {"name": "x", "expires_in_days": 3651}).refused(422, "invalid", "/expires_in_days")
    node.api(short["token"][:-1]).get("/v1/domains").refused(401, "unauthorized")
    # A suspended account looks and does not touch; who is disabled is nobody.
    node.operator.patch(f"/v1/accounts/{customer.account}", {"state": "suspended"}).ok(200)
    customer.get("/v1/domains").ok(200)
    assert customer.post("/v1/domains", {"name": "more.edge.test"}).status == 403
    node.api().log_in(customer.user["email"]).refused(403, "account_suspended")
    node.operator.patch(f"/v1/accounts/{customer.account}", {"state": "active"}).ok(200)
    node.operator.patch(f"/v1/users/{customer.user['id']}", {"disabled": True}).ok(200)
    customer.get("/v1/domains").refused(401, "unauthorized")
    browser.get("/v1/login").refused(401, "unauthorized")
    stored = b"".join(p.read_bytes() for p in node.data.iterdir() if p.is_file())
    assert made["token"].encode() not in stored and PASSWORD.encode() not in stored
