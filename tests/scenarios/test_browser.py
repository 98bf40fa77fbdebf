"""Chromium through the edge: the live-comments example, and Vite's hot module replacement; over HTTP/1.1 and HTTP/2."""

import json
import os
import signal
import subprocess

import pytest

from harness.edge import ROOT, domain
from harness.ports import free_port
from harness.process import HERE, NODE, Child, environment


def test_a_comment_flies(reach, start_origin, ca, via):
    way = reach(start_origin("live_comments.cjs"), http2=via == "h2")
    status = 200 if via == "h2" else 101
    assert way.run("comments_page.cjs", way.http_url(), way.url("/comments"), status, ca=ca) == {"statuses": [status]}


def test_the_page_says_why_it_was_closed_and_comes_back(start_edge, start_origin, ca, tmp_path):
    origin = start_origin("live_comments.cjs")
    edge = start_edge(domain("live.edge.test", origin))
    page = Child([*NODE, str(HERE / "peers/comments_lost.cjs"), f"http://live.edge.test:{edge.http}/"], tmp_path, "page",
                 env=environment(ca), cwd=HERE)
    try:
        assert json.loads(page.line()) == {"state": "open"}
        edge.signal(signal.SIGTERM)
        assert edge.wait() == 0
        lost = json.loads(page.line())
        assert lost["why"].startswith("Close 1001: "), lost
        assert lost["why"] != "Close 1001: the other side is going away", "no reason came with the Close"
        edge.start()
        page.process.stdin.write(b"back\n")
        page.process.stdin.flush()
        assert json.loads(page.line())["state"] == "back"
    finally:
        page.stop()


def test_vite_updates_the_page(reach, start_origin, ca, tmp_path, via):
    root = tmp_path / "app"
    root.mkdir()
    (root / "index.html").write_text('<!doctype html><p id="out"></p><script type="module" src="/main.js"></script>')
    (root / "main.js").write_text("import { word } from './word.js';\n"
                                  "const show = (w) => (document.getElementById('out').textContent = w);\n"
                                  "show(word);\n"
                                  "import.meta.hot.accept('./word.js', (next) => show(next.word));\n")
    (root / "word.js").write_text("export const word = 'before';\n")
    way = reach(start_origin("vite.mjs", f"--root={root}", f"--port={free_port()}"), http2=via == "h2")
    assert way.run("vite_page.cjs", way.http_url(), root / "word.js", ca=ca) == {"ok": True}


@pytest.mark.parametrize("name", ["edge.yaml", "fairlead.yaml"])
def test_the_example_is_configured_as_its_page_says(tmp_path, name):
    """The files with and without domains (./dev run starts the latter): valid, and with the addresses of their README."""
    from harness.edge import BINARY
    config = ROOT / "examples/live-comments" / name
    checked = subprocess.run([str(BINARY), "check", "--config", str(config)], capture_output=True, text=True, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    readme = (config.parent / "README.md").read_text()
    text = config.read_text()
    for address in ("127.0.0.1:8080", "127.0.0.1:9180"):
        assert address in text and address in readme
    domains = text if name == "edge.yaml" else (config.parent / "domain.yaml").read_text()
    assert "http_port: 9001" in domains and os.access(config.parent / "origin.js", os.R_OK)
