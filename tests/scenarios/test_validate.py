"""RFC 6455 inside the tunnel: with `validate: true` a violation ends the session with 1002 on both sides; with false the
bytes pass as they are."""

import asyncio
import struct

import pytest

from harness.edge import domain
from harness.waiting import eventually_async
from harness.wire import (BINARY, CLOSE, CONTINUATION, PING, TEXT, Ended, WireOrigin, close_payload, encode)

KEY = b"\x11\x22\x33\x44"


def client_frame(*args, **more):
    return encode(*args, key=KEY, **more)


def header(first, second, extended=b""):
    return bytes([first, second]) + extended


# What each side may not send.
CLIENT = {
    "RSV1 without an extension": client_frame(TEXT, b"x", rsv=0x40),
    "RSV2": client_frame(BINARY, b"x", rsv=0x20),
    "RSV3": client_frame(BINARY, b"x", rsv=0x10),
    "reserved opcode 3": client_frame(3, b"x"),
    "reserved opcode 11": client_frame(11, b"x"),
    "unmasked": encode(TEXT, b"x"),
    "long ping": client_frame(PING, bytes(126)),
    "fragmented ping": client_frame(PING, b"x", fin=False),
    "continuation of nothing": client_frame(CONTINUATION, b"x"),
    "new message inside a message": client_frame(TEXT, b"a", fin=False) + client_frame(TEXT, b"b"),
    "length of 2^63": header(0x82, 0xFF, struct.pack(">Q", 1 << 63)) + KEY,
    "length not minimal, 16 bits": header(0x82, 0xFE, struct.pack(">H", 5)) + KEY + b"hello",
    "length not minimal, 64 bits": header(0x82, 0xFF, struct.pack(">Q", 5)) + KEY + b"hello",
    "close of one byte": client_frame(CLOSE, b"\x03"),
    "close 1005": client_frame(CLOSE, close_payload(1005)),
    "close 1006": client_frame(CLOSE, close_payload(1006)),
    "close 999": client_frame(CLOSE, close_payload(999)),
    "close 5000": client_frame(CLOSE, close_payload(5000)),
}
ORIGIN = {
    "masked": encode(TEXT, b"x", key=KEY),
    "RSV1 without an extension": encode(TEXT, b"x", rsv=0x40),
    "reserved opcode 7": encode(7, b"x"),
    "long ping": encode(PING, bytes(126)),
    "continuation of nothing": encode(CONTINUATION, b"x"),
    "length of 2^63": header(0x82, 0x7F, struct.pack(">Q", 1 << 63)),
    "close 1015": encode(CLOSE, close_payload(1015)),
}
CASES = [("client", n) for n in CLIENT] + [("origin", n) for n in ORIGIN]


def protocol_errors(edge):
    return [r for r in edge.access_log() if r.get("close_cause") == "protocol_error"]


async def test_violations_end_the_session_with_1002(transport, start_edge):
    """Each after a good message, on a session of its own."""
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        wrong = {}

        async def one(side, name):
            async with transport.pair(edge.http, origin) as (client, served):
                bad = (CLIENT if side == "client" else ORIGIN)[name]
                sender, other = (client, served) if side == "client" else (served, client)
                await sender.send(encode(TEXT, b"good", key=KEY if side == "client" else None) + bad)
                await other.expect(TEXT, b"good")
                frames = [await other.recv(5)]
                if name == "new message inside a message" and frames[0].opcode == TEXT:
                    frames = [await other.recv(5)]  # its good first fragment may pass
                assert frames[0].opcode == CLOSE and frames[0].code == 1002, f"the other side got {frames[0]}"
                frame = await sender.recv(5)
                assert frame.opcode == CLOSE and frame.code == 1002 and frame.reason, f"the sender got {frame}"
                await other.frame(CLOSE, b"\x03\xea")
                await asyncio.gather(client.at_end(8), served.at_end(8))

        for side, name in CASES:
            try:
                await one(side, name)
            except (AssertionError, Ended, asyncio.TimeoutError, ConnectionError) as e:
                wrong[f"{side}: {name}"] = f"{type(e).__name__} {e}"
        assert not wrong, "\n".join(f"{n}: {w}" for n, w in wrong.items())
        records = await eventually_async(lambda: (r := protocol_errors(edge)) and len(r) >= len(CASES) and r,
                                         what="a record of each session")
        assert len(records) == len(CASES) and {r["close_code"] for r in records} == {1002}
        assert {r["close_by"] for r in records} == {"edge"}


@pytest.mark.parametrize("side,name", [c for c in CASES if "2^63" not in c[1] and not c[1].startswith("close")])
async def test_they_pass_when_validation_is_off(transport, start_edge, side, name):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, websocket={"validate": False}))
        async with transport.pair(edge.http, origin) as (client, served):
            sender, other = (client, served) if side == "client" else (served, client)
            bad = (CLIENT if side == "client" else ORIGIN)[name]
            await sender.send(bad)
            assert await asyncio.wait_for(other.reader.readexactly(len(bad)), 5) == bad


async def test_frames_after_a_close_do_not_pass(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with transport.pair(edge.http, origin) as (client, served):
            await client.send(client_frame(CLOSE, close_payload(1000)) + client_frame(TEXT, b"ghost"))
            await served.expect_close(1000)
            assert b"ghost" not in await served.at_end()


async def test_who_broke_the_rules_may_finish_speaking(transport, start_edge):
    """Its message goes on for a while: closing the connection under it would be a reset, which could take the Close from it."""
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with transport.pair(edge.http, origin) as (client, served):
            await client.send(CLIENT["RSV2"])
            await served.expect_close(1002)
            await client.expect_close(1002, answer=False)
            for _ in range(5):
                await client.send(b"more of it")
            await client.expect_end()
        assert (await edge.logged({"close_code": 1002}))["close_cause"] == "protocol_error"


@pytest.mark.parametrize("fragmented", [False, True])
async def test_a_message_over_the_limit_is_1009(transport, start_edge, fragmented):
    async with WireOrigin() as origin:
        edge = start_edge(domain("live.edge.test", origin, websocket={"max_message_size": "64KiB"}))
        async with transport.pair(edge.http, origin) as (client, served):
            await client.binary(bytes(65_536))
            assert len((await served.recv()).payload) == 65_536
            if fragmented:
                await client.frame(BINARY, bytes(40_000), fin=False)
                await served.recv()
                await client.frame(CONTINUATION, bytes(40_000))
            else:
                await client.binary(bytes(65_537))
            await served.expect_close(1009)
            await client.expect_close(1009)
        assert (await edge.logged({"close_cause": "message_too_big"}))["close_by"] == "edge"


async def test_reserved_bits_of_an_agreed_extension_are_no_violation(transport, start_edge):
    async with WireOrigin(answer_fields=["Sec-WebSocket-Extensions: permessage-deflate"]) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with transport.open_session(edge.http, fields=[("Sec-WebSocket-Extensions", "permessage-deflate")]) as client:
            served = await origin.accept()
            await client.frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=0x40)
            assert (await served.recv()).rsv == 0x40
            await client.frame(TEXT, b"x", rsv=0x20)
            await served.expect_close(1002)


@pytest.mark.parametrize("field,value", [("Sec-WebSocket-Protocol", "never-offered"),
                                         ("Sec-WebSocket-Extensions", "x-never-offered")])
async def test_an_origin_may_choose_only_what_was_offered(transport, start_edge, field, value):
    from harness.wire import Refused
    async with WireOrigin(answer_fields=[f"{field}: {value}"]) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        with pytest.raises(Refused) as caught:
            async with transport.open_session(edge.http, fields=[("Sec-WebSocket-Protocol", "a, b")]):
                pass
        assert caught.value.status == 502
        caught.value.message.problem()


async def test_the_subprotocol_passes(transport, start_edge):
    async with WireOrigin(answer_fields=["Sec-WebSocket-Protocol: b"]) as origin:
        edge = start_edge(domain("live.edge.test", origin))
        async with transport.open_session(edge.http, fields=[("Sec-WebSocket-Protocol", "a, b")]) as client:
            served = await origin.accept()
            assert served.request_head.get("sec-websocket-protocol") == "a, b"
            assert client.head.get("sec-websocket-protocol") == "b"
