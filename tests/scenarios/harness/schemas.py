"""Bodies that are nearly right: every node of a right one made wrong in every way that its schema, or JSON itself, gives
occasion for."""

import copy
import gzip
import json


class Raw(str):
    """A piece of JSON as it is to stand in the text."""


def members(contract, schema, value, pointer="", absent=False):
    """(pointer, schema, whether it is there) of every node of `value` that the schema knows; with `absent` those, too,
    that the value could have and has not."""
    schema = contract.resolve(schema) if schema else {}
    yield pointer, schema, True
    if isinstance(value, dict):
        known = schema.get("properties", {})
        for key, item in value.items():
            yield from members(contract, known.get(key), item, f"{pointer}/{escaped(key)}", absent)
        for key in known if absent else ():
            if key not in value:
                yield f"{pointer}/{escaped(key)}", contract.resolve(known[key]), False
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from members(contract, schema.get("items"), item, f"{pointer}/{i}", absent)


def escaped(key):
    return key.replace("~", "~0").replace("/", "~1")


def parts_of(pointer):
    return [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]


def exists(value, pointer):
    """Whether RFC 6901's pointer leads to something in the value."""
    for part in parts_of(pointer):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return False
    return pointer == "" or pointer.startswith("/")


def merged(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


def with_value(body, pointer, value):
    """A copy in which another value stands at the pointer."""
    if not pointer:
        return value
    out = copy.deepcopy(body)
    *way, last = parts_of(pointer)
    node = out
    for part in way:
        node = node[int(part) if isinstance(node, list) else part]
    node[int(last) if isinstance(node, list) else last] = value
    return out


def without(body, pointer):
    out = copy.deepcopy(body)
    *way, last = parts_of(pointer)
    node = out
    for part in way:
        node = node[int(part) if isinstance(node, list) else part]
    del node[int(last) if isinstance(node, list) else last]
    return out


def dump(value):
    """JSON, with the pieces that are Raw put in as they are."""
    raw = []

    def mark(node):
        if isinstance(node, Raw):
            raw.append(node)
            return f"\ue000{len(raw) - 1}\ue001"
        if isinstance(node, dict):
            return {k: mark(v) for k, v in node.items()}
        if isinstance(node, list):
            return [mark(v) for v in node]
        return node

    text = json.dumps(mark(value), ensure_ascii=False)
    for i, piece in enumerate(raw):
        text = text.replace(f'"\ue000{i}\ue001"', piece)
    return text.encode("utf-8", "surrogatepass")


def _at(body, pointer):
    for part in parts_of(pointer):
        body = body[int(part) if isinstance(body, list) else part]
    return body


# For every node, whatever it is. Not all of these are wrong everywhere: what the schema lets pass may pass.
ANYWHERE = [
    ("null", None), ("true", True), ("zero", 0), ("minus one", -1), ("a fraction", 1.5), ("an integer as a fraction", Raw("1.0")),
    ("an integer with an exponent", Raw("1e2")), ("2^31", 1 << 31), ("2^53", 1 << 53), ("2^63 - 1", (1 << 63) - 1),
    ("2^63", 1 << 63), ("2^64 - 1", (1 << 64) - 1), ("2^64", 1 << 64), ("-2^63", -(1 << 63)), ("-2^63 - 1", -(1 << 63) - 1),
    ("a number beyond double", Raw("1e999")), ("a number of 500 digits", Raw("9" * 500)), ("minus zero", Raw("-0")),
    ("an empty text", ""), ("a space", " "), ("a text", "nonsense"), ("a number as text", "1"), ("NUL", "a\0b"),
    ("control characters", "\x01\x1f\x7f\r\n\t"), ("a lone high surrogate", Raw('"\\ud800"')),
    ("a lone low surrogate", Raw('"a\\udc00b"')), ("surrogates the wrong way round", Raw('"\\udc00\\ud800"')),
    ("a right pair of surrogates", Raw('"\\ud83d\\ude00"')), ("U+FFFF", "\uffff"), ("right to left", "\u202eabc"),
    ("a long text", "x" * 5000), ("a huge text", "y" * 300_000), ("quotes", "'; drop table domains; --"), ("a format", "%s%n{0}{}"),
    ("a path", "../../../../etc/passwd"), ("an empty array", []), ("an array of nulls", [None, None]), ("an array of it", ["x"]),
    ("a long array", ["x"] * 2000), ("an empty object", {}), ("an object", {"x": 1}), ("an empty key", {"": ""}),
    ("keys that look special", {"__proto__": {}, "a/b": 1, "a~b": 2, "\0": 3}),
    ("an array 40 deep", Raw("[" * 40 + "]" * 40)), ("an object 40 deep", Raw('{"a":' * 40 + "1" + "}" * 40)),
    ("an array 5000 deep", Raw("[" * 5000 + "]" * 5000)), ("an object 5000 deep", Raw('{"a":' * 5000 + "1" + "}" * 5000)),
    ("NaN", Raw("NaN")), ("a bare word", Raw("yes")), ("a single quote", Raw("'x'")), ("a comment", Raw("1 /* x */")),
    ("a bad escape", Raw('"\\x41"')), ("a raw line end in a text", Raw('"a\nb"')), ("hexadecimal", Raw("0x10")),
    ("a leading zero", Raw("01")), ("nothing", Raw("")),
]


def by_schema(schema, value):
    """(what, value) for the limits that the schema has: at each and beyond it."""
    out = []
    if "minimum" in schema:
        out += [("the least", schema["minimum"]), ("below the least", schema["minimum"] - 1)]
    if "maximum" in schema:
        out += [("the most", schema["maximum"]), ("above the most", schema["maximum"] + 1)]
    if "maxLength" in schema:
        stem = value if isinstance(value, str) and value else "x"
        n = schema["maxLength"]
        out += [("the longest", (stem * n)[:n]), ("too long", (stem * (n + 1))[:n + 1]),
                ("too long in characters of four bytes", "\U0001f600" * (n + 1))]
    if schema.get("minLength", 0) > 1:
        out.append(("too short", "x" * (schema["minLength"] - 1)))
    if "maxItems" in schema and isinstance(value, list):
        item = value[0] if value else "x"
        out += [("the most items", [item] * schema["maxItems"]), ("too many items", [item] * (schema["maxItems"] + 1))]
    if "enum" in schema:
        out += [(f"the word {w}", w) for w in schema["enum"]]
        out += [("another word", "no-such-word"), ("the word in capitals", str(schema["enum"][0]).upper()),
                ("the word and a space", f"{schema['enum'][0]} ")]
    return out


def mutations(contract, schema, body):
    """(what, function that makes the bytes) of every way to break `body`. Some are long: who draws a few makes only those."""
    for pointer, of, _ in list(members(contract, schema, body)):
        where = pointer or "the body"
        value = _at(body, pointer)

        def put(other, pointer=pointer):
            return lambda: dump(with_value(body, pointer, other))

        for what, other in ANYWHERE + by_schema(of, value):
            yield f"{where}: {what}", put(other)
        if pointer:
            yield f"{where}: missing", lambda pointer=pointer: dump(without(body, pointer))
        if isinstance(value, dict):
            for key in ("unknown", "a/b~c", ""):
                yield f"{where}: a member {key!r} more", put({**value, key: 1})
            for key in list(value)[:1]:
                twice = dump({key: value[key]})[:-1] + b", " + dump(value)[1:]
                yield f"{where}: the member {key!r} twice", put(Raw(twice.decode("utf-8", "surrogatepass")))
        if isinstance(value, list) and value:
            yield f"{where}: an item of another kind", put(value + [None, 1.5, {}])
            yield f"{where}: an item twice", put(value + value)


def garbage(body, random):
    """(what, bytes, fields) that are no JSON, or do not say that they are."""
    right = dump(body)
    yield "nothing", b"", {}
    yield "a space", b" ", {}
    yield "a truncated body", right[:len(right) // 2], {}
    yield "all but the last byte", right[:-1], {}
    yield "two bodies", right + right, {}
    yield "a body and a word", right + b" x", {}
    yield "a byte order mark", b"\xef\xbb\xbf" + right, {}
    yield "UTF-16", right.decode().encode("utf-16"), {}
    yield "bytes that are no UTF-8", right.replace(b'"', b'"\xff', 1), {}
    yield "an overlong NUL", b'{"a":"\xc0\x80"}', {}
    yield "a surrogate in UTF-8", b'{"a":"\xed\xa0\x80"}', {}
    yield "a form", b"a=1&b=2", {"content-type": "application/x-www-form-urlencoded"}
    yield "another type", right, {"content-type": "text/plain"}
    yield "no type", right, {"content-type": ""}
    yield "nearly the type", right, {"content-type": "application/jsonp"}
    yield "gzip", gzip.compress(right, mtime=0), {"content-encoding": "gzip"}
    yield "gzip without saying so", gzip.compress(right, mtime=0), {}
    yield "only NUL", bytes(1000), {}
    yield "open arrays", b"[" * 100_000, {}
    for i in range(8):
        yield f"random bytes {i}", random.randbytes(random.randrange(1, 400)), {}
    for i in range(24):
        damaged = bytearray(right)
        for _ in range(random.randrange(1, 5)):
            at = random.randrange(len(damaged))
            how = random.randrange(3)
            if how == 0:
                damaged[at] = random.randrange(256)
            elif how == 1:
                del damaged[at:at + random.randrange(1, 9)]
            else:
                damaged[at:at] = random.choice([b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\0", b"\xff", b"1", b"-"])
            damaged = damaged or bytearray(b"{")
        yield f"a damaged body {i}", bytes(damaged), {}
