#!/usr/bin/python3
"""Writes the beginnings of fuzz/corpus/usage_set and fuzz/corpus/usage_journal: `python3 fuzz/make_usage_corpus.py`."""
import random
import struct
import zlib
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def text(value):
    return varint(len(value.encode())) + value.encode()


def usage_set(records, edge="edge-1", epoch=1_700_000_000_123, sequence=7, interval=1_700_000_100):
    """`records`: (domain id, domain, region, isp, scheme, protocol, {meter: n}), in order."""
    out = b"FLU\x01" + text(edge) + varint(epoch) + varint(sequence) + varint(interval)
    out += varint(interval * 1000 + 10_000) + varint(interval * 1000 + 20_000) + varint(len(records))
    before = None
    for domain_id, domain, region, isp, scheme, protocol, values in records:
        same = before == (domain_id, domain)
        out += bytes([scheme | protocol << 1 | (8 if same else 0)])
        out += (b"" if same else text(domain_id) + text(domain)) + text(region) + text(isp) + varint(len(values))
        last = 0
        for meter, n in sorted(values.items()):
            out += varint(meter - last) + varint(n)
            last = meter
        before = (domain_id, domain)
    return out


def record(at, number, body):
    rest = struct.pack("<IQQI", len(body), number, 1_700_000_000_000, zlib.crc32(body))
    return b"\xf5\x9dUR" + struct.pack("<I", zlib.crc32(struct.pack("<Q", at) + rest)) + rest + body


def segment(bodies, first=1):
    head = b"FLUSAGE\x01" + struct.pack("<Q", first)
    out = head + struct.pack("<I", zlib.crc32(head))
    for i, body in enumerate(bodies):
        out += record(len(out), first + i, body)
    return out


def main():
    one = usage_set([("d1", "a.example.com", "CN", "unknown", 0, 0, {1: 1, 3: 10, 4: 900})])
    many = usage_set([("d1", "a.example.com", "CN", "AS64500", 0, 0, {1: 1, 4: 900}),
                      ("d1", "a.example.com", "CN", "AS64500", 1, 1, {4: 2 ** 40, 1101: 3, 200: 1}),
                      ("d2", "b.example.com", "unknown", "unknown", 0, 2, {61: 2 ** 64 - 1})])
    sets = {"empty": usage_set([]), "one": one, "many": many, "cut": many[:-3], "newer": many[:3] + b"\x02" + many[4:],
            "no-interval": usage_set([], interval=1)}
    bodies = [b"first", b"", b"third " * 9, one, many]
    whole, two = segment(bodies), segment(bodies[:2])
    broken = bytearray(whole)
    broken[60] ^= 0x40
    script = b"".join(bytes([len(b)]) + b for b in bodies)
    draw = random.Random(7)
    journals = {"whole": whole, "torn": whole[:-9], "damaged": bytes(broken),
                "gap": two + record(len(two), 9, b"x"),
                "record-in-a-body": b"\x01\0\x16\x40" + bytes([len(two)]) + two,  # the outer one's head is damaged
                "untouched": b"\0" + script,
                "scripted": b"\x03" + draw.randbytes(9) + script, "scripted-often": b"\x1f" + draw.randbytes(93) + script}
    for folder, files in (("usage_set", sets), ("usage_journal", journals)):
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (CORPUS / folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
