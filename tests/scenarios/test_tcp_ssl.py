"""R10: a tcp-ssl listener ends TLS and passes bytes on, whatever they say."""

import asyncio
import hashlib
import os
import ssl

from harness import http1
from harness.edge import domain
from harness.http1 import ScriptedOrigin
from harness.ports import free_port
from harness.waiting import Stopwatch, eventually_async


async def echo(connection):
    while data := await connection.reader.read(65536):
        await connection.send(data)


def tunnel(start_edge, ca, origin, port, **settings):
    settings.setdefault("websocket", {"origin_scheme": "http"})
    return start_edge(domain("quotes.edge.test", origin, ca=ca, **settings), listeners=[
        {"address": f"127.0.0.1:{port}", "protocol": "tcp-ssl", "domain": "quotes.edge.test"}])


async def test_bytes_pass_both_ways_unchanged(start_edge, ca):
    port = free_port()
    async with ScriptedOrigin(echo, record=False) as origin:
        edge = tunnel(start_edge, ca, origin, port)
        async with http1.connect(port, ca.client_context(), "quotes.edge.test") as connection:
            data = os.urandom(8 << 20)

            async def send():
                for at in range(0, len(data), 100_000):
                    await connection.send(data[at:at + 100_000])

            sending = asyncio.create_task(send())
            got = await asyncio.wait_for(connection.reader.readexactly(len(data)), 20)
            await sending
            assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest()
        record = await edge.logged({"domain": "quotes.edge.test"})
        assert record["protocol"] == "tcp" and record["tls"] == "TLSv1.3"
        assert record["bytes_in"] == record["bytes_out"] == len(data)


async def test_the_origin_may_speak_first(start_edge, ca):
    async def greeting(connection):
        await connection.send(b"220 quotes ready\r\n")
        assert await connection.reader.readline() == b"HELO\r\n"
        await connection.send(b"250 hello\r\n")
        await connection.at_end()

    port = free_port()
    async with ScriptedOrigin(greeting) as origin:
        tunnel(start_edge, ca, origin, port)
        async with http1.connect(port, ca.client_context(), "quotes.edge.test") as connection:
            assert await connection.reader.readline() == b"220 quotes ready\r\n"
            await connection.send(b"HELO\r\n")
            assert await connection.reader.readline() == b"250 hello\r\n"


async def test_the_end_of_the_origin_reaches_the_client(start_edge, ca):
    async def brief(connection):
        await connection.send(b"x" * 300_000)

    port = free_port()
    async with ScriptedOrigin(brief) as origin:
        tunnel(start_edge, ca, origin, port)
        async with http1.connect(port, ca.client_context(), "quotes.edge.test") as connection:
            assert await connection.at_end() == b"x" * 300_000


async def test_to_a_tls_origin(start_edge, ca):
    port = free_port()
    async with ScriptedOrigin(echo, tls=ca.server_context()) as origin:
        tunnel(start_edge, ca, origin, port, websocket={"origin_scheme": "https"})
        async with http1.connect(port, ca.client_context(), "quotes.edge.test") as connection:
            await connection.send(b"sealed twice")
            assert await connection.reader.readexactly(12) == b"sealed twice"


async def test_a_client_without_sni_is_served(start_edge, ca):
    """The listener knows its domain."""
    port = free_port()
    async with ScriptedOrigin(echo) as origin:
        tunnel(start_edge, ca, origin, port)
        context = ca.client_context()
        context.check_hostname = False
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="")
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
        http1.abort(writer)


async def test_idle_tunnels_end(start_edge, ca):
    port = free_port()
    async with ScriptedOrigin(echo) as origin:
        edge = tunnel(start_edge, ca, origin, port, websocket={"origin_scheme": "http", "connection_timeout": "1s"})
        async with http1.connect(port, ca.client_context(), "quotes.edge.test") as connection:
            await connection.send(b"x")
            await connection.reader.readexactly(1)
            since = Stopwatch()
            assert await connection.at_end() == b""
            assert 0.5 <= since.seconds <= 1.6, since.seconds
        assert (await edge.logged({"domain": "quotes.edge.test"}))["close_cause"] == "connection_timeout"


async def test_no_origin_ends_the_connection(start_edge, ca):
    port = free_port()
    tunnel(start_edge, ca, free_port(), port)
    async with http1.connect(port, ca.client_context(), "quotes.edge.test") as connection:
        try:
            assert await connection.at_end(5) == b""
        except ssl.SSLError:
            pass


async def test_plain_bytes_are_refused(start_edge, ca):
    port = free_port()
    async with ScriptedOrigin(echo) as origin:
        tunnel(start_edge, ca, origin, port)
        async with http1.connect(port) as connection:
            await connection.send(b"not tls at all, but long enough to be read as a record\r\n")
            await connection.at_end(5)
        assert not origin.all_received()


async def test_a_sleeping_client_stops_the_origin(start_edge, ca):
    sent = {"bytes": 0}

    async def flood(connection):
        block = bytes(1 << 20)
        while sent["bytes"] < 128 << 20:
            await connection.send(block)
            sent["bytes"] += len(block)

    port = free_port()
    async with ScriptedOrigin(flood, limit=65536) as origin:
        edge = tunnel(start_edge, ca, origin, port)
        async with http1.connect(port, ca.client_context(), "quotes.edge.test", limit=65536) as connection:
            connection.fall_asleep()

            async def stuck():
                at = sent["bytes"]
                for _ in range(10):
                    await asyncio.sleep(0.05)
                    if sent["bytes"] != at:
                        return False
                return True

            await eventually_async(stuck, 20, "the origin to be stopped")
            assert sent["bytes"] < 100 << 20
            total = 0
            while data := await asyncio.wait_for(connection.reader.read(1 << 20), 20):
                total += len(data)
            assert total == 128 << 20
        await edge.logged({"domain": "quotes.edge.test"})
