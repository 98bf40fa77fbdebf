"""R7: many sessions and requests on one HTTP/2 connection, each with a life of its own, told apart in the log, and ended in
order. What HTTP/1.1 does as well is tested once for both (harness/transport.py)."""

import asyncio
import contextlib
import signal

import pytest

from harness import http1, http2, http2_raw
from harness.http1 import ScriptedOrigin, answer, read_request
from harness.http2_checks import site
from harness.waiting import eventually_async
from harness.wire import CLOSE, TEXT, Ended, WireOrigin, echo


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_ten_sessions_on_one_connection_are_told_apart(start_edge, ca, scheme):
    async with WireOrigin(handler=echo) as origin, contextlib.AsyncExitStack() as stack:
        edge = start_edge(site(origin, ca=ca), h2c=True)
        port, tls = (edge.http, None) if scheme == "ws" else (edge.https, ca.client_context())
        client = await stack.enter_async_context(http2.connect(port, tls))
        sessions = [await stack.enter_async_context(client.session(f"/room/{i}")) for i in range(10)]
        for i, session in enumerate(sessions):
            for _ in range(i + 1):
                await session.text("x" * i)
        for i, session in enumerate(sessions):
            for _ in range(i + 1):
                await session.expect(TEXT, b"x" * i)
            await session.send_close(1000)
            await session.expect(CLOSE)
            await session.expect_end()
        records = await eventually_async(lambda: (r := edge.access_log()) and len(r) >= 10 and r, what="ten records")
        assert len(records) == 10
        assert {(r["protocol"], r["method"], r["status"], r["client_port"]) for r in records} == {
            ("h2", "CONNECT", 200, client.port)}
        assert len({r["stream"] for r in records}) == 10 and all(r["stream"] % 2 for r in records)
        assert len({r["session"] for r in records}) == 10
        by_stream = {r["stream"]: r for r in records}
        for i, session in enumerate(sessions):
            record = by_stream[session.stream.id]
            assert record["target"] == f"/room/{i}" and record["messages_in"] == i + 1 == record["messages_out"]
            assert record["close_cause"] == "closing_handshake"


async def test_requests_and_sessions_share_a_connection_and_do_not_wait_for_each_other(start_edge):
    go = asyncio.Event()

    async def ordinary(connection, head):
        if head.target == "/slow":
            await go.wait()
        await connection.send(answer("200 OK", head.target.encode()))

    async with WireOrigin(handler=echo, ordinary=ordinary) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client:
            slow = asyncio.create_task(client.request(target="/slow"))
            async with client.session() as session:
                for i in range(20):
                    message = await client.request(target=f"/{i}")
                    assert message.status == 200 and message.body == f"/{i}".encode()
                    await session.text(f"{i}")
                    await session.expect(TEXT, f"{i}".encode())
            assert not slow.done()
            go.set()
            assert (await slow).body == b"/slow"
        records = [await edge.logged({"target": target}) for target in ("/slow", "/7", "/")]
        assert len({r["client_port"] for r in records}) == 1 and len({r["stream"] for r in records}) == 3
        assert [r["method"] for r in records] == ["GET", "GET", "CONNECT"]


async def test_metrics_tell_http2_apart(start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True)

        def count(name, **labels):
            return edge.metric(f"fairlead_{name}", **labels) or 0

        def by_protocol(name):
            return tuple(count(name, domain="live.edge.test", protocol=p) for p in ("h1", "h2"))

        async with http2.connect(edge.http) as client, client.session(), client.session():
            await client.request()
            await client.request()
            assert (await http1.fetch(edge.http)).status == 200
            stream = await client.begin()
            await stream.head()
            await eventually_async(lambda: count("http2_streams_open") == 2, what="the requests to be over")
            assert count("http2_connections_open") == 1 == count("http2_connections_total")
            assert count("http2_streams_total") == 5
            assert by_protocol("sessions_opened_total") == (0, 2)
            await eventually_async(lambda: by_protocol("http_requests_by_protocol_total") == (1, 3), what="4 requests")
            assert count("http2_stream_resets_total") == 0
            client.ask().abort()
            await eventually_async(lambda: count("http2_stream_resets_total") == 1, what="a reset")
        await eventually_async(lambda: count("http2_connections_open") == 0 == count("http2_streams_open"), what="the end")


async def test_a_reset_stream_ends_its_session_only(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client, client.session() as stays, client.session() as goes:
            served_stays, served_goes = await origin.accept(), await origin.accept()
            goes.reset()
            frame_or_end = await _frame_or_end(served_goes)
            assert frame_or_end is None or frame_or_end.opcode == CLOSE, frame_or_end
            served_goes.close()
            record = await edge.logged({"close_cause": "connection_lost"})
            assert record["close_by"] == "client" and record["stream"] == goes.stream.id
            await stays.text("still here")
            await served_stays.expect(TEXT, b"still here")
            await served_stays.text("me too")
            await stays.expect(TEXT, b"me too")
            assert len(edge.whole_access_log()) == 1


async def test_a_lost_origin_resets_or_ends_its_stream_only(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client, client.session() as stays, client.session() as goes:
            served_stays, served_goes = await origin.accept(), await origin.accept()
            served_goes.reset()
            got = await _frame_or_end(goes)
            assert got is None or (got.opcode == CLOSE and got.code != 1006), got
            await stays.text("still here")
            await served_stays.expect(TEXT, b"still here")


async def _frame_or_end(wire):
    try:
        return await wire.recv()
    except Ended:
        return None


async def test_an_orderly_end_is_end_stream_and_no_reset(start_edge):
    """What browsers take for clean: Close, then END_STREAM from both sides."""
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client, client.session() as session:
            served = await origin.accept()
            await served.send_close(4000, "enough")
            await session.expect_close(4000)
            await served.expect(CLOSE)
            served.close()
            await session.expect_end()  # END_STREAM; this side's follows
            await eventually_async(lambda: session.stream.over, what="both sides to have ended")
            await client.ping()
            assert session.stream.remote_ended and session.stream.reset_code is None


async def test_a_live_session_keeps_the_connection(start_edge):
    """keepalive_timeout is for connections on which nothing is under way."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, layer7={"keepalive_timeout": "1s"}), h2c=True)
        async with http2.connect(edge.http) as client:
            async with client.session() as session:
                for i in range(5):
                    await asyncio.sleep(0.5)  # the pace of the peer
                    await session.text(f"{i}")
                    await session.expect(TEXT, f"{i}".encode())
            assert await client.at_end(5) == b"" and client.goaways[-1][0] == 0


# --- drain


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_drain_says_goaway_and_closes_each_session_by_itself(start_edge, ca, scheme):
    async with WireOrigin() as origin, contextlib.AsyncExitStack() as stack:
        edge = start_edge(site(origin, ca=ca), h2c=True, drain_time="2s")
        port, tls = (edge.http, None) if scheme == "ws" else (edge.https, ca.client_context())
        client = await stack.enter_async_context(http2.connect(port, tls))
        sessions = []
        for _ in range(20):
            session = await stack.enter_async_context(client.session())
            sessions.append((session, await origin.accept()))
        edge.signal(signal.SIGTERM)
        await eventually_async(lambda: client.goaways, 2, "GOAWAY")

        async def one(session, served):
            frame = await session.expect_close(1001, timeout=8)
            await served.expect_close(1001, timeout=8)
            await session.expect_end()
            assert session.stream.reset_code is None
            return frame.reason

        reasons = await asyncio.gather(*(one(*s) for s in sessions))
        assert all(reasons), "a Close without a reason"
        await client.at_end()
        assert {code for code, _, _ in client.goaways} == {0}, client.goaways
        assert client.goaways[-1][1] == sessions[-1][0].stream.id, "the last stream that was taken"
        assert await asyncio.to_thread(edge.wait, 10) == 0
        records = edge.access_log()
        assert len(records) == 20 and {(r["close_cause"], r["close_code"], r["client_port"]) for r in records} == {
            ("drain", 1001, client.port)}


async def test_a_request_that_crosses_the_goaway_is_answered_or_may_be_sent_again(start_edge):
    """The first GOAWAY names no last stream, so that nothing on its way is lost (RFC 9113 section 6.8)."""
    began, go = asyncio.Event(), asyncio.Event()

    async def slow(connection):
        while True:
            request = await read_request(connection.reader, 60)
            began.set()
            await go.wait()
            await connection.send(answer("200 OK", request.head.target.encode()))

    async with ScriptedOrigin(slow) as origin:
        edge = start_edge(site(origin), h2c=True, drain_time="5s")
        async with http2_raw.connect(edge.http) as client:  # which answers no PING, so the second GOAWAY has no cause yet
            first, head = client.head(path="/first")
            client.write(head)
            await began.wait()
            edge.signal(signal.SIGTERM)
            goaway = await client.until(lambda f: f.kind == http2_raw.GOAWAY)
            assert goaway.payload[:8] == b"\x7f\xff\xff\xff" + bytes(4), goaway
            second, head = client.head(path="/second")
            client.write(head)
            go.set()
            assert await client.status(first) == 200
            status = await client.status(second)
            assert status == 200 or status == 503 or client.reset_of(second) == "REFUSED_STREAM", status
        assert await asyncio.to_thread(edge.wait, 10) == 0
