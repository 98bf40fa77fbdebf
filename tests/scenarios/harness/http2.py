"""HTTP/2 as a client (RFC 9113, RFC 8441), on python3-h2: many streams on one connection (http2_stream.py).

Flow control is what a test makes of it. Bytes open the connection's window again as they come, so that one stream that
nobody reads never stalls its neighbours by this client's doing; a stream's own window opens as its reader takes bytes,
or, with manual=True, only by grant(). Frames of the protocol that the test should see (GOAWAY, PING) are kept in lists."""

import asyncio
import contextlib
import socket
import struct
from collections import deque

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.settings import SettingCodes, Settings

from .http1 import Ended, Head, Message
from .http2_stream import Stream, StreamReset, error_name

GOAWAY = 0x7


class NoConnectProtocol(Exception):
    """The edge does not offer extended CONNECT (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441 section 3)."""


class Http2Client(asyncio.Protocol):
    """One connection. connect() below makes it."""

    def __init__(self, scheme, stream_window, connection_window, settings, limit):
        self.scheme, self.stream_window, self.limit = scheme, stream_window, limit
        self.connection_window = connection_window
        config = h2.config.H2Configuration(client_side=True, header_encoding="latin-1", validate_outbound_headers=False,
                                           normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = Settings(client=True, initial_values={
            SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: stream_window,
            **dict(settings)})
        self.streams = {}
        self.goaways = []      # (error code, last stream, debug data) of each GOAWAY that came
        self.pongs = asyncio.Queue()
        self.settings = asyncio.get_running_loop().create_future()  # done with the server's first SETTINGS
        self.lost = asyncio.get_running_loop().create_future()      # done when the connection is over
        self.failure = None
        self._frames = bytearray()
        self._sending = deque()
        self._owed = 0
        self._full = False
        self._woken = []

    def why(self):
        if self.goaways:
            code, _, data = self.goaways[-1]
            return f"GOAWAY {error_name(code)} {data[:100]!r}"
        return f"{self.failure!r}" if self.failure else "no GOAWAY"

    # asyncio's side

    def connection_made(self, transport):
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]  # by which the access log knows the connection
        self.h2.initiate_connection()
        if self.connection_window > 65535:
            self.h2.increment_flow_control_window(self.connection_window - 65535)
        self.flush()

    def data_received(self, data):
        """python3-h2 takes the connection for closed at the first GOAWAY (RFC 9113 section 6.8 does not), so GOAWAY frames
        are read here."""
        self._frames += data
        known = bytearray()
        at = 0
        while len(self._frames) - at >= 9:
            size = int.from_bytes(self._frames[at:at + 3], "big")
            if len(self._frames) - at < 9 + size:
                break
            frame = self._frames[at:at + 9 + size]
            if frame[3] == GOAWAY:
                last, code = struct.unpack(">II", frame[9:17])
                self.goaways.append((code, last & 0x7FFFFFFF, bytes(frame[17:])))
            else:
                known += frame
            at += 9 + size
        del self._frames[:at]
        try:
            events = self.h2.receive_data(bytes(known)) if known else ()
        except h2.exceptions.ProtocolError as e:
            self.failure = AssertionError(f"the edge broke RFC 9113: {e!r}")
            self.flush()
            self.transport.abort()
            return
        for event in events:
            self._event(event)
        if self._owed * 2 >= self.connection_window:
            self.h2.increment_flow_control_window(self._owed)
            self._owed = 0
        for _, last, _ in self.goaways[-1:]:
            for stream in [s for s in self.streams.values() if s.id > last]:
                stream._lose(Ended(f"stream {stream.id} is beyond the GOAWAY's last, {last}"))
        self._pump()

    def eof_received(self):
        return False

    def connection_lost(self, error):
        self.failure = self.failure or error
        for stream in list(self.streams.values()):
            stream._lose(ConnectionResetError(f"the connection is over; {self.why()}"))
        if not self.settings.done():
            self.settings.set_exception(Ended(f"before SETTINGS; {self.why()}"))
            self.settings.exception()
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self):
        self._full = True

    def resume_writing(self):
        self._full = False
        self._pump()

    # Frames

    def _event(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RemoteSettingsChanged):
            if not self.settings.done():
                self.settings.set_result(None)
            self._sending.extend(s for s in self.streams.values() if s._queue and s not in self._sending)
        elif isinstance(event, h2.events.PingAckReceived):
            self.pongs.put_nowait(event.ping_data)
        elif isinstance(event, h2.events.WindowUpdated):
            for woken in ([stream] if stream else self.streams.values() if not event.stream_id else ()):
                if woken._queue and woken not in self._sending:
                    self._sending.append(woken)
        elif isinstance(event, h2.events.DataReceived):
            self._owed += event.flow_controlled_length
            if stream:
                stream._data(event.data, event.flow_controlled_length)
        elif stream is None:
            pass
        elif isinstance(event, (h2.events.InformationalResponseReceived, h2.events.ResponseReceived)):
            stream.heads.put_nowait(head_of(event.headers))
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers += [(n, v) for n, v in event.headers]
        elif isinstance(event, h2.events.StreamEnded):
            stream._remote_end()
        elif isinstance(event, h2.events.StreamReset):
            stream.reset_code = int(event.error_code)
            stream._lose(StreamReset(stream.reset_code))

    def wants_to_send(self, stream):
        if stream not in self._sending:
            self._sending.append(stream)
        self._pump()

    def _pump(self):
        """One frame of each stream in turn, until windows or the kernel are full."""
        while self._sending and not self._full:
            for _ in range(min(8, len(self._sending))):
                stream = self._sending.popleft()
                if not stream.over and stream._pump(16384):
                    self._sending.append(stream)
            self.flush()
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)

    def reset(self, stream, code):
        with contextlib.suppress(h2.exceptions.ProtocolError):
            self.h2.reset_stream(stream.id, code)
        self.flush()
        stream._lose(ConnectionResetError(f"this side sent RST_STREAM {error_name(code)}"))

    def forget(self, stream):
        self.streams.pop(stream.id, None)
        with contextlib.suppress(ValueError):
            self._sending.remove(stream)

    # Streams

    def usable(self):
        """Whether another stream can be opened now."""
        return not (self.lost.done() or self.goaways or self.transport.is_closing()) \
            and len(self.streams) < self.h2.remote_settings.max_concurrent_streams

    def offers_sessions(self):
        return self.h2.remote_settings.enable_connect_protocol == 1

    def open(self, headers, end=False, limit=None, manual=False):
        """HEADERS as given, pseudo fields included; nothing is added or checked."""
        if self.lost.done():
            raise Ended(f"the connection is over; {self.why()}")
        number = self.h2.get_next_available_stream_id()
        stream = Stream(self, number, limit or self.limit, manual)
        self.h2.send_headers(number, headers, end_stream=end)
        self.streams[number] = stream
        if end:
            stream.local_ended, stream._closing = True, []
        self.flush()
        return stream

    def ask(self, target="/", host="live.edge.test", fields=(), without=(), limit=None, manual=False):
        """Sends an opening handshake (RFC 8441 section 5) and returns its stream. `fields` replace those of the same name,
        `without` leaves names out."""
        have = {":method": "CONNECT", ":protocol": "websocket", ":scheme": self.scheme, ":path": target,
                ":authority": host, "sec-websocket-version": "13"}
        for name, _ in fields:
            have.pop(name.lower(), None)
        headers = [(n, v) for n, v in have.items() if n not in without]
        return self.open(headers + [(n.lower(), v) for n, v in fields], limit=limit, manual=manual)

    @contextlib.asynccontextmanager
    async def session(self, target="/", host="live.edge.test", fields=(), timeout=10.0, early=b"", **options):
        """A session on a stream of its own. Raises Refused when the answer is not 200."""
        from .wire import Refused, Wire
        if not self.settings.done():
            await asyncio.wait_for(asyncio.shield(self.settings), timeout)
        if not self.offers_sessions():
            raise NoConnectProtocol()
        stream = self.ask(target, host, fields, **options)
        try:
            if early:
                stream.write(early)
            head = await stream.head(timeout)
            if head.status != 200:
                stream.end()
                body = await asyncio.wait_for(stream.reader.read(-1), timeout)
                raise Refused(Message(head, body, trailers=stream.trailers))
            wire = Wire(stream.reader, stream.writer, "client", head)
            wire.stream = stream
            yield wire
        finally:
            stream.abort()

    async def begin(self, method="GET", target="/", host="live.edge.test", fields=(), body=None, **options):
        """A request's head. `body`: None for none, its length, or "open" for one that finish() ends."""
        await asyncio.shield(self.settings)
        headers = [(":method", method), (":scheme", self.scheme), (":authority", host), (":path", target)]
        headers += [(n.lower(), v) for n, v in fields]
        if isinstance(body, int) and not any(n.lower() == "content-length" for n, _ in fields):
            headers.append(("content-length", str(body)))
        return self.open(headers, end=body is None, **options)

    async def request(self, method="GET", target="/", host="live.edge.test", fields=(), body=b"", timeout=20.0):
        stated = any(n.lower() == "content-length" for n, _ in fields)
        stream = await self.begin(method, target, host, fields, len(body) if body or stated else None)
        try:
            if body or stated:
                sending = asyncio.ensure_future(_all(stream, body))
                try:
                    return await stream.response(timeout)
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
            return await stream.response(timeout)
        finally:
            stream.abort()

    async def ping(self, data=b"12345678", timeout=10.0):
        """A round trip through the edge's HTTP/2 layer: what was sent before has been seen when it returns."""
        self.h2.ping(data)
        self.flush()
        assert await asyncio.wait_for(self.pongs.get(), timeout) == data

    async def at_end(self, timeout=10.0):
        """Waits for the end of the connection."""
        await asyncio.wait_for(asyncio.shield(self.lost), timeout)
        if isinstance(self.failure, AssertionError):
            raise self.failure
        return b""

    def close(self):
        self.transport.abort()


async def _all(stream, body):
    """A body and its end; the answer may come before either, and then the rest is not wanted."""
    with contextlib.suppress(ConnectionError):
        for at in range(0, len(body), 1 << 20):
            await stream.send(body[at:at + (1 << 20)])
        stream.end()


def head_of(headers):
    fields = [(n, v) for n, v in headers if not n.startswith(":")]
    status = dict(headers)[":status"]
    raw = "\n".join(f"{n}: {v}" for n, v in headers).encode("latin-1", "replace")
    return Head(f"HTTP/2 {status}", fields, raw)


@contextlib.asynccontextmanager
async def connect(port, tls=None, host="live.edge.test", address="127.0.0.1", stream_window=1 << 18,
                  connection_window=1 << 28, settings=(), limit=1 << 20, **options):
    """A connection: over TLS with ALPN h2, or by prior knowledge. `settings` are this side's, by SettingCodes; `limit` is
    how much a stream's reader keeps, twice at most, before it stops opening the stream's window."""
    if tls is not None:
        tls.set_alpn_protocols(["h2", "http/1.1"])
        options.update(ssl=tls, server_hostname=host)
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_connection(
        lambda: Http2Client("https" if tls else "http", stream_window, connection_window, settings, limit), address, port,
        **options)
    try:
        if tls is not None:
            chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
            assert chosen == "h2", f"ALPN chose {chosen}"
        yield client
    finally:
        failure = client.failure
        transport.abort()
    if isinstance(failure, AssertionError):
        raise failure


def alpn(port, context, offer=("h2", "http/1.1"), host="live.edge.test"):
    """What a TLS handshake agrees on."""
    context.set_alpn_protocols(list(offer))
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain, server_hostname=host) as tls:
        return tls.selected_alpn_protocol()
