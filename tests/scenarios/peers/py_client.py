"""Echo clients in Python: py_client.py LIB URL. Text, binary, large, many; a clean close at the end."""

import asyncio
import hashlib
import json
import os
import sys

from harness import names

names.install()
LIB, URL = sys.argv[1:3]
LIMIT = 80 << 20
MESSAGES = ["a", "Grüße 😀" * 100, "x" * 70_000, b"\0", os.urandom(125), os.urandom(126), os.urandom(65_536),
            os.urandom(5 << 20)] + [f"message {i}" for i in range(200)]


def digest(message):
    return type(message).__name__, hashlib.sha256(message.encode() if isinstance(message, str) else message).hexdigest()


async def with_websockets():
    import websockets

    async with websockets.connect(URL, max_size=LIMIT, subprotocols=["echo.v1"]) as ws:
        assert ws.subprotocol == "echo.v1"
        for message in MESSAGES:
            await ws.send(message)
            assert digest(await ws.recv()) == digest(message)
        await (await ws.ping(b"still there"))
        await ws.close(1000, "done")
        return {"code": ws.close_code, "extensions": [e.name for e in ws.extensions]}


async def with_aiohttp():
    import aiohttp

    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(URL, max_msg_size=LIMIT, protocols=["echo.v1"], compress=15) as ws:
            assert ws.protocol == "echo.v1"
            for message in MESSAGES:
                await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))
                assert digest((await ws.receive()).data) == digest(message)
            await ws.close(code=1000, message=b"done")
            return {"code": ws.close_code, "extensions": ["permessage-deflate"] if ws.compress else []}


async def with_autobahn():
    from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

    loop = asyncio.get_running_loop()
    opened, over = loop.create_future(), loop.create_future()
    inbox = asyncio.Queue()

    class Client(WebSocketClientProtocol):
        def onOpen(self):
            opened.set_result(self)

        def onMessage(self, payload, is_binary):
            inbox.put_nowait(bytes(payload) if is_binary else payload.decode())

        def onClose(self, was_clean, code, reason):
            if not opened.done():
                opened.set_exception(RuntimeError(f"{code} {reason}"))
            over.set_result((was_clean, code))

    factory = WebSocketClientFactory(URL, protocols=["echo.v1"])
    factory.protocol = Client
    # No bound of its own on the closing handshake: its timer of one second counts whole seconds of the clock, so that a Close sent
    # just before a full one has a millisecond (txaio's batched timers). main() bounds everything.
    factory.setProtocolOptions(maxMessagePayloadSize=LIMIT, closeHandshakeTimeout=0)
    from urllib.parse import urlsplit
    import ssl
    url = urlsplit(URL)
    tls = ssl.create_default_context() if url.scheme == "wss" else None
    await loop.create_connection(factory, url.hostname, url.port, ssl=tls)
    ws = await opened
    for message in MESSAGES:
        binary = isinstance(message, bytes)
        ws.sendMessage(message if binary else message.encode(), binary)
        assert digest(await inbox.get()) == digest(message)
    ws.sendClose(1000, "done")
    clean, code = await over
    assert clean
    return {"code": code, "extensions": []}


async def with_h2():
    """Over HTTP/2, by ALPN or prior knowledge."""
    import ssl
    from urllib.parse import urlsplit

    from harness import http2
    from harness.wire import CLOSE, PING, PONG, TEXT

    url = urlsplit(URL)
    tls = ssl.create_default_context() if url.scheme == "wss" else None
    async with http2.connect(url.port, tls, url.hostname) as connection:
        async with connection.session(url.path, url.netloc, [("Sec-WebSocket-Protocol", "echo.v1")]) as ws:
            assert ws.head.get("sec-websocket-protocol") == "echo.v1"

            async def take():
                """A whole message; some origins answer in several frames."""
                whole = frame = await next_frame()
                while not frame.fin:
                    frame = await next_frame()
                    whole.payload += frame.payload
                return whole.payload.decode() if whole.opcode == TEXT else whole.payload

            async def next_frame():
                while (frame := await ws.recv(30)).opcode == PING:
                    await ws.pong(frame.payload)
                return frame

            for message in MESSAGES:
                sending = asyncio.ensure_future(ws.text(message) if isinstance(message, str) else ws.binary(message))
                assert digest(await take()) == digest(message)
                await sending
            await ws.ping(b"still there")
            await ws.expect(PONG, b"still there")
            await ws.send_close(1000, "done")
            code = (await ws.expect(CLOSE)).code
            await ws.expect_end()
            return {"code": code, "extensions": []}


async def main():
    run = {"websockets": with_websockets, "aiohttp": with_aiohttp, "autobahn": with_autobahn,
           "h2": with_h2}[LIB]
    result = await asyncio.wait_for(run(), 40)
    assert result["code"] == 1000, result
    print(json.dumps(result))


asyncio.run(main())
