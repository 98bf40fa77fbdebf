"""R15-R17: applications from the customer's form over the operator's desk to the edges, with a restart in every state,
real mails and signed webhooks; and each gate, not met and met."""

import pytest

from harness.outside import Hook, Mail, handshake
from harness.waiting import eventually

FIELDS = {"company": "Comments Ltd", "contact_name": "Contact", "contact_email": "contact@comments.test",
          "contact_phone": "+49 30 1", "use_case": "live-comments", "description": "Comments at a match",
          "expected_sessions": 20000, "expected_bandwidth_mbps": 40}
ACTIVATION = {"kind": "activation", "fields": FIELDS}
HOST = "live.edge.test"


def apply(api, **more):
    return api.post("/v1/applications", {**ACTIVATION, **more})


def decide(node, application, verb, body=None, if_match="*"):
    return node.operator.post(f"/v1/applications/{application['id']}/{verb}", {} if body is None else body, if_match=if_match)


def gates(api, host=HOST):
    """{code: gate} of both kinds."""
    answer = api.get(f"/v1/domains/{host}/gates").ok()
    return {g["code"]: g for g in answer["live"] + answer["websocket"]}


def set_policy(node, automatic=False, **changed):
    now = node.operator.get("/v1/policy").ok()
    body = {"approve_automatically": automatic, "gates": {**now["gates"], **changed}}
    return node.operator.put("/v1/policy", body).ok(200)


def on_edges(node, api, host=HOST):
    """Waits until the edges obey the newest change there is."""
    domain = api.get(f"/v1/domains/{host}").ok()
    node.live(domain["policy_change"])
    return domain


@pytest.mark.parametrize("way", ["plain", "starttls"])
def test_an_application_through_every_state(start_node, outside, ca, way):
    mail, hook = outside(Mail, ca=ca if way == "starttls" else None), outside(Hook)
    node = start_node(control={"mail": mail.settings(), "webhooks": [hook.settings()]})
    customer, other = node.customer("Comments Ltd"), node.customer("Other Ltd")
    address = customer.user["email"]
    assert customer.get("/v1/service").ok()["activation"] == "none"

    # Everything that is wrong with the form is told at once, and nothing is kept of it.
    wrong = {"kind": "activation", "what": 1, "fields": {"contact_name": "", "contact_email": "nobody", "use_case": "chess",
                                                         "expected_sessions": -1, "colour": "red"}}
    told = customer.post("/v1/applications", wrong).refused(422, "invalid")
    assert {e["pointer"] for e in told["errors"]} == {
        "/what", "/fields/contact_name", "/fields/contact_email", "/fields/use_case", "/fields/expected_sessions", "/fields/colour"}
    told = customer.post("/v1/applications", {"kind": "holiday", "fields": {}}).refused(422, "invalid")
    assert {e["pointer"] for e in told["errors"]} == {"/kind", "/fields"}
    missing = " ".join(e["message"] for e in told["errors"] if e["pointer"] == "/fields")
    assert all(f'"{name}"' in missing for name in ("contact_name", "contact_email", "use_case")), missing
    apply(customer, domain=HOST).refused(422, "invalid", "/domain")
    assert customer.get("/v1/applications").ok()["total"] == 0
    apply(node.operator).refused(409, "wrong_state")  # it needs none

    # Submitted: on the desk, the operators know, and it is still there after a restart.
    first = apply(customer).ok(201)
    assert (first["state"], first["fields"], first["decided_by"], first["reason"]) == ("submitted", FIELDS, None, "")
    apply(customer).refused(409, "wrong_state")
    (note,) = mail.about("A new application from Comments Ltd")
    assert note["to"] == [node.operator.me["user"]["email"]] and first["id"] in note["text"] and note["defects"] == []
    assert (note["tls"], note["user"]) == ((True, "fairlead") if way == "starttls" else (False, None))
    ((_, event),) = hook.events("application.submitted")
    assert event["account"] == {"id": customer.account, "name": "Comments Ltd"}
    assert event["data"] == {"application": first["id"], "kind": "activation"}
    node.restart()
    assert node.operator.get("/v1/applications?state=submitted").ok()["items"] == [first]
    assert customer.get("/v1/service").ok() == {"account_id": customer.account, "activation": "submitted",
                                                "application_id": first["id"], "reason": ""}

    # Only an operator decides, and only on what they have read; a reason is needed to say no.
    customer.post(f"/v1/applications/{first['id']}/approve", {}, if_match="*").refused(403, "forbidden")
    other.get(f"/v1/applications/{first['id']}").refused(404, "not_found")
    decide(node, first, "reject", {}).refused(422, "invalid", "")
    decide(node, first, "reject", {"reason": ""}).refused(422, "invalid", "/reason")
    decide(node, first, "reject", {"reason": "no"}, if_match=None).refused(428, "precondition_required")
    decide(node, first, "reject", {"reason": "no"}, if_match='"7"').refused(412, "revision_conflict")
    rejected = decide(node, first, "reject", {"reason": "Which match, please?"}, if_match='"1"').ok(200)
    assert rejected["state"] == "rejected" and rejected["decided_by"] == node.operator.me["user"]["email"]
    for to in (address, FIELDS["contact_email"]):
        (note,) = mail.about("Your application has been rejected", to=to)
        assert "Which match, please?" in note["text"] and "申请未通过" in note["subject"]
    ((_, event),) = hook.events("application.rejected")
    assert event["data"]["reason"] == "Which match, please?"
    assert set(event["recipients"]) == {address, FIELDS["contact_email"]}
    node.restart()
    for verb, body in (("approve", {}), ("reject", {"reason": "again"})):
        decide(node, first, verb, body).refused(409, "wrong_state")
    seen = customer.get(f"/v1/applications/{first['id']}").ok()
    assert (seen["state"], seen["reason"], seen["decided_by"]) == ("rejected", "Which match, please?", "operator")
    assert customer.get("/v1/service").ok()["activation"] == "rejected"

    # Again, and this time yes.
    second = apply(customer, fields={**FIELDS, "description": "The final"}).ok(201)
    assert second["id"] != first["id"] and customer.get("/v1/service").ok()["activation"] == "submitted"
    approved = decide(node, second, "approve", {"reason": "Welcome"}).ok(200)
    assert approved["state"] == "approved"
    (note,) = mail.about("Your application has been approved", to=address)
    assert "Welcome" in note["text"]
    assert hook.events("application.approved")[0][1]["data"]["application"] == second["id"]
    apply(customer).refused(409, "wrong_state")
    for verb, body in (("approve", {}), ("reject", {"reason": "second thoughts"})):
        decide(node, second, verb, body).refused(409, "wrong_state")
    node.restart()
    assert customer.get("/v1/service").ok()["activation"] == "approved"

    # The desk: oldest first, by state, kind and account, in pages.
    third = apply(other).ok(201)
    desk = node.operator.get("/v1/applications?limit=2").ok()
    rest = node.operator.get(f"/v1/applications?limit=2&after={desk['next']}").ok()
    assert [a["id"] for a in desk["items"] + rest["items"]] == [first["id"], second["id"], third["id"]]
    assert desk["total"] == 3 and rest["next"] is None

    def listed(query, api=node.operator):
        return [a["id"] for a in api.get(f"/v1/applications?{query}").ok()["items"]]
    assert listed("state=submitted") == [third["id"]] and listed("state=rejected") == [first["id"]]
    assert listed(f"account_id={customer.account}") == [first["id"], second["id"]] and listed("kind=architecture_change") == []
    assert listed("", customer) == [first["id"], second["id"]] and listed("", other) == [third["id"]]
    actions = [a["action"] for a in customer.get("/v1/audit?object_type=application").ok()["items"]]
    assert sorted(actions) == ["application.approve", "application.reject", "application.submit", "application.submit"]
    # Nothing was told twice.
    assert len(mail.about("", to=address)) == 2 and len(hook.events("application.submitted", 3)) == 3


def test_approval_can_be_automatic(start_node, outside, start_origin):
    mail, hook = outside(Mail), outside(Hook)
    node = start_node(control={"mail": mail.settings(), "webhooks": [hook.settings()]})
    set_policy(node, automatic=True)
    customer = node.customer("Comments Ltd")
    made = apply(customer).ok(201)
    assert (made["state"], made["decided_by"]) == ("approved", "automatic")
    mail.about("Your application has been approved", to=customer.user["email"])
    ((_, event),) = hook.events("application.approved")
    assert event["data"]["application"] == made["id"]
    # R17's change is always a person's to approve.
    origin = start_origin("py_echo.py", "--lib=websockets")
    customer.post("/v1/domains", {"name": HOST, "migrated": True, "settings": {"origins": [origin.yaml()]}}).ok(201)
    assert apply(customer, kind="architecture_change", domain=HOST).ok(201)["state"] == "submitted"


def test_a_domain_from_a_plain_cdn_needs_its_change(start_node, start_origin, outside):
    mail = outside(Mail)
    node, origin = start_node(control={"mail": mail.settings()}), start_origin("py_echo.py", "--lib=websockets")
    customer, other = node.customer("Comments Ltd"), node.customer("Other Ltd")
    node.activate(customer)
    change = {"kind": "architecture_change", "domain": HOST}
    settings = {"origins": [origin.yaml()], "websocket": {"origin_scheme": "http"}}
    customer.post("/v1/domains", {"name": "plain.edge.test", "settings": settings}).ok(201)
    customer.post("/v1/domains", {"name": HOST, "migrated": True, "settings": settings}).ok(201)
    node.operator.post(f"/v1/domains/{HOST}/ownership/vouch").ok(200)
    apply(customer, kind="architecture_change").refused(422, "invalid", "")
    apply(customer, kind="architecture_change", domain="none.edge.test").refused(404, "not_found")
    apply(customer, kind="architecture_change", domain="plain.edge.test").refused(409, "wrong_state")
    apply(other, **change).refused(404, "not_found")

    customer.post(f"/v1/domains/{HOST}/start").ok(200)
    on_edges(node, customer)
    gate = gates(customer)["architecture_change"]
    assert not gate["met"] and gate["hint"]
    assert handshake(node, HOST) == (403, "websocket_disabled")
    customer.patch(f"/v1/domains/{HOST}/websocket", {"connection_timeout": "30s"}).refused(409, "gates_unmet")
    first = apply(customer, **change).ok(201)
    assert first["domain"] == HOST
    apply(customer, **change).refused(409, "wrong_state")
    decide(node, first, "reject", {"reason": "Not this one"}).ok(200)
    on_edges(node, customer)
    assert handshake(node, HOST) == (403, "websocket_disabled")
    second = apply(customer, **change).ok(201)
    decide(node, second, "approve").ok(200)
    (note,) = mail.about("Your application has been rejected", to=customer.user["email"])
    assert HOST in note["text"] and "Not this one" in note["text"]
    on_edges(node, customer)
    assert gates(customer)["architecture_change"]["met"] and handshake(node, HOST) == (101, None)
    node.restart()
    assert handshake(node, HOST) == (101, None)


def test_each_gate_is_named_with_what_to_do(start_node, start_origin):
    node, origin = start_node(), start_origin("py_echo.py", "--lib=websockets")
    set_policy(node, icp_regions=["mainland", "global"])
    customer = node.customer("Comments Ltd", verified=False)
    settings = {"acceleration": "static", "origins": [origin.yaml()], "websocket": {"enabled": True, "origin_scheme": "http"}}
    customer.post("/v1/domains", {"name": HOST, "service_region": "mainland", "settings": {}}).ok(201)

    def start(*unmet):
        """Refused for exactly these, each with a hint."""
        told = customer.post(f"/v1/domains/{HOST}/start").refused(409, "gates_unmet")
        assert {e["code"] for e in told["errors"]} == set(unmet) and all(e["hint"] and e["message"] for e in told["errors"])
        domain = customer.get(f"/v1/domains/{HOST}").ok()
        assert domain["state"] == "check_failed" and all(e["message"] in domain["state_reason"] for e in told["errors"])
        found = gates(customer)
        assert all(not found[code]["met"] and found[code]["hint"] for code in unmet)
        assert handshake(node, HOST)[0] == 404
    start("account_verified", "domain_ownership", "icp_number", "settings_valid")
    customer.patch(f"/v1/domains/{HOST}", {"settings": settings}).ok(200)
    start("account_verified", "domain_ownership", "icp_number")
    customer.patch(f"/v1/domains/{HOST}", {"icp_number": "京ICP备12345678号"}).ok(200)
    start("account_verified", "domain_ownership")
    node.operator.post(f"/v1/domains/{HOST}/ownership/vouch").ok(200)
    start("account_verified")
    node.operator.patch(f"/v1/accounts/{customer.account}", {"identity_verified": True}).ok(200)
    assert customer.post(f"/v1/domains/{HOST}/start").ok(200)["state"] == "online"
    on_edges(node, customer)
    assert handshake(node, HOST) == (403, "websocket_disabled")
    # What it went live with cannot be taken away under it.
    customer.patch(f"/v1/domains/{HOST}", {"icp_number": ""}).refused(409, "gates_unmet")

    unmet = {code for code, gate in gates(customer).items() if not gate["met"]}
    assert unmet == {"activation", "whole_site_acceleration"}
    told = customer.patch(f"/v1/domains/{HOST}/websocket", {"enabled": True}).refused(409, "gates_unmet")
    assert {e["code"] for e in told["errors"]} == unmet and all(e["hint"] for e in told["errors"])
    customer.patch(f"/v1/domains/{HOST}", {"settings": {"acceleration": "whole-site"}}).ok(200)
    on_edges(node, customer)
    assert handshake(node, HOST) == (403, "websocket_disabled")
    node.activate(customer)
    on_edges(node, customer)
    assert handshake(node, HOST) == (101, None)
    assert all(gate["met"] and gate["hint"] == "" for gate in gates(customer).values())
    # Back to static: WebSocket goes, the page stays.
    customer.patch(f"/v1/domains/{HOST}", {"settings": {"acceleration": "static"}}).ok(200)
    on_edges(node, customer)
    assert handshake(node, HOST) == (403, "websocket_disabled")
    # A gate that the operator takes down is none.
    set_policy(node, whole_site_acceleration=False)
    on_edges(node, customer)
    assert handshake(node, HOST) == (101, None) and "whole_site_acceleration" not in gates(customer)


@pytest.mark.parametrize("taken, gate", [({"identity_verified": False}, "account_verified"), ({"state": "suspended"}, "account_active")])
def test_what_an_account_loses_its_edges_lose(start_node, start_origin, taken, gate):
    """R16: a domain is served while its account may be; taken back, it is served again, in the state it was in."""
    node, origin = start_node(), start_origin("py_echo.py", "--lib=websockets")
    customer, other = node.customer("Comments Ltd"), node.customer("Other Ltd")
    for api, host in ((customer, HOST), (other, "beside.edge.test")):
        node.activate(api)
        node.online(api, host, origin)
    assert handshake(node, HOST) == (101, None)
    before = node.operator.get(f"/v1/accounts/{customer.account}").ok()
    node.operator.patch(f"/v1/accounts/{customer.account}", taken).ok(200)
    domain = on_edges(node, node.operator)
    assert handshake(node, HOST)[0] == 404 and handshake(node, "beside.edge.test") == (101, None)
    assert domain["state"] == "online" and "edges do not serve it" in domain["state_reason"]
    listed = node.operator.get(f"/v1/domains?search={HOST}").ok()["items"]
    assert [d["state_reason"] for d in listed] == [domain["state_reason"]]
    told = node.operator.post(f"/v1/domains/{HOST}/start").refused(409, "gates_unmet")
    assert [e["code"] for e in told["errors"]] == [gate]
    node.restart()  # whatever the edge kept of its own, it knows no more than before
    on_edges(node, node.operator)
    assert handshake(node, HOST)[0] == 404
    node.operator.patch(f"/v1/accounts/{customer.account}", {key: before[key] for key in taken}).ok(200)
    domain = on_edges(node, node.operator)
    assert (domain["state"], domain["state_reason"]) == ("online", "")
    assert eventually(lambda: handshake(node, HOST) == (101, None), 5, "the domain on the edge again")
