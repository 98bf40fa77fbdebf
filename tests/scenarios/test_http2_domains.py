"""R7: which domain a stream is for, and what is offered to whom: HTTP/2 by ALPN or by prior knowledge, extended CONNECT."""

import asyncio
import contextlib

from harness import http1, http2, http2_raw
from harness.http1 import ScriptedOrigin, answer, echo_handler
from harness.http2_checks import alive, refusal, site
from harness.wire import TEXT, WireOrigin, echo, open_session


async def test_authority_chooses_the_domain_on_a_shared_connection(start_edge, ca):
    """Browsers use a connection for every name its certificate covers (RFC 9113 section 9.1.1)."""
    async with contextlib.AsyncExitStack() as stack:
        made = {}
        for name in ("a", "b"):
            async def ordinary(connection, head, name=name):
                await connection.send(answer("200 OK", name.encode()))

            async def session(wire, name=name):
                await wire.text(name)
                await wire.at_end(600)

            made[name] = await stack.enter_async_context(WireOrigin(handler=session, ordinary=ordinary))
        elsewhere = ca.leaf("ec", names=("other.example",))
        edge = start_edge(*(site(o, name=f"{n}.edge.test", ca=ca) for n, o in made.items()),
                          site(made["a"], name="only1.edge.test", ca=ca, http2=False),
                          site(made["a"], name="other.example", ca=ca, certificates=[elsewhere.yaml()]))
        async with http2.connect(edge.https, ca.client_context(), "a.edge.test") as client:
            for name in ("a", "b", "a", "b"):
                assert (await client.request(host=f"{name}.edge.test")).body == name.encode()
                async with client.session(host=f"{name}.edge.test") as got:
                    await got.expect(TEXT, name.encode())
            for host in ("only1.edge.test", "other.example"):
                message = await client.request(host=host)
                assert message.status == 421, f"{host}: {message.status}"
                message.problem()
            message = await refusal(client, host="other.example")
            assert message.status == 421 and message.problem(), "the certificate does not cover it"
            # Browsers do not come back with a WebSocket after a 421, so a covered name has its session here.
            async with client.session(host="only1.edge.test") as got:
                await got.expect(TEXT, b"a")
            assert (await client.request(host="b.edge.test")).status == 200
        for name in "ab":
            await edge.logged({"domain": f"{name}.edge.test", "method": "CONNECT", "status": 200})
            hosts = {f"{name}.edge.test"} | ({"only1.edge.test"} if name == "a" else set())
            assert {r.get("host") for r in made[name].requests} == hosts


async def test_http2_of_a_domain_is_offered_by_alpn_or_not(start_edge, ca):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, ca=ca), site(origin, name="only1.edge.test", ca=ca, http2=False))

        def chosen(host, *offer):
            return http2.alpn(edge.https, ca.client_context(), offer, host)

        assert await asyncio.to_thread(chosen, "live.edge.test", "h2", "http/1.1") == "h2"
        assert await asyncio.to_thread(chosen, "live.edge.test", "http/1.1", "h2") == "h2", "the edge's preference counts"
        assert await asyncio.to_thread(chosen, "live.edge.test", "http/1.1") == "http/1.1"
        assert await asyncio.to_thread(chosen, "only1.edge.test", "h2", "http/1.1") == "http/1.1"
        async with http1.connect(edge.https, ca.client_context(), "only1.edge.test") as connection:
            assert (await connection.request(host="only1.edge.test")).status == 200

        def off(config):
            config["domains"][0]["http2"] = False

        async with http2.connect(edge.https, ca.client_context()) as client:
            assert edge.reload(edge.changed(off)) == "applied"
            assert await asyncio.to_thread(chosen, "live.edge.test", "h2", "http/1.1") == "http/1.1"
            assert (await client.request()).status == 421, "a request on a connection from before is sent away"
            await alive(client)


async def test_extended_connect_is_offered_where_the_switch_is_on(start_edge, ca):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, ca=ca), site(origin, name="off.edge.test", ca=ca, websocket={"enabled": False}))
        for host, offered in (("live.edge.test", True), ("off.edge.test", False)):
            async with http2.connect(edge.https, ca.client_context(), host) as client:
                assert (await client.request(host=host)).status == 200
                assert client.offers_sessions() is offered, host
        assert edge.reload(edge.changed(lambda c: c["domains"][1]["websocket"].update(enabled=True))) == "applied"
        async with http2.connect(edge.https, ca.client_context(), "off.edge.test") as client, \
                client.session(host="off.edge.test") as session:
            await session.text("on")
            await session.expect(TEXT, b"on")


async def test_a_name_by_which_http2_is_off_still_has_its_sessions(start_edge, ca):
    """What the documents that Fairlead follows ask for: no HTTP/2, WebSocket over HTTP/1.1."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, ca=ca, http2=False))
        context = ca.client_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        async with open_session(edge.https, tls=context) as session:
            await session.text("over HTTP/1.1")
            await session.expect(TEXT, b"over HTTP/1.1")
        assert (await edge.logged({"status": 101}))["protocol"] == "h1"


# --- prior knowledge


async def test_requests_to_a_domain_without_http2_are_sent_away_by_prior_knowledge_too(start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(site(origin, http2=False), site(origin, name="b.edge.test"), h2c=True)
        async with http2.connect(edge.http) as client:
            message = await client.request()
            assert message.status == 421 and message.problem()
            assert not origin.requests
            await alive(client)  # sessions are served, as on another domain's connection
            assert (await client.request(host="b.edge.test")).status == 200


async def test_prior_knowledge_is_off_unless_said(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        async with http1.connect(edge.http) as connection:
            await connection.send(http2_raw.PREFACE + http2_raw.settings())
            message = await connection.response()
            assert message.status in (400, 505)
        assert not origin.all_received()


async def test_prior_knowledge_beside_http_1_1(start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http2.connect(edge.http) as client, http1.connect(edge.http) as connection:
            assert (await client.request(target="/two")).json()["start"] == "GET /two HTTP/1.1"
            assert (await connection.request(target="/one")).json()["start"] == "GET /one HTTP/1.1"
        # The preface in pieces, and a method that begins as it does.
        async with http2_raw.connect(edge.http, preface=False) as raw:
            for byte in http2_raw.PREFACE:
                raw.write(bytes([byte]))
                await asyncio.sleep(0)
            stream, head = raw.head()
            raw.write(http2_raw.settings(), head)
            assert await raw.status(stream) == 200
        async with http1.connect(edge.http) as connection:
            message = await connection.request("PRIVATE", "/p")
            assert message.status == 200 and message.json()["start"] == "PRIVATE /p HTTP/1.1"


async def test_upgrade_to_h2c_is_not_taken(start_edge):
    """RFC 9113 has done away with it; nothing of the offer goes on to the origin, which might take it."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin), h2c=True)
        async with http1.connect(edge.http) as connection:
            message = await connection.request(fields=[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
                                                       ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")])
            assert message.status != 101
        received = origin.all_received().lower()
        assert b"h2c" not in received and b"http2-settings" not in received
