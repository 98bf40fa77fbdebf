"""R3: connection_timeout. No data either way for that long ends the session, on both sides, within half a second of
its setting; any frame of either side puts the end off."""

import asyncio

import pytest

from harness.edge import domain
from harness.waiting import Stopwatch
from harness.wire import BINARY, CONTINUATION, PING, PONG, TEXT, WireOrigin, encode

TIMEOUT = 2.0
TOLERANCE = 0.5


def idle_domain(origin, ca=None, **websocket):
    return domain("live.edge.test", origin, ca=ca,
                  websocket={"connection_timeout": f"{TIMEOUT:.0f}s", "origin_scheme": "http", **websocket})


async def ends_idle(client, origin, since):
    """Both ends see Close 1001 that names the clock, TIMEOUT after `since` was started."""

    async def one(end):
        frame = await end.expect_close(1001, timeout=TIMEOUT + 3, skip=(PING, PONG, TEXT, BINARY, 0))
        assert "connection_timeout" in frame.reason, frame
        return since.seconds

    for seconds in await asyncio.gather(one(client), one(origin)):
        assert abs(seconds - TIMEOUT) <= TOLERANCE, f"ended after {seconds:.2f} s"
    await asyncio.gather(client.at_end(), origin.at_end())


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_silence_ends_both_sides(transport, scheme, start_edge, ca):
    async with WireOrigin() as origin:
        edge = start_edge(idle_domain(origin, ca))
        port, tls = (edge.http, None) if scheme == "ws" else (edge.https, ca.client_context())
        async with transport.pair(port, origin, tls=tls) as (client, served):
            await ends_idle(client, served, Stopwatch())
        record = await edge.logged({"close_cause": "connection_timeout"})
        assert record["close_by"] == "edge" and record["close_code"] == 1001 and record["status"] == transport.session_status
        assert abs(record["duration_ms"] - TIMEOUT * 1000) <= 600


# What each peer does to show life; `i` counts its acts.
ACTS = {
    "client text": lambda c, o, i: c.text("x"),
    "client binary": lambda c, o, i: c.binary(bytes(1000)),
    "client empty text": lambda c, o, i: c.text(""),
    "client ping": lambda c, o, i: c.ping(b"mine"),
    "client pong": lambda c, o, i: c.pong(b"unasked"),
    "client fragment": lambda c, o, i: c.frame(BINARY if i == 0 else CONTINUATION, b"part", fin=False),
    "origin text": lambda c, o, i: o.text("x"),
    "origin ping": lambda c, o, i: o.ping(b"yours"),
    "origin pong": lambda c, o, i: o.pong(),
}


async def test_any_frame_postpones_the_end(transport, start_edge):
    """All kinds at once, a session each: the clocks do not disturb one another."""
    async def kind(name):
        async with WireOrigin() as origin:
            host = f"{name.replace(' ', '-')}.edge.test"
            domains.append({**idle_domain(origin), "name": host})
            ready.release()
            await go.wait()
            async with transport.pair(edge.http, origin, host=host) as (client, served):
                for i in range(3):
                    await asyncio.sleep(1.0)  # the pace of the peer, not a wait for anything
                    await ACTS[name](client, served, i)
                    since = Stopwatch()
                await ends_idle(client, served, since)

    domains, ready, go = [], asyncio.Semaphore(0), asyncio.Event()
    tasks = [asyncio.create_task(kind(name)) for name in ACTS]
    for _ in ACTS:
        await ready.acquire()
    edge = start_edge(*domains)
    go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failed = {name: r for name, r in zip(ACTS, results) if isinstance(r, BaseException)}
    assert not failed, failed


async def test_bytes_of_one_long_frame_are_data(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(idle_domain(origin))
        async with transport.pair(edge.http, origin) as (client, served):
            frame = encode(BINARY, b"0123456789", key=b"abcd")
            await client.send(frame[:6])
            for byte in frame[6:]:
                await asyncio.sleep(0.5)
                await client.send(bytes([byte]))
            assert (await served.recv()).payload == b"0123456789"


async def test_the_other_domain_keeps_its_own_clock(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(idle_domain(origin), domain("slow.edge.test", origin, websocket={"connection_timeout": "60s"}))
        async with transport.pair(edge.http, origin) as (client, served), \
                transport.pair(edge.http, origin, host="slow.edge.test") as (other, other_served):
            await ends_idle(client, served, Stopwatch())
            await other.text("still here")
            await other_served.expect(TEXT, b"still here")
