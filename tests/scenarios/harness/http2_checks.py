"""What the tests of HTTP/2 share: a domain, ways to see that a connection works or refuses, the neighbour of an attacker."""

import asyncio
import contextlib
import statistics

import pytest

from . import http2
from .edge import domain, sanitized
from .waiting import Stopwatch
from .wire import CLOSE, TEXT, Refused

MIB = 1 << 20


def site(*origins, name="live.edge.test", ca=None, **settings):
    settings.setdefault("websocket", {})
    settings["websocket"].setdefault("origin_scheme", "http")
    return domain(name, *origins, ca=ca, **settings)


async def refusal(client, **options):
    """The answer to an opening handshake that is not accepted."""
    with pytest.raises(Refused) as caught:
        async with client.session(**options):
            pass
    return caught.value.message


async def alive(client, word="alive"):
    """A session on this connection works, from its handshake to its orderly end."""
    async with client.session() as session:
        await session.text(word)
        await session.expect(TEXT, word.encode())
        await session.send_close(1000)
        await session.expect(CLOSE)
        await session.expect_end()


def limits_hit(edge):
    return {labels["limit"] for labels, value in edge.metrics().get("fairlead_http2_limit_total", []) if value > 0}


class Neighbour:
    """A well-behaved client with a session and requests, on a connection of its own. While it is watched, it makes round
    trips and keeps the longest, and the edge's memory."""

    def __init__(self, edge):
        self.edge = edge

    async def __aenter__(self):
        self.stack = contextlib.AsyncExitStack()
        self.client = await self.stack.enter_async_context(http2.connect(self.edge.http))
        self.session = await self.stack.enter_async_context(self.client.session())
        for _ in range(20):  # what is allocated once is allocated
            await self.round_trip()
        self.before = self.peak = self.edge.rss()
        self.times, self.over = [], False
        self.watching = asyncio.create_task(self.watch())
        return self

    async def __aexit__(self, *failure):
        self.over = True
        await asyncio.gather(self.watching, return_exceptions=True)
        await self.stack.__aexit__(*failure)

    async def round_trip(self):
        since = Stopwatch()
        await self.session.text("there?")
        await self.session.expect(TEXT, b"there?")
        assert (await self.client.request()).status == 200
        return since.seconds

    async def watch(self):
        while not self.over:
            self.times.append(await self.round_trip())
            self.peak = max(self.peak, self.edge.rss())
            await asyncio.sleep(0.01)

    async def was_served(self, memory):
        """Ends the watch. Since it began: promptly, and with no more than `memory` bytes more in the edge."""
        self.over = True
        await self.watching
        self.times.append(await self.round_trip())
        assert max(self.times) < (5 if sanitized() else 1), sorted(self.times)[-5:]
        assert len(self.times) < 10 or statistics.median(self.times) < (1 if sanitized() else 0.1), sorted(self.times)
        grown = max(self.peak, self.edge.rss()) - self.before
        assert sanitized() or grown < memory, f"the edge grew by {grown} bytes"


async def sends(client, batches, pause=0):
    """Sends each batch of frames until all are sent or the edge has ended the connection. True when it has."""
    with contextlib.suppress(ConnectionError):
        for batch in batches:
            await asyncio.wait_for(client.send(*batch), 10)
            await asyncio.sleep(pause)
        return False
    return True
