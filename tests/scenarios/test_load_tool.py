"""fairlead-bench, the load tool, through the real edge: what it counts is what the edge counted, and what goes wrong is said
and fails."""

import contextlib
import json
import os
import socket
import subprocess

import pytest

from harness.edge import BINARY, ROOT, SLOWNESS, domain
from harness.ports import free_port
from harness.process import Child
from harness.waiting import eventually

BENCH = BINARY.parent / "fairlead-bench"
HOST = "live.edge.test"
SESSIONS = 6


@pytest.fixture
def origin(tmp_path):
    """The tool's own origin, as a process."""
    port = free_port()
    child = Child([str(BENCH), "origin", "--listen", f"127.0.0.1:{port}"], tmp_path, "origin")
    assert child.line() == f"listening on 127.0.0.1:{port}\n"
    yield port
    child.process.terminate()
    assert child.process.wait(10 * SLOWNESS) == 0
    child.stop()


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def run(verb, url, *words, status=0):
    """The tool's JSON."""
    done = subprocess.run([str(BENCH), verb, url, "--quiet", "--json", "-", *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, f"{done.returncode}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout) if status != 2 else done.stderr


class Through:
    """An edge before the tool's origin, and how the tool reaches it."""

    def __init__(self, start_edge, ca, origin, how):
        self.edge = start_edge(domain(HOST, origin, ca=ca, websocket={"origin_scheme": "http"}), h2c=how == "h2c")
        tls = how in ("wss", "h2")
        port = self.edge.https if tls else self.edge.http
        self.base = f"{'wss' if tls else 'ws'}://{HOST}:{port}"
        self.words = ["--connect-to", f"127.0.0.1:{port}"] + (["--ca", ca.cert] if tls else []) + (
            ["--http2", "--sessions-per-connection", 4] if how in ("h2", "h2c") else [])

    def run(self, verb, path, *words, **more):
        return run(verb, self.base + path, *self.words, *words, **more)


@pytest.fixture(params=["ws", "wss", "h2", "h2c"])
def through(request, start_edge, ca, origin):
    return Through(start_edge, ca, origin, request.param)


BRIEF = ["--sessions", SESSIONS, "--duration", "200ms", "--warmup", "50ms", "--check", "content"]


def sound(said):
    assert said["good"] and not said["errors"]
    assert (said["opened"], said["failed"], said["broken"], said["wrong"], said["unanswered"]) == (SESSIONS, 0, 0, 0, 0)
    assert said["measured"]["exchanges"] > 0
    assert said["measured"]["latency_us"]["min"] <= said["measured"]["latency_us"]["p50"] <= said["measured"]["latency_us"]["max"]


def test_messages_of_every_kind(through):
    closed = through.run("echo", "/echo", *BRIEF, "--in-flight", 4, "--size", 1000)
    sound(closed)
    assert closed["measured"]["bytes_in"] == closed["measured"]["bytes_out"] == 1000 * closed["measured"]["exchanges"]
    paced = through.run("echo", "/echo", *BRIEF, "--rate", 500, "--text")
    sound(paced)
    # As many were due in the time measured, whatever the machine did meanwhile.
    assert paced["measured"]["latency_us"]["count"] == pytest.approx(500 * 0.2, abs=2)
    up = through.run("send", "/sink", *BRIEF, "--size", "200KiB")
    sound(up)
    down = through.run("receive", f"/source?size={300 << 10}", *BRIEF, "--size", "300KiB", "--in-flight", 2)
    sound(down)
    assert down["measured"]["bytes_in"] == (300 << 10) * down["measured"]["exchanges"]

    through.edge.terminate()
    records = [r for r in through.edge.access_log() if r.get("session")]
    assert len(records) == 4 * SESSIONS
    assert {(r["close_by"], r["close_code"]) for r in records} == {("client", 1000)}
    # A frame a message and one Close, both ways.
    assert all(r["messages_in"] == r["messages_out"] == r["frames_in"] - 1 == r["frames_out"] - 1 for r in records)
    assert sum(r["messages_in"] for r in records) >= sum(said["measured"]["exchanges"] for said in (closed, paced, up, down))


@pytest.fixture
def floor(tmp_path, origin):
    """What relays are measured against (bench/floor_relay.cc), before the tool's origin."""
    port = free_port()
    child = Child([str(BENCH.parent / "bench" / "floor_relay"), str(port), str(origin)], tmp_path, "floor")
    eventually(lambda: accepts(port), what="the floor to listen")
    yield port
    child.process.terminate()
    child.process.wait(10 * SLOWNESS)
    child.stop()


def test_the_floor_relays_whatever_size(floor):
    words = ["--connect-to", f"127.0.0.1:{floor}", *BRIEF]
    for verb, path, *more in (("echo", "/echo"), ("send", "/sink", "--size", "4MiB"), ("receive", f"/source?size={4 << 20}", "--size", "4MiB")):
        sound(run(verb, f"ws://{HOST}{path}", *words, *more))


def test_opening_holding_closing(through):
    held = through.run("hold", "/echo", "--sessions", SESSIONS, "--duration", "50ms", "--watch", through.edge.pid)
    assert held["good"] and held["opened"] == SESSIONS
    assert held["watched"]["measured"]["processes"] >= 1 and held["watched"]["measured"]["rss_kib"] > 0
    opened = through.run("connect", "/echo", "--sessions", 2, "--duration", "200ms", "--warmup", "0s")
    assert opened["good"] and 0 < opened["measured"]["exchanges"] <= opened["opened"]
    through.edge.terminate()
    records = [r for r in through.edge.access_log() if r.get("session")]
    assert len(records) == held["opened"] + opened["opened"]


def test_tls_sessions_are_resumed_when_asked_only(start_edge, ca, origin):
    through = Through(start_edge, ca, origin, "wss")
    words = ["--sessions", 1, "--duration", "100ms", "--warmup", "0s"]
    assert through.run("connect", "/echo", *words)["tls"]["resumed"] == 0
    said = through.run("connect", "/echo", *words, "--resume")
    assert said["tls"]["resumed"] == said["opened"] - 1


def test_several_threads_with_an_origin_of_their_own():
    port = free_port()
    said = run("echo", f"ws://127.0.0.1:{port}/echo", "--own-origin", f"127.0.0.1:{port}", "--threads", 3, *BRIEF)
    sound(said)


def test_wrong_answers_fail(origin):
    base = f"ws://127.0.0.1:{origin}"
    small = run("echo", f"{base}/sink", "--sessions", 2, "--duration", "50ms", "--warmup", "0s", status=1)
    assert not small["good"] and small["wrong"] > 0 and "an answer of 8 bytes" in small["errors"]
    other = run("receive", f"{base}/source?size=999", "--size", 1000, "--sessions", 2, "--duration", "50ms", "--warmup", "0s", status=1)
    assert "an answer of 999 bytes" in other["errors"]
    # The origin's source says other content than what an echo would.
    content = run("echo", f"{base}/source?size=64", "--check", "none", "--sessions", 1, "--duration", "50ms", "--warmup", "0s")
    assert content["good"]
    refused = run("echo", f"{base}/nothing/here", "--sessions", 3, "--duration", "5s", status=1)
    assert refused["failed"] == 3 and list(refused["errors"]) == ["origin: protocol: answered with status 404"]


def test_what_cannot_be_is_usage_or_said(origin, ca):
    assert "no WebSocket URL" in run("echo", "http://127.0.0.1/", status=2)
    assert "cannot be read" in run("echo", "wss://127.0.0.1/", "--ca", "/no/such/file", status=2)
    assert "raise" in run("hold", f"ws://127.0.0.1:{origin}/echo", "--sessions", 9_000_000, status=2)
    nobody = run("echo", f"ws://127.0.0.1:{free_port()}/", "--sessions", 2, "--duration", "50ms", status=1)
    assert nobody["failed"] == 2 and "refused" in str(nobody["errors"])


@pytest.mark.skipif(os.cpu_count() < 2, reason="the relay has a core of its own")
def test_the_rig_measures_every_relay(tmp_path):
    """`./dev bench` with the program under test: configurations that nginx, HAProxy and Fairlead take, and figures of each."""
    output = tmp_path / "result.json"
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "bench/rig/main.py"), "--quick", "--rounds", "1", "--only", "handshake-tls",
                           "--output", str(output)], capture_output=True, text=True, timeout=80,
                          env={**os.environ, "FAIRLEAD_BENCH_BUILD": str(BINARY.parent)})
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(output.read_text())["figures"]["handshake-tls"]
    for label in ("nginx", "HAProxy", "Fairlead"):
        assert figures[label].get("cpu_us_per_handshake", [0])[0] > 0, done.stderr
    assert "opening and closing" in done.stdout


def test_sessions_that_end_early_are_broken(start_edge, ca, origin):
    """The edge ends them when they are too old: the tool must not take that for its own doing."""
    edge = start_edge(domain(HOST, origin, websocket={"origin_scheme": "http", "max_session_age": "1s"}))
    said = run("hold", f"ws://{HOST}:{edge.http}/echo", "--connect-to", f"127.0.0.1:{edge.http}", "--sessions", SESSIONS,
               "--duration", "2s", status=1)
    assert said["broken"] == SESSIONS and said["errors"] == {"closed by the other side": SESSIONS}


@pytest.mark.parametrize("words", [["echo", "--duration", "60s"], ["hold", "--ramp", "1", "--duration", "60s"], ["connect", "--duration", "60s"]])
def test_a_signal_ends_it_early_and_in_order(origin, tmp_path, words):
    result = tmp_path / "result.json"
    load = subprocess.Popen([str(BENCH), words[0], f"ws://127.0.0.1:{origin}/echo", *words[1:], "--sessions", "50", "--json", str(result)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    load.stderr.readline()  # progress: it runs
    load.terminate()
    assert load.wait(20 * SLOWNESS) == 1
    load.stderr.close()
    said = json.loads(result.read_text())
    assert said["interrupted"] and said["opened"] > 0 and said["broken"] == said["wrong"] == said["unanswered"] == 0
