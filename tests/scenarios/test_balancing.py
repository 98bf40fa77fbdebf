"""R12: which origin gets a session or a request."""

import asyncio
import collections
import contextlib
import re

import pytest

from harness import http1
from harness.edge import domain
from harness.wire import TEXT, WireOrigin


@contextlib.asynccontextmanager
async def origins(count):
    """Origins that say their number: as the first frame of a session, and as the body of an ordinary answer."""
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for number in range(count):
            async def session(wire, number=number):
                await wire.text(f"{number}")
                await wire.at_end(600)

            async def ordinary(connection, head, number=number):
                await connection.send(http1.answer("200 OK", f"{number}".encode()))

            made.append(await stack.enter_async_context(WireOrigin(handler=session, ordinary=ordinary)))
        yield made


class Opened:
    """Sessions that stay open until the block ends; add() gives the origin's number."""

    def __init__(self, transport, edge):
        self.transport, self.edge, self.stack = transport, edge, contextlib.AsyncExitStack()

    async def __aenter__(self):
        await self.stack.__aenter__()
        return self

    async def __aexit__(self, *failure):
        await self.stack.__aexit__(*failure)

    async def add(self, **options):
        client = await self.stack.enter_async_context(self.transport.open_session(self.edge.http, **options))
        self.last = client
        return int((await client.expect(TEXT)).payload)


async def test_round_robin_is_even(transport, start_edge):
    async with origins(3) as three:
        edge = start_edge(domain("live.edge.test", *three, load_balancing={"policy": "round-robin"}), workers=1)
        async with Opened(transport, edge) as sessions:
            got = [await sessions.add() for _ in range(30)]
        assert collections.Counter(got) == {0: 10, 1: 10, 2: 10}
        assert len(set(got[:3])) == 3


async def test_round_robin_of_requests_on_one_connection(transport, start_edge):
    async with origins(3) as three:
        edge = start_edge(domain("live.edge.test", *three, load_balancing={"policy": "round-robin"}), workers=1)
        async with transport.connect(edge.http) as connection:
            got = [int((await connection.request()).body) for _ in range(12)]
        assert collections.Counter(got) == {0: 4, 1: 4, 2: 4}


async def test_round_robin_by_weight_without_bursts(transport, start_edge):
    async with origins(2) as two:
        listed = [two[0].yaml(weight=30), two[1].yaml(weight=10)]
        edge = start_edge(domain("live.edge.test", *listed, load_balancing={"policy": "round-robin"}), workers=1)
        async with Opened(transport, edge) as sessions:
            got = [await sessions.add() for _ in range(40)]
        assert collections.Counter(got) == {0: 30, 1: 10}
        assert "1111" not in "".join(map(str, got)) and "11" not in "".join(map(str, got)), got


async def test_least_sessions_fills_the_emptier(transport, start_edge):
    async with origins(3) as three:
        edge = start_edge(domain("live.edge.test", *three, load_balancing={"policy": "least-sessions"}), workers=2)
        async with Opened(transport, edge) as keep:
            first = [await keep.add() for _ in range(9)]
            assert collections.Counter(first) == {0: 3, 1: 3, 2: 3}, first
            # Those of origin 1 leave; the next go there.
            async with Opened(transport, edge) as more:
                got = [await more.add() for _ in range(6)]
                assert collections.Counter(got) == {0: 2, 1: 2, 2: 2}
            from harness.waiting import eventually_async
            await eventually_async(lambda: edge.metric("fairlead_sessions_open") == 9, what="9 sessions")
            again = [await keep.add() for _ in range(3)]
            assert collections.Counter(again) == {0: 1, 1: 1, 2: 1}


HASHES = {
    "header": ({"hash_key": "header", "hash_name": "X-Room"}, lambda k: {"fields": [("X-Room", k)]}),
    "cookie": ({"hash_key": "cookie", "hash_name": "room"}, lambda k: {"fields": [("Cookie", f"a=b; room={k}; c=d")]}),
    "path": ({"hash_key": "path"}, lambda k: {"target": f"/rooms/{k}?x=1"}),
    "query": ({"hash_key": "query", "hash_name": "room"}, lambda k: {"target": f"/rooms?y=2&room={k}"}),
}


@pytest.mark.parametrize("kind", HASHES)
async def test_consistent_hash_sends_a_key_to_one_origin(transport, start_edge, kind):
    settings, options = HASHES[kind]
    async with origins(4) as four:
        edge = start_edge(domain("live.edge.test", *four, load_balancing={"policy": "consistent-hash", **settings}))
        async with Opened(transport, edge) as sessions:
            keys = [f"room{i}" for i in range(40)]
            where = {k: await sessions.add(**options(k)) for k in keys}
            assert len(set(where.values())) == 4, "some origin got no key of 40"
            assert {k: await sessions.add(**options(k)) for k in keys} == where


async def test_consistent_hash_of_the_client_address(transport, start_edge):
    async with origins(4) as four:
        edge = start_edge(domain("live.edge.test", *four, load_balancing={
            "policy": "consistent-hash", "hash_key": "client-address"}))
        async with Opened(transport, edge) as sessions:
            addresses = [f"127.0.1.{i}" for i in range(1, 30)]
            where = {a: await sessions.add(local_addr=(a, 0)) for a in addresses}
            assert len(set(where.values())) > 1
            assert {a: await sessions.add(local_addr=(a, 0)) for a in addresses} == where


async def test_consistent_hash_moves_only_the_keys_of_a_removed_origin(transport, start_edge):
    settings, options = HASHES["header"]
    async with origins(4) as four:
        edge = start_edge(domain("live.edge.test", *four, load_balancing={"policy": "consistent-hash", **settings}))
        async with Opened(transport, edge) as sessions:
            keys = [f"room{i}" for i in range(40)]
            before = {k: await sessions.add(**options(k)) for k in keys}
            assert edge.reload(edge.changed(lambda c: c["domains"][0]["origins"].pop(3))) == "applied"
            after = {k: await sessions.add(**options(k)) for k in keys}
            assert 3 not in after.values()
            assert {k: o for k, o in after.items() if before[k] != 3} == {k: o for k, o in before.items() if o != 3}


async def test_a_cookie_keeps_a_client_with_its_origin(transport, start_edge):
    async with origins(3) as three:
        edge = start_edge(domain("live.edge.test", *three, load_balancing={"policy": "round-robin", "persistence": "cookie"}))
        for _ in range(4):
            answer = await transport.fetch(edge.http)
            cookie = answer.head.get("set-cookie")
            assert cookie and cookie.startswith("fairlead-origin="), answer.head.raw
            assert re.search(r";\s*HttpOnly", cookie, re.I) and re.search(r";\s*Path=/", cookie, re.I), cookie
            value = cookie.split(";")[0]
            assert str(three[int(answer.body)].port) not in value and "127.0.0.1" not in value, "the cookie tells the origin"
            async with Opened(transport, edge) as sessions:
                got = {await sessions.add(fields=[("Cookie", f"x=y; {value}")]) for _ in range(6)}
                assert got == {int(answer.body)}
                assert sessions.last.head.get("set-cookie") is None, "a cookie that is good is not set again"
            assert {(await transport.fetch(edge.http, fields=[("Cookie", value)])).body for _ in range(6)} == {answer.body}


async def test_the_cookie_is_set_with_the_101_too(transport, start_edge):
    async with origins(2) as two:
        edge = start_edge(domain("live.edge.test", *two, load_balancing={
            "persistence": "cookie", "cookie_name": "sticky", "cookie_max_age": "1h"}))
        async with Opened(transport, edge) as sessions:
            number = await sessions.add()
            cookie = sessions.last.head.get("set-cookie")
            assert cookie.startswith("sticky=") and re.search("max-age=3600", cookie, re.I), cookie
            value = cookie.split(";")[0]
            assert {await sessions.add(fields=[("Cookie", value)]) for _ in range(5)} == {number}


@pytest.mark.parametrize("value", ["", "0", "99", "\"x\"", "A" * 3000, "../../etc", "%00"],
                         ids=["empty", "zero", "number", "quoted", "long", "path", "nul"])
async def test_a_forged_cookie_is_only_a_client_without_one(transport, start_edge, value):
    async with origins(2) as two:
        edge = start_edge(domain("live.edge.test", *two, load_balancing={"persistence": "cookie"}))
        answer = await transport.fetch(edge.http, fields=[("Cookie", f"fairlead-origin={value}")])
        assert answer.status == 200 and answer.body in (b"0", b"1")


async def test_the_cookie_of_an_origin_that_is_gone_finds_another(transport, start_edge):
    async with origins(2) as two:
        edge = start_edge(domain("live.edge.test", *two, load_balancing={"persistence": "cookie"}))
        answer = await transport.fetch(edge.http)
        value, number = answer.head.get("set-cookie").split(";")[0], int(answer.body)
        assert edge.reload(edge.changed(lambda c: c["domains"][0]["origins"].pop(number))) == "applied"
        moved = await transport.fetch(edge.http, fields=[("Cookie", value)])
        assert int(moved.body) == 1 - number and moved.head.get("set-cookie")


async def test_backup_only_when_no_primary_is_left(transport, start_edge):
    async with origins(3) as three:
        listed = [three[0].yaml(), three[1].yaml(), three[2].yaml(priority="backup")]
        edge = start_edge(domain("live.edge.test", *listed))
        async with Opened(transport, edge) as sessions:
            got = {await sessions.add() for _ in range(10)}
        assert got == {0, 1}
        await three[0].__aexit__(None, None, None)
        async with Opened(transport, edge) as sessions:
            assert {await sessions.add() for _ in range(10)} == {1}
        await three[1].__aexit__(None, None, None)
        async with Opened(transport, edge) as sessions:
            assert {await sessions.add() for _ in range(10)} == {2}


class DnsServer(asyncio.DatagramProtocol):
    """Answers A questions from a table that the test changes; everything else with NXDOMAIN."""

    def __init__(self):
        self.table, self.asked = {}, 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        import socket
        import struct
        self.asked += 1
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        question, kind = data[12:at + 5], struct.unpack(">H", data[at + 1:at + 3])[0]
        addresses = self.table.get(".".join(labels).lower())
        answers = addresses if addresses and kind == 1 else []
        flags = 0x8180 if addresses else 0x8183
        reply = data[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0) + question
        for ip in answers:
            reply += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(ip)
        self.transport.sendto(reply, address)


async def test_an_origin_by_name_follows_its_address(transport, start_edge):
    loop = asyncio.get_running_loop()
    socket, dns = await loop.create_datagram_endpoint(DnsServer, local_addr=("127.0.0.1", 0))
    resolver = "127.0.0.1:%d" % socket.get_extra_info("sockname")[1]
    async with origins(2) as (first, _):
        async def second(wire):
            await wire.text("1")
            await wire.at_end(600)

        async with WireOrigin(handler=second, address="127.0.0.2", port=first.port):
            dns.table["app.internal.test"] = ["127.0.0.1"]
            edge = start_edge(domain("live.edge.test", {"host": "app.internal.test", "http_port": first.port}),
                              resolvers=[resolver])
            async with Opened(transport, edge) as sessions:
                assert await sessions.add() == 0
                dns.table["app.internal.test"] = ["127.0.0.2"]

                async def moved():
                    return await sessions.add() == 1

                from harness.waiting import eventually_async
                await eventually_async(moved, 15, "the new address, whose predecessor lived for 1 s", pause=0.5)
                assert dns.asked >= 2
    socket.close()


async def test_a_name_that_nobody_knows_is_502(transport, start_edge):
    loop = asyncio.get_running_loop()
    socket, _ = await loop.create_datagram_endpoint(DnsServer, local_addr=("127.0.0.1", 0))
    resolver = "127.0.0.1:%d" % socket.get_extra_info("sockname")[1]
    edge = start_edge(domain("live.edge.test", {"host": "nowhere.internal.test", "http_port": 80}), resolvers=[resolver])
    answer = await transport.fetch(edge.http)
    assert answer.status in (502, 503)
    answer.problem()
    socket.close()
