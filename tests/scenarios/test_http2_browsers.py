"""Chromium and Firefox ESR over HTTP/2: that they use it is proven from the edge's side by one client port for the page and
all its WebSockets, CONNECT and stream numbers in the access log; and, where the browser tells, by the handshakes' status."""

import json
import signal

import pytest

from harness.edge import domain
from harness.process import HERE, NODE, Child, environment, run_client
from harness.waiting import eventually

BROWSERS = ["chromium", "firefox"]


def site(origin, ca, name="live.edge.test", **settings):
    return domain(name, origin, ca=ca, websocket={"origin_scheme": "http"}, **settings)


def sessions_of(edge, count):
    """The records of `count` WebSockets over HTTP/2."""
    return eventually(lambda: (r := [r for r in edge.access_log() if r["method"] == "CONNECT"]) and len(r) >= count and r,
                      what=f"{count} sessions in the access log")


@pytest.mark.parametrize("browser", BROWSERS)
def test_ten_websockets_over_one_connection(browser, start_edge, start_origin, ca):
    edge = start_edge(site(start_origin("live_comments.cjs"), ca))
    seen = run_client("ten_sockets.cjs", browser, f"https://live.edge.test:{edge.https}/",
                      f"wss://live.edge.test:{edge.https}/comments", ca=ca)
    assert seen["heard"] == 10 and seen["protocol"] == "h2"
    assert seen["closes"] == [[1000, True]] * 9
    assert seen.get("statuses", [200] * 10) == [200] * 10, "over HTTP/1.1 it would be 101"
    sessions = sessions_of(edge, 10)
    page = next(r for r in edge.whole_access_log() if r["method"] == "GET" and r["target"] == "/")
    assert page["protocol"] == "h2" and page["status"] == 200
    assert {(r["protocol"], r["status"], r["client_port"]) for r in sessions} == {("h2", 200, page["client_port"])}
    assert len({r["stream"] for r in sessions} | {page["stream"]}) == 11
    assert sum(r["close_cause"] == "closing_handshake" for r in sessions) == 9  # the page's own ends with the browser


@pytest.mark.parametrize("browser", BROWSERS)
def test_echo_of_messages_beyond_every_window(browser, start_edge, start_origin, ca):
    """Firefox's stream window is 128 KiB, the edge's towards the client 64 KiB: several times that, both ways."""
    edge = start_edge(site(start_origin("ws_hash.cjs"), ca))
    seen = run_client("sockets_page.cjs", browser, f"https://live.edge.test:{edge.https}/", "1,65535,65536,200000,5000000",
                      f"wss://live.edge.test:{edge.https}/echo", ca=ca)
    assert seen["fates"] == ["open"]
    record = sessions_of(edge, 1)[0]
    assert record["bytes_in"] > 5_000_000 and record["bytes_out"] > 5_000_000


@pytest.mark.parametrize("browser", BROWSERS)
def test_other_names_of_the_certificate_come_by_the_same_connection(browser, start_edge, start_origin, ca):
    """Browsers coalesce; each WebSocket reaches the domain of its :authority."""
    a, b = start_origin("ws_hash.cjs"), start_origin("ws_hash.cjs")
    edge = start_edge(site(a, ca, "a.edge.test"), site(b, ca, "b.edge.test"))
    seen = run_client("sockets_page.cjs", browser, f"https://a.edge.test:{edge.https}/", "1000",
                      f"wss://a.edge.test:{edge.https}/echo", f"wss://b.edge.test:{edge.https}/echo", ca=ca)
    assert seen["fates"] == ["open", "open"]
    sessions = sessions_of(edge, 2)
    assert {(r["domain"], r["origin"].split(":")[1]) for r in sessions} == {
        ("a.edge.test", str(a.port)), ("b.edge.test", str(b.port))}
    assert len({r["client_port"] for r in sessions}) == 1


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_domain_without_http2_beside_one_that_has_it(browser, start_edge, start_origin, ca):
    """Under one certificate browsers ask on the connection they have, and do not come back after a 421: their sessions are
    served there. Which connection Firefox takes is its choice."""
    origin = start_origin("ws_hash.cjs")
    edge = start_edge(site(origin, ca, "a.edge.test"), site(origin, ca, "one.edge.test", http2=False))
    sockets = [f"wss://{name}.edge.test:{edge.https}/echo" for name in ("a", "one", "a", "one")]
    seen = run_client("sockets_page.cjs", browser, f"https://a.edge.test:{edge.https}/", "1000", *sockets, ca=ca)
    assert seen["fates"] == ["open"] * 4 and seen.get("statuses", [200] * 4) == [200] * 4, seen


@pytest.mark.parametrize("browser", BROWSERS)
def test_a_domain_without_http2_and_a_certificate_of_its_own(browser, start_edge, start_origin, ca):
    """Then no browser tries the other's connection."""
    origin = start_origin("ws_hash.cjs")
    edge = start_edge(*(site(origin, ca, f"{name}.edge.test", http2=name == "a",
                             certificates=[ca.leaf("ec", (f"{name}.edge.test",)).yaml()]) for name in ("a", "one")))
    sockets = [f"wss://{name}.edge.test:{edge.https}/echo" for name in ("one", "a", "one")]
    seen = run_client("sockets_page.cjs", browser, f"https://a.edge.test:{edge.https}/", "1000", *sockets, ca=ca)
    assert seen["fates"] == ["open"] * 3 and seen.get("statuses", [101, 200, 101]) == [101, 200, 101]
    assert not [r for r in edge.whole_access_log() if r["domain"] == "one.edge.test" and r["protocol"] == "h2"]


@pytest.mark.parametrize("browser", BROWSERS)
def test_without_http2_it_is_http_1_1(browser, start_edge, start_origin, ca):
    edge = start_edge(site(start_origin("ws_hash.cjs"), ca, http2=False))
    seen = run_client("sockets_page.cjs", browser, f"https://live.edge.test:{edge.https}/", "1000",
                      f"wss://live.edge.test:{edge.https}/echo", ca=ca)
    assert seen["fates"] == ["open"] and seen.get("statuses", [101]) == [101]
    assert {r["protocol"] for r in eventually(lambda: [r for r in edge.access_log() if r.get("session")])} == {"h1"}


def test_a_page_over_http2_says_why_it_was_closed_and_comes_back(start_edge, start_origin, ca, tmp_path):
    """Drain: GOAWAY for the connection, Close 1001 with a reason for the WebSocket."""
    edge = start_edge(site(start_origin("live_comments.cjs"), ca))
    page = Child([*NODE, str(HERE / "peers/comments_lost.cjs"), f"https://live.edge.test:{edge.https}/"], tmp_path, "page",
                 env=environment(ca), cwd=HERE)
    try:
        assert json.loads(page.line()) == {"state": "open"}
        edge.signal(signal.SIGTERM)
        assert edge.wait() == 0
        lost = json.loads(page.line())
        assert lost["why"].startswith("Close 1001: ") and lost["why"] != "Close 1001: the other side is going away", lost
        assert sessions_of(edge, 1)[0]["close_cause"] == "drain"
        edge.start()
        page.process.stdin.write(b"back\n")
        page.process.stdin.flush()
        assert json.loads(page.line())["state"] == "back"
    finally:
        page.stop()
