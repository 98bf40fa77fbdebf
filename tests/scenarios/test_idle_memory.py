"""What an idle session costs the edge in user space, and what a storm of them leaves behind: nothing that the next storm does
not use again."""

import resource
import socket

from harness.edge import domain, sanitized
from harness.waiting import eventually

SESSIONS = 4000
# Per session, in bytes of resident memory: sizes of the parts are asserted in src/edge/session_memory_test.cc.
MOST = 1200
REQUEST = (b"GET /chat?room=12345 HTTP/1.1\r\nHost: live.edge.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\nOrigin: https://live.edge.test\r\n\r\n")
ANSWER = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


class Origin:
    """Bytes and no more: an origin of a test library would cost more than the sessions it is to measure."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]


def head(connection):
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(4096)
        assert part, got
        got += part
    return got


def open_session(edge, origin):
    client = socket.create_connection(("127.0.0.1", edge.http), timeout=10)
    client.sendall(REQUEST)
    served, _ = origin.socket.accept()
    served.settimeout(10)
    head(served)
    served.sendall(ANSWER)
    assert head(client).startswith(b"HTTP/1.1 101 ")
    return client, served


def close_all(edge, sessions):
    for client, served in sessions:
        client.close()
        served.close()
    sessions.clear()
    eventually(lambda: edge.metric("fairlead_connections_open") == 0, 20, "all connections to be over")


def test_an_idle_session_costs_little_and_a_storm_leaves_nothing_behind(start_edge):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sessions = []
    try:
        origin = Origin()
        # Without its log, whose lines of 4,000 ends at once wait in buffers of a megabyte or two, of which it keeps some.
        edge = start_edge(domain("live.edge.test", origin.port, websocket={"connection_timeout": "3600s"}), workers=1,
                          access_log={"path": "off"})
        sessions += [open_session(edge, origin) for _ in range(50)]  # what is allocated once
        empty = edge.rss()
        sessions += [open_session(edge, origin) for _ in range(SESSIONS)]
        full = edge.rss()
        each = (full - empty) / SESSIONS
        assert sanitized() or each <= MOST, f"{each:.0f} bytes a session"
        close_all(edge, sessions)
        # The storms behind it find the room that it has left, but for what falls between: all eight together take less than
        # half of what the first one took. (It levels out; a leak of a tenth of a session's memory would not.)
        levels = []
        for _ in range(8):
            sessions += [open_session(edge, origin) for _ in range(SESSIONS)]
            levels.append(edge.rss())
            close_all(edge, sessions)
        grown = [level - full for level in levels]
        assert sanitized() or max(grown) < (full - empty) / 2, f"it grows: {grown}, after {full - empty}"
    finally:
        for client, served in sessions:
            client.close()
            served.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
