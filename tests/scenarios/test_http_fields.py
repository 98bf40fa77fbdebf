"""Header fields of ordinary HTTP: what the edge adds, believes, takes away and leaves alone; and names that choose a
domain."""

from harness.edge import domain
from harness.http1 import ScriptedOrigin, answer, echo_handler, read_request


def site(origin, ca=None, **settings):
    settings.setdefault("websocket", {"origin_scheme": "http"})
    return domain("live.edge.test", origin, ca=ca, **settings)


def seen(message):
    """What the echo origin saw of a request: {lower-case name: [values]}."""
    fields = {}
    for name, value in message.json()["fields"]:
        fields.setdefault(name.lower(), []).append(value)
    return fields


async def test_forwarding_fields_say_who_and_how(transport, start_edge, ca):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, ca))
        fields = seen(await transport.fetch(edge.http))
        assert fields["host"] == ["live.edge.test"]
        assert fields["x-forwarded-for"] == ["127.0.0.1"] and fields["x-forwarded-proto"] == ["http"]
        assert fields["x-forwarded-host"] == ["live.edge.test"]
        assert "for=127.0.0.1" in fields["forwarded"][0].replace('"', "") and "proto=http" in fields["forwarded"][0]
        fields = seen(await transport.fetch(edge.https, tls=ca.client_context()))
        assert fields["x-forwarded-proto"] == ["https"] and "proto=https" in fields["forwarded"][0]


async def test_forwarding_fields_of_a_client_are_not_believed(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin))
        fields = seen(await transport.fetch(edge.http, fields=[
            ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=1.2.3.4;proto=https"),
            ("X-Forwarded-Host", "evil.example")]))
        assert fields["x-forwarded-proto"] == ["http"]
        assert fields["x-forwarded-host"] == ["live.edge.test"]
        # The client's own address stands last, where an origin that trusts one hop looks.
        assert ",".join(fields["x-forwarded-for"]).split(",")[-1].strip() == "127.0.0.1"
        assert "127.0.0.1" in ",".join(fields["forwarded"]).split(",")[-1]


async def test_hop_by_hop_fields_stay_on_their_hop(transport, start_edge):
    async def nosy(connection):
        while True:
            request = await read_request(connection.reader, 60)
            names = sorted({n.lower() for n, _ in request.head.fields})
            await connection.send(answer("200 OK", "\n".join(names).encode(), "Connection: X-Private, keep-alive",
                                         "X-Private: 1", "Keep-Alive: timeout=5", "Proxy-Authenticate: Basic", "X-Public: 2"))

    async with ScriptedOrigin(nosy) as origin:
        edge = start_edge(site(origin))
        async with transport.connect(edge.http) as connection:
            of_hop = [("Connection", "X-Secret, keep-alive"), ("X-Secret", "1"), ("Keep-Alive", "300"), ("TE", "gzip"),
                      ("Proxy-Connection", "keep-alive")]
            if transport.name == "h2":  # there such fields make a request malformed (test_http2_malformed.py)
                of_hop = []
            message = await connection.request(fields=[*of_hop, ("X-Kept", "2"), ("Upgrade-Insecure-Requests", "1")])
            names = message.body.decode().split("\n")
            for name in ("x-secret", "keep-alive", "proxy-connection", "te", "upgrade"):
                assert name not in names, name
            assert "x-kept" in names and "upgrade-insecure-requests" in names
            assert message.head.get("x-private") is None and message.head.get("keep-alive") is None
            assert message.head.get("x-public") == "2"


async def test_fields_keep_order_case_and_repetition(transport, start_edge):
    async def cookies(connection):
        request = await read_request(connection.reader)
        assert request.head.all("X-Many") == ["one", "two", "three"]
        await connection.send(answer("200 OK", b"", "Set-Cookie: a=1; Path=/", "Set-Cookie: b=2", "X-CamelCase: Kept"))

    async with ScriptedOrigin(cookies) as origin:
        edge = start_edge(site(origin))
        message = await transport.fetch(edge.http, fields=[("X-Many", "one"), ("X-Many", "two"), ("X-Many", "three")])
        assert message.head.all("set-cookie") == ["a=1; Path=/", "b=2"]


async def test_add_header_is_on_every_answer(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, layer7={"add_header": {"X-Edge": "mine", "Strict-Transport-Security": "max-age=60"}}))
        message = await transport.fetch(edge.http)
        assert message.head.get("x-edge") == "mine" and message.head.get("strict-transport-security") == "max-age=60"


async def test_origin_host_header(transport, start_edge):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(site(origin, origin_host_header="app.internal:8080"))
        fields = seen(await transport.fetch(edge.http))
        assert fields["host"] == ["app.internal:8080"] and fields["x-forwarded-host"] == ["live.edge.test"]


async def test_a_wildcard_domain_serves_every_name_below(transport, start_edge):
    async with ScriptedOrigin(echo_handler("wild")) as wild, ScriptedOrigin(echo_handler("exact")) as exact:
        edge = start_edge(domain(".edge.test", wild), domain("live.edge.test", exact))
        for host, label in [("live.edge.test", "exact"), ("LIVE.Edge.Test:1234", "exact"), ("a.edge.test", "wild"),
                            ("x.y.edge.test", "wild")]:
            assert (await transport.fetch(edge.http, host=host)).json()["label"] == label, host
        assert (await transport.fetch(edge.http, host="edge.test")).status == 404
