"""A side that reads nothing: the other is slowed down to a stop, the edge holds next to nothing, and all of it arrives
when the sleeper wakes."""

import asyncio
import hashlib

import pytest

from harness import http1
from harness.edge import domain, sanitized
from harness.waiting import eventually_async
from harness.wire import BINARY, TEXT, WireOrigin, encode

MIB = 1 << 20
TOTAL = 256
BLOCK = bytes(range(256)) * 4096  # 1 MiB


async def push(sender):
    """Sends TOTAL frames of 1 MiB, each with its own first byte; returns the digest of all payloads."""
    digest = hashlib.sha256()
    for i in range(TOTAL):
        payload = bytes([i]) + BLOCK[1:]
        digest.update(payload)
        sender.sent = i + 1
        key = b"\0\0\0\0" if sender.role == "client" else None  # a key of zeros masks nothing and costs nothing
        head = encode(BINARY, b"", key=None)[:1] + bytes([127 | (0x80 if key else 0)]) + len(payload).to_bytes(8, "big")
        await sender.send(head + (key or b"") + payload)
    return digest.hexdigest()


async def pull(receiver):
    digest = hashlib.sha256()
    for _ in range(TOTAL):
        frame = await receiver.recv(60)
        assert len(frame.payload) == MIB
        digest.update(frame.payload)
    return digest.hexdigest()


@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("sleeper", ["client", "origin"])
async def test_a_sleeper_costs_less_than_a_mebibyte(transport, start_edge, ca, scheme, sleeper):
    async with WireOrigin(limit=65536) as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={
            "origin_scheme": "http", "connection_timeout": "3600s"}), workers=1)
        port, tls = (edge.http, None) if scheme == "ws" else (edge.https, ca.client_context())
        # A first session warms up what is allocated once.
        async with transport.pair(port, origin, tls=tls) as (client, served):
            await client.binary(BLOCK)
            await served.recv()
            await served.binary(BLOCK)
            await client.recv()
        async with transport.pair(port, origin, tls=tls, limit=65536) as (client, served):
            await client.text("ready")
            await served.expect(TEXT, b"ready")
            asleep, sender = (client, served) if sleeper == "client" else (served, client)
            asleep.fall_asleep()
            sender.sent = 0
            before = edge.rss()
            pushing = asyncio.create_task(push(sender))
            # The sender is stuck when it has not got further for a while: what it sent is in the kernel's buffers.
            stuck = {"at": -1, "looks": 0}

            def still():
                stuck["looks"] = stuck["looks"] + 1 if sender.sent == stuck["at"] else 0
                stuck["at"] = sender.sent
                return stuck["looks"] >= 10

            await eventually_async(still, 30, "the sender to be stopped", pause=0.05)
            assert sender.sent < TOTAL // 2, f"{sender.sent} MiB went somewhere while nobody read"
            cost = edge.rss() - before
            assert sanitized() or cost < MIB, f"the edge holds {cost} bytes"
            sent, got = await asyncio.gather(pushing, pull(asleep))
            assert sent == got
            peak = edge.rss() - before
            assert sanitized() or peak < MIB, f"after the rush the edge holds {peak} bytes"


async def test_a_sleeping_side_does_not_stop_the_other_direction(transport, start_edge):
    """The client takes nothing, yet what it says reaches the origin."""
    async with WireOrigin(limit=65536) as origin:
        edge = start_edge(domain("live.edge.test", origin), workers=1)
        async with transport.pair(edge.http, origin, limit=65536) as (client, served):
            client.fall_asleep()
            flood = asyncio.create_task(push_until_cancelled(served))
            for i in range(200):
                await client.text(f"{i}")
                await served.expect(TEXT, f"{i}".encode())
            flood.cancel()


async def push_until_cancelled(sender):
    while True:
        await sender.send(encode(BINARY, BLOCK))


async def test_a_sleeper_does_not_disturb_the_others(transport, start_edge):
    """One worker, one session stuck: the rest are served as if it were not there."""
    from harness.wire import echo
    async with WireOrigin(limit=65536) as source, WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("stuck.edge.test", source), domain("live.edge.test", origin), workers=1)
        async with transport.pair(edge.http, source, host="stuck.edge.test", limit=65536) as (client, served):
            client.fall_asleep()
            flood = asyncio.create_task(push_until_cancelled(served))
            async with transport.open_session(edge.http) as good:
                for i in range(500):
                    await good.text(f"{i}")
                    await good.expect(TEXT, f"{i}".encode(), timeout=3)
            flood.cancel()


@pytest.mark.parametrize("direction", ["download", "upload"])
async def test_ordinary_http_too(transport, start_edge, direction):
    size = 128 * MIB
    wake = asyncio.Event()
    state = {"sent": 0, "got": 0, "sha": None}

    async def origin_side(connection):
        head = await http1.read_head(connection.reader)
        if direction == "download":
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            while state["sent"] < size:
                await connection.send(BLOCK)
                state["sent"] += MIB
            await connection.at_end(60)
        else:
            connection.fall_asleep()
            await wake.wait()
            left, digest = int(head.get("content-length")), hashlib.sha256()
            while left:
                data = await connection.reader.read(min(left, MIB))
                digest.update(data)
                left -= len(data)
            await connection.send(http1.answer("200 OK", digest.hexdigest().encode()))

    async with http1.ScriptedOrigin(origin_side, limit=65536, record=False) as origin:
        edge = start_edge(domain("live.edge.test", origin, layer7={"client_max_body_size": "1GiB"}), workers=1)
        expected = hashlib.sha256(BLOCK * (size // MIB)).hexdigest()
        async with transport.connect(edge.http, limit=65536) as connection:
            before = edge.rss()

            async def stuck():
                at = state["sent"]
                for _ in range(10):
                    await asyncio.sleep(0.05)
                    if state["sent"] != at:
                        return False
                return state["sent"] > 0

            if direction == "download":
                download = await connection.begin()
                download.fall_asleep()
                await eventually_async(stuck, 20, "the origin to be stopped")
                cost = edge.rss() - before
                assert (await download.head()).status == 200
                digest = hashlib.sha256()
                while data := await download.piece():
                    digest.update(data)
                assert digest.hexdigest() == expected
            else:
                upload = await connection.begin("POST", body=size)

                async def send_all():
                    while state["sent"] < size:
                        await upload.send(BLOCK)
                        state["sent"] += MIB

                sending = asyncio.create_task(send_all())
                await eventually_async(stuck, 20, "the client to be stopped")
                cost = edge.rss() - before
                wake.set()
                await sending
                assert (await upload.response(timeout=30)).body.decode() == expected
            assert sanitized() or cost < MIB, f"the edge holds {cost} bytes"
            assert state["sent"] == size
