"""R6 and R11: which port of an origin a session or request goes to, and whom the edge trusts there."""

import contextlib

import pytest

from harness import http1
from harness.authority import Authority
from harness.edge import domain
from harness.wire import TEXT, Refused, WireOrigin


@contextlib.asynccontextmanager
async def both_ports(ca, kind="ec"):
    """One origin with two ports; each session begins with the port's name."""
    def named(name):
        async def session(served):
            await served.text(name)
            await served.at_end(600)

        async def ordinary(connection, head):
            await connection.send(http1.answer("200 OK", name.encode()))

        return {"handler": session, "ordinary": ordinary}

    async with WireOrigin(**named("http")) as plain, WireOrigin(tls=ca.server_context(kind), **named("https")) as secure:
        yield {"host": "127.0.0.1", "http_port": plain.port, "https_port": secure.port}


async def reached(transport, edge, ca, scheme):
    port, tls = (edge.http, None) if scheme == "ws" else (edge.https, ca.client_context())
    async with transport.open_session(port, tls=tls) as client:
        by_session = (await client.expect(TEXT)).payload.decode()
    assert (await transport.fetch(port, tls=tls)).body.decode() == by_session, "HTTP goes elsewhere than WebSocket"
    return by_session


@pytest.mark.parametrize("origin_scheme,expected", [
    (None, {"ws": "http", "wss": "https"}),
    ("follow", {"ws": "http", "wss": "https"}),
    ("http", {"ws": "http", "wss": "http"}),
    ("https", {"ws": "https", "wss": "https"}),
])
async def test_scheme(transport, start_edge, ca, origin_scheme, expected):
    async with both_ports(ca) as origin:
        websocket = {"origin_scheme": origin_scheme} if origin_scheme else {}
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket=websocket))
        for scheme, port in expected.items():
            assert await reached(transport, edge, ca, scheme) == port, scheme


async def refusal(transport, edge):
    with pytest.raises(Refused) as caught:
        async with transport.open_session(edge.http):
            pass
    answer = await transport.fetch(edge.http)
    assert answer.status == caught.value.status
    answer.problem()
    return caught.value.status, answer.head.get("fairlead-error")


async def test_an_origin_nobody_vouches_for_is_502(transport, start_edge, ca, tmp_path):
    stranger = Authority(tmp_path / "stranger", "another CA")
    async with both_ports(stranger) as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "https"}))
        assert await refusal(transport, edge) == (502, "origin_certificate")


async def test_an_origin_with_another_name_is_502(transport, start_edge, ca):
    async with both_ports(ca) as origin:
        edge = start_edge(domain("live.elsewhere.example", origin, ca=ca, websocket={"origin_scheme": "https"}))
        answer = await transport.fetch(edge.http, host="live.elsewhere.example")
        assert answer.status == 502
        answer.problem()
        assert edge.reload(edge.changed(lambda c: c["domains"][0]["origin_tls"].update(
            server_name="o.edge.test"))) == "applied"
        assert (await transport.fetch(edge.http, host="live.elsewhere.example")).body == b"https"


@pytest.mark.parametrize("where", ["domain", "origin"])
async def test_unverified_only_when_said(transport, start_edge, ca, tmp_path, where):
    stranger = Authority(tmp_path / "stranger", "another CA")
    async with both_ports(stranger) as origin:
        entry = domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "https"})
        if where == "domain":
            entry["origin_tls"] = {"verify": False}
        else:
            origin["insecure"] = True
        edge = start_edge(entry)
        assert await reached(transport, edge, ca, "ws") == "https"


async def test_an_origin_that_speaks_no_tls_is_502(transport, start_edge, ca):
    async def puzzled(connection):
        await connection.reader.read(1)
        await connection.send(http1.answer("400 Bad Request", b"not HTTP"))

    async with http1.ScriptedOrigin(puzzled) as plain:
        edge = start_edge(domain("live.edge.test", plain, ca=ca, websocket={"origin_scheme": "https"}))
        status, code = await refusal(transport, edge)
        assert status == 502 and code in ("origin_tls", "bad_gateway"), code


async def test_rsa_origin_and_sni(transport, start_edge, ca):
    """The origin is asked for by the domain's name."""
    import ssl
    asked = []
    context = ca.server_context("rsa")
    context.sni_callback = lambda sock, name, ctx: asked.append(name)
    async with WireOrigin(tls=context) as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "https"}))
        async with transport.open_session(edge.http) as client:
            served = await origin.accept()
            assert isinstance(served.writer.get_extra_info("ssl_object"), ssl.SSLObject)
            await client.text("x")
            await served.expect(TEXT, b"x")
        assert set(asked) == {"live.edge.test"}
