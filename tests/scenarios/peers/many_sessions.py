"""Many WebSocket sessions through an edge that say nothing, each from an address of its own: 127.1.0.1, 127.1.0.2, ...

    many_sessions.py PORT HOST COUNT

Prints {"open": COUNT} once all are open, and holds them until its standard input ends."""

import json
import resource
import socket
import sys


def address(n):
    return f"127.1.{n // 250}.{n % 250 + 1}"


def opened(port, host, n):
    s = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(address(n), 0))
    s.sendall((f"GET /seat/{n} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = s.recv(4096)
        assert piece, f"session {n}: {head}"
        head += piece
    assert head.startswith(b"HTTP/1.1 101"), f"session {n}: {head}"
    return s


if __name__ == "__main__":
    port, host, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sockets = [opened(port, host, n) for n in range(count)]
    print(json.dumps({"open": len(sockets)}), flush=True)
    sys.stdin.read()
