"""Large messages over plain legs go from socket to socket in the kernel (ADR 0014): nobody can tell but by the metrics. Content,
counts and the order of frames are what they are for small ones."""

import asyncio
import contextlib
import hashlib
import os
import random
import signal

import pytest

from harness.edge import domain, sanitized
from harness.transport import Http1
from harness.waiting import eventually_async
from harness.wire import BINARY, CLOSE, CONTINUATION, PING, PONG, Ended, WireOrigin, encode

MIB = 1 << 20
PAIR = Http1().pair
SIZES = [1, 40_000, 65_535, 65_536, MIB, 5 * MIB + 17, 16 * MIB] + ([] if sanitized() else [64 * MIB])


def random_bytes(size, seed):
    return random.Random(seed).randbytes(size)


async def send_message(sender, payload, cuts, pings=False):
    """In fragments cut at `cuts`; a Ping of its own before each of them, if so wished."""
    at = 0
    for i, end in enumerate([*cuts, len(payload)]):
        if pings:
            await sender.ping(b"%d" % i)
        await sender.frame(CONTINUATION if i else BINARY, payload[at:end], fin=end == len(payload))
        at = end


async def receive_message(receiver, slow=False):
    """The digest of the next message, and the control frames that came before it was whole."""
    digest, size, others = hashlib.sha256(), 0, []
    while True:
        frame = await receiver.recv(60)
        if frame.opcode & 8:
            others.append(frame)
            continue
        digest.update(frame.payload)
        size += len(frame.payload)
        if slow:
            await asyncio.sleep(0.05)
        if frame.fin:
            return digest.hexdigest(), size, others


@pytest.mark.parametrize("slow", [False, True], ids=["", "slow"])
async def test_messages_of_all_sizes_arrive_whole_both_ways(start_edge, slow):
    async with WireOrigin(limit=4 * MIB if not slow else 65536) as origin:
        edge = start_edge(domain("live.edge.test", origin), workers=1)
        async with PAIR(edge.http, origin, limit=4 * MIB if not slow else 65536) as (client, served):
            chance = random.Random(4)
            bytes_in = bytes_out = 0
            for n, size in enumerate(SIZES if not slow else SIZES[:-2]):
                for sender, receiver in ((client, served), (served, client)):
                    payload = random_bytes(size, n)
                    cuts = sorted(chance.randrange(size + 1) for _ in range(chance.choice([0, 0, 3])))
                    sending = asyncio.create_task(send_message(sender, payload, cuts, pings=bool(cuts)))
                    digest, got, others = await receive_message(receiver, slow)
                    await sending
                    assert got == size and digest == hashlib.sha256(payload).hexdigest()
                    assert [f.payload for f in others] == ([b"%d" % i for i in range(len(cuts) + 1)] if cuts else [])
            await client.send_close()
            await served.expect_close(1000)
            await client.expect_close(1000)
        record = await edge.logged({"close_cause": "closing_handshake"})
        assert record["messages_in"] == record["messages_out"] == len(SIZES if not slow else SIZES[:-2])
        total = sum(SIZES if not slow else SIZES[:-2])
        assert total < record["bytes_in"] < total + 20_000 and total < record["bytes_out"] < total + 20_000
        assert edge.metric("fairlead_pipe_bytes_total") > total, "most of both directions"
        assert edge.metric("fairlead_pipes_open") <= 16
        assert edge.metric("fairlead_pipes_impossible_total") == 0


async def test_the_edges_pings_and_close_wait_for_the_end_of_a_large_frame(start_edge):
    async with WireOrigin(limit=65536) as origin:
        edge = start_edge(domain("live.edge.test", origin, websocket={
            "heartbeat": {"interval": "1s", "to": "both", "pong_timeout": "20s"}}), workers=1, drain_time="2s")
        async with PAIR(edge.http, origin, limit=65536) as (client, served):
            payload = random_bytes(8 * MIB, 1)
            frame = encode(BINARY, payload, key=None)
            await served.send(frame[:3 * MIB])
            reading = asyncio.create_task(client.recv(30))
            await asyncio.sleep(1.5)  # the heartbeat's time comes, and so does the drain, in the middle of the frame
            edge.signal(signal.SIGTERM)
            await asyncio.sleep(0.5)
            await served.send(frame[3 * MIB:])
            first = await reading
            assert first.opcode == BINARY and first.payload == payload
            while (control := await client.recv(20)).opcode in (PING, PONG):
                pass
            assert control.opcode == CLOSE and control.code == 1001


async def test_a_reader_lost_in_the_middle_of_a_frame_is_paid_for_what_it_took(start_edge):
    async with WireOrigin(limit=65536) as origin:
        edge = start_edge(domain("live.edge.test", origin), workers=1)
        for n in range(20):
            async with PAIR(edge.http, origin, limit=65536) as (client, served):
                sending = asyncio.create_task(served.send(encode(BINARY, os.urandom(32 * MIB))))
                await client.reader.readexactly(MIB)
                client.reset()
                with contextlib.suppress(ConnectionError, Ended):
                    await sending
                    await served.at_end()
            await eventually_async(lambda n=n: len(edge.access_log()) > n, 10, "the session's line in the log")
        for record in edge.access_log():
            assert MIB <= record["bytes_out"] < 32 * MIB and record["close_by"] == "client", record
        # What lay in their pipes is gone with them.
        assert edge.metric("fairlead_pipes_open") <= 16


async def test_many_slow_readers_take_all_pipes_and_nobody_is_cut_short(start_edge):
    """More of them than pipes: the rest is copied, and everything arrives in the end."""
    count, size = 80, 2 * MIB
    payload = random_bytes(size, 3)
    async with WireOrigin(limit=65536) as origin:
        edge = start_edge(domain("live.edge.test", origin), workers=1)
        contexts = [PAIR(edge.http, origin, limit=16384) for _ in range(count)]
        ends = [await c.__aenter__() for c in contexts]
        for client, _ in ends:
            client.fall_asleep()
        sending = [asyncio.create_task(served.send(encode(BINARY, payload) * 3)) for _, served in ends]
        await asyncio.sleep(2)
        assert edge.metric("fairlead_pipes_open") <= 64

        async def drain(client):
            for _ in range(3):
                frame = await client.recv(60)
                assert frame.payload == payload

        await asyncio.gather(*(drain(client) for client, _ in ends), *sending)
        assert edge.metric("fairlead_pipes_open") <= 16
        for c in contexts:
            await c.__aexit__(None, None, None)
