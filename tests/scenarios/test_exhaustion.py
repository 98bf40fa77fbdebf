"""Too little of something: file descriptors, seats. Who lives goes on; who comes waits or is told 503; afterwards all is
well."""

import asyncio
import contextlib

import pytest

from harness import http1
from harness.edge import domain, limit_fds
from harness.waiting import eventually_async
from harness.wire import TEXT, Ended, Refused, WireOrigin, echo, open_session


async def alive(clients, word):
    async def one(i, client):
        await client.text(f"{word}{i}")
        await client.expect(TEXT, f"{word}{i}".encode())

    await asyncio.gather(*(one(i, c) for i, c in enumerate(clients)))


async def test_out_of_file_descriptors(start_edge):
    """256 descriptors and clients for 300 of them (two a session)."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("live.edge.test", origin), preexec_fn=limit_fds(256))
        async with contextlib.AsyncExitStack() as stack:
            clients = []
            with contextlib.suppress(Refused, Ended, ConnectionError, asyncio.TimeoutError):
                while len(clients) < 150:
                    clients.append(await stack.enter_async_context(open_session(edge.http, timeout=2)))
            assert 80 <= len(clients) < 150, len(clients)
            await alive(clients, "full")
            # A crowd at the door: each is refused with 503, or waits; no live session suffers.
            async with contextlib.AsyncExitStack() as crowd:
                waiting = []
                for _ in range(60):
                    connection = await crowd.enter_async_context(http1.connect(edge.http))
                    await connection.send(b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n\r\n")
                    waiting.append(connection)
                await alive(clients, "crowded")

                async def outcome(connection):
                    try:
                        return (await connection.response(timeout=1)).status
                    except (asyncio.TimeoutError, http1.Ended, ConnectionError):
                        return None

                statuses = set(await asyncio.gather(*(outcome(c) for c in waiting)))
                assert statuses <= {200, 503, None}, statuses
                await alive(clients, "still")
        # All gone: everything works again.
        async def well():
            try:
                async with open_session(edge.http, timeout=2) as client:
                    await client.text("well")
                    await client.expect(TEXT, b"well", timeout=2)
                return True
            except (Refused, Ended, ConnectionError, asyncio.TimeoutError):
                return False

        await eventually_async(well, 10, "new sessions after the rush", pause=0.1)
        async with contextlib.AsyncExitStack() as stack:
            again = [await stack.enter_async_context(open_session(edge.http)) for _ in range(80)]
            await alive(again, "again")
        await eventually_async(lambda: edge.metric("fairlead_sessions_open") == 0, what="all sessions to end")
        assert edge.cpu_is_idle(), "the edge spins"


async def test_max_sessions_of_a_domain(transport, start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("live.edge.test", origin, limits={"max_sessions": 5}), domain("b.edge.test", origin))
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(transport.open_session(edge.http)) for _ in range(5)]
            with pytest.raises(Refused) as caught:
                await stack.enter_async_context(transport.open_session(edge.http))
            assert caught.value.status == 503
            caught.value.message.problem()
            await stack.enter_async_context(transport.open_session(edge.http, host="b.edge.test"))
            assert (await transport.fetch(edge.http)).status == 200
            await alive(clients, "x")

        async def seat():
            try:
                async with transport.open_session(edge.http):
                    return True
            except Refused:
                return False

        await eventually_async(seat, 5, "a seat")


async def test_max_sessions_per_client(transport, start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("live.edge.test", origin, limits={"max_sessions_per_client": 3}))
        async with contextlib.AsyncExitStack() as stack:
            for address in ("127.0.0.2", "127.0.0.3"):
                for _ in range(3):
                    await stack.enter_async_context(transport.open_session(edge.http, local_addr=(address, 0)))
                with pytest.raises(Refused) as caught:
                    await stack.enter_async_context(transport.open_session(edge.http, local_addr=(address, 0)))
                assert caught.value.status == 429
                caught.value.message.problem()


async def test_handshakes_per_second(transport, start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("live.edge.test", origin, limits={"handshakes_per_second_per_client": 5}))
        statuses = []
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(25):
                try:
                    await stack.enter_async_context(transport.open_session(edge.http))
                    statuses.append("open")
                except Refused as refused:
                    statuses.append(refused.status)
                    refused.message.problem()
        assert statuses[:5] == ["open"] * 5 and statuses.count(429) >= 10 and set(statuses) == {"open", 429}, statuses


async def test_max_connections_per_client(start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("live.edge.test", origin), limits={"max_connections_per_client": 4})
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(4):
                await stack.enter_async_context(open_session(edge.http, local_addr=("127.0.0.2", 0)))
            with pytest.raises((Refused, Ended, ConnectionError)):
                await stack.enter_async_context(open_session(edge.http, local_addr=("127.0.0.2", 0)))
            await stack.enter_async_context(open_session(edge.http, local_addr=("127.0.0.3", 0)))
