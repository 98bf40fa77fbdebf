"""R26 with a browser: the API decides. The console hides nothing but clutter: who opens a page that is not theirs is told so
and gets nothing of others'; who may only look finds nothing to click; and the same requests sent by hand from the console's
own page, with its cookie and its word against forged requests, are refused and change nothing."""

import json

import pytest

from harness import requests
from harness.console_routes import OUTSIDE, routes
from harness.control import PASSWORD
from harness.process import run_client
from test_api_guard import ABOUT, MARK, OF_ONES_OWN_CREDENTIALS, OWN, PUBLIC, STAFF, World, about, operations
from test_console_words import texts


@pytest.fixture
def world(start_node, ca):
    return World(start_node(), ca)


def pages_of(things):
    """Every page that shows something of these, by its route."""
    parameters = {":domain": things.domain, ":certificate": things.certificate_id, ":config": things.config_id, ":pack": things.pack_id,
                  ":number": str(things.bill), "/desk/:id": f"/desk/{things.application_id}", "/accounts/:id": f"/accounts/{things.account_id}"}
    found = {}
    for route in routes():
        path = route
        for name, value in parameters.items():
            path = path.replace(name, value)
        if route not in OUTSIDE:
            found[route] = path
    return found


def told(language, *keys):
    """The texts of the translation files, of "namespace:name.name"."""
    return [texts(language)[key] for key in keys]


def changes(things, *groups, without=(), **more):
    """Every request of those operations that would change something, as JSON."""
    return [{"method": o.method, "path": about(o, things), "body": requests.body_of(o, things, 1), **more}
            for o in operations(*groups) if o.method != "GET" and o.id not in without]


def visit(world, email, language="en", **story):
    return run_client("../console/permissions.cjs", json.dumps({"port": world.node.admin, "email": email, "password": PASSWORD,
                                                                "language": language, **story}), timeout=260)


# The lists of accounts and applications are no secret: a customer's has their own.
STAFF_PAGES = {"/desk/:id", "/accounts/:id", "/edges", "/policy", "/notices"}
WITH_PARAMETERS = {"/packs/:pack", "/certificates/:certificate", "/layer7/:config"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_customer_who_opens_what_is_not_theirs(world, language):
    pages = pages_of(world.things)
    if language != "en":
        pages = {route: path for route, path in pages.items() if route in STAFF_PAGES | WITH_PARAMETERS | {"/domains/:domain/basics"}}
    sent = changes(world.things, ABOUT, STAFF, without=OF_ONES_OWN_CREDENTIALS)
    with world.untouched():
        found = visit(world, world.strangers.email, language, pages=pages, requests=sent if language == "en" else [])
    named = [world.things.domain, world.things.account_id]
    for route, page in found["pages"].items():
        for answer in page["answers"]:
            assert answer["status"] in (200, 403, 404), (route, answer)
            if answer["status"] == 200:
                assert MARK not in answer["text"].lower(), (route, answer)
        # What was in the address may be said again, and nothing else.
        shown = page["text"].lower()
        for name in named:
            shown = shown.replace(name, "")
        assert MARK not in shown, (route, page["text"])
    kind = told(language, "common:problem.forbidden", "common:problem.not_found", "configure:no-domain")
    silent = [route for route, page in found["pages"].items()
              if any(a["status"] in (403, 404) for a in page["answers"]) and not any(k in page["text"] for k in kind)]
    assert not silent, {route: (found["pages"][route]["text"], [(a["at"], a["status"]) for a in found["pages"][route]["answers"]]) for route in silent}
    refused = {route for route, page in found["pages"].items() if any(a["status"] in (403, 404) for a in page["answers"])}
    assert refused >= {r for r in pages if r in STAFF_PAGES | WITH_PARAMETERS or ":domain" in r}, refused
    for answer in found["requests"]:
        assert answer["status"] in (403, 404), answer
    assert len(found["requests"]) == (len(sent) if language == "en" else 0)


@pytest.mark.timeout(300)
def test_an_auditor_finds_nothing_to_click(world):
    world.op.post("/v1/users", {"email": "auditor@fairlead.test", "role": "auditor", "password": PASSWORD}).ok(201)
    sent = changes(world.things, ABOUT, STAFF, without=OF_ONES_OWN_CREDENTIALS)
    with world.untouched():
        found = visit(world, "auditor@fairlead.test", pages=pages_of(world.things), requests=sent)
    # One's own password and tokens are one's own; what only looks is not in the way.
    clickable = {route: page["enabled"] for route, page in found["pages"].items() if page["enabled"]}
    assert "compare" in str(clickable.pop("/monitor", "compare")), "a curve for each domain: it only looks"
    assert clickable.keys() <= {"/password/change", "/tokens"}, clickable
    unseen = {route: [(a["at"], a["status"]) for a in page["answers"] if a["status"] != 200] for route, page in found["pages"].items()}
    assert not any(unseen.values()), {route: bad for route, bad in unseen.items() if bad}
    assert sum(MARK in page["text"].lower() for page in found["pages"].values()) > 10, "an auditor sees everything"
    wrong = [a for a in found["requests"] if (a["status"], a["code"]) != (403, "forbidden")]
    assert not wrong and len(found["requests"]) == len(sent)


def test_a_page_without_the_word_changes_nothing(world):
    """The owner's own browser, as another site would make it ask."""
    sent = [one for word in (None, "", "x" * 43) for one in
            changes(world.things, ABOUT, OWN, STAFF, without=PUBLIC, csrf=word)]
    def state():
        # But for the trail, which has that they signed in.
        return {key: text for key, text in world.state().items() if not key[1].startswith("/v1/audit")}
    before = state()
    found = visit(world, world.things.email, pages={"domains": "/domains"}, requests=sent)
    assert state() == before
    assert len(found["requests"]) == len(sent) > 100
    wrong = [a for a in found["requests"] if (a["status"], a["code"]) != (403, "csrf_required")]
    assert not wrong, wrong
    assert world.things.domain in found["pages"]["domains"]["text"]
