"""Streams that nobody reads, among others on the same connection: their neighbours do not notice, and the edge holds no more
for them than windows and chunks allow."""

import asyncio
import contextlib
import statistics

import pytest

from harness import http2
from harness.edge import domain, sanitized
from harness.waiting import Stopwatch, eventually_async
from harness.wire import BINARY, TEXT, WireOrigin, echo, encode

MIB = 1 << 20
STREAMS = 100
FLOOD = {"client": encode(BINARY, bytes(MIB), key=bytes(4)), "origin": encode(BINARY, bytes(MIB))}


async def flood(wire):
    """Sends as long as anything is taken."""
    while True:
        await wire.send(FLOOD[wire.role])


async def flood_or_echo(wire):
    await (flood(wire) if wire.request_head.target == "/flood" else echo(wire))


def site(origin, **settings):
    return domain("live.edge.test", origin, websocket={"connection_timeout": "1h"}, **settings)


async def settles(edge):
    """Waits until the edge has had nothing to do for half a second, all windows and the kernel's buffers being full, and
    returns its memory."""
    last = {"state": None, "looks": 0}

    def still():
        now = edge.rss(), edge.ticks()
        last["looks"] = last["looks"] + 1 if now == last["state"] else 0
        last["state"] = now
        return last["looks"] >= 25

    await eventually_async(still, 60, "the edge to have nothing to do", pause=0.02)
    return edge.rss()


class Crowd:
    """STREAMS sessions on one connection, of which one is stalled, or merely idle."""

    def __init__(self, edge, stalled):
        self.edge, self.stalled, self.stack = edge, stalled, contextlib.AsyncExitStack()

    async def __aenter__(self):
        self.client = await self.stack.enter_async_context(http2.connect(self.edge.http))
        self.odd = await self.stack.enter_async_context(self.client.session("/flood" if self.stalled else "/", manual=True))
        self.rest = [await self.stack.enter_async_context(self.client.session()) for _ in range(STREAMS - 1)]
        if self.stalled:
            await self.odd.stream.reader.readexactly(self.client.stream_window)
            await self.client.ping()
            assert not self.odd.stream.reader._buffer, "the window is used up"
        return self

    async def __aexit__(self, *failure):
        await self.stack.__aexit__(*failure)

    async def rate(self, seconds):
        """Messages a second that come back to the sessions that are not the odd one."""
        count, since = 0, Stopwatch()

        async def talk(session):
            nonlocal count
            while since.seconds < seconds:
                await session.text("how are you today?")
                await session.expect(TEXT)
                count += 1

        await asyncio.gather(*(talk(s) for s in self.rest))
        return count / since.seconds


@pytest.mark.timeout(180)
async def test_99_neighbours_keep_their_message_rate(start_edge):
    """Two connections to one worker: on one of them a stream is stalled. Runs alternate, and which is first does, too, so that
    what else the machine does falls on both alike; the median of the ratios is judged. Where the machine is busy, more of
    them are needed before it says anything."""
    async with WireOrigin(handler=flood_or_echo) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1)
        async with Crowd(edge, stalled=True) as with_stalled, Crowd(edge, stalled=False) as without:
            ratios = []
            for turn in range(202):
                first, second = (with_stalled, without) if turn % 2 else (without, with_stalled)
                rates = {first: await first.rate(0.2), second: await second.rate(0.2)}
                if turn >= 2:  # the first ones warm up
                    ratios.append(rates[with_stalled] / rates[without])
                if turn >= 42 and 0.95 <= statistics.median(ratios) <= 1.05:
                    break
            ratio = statistics.median(ratios)
            assert all(rate > 100 for rate in rates.values()), rates
            assert 0.95 <= ratio <= 1.05, f"{ratio:.3f} of the rate without a stalled neighbour; {sorted(ratios)}"
            assert not with_stalled.odd.stream.over, "the stalled stream lives"


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_100_stalled_clients_cost_windows_and_chunks(start_edge, ca, scheme):
    """Towards the client the edge keeps what a relay has read and cannot write: a chunk, 64 KiB, for each stream."""
    async with WireOrigin(handler=flood_or_echo, limit=65_536) as origin:
        edge = start_edge({**site(origin, ca=ca), "websocket": {"connection_timeout": "1h", "origin_scheme": "http"}},
                          h2c=True, workers=1)
        port, tls = (edge.http, None) if scheme == "ws" else (edge.https, ca.client_context())
        async with http2.connect(port, tls) as client, contextlib.AsyncExitStack() as stack:
            good = await stack.enter_async_context(client.session())
            before = await settles(edge)
            for _ in range(STREAMS):
                await stack.enter_async_context(client.session("/flood", manual=True))
            held = await settles(edge) - before
            assert sanitized() or held < STREAMS * (64 << 10) * 1.5 + MIB, f"the edge holds {held} bytes"
            for i in range(200):
                await good.text(f"{i}")
                await good.expect(TEXT, f"{i}".encode(), timeout=3)
            assert edge.metric("fairlead_sessions_open") == STREAMS + 1


async def test_100_stalled_origins_cost_windows(start_edge):
    """Towards the origin it keeps what a client may send ahead: stream_window for each stream, and a chunk."""
    async with WireOrigin(limit=65_536) as sleepy, WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), domain("sleepy.edge.test", sleepy, websocket={"connection_timeout": "1h"}),
                          h2c=True, workers=1)
        async with http2.connect(edge.http) as client, contextlib.AsyncExitStack() as stack:
            good = await stack.enter_async_context(client.session())
            sessions = []
            for _ in range(STREAMS):
                sessions.append(await stack.enter_async_context(client.session(host="sleepy.edge.test")))
                (await sleepy.accept()).fall_asleep()
            before = await settles(edge)
            sending = [asyncio.create_task(flood(s)) for s in sessions]
            held = await settles(edge) - before
            assert sanitized() or held < STREAMS * (128 << 10) * 1.25 + MIB, f"the edge holds {held} bytes"
            for i in range(200):
                await good.text(f"{i}")
                await good.expect(TEXT, f"{i}".encode(), timeout=3)
            for task in sending:
                task.cancel()
            assert edge.metric("fairlead_sessions_open") == STREAMS + 1


async def test_stalled_streams_wake_up_and_nothing_is_missing(start_edge):
    """Streams that stop and go on in turns, with all that was sent arriving once and in order."""
    size, total = 5_000, 400

    async def count_up(wire):
        for i in range(total):
            await wire.binary(i.to_bytes(4, "big") * (size // 4))
        await wire.at_end(60)

    async with WireOrigin(handler=count_up) as origin:
        edge = start_edge(site(origin), h2c=True, workers=1)
        async with http2.connect(edge.http) as client, contextlib.AsyncExitStack() as stack:
            sessions = [await stack.enter_async_context(client.session(limit=20_000)) for _ in range(20)]

            async def read_by_fits(number, session):
                for i in range(total):
                    if i % 100 == number:
                        session.stream.fall_asleep()
                        await asyncio.sleep(0.2)  # a reader that has other things to do
                    frame = await session.recv(30)
                    assert frame.payload == i.to_bytes(4, "big") * (size // 4), f"session {number}, message {i}"

            await asyncio.gather(*(read_by_fits(n, s) for n, s in enumerate(sessions)))
