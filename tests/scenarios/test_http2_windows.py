"""Flow control as clients may use it: windows of a byte, none at first, negative ones, and the connection's."""

import asyncio

from h2.settings import SettingCodes

from harness import http2, http2_raw
from harness.http2_checks import site
from harness.http2_raw import frame
from harness.wire import BINARY, CLOSE, TEXT, WireOrigin, encode


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
