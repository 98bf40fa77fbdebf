"""SIGTERM: every session ends with 1001 on both sides, none with 1006; a second SIGTERM does not wait."""

import asyncio
import signal

import pytest

from harness import http1
from harness.edge import domain
from harness.waiting import Stopwatch, eventually_async
from harness.wire import BINARY, CLOSE, Ended, Refused, WireOrigin, encode


async def test_every_client_and_origin_sees_1001(transport, start_edge, ca):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}), drain_time="2s")
        contexts = [transport.pair(edge.http, origin) for _ in range(60)]
        contexts += [transport.pair(edge.https, origin, tls=ca.client_context()) for _ in range(20)]
        ends = [await c.__aenter__() for c in contexts]
        since = Stopwatch()
        edge.signal(signal.SIGTERM)

        async def one(client, served):
            frame = await client.expect_close(1001, timeout=8)
            seconds = since.seconds
            await served.expect_close(1001, timeout=8)
            await asyncio.gather(client.at_end(), served.at_end())
            return seconds, frame.reason

        results = await asyncio.gather(*(one(c, s) for c, s in ends))
        times = sorted(seconds for seconds, _ in results)
        assert times[-1] <= 3.0, f"the last was told after {times[-1]:.2f} s of drain_time 2 s"
        assert times[-1] - times[0] > 0.5, f"not spread: {times[0]:.2f} to {times[-1]:.2f}"
        assert await asyncio.to_thread(edge.wait, 10) == 0
        records = [r for r in edge.access_log() if r.get("close_cause")]
        assert len(records) == 80 and {r["close_cause"] for r in records} == {"drain"}
        assert {r["close_code"] for r in records} == {1001}
        for c in contexts:
            await c.__aexit__(None, None, None)


async def test_with_no_sessions_it_ends_at_once(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), drain_time="30s")
        async with transport.connect(edge.http) as idle:  # a kept-alive connection is not a reason to stay
            assert (await idle.request()).status == 200
            since = Stopwatch()
            assert await asyncio.to_thread(edge.terminate) == 0
            assert since.seconds < 3, since.seconds


async def test_while_draining_it_is_not_ready_and_takes_nobody(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), drain_time="3s")
        contexts = [transport.pair(edge.http, origin) for _ in range(10)]
        ends = [await c.__aenter__() for c in contexts]
        edge.signal(signal.SIGTERM)
        await eventually_async(lambda: edge.get("/readyz")[0] == 503, 2, "/readyz to answer 503")
        assert edge.get("/healthz")[0] == 200
        try:
            async with transport.open_session(edge.http):
                raise AssertionError("a new session was accepted while draining")
        except (ConnectionError, Ended):
            pass
        except Refused as refused:
            assert refused.status == 503
        await asyncio.gather(*(c.expect_close(1001, timeout=8) for c, _ in ends))
        await asyncio.gather(*(s.expect_close(1001, timeout=8) for _, s in ends))
        assert await asyncio.to_thread(edge.wait, 10) == 0
        for c in contexts:
            await c.__aexit__(None, None, None)


async def test_a_request_under_way_is_answered(transport, start_edge):
    began, go = asyncio.Event(), asyncio.Event()

    async def slow(connection):
        await http1.read_request(connection.reader)
        began.set()
        await go.wait()
        await connection.send(http1.answer("200 OK", b"late but whole"))

    async with http1.ScriptedOrigin(slow) as origin:
        edge = start_edge(domain("live.edge.test", origin), drain_time="10s")
        request = asyncio.create_task(transport.fetch(edge.http))
        await began.wait()
        edge.signal(signal.SIGTERM)
        await eventually_async(lambda: edge.get("/readyz")[0] == 503, 2, "/readyz to answer 503")
        go.set()
        answer = await request
        assert answer.status == 200 and answer.body == b"late but whole"
        assert await asyncio.to_thread(edge.wait, 10) == 0


async def test_close_comes_at_a_frame_boundary(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), drain_time="1s")
        async with transport.pair(edge.http, origin) as (client, served):
            frame = encode(BINARY, bytes(range(256)) * 40)
            await served.send(frame[:700])
            first = await client.reader.readexactly(600)
            edge.signal(signal.SIGTERM)
            await served.expect_close(1001, answer=False)
            await served.send(frame[700:])
            assert first + await client.reader.readexactly(len(frame) - 600) == frame
            await client.expect_close(1001)
            await served.frame(CLOSE, b"\x03\xe9")
            assert await asyncio.to_thread(edge.wait, 10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_at_once(transport, start_edge, number):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), drain_time="60s")
        contexts = [transport.pair(edge.http, origin) for _ in range(10)]
        for c in contexts:
            await c.__aenter__()
        edge.signal(number)
        await eventually_async(lambda: edge.get("/readyz")[0] == 503, 2, "/readyz to answer 503")
        assert edge.running()
        since = Stopwatch()
        edge.signal(number)
        assert await asyncio.to_thread(edge.wait, 10) == 0
        assert since.seconds < 2, since.seconds
        for c in contexts:
            await c.__aexit__(None, None, None)


async def test_peers_that_never_answer_do_not_hold_it(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin), drain_time="1s")
        async with transport.pair(edge.http, origin):
            since = Stopwatch()
            assert await asyncio.to_thread(edge.terminate, 15) == 0
            assert since.seconds < 8, since.seconds
