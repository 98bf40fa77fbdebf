"""HTTP/1.1 byte by byte: a reader of messages that hides nothing (heads as they stood, chunks, trailers, interim
answers), a client connection over it, and an origin that a test scripts."""

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass, field


class Ended(Exception):
    """The peer ended the connection where a message should have gone on."""


@dataclass
class Head:
    start: str
    fields: list
    raw: bytes

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    @property
    def status(self):
        return int(self.start.split(" ", 2)[1])

    @property
    def method(self):
        return self.start.split(" ", 1)[0]

    @property
    def target(self):
        return self.start.split(" ")[1]


@dataclass
class Message:
    head: Head
    body: bytes = b""
    chunks: list = field(default_factory=list)
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)

    @property
    def status(self):
        return self.head.status

    def json(self):
        return json.loads(self.body)

    def problem(self):
        """The problem document of an answer that the edge made itself (RFC 9457)."""
        assert self.head.get("content-type") == "application/problem+json", self.head.raw
        document = self.json()
        assert document["status"] == self.status, document
        assert document["type"], document
        assert self.head.get("fairlead-error"), self.head.raw
        return document


def parse_head(raw):
    lines = raw[:-4].decode("latin-1").split("\r\n")
    fields = []
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields.append((name, value.strip(" \t")))
    return Head(lines[0], fields, raw)


async def read_head(reader, timeout=10.0):
    try:
        return parse_head(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), timeout))
    except asyncio.IncompleteReadError as e:
        raise Ended(f"after {e.partial[:500]!r}") from e
    except ConnectionError as e:
        raise Ended(repr(e)) from e


async def read_chunk(reader, timeout=10.0):
    """One chunk's data; b"" for the last one, whose trailers are left to be read."""
    try:
        line = await asyncio.wait_for(reader.readuntil(b"\r\n"), timeout)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return b""
        data = await asyncio.wait_for(reader.readexactly(size + 2), timeout)
    except asyncio.IncompleteReadError as e:
        raise Ended(f"within a chunk, after {e.partial[:200]!r}") from e
    assert data.endswith(b"\r\n")
    return data[:-2]


async def read_body(reader, message, request=False, bodiless=False, timeout=20.0):
    head = message.head
    if bodiless or (not request and (head.status in (204, 304) or head.status < 200)):
        return message
    if "chunked" in (head.get("transfer-encoding") or "").lower():
        while True:
            chunk = await read_chunk(reader, timeout)
            if not chunk:
                break
            message.chunks.append(chunk)
        while True:
            line = (await asyncio.wait_for(reader.readuntil(b"\r\n"), timeout))[:-2].decode("latin-1")
            if not line:
                break
            name, _, value = line.partition(":")
            message.trailers.append((name, value.strip()))
        message.body = b"".join(message.chunks)
    elif head.get("content-length") is not None:
        try:
            message.body = await asyncio.wait_for(reader.readexactly(int(head.get("content-length"))), timeout)
        except asyncio.IncompleteReadError as e:
            raise Ended(f"{len(e.partial)} of {e.expected} bytes of the body") from e
    elif not request:
        message.body = await asyncio.wait_for(reader.read(-1), timeout)
    return message


async def read_response(reader, method="GET", timeout=20.0):
    interim = []
    while True:
        head = await read_head(reader, timeout)
        if 100 <= head.status < 200 and head.status != 101:
            interim.append(head)
            continue
        break
    return await read_body(reader, Message(head, interim=interim), bodiless=method == "HEAD" or head.status == 101,
                           timeout=timeout)


async def read_request(reader, timeout=20.0):
    return await read_body(reader, Message(await read_head(reader, timeout)), request=True, timeout=timeout)


def abort(writer):
    """Ends at once, without a word more; what is ending already is left to end."""
    if not writer.transport.is_closing():
        writer.transport.abort()


class Exchange:
    """One request and its answer, piece by piece; http2.Stream has the same methods. A body of unknown length is sent in
    chunks, each with an extension, which is the edge's to ignore (RFC 9112 section 7.1.1)."""

    def __init__(self, connection, method, chunked):
        self.connection, self.method, self.chunked = connection, method, chunked
        self.last, self.left = None, 0

    async def send(self, data):
        """Some of the request's body."""
        await self.connection.send(b"%x;ext=1\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    async def finish(self, trailers=()):
        """The end of a body of unknown length."""
        assert self.chunked
        await self.connection.send(b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode() + b"\r\n")

    async def head(self, timeout=10.0):
        """The next head: an interim one, or the final."""
        self.last = await read_head(self.connection.reader, timeout)
        self.left = int(self.last.get("content-length") or 0)
        return self.last

    async def piece(self, timeout=10.0):
        """After the final head, the next bytes of the body; b"" at its end."""
        reader = self.connection.reader
        if self.last.get("content-length") is None:
            return await read_chunk(reader, timeout)
        data = await asyncio.wait_for(reader.read(min(self.left, 1 << 20)), timeout) if self.left else b""
        if self.left and not data:
            raise Ended(f"{self.left} bytes of the body are missing")
        self.left -= len(data)
        return data

    async def response(self, timeout=20.0):
        """All that is left of the answer."""
        return await read_response(self.connection.reader, self.method, timeout)

    def fall_asleep(self):
        self.connection.fall_asleep()


class Connection:
    """A client's connection to the edge."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def begin(self, method="GET", target="/", host="live.edge.test", fields=(), body=None):
        """Sends a request's head. `body`: None for none, its length, or "open" for one that finish() ends."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in fields)]
        if body is not None:
            lines.append("Transfer-Encoding: chunked" if body == "open" else f"Content-Length: {body}")
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        return Exchange(self, method, body == "open")

    async def request(self, method="GET", target="/", host="live.edge.test", fields=(), body=b"", timeout=20.0):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{n}: {v}" for n, v in fields)]
        if body and not any(n.lower() in ("content-length", "transfer-encoding") for n, _ in fields):
            lines.append(f"Content-Length: {len(body)}")
        await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        return await read_response(self.reader, method, timeout)

    async def response(self, method="GET", timeout=20.0):
        return await read_response(self.reader, method, timeout)

    async def at_end(self, timeout=10.0):
        """Waits for the end of the connection, ends this side too, and returns what came before."""
        try:
            return await asyncio.wait_for(self.reader.read(-1), timeout)
        except ConnectionError:
            return b""
        finally:
            self.writer.close()

    def fall_asleep(self):
        """Takes nothing more from the kernel until something is read again."""
        self.writer.transport.pause_reading()
        self.reader._paused = True  # the reader then resumes the transport with its next read

    def close(self):
        self.writer.close()


@contextlib.asynccontextmanager
async def connect(port, tls=None, host="live.edge.test", address="127.0.0.1", limit=1 << 20, **options):
    """A connection to `port`; `tls` an SSLContext, with `host` as SNI and the name that is verified."""
    if tls is not None:
        options["server_hostname"] = host
    reader, writer = await asyncio.open_connection(address, port, ssl=tls, limit=limit, **options)
    try:
        yield Connection(reader, writer)
    finally:
        abort(writer)


async def fetch(port, target="/", method="GET", tls=None, host="live.edge.test", fields=(), body=b"", timeout=20.0):
    """One request on a connection of its own."""
    async with connect(port, tls, host.split(":")[0]) as connection:
        return await connection.request(method, target, host, [*fields, ("Connection", "close")], body, timeout)


class ScriptedOrigin:
    """An origin whose every connection is handled by a coroutine of the test: handler(connection). Unless told not to,
    it records every byte it was sent in `received`, one bytearray per connection."""

    def __init__(self, handler, tls=None, address="127.0.0.1", port=0, limit=1 << 20, record=True):
        self.record = record
        self.handler, self.tls, self.address, self.port, self.limit = handler, tls, address, port, limit
        self.received = []
        self.connections = 0
        self.errors = []
        self._tasks = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, self.address, self.port, ssl=self.tls, limit=self.limit)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *failure):
        self.server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.errors and failure[0] is None:
            raise self.errors[0]

    async def _serve(self, reader, writer):
        self.connections += 1
        if self.record:
            self._record(reader)
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self.handler(Connection(reader, writer))
        except (Ended, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            pass
        except Exception as e:  # told when the origin ends, so that the test fails
            self.errors.append(e)
        finally:
            self._tasks.discard(task)
            writer.close()

    def _record(self, reader):
        record = bytearray(reader._buffer)
        self.received.append(record)
        feed = reader.feed_data

        def recording(data):
            record.extend(data)
            feed(data)

        reader.feed_data = recording

    def yaml(self, **more):
        return {"host": self.address, "http_port": self.port, "https_port": self.port, **more}

    def all_received(self):
        return b"".join(bytes(r) for r in self.received)


def answer(status="200 OK", body=b"", *fields):
    lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def echo_handler(label="origin"):
    """Answers every request with a JSON account of what came: request line, fields, trailers, body size and digest."""
    import hashlib

    async def handle(connection):
        while True:
            request = await read_request(connection.reader, timeout=300)
            account = {"label": label, "start": request.head.start, "fields": request.head.fields,
                       "trailers": request.trailers, "size": len(request.body), "chunks": len(request.chunks),
                       "sha256": hashlib.sha256(request.body).hexdigest()}
            text = json.dumps(account).encode()
            if request.head.method == "HEAD":
                await connection.send(answer("200 OK", text, "Content-Type: application/json")[:-len(text)])
            else:
                await connection.send(answer("200 OK", text, "Content-Type: application/json"))

    return handle
