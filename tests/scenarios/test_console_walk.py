"""Every page of the console, in Chromium, in front of the real binary: axe-core finds nothing, nothing is wider than the window,
and the browser has nothing to complain of. Both languages, both appearances, from 360 px to a wide screen."""

import json
import subprocess

import pytest

from harness import console_pages
from harness.edge import ROOT, sanitized
from harness.furnished import PASSWORD, Furnished
from harness.process import run_client

WAYS = {"phone": ("zh-CN", "dark", 360), "desk": ("en", "light", 1280), "wide": ("en", "dark", 3840)}


def walk(node, language, scheme, width, pages, email=None, **more):
    asked = {"port": node.admin, "language": language, "scheme": scheme, "width": width, "height": 900, "pages": pages, **more}
    if email:
        asked |= {"email": email, "password": PASSWORD}
    seen = run_client("../console/walk.cjs", json.dumps(asked), timeout=600)
    assert seen["times"].keys() == pages.keys()
    assert seen["found"] == {}, "\n".join(f"{name}:\n    " + "\n    ".join(bad) for name, bad in seen["found"].items())


@pytest.fixture
def furnished(start_node, start_origin, ca):
    node = start_node()
    there = Furnished(node, start_origin("ws_hash.cjs"), ca)
    there.let_days_pass()
    there.connect()
    yield there
    there.stop()


# How a page looks does not depend on how the program was compiled.
@pytest.mark.skipif(sanitized(), reason="looks only")
@pytest.mark.timeout(400)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", ["customer", "operator"])
def test_every_page(who, way, furnished):
    if who == "customer":
        walk(furnished.node, *WAYS[way], console_pages.of_nobody())
        walk(furnished.node, *WAYS[way], console_pages.of_customer(furnished), "customer@example.com")
    else:
        walk(furnished.node, *WAYS[way], console_pages.of_operator(furnished), furnished.node.operator.me["user"]["email"])


def test_the_pages_of_links(start_node):
    """The first operator's page, and that of a forgotten password: no page asks who one is."""
    node = start_node(set_up=False)
    walk(node, "en", "light", 1280, {"setup": f"/setup#{node.first_operator_key()}", "password": "/password#fll_none"})


def test_a_walk_finds_what_is_wrong(start_node, tmp_path):
    """The walk itself: a page without a heading would not settle; one that is not there, of the API, is told."""
    node = start_node()
    with pytest.raises(AssertionError, match="404 GET"):
        walk(node, "en", "light", 1280, {"bill": "/bills/77"}, node.operator.me["user"]["email"])


@pytest.mark.timeout(240)
@pytest.mark.skipif(sanitized(), reason="looks only")
def test_pictures_are_taken(tmp_path):
    """`./dev screenshots`, of two pages."""
    done = subprocess.run(["/usr/bin/python3", ROOT / "tools" / "screenshots.py", "--into", tmp_path, "--only", "sign-in,monitor"],
                          capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {f"{name}-{language}-{scheme}.png" for name in ("sign-in", "monitor") for language in ("en", "zh-CN")
              for scheme in ("light", "dark")}
    assert {p.name for p in tmp_path.iterdir()} == wanted
    pictures = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert all(data.startswith(b"\x89PNG\r\n\x1a\n") for data in pictures.values())
    assert len(set(pictures.values())) == len(wanted), "two of them are the same"
