"""The client's side of a test that is written once for HTTP/1.1 and HTTP/2. The fixture `transport` is Http1 or Http2; its
methods take the edge's port and give objects with the same methods, whichever it is:

    open_session(port, ...)  a session as wire.Wire      pair(port, origin, ...)  both ends of one
    connect(port, ...)       a connection for requests: request(), begin() -> an exchange
    fetch(port, ...)         one request on a connection of its own

Over HTTP/2 the sessions of a test share connections, as a browser's do: those to one port by one name over TLS, or to one
port in plain text. A connection is filled up to what the edge allows."""

import asyncio
import contextlib

from . import http1, http2, wire
from .process import HERE


class Http1:
    name = "h1"
    session_status, session_method = 101, "GET"
    listener = {}  # what a listener in plain text needs for it
    node = []      # options of Node, under which the package ws speaks it

    def __init__(self):
        self.open_session, self.connect, self.fetch = wire.open_session, http1.connect, http1.fetch

    @contextlib.asynccontextmanager
    async def pair(self, port, origin, **options):
        async with self.open_session(port, **options) as client:
            yield client, await origin.accept()


class Http2:
    name = "h2"
    session_status, session_method = 200, "CONNECT"
    listener = {"h2c": True}
    node = ["--require", str(HERE / "peers" / "ws_over_http2.cjs")]
    connect = staticmethod(http2.connect)

    def __init__(self):
        self._pool = []  # (key, client, its context)
        self._lock = asyncio.Lock()

    async def _client(self, port, tls, host, options):
        key = (port, host if tls else None, tuple(sorted(options.items())))
        async with self._lock:
            for have, client, _ in self._pool:
                if have == key and client.usable():
                    return client
            context = http2.connect(port, tls, host, **options)
            client = await context.__aenter__()
            self._pool.append((key, client, context))
            await asyncio.shield(client.settings)  # then it is known how many streams it takes
            return client

    @contextlib.asynccontextmanager
    async def open_session(self, port, target="/", host="live.edge.test", tls=None, fields=(), timeout=10.0, limit=1 << 20,
                           early=b"", **options):
        """As wire.open_session; `options` are the connection's. Raises wire.Refused when the answer is not 200."""
        client = await self._client(port, tls, host.split(":")[0], options)
        async with client.session(target, host, fields, timeout, early, limit=limit) as session:
            yield session

    pair = Http1.pair

    async def fetch(self, port, target="/", method="GET", tls=None, host="live.edge.test", fields=(), body=b"", timeout=20.0):
        async with http2.connect(port, tls, host.split(":")[0]) as client:
            return await client.request(method, target, host, fields, body, timeout)

    async def end(self):
        """Ends the connections that sessions shared; a breach of RFC 9113 by the edge is raised here."""
        while self._pool:
            await self._pool.pop()[2].__aexit__(None, None, None)


TRANSPORTS = {"h1": Http1, "h2": Http2}
