"""R13 over HTTP/2: clients that make the edge work for nothing. Each ends in GOAWAY ENHANCE_YOUR_CALM or a closed connection
and is counted under its limit's name; the edge's memory stays bounded; another client on the same worker is served
meanwhile."""

import asyncio
import contextlib
import os
import statistics
import struct

import hpack
import pytest

from harness import http2, http2_raw
from harness.edge import domain, sanitized
from harness.http1 import answer
from harness.http2_raw import (ACK, COMPRESSION_ERROR, CONTINUATION, DATA, END_HEADERS, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
                               PING, PRIORITY, SETTINGS, frame, rst_stream, settings, window_update)
from harness.waiting import Stopwatch, eventually_async
from harness.wire import TEXT, Refused, WireOrigin, echo

MIB = 1 << 20


def site(origin, **settings):
    return domain("live.edge.test", origin, **settings)


class Neighbour:
    """A well-behaved client with a session and requests, on a connection of its own. While it is watched, it makes round
    trips and keeps the longest, and the edge's memory."""

    def __init__(self, edge):
        self.edge = edge

    async def __aenter__(self):
        self.stack = contextlib.AsyncExitStack()
        self.client = await self.stack.enter_async_context(http2.connect(self.edge.http))
        self.session = await self.stack.enter_async_context(self.client.session())
        for _ in range(20):  # what is allocated once is allocated
            await self.round_trip()
        self.before = self.peak = self.edge.rss()
        self.times, self.over = [], False
        self.watching = asyncio.create_task(self.watch())
        return self

    async def __aexit__(self, *failure):
        self.over = True
        await asyncio.gather(self.watching, return_exceptions=True)
        await self.stack.__aexit__(*failure)

    async def round_trip(self):
        since = Stopwatch()
        await self.session.text("there?")
        await self.session.expect(TEXT, b"there?")
        assert (await self.client.request()).status == 200
        return since.seconds

    async def watch(self):
        while not self.over:
            self.times.append(await self.round_trip())
            self.peak = max(self.peak, self.edge.rss())
            await asyncio.sleep(0.01)

    async def was_served(self, memory):
        """Ends the watch. Since it began: promptly, and with no more than `memory` bytes more in the edge."""
        self.over = True
        await self.watching
        self.times.append(await self.round_trip())
        assert max(self.times) < (5 if sanitized() else 1), sorted(self.times)[-5:]
        assert len(self.times) < 10 or statistics.median(self.times) < (1 if sanitized() else 0.1), sorted(self.times)
        grown = max(self.peak, self.edge.rss()) - self.before
        assert sanitized() or grown < memory, f"the edge grew by {grown} bytes"


async def sends(client, batches, pause=0):
    """Sends each batch of frames until all are sent or the edge has ended the connection. True when it has."""
    with contextlib.suppress(ConnectionError):
        for batch in batches:
            await asyncio.wait_for(client.send(*batch), 10)
            await asyncio.sleep(pause)
        return False
    return True


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


def limits_hit(edge):
    return {labels["limit"] for labels, value in edge.metrics().get("fairlead_http2_limit_total", []) if value > 0}


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


# --- heads


async def test_a_head_over_the_limit_is_431_and_far_over_it_the_end(start_edge):
    request = [(":method", "GET"), (":scheme", "http"), (":authority", "live.edge.test"), (":path", "/")]
    # One field that is longer than any decoder takes is an error of HPACK's.
    far_over = [(hpack.Encoder().encode(request + fields), codes) for fields, codes in (
        ([(f"x-{i}", os.urandom(3_000).hex()) for i in range(12)], {ENHANCE_YOUR_CALM}),
        ([("x-far", os.urandom(60_000).hex())], {ENHANCE_YOUR_CALM, COMPRESSION_ERROR}))]
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1, limits={"max_head_bytes": "8KiB"})
        async with Neighbour(edge) as neighbour:
            async with http2.connect(edge.http) as client:
                message = await client.request(fields=[("x-big", "y" * 10_000)])
                assert message.status == 431 and message.problem()
                message = await client.request(fields=[(f"x-{i}", "y") for i in range(300)])
                assert message.status == 431, "many small fields count by their number, and 32 bytes each"
                with pytest.raises(Refused) as caught:
                    async with client.session(fields=[("x-big", "y" * 10_000)]):
                        pass
                assert caught.value.status == 431
                assert (await client.request(fields=[("x-big", "y" * 5_000)])).status == 200
                assert client.h2.remote_settings.max_header_list_size == 8192
            assert limits_hit(edge) == {"header_list"}
            for block, codes in far_over:
                async with http2_raw.connect(edge.http) as client:
                    parts = [block[at:at + 16_000] for at in range(0, len(block), 16_000)]
                    with contextlib.suppress(ConnectionError):
                        await client.send(frame(HEADERS, 0, 1, parts[0]))
                        for part in parts[1:-1]:
                            await client.send(frame(CONTINUATION, 0, 1, part))
                        await client.send(frame(CONTINUATION, END_HEADERS, 1, parts[-1]))
                    assert await client.goaway() in {None, *codes}
                    await asyncio.wait_for(client.lost, 10)
            assert limits_hit(edge) <= {"header_list", "continuations_or_acks"}
            await neighbour.was_served(memory=4 * MIB)
        assert "y" * 100 not in edge.log()


@pytest.mark.parametrize("how", ["no END_HEADERS", "half a frame", "half a frame header", "only the preface", "half a preface",
                                 "a byte now and then"])
async def test_half_a_head_is_not_waited_for(start_edge, how):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, layer7={"client_header_timeout": "1s"}), h2c=True, workers=1)
        edge.stop()
        edge.config["listeners"][0]["handshake_timeout"] = "1s"
        edge.start()
        async with Neighbour(edge) as neighbour:
            async with http2_raw.connect(edge.http, preface=False) as client:
                since = Stopwatch()
                head = frame(HEADERS, 0, 1, client.block())
                sent = {"no END_HEADERS": http2_raw.PREFACE + settings() + head,
                        "half a frame": http2_raw.PREFACE + settings() + head[:-3],
                        "half a frame header": http2_raw.PREFACE + settings() + head[:5],
                        "only the preface": http2_raw.PREFACE + settings(),
                        "half a preface": http2_raw.PREFACE[:10],
                        "a byte now and then": http2_raw.PREFACE + settings()}[how]
                client.write(sent)
                with contextlib.suppress(ConnectionError):
                    for byte in head if how == "a byte now and then" else b"":
                        if client.lost.done():
                            break
                        await client.send(bytes([byte]))
                        await asyncio.sleep(0.1)
                await asyncio.wait_for(client.lost, 6)
                assert 0.7 <= since.seconds <= 4, since.seconds
            await neighbour.was_served(memory=2 * MIB)
        if "preface" not in how:
            assert limits_hit(edge) == {"slow_client"}


@pytest.mark.parametrize("how", ["no END_HEADERS", "half a frame", "a byte now and then"])
async def test_half_a_later_head_is_not_waited_for(start_edge, how):
    """client_header_timeout; a session beside it does not put it off, and ends with its connection."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, layer7={"client_header_timeout": "1s"}), h2c=True, workers=1)
        async with http2_raw.connect(edge.http) as client:
            stream, head = client.handshake()
            client.write(head)
            assert await client.status(stream) == 200
            since = Stopwatch()
            half = frame(HEADERS, 0, 3, client.block())
            if how == "a byte now and then":
                with contextlib.suppress(ConnectionError):
                    for byte in half:
                        if client.lost.done():
                            break
                        await client.send(bytes([byte]))
                        await asyncio.sleep(0.1)
            else:
                client.write(half if how == "no END_HEADERS" else half[:-3])
            assert await client.goaway(6) in (None, ENHANCE_YOUR_CALM)
            await asyncio.wait_for(client.lost, 6)
            assert 0.7 <= since.seconds <= 4, since.seconds
        assert limits_hit(edge) == {"slow_client"}
        record = await edge.logged({"method": "CONNECT"})
        assert record["close_by"] in ("client", "edge")


# --- streams


async def test_streams_beyond_the_limit_are_refused(start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1, limits={"http2": {"max_concurrent_streams": 10}})
        async with http2_raw.connect(edge.http) as client:
            first = [client.handshake() for _ in range(10)]
            client.write(*(head for _, head in first))
            for stream, _ in first:
                assert await client.status(stream) == 200
            said = next(f for f in client.frames if f.kind == SETTINGS and not f.flags & ACK)
            pairs = dict(struct.unpack(">HI", said.payload[i:i + 6]) for i in range(0, len(said.payload), 6))
            assert pairs[0x3] == 10
            beyond = [client.handshake() for _ in range(5)]
            client.write(*(head for _, head in beyond))
            for stream, _ in beyond:
                assert await client.status(stream) is None and client.reset_of(stream) == "REFUSED_STREAM"
            assert edge.metric("fairlead_http2_limit_total", limit="concurrent_streams") == 5
            assert edge.metric("fairlead_http2_streams_open") == 10
            client.write(rst_stream(first[0][0]))
            await eventually_async(lambda: edge.metric("fairlead_http2_streams_open") == 9, what="a free place")
            stream, head = client.handshake()
            client.write(head)
            assert await client.status(stream) == 200


async def test_many_more_streams_than_allowed(start_edge):
    """A client that goes on opening streams beyond the limit is ended in the end; the edge never holds more than it said."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1)

        def openings(client):
            for _ in range(200):
                yield [client.handshake()[1] for _ in range(50)]

        async with Neighbour(edge) as neighbour:
            async with http2_raw.connect(edge.http, first=settings() + frame(SETTINGS, ACK)) as client:
                await sends(client, openings(client))
                assert await client.goaway() in (None, ENHANCE_YOUR_CALM, 0x1)
                await asyncio.wait_for(client.lost, 10)
            await neighbour.was_served(memory=10 * MIB)
            assert "concurrent_streams" in limits_hit(edge)
        assert origin.connections <= 128 + 2


# --- slow windows


async def test_answers_that_nobody_takes_are_bounded_and_end(start_edge):
    """128 answers of a megabyte to a client whose windows stay shut: they cost what windows and chunks allow, nobody else
    notices, and when nothing was taken for client_send_timeout they end."""
    async def ordinary(connection, head):
        with contextlib.suppress(ConnectionError):
            await connection.send(answer("200 OK", bytes(MIB) if head.target == "/big" else b"small"))

    async with WireOrigin(handler=echo, ordinary=ordinary) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1, limits={"client_send_timeout": "2s"})
        async with Neighbour(edge) as neighbour:
            async with http2_raw.connect(edge.http, first=settings((0x4, 1))) as client:
                asked = [client.head(path="/big") for _ in range(128)]
                client.write(*(head for _, head in asked))
                for stream, _ in asked:
                    assert await client.status(stream) == 200
                since = Stopwatch()
                await eventually_async(lambda: edge.metric("fairlead_http2_streams_open") <= 1, 12, "the streams to end")
                assert since.seconds > 1
            await neighbour.was_served(memory=(128 * 128 << 10) + 2 * MIB)
            assert limits_hit(edge) == {"slow_client"}


async def test_a_client_that_reads_nothing_at_all(start_edge):
    """Its kernel's buffers are full, too: not even a GOAWAY reaches it. What it asked for, again and again, is not kept."""
    async def ordinary(connection, head):
        with contextlib.suppress(ConnectionError):
            await connection.send(answer("200 OK", bytes(MIB)))

    async with WireOrigin(handler=echo, ordinary=ordinary) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1)
        async with Neighbour(edge) as neighbour:
            async with http2_raw.connect(edge.http, first=settings((0x4, (1 << 31) - 1))) as client:
                client.write(window_update(0, (1 << 31) - 1 - 65_535))
                client.transport.pause_reading()
                for _ in range(100):
                    client.write(client.head()[1])
                # PINGs to be answered into a socket that takes nothing: at most what the limit allows is kept.
                await asyncio.wait_for(sends(client, ([frame(PING, 0, 0, bytes(8))] for _ in range(90))), 10)
                stuck = {"at": -1, "looks": 0}

                def still():
                    now = edge.rss()
                    stuck["looks"] = stuck["looks"] + 1 if abs(now - stuck["at"]) < 65_536 else 0
                    stuck["at"] = now
                    return stuck["looks"] >= 20

                await eventually_async(still, 20, "memory to settle", pause=0.05)
                await neighbour.was_served(memory=(100 * 128 << 10) + 2 * MIB)
            await eventually_async(lambda: edge.metric("fairlead_http2_connections_open") == 1, what="the end of it")


