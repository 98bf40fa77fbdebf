"""R13 over HTTP/2: how much a client may ask for and how long it may take: heads, streams, windows, reading. Each limit is
counted under its name, and another client on the same worker is served meanwhile."""

import asyncio
import contextlib
import os
import struct

import hpack
import pytest

from harness import http2, http2_raw
from harness.http1 import answer
from harness.http2_checks import MIB, Neighbour, limits_hit, sends, site
from harness.http2_raw import (ACK, COMPRESSION_ERROR, CONTINUATION, END_HEADERS, ENHANCE_YOUR_CALM, HEADERS, PING, SETTINGS,
                               frame, rst_stream, settings, window_update)
from harness.waiting import Stopwatch, eventually_async
from harness.wire import Refused, WireOrigin, echo

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
