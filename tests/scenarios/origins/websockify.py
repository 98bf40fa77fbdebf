"""noVNC's websockify in front of a TCP echo server of its own. One echo connection per session."""

import asyncio
import json
import os
import signal
import socket
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main():
    tcp = await asyncio.start_server(echo, "127.0.0.1", 0)
    tcp_port = tcp.sockets[0].getsockname()[1]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    proxy = await asyncio.create_subprocess_exec(
        "/usr/bin/websockify", f"127.0.0.1:{port}", f"127.0.0.1:{tcp_port}", stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True)  # its children (one per session) end with it
    for attempt in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.02)
    print(json.dumps({"port": port}), flush=True)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    loop.add_reader(sys.stdin.fileno(), over.set)
    await over.wait()
    os.killpg(proxy.pid, signal.SIGTERM)
    await proxy.wait()


asyncio.run(main())
