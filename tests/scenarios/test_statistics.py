"""R21, R23: what the statistics say is what the peers counted, seconds after it passed and while its session is open."""

import contextlib
import datetime
import http.client
import json
import time

from harness.contract import the_contract
from harness.counting import HOST, OTHER, furnished
from harness.edge import SLOWNESS, sanitized
from harness.shell import Shell
from harness.waiting import eventually

# R23: in the live figures. Wide enough for a machine that has other things to do.
LIVE_S = 2.0


class Stream:
    """A reader of /v1/statistics/live as server-sent events."""

    def __init__(self, node, token, query):
        self.connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=20 * SLOWNESS)
        self.connection.request("GET", f"/v1/statistics/live{query}", headers={"authorization": f"Bearer {token}",
                                                                              "accept": "text/event-stream"})
        self.response = self.connection.getresponse()
        self.status, self.type = self.response.status, self.response.getheader("content-type")

    def event(self):
        """(name, id, data) of the next one; None at the end."""
        fields = {}
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if not line and "data" in fields:
                return fields.get("event"), fields.get("id"), json.loads(fields["data"])
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            self.retry = fields.get("retry", getattr(self, "retry", None))

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def check_event(data):
    schema = {"$ref": "#/components/schemas/LiveEvent"}
    wrong = [e.message for e in the_contract()._errors(schema, data)]
    assert not wrong and not list(the_contract()._unknown(schema, data, "")), (wrong, data)


def test_live_figures(start_node):
    node, customer, peers = furnished(start_node)
    with peers:
        client = peers.open()
        peers.say(client, b"x" * 1000)
        with Stream(node, customer.token, f"?domain={HOST},{OTHER}") as stream, Stream(node, node.operator.token, "") as whole:
            assert (stream.status, stream.type) == (200, "text/event-stream")
            name, number, first = stream.event()
            check_event(first)
            # What passed before is no difference; who is connected is.
            assert (name, number, stream.retry) == ("usage", "1", "2000")
            assert first["milliseconds"] == 0 and first["total"]["bytes_in"] == 0 and first["total"]["sessions_open"] == 1
            assert [d["domain"] for d in first["domains"]] == sorted([HOST, OTHER])
            assert "domains" not in (everything := whole.event()[2]) and everything["total"]["sessions_open"] == 1

            before = peers.bytes_in, peers.bytes_out
            second = peers.open()
            for size in (1, 125, 126, 70000):
                peers.say(client, b"y" * size)
                peers.say(second, b"z" * size)
            passed = time.monotonic()
            wanted = tuple(now - then for now, then in zip((peers.bytes_in, peers.bytes_out), before))
            got = (0, 0)
            while got != wanted:
                name, number, data = stream.event()
                assert name == "usage" and time.monotonic() - passed < 20 * SLOWNESS, (got, wanted, data)
                check_event(data)
                mine = next(d for d in data["domains"] if d["domain"] == HOST)
                got = got[0] + mine["bytes_in"], got[1] + mine["bytes_out"]
                assert all(a <= b for a, b in zip(got, wanted)), (got, wanted)
                assert next(d for d in data["domains"] if d["domain"] == OTHER)["bytes_in"] == 0
            if not sanitized():
                assert time.monotonic() - passed < LIVE_S
            assert mine["sessions_open"] == 2
            peers.close(second)
            while stream.event()[2]["total"]["sessions_open"] != 1:
                assert time.monotonic() - passed < 40 * SLOWNESS
        # The same as a snapshot, by a program and at a shell.
        now = customer.get(f"/v1/statistics/live?domain={HOST}").ok(200)
        assert now["domains"][0]["sessions_open"] == 1 and now["total"]["bytes_in"] == peers.bytes_in
        assert now["total"]["bytes_out"] == peers.bytes_out and now["since"] < now["at"]
        peers.close(client)
        told = eventually(lambda: (now := customer.get("/v1/statistics/live").ok(200))["total"]["sessions_open"] == 0 and now, 10,
                          "the end of the last")
        assert "domains" not in told and told["total"]["sessions_closed"] == told["total"]["sessions_opened"] == 2
        # The edge's own sum of everything is the same, and nobody else is served here.
        assert node.operator.get("/v1/statistics/live").ok(200)["total"] == told["total"]
        assert (told["total"]["bytes_in"], told["total"]["bytes_out"]) == (peers.bytes_in, peers.bytes_out)
        assert (told["total"]["messages_in"], told["total"]["messages_out"]) == (peers.messages_in, peers.messages_out)


def test_a_live_stream_ends_with_the_right_to_it(start_node):
    node, customer, peers = furnished(start_node)
    with peers:
        def ended(stream):
            while (event := stream.event()) is not None and event[0] == "usage":
                pass
            assert stream.event() is None
            return event[2]["code"]

        stranger = node.customer("Another")
        with Stream(node, stranger.token, f"?domain={HOST}") as foreign, Stream(node, stranger.token, "?domain=no.edge.test") as none:
            assert foreign.status == none.status == 404 and foreign.response.read() == none.response.read()
        token = customer.browser.post("/v1/tokens", {"name": "short"}).ok(201)
        with Stream(node, token["token"], "") as revoked, Stream(node, customer.token, f"?domain={OTHER}") as deleted, \
                Stream(node, stranger.token, "") as suspended, Stream(node, customer.token, f"?domain={HOST}") as lasting:
            for stream in (revoked, deleted, suspended, lasting):
                assert stream.event()[0] == "usage"
            customer.browser.delete(f"/v1/tokens/{token['id']}", if_match=None).ok(204)
            customer.delete(f"/v1/domains/{OTHER}").ok(204)
            node.operator.patch(f"/v1/accounts/{stranger.account}", {"state": "suspended"}).ok(200)
            assert ended(revoked) == "unauthorized"
            assert ended(deleted) == "not_found"
            assert ended(suspended) == "account_suspended"
            # Who may see goes on seeing, until the server ends.
            assert lasting.event()[0] == "usage"
            with Stream(node, stranger.token, "") as refused:
                assert refused.status == 403
            assert node.terminate() == 0
            with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
                while lasting.event() is not None:
                    pass


def test_how_statistics_answer(start_node, tmp_path):
    """Shapes, rules and errors, which need no traffic."""
    node = start_node()
    customer = node.customer("Comments Ltd")
    customer.post("/v1/domains", {"name": HOST}).ok(201)
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)

    def at(days):
        return (today + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for what in ("bandwidth", "traffic", "http-codes", "sessions"):
        answer = customer.get(f"/v1/statistics/{what}?domain={HOST}&start_time={at(-2)}&end_time={at(0)}").ok(200)
        assert (answer["interval"], answer["notes"], len(answer["series"][0]["points"])) == (300, [], 576)
        answer = customer.get(f"/v1/statistics/{what}?start_time={at(-31)}&end_time={at(0)}&interval=300").ok(200)
        assert answer["interval"] == 86400 and [n["code"] for n in answer["notes"]] == ["interval"]
        assert len(answer["series"][0]["points"]) == 31
        answer = customer.get(f"/v1/statistics/{what}", fields={"accept": "text/csv"})
        assert answer.fields["content-type"].startswith("text/csv") and len(answer.text.splitlines()) == 289
        assert answer.fields["fairlead-notes"] == "running"
    customer.get(f"/v1/statistics/traffic?start_time={at(-94)}&end_time={at(0)}").refused(422, "invalid", "?end_time")
    customer.get(f"/v1/statistics/traffic?start_time={at(-1)}").refused(422, "invalid", "?end_time")
    customer.get("/v1/statistics/traffic?group=planet").refused(422, "invalid", "?group")

    shell = Shell(node, tmp_path / "shell")
    shell.env["FAIRLEAD_TOKEN"] = customer.token
    for what in ("bandwidth", "traffic", "codes", "regions", "sessions"):
        shell("stats", what).has("points of 300 s", "the last interval is not over")
        assert shell.json("stats", what, HOST, "--interval", "1h")["interval"] == 3600
        assert shell("stats", what, "--since", at(-2), "--until", at(-1), "-o", "csv").out.count(",") > 0
    shell("stats", "bandwidth", "--points", "--last", "30m").has("TIME OUT BIT/S IN BIT/S")
    assert shell("stats", "traffic", "-o", "csv", "--sparse").out.count("\n") == 1
    shell("stats", "traffic", "--sparse", status=1).has("--sparse goes with -o csv")
    shell("stats", "traffic", "--last", "soon", status=1).has("90m, 24h, 7d")
    shell("stats", "traffic", "nobody.edge.test", status=1).has("domain")
    shell("stats", "live", HOST, "--count", "2").has("DOMAIN OPEN", HOST)
    lines = [json.loads(line) for line in shell("stats", "live", "--count", "2", "-o", "json").out.splitlines()]
    assert [line["milliseconds"] > 0 for line in lines] == [False, True]
