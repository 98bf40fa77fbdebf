"""Conditions with deadlines. A test waits for something that can be seen, never for time to have passed."""

import asyncio
import time


class Late(AssertionError):
    """A condition did not come true before its deadline."""


def eventually(condition, timeout=10.0, what="condition", pause=0.01):
    """Calls condition() until it gives something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Late(f"{what}: not within {timeout} s")
        time.sleep(pause)


async def eventually_async(condition, timeout=10.0, what="condition", pause=0.01):
    """The same without stopping the event loop, which the peers of the test live on."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise Late(f"{what}: not within {timeout} s")
        await asyncio.sleep(pause)


class Stopwatch:
    def __init__(self):
        self.start = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self.start
