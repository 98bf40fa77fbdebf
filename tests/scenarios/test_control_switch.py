"""R1, R2, R15: a domain's life through the API, with real WebSocket clients that see each change take effect."""

import asyncio

import pytest

from harness.ports import free_port
from harness.transport import TRANSPORTS
from harness.waiting import eventually_async
from harness.wire import TEXT, Refused, WireOrigin

HOST = "live.edge.test"
h1 = TRANSPORTS["h1"]()


# Not for start_node: the node would end with the thread that started it.
async def off_thread(function, *arguments, **named):
    return await asyncio.get_running_loop().run_in_executor(None, lambda: function(*arguments, **named))


async def refusal(node, host=HOST):
    with pytest.raises(Refused) as caught:
        async with h1.open_session(node.http, host=host):
            pass
    return caught.value.status, caught.value.message.head.get("fairlead-error")


async def echo(node, origin, text):
    async with h1.pair(node.http, origin) as (client, served):
        await client.text(text)
        await served.expect(TEXT, text.encode())


async def test_from_an_account_to_a_session_and_back(start_node):
    async with WireOrigin() as origin:
        node = start_node()

        def prepare():
            customer = node.customer("Comments Ltd", verified=False)
            settings = {"origins": [{"host": "127.0.0.1", "http_port": origin.port, "https_port": "off"}],
                        "websocket": {"origin_scheme": "http"}}
            made = customer.post("/v1/domains", {"name": HOST, "settings": settings}).ok(201)
            assert made["state"] == "configuring" and made["effective"]["websocket"]["enabled"] is True
            # What is missing is named, each with what to do.
            gates = customer.get(f"/v1/domains/{HOST}/gates").ok()
            assert {g["code"] for g in gates["live"] if not g["met"]} == {"account_verified", "domain_ownership"}
            assert {g["code"] for g in gates["websocket"] if not g["met"]} == {"activation"}
            assert all(g["hint"] for g in gates["live"] + gates["websocket"] if not g["met"])
            refused = customer.post(f"/v1/domains/{HOST}/start").refused(409, "gates_unmet")
            assert {e["code"] for e in refused["errors"]} == {"account_verified", "domain_ownership"}
            assert customer.get(f"/v1/domains/{HOST}").ok()["state"] == "check_failed"
            node.operator.patch(f"/v1/accounts/{customer.account}", {"identity_verified": True}).ok(200)
            node.operator.post(f"/v1/domains/{HOST}/ownership/vouch").ok(200)
            started = customer.post(f"/v1/domains/{HOST}/start").ok(200)
            assert started["state"] == "online" and started["state_reason"] == ""
            node.live(started["policy_change"])
            return customer

        customer = await off_thread(prepare)
        # Live, but not activated: ordinary HTTP works, WebSocket does not.
        assert (await h1.fetch(node.http, "/page", host=HOST)).status == 200
        assert await refusal(node) == (403, "websocket_disabled")
        problem = await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"connection_timeout": "30s"})
        problem.refused(409, "gates_unmet")

        await off_thread(node.activate, customer)
        await eventually_async(lambda: customer.get(f"/v1/domains/{HOST}/websocket").ok()["usable"], 5, "activation")
        change = (await off_thread(customer.get, f"/v1/domains/{HOST}")).json["policy_change"]
        await off_thread(node.live, change)
        await echo(node, origin, "approved")

        seen = (await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"enabled": False})).ok(200)
        await off_thread(node.live, seen["policy_change"])
        assert await refusal(node) == (403, "websocket_disabled")
        seen = (await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"enabled": True})).ok(200)
        await off_thread(node.live, seen["policy_change"])
        await echo(node, origin, "on again")

        stopped = (await off_thread(customer.post, f"/v1/domains/{HOST}/stop")).ok(200)
        await off_thread(node.live, stopped["policy_change"])
        assert (await refusal(node))[0] == 404


@pytest.mark.parametrize("on_disable", ["close", "drain", "keep"])
async def test_live_sessions_when_the_switch_goes_off(start_node, on_disable):
    async with WireOrigin() as origin:
        node = start_node()

        def prepare():
            customer = node.customer("Customer")
            node.activate(customer)
            more = {"drain_time": "1s"} if on_disable == "drain" else {}
            node.online(customer, HOST, origin, websocket={"origin_scheme": "http", "on_disable": on_disable, **more})
            node.online(customer, "beside.edge.test", origin)
            return customer

        customer = await off_thread(prepare)
        async with h1.pair(node.http, origin) as (client, served), \
                h1.pair(node.http, origin, host="beside.edge.test") as (beside, beside_served):
            await client.text("hello")
            await served.expect(TEXT, b"hello")
            live = (await off_thread(customer.get, f"/v1/domains/{HOST}/websocket")).ok()
            assert live["live_sessions"] == 1
            seen = (await off_thread(customer.patch, f"/v1/domains/{HOST}/websocket", {"enabled": False})).ok(200)
            await off_thread(node.live, seen["policy_change"])
            if on_disable == "keep":
                await client.text("still here")
                await served.expect(TEXT, b"still here")
            else:
                assert (await client.expect_close()).code == 1001
            # The other domain hears nothing of it.
            await beside.text("untouched")
            await beside_served.expect(TEXT, b"untouched")


async def test_live_sessions_are_listed_and_ended(start_node):
    async with WireOrigin() as origin:
        node = start_node()

        def prepare():
            customer = node.customer("Customer")
            node.activate(customer)
            node.online(customer, HOST, origin)
            return customer

        customer = await off_thread(prepare)
        async with h1.pair(node.http, origin) as (first, first_served), h1.pair(node.http, origin) as (second, served):
            await first.text("12345")
            await first_served.expect(TEXT, b"12345")
            page = (await off_thread(customer.get, f"/v1/domains/{HOST}/sessions")).ok()
            assert page["total"] == 2 and len(page["items"]) == 2 and page["next"] is None
            mine = next(s for s in page["items"] if s["messages_in"] == 1)
            assert mine["client"] == "127.0.0.1" and mine["protocol"] == "h1" and mine["domain"] == HOST
            assert mine["frames_in"] == 1 and mine["bytes_in"] >= 11 and mine["frames_out"] == 0 and not mine["closing"]
            one = (await off_thread(customer.get, f"/v1/domains/{HOST}/sessions?limit=1")).ok()
            rest = (await off_thread(customer.get, f"/v1/domains/{HOST}/sessions?limit=1&after={one['next']}")).ok()
            assert {one["items"][0]["id"], rest["items"][0]["id"]} == {s["id"] for s in page["items"]}
            assert (await off_thread(customer.get, f"/v1/domains/{HOST}/sessions?client=127.0.0.9")).ok()["total"] == 0

            (await off_thread(customer.delete, f"/v1/domains/{HOST}/sessions/{mine['id']}", if_match=None)).ok(202)
            assert (await first.expect_close()).code == 1001
            await first_served.expect_close()
            await first.expect_end()
            first.writer.close()
            await second.text("goes on")
            await served.expect(TEXT, b"goes on")
            record = await node.logged({"session": mine["id"]})
            assert record["close_by"] == "operator"
            gone = await off_thread(customer.delete, f"/v1/domains/{HOST}/sessions/{mine['id']}", if_match=None)
            gone.refused(404, "not_found")


async def test_a_certificate_is_replaced_under_live_sessions(start_node, ca, tmp_path):
    async with WireOrigin() as origin:
        https = free_port()
        node = start_node(listeners=[{"address": f"127.0.0.1:{https}", "protocol": "https"}])
        node.https = https
        first, second = ca.leaf("ec"), ca.leaf("rsa")

        def prepare():
            customer = node.customer("Customer")
            node.activate(customer)
            made = customer.post("/v1/certificates", {"name": "site", "chain": first.chain.read_text(), "key": first.key.read_text()}).ok(201)
            assert made["domains"] == [] and made["expires_in_days"] > 0
            node.online(customer, HOST, origin)
            seen = customer.patch(f"/v1/domains/{HOST}", {"certificates": ["site"]}).ok(200)
            node.live(seen["policy_change"])
            return customer, made

        customer, certificate = await off_thread(prepare)
        tls = ca.client_context()
        async with h1.pair(https, origin, tls=tls) as (client, served):
            await client.text("before")
            await served.expect(TEXT, b"before")
            replaced = (await off_thread(customer.put, f"/v1/certificates/{certificate['id']}",
                                         {"chain": second.chain.read_text(), "key": second.key.read_text()})).ok(200)
            assert replaced["domains"] == [HOST] and replaced["key_type"] != certificate["key_type"]
            change = (await off_thread(customer.get, f"/v1/domains/{HOST}")).json["policy_change"]
            await off_thread(node.live, change)
            async with h1.pair(https, origin, tls=tls) as (late, late_served):
                await late.text("with the new one")
                await late_served.expect(TEXT, b"with the new one")
            await client.text("after")
            await served.expect(TEXT, b"after")
