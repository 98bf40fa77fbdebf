#!/usr/bin/env python3
"""Writes fuzz/corpus/http2_connection: what real clients said (the corpus of http2_codec, captured from them) put into
the script of http2_script.h, and stories made of its commands. Run it again when the script's language changes; what
is in the folder beside it (crashes that became seeds) stays."""
from pathlib import Path

HERE = Path(__file__).resolve().parent
TO = HERE / "corpus" / "http2_connection"
LONGEST = 4000  # of captured bytes: longer inputs slow the search down and show nothing more
# Of the captured ones; they are about what the first byte chooses there.
LEFT_OUT = {"garbage_tls", "h2load_tight", "made_431", "made_bomb", "made_concurrent", "made_drain", "made_fail",
            "made_settings"}

MARK = b"\xee"
GET, CONNECT, POST, HEAD = 0, 1, 2, 3
CAPTURED, A, B, C = 0, 4, 8, 12  # domains
ENDS, LENGTH, EXPECT, COOKIES = 16, 32, 64, 128
NEWEST = 128

# The first byte.
WHOLE, RANDOM, BYTEWISE = 0, 1, 3
SMALL, FAULTS, ODD, POLITE = 4, 8, 16, 32
OWN_GREETING, GREETS, WIDE, NARROW = 0, 64, 128, 192
# The second.
TIGHT, FAR, HEARTBEAT, STRICT = 1, 2, 32, 64
ENDS_ITSELF, CLOSES, RESETS, HEARS_NOTHING, SAYS_NOTHING, WAITS, WAITS_DEAF, STAYS = (n << 2 for n in range(8))

STEP = {"1ms": 0, "10ms": 1, "100ms": 2, "500ms": 3, "1s": 4, "2s": 5, "3s": 6, "5s": 7, "5.5s": 8, "8s": 9, "10s": 10,
        "15s": 11, "21s": 12, "31s": 13, "61s": 14, "76s": 15}


def command(letter, *arguments):
    return MARK + letter.encode() + bytes(arguments)


def raw(data):
    return data.replace(MARK, MARK + MARK)


def ask(kind, path="/"):
    return command("Q", kind, ord(path))


def frame(kind, flags, stream, payload=b""):
    return command("F", kind, flags, stream) + raw(payload) + command("c")


def data(payload, ends=False, stream=NEWEST):
    return frame(0, int(ends), stream, payload)


def reset(stream=NEWEST):
    return frame(3, 0, stream, b"\0\0\0\x08")


def window(size, stream=NEWEST):
    return frame(8, 0, stream, size.to_bytes(4, "big"))


def websocket(opcode, payload=b"", fin=True):
    """A client's frame, masked with zeros, at most 125 bytes."""
    return bytes([(128 if fin else 0) | opcode, 128 | len(payload), 0, 0, 0, 0]) + payload


def say(text):
    return command("o") + raw(text) + command("c")


def wait(how_long):
    return command("t", STEP[how_long])


CUT = command("|")
CLOSE = data(websocket(8, b"\x03\xe8"))

STORIES = {
    "story_talk": (RANDOM | POLITE | GREETS, ENDS_ITSELF,
                   ask(CONNECT | A) + wait("10ms") + data(websocket(1, b"hello") + websocket(9, b"ping")) + wait("10ms")
                   + data(websocket(2, b"x" * 100, False)) + data(websocket(0, b"y")) + CLOSE + wait("1s")),
    "story_heartbeat": (WHOLE | POLITE | GREETS, HEARTBEAT | STAYS,
                        ask(CONNECT | A) + wait("5.5s") + data(websocket(10)) + wait("5s") + wait("5s")),
    "story_idle": (WHOLE | GREETS, WAITS, ask(CONNECT | A) + wait("10ms") + data(websocket(2, b"a"))),
    "story_neighbours": (RANDOM | SMALL | WIDE, CLOSES,
                         ask(CONNECT | A, "b") + ask(GET | A | ENDS, "b") + ask(GET | B | ENDS, "s") + wait("3s")
                         + ask(POST | B, "c") + data(b"a" * 300) + data(b"b", True) + wait("10s")),
    "story_narrow": (RANDOM | NARROW, STAYS,
                     ask(GET | A | ENDS, "l") + wait("10ms") + window(1) + window(100) + ask(GET | B | ENDS, "b")
                     + wait("10ms") + window(70000) + window(70000, 0) + wait("1s")),
    "story_early_hints": (RANDOM | GREETS | POLITE, FAR,
                          ask(POST | A | EXPECT | LENGTH, "e") + wait("100ms") + data(b"hello", True) + wait("1s")),
    "story_origins": (WHOLE | WIDE | POLITE, ENDS_ITSELF,
                      b"".join(ask(GET | A | ENDS | COOKIES, p) for p in "crxyugnmzq5o") + wait("1s")),
    "story_origins_tunnel": (WHOLE | WIDE | POLITE, ENDS_ITSELF,
                             b"".join(ask(CONNECT | A, p) for p in "tkwvbip2r5") + wait("5s")),
    "story_origins_post": (ODD | RANDOM | WIDE, RESETS,
                           b"".join(ask(POST | C, p) + data(b"some") for p in "fdhbq") + data(b"more" * 400)
                           + wait("2s") + data(b"", True) + wait("3s")),
    "story_dead_origin": (WHOLE | GREETS, ENDS_ITSELF,
                          ask(CONNECT | C) + ask(GET | C | ENDS) + wait("5s") + data(websocket(1, b"x")) + wait("1s")),
    "story_black_hole": (WHOLE | GREETS, WAITS,
                         command("O", 1) + ask(CONNECT | A) + ask(GET | B | ENDS) + wait("5s") + command("O", 2)
                         + ask(GET | B | ENDS)),
    "story_origin_speaks": (RANDOM | GREETS, CLOSES,
                            ask(CONNECT | A) + wait("10ms") + say(b"\x81\x05hello") + CUT + say(b"\x89\x00\x88\x02\x03\xe9")
                            + wait("1s") + command("O", 5)),
    "story_origin_vanishes": (RANDOM | GREETS, STAYS,
                              ask(CONNECT | A) + ask(GET | A | ENDS, "s") + wait("100ms") + command("O", 5) + wait("1s")),
    "story_origin_stalls": (RANDOM | WIDE, STAYS,
                            ask(POST | A, "l") + wait("10ms") + command("O", 6 | 10 << 3) + data(b"x" * 1400)
                            + data(b"x" * 1400) + wait("15s") + data(b"", True) + wait("1s")),
    "story_switch_off": (RANDOM | GREETS | POLITE, STAYS,
                         ask(CONNECT | A) + ask(GET | A | ENDS, "s") + wait("100ms") + command("S", 1) + wait("100ms")
                         + ask(CONNECT | A) + CLOSE + command("S", 0) + ask(CONNECT | A) + wait("1s")),
    "story_removed": (RANDOM | GREETS | POLITE, STAYS,
                      ask(CONNECT | A) + ask(GET | A | ENDS, "s") + wait("100ms") + command("S", 2 | 4) + wait("10s")),
    "story_http2_off": (RANDOM | GREETS, STAYS, command("S", 3) + ask(CONNECT | A) + ask(GET | B | ENDS) + wait("1s")),
    "story_drain": (RANDOM | GREETS | POLITE, STAYS,
                    ask(CONNECT | A) + ask(GET | A | ENDS, "s") + wait("100ms") + command("D", 2) + wait("1s")
                    + ask(GET | A | ENDS) + wait("3s") + CLOSE),
    "story_drain_rude": (RANDOM | GREETS, HEARS_NOTHING,
                         ask(CONNECT | A) + ask(POST | A, "d") + wait("10ms") + command("D", 1) + data(b"x" * 500)),
    "story_stalled_client": (WHOLE | SMALL | WIDE, HEARS_NOTHING | TIGHT,
                             ask(GET | A | ENDS, "b") + ask(CONNECT | A, "b") + command("z", STEP["21s"])
                             + wait("31s") + ask(GET | A | ENDS)),
    "story_dead_client": (WHOLE | GREETS, SAYS_NOTHING | HEARTBEAT,
                          ask(CONNECT | A) + ask(CONNECT | A, "w") + wait("1s")),
    "story_violations": (RANDOM | GREETS, ENDS_ITSELF,
                         b"".join(ask(CONNECT | A) + wait("10ms") + data(f) for f in
                                  (b"\x81\x01x", websocket(3), websocket(0), websocket(8, b"\x01\x01"), b"\xc1\x80abcd"))
                         + wait("1s")),
    "story_strict": (RANDOM | GREETS, STRICT | STAYS,
                     ask(CONNECT | A) + b"".join(data(websocket(int(i == 0), b"x" * 120, False)) for i in range(10))
                     + ask(CONNECT | A) + ask(CONNECT | A) + ask(CONNECT | A) + wait("31s")),
    "story_unvalidated": (RANDOM | GREETS, ENDS_ITSELF,
                          ask(CONNECT | C) + wait("3s") + data(b"\x81\x01x" + websocket(11, b"?")) + wait("1s")),
    "story_given_up": (BYTEWISE | GREETS, ENDS_ITSELF,
                       ask(CONNECT | A) + reset() + ask(GET | A | ENDS, "h") + wait("10ms") + reset()
                       + ask(POST | A) + data(b"x") + reset() + ask(CONNECT | A) + wait("10ms") + reset() + wait("1s")),
    "story_half_closed": (RANDOM | GREETS, STAYS,
                          ask(CONNECT | A) + wait("10ms") + data(websocket(1, b"x"), True) + wait("1s")
                          + ask(CONNECT | A | ENDS) + wait("1s")),
    "story_two_clients": (RANDOM | GREETS | POLITE, WAITS,
                          ask(GET | A | ENDS) + command("n") + ask(GET | A | ENDS) + ask(CONNECT | A) + wait("100ms")
                          + command("n") + ask(GET | B | ENDS) + command("e", 1)),
    "story_last_words": (WHOLE | SMALL | WIDE, WAITS_DEAF,
                         command("z", STEP["76s"]) + ask(GET | A | ENDS, "b") + ask(CONNECT | A, "b") + wait("100ms")
                         + frame(9, 4, 1)),
    "story_deaf_client": (WHOLE | SMALL | WIDE, WAITS_DEAF | HEARTBEAT,
                          ask(GET | A | ENDS, "b") + ask(CONNECT | A) + ask(GET | B | ENDS, "s") + wait("1ms")),
    "story_left_streams": (RANDOM | NARROW, WAITS, ask(GET | A | ENDS) + ask(CONNECT | A, "w") + ask(POST | B, "l")),
    "story_broken_frames": (RANDOM | GREETS, STAYS,
                            ask(CONNECT | A) + wait("10ms") + data(b"x", stream=3) + frame(1, 4, NEWEST, b"\x82")
                            + window(0) + window(0x7fffffff) + frame(9, 4, 1) + wait("1s")),
    "story_slow_head": (BYTEWISE, WAITS,
                        b"PRI * HTTP/2.0\r\n" + wait("5s") + b"\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\x10\1\0\0\0\0\1\x82"),
    "story_drain_in_preface": (WHOLE, STAYS,
                               b"PRI * HTTP/2.0\r\n" + wait("1s") + command("D", 1) + b"\r\nSM\r\n\r\n"
                               + b"\0\0\0\4\0\0\0\0\0" + wait("1s")),
    "story_head_and_floods": (RANDOM | GREETS, TIGHT | STAYS,
                              ask(HEAD | A | ENDS, "c") + ask(GET | A | ENDS) * 6 + wait("1s") + frame(6, 0, 0, b"12345678") * 12
                              + frame(4, 0, 0) * 12),
    "story_faults": (RANDOM | FAULTS | WIDE | POLITE, ENDS_ITSELF,
                     ask(CONNECT | A) + ask(GET | A | ENDS, "b") + data(websocket(1, b"x"), stream=1) + wait("3s")
                     + ask(CONNECT | A) + wait("1s") + CLOSE + wait("5s")),
    "http1_websocket": (RANDOM, WAITS,
                        b"GET /t HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                        + wait("100ms") + raw(websocket(1, b"hello") + websocket(8, b"\x03\xe8"))),
    "http1_requests": (RANDOM, ENDS_ITSELF,
                       b"POST /c HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                       b"GET /b HTTP/1.1\r\nHost: b\r\n\r\nGET /x HTTP/1.1\r\nHost: c\r\n\r\n" + wait("1s")),
}


def captured(seed):
    """A file of the http2_codec corpus: its first byte chose that target's limits, and a greeting with the top bit."""
    choice, said = seed[0], seed[1:]
    network = RANDOM | POLITE | (GREETS if choice & 0x80 else OWN_GREETING)
    return bytes([network, ENDS_ITSELF | (TIGHT if choice & 0x40 else 0), 7]) + raw(said) + wait("1s")


def main():
    TO.mkdir(parents=True, exist_ok=True)
    for number, (name, (network, edge, script)) in enumerate(STORIES.items()):
        (TO / name).write_bytes(bytes([network, edge, number]) + script)
    for path in sorted((HERE / "corpus" / "http2_codec").iterdir()):
        if path.name not in LEFT_OUT and len(seed := path.read_bytes()) <= LONGEST:
            (TO / path.name).write_bytes(captured(seed))


if __name__ == "__main__":
    main()
