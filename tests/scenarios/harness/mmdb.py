"""Writes files in MaxMind's format (version 2), as small as a test needs them, after the format's public description:
a binary search tree of addresses, a data section with pointers to what was written before, and metadata.

    write_mmdb(path, {"192.0.2.0/24": {"country": {"iso_code": "CN"}}}, database_type="Test-City")

`python3 mmdb.py FOLDER` makes the files that the unit tests read (tests/geo/).
"""
import ipaddress
import struct
import sys
from pathlib import Path

MARKER = b"\xab\xcd\xefMaxMind.com"


class _Data:
    """The data section: what was written once is pointed to the next time."""

    def __init__(self):
        self.bytes = bytearray()
        self.known = {}

    def put(self, value):
        """Where the value stands, written now or before."""
        key = repr(value)
        if key not in self.known:
            encoded = self._encoded(value)  # may write its parts first
            self.known[key] = len(self.bytes)
            self.bytes += encoded
        return self.known[key]

    def _encoded(self, value):
        if isinstance(value, dict):
            return _control(7, len(value)) + b"".join(self._part(k) + self._part(v) for k, v in value.items())
        if isinstance(value, list):
            return _control(11, len(value)) + b"".join(self._part(v) for v in value)
        return _scalar(value)

    def _part(self, value):
        if isinstance(value, (dict, list)) or (isinstance(value, str) and len(value) > 4):
            return _pointer(self.put(value))
        return _scalar(value)


def _control(kind, size):
    extended = b"" if kind <= 7 else bytes([kind - 7])
    first = (kind << 5) if kind <= 7 else 0
    if size < 29:
        return bytes([first | size]) + extended
    if size < 285:
        return bytes([first | 29]) + extended + bytes([size - 29])
    return bytes([first | 30]) + extended + struct.pack(">H", size - 285)


def _scalar(value):
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, str):
        text = value.encode()
        return _control(2, len(text)) + text
    return _number(6 if value < 2 ** 32 else 9, value)


def _number(kind, value):
    """5: of 16 bits, 6: of 32, 9: of 64."""
    text = value.to_bytes(8, "big").lstrip(b"\0")
    return _control(kind, len(text)) + text


def _pointer(at):
    if at < 2048:
        return bytes([0x20 | at >> 8, at & 0xff])
    if at < 2048 + 2 ** 19:
        at -= 2048
        return bytes([0x28 | at >> 16]) + struct.pack(">H", at & 0xffff)
    return bytes([0x38]) + struct.pack(">I", at)


def mmdb(networks, database_type="Test", ip_version=6, record_size=24, build_epoch=1_700_000_000):
    """The file's bytes. `networks`: network -> record; a longer network goes before the one around it."""
    data, nodes = _Data(), [[None, None]]  # a child: None, a node's number, or ("data", offset)
    for network, record in sorted(((ipaddress.ip_network(n), r) for n, r in networks.items()),
                                  key=lambda item: item[0].prefixlen):
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[:network.prefixlen]
        if ip_version == 6 and network.version == 4:
            bits = "0" * 96 + bits
        at = 0
        for bit in bits[:-1]:
            child = nodes[at][int(bit)]
            if not isinstance(child, int):
                nodes.append([child, child])  # what the wider one says, until told otherwise
                nodes[at][int(bit)] = child = len(nodes) - 1
            at = child
        nodes[at][int(bits[-1])] = ("data", data.put(record))
    count = len(nodes)

    def number(child):
        return count if child is None else child if isinstance(child, int) else count + 16 + child[1]

    tree = bytearray()
    for left, right in ((number(a), number(b)) for a, b in nodes):
        if record_size == 24:
            tree += left.to_bytes(3, "big") + right.to_bytes(3, "big")
        elif record_size == 28:
            tree += (left & 0xffffff).to_bytes(3, "big") + bytes([left >> 24 << 4 | right >> 24])
            tree += (right & 0xffffff).to_bytes(3, "big")
        else:
            tree += left.to_bytes(4, "big") + right.to_bytes(4, "big")
    metadata = _control(7, 9) + b"".join(_scalar(key) + value for key, value in (
        ("binary_format_major_version", _number(5, 2)), ("binary_format_minor_version", _number(5, 0)),
        ("build_epoch", _number(9, build_epoch)), ("database_type", _scalar(database_type)),
        ("description", _control(7, 1) + _scalar("en") + _scalar("made for tests")),
        ("ip_version", _number(5, ip_version)), ("languages", _control(11, 1) + _scalar("en")),
        ("node_count", _number(6, count)), ("record_size", _number(5, record_size))))
    return bytes(tree) + bytes(16) + bytes(data.bytes) + MARKER + metadata


def write_mmdb(path, networks, **settings):
    """Puts the file there as a whole: whoever reads meanwhile has the old one."""
    path = Path(path)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(mmdb(networks, **settings))
    fresh.rename(path)


def country(code, subdivision=None, name=None):
    record = {"country": {"geoname_id": 1814991, "iso_code": code, "names": {"en": name or code}}}
    if subdivision:
        record["subdivisions"] = [{"iso_code": subdivision, "names": {"en": subdivision}}, {"iso_code": "inner"}]
    return record


def system(number, organisation=None, isp=None):
    record = {"autonomous_system_number": number}
    if organisation:
        record["autonomous_system_organization"] = organisation
    if isp:
        record["isp"] = isp
    return record


# Addresses of documentation (RFC 5737, RFC 3849) and, for what is told apart from them, of private use.
CITY = {"192.0.2.0/24": country("CN", "GD"), "192.0.2.128/25": country("CN", "BJ"), "198.51.100.0/24": country("NO"),
        "203.0.113.7/32": country("DE", "BE"), "203.0.113.8/32": {"continent": {"code": "EU"}},
        "10.0.0.0/8": country("ZZ"), "2001:db8::/32": country("CN", "SH"), "2001:db8:1::/48": country("FR"),
        "fd00::/8": country("ZZ")}
ASN = {"192.0.2.0/24": system(64500, "Example Telecom"), "198.51.100.0/24": system(64501),
       "203.0.113.0/24": system(64502, "Example Carrier", "Example ISP"), "10.0.0.0/8": system(64503, "nobody"),
       "2001:db8::/32": system(4200000000, "Example Telecom")}
FIXTURES = {"city.mmdb": (CITY, {"database_type": "Test-City"}),
            "city28.mmdb": (CITY, {"database_type": "Test-City", "record_size": 28}),
            "asn.mmdb": (ASN, {"database_type": "Test-ISP", "record_size": 32}),
            "ipv4.mmdb": ({n: r for n, r in CITY.items() if ":" not in n},
                          {"database_type": "Test-Country", "ip_version": 4})}

if __name__ == "__main__":
    for file, (networks_of, settings_of) in FIXTURES.items():
        write_mmdb(Path(sys.argv[1]) / file, networks_of, **settings_of)
