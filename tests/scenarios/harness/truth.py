"""Peers that count for themselves every byte, frame and message that passes between them, raw on the socket: what statistics,
access log, metrics and bills are held against. Clients come through a PROXY header, so that each can be from anywhere; over
TCP or TLS; HTTP/1.1 or HTTP/2. Nothing here knows how the edge counts."""

import asyncio
import base64
import contextlib
import hashlib
import os
import socket
import ssl
import struct
import time
from collections import Counter, defaultdict

import h2.config
import h2.connection
import h2.events
from h2.settings import SettingCodes

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# No peer moves that near to the boundary of two intervals: nobody could tell which of them a byte is in. Hundreds of clients
# in one process, on a busy machine, want more.
QUIET_S = float(os.environ.get("FAIRLEAD_TRUTH_QUIET_S", "2.5"))


async def away_from_boundaries():
    """Waits until no interval of five minutes is about to end or has just begun."""
    at = time.time() % 300
    if at > 300 - QUIET_S:
        await asyncio.sleep(300 - at + QUIET_S)
    elif at < QUIET_S:
        await asyncio.sleep(QUIET_S - at)


def frame(opcode, payload, mask, fin=True):
    size = len(payload)
    head = bytes([opcode | (0x80 if fin else 0)])
    bit = 0x80 if mask else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += struct.pack(">BH", bit | 126, size)
    else:
        head += struct.pack(">BQ", bit | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    repeated = key * (size // 4 + 1)
    return head + key + bytes(a ^ b for a, b in zip(payload, repeated)) if size < 256 else \
        head + key + (int.from_bytes(payload, "big") ^ int.from_bytes(repeated[:size], "big")).to_bytes(size, "big")


class Frames:
    """Frames out of bytes, as they come."""

    def __init__(self):
        self.data = bytearray()

    def feed(self, data):
        self.data += data
        while True:
            d = self.data
            if len(d) < 2:
                return
            length, at = d[1] & 127, 2
            if length == 126:
                if len(d) < 4:
                    return
                length, at = struct.unpack(">H", d[2:4])[0], 4
            elif length == 127:
                if len(d) < 10:
                    return
                length, at = struct.unpack(">Q", d[2:10])[0], 10
            key = b""
            if d[1] & 128:
                key, at = bytes(d[at:at + 4]), at + 4
            if len(d) < at + length:
                return
            payload = bytes(d[at:at + length])
            if key and payload:
                repeated = (key * (length // 4 + 1))[:length]
                payload = (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
            opcode, fin, size = d[0] & 15, bool(d[0] & 128), at + length
            del self.data[:size]
            yield opcode, fin, payload, size


class Truth:
    """What was counted, by (domain, region, isp), then by (interval, meter)."""

    def __init__(self):
        self.counts = defaultdict(Counter)

    def book(self, key):
        def add(meter, n=1):
            self.counts[key][(int(time.time()) // 300 * 300, meter)] += n
        return add

    def total(self, meter, **where):
        return sum(n for (domain, region, isp), counts in self.counts.items()
                   for (at, m), n in counts.items()
                   if m == meter and all({"domain": domain, "region": region, "isp": isp, "at": at}[k] == v for k, v in where.items()))


class Origin:
    """Answers opening handshakes, says back every message in the frames it came in, answers Pings and Closes; "die" makes it
    reset its connection. GET: a page of the size that the path says."""

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                fields = dict((n.lower(), v.strip()) for n, v in (line.split(":", 1) for line in lines[1:-2]))
                if "sec-websocket-key" in fields:
                    break
                body = b"x" * int(lines[0].split()[1].rsplit("/", 1)[1])
                if int(fields.get("content-length", 0)):
                    await reader.readexactly(int(fields["content-length"]))
                writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
            accept = base64.b64encode(hashlib.sha1(fields["sec-websocket-key"].encode() + GUID).digest()).decode()
            writer.write(f"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                         f"sec-websocket-accept: {accept}\r\n\r\n".encode())
            frames = Frames()
            while data := await reader.read(65536):
                for opcode, fin, payload, _ in frames.feed(data):
                    if payload == b"die":
                        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        writer.transport.abort()
                        return
                    if opcode == PING:
                        opcode = PONG
                    writer.write(frame(opcode, payload, False, fin))
        with contextlib.suppress(Exception):
            writer.close()


class Wire:
    """One TCP connection of a client, with TLS or without, which counts its own bytes. `add` may change as time passes: what
    passes now is booked there."""

    def __init__(self, add, meters=("wire_in", "wire_out")):
        self.add, self.meters = add, meters

    async def connect(self, port, address, host, tls=None, alpn=()):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        to = "TCP6 {} ::1" if ":" in address else "TCP4 {} 127.0.0.1"
        self.raw(f"PROXY {to.format(address)} 40000 80\r\n".encode())
        self.tls = None
        if tls:
            tls.set_alpn_protocols(list(alpn) or ["http/1.1"])
            self.into, self.out_of = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = tls.wrap_bio(self.into, self.out_of, server_hostname=host)
            while True:
                try:
                    self.tls.do_handshake()
                    self.flush()
                    break
                except ssl.SSLWantReadError:
                    self.flush()
                    self.into.write(await self.take())
        return self

    def raw(self, data):
        if data:
            self.add(self.meters[0], len(data))
            self.writer.write(data)

    def flush(self):
        self.raw(self.out_of.read())

    async def take(self):
        data = await self.reader.read(65536)
        if data:
            self.add(self.meters[1], len(data))
        return data

    def send(self, data):
        if self.tls:
            for at in range(0, len(data), 16384):
                self.tls.write(data[at:at + 16384])
            self.flush()
        else:
            self.raw(data)

    async def receive(self):
        """Some bytes; none: the other side has ended."""
        if not self.tls:
            return await self.take()
        while True:
            got = b""
            with contextlib.suppress(ssl.SSLWantReadError):
                while piece := self.tls.read(65536):
                    got += piece
                if not got:
                    return b""
            if got:
                return got
            data = await self.take()
            if not data:
                return b""
            self.into.write(data)

    async def drain(self):
        """Until the other side has ended, so that nothing it sent is left uncounted."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while await self.take():
                pass

    def reset(self):
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def finish(self):
        """An orderly end: ours first, then all of theirs."""
        with contextlib.suppress(ConnectionError, OSError):
            self.writer.write_eof()
        await self.drain()
        self.writer.close()


class Session:
    """What both kinds of tunnel have in common: frames there and back, counted. `send(bytes)` and `receive()` carry them."""

    def __init__(self, add, send, receive):
        self.add, self.send, self.receive = add, send, receive
        self.frames = Frames()
        self.closed = False

    def say(self, opcode, payload, fin=True):
        data = frame(opcode, payload, True, fin)
        self.add("bytes_in", len(data))
        self.add("frames_in")
        self.send(data)

    async def hear(self):
        """The next frames; none: over. Whether they count is for the caller to know: the edge's own do not."""
        while True:
            heard = list(self.frames.feed(await self.receive() or b""))
            if heard or not self.frames.data:
                return heard

    def heard(self, size):
        self.add("bytes_out", size)
        self.add("frames_out")

    async def exchange(self, opcode, pieces):
        """A message in that many fragments, and its echo."""
        for i, piece in enumerate(pieces):
            self.say(opcode if i == 0 else 0, piece, i == len(pieces) - 1)
        self.add("messages_in")
        await self.await_echo(opcode, b"".join(pieces))
        self.add("messages_out")

    async def await_echo(self, opcode, payload):
        got, done = b"", False
        while not done:
            heard = await self.hear()
            assert heard, "the session ended before its echo"
            for heard_opcode, fin, piece, size in heard:
                assert heard_opcode in (opcode, 0), (heard_opcode, piece[:80])
                self.heard(size)
                got, done = got + piece, fin
        assert got == payload

    async def ping(self):
        self.say(PING, b"are you there")
        await self.await_echo(PONG, b"are you there")

    async def close(self):
        self.say(CLOSE, struct.pack(">H", 1000))
        await self.await_echo(CLOSE, struct.pack(">H", 1000))
        self.add("closed:closing_handshake")

    async def await_timeout(self):
        """The edge's own Close; the answers to it go no further than the edge, and none of these counts but on the wire."""
        heard = await self.hear()
        assert [f[0] for f in heard] == [CLOSE] and heard[0][2][:2] == struct.pack(">H", 1001), heard
        self.send(frame(CLOSE, struct.pack(">H", 1001), True))
        self.add("closed:connection_timeout")


async def open_h1(wire, host, path="/", status=101):
    """The opening handshake; the session, or None when it was refused as expected."""
    key = base64.b64encode(os.urandom(16)).decode()
    wire.send(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
              f"sec-websocket-key: {key}\r\n\r\n".encode())
    seen = b""
    while b"\r\n\r\n" not in seen:
        data = await wire.receive()
        assert data, f"the edge ended the connection: {seen!r}"
        seen += data
    assert int(seen.split()[1]) == status, seen
    wire.add(f"handshake:{status}")
    if status != 101:
        head, body = seen.split(b"\r\n\r\n", 1)
        size = int([line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")][0].split(b":")[1])
        while len(body) < size:
            body += await wire.receive()
        return None
    wire.add("opened")
    session = Session(wire.add, wire.send, wire.receive)
    session.frames.data += seen.split(b"\r\n\r\n", 1)[1]
    return session


async def get_h1(wire, host, size):
    """An ordinary request on a connection that is kept; wire bytes are HTTP's meanwhile."""
    wire.send(f"GET /page/{size} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    seen = b""
    while b"\r\n\r\n" not in seen or len(seen.split(b"\r\n\r\n", 1)[1]) < size:
        data = await wire.receive()
        assert data, seen[:200]
        seen += data
    wire.add("requests:200")
    wire.add("http_out", size)


class Http2:
    """One HTTP/2 connection; every stream a session (RFC 8441)."""

    def __init__(self, wire):
        self.wire = wire
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, validate_outbound_headers=False))
        self.queues = {}
        self.backlog = defaultdict(bytearray)  # by stream: what waits for a window
        self.ready = asyncio.Event()
        self.finished = False  # we said GOAWAY: what comes is counted and no more than that (python3-h2 forgives no frame then)

    async def start(self):
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 28)
        self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24})
        self.flush()
        self.reading = asyncio.create_task(self.read())
        await self.ready.wait()
        return self

    def flush(self):
        if data := self.h2.data_to_send():
            self.wire.send(data)

    def pump(self):
        for stream, waiting in self.backlog.items():
            while waiting and (room := min(self.h2.local_flow_control_window(stream), 16384, len(waiting))) > 0:
                self.h2.send_data(stream, bytes(waiting[:room]))
                del waiting[:room]
        self.flush()

    async def read(self):
        with contextlib.suppress(ConnectionError):
            while data := await self.wire.receive():
                for event in self.h2.receive_data(data) if not self.finished else ():
                    stream = getattr(event, "stream_id", None)
                    if isinstance(event, h2.events.RemoteSettingsChanged):
                        self.ready.set()
                    elif isinstance(event, h2.events.ResponseReceived):
                        self.queues[stream].put_nowait(dict(event.headers))
                    elif isinstance(event, h2.events.DataReceived):
                        self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                        self.queues[stream].put_nowait(event.data)
                    elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                        self.queues[stream].put_nowait(b"")
                if not self.finished:
                    self.pump()
        for queue in self.queues.values():
            queue.put_nowait(b"")

    async def open(self, host):
        stream = self.h2.get_next_available_stream_id()
        queue = self.queues[stream] = asyncio.Queue()
        self.h2.send_headers(stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/"),
                                      (":authority", host), ("sec-websocket-version", "13")])
        self.flush()
        head = await queue.get()
        status = head.get(b":status") or head.get(":status")
        assert int(status) == 200, head
        self.wire.add("handshake:200")
        self.wire.add("opened")

        def send(data):
            self.backlog[stream] += data
            self.pump()
        return Session(self.wire.add, send, queue.get)

    async def finish(self):
        self.h2.close_connection()
        self.flush()
        self.finished = True
        await asyncio.wait([self.reading], timeout=20)
        await self.wire.finish()
