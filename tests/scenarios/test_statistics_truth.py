"""R21, R23: statistics say to the byte what the peers counted, while the session is open, and in every partition."""

import csv
import io
import time

from harness.counting import HOST, OTHER, furnished
from harness.edge import sanitized
from harness.shell import Shell
from harness.waiting import eventually

# R23: so soon a byte is in the five-minute statistics. Records are made every ten seconds.
POINT_S = 15.0


def minutes(customer, query=""):
    return customer.get(f"/v1/statistics/traffic?domain={HOST}{query}").ok(200)


def total(answer):
    return {key: sum(s["total"][key] for s in answer["series"]) for key in answer["series"][0]["total"]}


def test_five_minute_statistics_are_what_the_peers_counted(start_node, tmp_path):
    node, customer, peers = furnished(start_node)
    with peers:
        client = peers.open()
        for size in (1, 1000, 70000):
            peers.say(client, b"x" * size)
        passed = time.monotonic()
        # While the session is open.
        eventually(lambda: total(minutes(customer))["bytes_out"] == peers.bytes_out, 60, "the bytes in the statistics")
        if not sanitized():
            assert time.monotonic() - passed < POINT_S
        second = peers.open(OTHER)
        peers.close(client)
        peers.close(second)
        eventually(lambda: customer.get("/v1/statistics/sessions").ok(200)["series"][0]["total"]["closed"] == 2, 60, "both ends")
        everything = customer.get("/v1/statistics/traffic").ok(200)
        told = total(everything)
        assert (told["bytes_in"], told["bytes_out"]) == (peers.bytes_in, peers.bytes_out)
        assert (told["messages_in"], told["messages_out"], told["sessions_opened"]) == (peers.messages_in, peers.messages_out, 2)
        assert told["wire_bytes_out"] > told["bytes_out"]
        assert len(everything["series"][0]["points"]) == 288
        log = [r for r in node.access_log() if r.get("session")]
        assert sum(r["bytes_out"] for r in log) == peers.bytes_out

        # Every partition is the whole.
        for group in ("domain", "region", "isp", "region_and_isp"):
            assert total(customer.get(f"/v1/statistics/traffic?group={group}").ok(200)) == told
        ranking = customer.get("/v1/statistics/regions-and-isps").ok(200)
        assert sum(i["share"] for i in ranking["items"]) == 10000 and ranking["total"] == told
        bandwidth = customer.get("/v1/statistics/bandwidth?interval=86400").ok(200)["series"][0]
        assert bandwidth["out"]["average"] == peers.bytes_out * 8 // 86400
        codes = customer.get("/v1/statistics/http-codes").ok(200)["series"][0]
        assert codes["codes"] == [{"code": 101, "count": 2, "proportion": 10000}]
        sessions = customer.get("/v1/statistics/sessions").ok(200)["series"][0]["total"]
        assert sessions["closed_by_cause"] == {"closing_handshake": 2} and sessions["handshake"]["count"] == 2
        assert sessions["average_open"] >= 0 and sessions["handshake"]["p50_ms"] >= sessions["origin"]["p50_ms"]
        text = customer.get("/v1/statistics/traffic?format=csv&sparse=true").text
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert 1 <= len(rows) <= 3 and sum(int(r["bytes_out"]) for r in rows) == peers.bytes_out
        # Nobody else's.
        stranger = node.customer("Another")
        assert total(stranger.get("/v1/statistics/traffic").ok(200))["bytes_out"] == 0

        shell = Shell(node, tmp_path / "shell")
        shell.env["FAIRLEAD_TOKEN"] = customer.token
        shell("stats", "traffic", HOST, OTHER, "--group", "domain").has(HOST, OTHER, "MESSAGES IN")
        shell("stats", "codes").has("101 2 100.00 %")
        shell("stats", "sessions", "--last", "24h").has("closing_handshake 2")
        shell("stats", "regions").has("unknown", "100.00 %")
        customer.delete(f"/v1/domains/{OTHER}").ok(204)
        # What passed stays where it passed.
        assert total(customer.get(f"/v1/statistics/traffic?domain={OTHER}").ok(200))["sessions_opened"] == 1
