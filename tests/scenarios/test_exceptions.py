"""Memory that runs out: an address space limit put on the running process, so that allocations throw in its workers. What
throws costs its connection; the process lives, says what happened, and is well when there is memory again."""

import asyncio
import contextlib
import os
import re
import resource

import pytest

from harness import http1
from harness.edge import domain, sanitized
from harness.waiting import eventually_async
from harness.wire import TEXT, Ended, Refused, WireOrigin, echo, open_session

pytestmark = pytest.mark.skipif(
    sanitized() or os.environ.get("FAIRLEAD_PRESET", "dev") in ("asan", "tsan", "valgrind"),
    reason="shadow memory takes terabytes of address space, and a sanitizer's allocator ends the process instead of throwing")

# More than a moment's work needs, less than a crowd of half-read request heads takes.
ROOM = 2 << 20
CROWD = 600
BIG_HEAD = b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"x" * 1000) for i in range(14))


def address_space(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmSize:\s+(\d+) kB", status.read())[1]) * 1024


async def alive(clients, word):
    async def one(i, client):
        await client.text(f"{word}{i}")
        await client.expect(TEXT, f"{word}{i}".encode())

    await asyncio.gather(*(one(i, c) for i, c in enumerate(clients)))


async def test_out_of_memory(start_edge, monkeypatch):
    """A crowd sends request heads that never end until there is no memory for more of it."""
    # One arena, which grows as it is used: others reserve address space ahead, and would have room below any limit.
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    async with WireOrigin(handler=echo) as origin, contextlib.AsyncExitStack() as stack:
        edge = start_edge(domain("live.edge.test", origin))
        clients = [await stack.enter_async_context(open_session(edge.http)) for _ in range(20)]
        await alive(clients, "before")
        assert edge.metric("fairlead_worker_exceptions_total") == 0
        unlimited = resource.prlimit(edge.pid, resource.RLIMIT_AS)
        resource.prlimit(edge.pid, resource.RLIMIT_AS, (address_space(edge.pid) + ROOM, unlimited[1]))
        async with contextlib.AsyncExitStack() as crowd:
            for _ in range(CROWD):
                with contextlib.suppress(ConnectionError, Ended):
                    connection = await crowd.enter_async_context(http1.connect(edge.http))
                    await connection.send(BIG_HEAD)
            await eventually_async(lambda: "ended by an exception: std::bad_alloc" in edge.log(), 10,
                                   "an allocation to fail")
            assert edge.running()
            await alive(clients, "short")
            # Who comes now is refused one way or another, or is lucky; the live ones do not notice.
            for _ in range(10):
                with contextlib.suppress(Refused, Ended, ConnectionError, asyncio.TimeoutError):
                    async with open_session(edge.http, timeout=0.3):
                        pass
            await alive(clients, "still")
            resource.prlimit(edge.pid, resource.RLIMIT_AS, unlimited)
        assert edge.running()
        await eventually_async(lambda: edge.metric("fairlead_connections_open") == len(clients), 10,
                               "the crowd's connections to be gone")
        assert edge.metric("fairlead_sessions_open") == len(clients)
        assert edge.metric("fairlead_worker_exceptions_total") > 0
        clients += [await stack.enter_async_context(open_session(edge.http)) for _ in range(20)]
        await alive(clients, "after")
        assert edge.metric("fairlead_connections_open") == len(clients)
