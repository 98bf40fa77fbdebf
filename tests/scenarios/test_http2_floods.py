"""R13 over HTTP/2: clients that make the edge work for nothing. Each ends in GOAWAY ENHANCE_YOUR_CALM or a closed connection
and is counted under its limit's name; the edge's memory stays bounded; another client on the same worker is served
meanwhile."""

import asyncio
import contextlib
import struct

import hpack
import pytest

from harness import http2, http2_raw
from harness.http1 import answer
from harness.http2_checks import MIB, Neighbour, limits_hit, sends, site
from harness.http2_raw import (CONTINUATION, DATA, END_HEADERS, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING, PRIORITY, frame,
                               rst_stream, settings, window_update)
from harness.waiting import eventually_async
from harness.wire import TEXT, WireOrigin, echo


def rapid_reset(client):
    for _ in range(500):
        batch = []
        for _ in range(20):
            stream, head = client.head()
            batch += [head, rst_stream(stream)]
        yield batch


def rapid_reset_of_sessions(client):
    for _ in range(500):
        batch = []
        for _ in range(20):
            stream, head = client.handshake()
            batch += [head, rst_stream(stream)]
        yield batch


def resets_that_the_edge_must_send(client):
    """The client does nothing but break streams, each so that the edge has to reset it (CVE-2025-8671)."""
    for _ in range(500):
        batch = []
        for _ in range(20):
            stream, head = client.head()
            batch += [head, window_update(stream, 0x7FFFFFFF)]
        yield batch


def repeated(count, *frames):
    return lambda client: ((frames * 50) for _ in range(count // 50))


def empty_data(client):
    stream, head = client.head(END_HEADERS, method="POST")
    yield [head]
    for _ in range(200):
        yield [frame(DATA, 0, stream)] * 50


def padding_only(client):
    stream, head = client.head(END_HEADERS, method="POST")
    yield [head]
    for _ in range(200):
        yield [frame(DATA, 0x8, stream, b"\x10" + bytes(16))] * 50


def empty_continuation(client):
    yield [frame(HEADERS, 0, 1, client.block())]
    for _ in range(1000):
        yield [frame(CONTINUATION, 0, 1)] * 50


def continuation(client):
    """A head that goes on and on (VU#421644): fields that are not even indexed."""
    yield [frame(HEADERS, 0, 1, client.block())]
    field = b"\x00\x04junk\x7f\xe1\x06" + b"x" * 992
    for _ in range(4000):
        yield [frame(CONTINUATION, 0, 1, field * 16)]


def many_small_continuations(client):
    block = client.block(fields=[(f"x-{i}", "y") for i in range(90)])
    yield [frame(HEADERS, 0, 1, block[:1])]
    for at in range(1, len(block)):
        yield [frame(CONTINUATION, 0, 1, block[at:at + 1])]


def priority(client):
    """On streams that never were, each depending on another."""
    for i in range(400):
        yield [frame(PRIORITY, 0, 2 * (50 * i + j) + 1, struct.pack(">IB", 2 * (50 * i + j) + 3, 200)) for j in range(50)]


def priority_update(client):
    """RFC 9218 section 7.1."""
    for i in range(400):
        yield [frame(0x10, 0, 0, struct.pack(">I", 2 * (50 * i + j) + 1) + b"u=1") for j in range(50)]


def window_updates(client):
    for _ in range(2000):
        yield [window_update(0, 1)] * 50


def window_updates_of_a_stream(client):
    stream, head = client.handshake()
    yield [head]
    for _ in range(2000):
        yield [window_update(stream, 1)] * 50


def hpack_bomb(client):
    """One field of 4000 bytes in the table, named thousands of times in a byte each, in request after request."""
    encoder = hpack.Encoder()
    start = [(":method", "GET"), (":scheme", "http"), (":authority", "live.edge.test"), (":path", "/")]
    block = encoder.encode(start) + b"\x40\x04bomb\x7f\xa1\x1e" + b"x" * 4000  # indexed: 62
    for i in range(400):
        yield [frame(HEADERS, 0x5, 2 * i + 1, block + b"\xbe" * 12_000)]
        block = encoder.encode(start)


FLOODS = {  # name: (what is sent, the limits it may be counted under)
    "rapid reset": (rapid_reset, {"resets"}),
    "rapid reset of sessions": (rapid_reset_of_sessions, {"resets"}),
    "streams broken so that the edge resets them": (resets_that_the_edge_must_send, {"resets", "concurrent_streams"}),
    "SETTINGS": (repeated(5000, settings((0x4, 70_000))), {"settings"}),
    "empty SETTINGS": (repeated(5000, settings()), {"settings"}),
    "PING": (repeated(5000, frame(PING, 0, 0, b"12345678")), {"pings"}),
    "empty DATA": (empty_data, {"empty_frames"}),
    "DATA of padding": (padding_only, {"empty_frames"}),
    "empty CONTINUATION": (empty_continuation, {"empty_frames", "continuations_or_acks"}),
    "CONTINUATION": (continuation, {"header_list", "continuations_or_acks"}),
    "CONTINUATION byte by byte": (many_small_continuations, {"continuations_or_acks"}),
    "PRIORITY": (priority, {"priorities"}),
    "PRIORITY_UPDATE": (priority_update, {"priorities", "unknown_frames"}),
    "WINDOW_UPDATE": (window_updates, {"window_updates"}),
    "WINDOW_UPDATE of a stream": (window_updates_of_a_stream, {"window_updates"}),
    "frames of unknown types": (repeated(5000, frame(0xEE, 0x55, 0, b"what?")), {"unknown_frames"}),
    "HPACK bomb": (hpack_bomb, {"header_list", "continuations_or_acks"}),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_flood(start_edge, name):
    flood, expected = FLOODS[name]
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1)
        assert not limits_hit(edge)
        async with Neighbour(edge) as neighbour:
            async with http2_raw.connect(edge.http) as client:
                await sends(client, flood(client))
                code = await client.goaway()
                assert code in (None, ENHANCE_YOUR_CALM), http2.error_name(code)
                await asyncio.wait_for(client.lost, 10)
            await neighbour.was_served(memory=8 * MIB)
            hit = limits_hit(edge)
            assert hit and hit <= expected, hit
            await eventually_async(lambda: edge.metric("fairlead_http2_connections_open") == 1, what="one connection")
            async with http2_raw.connect(edge.http) as client:  # the same client may try again
                stream, head = client.head()
                client.write(head)
                assert await client.status(stream) == 200


async def test_rapid_reset_does_not_reach_the_origins(start_edge):
    """What is reset in the same breath costs the origin no connection."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1)
        async with http2_raw.connect(edge.http) as client:
            await sends(client, rapid_reset(client))
            await asyncio.wait_for(client.lost, 10)
        assert origin.connections < 100, f"{origin.connections} connections for requests that nobody wanted"


async def test_what_browsers_do_is_no_flood(start_edge):
    """A page left with a hundred requests under way, a ping now and then, windows given back frame by frame."""
    go = asyncio.Event()

    async def ordinary(connection, head):
        if head.target == "/slow":
            await go.wait()
        await connection.send(answer("200 OK", bytes(300_000)))

    async with WireOrigin(handler=echo, ordinary=ordinary) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1)
        async with http2.connect(edge.http, stream_window=32_768) as client:
            for _ in range(3):
                left = [await client.begin(target="/slow") for _ in range(100)]
                await client.ping()
                for stream in left:
                    stream.abort()
            for _ in range(50):
                await client.ping()
            for _ in range(30):
                assert len((await client.request()).body) == 300_000
            async with client.session() as session:
                await session.text("fine")
                await session.expect(TEXT, b"fine")
            assert not client.goaways
        go.set()
        assert not limits_hit(edge)


@pytest.mark.parametrize("setting,batch,limit", [
    ("resets_per_second", None, "resets"), ("settings_per_second", settings(), "settings"),
    ("pings_per_second", frame(PING, 0, 0, bytes(8)), "pings"), ("priorities_per_second", None, "priorities"),
    ("window_updates_per_second", window_update(0, 1), "window_updates"),
    ("unknown_frames_per_second", frame(0xEE), "unknown_frames"), ("empty_frames_per_second", None, "empty_frames"),
])
async def test_a_limit_is_what_the_file_says(start_edge, setting, batch, limit):
    """Ten seconds' worth at once is allowed, and not much more."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1, limits={"http2": {setting: 2}})

        async def one(client, i):
            if limit == "resets":
                stream, head = client.head()
                await client.send(head, rst_stream(stream))
            elif limit == "priorities":
                await client.send(frame(PRIORITY, 0, 2 * i + 1, struct.pack(">IB", 0, 16)))
            elif limit == "empty_frames":
                if i == 0:
                    await client.send(client.head(END_HEADERS, method="POST")[1])
                await client.send(frame(DATA, 0, 1))
            else:
                await client.send(batch)

        async with http2_raw.connect(edge.http) as client:
            for i in range(18):  # the SETTINGS of the preface is one, too
                await one(client, i)
            # A request that comes behind them is answered, so they were seen and borne.
            stream, head = client.head()
            client.write(head)
            assert await client.status(stream) == 200
            assert not limits_hit(edge) and not [f for f in client.frames if f.kind == GOAWAY]
            with contextlib.suppress(ConnectionError):
                for i in range(18, 60):
                    await one(client, i)
            assert await client.goaway() == ENHANCE_YOUR_CALM
        assert limits_hit(edge) == {limit}
