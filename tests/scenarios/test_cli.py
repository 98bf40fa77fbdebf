"""R26: the command line against a real server: every verb, in tables and as JSON; exit statuses; secrets; completion."""

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from harness.contract import the_contract
from harness.control import PASSWORD
from harness.edge import BINARY, ROOT
from harness.ports import free_port
from harness.shell import Shell, verbs
from harness.transport import TRANSPORTS
from harness.waiting import eventually
from harness.wire import TEXT, WireOrigin

HOST = "live.edge.test"
h1 = TRANSPORTS["h1"]()


@pytest.fixture
def operator(start_node, tmp_path):
    """A node whose first operator came by the link at a shell."""
    node = start_node(set_up=False, log_level="debug")
    shell = Shell(node, tmp_path / "operator")
    shell.node = node
    shell.password = shell.file("password", PASSWORD + "\n")
    link = f"http://127.0.0.1:{node.admin}/setup#{node.first_operator_key()}"
    said = shell("setup", link, "--email", "operator@fairlead.test", "--password-file", shell.password)
    assert "signed in" in said.out and "(operator)" in said.out
    return shell


def customer_of(operator, tmp_path, account="Comments Ltd", email="ann@customer.test"):
    """A customer at a shell of their own; the password is set by the link that the operator hands over."""
    operator("account", "create", account, "--verified")
    said = operator("user", "create", email, "--account", account)
    link = re.search(r"--link '(\S+)'", said.out)[1]
    shell = Shell(operator.node, tmp_path / "customer")
    shell.password = shell.file("password", PASSWORD + "\n")
    shell("password", "--link", link, "--password-file", shell.password)
    shell.log_in(email, shell.password)
    return shell


def billing(operator, customer):
    """Bills, packs and prices; test_bills.py looks at what they say."""
    tiers = "{ mode: graduated, tiers: [ { price: 240000 } ] }"
    prices = operator.file("prices.yaml", f"effective: 2026-01-01\ncurrency: USD\ntraffic: {{ day: {tiers} }}\nbandwidth: {{ day: {tiers} }}\n")
    operator("prices", "set", prices).has("is in effect from 2026-01-01 on")
    later = operator.json("prices", "set", operator.file("later.yaml", Path(prices).read_text().replace("2026", "2999")), "--account",
                          "Comments Ltd")["id"]
    customer("prices", "list").has("2999-01-01", "USD frames")
    customer("prices", "show", later).has("effective: 2999-01-01")
    operator("prices", "delete", later).has("gone")
    customer("bills", "choose", "traffic", "day").has("Billed by traffic")
    customer("bills", "choose", "bandwidth", "day").has("Will be billed by bandwidth")
    customer("bills", "cancel").has("Will be billed by -")
    customer("bills", "method").has("Paid by the day")
    customer("bills", "running").has("Amount 0.000000 USD")
    customer("bills", "list").has("no bills")
    operator("packs", "offer", "small", "--bytes", 1000, "--days", 30, "--currency", "USD", "--price", 5).has("small is on sale")
    customer("packs", "products").has("small 1000 30 0.000005 USD")
    operator("packs", "buy", "small", "--account", "Comments Ltd").has("1000 bytes until")
    pack = customer.json("packs", "list")[0]["id"]
    customer("packs", "show", pack).has("State active", "Left 1000")
    customer("packs", "ledger", pack).has("granted")
    customer("packs", "ledger").has("receivable", "revenue:packs")
    customer("packs", "forecast").has("Left 1000")
    operator("packs", "cancel", pack).has("cancelled")
    operator("packs", "retire", "small").has("no longer on sale")
    account = customer.json("account", "show")["id"]
    with contextlib.closing(sqlite3.connect(operator.node.data / "fairlead.db", timeout=20)) as database, database:
        document = {"number": 1, "state": "issued", "account_id": account, "period": "day", "from": "2026-03-01", "to": "2026-03-01",
                    "issued": "2026-03-02T02:00:00.000Z", "currency": "USD", "days": [], "charges": [], "adjustments": [], "amount": 0,
                    "what_if": None}
        database.execute("insert into statements values (?, 1, ?, 'day', '2026-03-01', '2026-03-01', 'USD', 0, ?, 1772416800000)",
                         ("0" * 32, account, json.dumps(document)))
    customer("bills", "show", 1).has("Amount 0.000000 USD")
    customer("bills", "show", 1, "--csv").has("bill,kind")


def statistics(customer):
    """What figures they show is test_statistics.py's to see; here nothing has passed."""
    for verb in ("bandwidth", "traffic", "codes", "regions", "sessions"):
        customer("stats", verb)
        assert customer.json("stats", verb)["start_time"]
    customer("stats", "live", "--count", "1")


def test_every_verb(operator, ca, tmp_path):
    """From the first operator to a domain that is deleted, over every verb that asks the API."""
    customer = customer_of(operator, tmp_path)
    customer("whoami").has("User ann@customer.test", "Role customer", "Account Comments Ltd")
    assert operator.json("whoami")["user"]["role"] == "operator"

    # Accounts and users.
    assert [a["name"] for a in operator.json("account", "list")] == ["Comments Ltd", "Operators"]
    operator("account", "list", "comm").has("Comments Ltd customer active yes")
    customer("account", "show").has("Name Comments Ltd", "Activation none")
    operator("account", "change", "Comments Ltd", "--time-zone", "Asia/Shanghai", "--websocket-default", "on")
    assert operator.json("account", "show", "Comments Ltd")["time_zone"] == "Asia/Shanghai"
    operator("account", "create", "Another")
    operator("account", "verify", "Another").has("Another is verified")
    operator("account", "suspend", "Another")
    operator("account", "resume", "Another").has("Another is active")
    operator("account", "close", "Another").has("Another is closed")
    operator("user", "create", "eve@fairlead.test", "--account", "Operators", "--role", "auditor", "--password-file",
             operator.password)
    operator("user", "role", "eve@fairlead.test", "operator").has("is operator")
    operator("user", "disable", "eve@fairlead.test").has("is disabled")
    operator("user", "list").has("eve@fairlead.test operator yes yes")
    operator("user", "enable", "eve@fairlead.test")
    assert operator.json("user", "password-link", "eve@fairlead.test")["url"].startswith("http")
    operator("user", "delete", "eve@fairlead.test")
    assert {u["email"] for u in operator.json("user", "list")} == {"operator@fairlead.test", "ann@customer.test"}

    # Certificates and layer 7.
    leaf = ca.leaf("ec")
    customer("certificate", "upload", "site", "--chain", leaf.chain, "--key", leaf.key).has("certificate site is for")
    customer("certificate", "upload", "site", "--chain", leaf.chain, "--key", leaf.key).has("certificate site is for")
    customer("certificate", "list").has("site")
    assert customer.json("certificate", "show", "site")["expires_in_days"] >= 0
    operator("certificate", "show", "site", "--account", "Comments Ltd").has("Name site", "Days left")
    customer("layer7", "set", "small", "--file", "-", typed="client_max_body_size: 1MiB\n")
    customer("layer7", "set", "small", "--file", "-", typed="client_max_body_size: 1MiB\n")
    assert [c["name"] for c in customer.json("layer7", "list")] == ["small"]
    customer("layer7", "show", "small").has("client_max_body_size: 1MiB")

    # A domain's life.
    port = free_port()
    customer("domain", "create", HOST, "--origin", f"127.0.0.1:{port}").has("domain live.edge.test is there, configuring")
    customer("domain", "gates", HOST).has("going live domain_ownership no prove that it is yours: fairlead domain verify live.edge.test",
                                         "WebSocket activation no apply for activation")
    customer("domain", "verify", HOST).has("Verified no", "DNS type TXT")
    customer("domain", "verify", HOST, "--check")
    operator("domain", "verify", HOST, "--vouch").has("Verified yes")
    customer("domain", "start", HOST).has("live.edge.test is online; in force on 1 of 1 edge")
    customer("domain", "switch", HOST, "on", status=1).has("WebSocket is not activated", "fairlead domain gates")

    # Activation.
    said = customer("application", "apply", "--use-case", "live-comments", "--expected-sessions", 5000)
    assert re.fullmatch(r"application [0-9a-f]{32} of Comments Ltd is submitted\n", said.out)
    operator("application", "show", "Comments Ltd").has("State submitted", "E-mail ann@customer.test", "Sessions 5000")
    operator("application", "reject", "Comments Ltd", "--reason", "who are you?")
    customer("account", "show").has("Activation rejected: who are you?")
    customer("application", "apply", "--use-case", "live-comments", "--company", "Comments Ltd")
    operator("application", "approve", "Comments Ltd").has("application of Comments Ltd is approved")
    customer("application", "list").has("approved activation Comments Ltd", "rejected activation Comments Ltd")
    assert len(operator.json("application", "list", "--state", "approved", "--kind", "activation")) == 1

    # The switch and its settings.
    customer("domain", "switch", HOST, "off").has("WebSocket of live.edge.test is off; in force on 1 of 1 edge")
    customer("domain", "switch", HOST, "on").has("is on")
    customer("domain", "change", HOST, "--set", "websocket.connection_timeout=90s", "--set", "http2=false", "--certificate", "site",
             "--layer7", "small").has("is changed; in force on 1 of 1 edge")
    customer("domain", "websocket", HOST).has("Switch on", "Gates met yes", "Live sessions 0", "connection_timeout: 90s")
    before = customer.json("domain", "show", HOST)
    assert (before["certificates"], before["layer7_config"], before["settings"]["http2"]) == (["site"], "small", False)
    customer("domain", "change", HOST, "--set", "websocket.connection_timeout=2h", "--dry-run", status=1)
    customer("domain", "change", HOST, "--set", "websocket.connection_timeout=2m", "--dry-run").has("could be changed")
    assert customer.json("domain", "show", HOST) == before
    customer("domain", "change", HOST, "--set", "websocket.connection_timeout=", "--layer7", "none", "--certificate", "none")
    customer("domain", "show", HOST).has("State online", "Layer 7 -", "Certificates -", "WebSocket yes")
    customer("domain", "list").has("NAME STATE WEBSOCKET", "live.edge.test online yes 1 Comments Ltd")
    assert [d["name"] for d in operator.json("domain", "list", "edge", "--account", "Comments Ltd", "--state", "online")] == [HOST]
    assert customer.json("session", "list", HOST) == []
    customer("session", "list", HOST).has("no live sessions")
    customer("session", "end", HOST, "nobody", status=1)
    customer("domain", "stop", HOST).has("is offline")
    customer("domain", "delete", HOST).has("live.edge.test is deleted")
    customer("certificate", "delete", "site")
    customer("layer7", "delete", "small")

    # The installation.
    operator("policy", "set", "--approve-automatically", "on", "--domain-ownership", "off", "--icp-region", "mainland")
    operator("policy", "show").has("Approve automatically yes", "domain ownership no", "account verified yes",
                                   "ICP number in mainland")
    operator("edges").has("running", "control")
    operator("edges", "--compare").has("MISSING", "yes")
    assert operator.json("notices", "--state", "done") == []
    audit = operator.json("audit", "--name", HOST, "--limit", 100)
    assert {"domain.create", "domain.start", "domain.change", "domain.delete"} <= {a["action"] for a in audit}
    operator("audit", "--action", "policy.replace", "--values").has("approve_automatically: no -> yes")
    customer("policy", "show", status=1)

    # Tokens, and the way out.
    token = customer("token", "create", "reader", "--read-only").out.strip()
    assert customer.json("account", "show", env={"FAIRLEAD_TOKEN": token})["name"] == "Comments Ltd"
    customer("domain", "create", "more.edge.test", "--origin", "10.0.0.1", env={"FAIRLEAD_TOKEN": token}, status=1)
    customer("token", "list").has("reader read", "fairlead login on")
    customer("completion", "names", "token", "rea").has("reader")
    customer("token", "delete", "reader").has("token reader has ended")
    customer("whoami", env={"FAIRLEAD_TOKEN": token}, status=1).has("sign in")
    customer("completion", "names", "account", "Com").has("Comments Ltd")
    fresh = customer.file("fresh", "another long password\n")
    customer("password", "--old-password-file", customer.password, "--password-file", fresh).has("the password is set")
    mine = re.search(r'"token": "(flt_[^"]+)"', customer.credentials.read_text())[1]
    customer("logout").has("signed out")
    customer("whoami", status=1).has("nobody has signed in")
    customer("whoami", env={"FAIRLEAD_TOKEN": mine}, status=1).has("the token is not known")
    customer("login", "--email", "ann@customer.test", "--password-file", customer.password, status=1).has(
        "e-mail address or password is wrong")
    customer.log_in("ann@customer.test", fresh)

    billing(operator, customer)
    statistics(customer)

    ran = {" ".join(said.verb[:n]) for shell in (operator, customer) for said in shell.said if said.status == 0 for n in (1, 2)}
    elsewhere = {"run", "edge", "check", "apply", "import nginx", "import haproxy", "completion bash", "session end",
                 "bills check"}  # test_bills.py, which has one to check
    assert set(verbs()) - ran == elsewhere

    # Everything that the API can do, the command line can (R26). The contract itself is a document, a user is a line of the
    # list, and a whole domain is replaced by `apply` (test_apply.py).
    asked = re.findall(r"admin: ([A-Z]+) (/v1/\S*) \d+ to", operator.node.log())
    reached = {o.id for o in (the_contract().operation(method, path) for method, path in asked) if o}
    missing = {o.id for o in the_contract().operations} - reached
    assert missing == {"getContract", "getUser", "replaceDomain", "recomputeBill"}

    # No secret in what anybody was told, but where that was what they asked for.
    told = "".join(s.out + s.err for shell in (operator, customer) for s in shell.said if s.verb[:2] != ("token", "create"))
    assert "flt_" not in told and PASSWORD not in told


def test_exit_statuses_and_what_is_said(operator, tmp_path):
    dead = free_port()
    token = operator("token", "create", "here").out.strip()
    here = operator.file("token", token + "\n")
    operator("domain", "list", "--server", f"http://127.0.0.1:{dead}", "--token-file", here, status=3).has("is it running")
    operator("domain", "list", "--server", "https://127.0.0.1:%d" % operator.node.admin, "--token-file", here, status=3)
    operator("domain", "list", "--server", "http://203.0.113.1", "--token-file", here, status=1).has("in the clear")
    operator("domain", "show", "none.edge.test", status=1)
    # What is wrong is named with its field, and all of it at once.
    said = operator("domain", "create", "a.edge.test", "--origin", "10.0.0.1:80", "--account", "Operators", "--set",
                    "websocket.connection_timeout=90x", "--set", "http2=5", status=1)
    said.has("/settings/websocket/connection_timeout: ", "/settings/http2: ")
    assert operator.json("domain", "list") == []
    operator("domain", "create", "a.edge.test", "--origin", "1:2:3:4", status=1).has("is not an origin")
    operator("domain", "create", "a.edge.test", "--set", "nothing", status=1).has("is not KEY=VALUE")
    operator("domain", "create", "a.edge.test", "--settings", "/none", status=1).has("/none cannot be read")
    # Words that it does not know.
    operator("frobnicate", status=1).has('"fairlead" has no "frobnicate"', "it has: run, ")
    operator("domain", "frobnicate", status=1).has('"fairlead domain" has no "frobnicate"', "it has: list, ")
    operator("domain", status=1).has("it has: list, ")
    operator("domain", "show", status=1).has("name is required", "fairlead domain show --help")
    operator("domain", "list", "--state", "asleep", status=1).has("configuring")
    operator("domain", "list", "--frobnicate", status=1).has("--frobnicate")
    operator("--version").has("fairlead ")
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "domain", "list"], stdout=full, stderr=subprocess.PIPE, env=operator.env, text=True, timeout=60)
    assert done.returncode == 1 and "cannot be written" in done.stderr
    # A reader that goes away ends it; nothing is said about that.
    done = subprocess.run(["bash", "-c", f"'{BINARY}' --help | head -1"], capture_output=True, env=operator.env, text=True, timeout=60)
    assert done.stdout == "Fairlead, a self-hosted WebSocket edge\n" and done.stderr == ""
    # The API's refusal of a foreign thing is that of a thing that is not there.
    customer = customer_of(operator, tmp_path)
    operator("domain", "create", HOST, "--origin", "10.0.0.1", "--account", "Operators")
    mine = customer("domain", "show", HOST, status=1)
    none = customer("domain", "show", "none.edge.test", status=1)
    assert mine.err.replace(HOST, "X") == none.err.replace("none.edge.test", "X")


def test_a_table_on_a_terminal_is_bold_unless_it_is_not_wanted(operator):
    def on_terminal(**env):
        done = subprocess.run(["script", "-qec", f"'{BINARY}' account list", "/dev/null"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={**operator.env, "TERM": "xterm", **env}, timeout=60)
        return done.stdout

    assert on_terminal().startswith("\x1b[1mNAME")
    assert on_terminal(NO_COLOR="1").startswith("NAME")
    assert operator("account", "list").out.startswith("NAME")


def test_secrets_stay_where_they_are(operator):
    path = operator.credentials
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    token = re.search(r'"token": "(flt_[^"]+)"', path.read_text())[1]
    assert PASSWORD not in path.read_text()

    # While it waits for a password: nothing in the process list, then or later.
    waiting = subprocess.Popen([BINARY, "login", "--email", "operator@fairlead.test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env=operator.env)
    proc = Path(f"/proc/{waiting.pid}")
    waiting.stdin.write(PASSWORD.encode() + b"\n")
    waiting.stdin.flush()
    seen = b""
    while waiting.poll() is None:
        try:
            seen += (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        except OSError:
            break
    said = waiting.communicate(timeout=60)[0].decode()
    assert waiting.returncode == 0 and "signed in" in said
    fresh = re.search(r'"token": "(flt_[^"]+)"', path.read_text())[1]
    assert fresh != token and b"fairlead" in seen
    for secret in (PASSWORD, token, fresh):
        assert secret.encode() not in seen and secret not in said
    # The login before has left no token behind.
    assert [t["name"].startswith("fairlead login") for t in operator.json("token", "list")] == [True]
    operator("whoami", env={"FAIRLEAD_TOKEN": token}, status=1)

    # Somebody else's at the same machine: a profile, with a file of its own.
    other = {"FAIRLEAD_PROFILE": "other"}
    operator("whoami", env=other, status=1).has("nobody has signed in")
    operator("login", "--email", "operator@fairlead.test", "--password-file", operator.password, env=other)
    assert (path.parent / "credentials-other.json").exists()
    operator("whoami", env={"FAIRLEAD_PROFILE": "../x"}, status=1).has("FAIRLEAD_PROFILE")

    # A file that others can read is not used, and nothing is sent.
    path.chmod(0o644)
    operator("whoami", status=1).has("can be read by others")
    operator("login", "--email", "operator@fairlead.test", "--password-file", operator.password, status=1)
    path.chmod(0o600)
    path.write_text("not what was written")
    operator("whoami", status=1).has("is not what `fairlead login` writes")


async def test_live_sessions_are_listed_and_ended_from_a_shell(start_node, tmp_path):
    async with WireOrigin() as origin:
        loop = asyncio.get_running_loop()
        node = start_node()

        def prepare():
            customer = node.customer("Customer")
            node.activate(customer)
            node.online(customer, HOST, origin)
            shell = Shell(node, tmp_path / "shell")
            shell.env["FAIRLEAD_TOKEN"] = customer.token
            return shell

        shell = await loop.run_in_executor(None, prepare)

        async def run(*words, **more):
            return await loop.run_in_executor(None, lambda: shell(*words, **more))

        async with h1.pair(node.http, origin) as (first, first_served), h1.pair(node.http, origin) as (second, served):
            await first.text("12345")
            await first_served.expect(TEXT, b"12345")
            listed = (await run("session", "list", HOST, "-o", "json")).json
            mine = next(s for s in listed if s["messages_in"] == 1)
            (await run("session", "list", HOST)).has("SESSION CLIENT", f"{mine['id']} 127.0.0.1")
            assert len((await run("session", "list", HOST, "--limit", 1, "-o", "json")).json) == 1
            assert (await run("session", "list", HOST, "--client", "127.0.0.9", "-o", "json")).json == []
            (await run("domain", "websocket", HOST)).has("Live sessions 2")
            (await run("session", "end", HOST, mine["id"])).has("was asked to end")
            assert (await first.expect_close()).code == 1001
            assert (await first_served.expect_close()).code == 1001
            await first.expect_end()
            first.writer.close()  # the edge has ended its direction and waits for ours
            await second.text("goes on")
            await served.expect(TEXT, b"goes on")
            await node.logged({"session": mine["id"]})
            await run("session", "end", HOST, mine["id"], status=1)


COMPLETE = """
source <("$1" completion bash)
shift
for line in "$@"; do
  COMP_LINE="$line"; COMP_POINT=${#line}; COMPREPLY=()
  # As readline does it: breaks at spaces and at COMP_WORDBREAKS, each run of breaks a word.
  mapfile -t COMP_WORDS < <(grep -oE "\\"[^\\"]*\\"?|([^ @:=\\"\\\\]|\\\\.)+|[@:=]+" <<< "$line")
  [[ "$line" == *[!\\\\]" " && "$line" != *\\"* ]] && COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _fairlead
  printf '%s|' "${COMPREPLY[@]}"; echo
done
"""


def test_completion_in_bash(operator):
    operator("account", "create", "Comments Ltd")
    operator("account", "create", "Conference Ltd")
    for name in ("live.edge.test", "list.edge.test", "other.edge.test"):
        operator("domain", "create", name, "--origin", "10.0.0.1", "--account", "Operators")
    operator.file("lines.yaml", "")

    def complete(*lines):
        done = subprocess.run(["bash", "--norc", "-c", COMPLETE, "bash", str(BINARY), *lines], capture_output=True, text=True, timeout=120,
                              env={**operator.env, "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}, cwd=operator.home)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return [set(filter(None, line.split("|"))) for line in done.stdout.splitlines()]

    verb, below, option, flags, choice, place = complete(
        "fairlead do", "fairlead domain s", "fairlead domain list --st", "fairlead domain list --sta", "fairlead domain list --state c",
        "fairlead domain switch live.edge.test o")
    assert verb == {"domain"} and below == {"show", "start", "stop", "switch"}
    assert option == {"--state"} and flags == {"--state"}
    assert choice == {"configuring", "checking", "check_failed"} and place == {"on", "off"}
    names, after_option, files, quoted, bare, mail, none = complete(
        "fairlead domain show li", "fairlead domain show -o json li", "fairlead apply -f lin", 'fairlead account show "Com',
        "fairlead account show Con", "fairlead user disable operator@fair", "fairlead token create x")
    assert names == after_option == {"live.edge.test", "list.edge.test"}
    assert files == {"lines.yaml"} and quoted == {"Comments Ltd"} and bare == {"Conference\\ Ltd"}
    assert mail == {"fairlead.test"} and none == set()

    # A server that is away costs nothing but the names.
    operator.env["FAIRLEAD_SERVER"] = f"http://127.0.0.1:{free_port()}"
    assert complete("fairlead domain show li", "fairlead domain sh") == [set(), {"show"}]


def test_the_page_names_every_verb_and_option():
    reference = (ROOT / "docs" / "cli.md").read_text().partition("\n## Reference\n")[2]
    sections = re.split(r"\n### ", reference)

    def options(section):
        """Those of its tables: the first cell of a row."""
        cells = re.findall(r"^\| ([^|]*) \|", section, re.M)
        return {option for cell in cells for option in re.findall(r"`(--?[a-z][\w-]*)", cell)}

    known = verbs()
    shared = known["whoami"]  # which has none of its own
    assert options(sections[0]) == shared
    documented = {re.match(r"`fairlead ([^`]+)`", section)[1]: options(section) for section in sections[1:]}
    assert set(documented) == set(known)
    for verb, have in known.items():
        assert documented[verb] == (have - shared if shared <= have else have), verb
