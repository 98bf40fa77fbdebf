"""Ten accounts with 10,000 domains of four origins each: how long a start takes, how soon a client feels a change, and how
long a person waits for a page of the list (harness/full.py)."""

import asyncio
import os
import statistics
import time

import pytest

from harness.control_store import Line, differences, in_force, stretch
from harness.edge import sanitized
from harness.full import ACCOUNTS, EACH, full_node, name_of
from harness.transport import TRANSPORTS
from harness.wire import Refused

h1 = TRANSPORTS["h1"]()


def started(node):
    """Seconds from the start of the process until clients may come, until the control plane's word is obeyed, of the
    processor up to then; and the stretch() of that time."""
    slowness = stretch()
    begun = time.monotonic()
    node.start(timeout=60)
    ready = time.monotonic() - begun
    in_force(node, 60)
    obeying, computing = time.monotonic() - begun, node.ticks() / os.sysconf("SC_CLK_TCK")
    return ready, obeying, computing, max(slowness, stretch())


@pytest.mark.timeout(600)
async def test_ten_thousand_domains(start_node):
    async with full_node(start_node) as (node, each):
        # From the store alone, then with the copy: either way every domain is there.
        (node.data / "policy.sealed").unlink()
        plain = started(node)
        assert differences(node) == {}
        assert node.terminate() == 0
        copied = started(node)
        for what, (ready, obeying, computing, slowness) in (("start", plain), ("start from the copy", copied)):
            print(f"{what}: ready after {ready:.2f} s, obeying after {obeying:.2f} s, {computing:.2f} s of it computing; the "
                  f"machine is {slowness:.1f} times as slow as if it had nothing else to do")
        assert differences(node) == {}
        assert node.metric("fairlead_domains_configured") == ACCOUNTS * each * 9 // 10
        if not sanitized():
            assert plain[0] < 5 * plain[3] and plain[1] < 5 * plain[3], plain
            assert copied[0] < 5 * copied[3] and copied[1] < 5 * copied[3], copied
            assert plain[2] < 5 and copied[2] < 5

        slowness = stretch()
        took = await toggles(node, node.customers[3], name_of(3, 500 * each // EACH), 6 if sanitized() else 20)
        for what, seconds in took.items():
            shown = " ".join(f"{s * 1000:.0f}" for s in sorted(seconds))
            print(f"PATCH sent until a client is {what}: {shown} ms")
        pages = page_times(node, each)
        for what, seconds in pages.items():
            print(f"{what}: {seconds * 1000:.0f} ms")
        if not sanitized():
            limit = 0.1 * max(slowness, stretch())
            assert all(statistics.median(s) < limit for s in took.values()), took
            assert all(s < limit for s in pages.values()), pages


async def handshake(node, host):
    try:
        async with h1.open_session(node.http, host=host):
            return True
    except Refused as e:
        assert e.message.head.get("fairlead-error") == "websocket_disabled", e
        return False


async def toggles(node, customer, host, times):
    """How long it takes from before the PATCH is sent until a client's opening handshake gets the new answer, and none
    after it the old one: six in a row, each from a port of its own and so by whichever worker."""
    line = Line(node.admin, customer.token)
    loop = asyncio.get_running_loop()
    took = {"refused": [], "accepted": []}
    assert await handshake(node, host)
    for turn in range(2 * times):
        wanted = turn % 2 == 1
        begun = time.monotonic()
        patch = loop.run_in_executor(None, lambda: line("PATCH", f"/v1/domains/{host}/websocket", {"enabled": wanted}, "*"))
        first, same = None, 0
        while same < 6:
            got, now = await handshake(node, host), time.monotonic()
            assert now - begun < 30, f"after 30 s the client still is not {'accepted' if wanted else 'refused'}"
            if got != wanted:
                first, same = None, 0
            else:
                first, same = first or now, same + 1
        (await patch).ok(200)
        took["accepted" if wanted else "refused"].append(first - begun)
    line.close()
    return took


def page_times(node, each):
    """The middle of five for each kind of page, as an operator and as a customer."""
    operator, customer = Line(node.admin, node.operator.token), Line(node.admin, node.customers[5].token)
    total = ACCOUNTS * each

    def timed(line, query, expected_total, expected_items):
        seconds = []
        for _ in range(5):
            begun = time.monotonic()
            answer = line("GET", f"/v1/domains{query}")
            seconds.append(time.monotonic() - begun)
            page = answer.ok(200)
            assert (page["total"], len(page["items"])) == (expected_total, expected_items), query
        return statistics.median(seconds)

    after = None
    for _ in range(total * 9 // 10 // 500):  # nine tenths of the way down
        after = operator("GET", f"/v1/domains?limit=500{'&after=' + after if after else ''}").ok(200)["next"]
    account = node.customers[7].account
    times = {
        "first page": timed(operator, "", total, 50),
        "deep page": timed(operator, f"?after={after}", total, 50),
        "largest page": timed(operator, "?limit=500", total, 500),
        "search by a part of the name": timed(operator, "?search=42.account", total // 100, min(50, total // 100)),
        "search that finds nothing": timed(operator, "?search=nowhere", 0, 0),
        "filter by state": timed(operator, "?state=offline", total // 10, 50),
        "of an account": timed(operator, f"?account_id={account}", each, 50),
        "a customer's first page": timed(customer, "", each, 50),
        "a customer's search": timed(customer, "?search=D00", min(each, 100), 50),
        "a customer's filter by state": timed(customer, "?state=online", each * 9 // 10, 50),
    }
    operator.close()
    customer.close()
    return times
