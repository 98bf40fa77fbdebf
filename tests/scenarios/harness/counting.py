"""Peers that count what passes between them, as the frames on the wire have it: what statistics must agree with."""

import asyncio
import contextlib
import threading

import websockets
from websockets.server import serve

from .edge import SLOWNESS

HOST, OTHER = "live.edge.test", "beside.edge.test"


class Peers:
    """A WebSocket origin and clients of it, all on one loop in a thread of its own; they count what they send and get, as
    frames: header, masking key and payload. The origin says back what it gets, twice."""

    def __init__(self, node):
        self.node = node
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.run(self._serve())
        self.port = self.server.sockets[0].getsockname()[1]
        self.bytes_in = self.bytes_out = self.messages_in = self.messages_out = 0
        self.clients = []

    def run(self, coroutine, timeout=30):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout * SLOWNESS)

    async def _serve(self):
        async def echo(session):
            with contextlib.suppress(websockets.ConnectionClosed):
                async for message in session:
                    await session.send(message)
                    await session.send(message)
        return await serve(echo, "127.0.0.1", 0, compression=None, ping_interval=None)

    async def _connect(self, host):
        # Over a socket of the node's port, the name being the domain's.
        return await websockets.connect(f"ws://{host}/", host="127.0.0.1", port=self.node.http, compression=None, ping_interval=None)

    def open(self, host=HOST):
        client = self.run(self._connect(host))
        self.clients.append(client)
        return client

    @staticmethod
    def head(size):
        return 2 if size < 126 else 4 if size < 65536 else 10

    def say(self, client, payload):
        """One message there and two back."""
        async def exchange():
            await client.send(payload)
            assert [await client.recv(), await client.recv()] == [payload] * 2
        self.run(exchange())
        size = len(payload)
        self.bytes_in += self.head(size) + 4 + size
        self.bytes_out += 2 * (self.head(size) + size)
        self.messages_in += 1
        self.messages_out += 2

    def close(self, client):
        self.run(client.close())
        self.clients.remove(client)
        # 1000 without a reason: two bytes of payload each way.
        self.bytes_in += 2 + 4 + 2
        self.bytes_out += 2 + 2

    def end(self):
        for client in list(self.clients):
            self.run(client.close())
        self.server.close()
        self.run(self.server.wait_closed())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def furnished(start_node, **settings):
    """A node, a customer with two domains that are live, and peers that are their origin."""
    node = start_node(**settings)
    customer = node.customer("Comments Ltd")
    node.activate(customer)
    peers = Peers(node)
    for host in (HOST, OTHER):
        node.online(customer, host, peers.port)
    return node, customer, peers
