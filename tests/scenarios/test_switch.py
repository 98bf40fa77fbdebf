"""R1 and R2: the WebSocket switch of a domain."""

import asyncio

import pytest

from harness.edge import domain
from harness.waiting import Stopwatch
from harness.wire import TEXT, Refused, WireOrigin


async def refused(transport, edge, status, code=None, host="live.edge.test"):
    with pytest.raises(Refused) as caught:
        async with transport.open_session(edge.http, host=host):
            pass
    assert caught.value.status == status
    problem = caught.value.message.problem()
    assert code is None or caught.value.message.head.get("fairlead-error") == code, problem
    return caught.value.message


# A domain beside, so that HTTP/2 by prior knowledge, which names none before the first request, offers sessions at all.
def beside(origin):
    return domain("beside.edge.test", origin)


async def test_off_is_403_with_a_reason_and_http_goes_on(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, websocket={"enabled": False}), beside(origin))
        await refused(transport, edge, 403, "websocket_disabled")
        answer = await transport.fetch(edge.http, "/page")
        assert answer.status == 200 and answer.body == b"ordinary\n"
        assert all("upgrade" not in {n.lower() for n, _ in r.fields} for r in origin.requests)


@pytest.mark.parametrize("acceleration,enabled", [("whole-site", True), ("static", False)])
async def test_the_default_follows_acceleration(transport, start_edge, acceleration, enabled):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, acceleration=acceleration), beside(origin))
        if enabled:
            async with transport.pair(edge.http, origin) as (client, served):
                await client.text("on")
                await served.expect(TEXT, b"on")
        else:
            await refused(transport, edge, 403, "websocket_disabled")


async def test_static_with_the_switch_on(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, acceleration="static", websocket={"enabled": True}))
        async with transport.pair(edge.http, origin) as (client, served):
            await served.text("on")
            await client.expect(TEXT, b"on")


def switched_off(edge, on_disable, **more):
    return edge.changed(lambda c: c["domains"][0].update(websocket={"enabled": False, "on_disable": on_disable, **more}))


async def test_close_ends_live_sessions_at_once(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), domain("other.edge.test", origin))
        async with transport.pair(edge.http, origin) as (client, served), \
                transport.pair(edge.http, origin, host="other.edge.test") as (bystander, bystander_served):
            since = Stopwatch()
            assert edge.reload(switched_off(edge, "close")) == "applied"
            await asyncio.gather(client.expect_close(1001), served.expect_close(1001))
            assert since.seconds < 1.5, since.seconds
            await asyncio.gather(client.expect_end(), served.expect_end())
            await refused(transport, edge, 403, "websocket_disabled")
            await bystander.text("undisturbed")
            await bystander_served.expect(TEXT, b"undisturbed")
        assert (await edge.logged({"close_cause": "disabled"}))["close_by"] == "operator"


async def test_close_waits_for_the_frame_boundary(transport, start_edge):
    from harness.wire import BINARY, encode
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with transport.pair(edge.http, origin) as (client, served):
            frame = encode(BINARY, bytes(1000))
            await served.send(frame[:500])
            first = await client.reader.readexactly(100)
            assert edge.reload(switched_off(edge, "close")) == "applied"
            await served.expect_close(1001, answer=False)
            await served.send(frame[500:])
            rest = await client.reader.readexactly(len(frame) - 100)
            assert first + rest == frame
            await client.expect_close(1001)


async def test_drain_ends_them_within_its_time(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        sessions = [transport.pair(edge.http, origin) for _ in range(20)]
        ends = [await s.__aenter__() for s in sessions]
        since = Stopwatch()
        assert edge.reload(switched_off(edge, "drain", drain_time="2s")) == "applied"
        await refused(transport, edge, 403, "websocket_disabled")

        async def when(client, served):
            await client.expect_close(1001, timeout=6)
            seconds = since.seconds
            await served.expect_close(1001)
            return seconds

        times = sorted(await asyncio.gather(*(when(c, s) for c, s in ends)))
        assert times[-1] <= 3.0, times
        assert times[-1] - times[0] > 0.5, f"all at once, not spread over the drain time: {times}"
        for s in sessions:
            await s.__aexit__(None, None, None)


async def test_keep_lets_them_live(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with transport.pair(edge.http, origin) as (client, served):
            assert edge.reload(switched_off(edge, "keep")) == "applied"
            await refused(transport, edge, 403, "websocket_disabled")
            for i in range(10):
                await client.text(f"{i}")
                await served.expect(TEXT, f"{i}".encode())
                await served.text(f"{i}")
                await client.expect(TEXT, f"{i}".encode())


async def test_a_removed_domain_ends_its_sessions(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), domain("other.edge.test", origin))
        async with transport.pair(edge.http, origin) as (client, served):
            assert edge.reload(edge.changed(lambda c: c["domains"].pop(0))) == "applied"
            await asyncio.gather(client.expect_close(1001), served.expect_close(1001))
        await refused(transport, edge, 404)


async def test_on_again(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, websocket={"enabled": False}), beside(origin))
        await refused(transport, edge, 403)
        assert edge.reload(edge.changed(lambda c: c["domains"][0].update(websocket={"enabled": True}))) == "applied"
        async with transport.pair(edge.http, origin) as (client, served):
            await client.text("on again")
            await served.expect(TEXT, b"on again")
