"""A past for a node's store: usage as ingestion writes it, and days that have gone by. The node is down meanwhile."""

import contextlib
import datetime
import math
import random
import sqlite3

GB = 10**9
DAY = 86400
INTERVAL = 300

# Of src/model/usage.h.
SESSIONS_OPENED, SESSION_MS, BYTES_IN, BYTES_OUT, WIRE_IN, WIRE_OUT = 1, 2, 3, 4, 5, 6
TEXT_IN, TEXT_OUT = 7, 8
CLOSED, HANDSHAKES = 100, 1000


def number(n):
    """Of a block's text: six bits a character, 64 added to all but the last (src/control/usage/block.h)."""
    out = ""
    while n >= 64:
        out += chr(64 + (n & 63))
        n >>= 6
    return out + chr(n)


def block(slices):
    """The text of one interval: {(region, isp, way): {meter: count}}; numbers of names, 0 for all of them."""
    keys, meters = sorted(slices), sorted({m for counts in slices.values() for m, count in counts.items() if count})
    text, before = [number(1), number(1), number(len(keys)), number(len(meters))], (0, 0, 0)
    for region, isp, way in keys:
        same_region, same_isp = region == before[0], region == before[0] and isp == before[1]
        text += [number(region - before[0] + 1), number(isp - (before[1] if same_region else 0) + 1),
                 number(way - (before[2] if same_isp else 0) + 1)]
        before = region, isp, way
    last = 0
    for meter in meters:
        counts = [slices[key].get(meter, 0) for key in keys]
        while counts[-1] == 0:
            counts.pop()
        column = ""
        while counts:
            zeroes = next(i for i, count in enumerate(counts) if count)
            column += (number(1) + number(zeroes) if zeroes else "") + number(counts[zeroes] + 1)
            counts = counts[zeroes + 1:]
        text += [number(meter - last), number(len(column)), column]
        last = meter
    return "".join(text)


# Where the clients of a made-up day are: (region, ISP, way, part of all).
PLACES = [("DE", "AS3320", 5, 0.34), ("DE", "AS3209", 4, 0.16), ("CN", "AS4134", 4, 0.24), ("US", "AS7922", 5, 0.18),
          ("unknown", "unknown", 1, 0.08)]


def counts(sessions, chance):
    """What so many open sessions count in five minutes of a quiz show: mostly out."""
    opened = max(1, round(sessions * chance.uniform(0.04, 0.07)))
    out = round(sessions * chance.uniform(2.2e6, 2.6e6))
    into = out // 18
    refused = round(opened * chance.uniform(0, 0.02))
    return {SESSIONS_OPENED: opened, SESSION_MS: sessions * INTERVAL * 1000, BYTES_IN: into, BYTES_OUT: out,
            WIRE_IN: into + into // 9, WIRE_OUT: out + out // 40, TEXT_IN: into // 90, TEXT_OUT: out // 240, CLOSED: round(opened * 0.8),
            CLOSED + 1: opened // 9, CLOSED + 2: opened // 30, HANDSHAKES + 101: round(opened * 0.7), HANDSHAKES + 200: opened - round(opened * 0.7),
            HANDSHAKES + 403: refused, HANDSHAKES + 502: refused // 3}


def day_of_sessions(at, most):
    """How many are there at that time of the day: few at night, most in the evening."""
    hours = at % DAY / 3600
    return max(3, round(most * (0.12 + 0.88 * max(0.0, math.sin((hours - 6) / 24 * 2 * math.pi) * 0.5 + 0.5) ** 1.5)))


def write_usage(database, domain_id, begin, end, most, seed):
    """Usage of one domain in [begin, end)."""
    chance = random.Random(seed)
    names = {}
    for name in dict.fromkeys(n for place in PLACES for n in place[:2]):
        row = database.execute("select number from usage_names where name = ?", (name,)).fetchone()
        if not row:
            row = (database.execute("select coalesce(max(number), 0) + 1 from usage_names").fetchone()[0],)
            database.execute("insert into usage_names (number, name) values (?, ?)", (*row, name))
        names[name] = row[0]
    for at in range(begin // INTERVAL * INTERVAL, end // INTERVAL * INTERVAL, INTERVAL):
        sessions = day_of_sessions(at, most)
        slices = {(names[r], names[i], way): counts(max(1, round(sessions * part)), chance) for r, i, way, part in PLACES}
        total = {}
        for one in slices.values():
            for meter, count in one.items():
                total[meter] = total.get(meter, 0) + count
        database.execute("insert or replace into usage_open (at_s, domain_id, total, body) values (?, ?, ?, ?)",
                         (at, domain_id, block({(0, 0, 0): total}), block(slices)))


@contextlib.contextmanager
def store_of(node):
    """The store of a node that is down."""
    database = sqlite3.connect(node.data / "fairlead.db")
    with contextlib.closing(database), database:
        yield database


def date(s):
    return datetime.datetime.fromtimestamp(s, datetime.timezone.utc).strftime("%Y-%m-%d")
