"""RFC 9113 section 8: requests that are malformed, tunnels of other kinds, and frames that look odd and are right."""

import json

import pytest

from harness import http2, http2_raw
from harness.http1 import ScriptedOrigin, echo_handler
from harness.http2_checks import site
from harness.http2_raw import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PADDED, frame

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
