"""The admin address: health, readiness, metrics; and the process at its start."""

import http.client
import signal
import socket
import subprocess

import pytest

from harness import http1
from harness.edge import BINARY, Edge, domain
from harness.ports import free_port
from harness.waiting import eventually_async
from harness.wire import TEXT, WireOrigin, pair


async def test_health_and_readiness(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        assert edge.get("/healthz")[0] == 200 and edge.get("/readyz")[0] == 200
        assert edge.get("/nothing")[0] == 404


async def test_metrics_count_what_happened(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), domain("b.edge.test", origin))
        status, headers, _ = edge.get("/metrics")
        assert status == 200 and headers.get("content-type", headers.get("Content-Type", "")).startswith("text/plain")
        async with pair(edge.http, origin) as (client, served):
            await client.text("12345")
            await served.expect(TEXT)
            assert edge.metric("fairlead_sessions_open", domain="live.edge.test") == 1
            assert edge.metric("fairlead_sessions_opened_total", domain="live.edge.test") == 1
            assert edge.metric("fairlead_sessions_open", domain="b.edge.test") in (0, None)
            await client.send_close()
            await served.expect_close()
            await client.expect_close(answer=False)
        await edge.logged({"close_cause": "closing_handshake"})
        assert edge.metric("fairlead_sessions_open", domain="live.edge.test") == 0
        assert edge.metric("fairlead_sessions_closed_total", domain="live.edge.test", cause="closing_handshake") == 1
        await http1.fetch(edge.http, "/x")
        text = edge.get("/metrics")[2].decode()
        for line in text.splitlines():
            assert line.startswith("#") or line.count(" ") >= 1
        for name in edge.metrics():
            assert name.startswith(("fairlead_", "process_")), name


def test_an_admin_socket_in_the_file_system(tmp_path):
    path = tmp_path / "admin.sock"
    edge = Edge(tmp_path / "edge", [domain("live.edge.test", free_port())], admin={"address": f"unix:{path}"})

    class OverUnix(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(2)
            self.sock.connect(str(path))

    def get(target, timeout=2.0):
        connection = OverUnix("localhost", timeout=timeout)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    edge.get = get
    try:
        edge.start()
        assert get("/healthz")[0] == 200
        assert b"fairlead_" in get("/metrics")[2]
    finally:
        edge.stop()


async def test_the_access_log_is_opened_again_after_rotation(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        await http1.fetch(edge.http, "/before")
        await edge.logged({"target": "/before"})
        rotated = edge.access_path.with_suffix(".1")
        edge.access_path.rename(rotated)
        edge.signal(signal.SIGUSR1)
        await eventually_async(edge.access_path.exists, what="a new access log")
        await http1.fetch(edge.http, "/after")
        await edge.logged({"target": "/after"})
        assert "/after" not in rotated.read_text() and "/before" not in edge.access_path.read_text()


def run(*arguments, cwd):
    return subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=20, cwd=cwd)


def test_check_accepts_and_refuses(tmp_path):
    edge = Edge(tmp_path / "edge", [domain("live.edge.test", free_port())])
    edge.write()
    assert run("check", "--config", edge.path, cwd=tmp_path).returncode == 0
    edge.path.write_text(edge.path.read_text().replace("drain_time: 1s", "drain_time: soon"))
    refused = run("check", "--config", edge.path, cwd=tmp_path)
    assert refused.returncode == 1
    assert f"{edge.path}:" in refused.stdout + refused.stderr and "drain_time" in refused.stdout + refused.stderr


def test_a_bad_file_does_not_start(tmp_path):
    edge = Edge(tmp_path / "edge", [{"name": "live.edge.test", "origins": []}])
    edge.write()
    refused = run("edge", "--config", edge.path, cwd=tmp_path)
    assert refused.returncode == 1 and "origins" in refused.stdout + refused.stderr


def test_an_address_in_use_is_said(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        edge = Edge(tmp_path / "edge", [domain("live.edge.test", free_port())],
                    listeners=[{"address": f"127.0.0.1:{port}", "protocol": "http"}])
        edge.write()
        refused = run("edge", "--config", edge.path, cwd=tmp_path)
        assert refused.returncode != 0 and str(port) in refused.stdout + refused.stderr


@pytest.mark.parametrize("address", ["[::1]", "0.0.0.0"])
async def test_listeners_of_both_families(start_edge, address):
    port = free_port()
    async with WireOrigin() as origin:
        start_edge(domain("live.edge.test", origin), listeners=[{"address": f"{address}:{port}", "protocol": "http"}])
        at = "::1" if address == "[::1]" else "127.0.0.1"
        async with pair(port, origin, address=at) as (client, served):
            await client.text("x")
            await served.expect(TEXT, b"x")


async def test_an_ipv6_origin(start_edge):
    async with WireOrigin(address="::1") as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with pair(edge.http, origin) as (client, served):
            await client.text("x")
            await served.expect(TEXT, b"x")
