"""R4: the edge's own Ping. It finds dead peers, is answered to the edge alone, and never counts as data."""

import asyncio
import itertools
import os
import signal
import subprocess

import pytest

from harness.edge import domain
from harness.process import Child, NODE, HERE, environment
from harness.waiting import Stopwatch
from harness.wire import CLOSE, PING, PONG, TEXT, WireOrigin, echo

INTERVAL, PONG_TIMEOUT = 1, 2


def beating(origin, to="both", **websocket):
    return domain("live.edge.test", origin, websocket={
        "connection_timeout": "60s", "heartbeat": {"interval": f"{INTERVAL}s", "to": to, "pong_timeout": f"{PONG_TIMEOUT}s"},
        **websocket})


async def answer_pings(end, count):
    """Answers `count` Pings; nothing else may come."""
    seen = []
    for _ in range(count):
        frame = await end.recv(timeout=INTERVAL + 1.5)
        assert frame.opcode == PING, frame
        seen.append(frame.payload)
        await end.pong(frame.payload)
    return seen


async def test_both_sides_are_asked_and_only_the_edge_hears_the_answers(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(beating(origin))
        async with transport.pair(edge.http, origin) as (client, served):
            # Were a Pong passed on, the other side would see it instead of its next Ping.
            mine, theirs = await asyncio.gather(answer_pings(client, 4), answer_pings(served, 4))
            assert not set(mine) & set(theirs), "the two sides could answer for each other"
            assert all(len(payload) == 8 for payload in mine + theirs)
            await client.text("after")
            while (frame := await served.recv()).opcode == PING:
                await served.pong(frame.payload)
            assert frame.opcode == TEXT and frame.payload == b"after"


@pytest.mark.parametrize("to", ["client", "origin"])
async def test_one_side_only(transport, start_edge, to):
    async with WireOrigin() as origin:
        edge = start_edge(beating(origin, to))
        async with transport.pair(edge.http, origin) as (client, served):
            asked, spared = (client, served) if to == "client" else (served, client)
            await asyncio.gather(answer_pings(asked, 3), spared.quiet(2.5))


async def test_pings_of_the_peers_pass_through_with_their_pongs(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(beating(origin, to="origin"))
        async with transport.pair(edge.http, origin) as (client, served):
            await client.ping(b"from the client")
            frame = await served.recv()
            while frame.payload != b"from the client":
                assert frame.opcode == PING, frame
                await served.pong(frame.payload)
                frame = await served.recv()
            await served.pong(b"from the client")
            await client.expect(PONG, b"from the client")
            await served.ping(b"from the origin")
            await client.expect(PING, b"from the origin")


async def test_a_pong_inside_a_fragmented_message_is_taken_out_alone(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(beating(origin, to="client"))
        async with transport.pair(edge.http, origin) as (client, served):
            await client.frame(TEXT, b"one ", fin=False)
            ping = await client.expect(PING)
            await client.pong(ping.payload)
            await client.frame(0, b"two", fin=True)
            first, second = await served.recv(), await served.recv()
            assert (first.opcode, first.payload, first.fin) == (TEXT, b"one ", False)
            assert (second.opcode, second.payload, second.fin) == (0, b"two", True)


async def test_answered_heartbeats_are_not_data(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(beating(origin, connection_timeout="3s"))
        async with transport.pair(edge.http, origin) as (client, served):
            since = Stopwatch()

            async def until_close(end):
                while (frame := await end.recv(6)).opcode == PING:
                    await end.pong(frame.payload)
                assert frame.opcode == CLOSE and frame.code == 1001 and "connection_timeout" in frame.reason, frame
                await end.frame(CLOSE, frame.payload[:2])
                return since.seconds

            for seconds in await asyncio.gather(until_close(client), until_close(served)):
                assert abs(seconds - 3) <= 0.5, seconds


async def test_data_instead_of_a_pong_shows_life(transport, start_edge):
    async with WireOrigin() as origin:
        edge = start_edge(beating(origin, to="client"))
        async with transport.pair(edge.http, origin) as (client, served):
            since = Stopwatch()
            while since.seconds < INTERVAL + PONG_TIMEOUT + 2:
                await client.text("alive")
                frame = await served.recv()
                assert frame.opcode == TEXT, frame
                await asyncio.sleep(0.5)


def finds_dead(frame, since):
    assert frame.opcode == CLOSE and frame.code == 1001, frame
    assert "pong" in frame.reason, frame
    assert since.seconds <= INTERVAL + PONG_TIMEOUT + 0.7, f"found after {since.seconds:.2f} s"


WAITING_CLIENT = ("const W=require('ws');const w=new W(process.argv[1],{headers:{Host:'live.edge.test'}});"
                  "w.on('open',()=>console.log('open'));process.stdin.resume()")


async def test_a_stopped_client_is_found(transport, start_edge, tmp_path, ca):
    async with WireOrigin() as origin:
        edge = start_edge(beating(origin, to="client"))
        child = Child([*NODE, *transport.node, "-e", WAITING_CLIENT, f"ws://live.edge.test:{edge.http}/"], tmp_path,
                      "client", env=environment(), cwd=HERE)
        try:
            served = await origin.accept()
            await asyncio.to_thread(child.line)
            os.kill(child.pid, signal.SIGSTOP)
            since = Stopwatch()
            finds_dead(await served.recv(8), since)
            record = await edge.logged({"close_cause": "pong_timeout"}, timeout=10)
            assert record["close_by"] == "edge"
        finally:
            os.kill(child.pid, signal.SIGCONT)
            child.stop()


async def test_a_stopped_origin_is_found(transport, start_edge, start_origin):
    origin = start_origin("ws_hash.cjs")
    edge = start_edge(beating(origin, to="origin"))
    async with transport.open_session(edge.http, target="/echo") as client:
        await client.text("there?")
        await client.expect(TEXT, b"there?")
        os.kill(origin.pid, signal.SIGSTOP)
        try:
            since = Stopwatch()
            finds_dead(await client.recv(8), since)
        finally:
            os.kill(origin.pid, signal.SIGCONT)
        record = await edge.logged({"close_cause": "pong_timeout"}, timeout=10)
        assert record["close_by"] == "edge"


hosts = itertools.count()


@pytest.fixture
def cut_off_host():
    """A network namespace joined to this host by a veth pair; .cut() makes its packets vanish, both ways."""
    # A name of its own each time: a namespace that was deleted takes a while to go.
    tag = f"{os.getpid() % 100_000}x{next(hosts)}"
    space, here, there = f"fl{tag}", f"fla{tag}", f"flb{tag}"
    net = f"10.{200 + (os.getpid() + 7 * next(hosts)) % 50}.{os.getpid() // 50 % 250}"

    def ip(*args):
        subprocess.run(["ip", *args], check=True, capture_output=True)

    ip("netns", "add", space)
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
        ip("addr", "add", f"{net}.1/24", "dev", here)
        ip("link", "set", here, "up")
        ip("-n", space, "addr", "add", f"{net}.2/24", "dev", there)
        ip("-n", space, "link", "set", there, "up")

        class Host:
            address = f"{net}.1"
            run_in = ["ip", "netns", "exec", space]

            @staticmethod
            def cut():
                ip("-n", space, "link", "set", there, "down")

        yield Host
    finally:
        subprocess.run(["ip", "netns", "del", space], capture_output=True)


async def test_a_host_whose_packets_vanish_is_found(transport, start_edge, cut_off_host, tmp_path):
    from harness.ports import free_port
    async with WireOrigin() as origin:
        port = free_port()
        start_edge(beating(origin, to="client"), listeners=[
            {"address": f"{cut_off_host.address}:{port}", "protocol": "http", **transport.listener}])
        child = Child([*cut_off_host.run_in, *NODE, *transport.node, "-e", WAITING_CLIENT,
                       f"ws://{cut_off_host.address}:{port}/"], tmp_path, "client", env=environment(), cwd=HERE)
        try:
            served = await origin.accept()
            await asyncio.to_thread(child.line)
            cut_off_host.cut()
            since = Stopwatch()
            finds_dead(await served.recv(8), since)
        finally:
            child.stop()


async def test_echo_goes_on_under_heartbeat(transport, start_edge):
    """Own frames enter at frame boundaries only: a busy stream of messages stays whole."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(beating(origin))
        async with transport.open_session(edge.http) as client:
            since, sent, answered, pings = Stopwatch(), 0, 0, 0

            async def reader():
                nonlocal answered, pings
                while (frame := await client.recv()).payload != b"end":
                    if frame.opcode == PING:
                        pings += 1
                        await client.pong(frame.payload)
                        continue
                    assert frame.payload[:8] == answered.to_bytes(8, "big"), answered
                    assert len(frame.payload) == 8 + answered % 5000
                    answered += 1

            reading = asyncio.create_task(reader())
            while since.seconds < 3.5:
                await client.binary(sent.to_bytes(8, "big") + bytes(sent % 5000))
                sent += 1
                if sent - answered > 50:
                    await asyncio.sleep(0.005)
            await client.binary(b"end")
            await asyncio.wait_for(reading, 20)
            assert answered == sent and pings >= 2
