"""R28 on one machine: the edge goes on, and starts, with its last policy while the control plane's database is away; and
what the database acknowledged stays."""

import asyncio
import contextlib
import itertools
import re
import shutil
import signal

import pytest

from harness.control_store import differences, in_force
from harness.transport import TRANSPORTS
from harness.waiting import eventually
from harness.wire import TEXT, Refused, WireOrigin, echo

HOST, OFF, GONE = "live.edge.test", "off.edge.test", "gone.edge.test"
h1 = TRANSPORTS["h1"]()
numbers = itertools.count(1)


# Not for what starts a process: it would end with the thread that started it.
async def off_thread(function, *arguments, **named):
    return await asyncio.get_running_loop().run_in_executor(None, lambda: function(*arguments, **named))


async def answer(node, host):
    """What an opening handshake gets: "101", or the status and the reason of the refusal. A session is tried out."""
    try:
        async with h1.open_session(node.http, host=host) as client:
            await client.text("hello")
            await client.expect(TEXT, b"hello")
            return "101"
    except Refused as e:
        return f"{e.status} {e.message.head.get('fairlead-error')}"


def prepared(node, origin):
    """A customer with a domain that is live, one whose switch is off, one that was live and is gone."""
    customer = node.customer("Customer")
    node.activate(customer)
    node.online(customer, HOST, origin)
    node.online(customer, OFF, origin, websocket={"origin_scheme": "http", "enabled": False})
    node.online(customer, GONE, origin)
    customer.delete(f"/v1/domains/{GONE}").ok(204)
    in_force(node)
    return customer


async def serves_what_was_last_said(node):
    assert [await answer(node, host) for host in (HOST, OFF, GONE)] == [
        "101", "403 websocket_disabled", "404 unknown_domain"]


def unavailable(refusal, code="store_unavailable"):
    """503 as the contract has it, with when to ask again."""
    problem = refusal.refused(503, code)
    assert int(refusal.fields["retry-after"]) >= 1 and "database" in problem["detail"], problem


def note(node):
    status, _, body = node.get("/readyz")
    return status, body.decode()


@contextlib.asynccontextmanager
async def node_on(start_node, postgres, **more):
    """A node with its store in PostgreSQL, prepared, and its customer."""
    async with WireOrigin(echo) as origin:
        node = start_node(control={"database": postgres.make(f"copy{next(numbers)}")}, **more)
        yield node, await off_thread(prepared, node, origin)


async def test_a_start_without_the_database(start_node, postgres):
    async with node_on(start_node, postgres) as (node, customer):
        assert note(node) == (200, "ready\n")
        assert node.terminate() == 0  # the copy is written by now
        postgres.stop()
        node.start()
        await serves_what_was_last_said(node)
        status, text = note(node)
        assert status == 200 and "has no database" in text and "copy" in text, text
        assert node.metric("fairlead_control_ready") == 0 and node.metric("fairlead_ready") == 1
        assert re.search(r"begins with its copy of policy revision \d+: 2 domains", node.log()), node.log()
        for refusal in (await off_thread(customer.get, f"/v1/domains/{HOST}"),
                        await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"enabled": False})):
            unavailable(refusal)

        async with h1.open_session(node.http, host=HOST) as client:
            postgres.start()
            # Nobody does anything: the control plane comes up by itself.
            await off_thread(in_force, node, 30)
            await off_thread(eventually, lambda: note(node) == (200, "ready\n"), 10, "/readyz without a remark")
            assert await off_thread(differences, node) == {}
            assert node.metric("fairlead_control_ready") == 1
            await client.text("the same session")
            await client.expect(TEXT, b"the same session")
            changed = (await off_thread(customer.patch, f"/v1/domains/{OFF}/websocket", {"enabled": True})).ok(200)
            await off_thread(node.live, changed["policy_change"])
            assert await answer(node, OFF) == "101"
            changed = (await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"enabled": False})).ok(200)
            await off_thread(node.live, changed["policy_change"])
            assert (await client.expect_close()).code == 1001
            assert await answer(node, HOST) == "403 websocket_disabled"


async def test_a_start_after_kill_9_without_the_database(start_node, postgres):
    """The copy is written as changes come, not only at an orderly end."""
    async with node_on(start_node, postgres) as (node, customer):
        for enabled in (True, False):
            changed = (await off_thread(customer.patch, f"/v1/domains/{OFF}/websocket", {"enabled": enabled})).ok(200)
            await off_thread(eventually, lambda: node.metric("fairlead_policy_copy_revision") == changed["policy_change"], 15,
                             "a copy of the newest policy")
        node.signal(signal.SIGKILL)
        node.wait()
        postgres.stop()
        node.start()
        await serves_what_was_last_said(node)


@pytest.mark.parametrize("wrong", ["damaged", "cut", "foreign", "of another key"])
async def test_a_copy_that_is_not_ours_is_refused(start_node, postgres, wrong):
    async with node_on(start_node, postgres) as (node, _):
        assert node.terminate() == 0
        copy = node.data / "policy.sealed"
        if wrong == "damaged":
            data = bytearray(copy.read_bytes())
            data[len(data) // 2] ^= 1
            copy.write_bytes(data)
        elif wrong == "cut":
            copy.write_bytes(copy.read_bytes()[:-1])
        elif wrong == "foreign":
            other = start_node()
            in_force(other)
            assert other.terminate() == 0
            shutil.copyfile(other.data / "policy.sealed", copy)
        else:
            key = node.data / "secret.key"
            text_of_key = key.read_text()
            key.write_text(("1" if text_of_key[0] == "0" else "0") + text_of_key[1:])
        postgres.stop()
        # It is alive, it is not ready, it says why, and it serves nothing of what the file holds: it waits a while for the
        # database and listens not at all; then it listens and knows no domain.
        node.launch()
        await off_thread(eventually, lambda: "control plane: " in node.log_since_start(), 30, "the database to be missed")
        assert "the copy of the last policy cannot be used" in node.log_since_start()
        assert node.get("/healthz")[0] == 200
        status, text = note(node)
        assert status == 503 and "no policy" in text, text
        if wrong != "damaged":
            with pytest.raises(ConnectionRefusedError):
                await answer(node, HOST)
        else:
            await off_thread(eventually, lambda: "listening on" in node.log_since_start(), 40, "the edge to listen")
            status, text = note(node)
            assert status == 503 and "no policy" in text, text
            assert node.metric("fairlead_ready") == 0
            assert await answer(node, HOST) == "404 unknown_domain"
        # With the database all is well again, and the file is replaced by a good one.
        postgres.start()
        if wrong == "of another key":
            key.write_text(text_of_key)
            assert node.terminate() == 0
            node.start()
        await off_thread(in_force, node, 30)
        await off_thread(eventually, lambda: note(node) == (200, "ready\n"), 10, "/readyz")
        await serves_what_was_last_said(node)
        assert node.terminate() == 0
        postgres.stop()
        node.start()
        await serves_what_was_last_said(node)


async def test_a_stop_is_not_held_up_by_a_missing_database(start_node, postgres):
    """A node that has neither database nor copy waits for the first; asked to end, it does."""
    node = start_node(control={"database": postgres.make(f"copy{next(numbers)}")})
    assert node.terminate() == 0
    (node.data / "policy.sealed").unlink()
    postgres.stop()
    node.launch()
    await off_thread(eventually, lambda: "control plane: " in node.log_since_start(), 30, "the database to be missed")
    begun = asyncio.get_running_loop().time()
    assert node.terminate() == 0
    assert asyncio.get_running_loop().time() - begun < 8  # the wait alone would be 15 s


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["in-order", "at-once"])
async def test_the_database_goes_while_all_runs(start_node, postgres, how):
    async with node_on(start_node, postgres) as (node, customer):
        async with h1.open_session(node.http, host=HOST) as client:
            kept = (await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"connection_timeout": "77s"})).ok(200)
            await off_thread(postgres.stop, how)
            for refusal in (await off_thread(customer.get, f"/v1/domains/{HOST}"),
                            await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"connection_timeout": "78s"}),
                            await off_thread(node.operator.get, "/v1/edges")):
                unavailable(refusal)
            await off_thread(eventually, lambda: "has no database" in note(node)[1], 10, "/readyz to say so")
            assert note(node)[0] == 200 and node.metric("fairlead_ready") == 1
            assert node.metric("fairlead_control_ready") == 0
            # The data path notices nothing.
            await client.text("going on")
            await client.expect(TEXT, b"going on")
            await serves_what_was_last_said(node)

            postgres.start()
            await off_thread(in_force, node, 30)
            now = (await off_thread(customer.get, f"/v1/domains/{HOST}/websocket")).ok(200)
            assert now["settings"]["connection_timeout"] == "77s" and now["revision"] == kept["revision"]
            assert await off_thread(differences, node) == {}
            off = (await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"enabled": False})).ok(200)
            assert off["revision"] == kept["revision"] + 1
            await off_thread(node.live, off["policy_change"])
            assert (await client.expect_close()).code == 1001
