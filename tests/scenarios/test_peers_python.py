"""Python's WebSocket libraries, each as client against each as origin, and noVNC's websockify."""

import asyncio
import os

import pytest
import websockets

from harness.edge import domain
from harness.process import run_client

LIBS = ["websockets", "aiohttp", "autobahn"]


@pytest.mark.parametrize("client", LIBS)
@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_every_origin(client, scheme, start_edge, start_origin, ca):
    """One client library with all three as origins, each a domain."""
    origins = {lib: start_origin("py_echo.py", f"--lib={lib}") for lib in LIBS}
    edge = start_edge(*(domain(f"{lib}.edge.test", o, ca=ca, websocket={"origin_scheme": "http"})
                        for lib, o in origins.items()))
    port = edge.http if scheme == "ws" else edge.https
    for lib in LIBS:
        run_client("py_client.py", client, f"{scheme}://{lib}.edge.test:{port}/chat", ca=ca)


@pytest.mark.parametrize("client", LIBS)
@pytest.mark.parametrize("origin", LIBS)
def test_directly(client, origin, start_origin, ca, request):
    """The peers understand each other without an edge: what fails here is not the edge's doing."""
    port = start_origin("py_echo.py", f"--lib={origin}").port
    run_client("py_client.py", client, f"ws://live.edge.test:{port}/chat", ca=ca)


async def test_websockify(reach, start_origin, ca):
    origin = start_origin("websockify.py")
    way = reach(origin)
    tls = ca.client_context() if way.scheme == "wss" else None
    async with websockets.connect(way.url("/websockify"), ssl=tls, subprotocols=["binary"], max_size=None) as ws:
        sent = os.urandom(1_000_000)
        got = b""

        async def send():
            for at in range(0, len(sent), 10_000):
                await ws.send(sent[at:at + 10_000])

        sending = asyncio.create_task(send())
        while len(got) < len(sent):
            got += await asyncio.wait_for(ws.recv(), 20)
        await sending
        assert got == sent
