"""R14: sizes and times of ordinary HTTP."""

import asyncio
import contextlib

import pytest

from harness import http1
from harness.edge import domain
from harness.http1 import ScriptedOrigin, echo_handler, read_request
from harness.waiting import Stopwatch


def site(origin, **settings):
    return domain("live.edge.test", origin, **settings)


async def test_keepalive_timeout_ends_an_idle_connection(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, layer7={"keepalive_timeout": "1s"}))
        async with transport.connect(edge.http) as connection:
            await connection.request()
            since = Stopwatch()
            assert await connection.at_end() == b""
            assert 0.7 <= since.seconds <= 2, since.seconds


@pytest.mark.parametrize("framing", ["length", "open"])
async def test_a_body_over_the_limit_is_413(transport, start_edge, framing):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, layer7={"client_max_body_size": "1MiB"}))
        async with transport.connect(edge.http) as connection:
            upload = await connection.begin("POST", body=(1 << 20) + 1 if framing == "length" else "open")
            if framing == "open":
                with contextlib.suppress(ConnectionError):  # the answer may come before the last of it
                    for _ in range(17):
                        await upload.send(bytes(65536))
            message = await upload.response()
            assert framing == "open" or not origin.all_received(), "nothing of it is forwarded"
            assert message.status == 413
            message.problem()
        exact = await transport.fetch(edge.http, "/", "POST", body=bytes(1 << 20))
        assert exact.status == 200 and exact.json()["size"] == 1 << 20


async def test_a_slow_head_is_408(start_edge):
    """The first head is the listener's handshake_timeout; the next ones are client_header_timeout. (Over HTTP/2 a head has no
    answer before it is complete: test_http2_limits.py.)"""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, layer7={"client_header_timeout": "1s"}))
        edge.stop()
        edge.config["listeners"][0]["handshake_timeout"] = "1s"
        edge.start()
        async with http1.connect(edge.http) as connection:
            await connection.send(b"GET / HTTP/1.1\r\nHost: live.edge.test\r\nX-Slow: ")
            since = Stopwatch()
            message = await connection.response()
            assert message.status == 408 and 0.7 <= since.seconds <= 2, since.seconds
            message.problem()
            assert await connection.at_end() == b""
        async with http1.connect(edge.http) as connection:
            assert (await connection.request()).status == 200
            since = Stopwatch()
            for byte in b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n":
                if since.seconds > 3 or connection.reader.at_eof() or connection.reader._buffer:
                    break
                await connection.send(bytes([byte]))
                await asyncio.sleep(0.1)
            message = await connection.response()
            assert message.status == 408 and since.seconds <= 2.5, since.seconds


async def test_a_stalled_body_is_408(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, layer7={"client_body_timeout": "1s"}))
        async with transport.connect(edge.http) as connection:
            upload = await connection.begin("POST", body=100)
            await upload.send(b"half")
            since = Stopwatch()
            message = await upload.response()
            assert message.status == 408 and 0.7 <= since.seconds <= 2.5, since.seconds
            if transport.name == "h1":
                assert await connection.at_end() == b""
            else:  # it was one stream's trouble
                assert (await connection.request()).status == 200


async def test_a_stalled_answer_ends_by_proxy_read_timeout(transport, start_edge):
    async def stall(connection):
        await read_request(connection.reader)
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await connection.at_end(60)

    async with ScriptedOrigin(stall) as origin:
        edge = start_edge(site(origin, layer7={"proxy_read_timeout": "1s"}))
        since = Stopwatch()
        with pytest.raises((http1.Ended, ConnectionError)):
            await transport.fetch(edge.http)
        assert 0.7 <= since.seconds <= 2.5, since.seconds
