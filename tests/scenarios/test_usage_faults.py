"""Usage when the process dies: nothing is counted twice, and what is lost is what passed since the last record (one period
of ten seconds and the append). Peers count what they send and get, with the time; each start of the process is an epoch,
and the clients of each epoch speak to a domain of its own, so that the statistics answer for every epoch by itself; one more
domain is used in all of them."""

import asyncio
import bisect
import contextlib
import ctypes
import errno
import itertools
import os
import random
import sqlite3
import threading
import time

import pytest
import websockets
from websockets.server import serve

from harness.control_store import kill, rows
from harness.counting import HOST, OTHER, Peers, furnished
from harness.edge import SLOWNESS, sanitized
from harness.waiting import eventually

KILLS, SANITIZED_KILLS = 50, 6
CLIENTS = 3  # of an epoch's own domain, and one of the other
BESIDE = "beside.edge.test"
PERIOD = 10  # seconds: usage is recorded at the wall clock's multiples of it
# What an append may take, beside the machine's other work: what passed that long before the last multiple of ten but one is
# in the journal in any case.
APPEND_S = 3.0
# Between the moment a client has a byte and the one at which the edge has counted it.
COUNTED_S = 0.5


class Count:
    """What passed for one domain in one epoch. Sums only ever grow; those with a time say since when."""

    def __init__(self):
        self.offered_in = self.offered_out = 0  # bytes of frames that were given to a socket: the most that can have passed
        self.times, self.arrived = [], []       # when, and (in, out, sessions) by then: the least that had passed

    def arrive(self, bytes_in, bytes_out, sessions):
        last = self.arrived[-1] if self.arrived else (0, 0, 0)
        self.arrived.append(tuple(a + b for a, b in zip(last, (bytes_in, bytes_out, sessions))))
        self.times.append(time.time())

    def until(self, moment):
        at = bisect.bisect_right(self.times, moment)
        return self.arrived[at - 1] if at else (0, 0, 0)


def frame(size, masked):
    return Peers.head(size) + (4 if masked else 0) + size


class Traffic:
    """An origin that says twice what it gets, and clients of it, on one loop in a thread of its own. The path of a session
    is the number of its epoch, for the origin to know what it counts."""

    def __init__(self, port, chance):
        self.http, self.chance = port, chance
        self.counts = {}  # by (epoch, host)
        self.may_break = threading.Event()
        self.broken = []
        self.tasks = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.run(self._serve())
        self.port = self.server.sockets[0].getsockname()[1]

    def run(self, coroutine, timeout=60):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout * SLOWNESS)

    async def _serve(self):
        async def echo(session):
            count = self.counts[int(session.path[1:]), session.request_headers["host"].partition(":")[0]]
            with contextlib.suppress(websockets.ConnectionClosed):
                async for message in session:
                    for _ in range(2):
                        count.offered_out += frame(len(message), False)
                        await session.send(message)
        return await serve(echo, "127.0.0.1", 0, compression=None, ping_interval=None)

    async def _client(self, epoch, host, begun, stop):
        count = self.counts[epoch, host]
        try:
            session = await websockets.connect(f"ws://{host}/{epoch}", host="127.0.0.1", port=self.http, compression=None,
                                               ping_interval=None, open_timeout=30 * SLOWNESS)
            count.arrive(0, 0, 1)
            while not stop.is_set():
                payload = self.chance.randbytes(self.chance.choice((1, 100, 126, 1000, 70000)))
                count.offered_in += frame(len(payload), True)
                await session.send(payload)
                for sent in (frame(len(payload), True), 0):  # what is said back has certainly been there
                    assert await session.recv() == payload
                    count.arrive(sent, frame(len(payload), False), 0)
                begun.set()
                with contextlib.suppress(asyncio.TimeoutError):  # a pace, to leave the machine to others
                    await asyncio.wait_for(stop.wait(), 0.02)
            # 1000 without a reason: two bytes of payload each way.
            count.offered_in += frame(2, True)
            count.offered_out += frame(2, False)
            await session.close()
            assert (session.close_code, session.close_rcvd.code) == (1000, 1000)
            count.arrive(frame(2, True), frame(2, False), 0)
        except Exception as e:  # noqa: BLE001: whatever it is, it may happen only once the process was killed
            if not self.may_break.is_set():
                self.broken.append((epoch, host, repr(e)))
            begun.set()

    def begin(self, epoch, hosts):
        """Clients of these hosts; returns once each has had its first message back."""
        self.may_break.clear()

        async def begin():
            self.stop = asyncio.Event()
            begun = []
            for host in hosts:
                self.counts.setdefault((epoch, host), Count())
                begun.append(asyncio.Event())
                self.tasks.append(asyncio.create_task(self._client(epoch, host, begun[-1], self.stop)))
            await asyncio.gather(*(b.wait() for b in begun))
        self.run(begin())
        assert not self.broken, self.broken

    def finish(self):
        """The clients' orderly end, or the end that the process's death was."""
        async def finish():
            self.stop.set()
            await asyncio.gather(*self.tasks)
        self.run(finish())
        self.tasks.clear()
        assert not self.broken, self.broken

    def end(self):
        self.server.close()
        self.run(self.server.wait_closed())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.may_break.set()
        self.end()


def recorded_until(node):
    """A time before which all that passed is in the journal, by the process's own word; None: it has recorded nothing."""
    asked = time.time()
    metrics = {name: values[0][1] for name, values in node.metrics().items() if name.startswith("fairlead_usage_")}
    assert metrics["fairlead_usage_held_records"] == metrics["fairlead_usage_lost_records_total"] == 0
    ago = metrics["fairlead_usage_recorded_seconds_ago"]
    return asked - ago - COUNTED_S if metrics["fairlead_usage_recorded_sets_total"] and ago > 0 else None


class Lock:
    """Keeps the store from being written by anybody else."""

    def __init__(self, node):
        self.database = sqlite3.connect(node.data / "fairlead.db", timeout=30, isolation_level=None)
        self.database.execute("begin immediate")

    def release(self):
        self.database.rollback()
        self.database.close()


def pass_time(traffic, until):
    """Lets the traffic run until that time of the wall clock."""
    while (left := until - time.time()) > 0:
        threading.Event().wait(min(left, 0.5))
        assert not traffic.broken, traffic.broken


def one_epoch(node, traffic, epoch, chance, kinds):
    """Traffic, and SIGKILL at a random moment: soon after the start, or about the next record, in every second of those
    while the store takes nothing. Returns (kind, by when all had been recorded, when it was killed)."""
    traffic.begin(epoch, [f"e{epoch}.edge.test"] * CLIENTS + [BESIDE])
    now = time.time()
    boundary = now - now % PERIOD + PERIOD
    lock = None
    if boundary - now > 6 and not (sanitized() and epoch % 2):  # of a few kills, half are about a record
        kind = "early"
        pass_time(traffic, now + chance.uniform(0, 1.5))
    elif (kind := next(kinds)) == "record":
        pass_time(traffic, boundary + chance.choice((chance.uniform(-0.02, 0.1), chance.uniform(0, 1.5))))
    else:
        lock = Lock(node)
        pass_time(traffic, boundary)
        eventually(lambda: node.metric("fairlead_usage_journal_waiting") >= 1, 30, "usage in the journal")
        pass_time(traffic, time.time() + chance.uniform(0, 0.3))
    assert not traffic.broken, traffic.broken
    least = recorded_until(node)
    traffic.may_break.set()
    killed = time.time()
    kill(node)
    traffic.finish()
    node.start()  # the edge goes by its copy of the policy, whether or not the store can be written
    if lock:
        assert node.metric("fairlead_usage_journal_waiting") >= 1, "what was recorded lies in the journal still"
        lock.release()
    return kind, least, killed


def counted(node, epoch_host=None):
    """What the statistics say of a domain: (bytes in, bytes out, sessions)."""
    query = f"?domain={epoch_host}" if epoch_host else ""
    [series] = node.operator.get(f"/v1/statistics/traffic{query}").ok(200)["series"]
    return tuple(series["total"][key] for key in ("bytes_in", "bytes_out", "sessions_opened"))


def shipped(node):
    """What of the edge's epochs the store has, as (epoch, first, last), once the journal has nothing more; else nothing."""
    if node.metric("fairlead_usage_journal_waiting") or node.metric("fairlead_usage_sets_total") is None:
        return None
    return [tuple(map(int, row)) for row in rows(node, "select epoch, first_sequence, last_sequence from usage_taken")]


@pytest.mark.timeout(900)
def test_kill_9_loses_what_was_not_recorded_and_doubles_nothing(start_node):
    seed = int(os.environ.get("FAIRLEAD_SEED") or time.time_ns() % 10**9)
    print(f"FAIRLEAD_SEED={seed}")
    chance = random.Random(seed)
    kills = SANITIZED_KILLS if sanitized() else KILLS
    node = start_node()
    customer = node.customer("Comments Ltd")
    node.activate(customer)
    with Traffic(node.http, random.Random(seed)) as traffic:
        for host in [f"e{epoch}.edge.test" for epoch in range(kills + 1)] + [BESIDE]:
            change = node.online(customer, host, traffic.port)["policy_change"]
        eventually(lambda: node.metric("fairlead_policy_copy_revision") == change, 15, "a copy of the policy with all of them")
        kinds = itertools.cycle(("record", "locked"))
        ends = {epoch: one_epoch(node, traffic, epoch, chance, kinds) for epoch in range(kills)}
        # The last one ends in order: it loses nothing.
        traffic.begin(kills, [f"e{kills}.edge.test"] * CLIENTS + [BESIDE])
        traffic.finish()
        eventually(lambda: node.operator.get("/v1/edges", check=False).status == 200, 30 * SLOWNESS, "the API")
        assert node.terminate() == 0
        assert "some usage is not in the database yet" not in node.log()
        # How far the other side has come is written lazily: without it every set that lies there comes again.
        (node.data / "usage" / "position").unlink()
        node.start()
        taken = eventually(lambda: shipped(node), 30 * SLOWNESS, "the journal's sets once more")
        assert node.metric("fairlead_usage_sets_total", result="duplicate") == sum(last for _, _, last in taken)
        assert node.metric("fairlead_usage_sets_total", result="taken") == 0
        assert node.metric("fairlead_usage_journal_damaged_total") == 0

        beside_least, lost = (0, 0, 0), 0
        for epoch in range(kills + 1):
            count, told = traffic.counts[epoch, f"e{epoch}.edge.test"], counted(node, f"e{epoch}.edge.test")
            most = (count.offered_in, count.offered_out, CLIENTS)
            if epoch == kills:
                assert told == most == count.arrived[-1]
                beside_least = tuple(a + b for a, b in zip(beside_least, traffic.counts[epoch, BESIDE].arrived[-1]))
                continue
            kind, least, killed = ends[epoch]
            assert all(a <= b for a, b in zip(told, most)), f"epoch {epoch} ({kind}): {told} of {most}"
            # What the process said it had recorded, and on a machine that keeps its times what the documentation says.
            moments = [] if least is None else [least]
            if not sanitized():
                moments.append((killed - APPEND_S) // PERIOD * PERIOD - COUNTED_S)
            for moment in moments:
                wanted = count.until(moment)
                assert all(a >= b for a, b in zip(told, wanted)), f"epoch {epoch} ({kind}): {told}, at least {wanted}"
            lost += count.arrived[-1][1] - min(told[1], count.arrived[-1][1])
            more = traffic.counts[epoch, BESIDE].until(max(moments, default=0))
            beside_least = tuple(a + b for a, b in zip(beside_least, more))
        beside, told = [c for (_, host), c in traffic.counts.items() if host == BESIDE], counted(node, BESIDE)
        most = (sum(c.offered_in for c in beside), sum(c.offered_out for c in beside), kills + 1)
        assert all(a <= b <= c for a, b, c in zip(beside_least, told, most)), (beside_least, told, most)
        # All domains are the sum of each; of an epoch's sets none is missing before the last that came.
        each = [counted(node, f"e{epoch}.edge.test") for epoch in range(kills + 1)] + [told]
        assert counted(node) == tuple(map(sum, zip(*each)))
        assert len({epoch for epoch, _, _ in taken}) == len(taken) and all(first == 1 for _, first, _ in taken), taken
        kinds = [kind for kind, *_ in ends.values()]
        print(f"{kills} kills ({', '.join(f'{kinds.count(k)} {k}' for k in sorted(set(kinds)))}); {len(taken)} epochs recorded "
              f"usage; of {sum(c.offered_out for c in traffic.counts.values())} bytes to clients {lost} were lost")
        if not sanitized():
            assert kinds.count("record") >= 3 and kinds.count("locked") >= 3


CLONE_NEWNS, CLONE_NEWUSER, MS_REC, MS_PRIVATE = 0x20000, 0x10000000, 0x4000, 1 << 18
_libc = ctypes.CDLL(None, use_errno=True)


def _done(status):
    if status != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def small_disk(folder, size="256k"):
    """A preexec_fn: the process sees a disk of its own in that folder, as small as that."""
    user, group = os.geteuid(), os.getegid()

    def mount():
        _done(_libc.unshare(CLONE_NEWNS | (CLONE_NEWUSER if user else 0)))
        if user:
            for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
        _done(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        _done(_libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={size},mode=700".encode()))
    return mount


def mounts_are_allowed(folder):
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            small_disk(folder)()
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


class Filler:
    """A file that takes all the room there is on a process's small disk."""

    def __init__(self, node, folder):
        self.path = f"/proc/{node.pid}/root{folder}/filler"
        with open(self.path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as e:
                assert e.errno == errno.ENOSPC

    def remove(self):
        os.unlink(self.path)


def test_a_full_disk_keeps_usage_waiting(start_node, tmp_path):
    """What the journal's disk does not take waits in memory, and is written once there is room; no session hears of it. At an
    orderly end it goes to the store past the journal."""
    folder = tmp_path / "node0" / "data" / "usage"
    folder.mkdir(parents=True)
    (tmp_path / "node0" / "data").chmod(0o700)
    if not mounts_are_allowed(folder):
        pytest.skip("no disk can be mounted here")
    node, customer, peers = furnished(start_node, preexec_fn=small_disk(folder))

    def told():
        series = customer.get("/v1/statistics/traffic?interval=300").ok(200)["series"][0]
        return series["total"]["bytes_in"], series["total"]["bytes_out"]

    def failures():
        return node.metric("fairlead_usage_append_failures_total")
    with peers:
        filler = Filler(node, folder)
        client, other = peers.open(), peers.open(OTHER)
        for size in (1, 1000, 70000):
            peers.say(client, b"x" * size)
            peers.say(other, b"y" * size)
        eventually(lambda: failures() >= 1, 30, "the journal to refuse")
        held = node.metric("fairlead_usage_held_records")
        assert 1 <= held <= 2, "a record of each domain, unless the time came between the two"
        peers.say(client, b"x" * 500)
        eventually(lambda: failures() >= 2, 30, "the journal to refuse again")
        # The set that was refused, and what came since: that sessions are open is usage, too.
        assert node.metric("fairlead_usage_held_records") == held + 2
        assert told() == (0, 0) and node.metric("fairlead_usage_journal_waiting") == 0
        live = customer.get(f"/v1/statistics/live?domain={HOST},{OTHER}").ok(200)["total"]
        assert (live["bytes_in"], live["bytes_out"]) == (peers.bytes_in, peers.bytes_out)
        assert node.log().count("usage cannot be written to its journal and is kept in memory") == 1
        assert "No space left on device" in node.log()

        filler.remove()
        eventually(lambda: told() == (peers.bytes_in, peers.bytes_out), 60, "all of it in the statistics")
        assert node.metric("fairlead_usage_held_records") == node.metric("fairlead_usage_lost_records_total") == 0
        assert node.log().count("usage is written to its journal again") == 1

        # Full at the end. Each start has another, empty disk here: what is known then is what the store has.
        for each in (client, other):
            peers.close(each)
        node.restart()
        assert told() == (peers.bytes_in, peers.bytes_out)
        Filler(node, folder)
        client = peers.open()
        peers.say(client, b"z" * 60000)
        peers.close(client)
        node.restart()
        assert told() == (peers.bytes_in, peers.bytes_out)
        assert "is lost" not in node.log() and node.log().count("kept in memory") == 2
