"""How sessions end, and what passes before they do: Close relayed as it is, max_session_age, half-closed streams, a
record for each in the access log."""

import asyncio
import os

import pytest

from harness.edge import SLOWNESS, domain
from harness.waiting import Stopwatch
from harness.wire import BINARY, CLOSE, PING, PONG, TEXT, Ended, WireOrigin, close_payload, pair


def live(origin, **websocket):
    return domain("live.edge.test", origin, websocket=websocket)


@pytest.mark.parametrize("first", ["client", "origin"])
@pytest.mark.parametrize("code,reason", [(1000, "done"), (1001, ""), (3000, "grüße"), (4999, "x" * 123)],
                         ids=["1000", "1001 bare", "3000 utf-8", "4999 longest"])
async def test_close_passes_with_code_and_reason(transport, start_edge, first, code, reason):
    async with WireOrigin() as origin:
        edge = start_edge(live(origin))
        async with transport.pair(edge.http, origin) as (client, served):
            sender, other = (client, served) if first == "client" else (served, client)
            reason = reason.encode()[:123].decode(errors="ignore")
            await sender.send_close(code, reason)
            frame = await other.expect_close(code)
            assert frame.reason == reason
            await sender.expect(CLOSE, close_payload(code))
            await asyncio.gather(client.expect_end(), served.expect_end())
        record = await edge.logged({"close_cause": "closing_handshake"})
        assert (record["close_by"], record["close_code"]) == (first, code)


async def test_close_without_a_code(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(live(origin))
        async with transport.pair(edge.http, origin) as (client, served):
            await client.frame(CLOSE)
            await served.expect(CLOSE, b"")
            await served.frame(CLOSE)
            await client.expect(CLOSE, b"")
            await asyncio.gather(client.expect_end(), served.expect_end())
        assert (await edge.logged({"close_cause": "closing_handshake"}))["close_code"] == 1005


async def test_max_session_age_ends_a_busy_session(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(live(origin, max_session_age="2s"))
        async with transport.pair(edge.http, origin) as (client, served):
            since = Stopwatch()

            async def chatter():
                while True:
                    await client.text("tick")
                    await served.text("tock")
                    await asyncio.sleep(0.1)

            talking = asyncio.create_task(chatter())
            for end in (client, served):
                frame = await end.expect_close(1001, timeout=5, skip=(TEXT,))
                assert "max_session_age" in frame.reason, frame
                assert abs(since.seconds - 2) <= 0.6, since.seconds
            talking.cancel()
        assert (await edge.logged({"close_cause": "max_session_age"}))["close_by"] == "edge"


async def test_frames_arrive_as_they_were_sent(transport, start_edge):
    """Boundaries, reserved bits agreed by an extension, and masking keys: nothing is rewritten."""
    async with WireOrigin(answer_fields=["Sec-WebSocket-Extensions: permessage-deflate"]) as origin:
        edge = start_edge(live(origin))
        async with transport.open_session(edge.http, fields=[("Sec-WebSocket-Extensions", "permessage-deflate")]) as client:
            served = await origin.accept()
            assert served.request_head.get("sec-websocket-extensions") == "permessage-deflate"
            assert client.head.get("sec-websocket-extensions") == "permessage-deflate"
            key = bytes.fromhex("01fe7733")
            for opcode, payload, fin, rsv in [(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", True, 0x40),
                                              (BINARY, os.urandom(70_000), False, 0x40), (PING, b"in between", True, 0),
                                              (0, b"", False, 0), (0, os.urandom(126), True, 0), (PONG, b"", True, 0)]:
                await client.frame(opcode, payload, fin, rsv, key=key)
                got = await served.recv()
                assert (got.opcode, got.payload, got.fin, got.rsv, got.key) == (opcode, payload, fin, rsv, key)
                await served.frame(opcode, payload, fin, rsv)
                got = await client.recv()
                assert (got.opcode, got.payload, got.fin, got.rsv, got.key) == (opcode, payload, fin, rsv, None)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_what_the_origin_learns_of_the_client(transport, start_edge, ca, scheme):
    async with WireOrigin(answer_fields=["Set-Cookie: s=1", "X-Mine: yes"]) as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}))
        port, tls = (edge.http, None) if scheme == "ws" else (edge.https, ca.client_context())
        host = f"live.edge.test:{port}"
        async with transport.open_session(port, target="/chat?room=1", host=host, tls=tls, fields=[
                ("Origin", "https://page.example"), ("Cookie", "a=b"), ("Authorization", "Bearer t"),
                ("X-Forwarded-For", "9.9.9.9")]) as client:
            head = (await origin.accept()).request_head
            assert head.start == "GET /chat?room=1 HTTP/1.1"
            assert head.get("host") == host and head.get("origin") == "https://page.example"
            assert head.get("cookie") == "a=b" and head.get("authorization") == "Bearer t"
            assert head.get("x-forwarded-proto") == {"ws": "http", "wss": "https"}[scheme]
            assert ",".join(head.all("x-forwarded-for")).split(",")[-1].strip() == "127.0.0.1"
            assert client.head.get("set-cookie") == "s=1" and client.head.get("x-mine") == "yes"


async def test_the_server_of_each_connection_closes_it_first(start_edge):
    """RFC 6455 7.1.1. Towards the client that is the edge; an origin is waited for, but not for long."""
    async with WireOrigin() as origin:
        edge = start_edge(live(origin))
        async with pair(edge.http, origin) as (client, served):
            await client.send_close(1000)
            await served.expect_close(1000, answer=False)
            await served.send_close(1000)  # and does not end its side
            await client.expect_close(1000, answer=False)
            assert await asyncio.wait_for(client.reader.read(-1), 10) == b""
            await served.quiet(0.3)
            await served.expect_end(3 * SLOWNESS)
            assert edge.metric("fairlead_sessions_open", domain="live.edge.test") == 1, "the origin's side is open"
        await edge.logged({"close_cause": "closing_handshake"})


@pytest.mark.parametrize("more", [b"", b"more"], ids=["silent", "says more"])
async def test_the_end_of_a_client_takes_nothing_from_it(start_edge, more):
    """Its socket is closed once both Closes have passed; what it should not have sent behind its Close is no reason for a
    reset, which could take the last messages from it."""
    async with WireOrigin() as origin:
        edge = start_edge(live(origin))
        async with pair(edge.http, origin) as (client, served):
            await client.send_close(1000)
            await served.expect_close(1000, answer=False)
            client.writer.write(more)
            await served.binary(bytes(500_000))
            await served.send_close(1000)
            served.writer.write_eof()
            assert len((await client.expect(BINARY)).payload) == 500_000
            await client.expect_close(1000, answer=False)
            await client.expect_end()
        record = await edge.logged({"close_cause": "closing_handshake"})
        assert (record["close_by"], record["close_code"]) == ("client", 1000)


async def test_the_log_counts_bytes_frames_and_messages(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(live(origin))
        async with transport.pair(edge.http, origin, target="/room?x=1") as (client, served):
            await client.frame(TEXT, b"ab", fin=False)
            await client.frame(0, b"cd")
            await client.ping(b"p")
            await served.binary(bytes(1000))
            await client.expect(BINARY)
            await client.send_close(1000)
            for _ in range(3):
                await served.recv()
            await served.expect_close(1000)
            await client.expect_close(1000, answer=False)
        record = await edge.logged({"close_cause": "closing_handshake"})
        assert record["target"] == "/room?x=1" and record["method"] == transport.session_method and record["domain"] == "live.edge.test"
        assert (record["frames_in"], record["messages_in"]) == (4, 1), record
        assert (record["frames_out"], record["messages_out"]) == (2, 1), record
        assert record["bytes_in"] == 8 + 8 + 7 + 8, record  # heads of 6 with their keys, payloads 2, 2, 1 and 2
        assert record["bytes_out"] == 4 + 1000 + 4, record
        assert record["client"] == "127.0.0.1" and record["origin"].endswith(str(origin.port))
        assert record["protocol"] == transport.name and record["origin_status"] == 101 and record["session"]


@pytest.mark.parametrize("lost", ["client", "origin"])
@pytest.mark.parametrize("how", ["end", "reset"])
async def test_a_lost_side_ends_the_other(transport, start_edge, lost, how):
    async with WireOrigin() as origin:
        edge = start_edge(live(origin))
        async with transport.pair(edge.http, origin) as (client, served):
            gone, other = (client, served) if lost == "client" else (served, client)
            await gone.text("last words")
            await other.expect(TEXT, b"last words")
            if how == "reset":
                gone.reset()
            else:
                gone.writer.close()
            # What the other is told is the edge's choice (a Close or the end); it must be told soon.
            try:
                frame = await other.recv(8)
                assert frame.opcode == CLOSE, frame
                assert frame.code != 1006
            except Ended:
                pass
            other.close()
        record = await edge.logged({"close_cause": "connection_lost"}, timeout=10)
        assert record["close_by"] == lost and record["close_code"] == 1006


async def test_early_bytes_of_the_client_and_the_origin_are_not_lost(transport, start_edge):
    """Frames that arrive together with the handshake, before the other side is ready for them."""
    from harness import http1, wire

    async def eager(connection):
        head = await http1.read_head(connection.reader)
        answer = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Accept: {wire.accept_key(head.get('sec-websocket-key'))}\r\n\r\n").encode()
        await connection.send(answer + wire.encode(TEXT, b"welcome") + wire.encode(TEXT, b"again")[:3])
        await connection.send(wire.encode(TEXT, b"again")[3:])
        first = await wire.Wire(connection.reader, connection.writer, "origin", head).recv()
        await connection.send(wire.encode(TEXT, b"got " + first.payload))
        await connection.at_end()

    async with http1.ScriptedOrigin(eager) as origin:
        edge = start_edge(live(origin))
        async with transport.open_session(edge.http, early=wire.encode(TEXT, b"early", key=b"1234")) as client:
            for expected in (b"welcome", b"again", b"got early"):
                await client.expect(TEXT, expected)


async def test_a_thousand_short_sessions_leave_nothing(transport, start_edge):
    async with WireOrigin(handler=_one_echo) as origin:
        edge = start_edge(live(origin))

        async def one(i):
            async with transport.open_session(edge.http) as client:
                await client.text(f"{i}")
                await client.expect(TEXT, f"{i}".encode())
                await client.send_close(1000)
                await client.expect_close(1000, answer=False)
                await client.expect_end()

        for batch in range(20):
            await asyncio.gather(*(one(i) for i in range(50)))
            if batch == 4:
                fds, rss = edge.fds(), edge.rss()
        from harness.edge import sanitized
        from harness.waiting import eventually_async
        await eventually_async(lambda: edge.fds() <= fds + 4, what="file descriptors to go back")
        assert sanitized() or edge.rss() <= rss + (1 << 20), (rss, edge.rss())
        await eventually_async(lambda: edge.metric("fairlead_sessions_open") == 0, what="sessions to end")


async def _one_echo(served):
    frame = await served.recv()
    await served.frame(frame.opcode, frame.payload)
    await served.expect_close()
    await served.at_end()
