"""Echo origins in Python: py_echo.py --lib=websockets|aiohttp|autobahn [--cert=F --key=F]."""

import argparse
import asyncio
import json
import ssl
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--lib", required=True)
parser.add_argument("--cert")
parser.add_argument("--key")
opts = parser.parse_args()
LIMIT = 80 << 20


def tls():
    if not opts.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(opts.cert, opts.key)
    return context


async def with_websockets():
    import websockets

    async def handler(ws):
        async for message in ws:
            await ws.send(message)

    server = await websockets.serve(handler, "127.0.0.1", 0, ssl=tls(), max_size=LIMIT, subprotocols=["echo.v1"])
    return server.sockets[0].getsockname()[1]


async def with_aiohttp():
    from aiohttp import WSMsgType, web

    async def handler(request):
        ws = web.WebSocketResponse(max_msg_size=LIMIT, protocols=["echo.v1"])
        if not ws.can_prepare(request).ok:
            return web.json_response({"lib": "aiohttp", "path": request.path})
        await ws.prepare(request)
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type == WSMsgType.BINARY:
                await ws.send_bytes(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls())
    await site.start()
    return site._server.sockets[0].getsockname()[1]


async def with_autobahn():
    from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol

    class Echo(WebSocketServerProtocol):
        def onConnect(self, request):
            return "echo.v1" if "echo.v1" in request.protocols else None

        def onMessage(self, payload, is_binary):
            self.sendMessage(payload, is_binary)

    factory = WebSocketServerFactory()
    factory.protocol = Echo
    factory.setProtocolOptions(maxMessagePayloadSize=LIMIT)
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0, ssl=tls())
    return server.sockets[0].getsockname()[1]


async def main():
    port = await {"websockets": with_websockets, "aiohttp": with_aiohttp, "autobahn": with_autobahn}[opts.lib]()
    print(json.dumps({"port": port}), flush=True)
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), over.set)
    await over.wait()


asyncio.run(main())
