"""HTTP/2 clients of other people's making: h2load for ordinary requests, and libwebsockets. Node's http2 under the
package ws, and python3-h2, run the tests of the peers (test_peers_node.py, test_peers_python.py)."""

import asyncio
import json
import re
import subprocess

import pytest

from harness import http1
from harness.edge import domain
from harness.process import HERE
from harness.waiting import eventually


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_h2load_without_an_error(scheme, start_edge, start_origin, ca):
    """20,000 requests, 500 at a time over ten connections."""
    origin = start_origin("ws_hash.cjs")
    edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}), h2c=True)
    port = edge.http if scheme == "http" else edge.https
    done = subprocess.run(["h2load", "-n", "20000", "-c", "10", "-m", "50", f"--connect-to=127.0.0.1:{port}",
                           f"{scheme}://live.edge.test:{port}/page"],
                          capture_output=True, text=True, timeout=80)
    assert done.returncode == 0, done.stderr
    told = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                     r"(\d+) timeout", done.stdout)
    assert told and [int(n) for n in told.groups()] == [20000, 20000, 20000, 20000, 0, 0, 0], done.stdout
    assert "status codes: 20000 2xx, 0 3xx, 0 4xx, 0 5xx" in done.stdout, done.stdout
    assert {r["protocol"] for r in edge.whole_access_log()} == {"h2"}
    assert len({r["client_port"] for r in edge.access_log()}) == 10
    assert not [v for _, v in edge.metrics()["fairlead_http2_limit_total"] if v], "an honest client met a limit"


@pytest.fixture(scope="session")
def lws_client(tmp_path_factory):
    """peers/lws_client.c, compiled against Debian's libwebsockets."""
    program = tmp_path_factory.mktemp("lws") / "lws_client"
    made = subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-o", program, HERE / "peers" / "lws_client.c", "-lwebsockets"],
                          capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return program


def lws_arguments(program, mode, alpn, edge, count, ca):
    scheme = "https" if mode == "get" else "wss"
    return [program, mode, alpn, f"{scheme}://live.edge.test:{edge.https}/echo", str(count), ca.cert]


def records_of(edge, count):
    return eventually(lambda: (r := edge.access_log()) and len(r) >= count and r, what=f"{count} records")


async def test_libwebsockets_asks_over_http2(start_edge, ca, lws_client):
    """Twenty requests, five at a time. Version 4.1.6 acknowledges SETTINGS twice, which RFC 9113 does not forbid, and leaves
    its requests open. The answers state no length: where they do, this version takes what follows a DATA frame in the same
    read for more of it, and gives up ("More rx than content_length told"). On a busy machine it may acknowledge before it
    has sent SETTINGS of its own, which is no connection preface (section 3.4) and ends that connection: then it is asked
    again."""
    async def chunked(connection):
        while True:
            head = await http1.read_head(connection.reader, 60)
            await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npage\n\r\n0\r\n\r\n")
            if head.get("transfer-encoding"):
                return

    async with http1.ScriptedOrigin(chunked) as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}))
        right = 0
        for _ in range(20):
            done = await asyncio.to_thread(subprocess.run, lws_arguments(lws_client, "get", "h2", edge, 5, ca),
                                           capture_output=True, text=True, timeout=30)
            right += json.loads(done.stdout)["right"]
            if right >= 20:
                break
        assert right >= 20
        records = await asyncio.to_thread(records_of, edge, 20)
        assert {(r["protocol"], r["status"], r["method"]) for r in records} == {("h2", 200, "GET")}
        assert len({(r["client_port"], r["stream"]) for r in records}) == len(records)


def test_libwebsockets_has_its_sessions_over_http_1_1_beside(start_edge, start_origin, ca, lws_client):
    """With the ALPN that it offers by itself, on a domain that offers both."""
    edge = start_edge(domain("live.edge.test", start_origin("ws_hash.cjs"), ca=ca, websocket={"origin_scheme": "http"}))
    done = subprocess.run(lws_arguments(lws_client, "ws", "default", edge, 10, ca), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and json.loads(done.stdout) == {"right": 10}, done.stdout + done.stderr
    assert {(r["protocol"], r["status"], r["close_cause"]) for r in records_of(edge, 10)} == {
        ("h1", 101, "closing_handshake")}


def test_libwebsockets_as_debian_has_it_opens_no_session_over_http2(start_edge, start_origin, ca, lws_client):
    """Version 4.1.6 serves RFC 8441 but does not ask for it: made to use h2 for a session, it sends a GET without
    :protocol, and takes the page that it gets. That is why the test before takes HTTP/1.1; when this one fails, it need
    not any more."""
    edge = start_edge(domain("live.edge.test", start_origin("ws_hash.cjs"), ca=ca, websocket={"origin_scheme": "http"}))
    for _ in range(10):
        subprocess.run(lws_arguments(lws_client, "ws", "h2", edge, 1, ca), capture_output=True, text=True, timeout=30)
        if edge.access_log():
            break
    record = records_of(edge, 1)[0]
    assert (record["protocol"], record["method"], record["target"]) == ("h2", "GET", "/echo"), record
