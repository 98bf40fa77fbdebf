"""R7: what only HTTP/2 has. Many sessions and requests on one connection, each with its own life; which domain they are
for; what is offered to whom. What both versions do is tested once for both (see harness/transport.py)."""

import asyncio
import base64
import contextlib

import pytest
from h2.settings import SettingCodes

from harness import http1, http2, http2_raw
from harness.edge import domain
from harness.http2_raw import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, frame
from harness.http1 import ScriptedOrigin, answer, echo_handler, read_request
from harness.waiting import eventually_async
from harness.wire import BINARY, CLOSE, TEXT, Ended, Refused, WireOrigin, echo, encode


def site(*origins, name="live.edge.test", ca=None, **settings):
    settings.setdefault("websocket", {})
    settings["websocket"].setdefault("origin_scheme", "http")
    return domain(name, *origins, ca=ca, **settings)


async def refusal(client, **options):
    """The answer to an opening handshake that is not accepted."""
    with pytest.raises(Refused) as caught:
        async with client.session(**options):
            pass
    return caught.value.message


async def alive(client, word="alive"):
    """A session on this connection works, from its handshake to its orderly end."""
    async with client.session() as session:
        await session.text(word)
        await session.expect(TEXT, word.encode())
        await session.send_close(1000)
        await session.expect(CLOSE)
        await session.expect_end()


# --- many on one connection


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
            assert len([r for r in edge.access_log()]) == 1


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


# --- refusals


async def test_refusals_keep_status_and_body_and_the_connection(start_edge):
    async def ordinary(connection, head):
        await connection.send(answer("200 OK", b"page"))

    async def choosy(connection):
        """Refuses each opening handshake in another way."""
        while True:
            request = await read_request(connection.reader, 60)
            kind = request.head.target
            if kind == "/401":
                await connection.send(answer("401 Unauthorized", b"who are you?", "WWW-Authenticate: Bearer",
                                             "Content-Type: text/plain"))
            elif kind == "/404":
                await connection.send(answer("404 Not Found", b"no such room"))
            elif kind == "/429":
                await connection.send(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      b"5\r\nlater\r\n0\r\n\r\n")
            else:
                await connection.send(answer("200 OK", b"page"))

    async with ScriptedOrigin(choosy) as origin, WireOrigin(handler=echo) as good:
        edge = start_edge(site(origin, name="choosy.edge.test"), site(good),
                          site(good, name="off.edge.test", websocket={"enabled": False}), h2c=True)
        async with http2.connect(edge.http) as client:
            message = await refusal(client, host="choosy.edge.test", target="/401")
            assert (message.status, message.body) == (401, b"who are you?")
            assert message.head.get("www-authenticate") == "Bearer" and message.head.get("content-type") == "text/plain"
            message = await refusal(client, host="choosy.edge.test", target="/404")
            assert (message.status, message.body) == (404, b"no such room")
            message = await refusal(client, host="choosy.edge.test", target="/429")
            assert (message.status, message.body) == (429, b"later") and message.head.get("retry-after") == "7"
            assert message.head.get("transfer-encoding") is None
            message = await refusal(client, host="choosy.edge.test", target="/200")
            assert message.status == 502 and message.problem(), "a 200 of the origin is no consent to a tunnel"
            message = await refusal(client, host="off.edge.test")
            assert message.status == 403 and message.head.get("fairlead-error") == "websocket_disabled"
            message.problem()
            message = await refusal(client, host="nobody.example")
            assert message.status == 404 and message.problem()
            await alive(client)
        assert {r["status"] for r in edge.access_log() if r["domain"] == "choosy.edge.test"} == {401, 404, 429, 502}


@pytest.mark.parametrize("status,told", [("101 Switching Protocols", 502), ("200 OK", 502), ("204 No Content", 502),
                                         ("206 Partial Content", 502), ("304 Not Modified", 304), ("307 Temporary Redirect", 307),
                                         ("500 Internal Server Error", 500)])
async def test_what_would_be_taken_for_consent_is_never_passed_on(start_edge, status, told):
    """Over HTTP/2 any 2xx opens the tunnel (RFC 9110 section 9.3.6), so one that the origin did not mean so must not reach
    the client; nor does a 101 without the right Sec-WebSocket-Accept open anything. Other answers pass as they are."""
    async def wrong(connection):
        await read_request(connection.reader)
        await connection.send(f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\nContent-Length: 0\r\n\r\n".encode())
        await connection.at_end()

    async with ScriptedOrigin(wrong) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client:
            assert (await refusal(client)).status == told
            assert (await refusal(client)).status == told, "the connection goes on"


# --- what the origin hears


async def test_the_origin_hears_an_opening_handshake_of_http_1_1(start_edge, ca):
    async with WireOrigin(answer_fields=["Set-Cookie: s=1", "Set-Cookie: t=2"]) as origin:
        edge = start_edge(site(origin, ca=ca))
        async with http2.connect(edge.https, ca.client_context()) as client:
            async with client.session("/chat?room=1", fields=[
                    ("Origin", "https://page.example"), ("Cookie", "a=1"), ("Cookie", "b=2"), ("Cookie", "c=3; d=4"),
                    ("Sec-WebSocket-Protocol", "v1, v2")]) as session:
                head = (await origin.accept()).request_head
                assert head.start == "GET /chat?room=1 HTTP/1.1" and head.all("host") == ["live.edge.test"]
                assert head.all("upgrade") == ["websocket"] and head.get("connection").lower() == "upgrade"
                assert head.all("sec-websocket-version") == ["13"]
                assert len(base64.b64decode(head.get("sec-websocket-key"), validate=True)) == 16
                assert head.all("cookie") == ["a=1; b=2; c=3; d=4"]
                assert head.get("origin") == "https://page.example" and head.get("sec-websocket-protocol") == "v1, v2"
                assert head.get("x-forwarded-proto") == "https" and head.get("x-forwarded-host") == "live.edge.test"
                assert not [n for n, _ in head.fields if n.startswith(":")]
                assert session.head.all("set-cookie") == ["s=1", "t=2"]
                for name in ("upgrade", "connection", "sec-websocket-accept"):
                    assert session.head.get(name) is None, session.head.raw


async def test_each_session_has_a_key_of_its_own(start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client:
            for _ in range(5):
                await alive(client)
        assert len({r.get("sec-websocket-key") for r in origin.requests}) == 5


async def test_a_version_that_is_missing_is_supplied_and_a_wrong_one_refused(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client:
            stream = client.ask(without=("sec-websocket-version",))
            assert (await stream.head()).status == 200
            assert (await origin.accept()).request_head.all("sec-websocket-version") == ["13"]
            message = await refusal(client, fields=[("Sec-WebSocket-Version", "8")])
            assert message.status in (400, 426) and message.problem()
            assert message.head.get("sec-websocket-version") == "13"


async def test_a_key_that_a_client_sends_is_not_believed(start_edge):
    """RFC 8441 section 5: there is no Sec-WebSocket-Key over HTTP/2; the origin gets one of the edge's."""
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client:
            async with client.session(fields=[("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")]):
                keys = (await origin.accept()).request_head.all("sec-websocket-key")
                assert len(keys) == 1 and keys[0] != "AAAAAAAAAAAAAAAAAAAAAA=="


async def test_cookies_of_a_request_arrive_joined_too(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client:
            message = await client.request(fields=[("cookie", "a=1"), ("cookie", "b=2"), ("x", "y"), ("cookie", "c=3")])
            assert [v for n, v in message.json()["fields"] if n.lower() == "cookie"] == ["a=1; b=2; c=3"]


# --- which domain


async def test_authority_chooses_the_domain_on_a_shared_connection(start_edge, ca):
    """Browsers use a connection for every name its certificate covers (RFC 9113 section 9.1.1)."""
    async with contextlib.AsyncExitStack() as stack:
        made = {}
        for name in ("a", "b"):
            async def ordinary(connection, head, name=name):
                await connection.send(answer("200 OK", name.encode()))

            async def session(wire, name=name):
                await wire.text(name)
                await wire.at_end(600)

            made[name] = await stack.enter_async_context(WireOrigin(handler=session, ordinary=ordinary))
        elsewhere = ca.leaf("ec", names=("other.example",))
        edge = start_edge(*(site(o, name=f"{n}.edge.test", ca=ca) for n, o in made.items()),
                          site(made["a"], name="only1.edge.test", ca=ca, http2=False),
                          site(made["a"], name="other.example", ca=ca, certificates=[elsewhere.yaml()]))
        async with http2.connect(edge.https, ca.client_context(), "a.edge.test") as client:
            for name in ("a", "b", "a", "b"):
                assert (await client.request(host=f"{name}.edge.test")).body == name.encode()
                async with client.session(host=f"{name}.edge.test") as got:
                    await got.expect(TEXT, name.encode())
            for host in ("only1.edge.test", "other.example"):
                message = await client.request(host=host)
                assert message.status == 421, f"{host}: {message.status}"
                message.problem()
            message = await refusal(client, host="other.example")
            assert message.status == 421 and message.problem(), "the certificate does not cover it"
            # Browsers do not come back with a WebSocket after a 421, so a covered name has its session here.
            async with client.session(host="only1.edge.test") as got:
                await got.expect(TEXT, b"a")
            assert (await client.request(host="b.edge.test")).status == 200
        for name in "ab":
            await edge.logged({"domain": f"{name}.edge.test", "method": "CONNECT", "status": 200})
            hosts = {f"{name}.edge.test"} | ({"only1.edge.test"} if name == "a" else set())
            assert {r.get("host") for r in made[name].requests} == hosts


async def test_http2_of_a_domain_is_offered_by_alpn_or_not(start_edge, ca):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, ca=ca), site(origin, name="only1.edge.test", ca=ca, http2=False))

        def chosen(host, *offer):
            return http2.alpn(edge.https, ca.client_context(), offer, host)

        assert await asyncio.to_thread(chosen, "live.edge.test", "h2", "http/1.1") == "h2"
        assert await asyncio.to_thread(chosen, "live.edge.test", "http/1.1", "h2") == "h2", "the edge's preference counts"
        assert await asyncio.to_thread(chosen, "live.edge.test", "http/1.1") == "http/1.1"
        assert await asyncio.to_thread(chosen, "only1.edge.test", "h2", "http/1.1") == "http/1.1"
        async with http1.connect(edge.https, ca.client_context(), "only1.edge.test") as connection:
            assert (await connection.request(host="only1.edge.test")).status == 200

        def off(config):
            config["domains"][0]["http2"] = False

        async with http2.connect(edge.https, ca.client_context()) as client:
            assert edge.reload(edge.changed(off)) == "applied"
            assert await asyncio.to_thread(chosen, "live.edge.test", "h2", "http/1.1") == "http/1.1"
            assert (await client.request()).status == 421, "a request on a connection from before is sent away"
            await alive(client)


async def test_extended_connect_is_offered_where_the_switch_is_on(start_edge, ca):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, ca=ca), site(origin, name="off.edge.test", ca=ca, websocket={"enabled": False}))
        for host, offered in (("live.edge.test", True), ("off.edge.test", False)):
            async with http2.connect(edge.https, ca.client_context(), host) as client:
                assert (await client.request(host=host)).status == 200
                assert client.offers_sessions() is offered, host
        assert edge.reload(edge.changed(lambda c: c["domains"][1]["websocket"].update(enabled=True))) == "applied"
        async with http2.connect(edge.https, ca.client_context(), "off.edge.test") as client, \
                client.session(host="off.edge.test") as session:
            await session.text("on")
            await session.expect(TEXT, b"on")


async def test_a_name_by_which_http2_is_off_still_has_its_sessions(start_edge, ca):
    """What the documents that Fairlead follows ask for: no HTTP/2, WebSocket over HTTP/1.1."""
    from harness.wire import open_session
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, ca=ca, http2=False))
        context = ca.client_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        async with open_session(edge.https, tls=context) as session:
            await session.text("over HTTP/1.1")
            await session.expect(TEXT, b"over HTTP/1.1")
        assert (await edge.logged({"status": 101}))["protocol"] == "h1"


# --- prior knowledge


async def test_requests_to_a_domain_without_http2_are_sent_away_by_prior_knowledge_too(start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, http2=False), site(origin, name="b.edge.test"), h2c=True)
        async with http2.connect(edge.http) as client:
            message = await client.request()
            assert message.status == 421 and message.problem()
            assert not origin.requests
            await alive(client)  # sessions are served, as on another domain's connection
            assert (await client.request(host="b.edge.test")).status == 200


async def test_prior_knowledge_is_off_unless_said(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        async with http1.connect(edge.http) as connection:
            await connection.send(http2_raw.PREFACE + http2_raw.settings())
            message = await connection.response()
            assert message.status in (400, 505)
        assert not origin.all_received()


async def test_prior_knowledge_beside_http_1_1(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client, http1.connect(edge.http) as connection:
            assert (await client.request(target="/two")).json()["start"] == "GET /two HTTP/1.1"
            assert (await connection.request(target="/one")).json()["start"] == "GET /one HTTP/1.1"
        # The preface in pieces, and a method that begins as it does.
        async with http2_raw.connect(edge.http, preface=False) as raw:
            for byte in http2_raw.PREFACE:
                raw.write(bytes([byte]))
                await asyncio.sleep(0)
            stream, head = raw.head()
            raw.write(http2_raw.settings(), head)
            assert await raw.status(stream) == 200
        async with http1.connect(edge.http) as connection:
            message = await connection.request("PRIVATE", "/p")
            assert message.status == 200 and message.json()["start"] == "PRIVATE /p HTTP/1.1"


async def test_upgrade_to_h2c_is_not_taken(start_edge):
    """RFC 9113 has done away with it; nothing of the offer goes on to the origin, which might take it."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http1.connect(edge.http) as connection:
            message = await connection.request(fields=[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
                                                       ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")])
            assert message.status != 101
        received = origin.all_received().lower()
        assert b"h2c" not in received and b"http2-settings" not in received


# --- malformed


GET = [(":method", "GET"), (":scheme", "http"), (":authority", "live.edge.test"), (":path", "/")]
ASK = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "live.edge.test"),
       (":path", "/"), ("sec-websocket-version", "13")]


def but(fields, **changes):
    """`fields` with pseudo fields changed, or left out (None)."""
    changed = [(n, changes.get(n[1:], v) if n.startswith(":") else v) for n, v in fields]
    return [(n, v) for n, v in changed if v is not None]


MALFORMED = {
    "connection": GET + [("connection", "keep-alive")],
    "keep-alive": GET + [("keep-alive", "5")],
    "proxy-connection": GET + [("proxy-connection", "close")],
    "transfer-encoding": GET + [("transfer-encoding", "chunked")],
    "upgrade": GET + [("upgrade", "websocket")],
    "te gzip": GET + [("te", "gzip")],
    "upper case": GET + [("X-Upper", "1")],
    "empty name": GET + [("", "1")],
    "space in a name": GET + [("a b", "1")],
    "line feed in a value": GET + [("x", "a\nhost: evil")],
    "carriage return in a value": GET + [("x", "a\rb")],
    "NUL in a value": GET + [("x", "a\0b")],
    "pseudo field behind others": GET[:3] + [("x", "1"), (":path", "/")],
    "pseudo field twice": GET + [(":path", "/b")],
    "unknown pseudo field": GET + [(":unknown", "1")],
    "a status": GET + [(":status", "200")],
    "no method": but(GET, method=None),
    "no scheme": but(GET, scheme=None),
    "no path": but(GET, path=None),
    "empty path": but(GET, path=""),
    "path without a slash": but(GET, path="x"),
    "path with a fragment": but(GET, path="/a#b"),
    "path with a space": but(GET, path="/a b"),
    "path with a line": but(GET, path="/ HTTP/1.1\r\nhost: evil"),
    "asterisk": but(GET, path="*"),
    "no authority, no host": but(GET, authority=None),
    "authority with user-info": but(GET, authority="a@live.edge.test"),
    "authority with a path": but(GET, authority="live.edge.test/x"),
    "authority against host": GET + [("host", "other.edge.test")],
    "method that is no token": but(GET, method="G T"),
    "method with a line": but(GET, method="GET / HTTP/1.1\r\n"),
    "length that is none": but(GET, method="POST") + [("content-length", "x")],
    "two lengths": but(GET, method="POST") + [("content-length", "1"), ("content-length", "2")],
    "protocol without CONNECT": but(ASK, method="GET"),
    "extended CONNECT without path": but(ASK, path=None),
    "extended CONNECT without scheme": but(ASK, scheme=None),
}


async def test_malformed_requests_are_one_streams_trouble(start_edge):
    """RFC 9113 section 8.1.1: an answer of 400 or RST_STREAM, and nothing for the origin; the connection goes on."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        wrong = {}
        for name, fields in MALFORMED.items():
            async with http2_raw.connect(edge.http) as client:
                before = len(origin.all_received())
                tunnel = fields[0][1] == "CONNECT"
                client.write(frame(HEADERS, END_HEADERS | (0 if tunnel or "length" in name else END_STREAM), 1,
                                   client.encoder.encode(fields)))
                client.next_stream = 3
                try:
                    status = await client.status(1, 5)
                except AssertionError as e:
                    wrong[name] = f"no answer: {e}"
                    continue
                if not (status == 400 or (status is None and client.reset_of(1) == "PROTOCOL_ERROR")):
                    wrong[name] = f"status {status}, reset {client.reset_of(1)}, {client.frames[-3:]}"
                elif len(origin.all_received()) != before:
                    wrong[name] = "the origin heard of it"
                else:
                    stream, head = client.head()
                    client.write(head)
                    if await client.status(stream, 5) != 200:
                        wrong[name] = "the connection did not go on"
        assert not wrong, "\n".join(f"{n}: {w}" for n, w in wrong.items())
        assert edge.metric("fairlead_http2_requests_malformed_total") > 0


@pytest.mark.parametrize("fields,statuses", [
    ([(":method", "CONNECT"), (":authority", "live.edge.test:443")], {400, 405, 501}),
    (but(ASK, protocol="connect-udp"), {400, 501}),
    (but(ASK, protocol="WebSocket-but-not-quite"), {400, 501}),
], ids=["CONNECT", "connect-udp", "unknown"])
async def test_tunnels_of_other_kinds_are_refused(start_edge, fields, statuses):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client:
            await client.settings
            stream = client.open(fields)
            assert (await stream.head()).status in statuses
            assert not origin.all_received()
            assert (await client.request()).status == 200


async def test_a_body_against_its_stated_length(start_edge):
    """RFC 9113 section 8.1.1: more or less than content-length says is malformed, whatever the origin has heard by then: it
    must not take the request for whole."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        for stated, sent in ((5, b"123"), (5, b"12345678")):
            async with http2_raw.connect(edge.http) as client:
                stream, head = client.head(END_HEADERS, method="POST", fields=[("content-length", str(stated))])
                client.write(head, frame(DATA, END_STREAM, stream, sent))
                status = await client.status(stream)
                assert status == 400 or client.reset_of(stream) == "PROTOCOL_ERROR", status
                other, head = client.head()
                client.write(head)
                assert await client.status(other) == 200
        assert b"678" not in origin.all_received()


async def test_a_head_in_many_frames_and_padded_data(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2_raw.connect(edge.http) as client:
            block = client.block("POST", "/cut", fields=[("x-long", "y" * 300)])
            cuts = [block[:1], block[1:100], block[100:]]
            client.write(frame(HEADERS, PADDED, 1, b"\x05" + cuts[0] + bytes(5)), frame(CONTINUATION, 0, 1, cuts[1]),
                         frame(CONTINUATION, END_HEADERS, 1, cuts[2]), frame(DATA, PADDED, 1, b"\x0ahello" + bytes(10)),
                         frame(DATA, PADDED | END_STREAM, 1, b"\xc8" + bytes(200)))
            assert await client.status(1) == 200
            await client.until(lambda f: f.kind == DATA and f.flags & END_STREAM)
            import json
            assert json.loads(client.data_of(1))["size"] == 5


async def test_an_acknowledgement_too_many_is_borne(start_edge):
    """RFC 9113 section 6.5.3 has no error for it, and libwebsockets sends each twice."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2_raw.connect(edge.http) as client:
            ack = frame(http2_raw.SETTINGS, http2_raw.ACK)
            stream, head = client.head()
            client.write(ack, ack, head, ack)
            assert await client.status(stream) == 200
            assert not [f for f in client.frames if f.kind == http2_raw.GOAWAY]


# --- drain


@pytest.mark.parametrize("scheme", ["ws", "wss"])
async def test_drain_says_goaway_and_closes_each_session_by_itself(start_edge, ca, scheme):
    import signal
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
    import signal
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


# --- windows


async def test_a_window_of_one_byte(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http, settings={SettingCodes.INITIAL_WINDOW_SIZE: 1}) as client:
            async with client.session(manual=True) as session:
                served = await origin.accept()
                await served.text("hello")
                await served.frame(CLOSE, b"\x03\xe8")
                expected = encode(TEXT, b"hello") + encode(CLOSE, b"\x03\xe8")
                got = b""
                while len(got) < len(expected):
                    got += await asyncio.wait_for(session.reader.readexactly(1), 5)
                    await client.ping()
                    assert not session.reader._buffer, "more than the window allows"
                    session.stream.grant(1)
                assert got == expected


async def test_no_window_at_first(start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http, settings={SettingCodes.INITIAL_WINDOW_SIZE: 0}) as client:
            async with client.session(manual=True) as session:
                served = await origin.accept()
                await served.binary(bytes(1000))
                await session.text("the other direction has a window of its own")
                await served.expect(TEXT)
                await client.ping()
                assert not session.reader._buffer
                session.stream.grant(100)
                first = await session.reader.readexactly(100)
                await client.ping()
                assert not session.reader._buffer
                session.stream.grant(1 << 20)
                assert first + await session.reader.readexactly(904) == encode(BINARY, bytes(1000))


async def test_a_window_that_becomes_negative(start_edge):
    """RFC 9113 section 6.9.2: SETTINGS may take back what was granted, even more than is left."""
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http, settings={SettingCodes.INITIAL_WINDOW_SIZE: 65535}) as client:
            async with client.session(manual=True) as session:
                served = await origin.accept()
                await served.send(encode(BINARY, bytes(200_000)))
                await session.reader.readexactly(65_535)
                client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1000})
                client.flush()
                await client.ping()
                session.stream.grant(64_535)  # the window is 0 again
                await client.ping()
                assert not session.reader._buffer
                session.stream.grant(10)
                await session.reader.readexactly(10)
                await client.ping()
                assert not session.reader._buffer
                session.stream.grant(1 << 20)
                await session.reader.readexactly(200_010 - 65_545)
                await session.text("goes on")
                await served.expect(TEXT, b"goes on")


async def test_the_connections_window_holds_all_streams_and_lets_go(start_edge):
    """What is stopped by the connection's window comes as soon as it opens, on every stream."""
    async with WireOrigin() as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2_raw.connect(edge.http, first=http2_raw.settings((0x4, 1 << 20))) as client:
            streams, size = [], 30_000
            for _ in range(5):
                stream, head = client.handshake()
                client.write(head)
                assert await client.status(stream) == 200
                streams.append(stream)
                served = await origin.accept()
                await served.binary(bytes(size))
            total = sum(len(encode(BINARY, bytes(size))) for _ in streams)

            def received():
                return sum(len(client.data_of(s)) for s in streams)

            await client.until(lambda _: received() >= 65_535, what="the window to be used")
            client.write(frame(http2_raw.PING, payload=b"12345678"))
            await client.until(lambda f: f.kind == http2_raw.PING and f.flags)
            assert received() == 65_535
            client.write(http2_raw.window_update(0, 1 << 20))
            await client.until(lambda _: received() >= total, what="the rest")
            assert received() == total
