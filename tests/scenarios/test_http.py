"""R9: ordinary HTTP beside the sessions: proxied, uncached, unbuffered, and framed right on both legs. What HTTP/2 has
other words for (pipelining, Connection, HTTP/1.0) is tested over HTTP/1.1 alone."""

import asyncio
import hashlib
import os

import pytest

from harness import http1
from harness.edge import domain
from harness.http1 import ScriptedOrigin, answer, echo_handler, read_body, read_chunk, read_head, read_request


def site(origin, ca=None, **settings):
    settings.setdefault("websocket", {"origin_scheme": "http"})
    return domain("live.edge.test", origin, ca=ca, **settings)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_keep_alive_on_both_legs(transport, start_edge, ca, scheme):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, ca))
        port, tls = (edge.http, None) if scheme == "http" else (edge.https, ca.client_context())
        async with transport.connect(port, tls) as connection:
            for i in range(50):
                message = await connection.request("GET", f"/page/{i}?q=%20{i}")
                assert message.status == 200
                assert message.json()["start"] == f"GET /page/{i}?q=%20{i} HTTP/1.1"
        assert origin.connections == 1, "connections to the origin are reused"


async def test_connection_close_is_obeyed(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        async with http1.connect(edge.http) as connection:
            message = await connection.request(fields=[("Connection", "close")])
            assert message.status == 200 and message.head.get("connection") == "close"
            assert await connection.at_end() == b""


async def test_http_1_0(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        async with http1.connect(edge.http) as connection:
            await connection.send(b"GET /old HTTP/1.0\r\nHost: live.edge.test\r\n\r\n")
            message = await connection.response()
            assert message.status == 200 and message.head.get("transfer-encoding") is None
            assert await connection.at_end() == b""


async def test_pipelined_requests_are_answered_in_order(start_edge):
    async def uneven(connection):
        """Answers the first request late: the edge must not let the second pass it."""
        while True:
            request = await read_request(connection.reader, 300)
            if request.head.target == "/slow":
                await asyncio.sleep(0.3)
            await connection.send(answer("200 OK", request.head.target.encode()))

    async with ScriptedOrigin(uneven) as origin:
        edge = start_edge(site(origin))
        async with http1.connect(edge.http) as connection:
            paths = ["/slow"] + [f"/{i}" for i in range(20)]
            await connection.send(b"".join(f"GET {p} HTTP/1.1\r\nHost: live.edge.test\r\n\r\n".encode() for p in paths))
            assert [(await connection.response()).body.decode() for _ in paths] == paths


async def test_pipelined_posts_with_bodies(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        async with http1.connect(edge.http) as connection:
            bodies = [b"", b"GET /hidden HTTP/1.1\r\n\r\n", os.urandom(100_000), b"x"]
            sent = b""
            for i, body in enumerate(bodies):
                if i % 2:
                    framed = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
                else:
                    framed = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
                sent += b"POST /%d HTTP/1.1\r\nHost: live.edge.test\r\n%s" % (i, framed)
            await connection.send(sent)
            for i, body in enumerate(bodies):
                message = await connection.response()
                assert message.json()["start"] == f"POST /{i} HTTP/1.1"
                assert message.json()["sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 65_536, 20 << 20])
async def test_uploads_by_length_arrive_whole(transport, start_edge, size):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        body = os.urandom(size)
        message = await transport.fetch(edge.http, "/up", "POST", body=body, fields=[("Content-Length", str(size))])
        assert message.json()["sha256"] == hashlib.sha256(body).hexdigest() and message.json()["size"] == size


async def test_chunked_upload_with_trailers(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            parts = [os.urandom(n) for n in (1, 100, 70_000, 3)]
            upload = await connection.begin("PUT", "/up", fields=[("Trailer", "X-Sum")], body="open")
            for part in parts:
                await upload.send(part)
            await upload.finish([("X-Sum", "abc")])
            message = await upload.response()
            assert message.json()["sha256"] == hashlib.sha256(b"".join(parts)).hexdigest()
            assert ["X-Sum", "abc"] in [[n.title(), v] for n, v in message.json()["trailers"]]


async def test_chunked_download_with_trailers(transport, start_edge):
    parts = [os.urandom(n) for n in (10, 1, 200_000, 5)]

    async def chunked(connection):
        await read_request(connection.reader)
        await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
        for part in parts:
            await connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        await connection.send(b"0\r\nX-Sum: 42\r\n\r\n")

    async with ScriptedOrigin(chunked) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            message = await connection.request(fields=[("TE", "trailers")])
            assert message.body == b"".join(parts)
            assert [(n.lower(), v) for n, v in message.trailers] == [("x-sum", "42")]


async def test_an_answer_that_ends_with_the_connection(transport, start_edge):
    async def until_close(connection):
        await read_request(connection.reader)
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"z" * 300_000)

    async with ScriptedOrigin(until_close) as origin:
        edge = start_edge(site(origin))
        message = await transport.fetch(edge.http)
        assert message.body == b"z" * 300_000


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_an_answer_cut_short_is_not_taken_for_whole(transport, start_edge, framing):
    async def cut(connection):
        await read_request(connection.reader)
        head = b"Content-Length: 1000" if framing == "length" else b"Transfer-Encoding: chunked"
        body = b"only this" if framing == "length" else b"9\r\nonly this\r\n"
        await connection.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body)

    async with ScriptedOrigin(cut) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            with pytest.raises((http1.Ended, ConnectionError)):
                await connection.request()
        await edge.logged(lambda r: r.get("close_by") == "origin")


async def test_head_has_no_body_and_the_connection_goes_on(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            for _ in range(3):
                message = await connection.request("HEAD", "/x")
                assert message.status == 200 and int(message.head.get("content-length")) > 100
            assert (await connection.request()).status == 200


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_bodiless_statuses(transport, start_edge, status):
    async def bodiless(connection):
        while True:
            await read_request(connection.reader, 60)
            await connection.send(f"HTTP/1.1 {status}\r\nETag: \"a\"\r\n\r\n".encode())

    async with ScriptedOrigin(bodiless) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            for _ in range(3):
                message = await connection.request()
                assert f"{message.status}" == status[:3] and message.head.get("etag") == '"a"'


async def test_events_arrive_before_the_next_is_sent(transport, start_edge, ca):
    """SSE: the origin sends an event only when the client has the one before."""
    arrived = asyncio.Semaphore(0)

    async def events(connection):
        await read_request(connection.reader)
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(20):
            event = b"data: %d\n\n" % i
            await connection.send(b"%x\r\n%s\r\n" % (len(event), event))
            await asyncio.wait_for(arrived.acquire(), 5)
        await connection.send(b"0\r\n\r\n")

    async with ScriptedOrigin(events) as origin:
        edge = start_edge(site(origin, ca))
        for port, tls in ((edge.http, None), (edge.https, ca.client_context())):
            async with transport.connect(port, tls) as connection:
                source = await connection.begin("GET", "/events")
                assert (await source.head()).get("content-type") == "text/event-stream"
                for i in range(20):
                    assert await source.piece(5) == b"data: %d\n\n" % i
                    arrived.release()
                assert await source.piece(5) == b""


async def test_a_body_streams_up_while_the_answer_streams_down(transport, start_edge):
    async def conversation(connection):
        await read_head(connection.reader)
        await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while chunk := await read_chunk(connection.reader, 5):
            reply = b"got " + chunk
            await connection.send(b"%x\r\n%s\r\n" % (len(reply), reply))
        await connection.send(b"0\r\n\r\n")
        await connection.reader.readline()

    async with ScriptedOrigin(conversation) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            talk = await connection.begin("POST", body="open")
            assert (await talk.head()).status == 200
            for word in (b"one", b"two", b"three"):
                await talk.send(word)
                assert await talk.piece(5) == b"got " + word
            await talk.finish()
            assert await talk.piece(5) == b""


async def test_100_continue_comes_from_the_origin(transport, start_edge):
    asked = asyncio.Event()

    async def careful(connection):
        head = await read_head(connection.reader)
        assert head.get("expect") == "100-continue"
        asked.set()
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        message = await read_body(connection.reader, http1.Message(head), request=True)
        await connection.send(answer("200 OK", message.body[::-1]))

    async with ScriptedOrigin(careful) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            upload = await connection.begin("POST", fields=[("Expect", "100-continue")], body=5)
            assert (await upload.head()).status == 100
            assert asked.is_set()
            await upload.send(b"hello")
            message = await upload.response()
            assert message.status == 200 and message.body == b"olleh"


async def test_a_refused_expectation_spares_the_body(transport, start_edge):
    async def strict(connection):
        await read_head(connection.reader)
        await connection.send(answer("413 Content Too Large", b"no"))
        await connection.at_end()

    async with ScriptedOrigin(strict) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            upload = await connection.begin("POST", fields=[("Expect", "100-continue")], body=5_000_000)
            message = await upload.response()
            assert message.status == 413 and message.body == b"no" and not message.interim


async def test_early_hints_pass(transport, start_edge):
    async def hints(connection):
        await read_request(connection.reader)
        await connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
                              b"HTTP/1.1 102 Processing\r\n\r\n" + answer("200 OK", b"page"))

    async with ScriptedOrigin(hints) as origin:
        edge = start_edge(site(origin))
        message = await transport.fetch(edge.http)
        assert [h.status for h in message.interim] == [103, 102] and message.body == b"page"
        assert message.interim[0].get("link") == "</a.css>; rel=preload"


async def test_a_stale_kept_alive_connection_to_the_origin_is_not_the_clients_trouble(transport, start_edge):
    """The origin closes idle connections at once: every second request would fall into that gap."""
    async def once(connection):
        request = await read_request(connection.reader)
        await connection.send(answer("200 OK", request.head.target.encode()))

    async with ScriptedOrigin(once) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            for i in range(30):
                message = await connection.request("GET", f"/{i}")
                assert message.status == 200 and message.body == f"/{i}".encode()


async def test_an_origin_connection_with_unasked_bytes_is_not_reused(transport, start_edge):
    """What an origin sends beyond its answer must never become the answer to somebody else's request."""
    async def chatty(connection):
        while True:
            request = await read_request(connection.reader, 60)
            await connection.send(answer("200 OK", request.head.target.encode()) + answer("200 OK", b"poison"))

    async with ScriptedOrigin(chatty) as origin:
        edge = start_edge(site(origin))
        for i in range(10):
            assert (await transport.fetch(edge.http, f"/{i}")).body == f"/{i}".encode()


async def test_the_client_goes_away_and_the_origin_is_told(transport, start_edge):
    began, gone = asyncio.Event(), asyncio.Event()

    async def endless(connection):
        await read_request(connection.reader)
        await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        began.set()
        try:
            while True:
                await connection.send(b"1000\r\n" + bytes(4096) + b"\r\n")
                await asyncio.sleep(0.01)
        except ConnectionError:
            gone.set()

    async with ScriptedOrigin(endless) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            download = await connection.begin()
            await began.wait()
            await download.head()
        await asyncio.wait_for(gone.wait(), 5)


async def test_requests_are_logged_and_counted(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        await transport.fetch(edge.http, "/logged?x=\"quoted\\", "POST", body=b"12345")
        record = await edge.logged(lambda r: r["target"].startswith("/logged"))
        assert (record["method"], record["status"], record["origin_status"]) == ("POST", 200, 200)
        assert record["bytes_in"] == 5 and record["bytes_out"] > 100 and record["domain"] == "live.edge.test"
        assert record["target"] == "/logged?x=\"quoted\\"
