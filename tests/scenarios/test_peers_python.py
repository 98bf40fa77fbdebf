"""Python's WebSocket libraries, each as client against each as origin, h2 as a client of all, and noVNC's websockify."""

import asyncio
import contextlib
import os

import pytest
import websockets

from harness import http2
from harness.edge import domain
from harness.process import run_client

LIBS = ["websockets", "aiohttp", "autobahn"]


@pytest.mark.parametrize("client", [*LIBS, "h2"])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_every_origin(client, scheme, start_edge, start_origin, ca):
    """One client library with all three as origins, each a domain."""
    origins = {lib: start_origin("py_echo.py", f"--lib={lib}") for lib in LIBS}
    edge = start_edge(*(domain(f"{lib}.edge.test", o, ca=ca, websocket={"origin_scheme": "http"})
                        for lib, o in origins.items()), h2c=True)
    port = edge.http if scheme == "ws" else edge.https
    for lib in LIBS:
        run_client("py_client.py", client, f"{scheme}://{lib}.edge.test:{port}/chat", ca=ca)


@pytest.mark.parametrize("client", LIBS)
@pytest.mark.parametrize("origin", LIBS)
def test_directly(client, origin, start_origin, ca, request):
    """The peers understand each other without an edge: what fails here is not the edge's doing."""
    port = start_origin("py_echo.py", f"--lib={origin}").port
    run_client("py_client.py", client, f"ws://live.edge.test:{port}/chat", ca=ca)


@contextlib.asynccontextmanager
async def binary_session(way, path, tls):
    """The session's send(bytes) and recv()."""
    if way.http2:
        async with http2.connect(way.port, tls, way.host) as connection:
            async with connection.session(path, fields=[("Sec-WebSocket-Protocol", "binary")]) as session:
                assert session.head.get("sec-websocket-protocol") == "binary"

                async def recv():
                    return (await session.recv()).payload

                yield session.binary, recv
    else:
        async with websockets.connect(way.url(path), ssl=tls, subprotocols=["binary"], max_size=None) as session:
            yield session.send, session.recv


async def test_websockify(reach, start_origin, ca):
    way = reach(start_origin("websockify.py"))
    tls = ca.client_context() if way.scheme == "wss" else None
    async with binary_session(way, "/websockify", tls) as (send_bytes, recv):
        sent = os.urandom(1_000_000)
        got = b""

        async def send():
            for at in range(0, len(sent), 10_000):
                await send_bytes(sent[at:at + 10_000])

        sending = asyncio.create_task(send())
        while len(got) < len(sent):
            got += await asyncio.wait_for(recv(), 20)
        await sending
        assert got == sent
