"""How the console is served: under a policy that lets no script run but its own files, with nothing guessed and nothing kept
that may change, to every client that speaks HTTP."""

import gzip
import http.client
import json
import re
import socket

import pytest

from harness.console_routes import routes
from harness.edge import ROOT
from harness.process import run_client

BUILT = ROOT / "build" / "console"


def ask(node, path, method="GET", **fields):
    """The answer as it comes: (status, fields, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in fields.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, {n.lower(): v for n, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def files():
    """What the page loads, and what that loads."""
    return ["/" + str(p.relative_to(BUILT)) for p in sorted(BUILT.rglob("*")) if p.is_file() and p.name != "index.html"]


def policy_of(fields):
    return {name: values for name, *values in (part.split() for part in fields["content-security-policy"].split(";"))}


@pytest.fixture
def node(start_node):
    return start_node()


def test_every_page_comes_under_the_policy(node):
    nonces = set()
    paths = [re.sub(r":\w+", "7", route.replace(":domain", "live.example.com")) for route in routes()] + ["/", "/index.html", "/no/such/page", "/?x=<script>"]
    for path in paths:
        status, fields, body = ask(node, path)
        assert status == 200 and fields["content-type"] == "text/html; charset=utf-8", path
        assert fields["cache-control"] == "no-store" and "etag" not in fields, path
        policy = policy_of(fields)
        assert policy["default-src"] == ["'none'"] and policy["script-src"] == ["'self'"], path
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == ["'none'"], path
        assert policy["connect-src"] == ["'self'"] and "unsafe" not in fields["content-security-policy"], path
        nonce = re.fullmatch(r"'nonce-([\w+/=-]{22,})'", policy["style-src"][1])[1]
        assert nonce.encode() in body
        nonces.add(nonce)
        # No script of its own but files, no handler in an attribute, no other host; nothing of the request is in it.
        text = body.decode()
        scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", text, re.S)
        assert scripts and all(re.search(r'src="/assets/', head) and not inside.strip() for head, inside in scripts), path
        assert not re.search(r"\son\w+\s*=|javascript:|<style|style=|https?:|\bx=", text), path
    assert len(nonces) == len(paths), "a nonce is of one answer"


def test_everything_says_what_it_is(node):
    """Pages, files, and what is not there: no browser guesses, nor tells others where it was."""
    for path in ["/", "/domains", "/nothing.js", "/assets/", "/v1/nothing", *files()]:
        status, fields, _ = ask(node, path)
        assert fields["x-content-type-options"] == "nosniff", path
        if not path.startswith("/v1/"):
            assert fields["referrer-policy"] == "no-referrer", path


def test_what_is_not_there_is_no_page(node):
    assert "secret" not in ask(node, "/")[2].decode()
    for path in ("/assets/old.js", "/assets/", "/assets/index.html", "/assets", "/favicon.ico", "/robots.txt", "/.env", "/.git/config",
                 "/assets/../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fetc%2fpasswd", "/../fairlead.yaml",
                 "/%2e%2e/fairlead.yaml", "/assets//index.html", "/domains/../assets/x.js", "/..\\..\\fairlead.yaml", "/assets/x%00.js"):
        status, fields, body = ask(node, path)
        page = fields["content-type"].startswith("text/html")
        # "/assets" and what a browser would itself have resolved may be a route; the content of a file never comes.
        assert status in (400, 404) or (page and not path.startswith("/assets/") and b'<div id="root">' in body), (path, status)
        assert b"root:" not in body and b"listeners" not in body, path
        if path.startswith("/assets/"):
            assert status in (400, 404) and not page, path
    for path in ("/v1/nothing", "/v1", "/v1/", "/v1/domains/../../etc/passwd"):
        status, fields, body = ask(node, path)
        assert status in (400, 401, 404) and fields["content-type"] == "application/problem+json", (path, status)
        assert json.loads(body)["status"] == status
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        status, fields, _ = ask(node, "/domains", method, content_length="0")
        assert status in (404, 405) and fields["content-type"] == "application/problem+json", method


def test_files_are_kept_as_long_as_they_are_right(node):
    names = files()
    assert len(names) > 50
    for path in names:
        status, fields, body = ask(node, path, accept_encoding="gzip, br")
        assert status == 200 and body, path
        kept = fields["cache-control"]
        # A name that has a hash of the content in it stays right for ever.
        assert (kept == "public, max-age=31536000, immutable") == bool(re.search(r"/assets/.+-[\w-]{8}\.\w+$", path)), (path, kept)
        assert fields["vary"] == "accept-encoding"
        built = (BUILT / path[1:]).read_bytes()
        assert fields["content-encoding"] == "gzip" and gzip.decompress(body) == built, path
        again, told, nothing = ask(node, path, if_none_match=fields["etag"], accept_encoding="gzip")
        assert (again, nothing, told["etag"]) == (304, b"", fields["etag"]), path
        assert ask(node, path, if_none_match='"another"')[0] == 200
    assert len({ask(node, path)[1]["etag"] for path in names[:20]}) == 20


def test_every_client_can_read_it(node):
    script = next(path for path in files() if path.endswith(".js"))
    built = (BUILT / script[1:]).read_bytes()
    for codings in (None, "", "identity", "br", "gzip;q=0", "gzip;q=0, identity"):
        fields = {} if codings is None else {"accept_encoding": codings}
        status, told, body = ask(node, script, **fields)
        assert status == 200 and "content-encoding" not in told and body == built, codings
        assert b'<div id="root">' in ask(node, "/domains", **fields)[2]
    for path in (script, "/domains", "/v1/nothing", "/assets/old.js"):
        plain, head = ask(node, path), ask(node, path, "HEAD")
        assert head[0] == plain[0] and head[2] == b"", path
        for name in ("content-type", "content-length", "etag", "cache-control"):
            assert head[1].get(name) == plain[1].get(name), (path, name)
    # HTTP/1.0, as probes of load balancers speak it.
    with socket.create_connection(("127.0.0.1", node.admin), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: s.recv(65536), b""))
    assert text.split(b"\r\n")[0].endswith(b" 200 OK") and b'<div id="root">' in text


def test_what_is_injected_does_not_run(node):
    story = {"port": node.admin, "email": node.operator.me["user"]["email"]}
    found = run_client("../console/injected.cjs", json.dumps(story))
    assert found["ran"] == [], "a script ran that is none of the console's files"
    assert found["refused"] == {"inline script": "script-src-elem", "handler": "script-src-attr", "eval": "script-src",
                                "data script": "script-src-elem", "other host": "script-src-elem", "fetch": "connect-src",
                                "frame": "frame-src", "style": "style-src-elem", "base": "base-uri"}
    assert found["framed"] is False
