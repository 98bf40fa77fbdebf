"""R13: origins that fail: retried handshakes, health checks, and what the client is told when all are down. R8: the
origin's time to answer."""

import contextlib
import socket

import pytest

from harness import http1
from harness.edge import domain
from harness.ports import free_port
from harness.waiting import Stopwatch, eventually_async
from harness.wire import TEXT, Refused, WireOrigin


async def greet(served):
    await served.text("here")
    await served.at_end(600)


async def opened(transport, edge, **options):
    async with transport.open_session(edge.http, **options) as client:
        await client.expect(TEXT, b"here")


async def never(connection):
    """Takes everything, says nothing."""
    await connection.at_end(600)


async def hang_up(connection):
    await http1.read_head(connection.reader)


async def half_a_head(connection):
    await http1.read_head(connection.reader)
    await connection.send(b"HTTP/1.1 101 Switching Pro")


async def garbage(connection):
    await http1.read_head(connection.reader)
    await connection.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


async def wrong_accept(connection):
    await http1.read_head(connection.reader)
    await connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")
    await connection.at_end(600)


async def busy(connection):
    while True:
        await http1.read_request(connection.reader)
        await connection.send(http1.answer("503 Service Unavailable", b"busy"))


BAD_ORIGINS = {"hangs up": hang_up, "half a head": half_a_head, "garbage": garbage, "wrong accept": wrong_accept}


@pytest.mark.parametrize("kind", ["refuses", *BAD_ORIGINS])
async def test_a_failed_handshake_is_tried_on_the_next(transport, start_edge, kind):
    async with contextlib.AsyncExitStack() as stack:
        bad = free_port()
        if kind in BAD_ORIGINS:
            bad = await stack.enter_async_context(http1.ScriptedOrigin(BAD_ORIGINS[kind]))
        good = await stack.enter_async_context(WireOrigin(handler=greet))
        edge = start_edge(domain("live.edge.test", bad, good, health_check={"passive": {"enabled": False}}))
        for _ in range(6):
            await opened(transport, edge)
        assert good.requests and len(good.requests) == 6
        assert edge.metric("fairlead_origin_retries_total") >= 2


async def test_an_origin_that_never_answers_is_left_for_the_next_or_told_as_504(transport, start_edge):
    async with http1.ScriptedOrigin(never) as silent, WireOrigin(handler=greet) as good:
        edge = start_edge(
            domain("live.edge.test", silent, origin_request_timeout="1s"),
            domain("both.edge.test", silent, good, origin_request_timeout="2s", health_check={"passive": {"failures": 1}}))
        since = Stopwatch()
        with pytest.raises(Refused) as caught:
            await opened(transport, edge)
        assert caught.value.status == 504 and 0.8 <= since.seconds <= 1.8, since.seconds
        caught.value.message.problem()
        since = Stopwatch()
        answer = await transport.fetch(edge.http)
        assert answer.status == 504 and 0.8 <= since.seconds <= 1.8, since.seconds
        answer.problem()


@pytest.mark.parametrize("kind,status", [("refuses", 502), ("hangs up", 502), ("half a head", 502), ("garbage", 502),
                                         ("wrong accept", 502)])
async def test_a_single_bad_origin_is_a_problem_document(transport, start_edge, kind, status):
    async with contextlib.AsyncExitStack() as stack:
        bad = free_port()
        if kind in BAD_ORIGINS:
            bad = await stack.enter_async_context(http1.ScriptedOrigin(BAD_ORIGINS[kind]))
        edge = start_edge(domain("live.edge.test", bad, health_check={"passive": {"enabled": False}}))
        with pytest.raises(Refused) as caught:
            await opened(transport, edge)
        assert caught.value.status == status
        caught.value.message.problem()
        if kind != "wrong accept":
            answer = await transport.fetch(edge.http)
            assert answer.status == status
            answer.problem()


async def test_when_every_origin_is_ejected_the_one_ejected_longest_is_tried(transport, start_edge):
    """Passive ejection is a guess, no reason to refuse everybody: a domain is back as soon as one of its origins is."""
    first, second = free_port(), free_port()
    edge = start_edge(domain("live.edge.test", first, second, health_check={
        "passive": {"failures": 1, "window": "10s", "eject": "60s"}}), workers=1)
    for _ in range(4):
        answer = await transport.fetch(edge.http)
        assert answer.status == 502
        answer.problem()
    async with WireOrigin(port=first), WireOrigin(port=second):
        assert (await transport.fetch(edge.http)).status == 200


async def test_the_log_says_why_the_origin_failed(transport, start_edge):
    """The client is told what an address of the inside cannot be read from; the operator's log has the rest."""
    async def breaks_off(connection):
        await http1.read_head(connection.reader)
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfive!")

    closed = free_port()
    async with (http1.ScriptedOrigin(never) as silent, http1.ScriptedOrigin(breaks_off) as short,
                WireOrigin(greet) as good):
        edge = start_edge(
            domain("live.edge.test", closed),
            domain("silent.edge.test", silent, origin_request_timeout="1s"),
            domain("short.edge.test", short),
            domain("good.edge.test", closed, good, load_balancing={"policy": "round-robin"}), workers=1)
        answer = await transport.fetch(edge.http, "/refused")
        assert answer.status == 502 and b"127.0.0.1" not in answer.body
        with pytest.raises(Refused) as caught:
            await opened(transport, edge, target="/refused-session")
        assert caught.value.message.status == 502 and b"127.0.0.1" not in caught.value.message.body
        for target in ("/refused", "/refused-session"):
            record = await edge.logged({"target": target})
            assert record["error"] == "origin_refused" and record["origin_status"] == 0
            assert record["origin_error"].startswith("origin: refused: "), record
            assert f"127.0.0.1:{closed}" in record["origin_error"], record

        assert (await transport.fetch(edge.http, "/silent", host="silent.edge.test")).status == 504
        record = await edge.logged({"target": "/silent"})
        assert record["origin_error"].startswith("origin: timeout: "), record
        assert f"127.0.0.1:{silent.port}" in record["origin_error"], record

        with pytest.raises((http1.Ended, ConnectionError)):
            await transport.fetch(edge.http, "/short", host="short.edge.test")
        record = await edge.logged({"target": "/short"})
        assert record["status"] == 200 and record["error"] == "answer_cut_short", record
        assert record["origin_error"].startswith("origin: closed"), record

        # A session that came about at the second try is no failure.
        for _ in range(2):
            await opened(transport, edge, host="good.edge.test", target="/good")
        assert edge.metric("fairlead_origin_retries_total", domain="good.edge.test") >= 1
        records = await eventually_async(
            lambda: (found := [r for r in edge.access_log() if r["target"] == "/good"]) and len(found) == 2 and found)
        assert all(r["status"] == transport.session_status and "origin_error" not in r for r in records), records


async def test_the_refusal_of_the_origin_reaches_the_client(transport, start_edge):
    """A status that the origin means for the client is not the edge's to replace, nor a reason to try elsewhere."""
    async def unauthorized(connection):
        await http1.read_head(connection.reader)
        await connection.send(http1.answer("401 Unauthorized", b"who are you?", "WWW-Authenticate: Bearer", "X-Mine: 1"))

    async with http1.ScriptedOrigin(unauthorized) as strict, http1.ScriptedOrigin(unauthorized) as second:
        edge = start_edge(domain("live.edge.test", strict, second))
        with pytest.raises(Refused) as caught:
            await opened(transport, edge)
        message = caught.value.message
        assert message.status == 401 and message.body == b"who are you?"
        assert message.head.get("www-authenticate") == "Bearer" and message.head.get("x-mine") == "1"
        assert message.head.get("fairlead-error") is None
        assert strict.connections + second.connections == 1


async def test_what_is_not_safe_to_repeat_is_sent_once(transport, start_edge):
    """A POST may have been carried out by the origin that went away: no other origin gets it."""
    async def takes_and_leaves(connection):
        await http1.read_request(connection.reader)

    async with http1.ScriptedOrigin(takes_and_leaves) as first, http1.ScriptedOrigin(takes_and_leaves) as second:
        edge = start_edge(domain("live.edge.test", first, second, health_check={"passive": {"enabled": False}}))
        answer = await transport.fetch(edge.http, "/pay", "POST", body=b"once")
        assert answer.status == 502
        answer.problem()
        assert (first.all_received() + second.all_received()).count(b"POST /pay") == 1
        assert (await transport.fetch(edge.http, "/look")).status == 502
        assert (first.all_received() + second.all_received()).count(b"GET /look") == 2, "a GET is tried on the next"


async def test_passive_ejection_and_return(transport, start_edge):
    """After `failures` in a row an origin is left alone for `eject`, then tried again."""
    flaky_port = free_port()
    async with WireOrigin(handler=greet) as good:
        edge = start_edge(domain("live.edge.test", flaky_port, good, health_check={
            "passive": {"failures": 2, "window": "10s", "eject": "2s"}}), workers=1)
        for _ in range(8):
            await opened(transport, edge)
        retries = edge.metric("fairlead_origin_retries_total")
        for _ in range(8):
            await opened(transport, edge)
        assert edge.metric("fairlead_origin_retries_total") == retries, "an ejected origin was tried"
        async with WireOrigin(handler=greet, port=flaky_port) as back:
            async def returned():
                await opened(transport, edge)
                return len(back.requests) > 0

            await eventually_async(returned, 6, "the origin to be used again", pause=0.1)


async def test_5xx_counts_when_configured(transport, start_edge):
    async with http1.ScriptedOrigin(busy) as sick, WireOrigin(handler=greet) as good:
        edge = start_edge(domain("live.edge.test", sick, good, health_check={
            "passive": {"failures": 3, "eject": "60s", "count_5xx": True}}), workers=1)
        statuses = [(await transport.fetch(edge.http)).status for _ in range(20)]
        assert statuses.count(503) >= 3 and statuses[-8:] == [200] * 8, statuses


async def test_active_checks_eject_and_bring_back(transport, start_edge):
    healthy = {"sick": True}
    checks = []

    async def checked(connection, head):
        if head.target == "/healthz":
            checks.append(head)
            ok = healthy["sick"]
            await connection.send(http1.answer("200 OK" if ok else "500 Internal Server Error", b"."))
        else:
            await connection.send(http1.answer("200 OK", b"sick"))

    async def fine(connection, head):
        await connection.send(http1.answer("200 OK", b"fine"))

    async with WireOrigin(ordinary=checked) as sick, WireOrigin(ordinary=fine) as well:
        edge = start_edge(domain("live.edge.test", sick, well, health_check={
            "path": "/healthz", "interval": "1s", "timeout": "1s", "healthy_after": 1, "unhealthy_after": 2}))

        async def who(count=6):
            return {(await transport.fetch(edge.http)).body for _ in range(count)}

        assert await who() == {b"sick", b"fine"}
        await eventually_async(lambda: len(checks) >= 1, 5, "a check")
        assert checks[0].get("host").startswith("live.edge.test")
        healthy["sick"] = False

        async def only_well():
            return await who() == {b"fine"}

        await eventually_async(only_well, 6, "the sick origin to be left out", pause=0.2)
        healthy["sick"] = True

        async def both():
            return await who() == {b"sick", b"fine"}

        await eventually_async(both, 6, "the origin to be back", pause=0.2)


async def test_checks_do_not_end_live_sessions(transport, start_edge):
    """An origin that fails its checks gets no new sessions; those it has go on."""
    ok = {"now": True}

    async def checked(connection, head):
        await connection.send(http1.answer("200 OK" if ok["now"] else "500 No", b"."))

    async with WireOrigin(ordinary=checked) as origin:
        edge = start_edge(domain("live.edge.test", origin, health_check={
            "path": "/healthz", "interval": "1s", "timeout": "1s", "unhealthy_after": 1}))
        async with transport.pair(edge.http, origin) as (client, served):
            ok["now"] = False

            async def down():
                return (await transport.fetch(edge.http)).status == 503

            await eventually_async(down, 6, "503 from a domain without healthy origins", pause=0.1)
            await client.text("still")
            await served.expect(TEXT, b"still")


async def test_connect_timeout(transport, start_edge):
    """An address that does not answer: proxy_connect_timeout, then the next origin."""
    async with WireOrigin(handler=greet) as good, contextlib.AsyncExitStack() as stack:
        # A listener whose queue is full lets further SYNs fall.
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        edge = start_edge(domain("live.edge.test", full.getsockname()[1], good,
                                 layer7={"proxy_connect_timeout": "1s"},
                                 health_check={"passive": {"failures": 1, "eject": "60s"}}))
        for _ in range(3):
            since = Stopwatch()
            await opened(transport, edge, timeout=6)
            assert since.seconds < 2.5, since.seconds
