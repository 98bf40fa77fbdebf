"""WebSocket without manners: frames are sent and seen as they are. Nothing is answered, joined, checked or unmasked
behind the test's back, so that a test can tell what the edge did from what a library did."""

import asyncio
import base64
import contextlib
import hashlib
import os
import struct
from dataclasses import dataclass

from . import http1
from .http1 import Connection, Ended, read_head, read_response

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


class Refused(Exception):
    """The opening handshake was answered by something else than 101 (over HTTP/2: than 200)."""

    def __init__(self, message):
        super().__init__(f"{message.status}: {message.body[:300]!r}")
        self.message = message
        self.status = message.status


@dataclass
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    key: bytes | None = None

    @property
    def code(self):
        return struct.unpack(">H", self.payload[:2])[0] if len(self.payload) >= 2 else 1005

    @property
    def reason(self):
        return self.payload[2:].decode()

    def __repr__(self):
        names = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
        name = names.get(self.opcode, hex(self.opcode))
        return f"<{name} fin={self.fin} rsv={self.rsv:#x} {len(self.payload)} bytes {self.payload[:60]!r}>"


def mask(payload, key):
    if not payload:
        return payload
    repeated = key * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "little") ^ int.from_bytes(repeated[:len(payload)], "little")
    return number.to_bytes(len(payload), "little")


def encode(opcode, payload=b"", fin=True, rsv=0, key=None):
    """One frame; masked when there is a key."""
    size = len(payload)
    first = (0x80 if fin else 0) | rsv | opcode
    bit = 0x80 if key is not None else 0
    if size < 126:
        head = struct.pack(">BB", first, bit | size)
    elif size < 65536:
        head = struct.pack(">BBH", first, bit | 126, size)
    else:
        head = struct.pack(">BBQ", first, bit | 127, size)
    return head + (key + mask(payload, key) if key is not None else payload)


def close_payload(code, reason=""):
    return struct.pack(">H", code) + reason.encode()


class Wire(Connection):
    """One end of a session, as "client" (which masks) or as "origin"."""

    def __init__(self, reader, writer, role, head, request=None):
        super().__init__(reader, writer)
        self.role, self.head, self.request_head = role, head, request

    def _key(self):
        return os.urandom(4) if self.role == "client" else None

    async def frame(self, opcode, payload=b"", fin=True, rsv=0, key=False):
        await self.send(encode(opcode, payload, fin, rsv, self._key() if key is False else key))

    async def text(self, text):
        await self.frame(TEXT, text.encode())

    async def binary(self, data):
        await self.frame(BINARY, data)

    async def ping(self, data=b""):
        await self.frame(PING, data)

    async def pong(self, data=b""):
        await self.frame(PONG, data)

    async def send_close(self, code=1000, reason=""):
        await self.frame(CLOSE, close_payload(code, reason))

    async def recv(self, timeout=10.0):
        """The next frame of whatever kind; Ended at the end of the stream."""
        try:
            return await asyncio.wait_for(self._recv(), timeout)
        except asyncio.IncompleteReadError as e:
            raise Ended(f"end of stream after {e.partial[:100]!r}") from e
        except ConnectionError as e:
            raise Ended(repr(e)) from e

    async def _recv(self):
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", await self.reader.readexactly(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", await self.reader.readexactly(8))[0]
        key = await self.reader.readexactly(4) if second & 0x80 else None
        payload = await self.reader.readexactly(size)
        if key:
            payload = mask(payload, key)
        return Frame(first & 0xF, payload, bool(first & 0x80), first & 0x70, key)

    async def expect(self, opcode, payload=None, timeout=10.0):
        frame = await self.recv(timeout)
        assert frame.opcode == opcode, frame
        assert payload is None or frame.payload == payload, frame
        return frame

    async def expect_close(self, code=None, timeout=10.0, skip=(), answer=True):
        """Waits for a Close, skipping frames of the opcodes in `skip`; answers it, upon which an origin, as any server
        (RFC 6455 section 7.1.1), ends the connection. Returns the frame."""
        while True:
            frame = await self.recv(timeout)
            if frame.opcode not in skip:
                break
        assert frame.opcode == CLOSE, frame
        assert code is None or frame.code == code, frame
        if answer:
            with contextlib.suppress(ConnectionError):
                await self.frame(CLOSE, frame.payload[:2])
                if self.role == "origin":
                    self.writer.close()
        return frame

    async def expect_end(self, timeout=10.0):
        """The end of the stream, with nothing before it."""
        rest = await self.at_end(timeout)
        assert rest == b"", f"before the end of the stream: {rest[:200]!r}"

    async def quiet(self, seconds):
        """Nothing arrives for so long: the one thing that only time can show."""
        try:
            frame = await asyncio.wait_for(self._recv(), seconds)
        except asyncio.TimeoutError:
            return
        raise AssertionError(f"nothing should come, but: {frame}")

    def reset(self):
        http1.abort(self.writer)


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def opening(target="/", host="live.edge.test", key=None, fields=(), without=()):
    """The bytes of an opening handshake. `fields` replace those of the same name, `without` leaves names out."""
    key = key or base64.b64encode(os.urandom(16)).decode()
    have = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13"}
    for name, _ in fields:
        have = {n: v for n, v in have.items() if n.lower() != name.lower()}
    lines = [f"GET {target} HTTP/1.1"]
    lines += [f"{n}: {v}" for n, v in have.items() if n.lower() not in {w.lower() for w in without}]
    lines += [f"{n}: {v}" for n, v in fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


@contextlib.asynccontextmanager
async def open_session(port, target="/", host="live.edge.test", tls=None, fields=(), timeout=10.0, limit=1 << 20, early=b"",
                       **options):
    """A session through the edge, as its client; `early` goes out with the handshake. Raises Refused when the answer is
    not 101."""
    key = base64.b64encode(os.urandom(16)).decode()
    async with http1.connect(port, tls, host.split(":")[0], limit=limit, **options) as connection:
        await connection.send(opening(target, host, key, fields) + early)
        message = await read_response(connection.reader, timeout=timeout)
        if message.status != 101:
            raise Refused(message)
        assert message.head.get("sec-websocket-accept") == accept_key(key), message.head.raw
        assert message.head.get("upgrade", "").lower() == "websocket", message.head.raw
        yield Wire(connection.reader, connection.writer, "client", message.head)


class WireOrigin(http1.ScriptedOrigin):
    """An origin that accepts opening handshakes; `await accept()` gives the next session. With a `handler`, each
    session is handled by handler(wire) instead. `answer_fields` are added to the 101; a request that is no opening
    handshake goes to `ordinary`."""

    def __init__(self, handler=None, answer_fields=(), ordinary=None, **options):
        super().__init__(self._session, **{"record": False, **options})
        self.session_handler, self.answer_fields, self.ordinary = handler, answer_fields, ordinary
        self.waiting = asyncio.Queue()
        self.requests = []
        self.live = 0

    async def _session(self, connection):
        while True:
            head = await read_head(connection.reader, timeout=300)
            self.requests.append(head)
            if (head.get("upgrade") or "").lower() == "websocket":
                break
            if self.ordinary:
                await self.ordinary(connection, head)
            else:
                await connection.send(http1.answer("200 OK", b"ordinary\n"))
        fields = self.answer_fields(head) if callable(self.answer_fields) else self.answer_fields
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Accept: {accept_key(head.get('sec-websocket-key'))}", *fields]
        await connection.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        wire = Wire(connection.reader, connection.writer, "origin", None, head)
        self.live += 1
        try:
            if self.session_handler:
                await self.session_handler(wire)
            else:
                over = asyncio.get_running_loop().create_future()
                wire.over = over
                await self.waiting.put(wire)
                await over  # the test owns the session; it ends with the origin
        finally:
            self.live -= 1

    async def accept(self, timeout=10.0):
        return await asyncio.wait_for(self.waiting.get(), timeout)


async def echo(wire):
    """Returns every message frame by frame, answers Ping and Close."""
    while True:
        frame = await wire.recv(timeout=600)
        if frame.opcode == PING:
            await wire.pong(frame.payload)
        elif frame.opcode == CLOSE:
            await wire.frame(CLOSE, frame.payload[:2])
            return  # and the connection is closed
        elif frame.opcode != PONG:
            await wire.frame(frame.opcode, frame.payload, frame.fin, frame.rsv)


@contextlib.asynccontextmanager
async def pair(edge_port, origin, **options):
    """Both ends of one session: (client, origin)."""
    async with open_session(edge_port, **options) as client:
        yield client, await origin.accept()
