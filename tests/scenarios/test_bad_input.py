"""What is malformed, ambiguous or hostile is refused with the right status, nothing of it reaches an origin, and good
clients do not notice."""

import asyncio
import base64
import json

import pytest

from harness import http1, wire
from harness.edge import domain
from harness.http1 import ScriptedOrigin, echo_handler, read_head
from harness.waiting import Stopwatch
from harness.wire import TEXT, WireOrigin, echo, open_session, opening

KEY = base64.b64encode(bytes(range(16))).decode()


def request(line=b"GET / HTTP/1.1", fields=(b"Host: live.edge.test",), rest=b""):
    return line + b"\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + rest


HOST = b"Host: live.edge.test"
POST = b"POST / HTTP/1.1"

# What is sent, and the statuses that are right for it.
REFUSED = {
    "bare LF ends lines": (b"GET / HTTP/1.1\nHost: live.edge.test\n\n", {400}),
    "bare LF in fields": (b"GET / HTTP/1.1\r\nHost: live.edge.test\nX: y\r\n\r\n", {400}),
    "bare CR in a value": (request(fields=(HOST, b"X: a\rb")), {400}),
    "NUL in a value": (request(fields=(HOST, b"X: a\0b")), {400}),
    "NUL in the target": (request(b"GET /\0 HTTP/1.1"), {400}),
    "control byte in a value": (request(fields=(HOST, b"X: a\x01b")), {400}),
    "folded field": (request(fields=(HOST, b"X: a", b" b")), {400}),
    "folded Transfer-Encoding": (request(POST, (HOST, b"Transfer-Encoding:", b" chunked"), b"0\r\n\r\n"), {400}),
    "space before the colon": (request(fields=(HOST, b"X : a")), {400}),
    "space before the first field": (b"GET / HTTP/1.1\r\n Host: live.edge.test\r\n\r\n", {400}),
    "no colon": (request(fields=(HOST, b"nonsense")), {400}),
    "empty field name": (request(fields=(HOST, b": x")), {400}),
    "bytes beyond ASCII in a name": (request(fields=(HOST, b"X\xff: a")), {400}),
    "CL and TE": (request(POST, (HOST, b"Content-Length: 5", b"Transfer-Encoding: chunked"), b"0\r\n\r\n"), {400}),
    "TE and CL": (request(POST, (HOST, b"Transfer-Encoding: chunked", b"Content-Length: 5"), b"0\r\n\r\n"), {400}),
    "two lengths": (request(POST, (HOST, b"Content-Length: 5", b"Content-Length: 6"), b"hello!"), {400}),
    "the same length twice": (request(POST, (HOST, b"Content-Length: 5", b"Content-Length: 5"), b"hello"), {400}),
    "a list of lengths": (request(POST, (HOST, b"Content-Length: 5, 5"), b"hello"), {400}),
    "a signed length": (request(POST, (HOST, b"Content-Length: +5"), b"hello"), {400}),
    "a hexadecimal length": (request(POST, (HOST, b"Content-Length: 0x5"), b"hello"), {400}),
    "an overflowing length": (request(POST, (HOST, b"Content-Length: 18446744073709551621"), b"hello"), {400, 413}),
    "an empty length": (request(POST, (HOST, b"Content-Length: "), b"hello"), {400}),
    "TE twice": (request(POST, (HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), b"0\r\n\r\n"), {400}),
    "TE chunked, chunked": (request(POST, (HOST, b"Transfer-Encoding: chunked, chunked"), b"0\r\n\r\n"), {400}),
    "TE identity": (request(POST, (HOST, b"Transfer-Encoding: identity"), b"0\r\n\r\n"), {400, 501}),
    "TE gzip, chunked": (request(POST, (HOST, b"Transfer-Encoding: gzip, chunked"), b"0\r\n\r\n"), {400, 501}),
    "TE xchunked": (request(POST, (HOST, b"Transfer-Encoding: xchunked"), b"0\r\n\r\n"), {400, 501}),
    "TE with a vertical tab": (request(POST, (HOST, b"Transfer-Encoding: \x0bchunked"), b"0\r\n\r\n"), {400}),
    "TE in HTTP/1.0": (request(b"POST / HTTP/1.0", (HOST, b"Transfer-Encoding: chunked"), b"0\r\n\r\n"), {400}),
    "no Host": (request(fields=(b"X: y",)), {400}),
    "two Hosts": (request(fields=(HOST, HOST)), {400}),
    "Host with user-info": (request(fields=(b"Host: a@live.edge.test",)), {400}),
    "Host with a space": (request(fields=(b"Host: live.edge.test evil",)), {400}),
    "Host with a path": (request(fields=(b"Host: live.edge.test/x",)), {400}),
    "Host with a bad port": (request(fields=(b"Host: live.edge.test:99999",)), {400}),
    "authority against Host": (request(b"GET http://other.edge.test/ HTTP/1.1"), {400}),
    "fragment in the target": (request(b"GET /a#b HTTP/1.1"), {400}),
    "two spaces in the request line": (request(b"GET  / HTTP/1.1"), {400}),
    "tab in the request line": (request(b"GET\t/ HTTP/1.1"), {400}),
    "target without a slash": (request(b"GET x HTTP/1.1"), {400}),
    "method that is no token": (request(b"G(T / HTTP/1.1"), {400}),
    "raw bytes in the target": (request(b"GET /\xc3\xa4 HTTP/1.1"), {400}),
    "CONNECT": (request(b"CONNECT live.edge.test:443 HTTP/1.1"), {400, 405, 501}),
    "HTTP/3.7": (request(b"GET / HTTP/3.7"), {400, 505}),
    "HTTP/2.0": (request(b"GET / HTTP/2.0"), {400, 505}),
    "HTTP/1.10": (request(b"GET / HTTP/1.10"), {400, 505}),
    "HTTP/2 without TLS": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "not HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), {400}),
    "a long target": (request(b"GET /" + b"a" * 70_000 + b" HTTP/1.1"), {414}),
    "a long field": (request(fields=(HOST, b"X: " + b"a" * 70_000)), {431}),
    "many fields": (request(fields=(HOST, *(b"X%d: y" % i for i in range(300)))), {431}),
    "a head without end": (b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n" + b"X-Y: z\r\n" * 10_000, {431}),
    "Upgrade: websocket by POST": (opening(fields=[("Host", "live.edge.test")]).replace(b"GET", b"POST", 1), {400, 405}),
    "version 8": (opening(fields=[("Sec-WebSocket-Version", "8")]), {426}),
    "no version": (opening(without=["Sec-WebSocket-Version"]), {400, 426}),
    "two versions": (opening(fields=[("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "13")]), {400}),
    "no key": (opening(without=["Sec-WebSocket-Key"]), {400}),
    "two keys": (opening(fields=[("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Key", KEY)]), {400}),
    "a short key": (opening(key="c2hvcnQ="), {400}),
    "a key that is not base64": (opening(key="!" * 24), {400}),
    "a key of 24 bytes": (opening(key=base64.b64encode(bytes(24)).decode()), {400}),
    "an opening handshake in HTTP/1.0": (opening().replace(b"HTTP/1.1", b"HTTP/1.0"), {400, 505}),
    "an opening handshake with a length": (opening(fields=[("Content-Length", "5")]) + b"hello", {400}),
    "an opening handshake with chunks": (opening(fields=[("Transfer-Encoding", "chunked")]) + b"0\r\n\r\n", {400}),
}


# HTTP by its grammar, no opening handshake by RFC 6455.
WELL_FRAMED = {name for name in REFUSED if "version" in name or "key" in name or "handshake with" in name or "POST" in name}


async def test_refused_and_not_forwarded(start_edge):
    """Every row on a connection of its own: status, problem document, end of the connection; the origin gets nothing."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        wrong = {}

        async def one(name):
            sent, statuses = REFUSED[name]
            async with http1.connect(edge.http) as connection:
                try:
                    await connection.send(sent)
                except ConnectionError:
                    pass  # refused before all of it was taken; the answer is there all the same
                message = await connection.response(timeout=5)
                assert message.status in statuses, f"{message.status}: {message.body[:200]}"
                message.problem()
                if message.status == 426:
                    assert message.head.get("sec-websocket-version") == "13"
                if name in WELL_FRAMED:
                    # The connection may go on, but only with what is a request by itself.
                    await connection.send(request(b"GET /next HTTP/1.1", (b"Host: nobody.edge.test",)))
                    assert (await connection.response(timeout=5)).status == 404
                else:
                    rest = await connection.at_end(5)
                    assert rest == b"", rest[:100]

        for name in REFUSED:
            try:
                await one(name)
            except (AssertionError, asyncio.TimeoutError, http1.Ended, ConnectionError, json.JSONDecodeError) as e:
                wrong[name] = f"{type(e).__name__} {str(e)[:200]}"
            if origin.all_received():
                wrong[name] = f"{wrong.get(name, '')} forwarded: {origin.all_received()[:200]!r}"
                origin.received.clear()
        assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
        assert (await http1.fetch(edge.http)).status == 200


# What stands after a request that cannot be framed must be neither served nor forwarded.
@pytest.mark.parametrize("name", ["CL and TE", "two lengths", "bare LF in fields", "Host with a space", "folded field"])
async def test_nothing_hidden_behind_a_refusal_is_served(start_edge, name):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with http1.connect(edge.http) as connection:
            await connection.send(REFUSED[name][0] + b"GET /hidden HTTP/1.1\r\nHost: live.edge.test\r\n\r\n")
            assert (await connection.response()).status == 400
            assert await connection.at_end() == b""
        assert b"hidden" not in origin.all_received()


@pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "426 Upgrade Required", "200 OK"])
@pytest.mark.parametrize("hidden_in", ["pipeline", "late"])
async def test_an_upgrade_that_the_origin_refuses_is_no_tunnel(start_edge, status, hidden_in):
    """The client believes there is a tunnel, or hopes that the edge does: what follows is a request of its own, that the
    edge reads as such, whichever way it was sent."""
    async def refuses(connection):
        while True:
            head = await read_head(connection.reader, 60)
            await connection.send(http1.answer(status, head.target.encode()))

    hidden = b"GET /hidden HTTP/1.1\r\nHost: forbidden.edge.test\r\n\r\n"
    async with ScriptedOrigin(refuses) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with http1.connect(edge.http) as connection:
            await connection.send(opening("/ws") + (hidden if hidden_in == "pipeline" else b""))
            message = await connection.response()
            assert f"{message.status}" == status[:3], message.body
            if hidden_in == "late":
                try:
                    await connection.send(hidden)
                except ConnectionError:
                    pass
            try:
                second = await connection.response(timeout=5)
                assert second.status == 404, "the hidden request was taken for one of the first's domain"
                second.problem()
            except (http1.Ended, ConnectionError):
                pass  # ending the connection is as good
        assert b"hidden" not in origin.all_received()
        assert edge.metric("fairlead_sessions_opened_total") in (0, None)


async def test_h2c_is_refused(start_edge):
    """What would follow a switch to h2c is hidden from every check of a request: it is not even offered to the origin."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        for upgrade in ("h2c", "H2C", "foo, h2c"):
            message = await http1.fetch(edge.http, fields=[("Upgrade", upgrade), ("HTTP2-Settings", "AAMAAABkAAQAAP__")])
            assert message.status == 501, upgrade
            message.problem()
        assert not origin.all_received()


async def test_upgrade_to_something_else_is_ordinary_http(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with http1.connect(edge.http) as connection:
            for upgrade in ("TLS/1.0", "foo", "IRC/6.9, RTA/x11"):
                message = await connection.request(fields=[("Upgrade", upgrade), ("Connection", "Upgrade")])
                assert message.status == 200, upgrade
                names = {n.lower() for n, _ in message.json()["fields"]}
                assert "upgrade" not in names, names


async def test_an_origin_that_switches_unasked_is_502(transport, start_edge):
    async def switches(connection):
        await read_head(connection.reader)
        await connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nhello")
        await connection.at_end(60)

    async with ScriptedOrigin(switches) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        message = await transport.fetch(edge.http)
        assert message.status == 502
        message.problem()


BAD_ANSWERS = {
    "CL and TE": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "folded": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "bare CR": b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "status 99": b"HTTP/1.1 99 Low\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_a_malformed_answer_is_502(transport, start_edge, name):
    async def malformed(connection):
        await read_head(connection.reader)
        await connection.send(BAD_ANSWERS[name])
        await connection.at_end(60)

    async with ScriptedOrigin(malformed) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        message = await transport.fetch(edge.http)
        assert message.status == 502, message.body
        message.problem()


@pytest.mark.parametrize("body", [b"5\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n",
                                  b"0x5\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\nhello", b"5;" + b"x" * 20_000 + b"\r\n",
                                  b" 5\r\nhello\r\n0\r\n\r\n", b"\r\n5\r\nhello\r\n0\r\n\r\n"],
                         ids=["bare LF", "no CRLF", "negative", "hexadecimal mark", "overflow", "long extension",
                              "space first", "empty line"])
async def test_malformed_chunks_are_400(start_edge, body):
    """The body breaks its grammar: the request ends, and the origin never sees one that looks complete."""
    completed = []

    async def origin_side(connection):
        message = await http1.read_request(connection.reader, 60)
        completed.append(message)
        await connection.send(http1.answer())

    async with ScriptedOrigin(origin_side) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with http1.connect(edge.http) as connection:
            await connection.send(request(POST, (HOST, b"Transfer-Encoding: chunked"), body))
            message = await connection.response()
            # Extensions beyond their bound are too much rather than wrong.
            assert message.status == 400 or (len(body) > 16_384 and message.status == 413), message.body
            message.problem()
            await connection.at_end()
        assert not completed


async def test_an_unknown_host_is_404(start_edge, ca):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}))
        for host in ("nobody.edge.test", "127.0.0.1", "[::1]", "live.edge.test.", "xlive.edge.test"):
            message = await http1.fetch(edge.http, host=host)
            if host == "live.edge.test.":
                assert message.status in (200, 404)  # a name with its root dot may be understood
                continue
            assert message.status == 404, host
            message.problem()
        async with http1.connect(edge.https, ca.client_context()) as connection:
            message = await connection.request(host="nobody.edge.test")
            assert message.status == 404
            message.problem()
        with pytest.raises(wire.Refused) as caught:
            async with open_session(edge.http, host="nobody.edge.test"):
                pass
        assert caught.value.status == 404
        assert b"nobody" not in origin.all_received()


async def test_slow_handshakes_by_the_hundred_do_not_disturb_good_clients(start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("live.edge.test", origin), workers=1)
        edge.stop()
        edge.config["listeners"][0]["handshake_timeout"] = "2s"
        edge.start()
        slow = [http1.connect(edge.http) for _ in range(400)]
        connections = [await c.__aenter__() for c in slow]
        begun = Stopwatch()
        for i, connection in enumerate(connections):
            await connection.send(opening()[:i % 100])
        async with open_session(edge.http) as good:
            for i in range(200):
                await good.text(f"{i}")
                await good.expect(TEXT, f"{i}".encode(), timeout=2)
        for _ in range(20):
            since = Stopwatch()
            assert (await http1.fetch(edge.http)).status == 200
            assert since.seconds < 1
        # Then each is told and let go.
        async def told(i, connection):
            rest = await connection.at_end(6)
            if i % 100:  # those that had begun a request
                assert rest.startswith(b"HTTP/1.1 408 "), rest[:100]
            return begun.seconds

        ends = await asyncio.gather(*(told(i, c) for i, c in enumerate(connections)))
        assert max(ends) < 5, max(ends)
        for c in slow:
            await c.__aexit__(None, None, None)


async def test_log_and_answers_never_carry_bytes_of_the_client_unescaped(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        message = await http1.fetch(edge.http, "/%0d%0aSet-Cookie:x\"<script>", host="nobody.edge.test")
        assert message.status == 404 and message.head.get("set-cookie") is None
        message.problem()
        await edge.logged(lambda r: "<script>" in (r.get("target") or ""))
