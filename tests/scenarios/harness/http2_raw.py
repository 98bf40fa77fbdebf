"""HTTP/2 without manners: frames are written as a test wants them, wrong ones too, and what the edge sends is kept as it
came. Nothing is acknowledged, no window is opened behind the test's back. Heads go through python3-hpack."""

import asyncio
import contextlib
import struct
from dataclasses import dataclass

import hpack

from .http2 import error_name

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 0x9, 0xB


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *p) for p in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst_stream(stream, code=0x8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


@dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes


class RawClient(asyncio.Protocol):
    """One connection; `frames` is all that came."""

    def __init__(self):
        self.frames = []
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.lost = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.next_stream = 1

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self._buffer += data
        while len(self._buffer) >= 9:
            size = int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < 9 + size:
                break
            self.frames.append(Frame(self._buffer[3], self._buffer[4], int.from_bytes(self._buffer[5:9], "big") & 0x7FFFFFFF,
                                     bytes(self._buffer[9:9 + size])))
            del self._buffer[:9 + size]
        self._news.set()

    def eof_received(self):
        return False

    def connection_lost(self, error):
        if not self.lost.done():
            self.lost.set_result(error)
        self._news.set()
        self._may_write.set()

    def pause_writing(self):
        self._may_write.clear()

    def resume_writing(self):
        self._may_write.set()

    # Sending

    def write(self, *frames):
        self.transport.write(b"".join(frames))

    async def send(self, *frames):
        """Raises ConnectionResetError when the edge has ended the connection."""
        if self.lost.done():
            raise ConnectionResetError("the edge has ended the connection")
        self.transport.write(b"".join(frames))
        await self._may_write.wait()

    def block(self, method="GET", path="/", host="live.edge.test", scheme="http", fields=()):
        """The HPACK block of a request, its size update and table as a real client has them."""
        return self.encoder.encode([(":method", method), (":scheme", scheme), (":authority", host), (":path", path), *fields])

    def head(self, flags=END_HEADERS | END_STREAM, **request):
        """(stream, frame): a request on a stream of its own."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        return stream, frame(HEADERS, flags, stream, self.block(**request))

    def handshake(self, host="live.edge.test", path="/"):
        """(stream, frame): an opening handshake, RFC 8441 section 5."""
        return self.head(END_HEADERS, method="CONNECT", path=path, host=host,
                         fields=[(":protocol", "websocket"), ("sec-websocket-version", "13")])

    # Looking at what came

    async def until(self, condition, timeout=10.0, what="a frame"):
        """Waits until condition(frame) is true of some frame; None when the connection ended first."""
        deadline = asyncio.get_running_loop().time() + timeout
        seen = 0
        while True:
            while seen < len(self.frames):
                if condition(self.frames[seen]):
                    return self.frames[seen]
                seen += 1
            if self.lost.done():
                return None
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), deadline - asyncio.get_running_loop().time())
            except asyncio.TimeoutError:
                raise AssertionError(f"{what}: not within {timeout} s, but {self.frames[-5:]}") from None

    async def goaway(self, timeout=10.0):
        """The error code of the GOAWAY that came; None when the connection was closed without."""
        found = await self.until(lambda f: f.kind == GOAWAY and f.payload[4:8] != bytes(4), timeout, "GOAWAY with an error")
        return struct.unpack(">I", found.payload[4:8])[0] if found else None

    def head_of(self, stream):
        """The fields of the first head that came on `stream`. Heads are decoded in the order in which they came, once."""
        if not hasattr(self, "heads"):
            self.heads, self._decoded = {}, 0
        for got in self.frames[self._decoded:]:
            if got.kind == HEADERS:
                assert got.flags & END_HEADERS, "a head in several frames"
                self.heads.setdefault(got.stream, dict(self.decoder.decode(got.payload)))
        self._decoded = len(self.frames)
        return self.heads.get(stream)

    async def status(self, stream, timeout=10.0):
        """The status of the first head on `stream`; None when it, or the connection, ended without one."""
        await self.until(lambda f: f.stream == stream and f.kind in (HEADERS, RST_STREAM), timeout, f"a head on {stream}")
        head = self.head_of(stream)
        return int(head[":status"]) if head else None

    def reset_of(self, stream):
        """The name of the error code of the RST_STREAM that came on `stream`; None without."""
        codes = [f.payload for f in self.frames if f.kind == RST_STREAM and f.stream == stream]
        return error_name(struct.unpack(">I", codes[0])[0]) if codes else None

    def data_of(self, stream):
        return b"".join(f.payload for f in self.frames if f.kind == DATA and f.stream == stream)


@contextlib.asynccontextmanager
async def connect(port, tls=None, host="live.edge.test", address="127.0.0.1", preface=True, first=None, **options):
    """A connection that has said its preface and `first` (an empty SETTINGS unless told otherwise), or nothing at all."""
    if tls is not None:
        tls.set_alpn_protocols(["h2"])
        options.update(ssl=tls, server_hostname=host)
    transport, client = await asyncio.get_running_loop().create_connection(RawClient, address, port, **options)
    try:
        if preface:
            client.write(PREFACE, settings() if first is None else first)
            await client.until(lambda f: f.kind == SETTINGS and not f.flags & ACK, what="the edge's SETTINGS")
        yield client
    finally:
        transport.abort()
