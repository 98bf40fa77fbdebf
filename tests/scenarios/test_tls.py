"""R10 and R11: certificates by name and by what the client can verify, versions, resumption, and change by reload."""

import asyncio
import contextlib
import ssl
import subprocess

import pytest

from harness import http1
from harness.authority import Authority
from harness.edge import domain
from harness.http1 import ScriptedOrigin, echo_handler
from harness.wire import TEXT, WireOrigin, echo, open_session


@contextlib.asynccontextmanager
async def secure_edge(start_edge, ca, **settings):
    async with ScriptedOrigin(echo_handler()) as origin:
        settings.setdefault("certificates", [ca.leaf("ec").yaml(), ca.leaf("rsa").yaml()])
        yield start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}, **settings))


async def handshake(edge, context, name="live.edge.test"):
    """(certificate as DER, version, cipher) of one handshake."""
    async with http1.connect(edge.https, context, name) as connection:
        made = connection.writer.get_extra_info("ssl_object")
        return made.getpeercert(binary_form=True), made.version(), made.cipher()[0]


def key_kind(der):
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text"], input=der, capture_output=True).stdout
    return "rsa" if b"rsaEncryption" in text else "ec"


async def test_the_client_picks_ecdsa_or_rsa(start_edge, ca):
    async with secure_edge(start_edge, ca) as edge:
        context = ca.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        for ciphers, kind in [("ECDHE-ECDSA-AES128-GCM-SHA256", "ec"), ("ECDHE-RSA-AES128-GCM-SHA256", "rsa")]:
            context.set_ciphers(ciphers)
            der, version, cipher = await handshake(edge, context)
            assert (key_kind(der), version, cipher) == (kind, "TLSv1.2", ciphers)
        der, version, _ = await handshake(edge, ca.client_context())
        assert (key_kind(der), version) == ("ec", "TLSv1.3")


def s_client(edge, *options, name="live.edge.test", send=""):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{edge.https}", "-servername", name, *options],
                          input=send, capture_output=True, text=True, timeout=10)
    return done.stdout + done.stderr


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
async def test_old_versions_are_refused(start_edge, ca, version):
    async with secure_edge(start_edge, ca) as edge:
        said = await asyncio.to_thread(s_client, edge, version, "-cipher", "DEFAULT@SECLEVEL=0")
        assert "alert protocol version" in said or "alert number 70" in said, said
        assert (await http1.fetch(edge.https, tls=ca.client_context())).status == 200


async def test_only_the_versions_that_the_domain_allows(start_edge, ca):
    async with secure_edge(start_edge, ca, layer7={"ssl_protocols": ["TLSv1.3"]}) as edge:
        context = ca.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await handshake(edge, context)
        assert (await handshake(edge, ca.client_context()))[1] == "TLSv1.3"


async def test_an_unknown_name_gets_no_certificate(start_edge, ca):
    """Nobody's name is answered by an alert, not by another domain's certificate."""
    async with secure_edge(start_edge, ca) as edge:
        said = await asyncio.to_thread(s_client, edge, name="nobody.example")
        assert "unrecognized name" in said or "alert number 112" in said, said[-500:]
        assert "BEGIN CERTIFICATE" not in said
        assert edge.metric("fairlead_unknown_domain_total") >= 1


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\nHost: live.edge.test\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"A" * 200,
                                  b"\x15\x03\x01\x00\x02\x02\x28", b"\0" * 100],
                         ids=["http", "huge record", "alert", "zeros"])
async def test_what_is_not_tls_ends(start_edge, ca, junk):
    async with secure_edge(start_edge, ca) as edge:
        async with http1.connect(edge.https) as connection:
            await connection.send(junk)
            await connection.at_end(5)
        assert (await http1.fetch(edge.https, tls=ca.client_context())).status == 200


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_resumption(start_edge, ca, version):
    """A session from one worker is resumed by any other: both hold the ticket keys."""
    async with secure_edge(start_edge, ca) as edge:
        context = ca.client_context()
        context.minimum_version = context.maximum_version = version

        def connect(session=None):
            import socket
            with socket.create_connection(("127.0.0.1", edge.https)) as raw:
                with context.wrap_socket(raw, server_hostname="live.edge.test", session=session) as secured:
                    secured.sendall(b"GET / HTTP/1.1\r\nHost: live.edge.test\r\nConnection: close\r\n\r\n")
                    answer = b""
                    while data := secured.recv(65536):
                        answer += data
                    assert answer.startswith(b"HTTP/1.1 200 ")
                    return secured.session, secured.session_reused

        session, reused = await asyncio.to_thread(connect)
        assert not reused and session.has_ticket
        for _ in range(8):
            _, reused = await asyncio.to_thread(connect, session)
            assert reused
        assert edge.metric("fairlead_tls_resumed_total") >= 8


async def test_a_certificate_changes_by_reload_and_nobody_falls(start_edge, ca):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("live.edge.test", origin, ca=ca, websocket={"origin_scheme": "http"}))
        context = ca.client_context()
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(open_session(edge.https, tls=context)) for _ in range(30)]
            old = clients[0].writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            fresh = ca.leaf("ec", serial_of="renewed")
            assert edge.reload(edge.changed(lambda c: c["domains"][0].update(
                certificates=[fresh.yaml()]))) == "applied"
            now, _, _ = await handshake(edge, context)
            assert now == ssl.PEM_cert_to_DER_cert(fresh.chain.read_text()) and now != old
            for i, client in enumerate(clients):
                await client.text(f"{i}")
                await client.expect(TEXT, f"{i}".encode())


async def test_a_renewed_file_under_the_same_name(start_edge, ca, tmp_path):
    """What an ACME client does: the files change, the configuration does not."""
    chain, key = tmp_path / "live.pem", tmp_path / "live.key"

    def put(leaf):
        for source, target in ((leaf.chain, chain), (leaf.key, key)):
            fresh = target.with_suffix(".new")
            fresh.write_bytes(source.read_bytes())
            fresh.rename(target)

    put(ca.leaf("ec"))
    async with secure_edge(start_edge, ca, certificates=[{"chain": str(chain), "key": str(key)}]) as edge:
        before, _, _ = await handshake(edge, ca.client_context())
        renewed = ca.leaf("ec", serial_of="acme")
        put(renewed)
        assert edge.reload() == "applied"
        after, _, _ = await handshake(edge, ca.client_context())
        assert after == ssl.PEM_cert_to_DER_cert(renewed.chain.read_text()) != before
        # A file that is broken half-way leaves the good one in force.
        key.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
        assert edge.reload() == "refused"
        assert (await handshake(edge, ca.client_context()))[0] == after


async def test_exact_before_wildcard_and_each_its_own(start_edge, ca, tmp_path):
    other = Authority(tmp_path / "other", "other CA")
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(
            domain("live.edge.test", origin, certificates=[ca.leaf("ec", ("live.edge.test",)).yaml()],
                   websocket={"origin_scheme": "http"}),
            domain(".edge.test", origin, certificates=[other.leaf("rsa", ("*.edge.test",)).yaml()],
                   websocket={"origin_scheme": "http"}))
        for host, context in [("live.edge.test", ca.client_context()), ("any.edge.test", other.client_context()),
                              ("LIVE.edge.TEST", ca.client_context())]:
            assert (await http1.fetch(edge.https, tls=context, host=host)).status == 200, host


async def test_alpn_is_http_1_1(start_edge, ca):
    async with secure_edge(start_edge, ca) as edge:
        context = ca.client_context()
        context.set_alpn_protocols(["http/1.1"])
        async with http1.connect(edge.https, context) as connection:
            assert connection.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
            assert (await connection.request()).status == 200


async def test_a_slow_tls_handshake_ends_by_its_time(start_edge, ca):
    from harness.waiting import Stopwatch
    async with secure_edge(start_edge, ca) as edge:
        edge.stop()
        edge.config["listeners"][1]["handshake_timeout"] = "1s"
        edge.start()
        async with http1.connect(edge.https) as connection:
            await connection.send(b"\x16\x03\x01\x00\xf0")
            since = Stopwatch()
            await connection.at_end(5)
            assert 0.7 <= since.seconds <= 2.5, since.seconds


async def test_ten_mebibytes_over_tls_both_ways(transport, start_edge, ca):
    import hashlib
    import os
    async with secure_edge(start_edge, ca) as edge:
        body = os.urandom(10 << 20)
        message = await transport.fetch(edge.https, "/", "POST", tls=ca.client_context(), body=body)
        assert message.json()["sha256"] == hashlib.sha256(body).hexdigest()


async def test_a_host_that_the_certificate_does_not_cover_is_421(transport, start_edge, ca):
    """One connection may serve every name of its certificate, and no other (RFC 9110 section 7.4)."""
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(
            domain("a.edge.test", origin, certificates=[ca.leaf("ec", ("a.edge.test", "c.edge.test")).yaml()],
                   websocket={"origin_scheme": "http"}),
            *(domain(name, origin, certificates=[ca.leaf("ec", (name,)).yaml()], websocket={"origin_scheme": "http"})
              for name in ("b.edge.test", "c.edge.test")))
        async with transport.connect(edge.https, ca.client_context(), "a.edge.test") as connection:
            assert (await connection.request(host="a.edge.test")).status == 200
            assert (await connection.request(host="c.edge.test")).status == 200
            message = await connection.request(host="b.edge.test")
            assert message.status == 421
            message.problem()
