"""Fixtures of the scenarios. A test that is a coroutine function runs on an event loop of its own."""

import asyncio
import inspect
import zlib

import pytest

from harness import names
from harness.authority import Authority
from harness.control import Node
from harness.control_store import Postgres
from harness.edge import Edge, domain, sanitized
from harness.process import Origin, run_client
from harness.transport import TRANSPORTS, Http2
from harness.waiting import eventually

names.install()


def pytest_addoption(parser):
    parser.addoption("--direct", action="store_true", help="run the peers against their origins too, with no edge between")
    parser.addoption("--share", metavar="I/N/SALT", help="run the I-th of N shares only (from 0), dealt out by names and SALT")


# What these look at is the browser's side; the listener is driven under the sanitizers by all the others.
BROWSER_ONLY = {f"test_console_{part}.py" for part in ("budget", "permissions", "procedures", "scale", "walk", "words")}


def pytest_collection_modifyitems(config, items):
    if sanitized():
        for item in items:
            if item.path.name in BROWSER_ONLY:
                item.add_marker(pytest.mark.skip(reason="about the browser's side"))
    if not config.getoption("--share"):
        return
    share, shares, salt = config.getoption("--share").split("/")
    mine = [i for i in items if zlib.crc32(f"{salt} {i.nodeid}".encode()) % int(shares) == int(share)]
    config.hook.pytest_deselected(items=[i for i in items if i not in set(mine)])
    items[:] = mine


def pytest_generate_tests(metafunc):
    if "via" in metafunc.fixturenames:
        ways = ["ws", "wss", "h2"] + (["direct"] if metafunc.config.getoption("--direct") else [])
        metafunc.parametrize("via", ways)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(_run(pyfuncitem.obj(**arguments), pyfuncitem.funcargs.get("transport")))
    return True


async def _run(test, transport):
    await test
    if hasattr(transport, "end"):
        await transport.end()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for child in getattr(item, "scenario_children", []):
            if isinstance(child, Edge):
                report.sections.append(("the edge", child.tails()))
            elif child.err_path.exists() and child.tail():
                report.sections.append((f"origin {child.name}", child.tail()))


@pytest.fixture(scope="session")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    """The client's side (harness/transport.py): a test that asks for it runs over HTTP/1.1 and over HTTP/2."""
    return TRANSPORTS[request.param]()


@pytest.fixture
def start_edge(request, tmp_path):
    """start_edge(domain(...), ..., **top-level settings) -> a ready Edge, stopped and checked after the test. Where the
    client's side is HTTP/2, the listener in plain text takes it by prior knowledge."""
    h2c = "transport" in request.fixturenames and request.getfixturevalue("transport").name == "h2"
    started = request.node.scenario_children = getattr(request.node, "scenario_children", [])
    edges = []

    def start(*domains, **settings):
        edge = Edge(tmp_path / f"edge{len(edges)}", domains, **{"h2c": h2c, **settings})
        edges.append(edge)
        started.append(edge)
        return edge.start()

    yield start
    for edge in reversed(edges):
        edge.stop()


@pytest.fixture
def start_node(request, tmp_path):
    """start_node(control={...}, **top-level settings) -> a ready Node (`fairlead run`) whose first operator is there."""
    started = request.node.scenario_children = getattr(request.node, "scenario_children", [])
    nodes = []

    def start(set_up=True, **settings):
        node = Node(tmp_path / f"node{len(nodes)}", **settings)
        nodes.append(node)
        started.append(node)
        node.start()
        if set_up:
            node.set_up()
        return node

    yield start
    for node in reversed(nodes):
        node.stop()


@pytest.fixture(scope="session")
def postgres_server():
    server = Postgres()
    yield server
    server.end()


@pytest.fixture
def postgres(postgres_server):
    """A PostgreSQL that runs when the test begins; a test may stop and start it."""
    if not postgres_server.running():
        postgres_server.start()
    return postgres_server


@pytest.fixture
def start_origin(request, tmp_path, ca):
    """start_origin(script, *arguments, tls=False) -> a running Origin."""
    started = request.node.scenario_children = getattr(request.node, "scenario_children", [])
    origins = []

    def start(script, *arguments, tls=False):
        origin = Origin(script, tmp_path / "origins", *arguments, ca=ca, tls=tls)
        origins.append(origin)
        started.append(origin)
        return origin

    yield start
    for origin in origins:
        origin.stop()


@pytest.fixture
def outside(request, tmp_path):
    """outside(class, *arguments, **named) -> a running server of harness/outside.py."""
    started = request.node.scenario_children = getattr(request.node, "scenario_children", [])
    servers = []

    def start(kind, *arguments, **named):
        server = kind(tmp_path / "outside", *arguments, **named)
        servers.append(server)
        started.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


class Way:
    """How a peer reaches an origin: through an edge over ws, wss, or wss over HTTP/2; or directly."""

    def __init__(self, scheme, port, host, edge, http2=False):
        self.scheme, self.port, self.host, self.edge, self.http2 = scheme, port, host, edge, http2
        self.http = {"ws": "http", "wss": "https"}[scheme]

    def run(self, script, *arguments, **settings):
        """run_client; over HTTP/2 the access log must agree that it was."""
        if not self.http2:
            return run_client(script, *arguments, **settings)
        result = run_client(script, *arguments, **settings, options=Http2.node)
        sessions = eventually(lambda: [r for r in self.edge.access_log() if r.get("session")], what="records of sessions")
        assert {(r["protocol"], r["method"]) for r in sessions} == {("h2", "CONNECT")}, sessions
        return result

    def url(self, path="/"):
        return f"{self.scheme}://{self.host}:{self.port}{path}"

    def http_url(self, path="/"):
        return f"{self.http}://{self.host}:{self.port}{path}"


@pytest.fixture
def reach(via, start_edge, ca):
    """reach(*origins, **domain settings) -> the Way of this test's parameter `via` to them."""

    def way(*origins, host="live.edge.test", **settings):
        if via == "direct":
            return Way("ws", origins[0].port, host, None)
        settings.setdefault("websocket", {}).setdefault("origin_scheme", "http")
        edge = start_edge(domain(host, *origins, ca=ca, **settings))
        if via == "ws":
            return Way("ws", edge.http, host, edge)
        return Way("wss", edge.https, host, edge, http2=via == "h2")

    return way
