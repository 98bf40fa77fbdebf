"""RFC 8441: the opening handshake over HTTP/2, which the origin sees as one of HTTP/1.1, and its refusals."""

import base64

import pytest

from harness import http2
from harness.http1 import ScriptedOrigin, answer, echo_handler, read_request
from harness.http2_checks import alive, refusal, site
from harness.wire import WireOrigin, echo


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
        assert {r["status"] for r in edge.whole_access_log() if r["domain"] == "choosy.edge.test"} == {401, 404, 429, 502}


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
