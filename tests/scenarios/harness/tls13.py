"""A client of TLS 1.3 that holds its keys: Python's ssl does the handshake, and from there on records are sealed and
opened here, so that a test can cut, repeat, forge and misplace them, and renew keys when it likes (RFC 8446)."""

import asyncio
import contextlib
import hashlib
import hmac
import ssl
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

ALERT, HANDSHAKE, DATA = 21, 22, 23
CLOSE_NOTIFY, UNEXPECTED_MESSAGE, BAD_RECORD_MAC, RECORD_OVERFLOW, ILLEGAL_PARAMETER, DECODE_ERROR = 0, 10, 20, 22, 47, 50
SUITES = {"TLS_AES_128_GCM_SHA256": (AESGCM, hashlib.sha256, 16), "TLS_AES_256_GCM_SHA384": (AESGCM, hashlib.sha384, 32),
          "TLS_CHACHA20_POLY1305_SHA256": (ChaCha20Poly1305, hashlib.sha256, 32)}


class Keys:
    """One direction."""

    def __init__(self, suite, secret):
        self.aead, self.hash, self.size = SUITES[suite]
        self.secret = secret
        self.derive()

    def expand(self, label, size):
        info = size.to_bytes(2, "big") + bytes([6 + len(label)]) + b"tls13 " + label + b"\0"
        return hmac.new(self.secret, info + b"\1", self.hash).digest()[:size]

    def derive(self):
        self.key, self.iv, self.sequence = self.aead(self.expand(b"key", self.size)), self.expand(b"iv", 12), 0

    def update(self):
        self.secret = self.expand(b"traffic upd", self.hash().digest_size)
        self.derive()

    def nonce(self):
        number = self.sequence.to_bytes(12, "big")
        self.sequence += 1
        return bytes(a ^ b for a, b in zip(self.iv, number))

    def seal(self, kind, content, padding=0):
        return self.seal_inner(content + bytes([kind]) + bytes(padding))

    def seal_inner(self, inner):
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        return header + self.key.encrypt(self.nonce(), inner, header)

    def open(self, record):
        inner = self.key.decrypt(self.nonce(), record[5:], record[:5]).rstrip(b"\0")
        return inner[-1], inner[:-1]


class Connection:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.received = bytearray()  # application data
        self.alert = None            # the code of the alert that came, or "end", "reset"
        self.key_updates = 0

    async def send(self, *records):
        self.writer.write(b"".join(records))
        await self.writer.drain()

    async def say(self, data, **more):
        await self.send(self.sending.seal(DATA, data, **more))

    async def update_keys(self, ask=False):
        await self.send(self.sending.seal(HANDSHAKE, bytes([24, 0, 0, 1, int(ask)])))
        self.sending.update()

    async def record(self):
        """One record as it came, or None at the end."""
        try:
            head = await self.reader.readexactly(5)
            return head + await self.reader.readexactly(int.from_bytes(head[3:], "big"))
        except asyncio.IncompleteReadError:
            self.alert = "end" if self.alert is None else self.alert
        except ConnectionError:
            self.alert = "reset" if self.alert is None else self.alert
        return None

    async def take(self):
        """Opens one record; False when the connection is over."""
        record = await self.record()
        if record is None:
            return False
        kind, content = self.receiving.open(record)
        if kind == DATA:
            self.received += content
        elif kind == ALERT:
            self.alert = content[1]
        elif content[0] == 24:
            self.key_updates += 1
            self.receiving.update()
        return True

    async def until(self, size):
        """Exactly that many bytes of application data."""
        while len(self.received) < size:
            assert await self.take(), f"{len(self.received)} of {size} bytes, then {self.alert}"
        data, self.received = bytes(self.received[:size]), self.received[size:]
        return data

    async def until_text(self, mark):
        while mark not in self.received:
            assert await self.take(), f"{bytes(self.received)!r}, then {self.alert}"
        end = self.received.index(mark) + len(mark)
        data, self.received = bytes(self.received[:end]), self.received[end:]
        return data

    async def ending(self):
        """How the edge ended it: the code of its alert, "end" or "reset"."""
        with contextlib.suppress(InvalidTag):
            while self.alert is None and await self.take():
                pass
        return self.alert

    def fileno(self):
        return self.writer.get_extra_info("socket").fileno()


@contextlib.asynccontextmanager
async def connect(port, context, name, suite=None):
    """`context` is changed: TLS 1.3, its keys in a file. The suite is whatever was agreed on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    made = Connection(reader, writer)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "keys"
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.keylog_filename = str(log)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        shaking = context.wrap_bio(incoming, outgoing, server_hostname=name)
        while True:
            try:
                shaking.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            writer.write(outgoing.read())
            await writer.drain()
            if done:
                break
            # A record at a time: what follows the handshake is not for Python's ssl.
            record = await made.record()
            assert record is not None, "the edge ended the handshake"
            incoming.write(record)
        secrets = {line.split()[0]: bytes.fromhex(line.split()[2]) for line in log.read_text().splitlines() if line[0] != "#"}
    made.suite = shaking.cipher()[0]
    made.sending = Keys(made.suite, secrets["CLIENT_TRAFFIC_SECRET_0"])
    made.receiving = Keys(made.suite, secrets["SERVER_TRAFFIC_SECRET_0"])
    try:
        yield made
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
