"""R10: the PROXY protocol, read from balancers that may send it and sent to origins that want it."""

import ipaddress
import socket
import struct

import pytest

from harness import http1, http2_raw
from harness.edge import domain
from harness.http1 import ScriptedOrigin, answer, echo_handler, read_request
from harness.ports import free_port
from harness.waiting import Stopwatch
from harness.wire import TEXT, WireOrigin, opening, pair

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source, destination, command=1, tlvs=b""):
    ip = ipaddress.ip_address(source[0])
    family = 0x11 if ip.version == 4 else 0x21
    body = b"" if command == 0 else (ip.packed + ipaddress.ip_address(destination[0]).packed
                                     + struct.pack(">HH", source[1], destination[1]))
    body += tlvs
    return SIGNATURE + bytes([0x20 | command, family if command else 0]) + struct.pack(">H", len(body)) + body


GOOD = {
    "v1 TCP4": (b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7"),
    "v1 TCP6": (b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", "2001:db8::7"),
    "v1 UNKNOWN": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "v2 TCP4": (v2(("192.0.2.8", 1), ("198.51.100.1", 2)), "192.0.2.8"),
    "v2 TCP6": (v2(("2001:db8::8", 1), ("2001:db8::1", 2)), "2001:db8::8"),
    "v2 with TLVs": (v2(("192.0.2.9", 1), ("198.51.100.1", 2), tlvs=b"\x04\x01\x00" + bytes(256)), "192.0.2.9"),
    "v2 LOCAL": (v2(("127.0.0.1", 1), ("127.0.0.1", 2), command=0), "127.0.0.1"),
}
BAD = {
    "none": b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n\r\n",
    "v1 garbage": b"PROXY TCP4 nonsense\r\n",
    "v1 too long": b"PROXY TCP4 " + b"1" * 120 + b"\r\n",
    "v1 bare LF": b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n",
    "v1 port": b"PROXY TCP4 192.0.2.7 198.51.100.1 99999 443\r\n",
    "v2 version 3": v2(("192.0.2.8", 1), ("198.51.100.1", 2)).replace(b"\x21\x11", b"\x31\x11"),
    "v2 short": SIGNATURE + b"\x21\x11\x00\x04" + bytes(4),
}


def listening(port, networks, protocol="http"):
    return [{"address": f"127.0.0.1:{port}", "protocol": protocol, "proxy_protocol": {"from": networks}}]


@pytest.mark.parametrize("name", GOOD)
async def test_the_client_is_who_the_header_says(start_edge, name):
    header, client = GOOD[name]
    port = free_port()
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin), listeners=listening(port, ["127.0.0.0/8"]))
        for cut in (len(header), 1, 13, len(header) - 1):  # in one piece with the request, and in two
            async with http1.connect(port) as connection:
                await connection.send(header[:cut])
                await connection.send(header[cut:] + b"GET /who HTTP/1.1\r\nHost: live.edge.test\r\n\r\n")
                message = await connection.response()
                fields = {n.lower(): v for n, v in message.json()["fields"]}
                assert fields["x-forwarded-for"] == client
        record = await edge.logged({"target": "/who"})
        assert record["client"] == client


@pytest.mark.parametrize("name", ["v1 TCP4", "v2 TCP6", "v2 LOCAL"])
async def test_the_header_before_http_2(start_edge, name):
    """Once for the connection, and true of each of its streams."""
    header, client_address = GOOD[name]
    port = free_port()
    async with ScriptedOrigin(echo_handler()) as origin:
        listeners = listening(port, ["127.0.0.0/8"])
        listeners[0]["h2c"] = True
        edge = start_edge(domain("live.edge.test", origin), listeners=listeners)
        for cut in (len(header), 1, len(header) - 1):
            async with http2_raw.connect(port, preface=False) as client:
                first, head = client.head(path="/first")
                second, other_head = client.head(path="/second")
                client.write(header[:cut])
                client.write(header[cut:] + http2_raw.PREFACE + http2_raw.settings() + head)
                assert await client.status(first) == 200
                client.write(other_head)
                assert await client.status(second) == 200
        records = [await edge.logged({"target": target, "protocol": "h2"}) for target in ("/first", "/second")]
        assert {r["client"] for r in records} == {client_address}
        assert f"x-forwarded-for: {client_address}".encode() in origin.all_received().lower()


@pytest.mark.parametrize("name", BAD)
async def test_a_missing_or_malformed_header_ends_the_connection(start_edge, name):
    port = free_port()
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain("live.edge.test", origin), listeners=listening(port, ["127.0.0.0/8"]))
        async with http1.connect(port) as connection:
            await connection.send(BAD[name] + b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n\r\n")
            rest = await connection.at_end(5)
            assert b" 200 " not in rest
        assert not origin.all_received()
        assert edge.metric("fairlead_proxy_protocol_errors_total") >= 1


async def test_only_named_networks_may_connect(start_edge):
    port = free_port()
    async with ScriptedOrigin(echo_handler()) as origin:
        start_edge(domain("live.edge.test", origin), listeners=listening(port, ["127.0.0.2/32"]))
        good, _ = GOOD["v1 TCP4"]
        request = b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n\r\n"
        async with http1.connect(port, local_addr=("127.0.0.2", 0)) as connection:
            await connection.send(good + request)
            assert (await connection.response()).status == 200
        async with http1.connect(port, local_addr=("127.0.0.3", 0)) as connection:
            await connection.send(good + request)
            assert await connection.at_end(5) == b""


async def test_a_header_that_never_comes_ends_by_handshake_timeout(start_edge):
    port = free_port()
    async with ScriptedOrigin(echo_handler()) as origin:
        listeners = listening(port, ["127.0.0.0/8"])
        listeners[0]["handshake_timeout"] = "1s"
        start_edge(domain("live.edge.test", origin), listeners=listeners)
        async with http1.connect(port) as connection:
            await connection.send(b"PROXY ")
            since = Stopwatch()
            await connection.at_end(5)
            assert 0.7 <= since.seconds <= 2.5, since.seconds


async def test_before_tls(start_edge, ca):
    """The header comes in the clear, TLS begins after it."""
    port = free_port()
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}),
                          listeners=listening(port, ["127.0.0.0/8"], "https"))
        raw = socket.create_connection(("127.0.0.1", port))
        raw.sendall(GOOD["v2 TCP4"][0])
        import asyncio
        reader, writer = await asyncio.open_connection(sock=raw, ssl=ca.client_context(), server_hostname="live.edge.test")
        writer.write(opening())
        message = await http1.read_response(reader)
        assert message.status == 101
        served = await origin.accept()
        await served.text("over tls")
        from harness.wire import Wire
        client = Wire(reader, writer, "client", message.head)
        await client.expect(TEXT, b"over tls")
        assert served.request_head.get("x-forwarded-for") == "192.0.2.8"
        client.reset()
        await served.at_end()
        assert (await edge.logged({"status": 101}))["client"] == "192.0.2.8"


def parse_v2(data):
    assert data.startswith(SIGNATURE) and data[12] == 0x21, data[:16]
    size = struct.unpack(">H", data[14:16])[0]
    body = data[16:16 + size]
    wide = 4 if data[13] == 0x11 else 16
    source = str(ipaddress.ip_address(body[:wide]))
    return source, struct.unpack(">H", body[2 * wide:2 * wide + 2])[0], 16 + size


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_sent_to_origins(start_edge, version):
    """Each session's origin connection begins with its client's address; requests of two clients never share one."""
    heads = []

    async def origin_side(connection):
        if version == "v1":
            line = await connection.reader.readuntil(b"\r\n")
            words = line.split()
            assert words[:2] == [b"PROXY", b"TCP4"], line
            heads.append((words[2].decode(), int(words[4])))
        else:
            start = await connection.reader.readexactly(16)
            rest = await connection.reader.readexactly(struct.unpack(">H", start[14:16])[0])
            source, port, _ = parse_v2(start + rest)
            heads.append((source, port))
        mine = heads[-1]
        while True:
            request = await read_request(connection.reader, 60)
            assert request.head.get("x-forwarded-for") == mine[0]
            await connection.send(answer("200 OK", f"{mine[0]}".encode()))

    async with ScriptedOrigin(origin_side) as origin:
        edge = start_edge(domain("live.edge.test", origin, origin_proxy_protocol=version))
        for address in ("127.0.0.5", "127.0.0.6", "127.0.0.5"):
            async with http1.connect(edge.http, local_addr=(address, 0)) as connection:
                port = connection.writer.get_extra_info("sockname")[1]
                for _ in range(3):
                    assert (await connection.request()).body.decode() == address
                assert (address, port) in heads


async def test_sent_before_a_tunnel(start_edge):
    first = []

    class Peeling(WireOrigin):
        async def _session(self, connection):
            first.append(await connection.reader.readuntil(b"\r\n"))
            await super()._session(connection)

    async with Peeling() as origin:
        edge = start_edge(domain("live.edge.test", origin, origin_proxy_protocol="v1"))
        async with pair(edge.http, origin, local_addr=("127.0.0.9", 0)) as (client, served):
            await client.text("x")
            await served.expect(TEXT, b"x")
        assert first[0].startswith(b"PROXY TCP4 127.0.0.9 127.0.0.1 ")
