"""TLS records, by our own layer and by OpenSSL's: what stacks send and what no stack would. Each test drives both with
the same bytes; where they may differ in the alert, that is said."""

import asyncio
import os
import ssl
import subprocess

import pytest

from harness import tls13, wire
from harness.edge import domain
from harness.http1 import ScriptedOrigin, echo_handler
from harness.tls13 import ALERT, DATA, HANDSHAKE
from harness.wire import BINARY, WireOrigin, encode, opening

NAME = "live.edge.test"
KEY = b"mask"


@pytest.fixture(params=["own", "openssl"])
def records(request):
    return request.param


class Setting:
    """An edge before an echoing origin, and connections to it whose keys the test holds."""

    def __init__(self, start_edge, ca, records, **more):
        self.ca, self.records = ca, records
        self.origin = WireOrigin(wire.echo)
        self.start = lambda: start_edge(domain(NAME, self.origin, ca=ca, websocket={"origin_scheme": "http"}), tls={"records": records}, **more)

    async def __aenter__(self):
        await self.origin.__aenter__()
        self.edge = self.start()
        return self

    async def __aexit__(self, *exc):
        await self.origin.__aexit__(*exc)

    def connect(self):
        return tls13.connect(self.edge.https, self.ca.client_context(), NAME)

    async def open(self, c):
        """A session: the opening handshake over `c`."""
        await c.say(opening(host=NAME))
        head = await c.until_text(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    async def echo(self, c, payload, send=None):
        """One message there and back; `send` puts its bytes into records."""
        frame = encode(BINARY, payload, key=KEY)
        await (send(frame) if send else c.say(frame))
        answer = encode(BINARY, payload)
        assert await c.until(len(answer)) == answer

    async def refused(self, c, alert, *others):
        """The edge ends it by an alert, and serves the next connection."""
        got = await asyncio.wait_for(c.ending(), 10)
        assert got in (alert, *others), got
        if self.records == "own":
            assert got == alert, got
        async with self.connect() as again:
            await self.open(again)
            await self.echo(again, b"still here")

    def connections(self, kind, side="client"):
        return self.edge.metric("fairlead_tls_connections_total", side=side, records=kind)


async def test_who_does_the_records_is_counted(start_edge, ca, records):
    async with Setting(start_edge, ca, records) as s:
        async with s.connect() as c:
            await s.open(c)
            await s.echo(c, b"hello")
            assert s.connections(records) == 1
        context = ca.client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        async with wire.open_session(s.edge.https, host=NAME, tls=context):
            pass
        assert s.connections("openssl") == (2 if records == "openssl" else 1), "TLS 1.2 is OpenSSL's"


async def test_messages_of_all_sizes(start_edge, ca, records):
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)
        for size in (0, 1, 100, 16384 - 8, 16384, 16385, 100_000, 1 << 20):
            payload = os.urandom(size)

            async def cut(frame):
                for at in range(0, len(frame), 16384):
                    await c.say(frame[at:at + 16384])

            sending = asyncio.create_task(cut(encode(BINARY, payload, key=KEY)))
            answer = encode(BINARY, payload)
            assert await c.until(len(answer)) == answer, size
            await sending


async def test_records_cut_at_every_byte(start_edge, ca, records):
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)

        async def bytewise(frame):
            for byte in c.sending.seal(DATA, frame):
                await c.send(bytes([byte]))
                await asyncio.sleep(0)

        for _ in range(3):
            await s.echo(c, b"byte by byte", bytewise)
        # Two records, the cut wandering over both.
        length = len(c.sending.seal(DATA, encode(BINARY, b"cut", key=KEY)))
        c.sending.sequence -= 1
        for at in range(1, 2 * length):
            async def cut(frame, at=at):
                both = c.sending.seal(DATA, frame) + c.sending.seal(DATA, frame)
                await c.send(both[:at])
                await asyncio.sleep(0)
                await c.send(both[at:])

            await s.echo(c, b"cut", cut)
            answer = encode(BINARY, b"cut")
            assert await c.until(len(answer)) == answer


async def test_a_frame_in_many_small_records(start_edge, ca, records):
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)

        async def drops(frame):
            await c.send(*[c.sending.seal(DATA, frame[i:i + 1], padding=i % 7) for i in range(len(frame))])

        await s.echo(c, os.urandom(500), drops)


async def test_key_updates_in_mid_stream(start_edge, ca, records):
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)
        for i in range(40):
            await c.update_keys(ask=i % 2 == 0)
            await s.echo(c, b"round %d" % i)

            async def across(frame):
                await c.say(frame[:3])
                await c.update_keys(ask=True)
                await c.say(frame[3:])

            await s.echo(c, os.urandom(1000), across)
        assert c.key_updates >= 40, "each that asks is answered before data"
        if records == "own":
            assert s.edge.metric("fairlead_tls_key_updates_total", side="client", direction="received") == 80
            assert s.edge.metric("fairlead_tls_key_updates_total", side="client", direction="sent") == c.key_updates


async def test_key_updates_that_ask_are_answered_once_before_data(start_edge, ca):
    async with Setting(start_edge, ca, "own") as s, s.connect() as c:
        await s.open(c)
        for _ in range(5):
            await c.update_keys(ask=True)
        await s.echo(c, b"answer")
        assert c.key_updates == 1


async def test_a_key_update_cut_into_bytes(start_edge, ca, records):
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)
        await c.send(*[c.sending.seal(HANDSHAKE, bytes([b])) for b in (24, 0, 0, 1, 1)])
        c.sending.update()
        await s.echo(c, b"new key")


@pytest.mark.parametrize("flaw", ["flipped", "forged", "replayed", "skipped", "old key", "length"])
async def test_records_that_do_not_open(start_edge, ca, records, flaw):
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)
        record = c.sending.seal(DATA, encode(BINARY, b"x", key=KEY))
        if flaw == "flipped":
            record = record[:-1] + bytes([record[-1] ^ 1])
        elif flaw == "forged":
            record = b"\x17\x03\x03\x00\x40" + os.urandom(64)
        elif flaw == "replayed":
            await c.send(record)
            await c.until(len(encode(BINARY, b"x")))
        elif flaw == "skipped":
            record = c.sending.seal(DATA, b"later")
        elif flaw == "old key":
            await c.send(record, c.sending.seal(HANDSHAKE, bytes([24, 0, 0, 1, 0])))
            record = c.sending.seal(DATA, b"under the old key")
            await c.until(len(encode(BINARY, b"x")))
        elif flaw == "length":
            record = record[:3] + (len(record) - 6).to_bytes(2, "big") + record[5:-1]
        await c.send(record)
        await s.refused(c, tls13.BAD_RECORD_MAC)
        if records == "own":
            assert s.edge.metric("fairlead_tls_records_refused_total", side="client", alert="bad_record_mac") == 1


ABUSE = {
    "an alert in plain text": (lambda k: b"\x15\x03\x03\x00\x02\x02\x28", tls13.UNEXPECTED_MESSAGE),
    "a change_cipher_spec": (lambda k: b"\x14\x03\x03\x00\x01\x01", tls13.UNEXPECTED_MESSAGE),
    "HTTP": (lambda k: b"GET / HTTP/1.1\r\n\r\n", tls13.UNEXPECTED_MESSAGE),
    "a header too long": (lambda k: b"\x17\x03\x03\x41\x01" + bytes(100), tls13.RECORD_OVERFLOW),
    "content too long": (lambda k: k.seal(DATA, bytes(16385)), tls13.RECORD_OVERFLOW),
    "no content": (lambda k: b"\x17\x03\x03\x00\x00", tls13.BAD_RECORD_MAC),
    "padding alone": (lambda k: k.seal_inner(bytes(50)), tls13.UNEXPECTED_MESSAGE),
    "unknown content": (lambda k: k.seal(99, b"?"), tls13.UNEXPECTED_MESSAGE),
    "an empty handshake record": (lambda k: k.seal(HANDSHAKE, b""), tls13.UNEXPECTED_MESSAGE),
    "a ClientHello": (lambda k: k.seal(HANDSHAKE, bytes([1, 0, 0, 2, 3, 3])), tls13.UNEXPECTED_MESSAGE),
    "a session ticket": (lambda k: k.seal(HANDSHAKE, bytes([4, 0, 0, 2, 3, 3])), tls13.UNEXPECTED_MESSAGE),
    "a KeyUpdate of two bytes": (lambda k: k.seal(HANDSHAKE, bytes([24, 0, 0, 2, 0, 0])), tls13.DECODE_ERROR),
    "a KeyUpdate that asks for 7": (lambda k: k.seal(HANDSHAKE, bytes([24, 0, 0, 1, 7])), tls13.ILLEGAL_PARAMETER),
    "two KeyUpdates in a record": (lambda k: k.seal(HANDSHAKE, bytes([24, 0, 0, 1, 0] * 2)), tls13.UNEXPECTED_MESSAGE),
    "a message cut by data": (lambda k: k.seal(HANDSHAKE, bytes([24, 0])) + k.seal(DATA, b"x"), tls13.UNEXPECTED_MESSAGE),
    "half an alert": (lambda k: k.seal(ALERT, b"\1"), tls13.DECODE_ERROR),
    "records without end and content": (lambda k: b"".join(k.seal(DATA, b"") for _ in range(40)), tls13.UNEXPECTED_MESSAGE),
}


@pytest.mark.parametrize("what", ABUSE)
async def test_what_no_stack_sends_is_refused(start_edge, ca, records, what):
    make, alert = ABUSE[what]
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)
        await s.echo(c, b"before")
        await c.send(make(c.sending))
        # OpenSSL has other alerts for some of it, and bears some.
        if records == "openssl":
            c.writer.write_eof()
            assert await asyncio.wait_for(c.ending(), 10) is not None
        else:
            await s.refused(c, alert)


async def test_empty_and_padded_records_are_borne(start_edge, ca, records):
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)
        for _ in range(20):
            await c.send(*[c.sending.seal(DATA, b"", padding=p) for p in (0, 100)])
            await s.echo(c, b"data", lambda frame: c.say(frame, padding=1000))


@pytest.mark.parametrize("how", ["close_notify", "fin", "mid-record", "fatal alert"])
async def test_the_client_ends_it(start_edge, ca, records, how):
    async with Setting(start_edge, ca, records) as s:
        async with s.connect() as c:
            await s.open(c)
            await s.echo(c, b"before")
            if how == "close_notify":
                await c.send(c.sending.seal(ALERT, b"\1\0"))
            elif how == "mid-record":
                await c.send(c.sending.seal(DATA, b"half of this")[:20])
            elif how == "fatal alert":
                await c.send(c.sending.seal(ALERT, b"\2\x50"))
            if how != "fatal alert":
                c.writer.write_eof()
            # A session whose client is gone ends; ours says so, unless the client ended TLS altogether.
            got = await asyncio.wait_for(c.ending(), 10)
            assert got in ((tls13.CLOSE_NOTIFY,) if how != "fatal alert" else ("end", "reset")), got
        assert (await s.edge.logged(lambda record: record.get("close_by")))["close_by"] == "client"


async def test_a_slow_reader_gets_every_byte(start_edge, ca, records):
    """Records that the socket takes in part go on where they stopped."""
    async with Setting(start_edge, ca, records) as s, s.connect() as c:
        await s.open(c)
        payload = os.urandom(3 << 20)
        frame = encode(BINARY, payload, key=KEY)

        async def upload():
            for at in range(0, len(frame), 16384):
                await c.say(frame[at:at + 16384])

        sending = asyncio.create_task(upload())
        answer, got = encode(BINARY, payload), bytearray()
        while len(got) < len(answer):
            if len(got) % (1 << 18) < 20_000:
                await c.update_keys(ask=True) if sending.done() else await asyncio.sleep(0.01)
            while not c.received:
                assert await c.take(), c.alert
            got += c.received
            c.received.clear()
        assert bytes(got) == answer
        await sending


SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]


class Shell:
    """A command-line client, read until it says something."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def until(self, mark):
        while mark not in self.said:
            some = self.process.stdout.read1(65536)
            assert some, self.said[-2000:]
            self.said.extend(some)
        del self.said[:self.said.index(mark) + len(mark)]

    def say(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()


def asks_for_pages(client, renew):
    """Requests on one connection, with new keys before each."""
    for i in range(6):
        renew(i)
        client.say(f"GET /page-{i} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        client.until(b"GET /page-%d HTTP/1.1" % i)  # the origin's echo of it


def judge_key_updates(edge, records, received, sent):
    if records == "own":
        updates = {d: edge.metric("fairlead_tls_key_updates_total", side="client", direction=d) for d in ("received", "sent")}
        assert updates["received"] == received and updates["sent"] >= sent, updates
    assert edge.metric("fairlead_tls_connections_total", side="client", records=records) == 1


@pytest.mark.parametrize("suite", SUITES)
async def test_openssl_renews_keys(start_edge, ca, records, suite):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain(NAME, origin, ca=ca, websocket={"origin_scheme": "http"}), tls={"records": records})

        def run():
            with Shell("openssl", "s_client", "-connect", f"127.0.0.1:{edge.https}", "-servername", NAME, "-tls1_3", "-ciphersuites",
                       suite, "-CAfile", str(ca.cert), "-verify_return_error") as client:
                client.until(suite.encode())
                client.until(b"Verify return code: 0")

                def renew(i):
                    client.say(b"K\n" if i % 2 else b"k\n")
                    client.until(b"KEYUPDATE")

                asks_for_pages(client, renew)

        await asyncio.wait_for(asyncio.to_thread(run), 20)
        judge_key_updates(edge, records, received=6, sent=3)


GNUTLS = {"AES-128-GCM": "TLS1.3:-CIPHER-ALL:+AES-128-GCM", "AES-256-GCM": "TLS1.3:-CIPHER-ALL:+AES-256-GCM",
          "CHACHA20-POLY1305": "TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305"}


@pytest.mark.parametrize("cipher", GNUTLS)
async def test_gnutls_renews_keys(start_edge, ca, records, cipher):
    async with ScriptedOrigin(echo_handler()) as origin:
        edge = start_edge(domain(NAME, origin, ca=ca, websocket={"origin_scheme": "http"}), tls={"records": records})

        def run():
            with Shell("gnutls-cli", "--inline-commands", "--port", str(edge.https), "--sni-hostname", NAME, "--verify-hostname", NAME,
                       "--x509cafile", str(ca.cert), "--priority", f"NORMAL:-VERS-ALL:+VERS-{GNUTLS[cipher]}", "127.0.0.1") as client:
                client.until(cipher.encode())
                client.until(b"Simple Client Mode")

                def renew(i):
                    client.say(b"^rekey^\n")

                asks_for_pages(client, renew)

        await asyncio.wait_for(asyncio.to_thread(run), 20)
        judge_key_updates(edge, records, received=6, sent=0)
