"""R26: nobody sees, guesses or changes what is another's. Every operation of the contract is asked by everybody who has no
right to it, about things that are there and about things that are not: the two answers are the same, hold nothing of the
owner's, and leave everything of the owner's as it was, to the byte. A new operation without a rule here fails the test."""

import asyncio
import contextlib
import datetime
import re
import sqlite3
import urllib.parse

import pytest

from harness import requests
from harness.contract import the_contract
from harness.control import PASSWORD
from harness.control_store import billing_of
from harness.requests import QUERIES, Things, path_of
from harness.transport import TRANSPORTS
from harness.wire import TEXT, WireOrigin

h1 = TRANSPORTS["h1"]()
MARK = "kestrel"  # in every text that is the owner's
PAST = "&start_time={0}T00:00:00Z&end_time={0}T01:00:00Z".format(datetime.date.today() - datetime.timedelta(days=2))

# Public: whoever asks is nobody to them. About the caller alone: there is nothing of others' to name.
PUBLIC = {"getContract", "setUpFirstOperator", "logIn", "setPassword"}
OWN = {"getLogin", "logOut", "changePassword", "listTokens", "createToken"}
# The same for everybody: the number of a change of some domain, and how many edges obey it.
SHARED = {"getPolicyChange", "listPackProducts"}
LISTS = {"listAccounts", "listUsers", "listDomains", "listLayer7Configs", "listCertificates", "listApplications", "listAudit",
         "listPriceBooks", "listResourcePacks", "listLedger", "listBills"}
# A stranger's request that names the account in its body or query, or a thing in its path: not found.
ABOUT = {"getAccount", "changeAccount", "createUser", "getUser", "changeUser", "deleteUser", "deleteToken", "createDomain",
         "getDomain", "replaceDomain", "changeDomain", "deleteDomain", "startDomain", "stopDomain", "getWebSocket", "changeWebSocket",
         "getGates", "getOwnership", "checkOwnership", "listSessions", "endSession", "createLayer7Config", "getLayer7Config",
         "replaceLayer7Config", "deleteLayer7Config", "uploadCertificate", "getCertificate", "replaceCertificate",
         "deleteCertificate", "getService", "submitApplication", "getApplication", "getBilling", "chooseBillingMethod",
         "cancelBillingChange", "getPriceBook", "buyResourcePack", "getResourcePack", "listPackLedger", "getPackForecast", "getBill",
         "getBillCsv", "recomputeBill", "listRunningBills", "getBandwidth", "getTraffic", "getHttpCodes", "getRegionsAndIsps",
         "getSessionStatistics", "getLiveStatistics"}
# For operators, or operators and auditors.
STAFF = {"createAccount", "createPasswordLink", "vouchForOwnership", "approveApplication", "rejectApplication", "getPolicy",
         "replacePolicy", "comparePolicy", "listEdges", "listNotices", "createPriceBook", "deletePriceBook", "createPackProduct",
         "retirePackProduct", "cancelResourcePack"}
# What the contract calls read-only although it is no GET: it concerns nothing but the caller's own credentials.
OF_ONES_OWN_CREDENTIALS = {"logOut", "changePassword", "createToken", "deleteToken"}


def operations(*groups):
    wanted = set().union(*groups) if groups else None
    return [o for o in the_contract().operations if wanted is None or o.id in wanted]


def about(operation, things):
    """The operation's request about these things; where a query names the account, that too."""
    path = path_of(operation, things)
    if operation.id in ("getService", "getBilling", "getPackForecast", "listRunningBills"):
        path += f"?account_id={things.account_id}"
    if "/statistics/" in path:
        # Of time that is over, so that what is read twice is the same; what is live has a time of its own.
        path += f"?domain={things.domain}" + ("" if operation.id == "getLiveStatistics" else PAST)
    return path


def ask(api, operation, things, number=1, **more):
    """The request, the same but for the things it is about: a body's own new names are those of `number`."""
    body = requests.body_of(operation, things, number)
    return api(operation.method, about(operation, things), body, if_match="*" if operation.needs_if_match() else None, **more)


def said(answer):
    """What an answer tells. Whether the connection stays depends on who else waits for the listener's threads."""
    fields = {n: v for n, v in answer.fields.items() if n not in ("date", "content-length", "connection", "keep-alive")}
    return answer.status, answer.code, fields, answer.text


class World:
    """An installation with an owner who has one of everything, and others."""

    def __init__(self, node, ca):
        self.node, self.op = node, node.operator
        leaf, self.other_pair = ca.leaf("ec"), ca.leaf("rsa")
        pair = (leaf.chain.read_text(), leaf.key.read_text())
        self.owner, self.things = self.furnish("Kestrel", f"{MARK}@kestrel.test", f"{MARK}.guard.test", pair)
        self.stranger, self.strangers = self.furnish("Magpie", "magpie@magpie.test", "magpie.guard.test", pair)
        # Of the same shape as the owner's things, and nobody's.
        self.nothing = self.things.made_up()
        # Everybody has used their token: what is written down at its first use is written.
        self.ids = {v for n, v in vars(self.things).items() if n.endswith("_id")} | {self.owner.user["id"]}

    def furnish(self, name, email, domain, pair):
        api = self.node.customer(name, email=email)
        stem = name.lower()
        user = api.post("/v1/users", {"email": f"{stem}2@{stem}.test", "role": "customer", "password": PASSWORD}).ok(201)["user"]
        token = api.browser.post("/v1/tokens", {"name": f"{stem} second", "scope": "write"}).ok(201)
        config = api.post("/v1/layer7-configs", {"name": f"{stem} layer 7", "settings": {"add_header": {"x-owner": stem}}}).ok(201)
        certificate = api.post("/v1/certificates", {"name": f"{stem} certificate", "chain": pair[0], "key": pair[1]}).ok(201)
        self.node.activate(api)
        settings = {"origins": [{"host": f"origin.{stem}.test", "http_port": 8000, "https_port": 8001}]}
        api.post("/v1/domains", {"name": domain, "settings": settings, "layer7_config": f"{stem} layer 7",
                                 "certificates": [f"{stem} certificate"], "migrated": True, "icp_number": f"ICP {stem}"}).ok(201)
        api.post("/v1/domains", {"name": f"second.{domain}"}).ok(201)
        # Waits for a decision, so that one could be made.
        application = api.post("/v1/applications", {"kind": "architecture_change", "domain": domain, "fields": {
            "contact_name": stem, "contact_email": email, "use_case": "other", "description": f"{stem} {stem}"}}).ok(201)
        change = self.node.operator.get(f"/v1/domains/{domain}").ok()["policy_change"]
        things = Things(account_id=api.account, user_id=user["id"], token_id=token["id"], config_id=config["id"],
                        certificate_id=certificate["id"], application_id=application["id"], **billing_of(self.node, api), session_id="5e551017abcdef01",
                        domain=domain, number=max(change, 1), email=email, layer7=f"{stem} layer 7",
                        certificate=f"{stem} certificate", pair=pair)
        return api, things

    def state(self, owner=None, things=None):
        """Everything of an account's, as its user and as an operator read it."""
        owner, things = owner or self.owner, things or self.things
        out = {}
        for who, api in (("token", owner), ("cookie", owner.browser), ("operator", self.op)):
            for operation in operations(ABOUT | LISTS | SHARED | (OWN if who != "operator" else set())):
                if operation.method != "GET":
                    continue
                path = about(operation, things)
                if operation.id in LISTS - {"listAccounts"}:
                    path += f"?limit=500&account_id={things.account_id}"
                elif who == "operator" and operation.id == "listAccounts":
                    continue  # getAccount is the same without the others'
                # When a login ends and when a token was last used follow from the reading itself.
                text = re.sub(r'"(expires|last_used)":"[^"]*"', "", api.get(path).text)
                out[who, path] = re.sub(r'"at":"[^"]*"', "", text) if operation.id == "getLiveStatistics" else text
        return out

    @contextlib.contextmanager
    def untouched(self, owner=None, things=None):
        """What is the owner's is afterwards what it was, to the byte."""
        before = self.state(owner, things)
        assert owner or sum(MARK in text.lower() for text in before.values()) > 30
        yield
        after = self.state(owner, things)
        changed = [(k, before[k], after[k]) for k in before if before[k] != after.get(k)]
        assert not changed, "%s: it was\n%s\nand is\n%s" % changed[0]

    def clean(self, answer, operation):
        text = answer.text.lower() + str(answer.fields).lower()
        assert MARK not in text, f"{operation} tells of the owner: {answer.text}"
        found = [i for i in self.ids if i in text]
        assert not found, f"{operation} tells an id of the owner's: {answer.text}"

    def same(self, api, operation, status, code=None, **more):
        """That answer for what is there and for what is not, word for word."""
        real, made_up = ask(api, operation, self.things, **more), ask(api, operation, self.nothing, **more)
        real.refused(status, code)
        assert said(real) == said(made_up), f"{operation}: {said(real)}\nand for what does not exist: {said(made_up)}"
        self.clean(real, operation)


@pytest.fixture
def world(start_node, ca):
    return World(start_node(), ca)


def test_every_operation_has_a_rule():
    groups = [PUBLIC, OWN, SHARED, LISTS, ABOUT, STAFF]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert {o.id for o in operations()} == set().union(*groups), "an operation of the contract has no rule here"
    for operation in operations():
        wanted = {"public"} if operation.id in PUBLIC else {"staff", "operator"} if operation.id in STAFF else {"user"}
        assert operation.access in wanted, operation
        # What names something in its path is somebody's.
        named = any(p["in"] == "path" for p in operation.parameters)
        assert not named or operation.id in ABOUT | STAFF | SHARED, operation
        # What changes something and is not the caller's own asks for the right to write.
        assert not operation.read_only or operation.method == "GET" or operation.id in OF_ONES_OWN_CREDENTIALS, operation


def test_a_stranger_finds_nothing(world):
    with world.untouched():
        for api in (world.stranger, world.stranger.browser):
            for operation in operations(ABOUT):
                world.same(api, operation, 404, "not_found")
            for operation in operations(STAFF):
                world.same(api, operation, 403, "forbidden")
            for operation in operations(SHARED):
                answer = ask(api, operation, world.things)
                answer.ok(200)
                world.clean(answer, operation)
            for operation in operations(OWN):
                if operation.method == "GET":
                    answer = ask(api, operation, world.things)
                    answer.ok(200)
                    world.clean(answer, operation)
        # The stranger's own domain is no way to what is bound to the owner's.
        for change in ({"layer7_config": world.things.layer7}, {"certificates": [world.things.certificate]}):
            absent = {k: [world.nothing.certificate] if k == "certificates" else world.nothing.layer7 for k in change}
            for method in (world.stranger.patch, world.stranger.put):
                more = {} if method == world.stranger.patch else {"settings": {}}
                real = method(f"/v1/domains/{world.strangers.domain}", {**more, **change})
                assert said(real) == said(method(f"/v1/domains/{world.strangers.domain}", {**more, **absent}))
                real.refused(422, "invalid")
        for name in (world.things, world.nothing):
            body = {"kind": "architecture_change", "domain": name.domain, "fields": requests.fields_of(world.strangers)}
            world.stranger.post("/v1/applications", body).refused(404, "not_found")


def test_lists_hold_ones_own_alone(world):
    with world.untouched():
        cursors = {}
        for operation in operations(LISTS):
            first = world.owner.get(path_of(operation, world.things) + "?limit=1").ok(200)
            cursors[operation.id] = first["next"]
        assert sum(c is not None for c in cursors.values()) >= 4
        for api in (world.stranger, world.stranger.browser):
            for operation in operations(LISTS):
                path = path_of(operation, world.strangers)
                own = api.get(path + "?limit=500").ok(200)
                assert own["total"] == len(own["items"]) > 0, operation
                ids = {item["id"] for item in own["items"]}
                for parameter in operation.parameters:
                    name = parameter["name"]
                    if parameter["in"] != "query":
                        continue
                    assert name in QUERIES, f"{operation}: harness/requests.py has no {name}"
                    values = [QUERIES[name](world.things), QUERIES[name](world.nothing)]
                    if name == "after":
                        values = [cursors[operation.id] or world.things.domain, world.things.domain, world.things.email]
                    elif name in ("search", "object_name"):
                        values = [MARK, "magnet!"]
                    answers = []
                    for value in values:
                        if value is None:
                            continue
                        answer = api.get(f"{path}?limit=500&{urllib.parse.urlencode({name: value})}" if name != "limit" else
                                         f"{path}?limit={value}")
                        world.clean(answer, operation)
                        answers.append(answer)
                        if name == "after":
                            assert answer.status in (200, 422), answer.text
                        if answer.status == 200:
                            assert {item["id"] for item in answer.json["items"]} <= ids, f"{operation} {name}={value}"
                            assert answer.json["total"] <= own["total"]
                    if name in ("account_id", "search", "layer7_config", "object_name"):
                        assert answers[0].json == {"items": [], "total": 0, "next": None}, f"{operation} {name}: {answers[0].text}"
                        assert said(answers[0]) == said(answers[1]), f"{operation} {name}"
                if any(p["name"] == "account_id" for p in operation.parameters):
                    # Named, one's own account gives what it gives unnamed.
                    assert api.get(f"{path}?limit=500&account_id={world.strangers.account_id}").json == own, operation


def test_only_names_of_the_whole_installation_are_told(world):
    """That a domain's name is in use must be told to who would have it, and the e-mail address of a user, by which people
    sign in whatever their account. Every other name is the account's own: taking the owner's tells nothing."""
    api, mine, theirs = world.stranger, world.strangers, world.things
    told = set()
    for operation in operations(ABOUT):
        if operation.method != "POST" or operation.body is None:
            continue
        for key, value in (("name", theirs.domain), ("email", theirs.email), ("name", theirs.layer7), ("name", theirs.certificate)):
            if key not in the_contract().resolve(operation.body)["properties"]:
                continue
            body = {**requests.body_of(operation, mine), key: value}
            if operation.id == "createDomain" and value != theirs.domain:
                continue
            if operation.id == "createUser":
                body["password"] = PASSWORD
            answer = api.post(path_of(operation, mine), body)
            world.clean(answer, operation) if answer.status >= 400 else None
            if answer.code == "name_taken":
                told.add((operation.id, key))
            elif answer.status == 201:
                api.delete(f"{path_of(operation, mine)}/{answer.json['id']}").ok(204)
    assert told == {("createDomain", "name"), ("createUser", "email")}
    # No more is told than that.
    taken = api.post("/v1/domains", {"name": theirs.domain.upper() + "."}).refused(409, "name_taken")
    assert set(taken) <= {"type", "title", "status", "code", "detail", "errors"}


def test_who_may_sign_in_is_told_to_nobody(world):
    wrong = [world.node.api().post("/v1/login", {"email": e, "password": "not the password"})
             for e in (world.things.email, world.nothing.email)]
    wrong[0].refused(401, "bad_credentials")
    assert said(wrong[0]) == said(wrong[1])


def useless_credentials(world):
    """(what, Api): who is nobody."""
    node, browser = world.node, world.owner.browser
    stale = {name: browser.post("/v1/tokens", {"name": name, "scope": "write"}).ok(201) for name in ("expired", "revoked")}
    browser.delete(f"/v1/tokens/{stale['revoked']['id']}", if_match=None).ok(204)
    with contextlib.closing(sqlite3.connect(node.data / "fairlead.db", timeout=20)) as database, database:
        # The shortest life that the API gives is a day.
        assert database.execute("update tokens set expires_ms = 1000 where id = ?", (stale["expired"]["id"],)).rowcount == 1
    disabled, closed = node.customer("Disabled"), node.customer("Closed")
    world.op.patch(f"/v1/users/{disabled.user['id']}", {"disabled": True}).ok(200)
    world.op.patch(f"/v1/accounts/{closed.account}", {"state": "closed"}).ok(200)
    found = [("nobody", node.api())]
    for what, secret in (("an expired token", stale["expired"]["token"]), ("a revoked token", stale["revoked"]["token"]),
                         ("a token that never was", "flt_" + "A" * 43), ("a disabled user's token", disabled.token),
                         ("a closed account's token", closed.token)):
        found.append((what, node.api(secret)))
    for what, cookie in (("a cookie that never was", "fls_" + "A" * 43), ("a disabled user's cookie", disabled.browser.cookie)):
        api = node.api()
        api.cookie, api.csrf = cookie, disabled.browser.csrf
        found.append((what, api))
    return found


def test_credentials_that_are_none(world):
    found = useless_credentials(world)
    with world.untouched():
        for what, api in found:
            for operation in operations():
                if operation.id not in PUBLIC:
                    world.same(api, operation, 401, "unauthorized")
        # What is open to everybody is no less so to them, and gives them nothing.
        for operation in operations(PUBLIC - {"getContract", "logIn"}):
            told = {said(ask(api, operation, world.things))[:2] for _, api in found}
            assert len(told) == 1 and {status // 100 for status, _ in told} == {4}, f"{operation}: {told}"


def test_a_cookie_changes_nothing_by_itself(world):
    """A request that another site makes a browser send has the cookie, and not what the login was answered with."""
    browser = world.owner.browser
    cookie = {"cookie": f"fairlead-session={browser.cookie}"}
    with world.untouched():
        for fields in ({**cookie}, {**cookie, "fairlead-csrf": ""}, {**cookie, "fairlead-csrf": "x" + browser.csrf[1:]},
                       {**cookie, "fairlead-csrf": browser.csrf, "origin": "https://elsewhere.example"},
                       {**cookie, "fairlead-csrf": browser.csrf, "origin": "null"},
                       {**cookie, "fairlead-csrf": world.stranger.browser.csrf}):
            for operation in operations():
                if operation.id in PUBLIC or operation.method == "GET":
                    continue
                world.same(world.node.api(), operation, 403, "csrf_required", fields=fields)
            ask(world.node.api(), next(iter(operations({"getDomain"}))), world.things, fields=fields).ok(200)


def test_who_may_look_changes_nothing(world):
    reader = world.node.api(world.owner.browser.post("/v1/tokens", {"name": "reader", "scope": "read"}).ok(201)["token"])
    body = {"email": "auditor@fairlead.test", "role": "auditor", "password": PASSWORD}
    world.op.post("/v1/users", body).ok(201)
    auditor = world.node.api()
    auditor.log_in("auditor@fairlead.test").ok(200)
    auditor.post("/v1/tokens", {"name": "more than may be", "scope": "write"}).refused(403, "forbidden")
    program = world.node.api(auditor.post("/v1/tokens", {"name": "reader"}).ok(201)["token"])
    reader.get("/v1/login").ok(200)
    with world.untouched():
        for operation in operations(ABOUT, OWN, STAFF):
            if operation.method == "GET":
                continue
            for api in (reader, program):
                # A token is not signed out: it is no login.
                wanted = (409, "wrong_state") if operation.id == "logOut" else (403, "forbidden")
                world.same(api, operation, *wanted)
            if operation.id not in OF_ONES_OWN_CREDENTIALS:
                world.same(auditor, operation, 403, "forbidden")
        auditor.delete(f"/v1/tokens/{world.things.token_id}", if_match=None).refused(404, "not_found")
        # They do see what they may.
        for operation in operations(ABOUT, LISTS):
            if operation.method == "GET":
                seen = [ask(api, operation, world.things).ok(200) for api in (reader, program, auditor)]
                for answer in seen if operation.id == "getLiveStatistics" else ():
                    del answer["at"]
                assert seen[1] == seen[2], operation


def test_of_a_suspended_account_nothing_changes(world, ca):
    leaf = ca.leaf("ec")
    api, things = world.furnish("Dormant", "dormant@dormant.test", "dormant.guard.test", (leaf.chain.read_text(), leaf.key.read_text()))
    world.op.patch(f"/v1/accounts/{api.account}", {"state": "suspended"}).ok(200)
    for face in (api, api.browser):
        with world.untouched(api, things), world.untouched():
            for operation in operations(ABOUT, STAFF):
                if operation.id in STAFF:
                    world.same(face, operation, 403, "forbidden")
                elif operation.method == "GET":
                    ask(face, operation, things).ok(200)
                    world.same(face, operation, 404, "not_found")
                elif operation.id not in OF_ONES_OWN_CREDENTIALS:
                    ask(face, operation, things).refused(403, "account_suspended")
                    world.same(face, operation, 403, "account_suspended")
            face.post("/v1/tokens", {"name": "late"}).refused(403, "account_suspended")
            wanted = (404, "not_found") if face is api.browser else (403, "account_suspended")
            for operation in operations({"deleteToken"}):
                world.same(face, operation, *wanted)
    # What one had can be ended all the same.
    api.browser.delete(f"/v1/tokens/{things.token_id}", if_match=None).ok(204)
    api.browser.post("/v1/logout").ok(204)


async def test_live_sessions_are_the_owners(world):
    async with WireOrigin() as origin:
        node, owner, stranger = world.node, world.owner, world.stranger
        host, own = f"live.{world.things.domain}", world.strangers.domain

        def off_thread(function, *arguments, **more):
            return asyncio.get_running_loop().run_in_executor(None, lambda: function(*arguments, **more))

        await off_thread(node.online, owner, host, origin)
        reader = node.api((await off_thread(owner.browser.post, "/v1/tokens", {"name": "reader"})).ok(201)["token"])
        async with h1.pair(node.http, origin, host=host) as (client, served):
            await client.text("one")
            await served.expect(TEXT, b"one")
            session = (await off_thread(owner.get, f"/v1/domains/{host}/sessions")).ok(200)["items"][0]["id"]
            absent = session.translate(str.maketrans("0123456789abcdef", "fedcba9876543210"))
            nowhere = "q" + host[1:]

            def attack():
                ends = []
                for domain, number in ((host, session), (host, absent), (nowhere, session), (own, session), (own, absent)):
                    ends.append(stranger.delete(f"/v1/domains/{domain}/sessions/{number}", if_match=None))
                    ends[-1].refused(404, "not_found")
                assert said(ends[0]) == said(ends[1]) == said(ends[2])
                assert said(ends[3]) == said(ends[4])
                reader.delete(f"/v1/domains/{host}/sessions/{session}", if_match=None).refused(403, "forbidden")
                lists = [stranger.get(f"/v1/domains/{domain}/sessions?client=127.0.0.1") for domain in (host, nowhere)]
                lists[0].refused(404, "not_found")
                assert said(lists[0]) == said(lists[1])
                for query in ("", f"?after={session}", "?after=0", "?client=127.0.0.1", "?limit=500"):
                    mine = stranger.get(f"/v1/domains/{own}/sessions{query}").ok(200)
                    assert mine == {"items": [], "total": 0, "next": None}, query
                assert stranger.get(f"/v1/domains/{own}/websocket").ok(200)["live_sessions"] == 0

            await off_thread(attack)
            await client.text("two")
            await served.expect(TEXT, b"two")
            page = (await off_thread(owner.get, f"/v1/domains/{host}/sessions")).ok(200)
            assert [s["id"] for s in page["items"]] == [session] and not page["items"][0]["closing"]
