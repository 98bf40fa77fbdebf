"""SIGHUP: one domain changes, the others do not notice; a bad file changes nothing; nothing is left behind."""

import asyncio

import pytest

from harness.edge import domain, sanitized
from harness.waiting import Stopwatch, eventually_async
from harness.wire import TEXT, WireOrigin, echo


class Sessions:
    """Many live echo sessions on one domain."""

    def __init__(self, transport, edge, host, count, tls=None):
        self.transport, self.edge, self.host, self.count, self.tls = transport, edge, host, count, tls

    async def __aenter__(self):
        port = self.edge.https if self.tls else self.edge.http
        self.contexts = [self.transport.open_session(port, host=self.host, tls=self.tls) for _ in range(self.count)]
        self.clients = []
        for at in range(0, self.count, 50):
            self.clients += await asyncio.gather(*(c.__aenter__() for c in self.contexts[at:at + 50]))
        return self

    async def __aexit__(self, *failure):
        for context in self.contexts:
            await context.__aexit__(None, None, None)

    async def all_alive(self, word):
        async def one(i, client):
            await client.text(f"{word}{i}")
            await client.expect(TEXT, f"{word}{i}".encode())

        await asyncio.gather(*(one(i, c) for i, c in enumerate(self.clients)))


async def test_500_sessions_of_other_domains_are_not_touched(transport, start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("a.edge.test", origin), domain("b.edge.test", origin))
        async with Sessions(transport, edge, "a.edge.test", 500) as untouched, Sessions(transport, edge, "b.edge.test", 20) as changed:
            await untouched.all_alive("before")
            assert edge.reload(edge.changed(lambda c: c["domains"][1].update(
                websocket={"enabled": False}))) == "applied"
            await asyncio.gather(*(c.expect_close(1001) for c in changed.clients))
            await untouched.all_alive("after")
            assert edge.metric("fairlead_sessions_open", domain="a.edge.test") == 500
            assert not [r for r in edge.whole_access_log() if r["domain"] == "a.edge.test"]


async def test_a_setting_of_one_domain_reaches_new_sessions_only(transport, start_edge):
    """A changed clock is for sessions that are opened from now on; those that live keep their policy."""
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("a.edge.test", origin))
        async with transport.open_session(edge.http, host="a.edge.test") as old:
            assert edge.reload(edge.changed(lambda c: c["domains"][0].update(
                websocket={"connection_timeout": "1s"}))) == "applied"
            async with transport.open_session(edge.http, host="a.edge.test") as new:
                await new.expect_close(1001, timeout=3)
            await old.text("still")
            await old.expect(TEXT, b"still")


@pytest.mark.timeout(300)  # 120 reloads of 50 certificates under a sanitizer on busy cores; what is judged is what they leave
async def test_100_reloads_leave_nothing_behind(transport, start_edge, ca):
    async with WireOrigin(handler=echo) as origin:
        names = [f"d{i}.edge.test" for i in range(50)]
        edge = start_edge(*(domain(n, origin, ca=ca, websocket={"origin_scheme": "http", "connection_timeout": "1h"})
                            for n in names))
        async with Sessions(transport, edge, names[0], 20) as plain, Sessions(transport, edge, names[1], 20, ca.client_context()) as over_tls:
            timeouts = iter(range(100, 1000))

            def again(times):
                for _ in range(times):
                    changed = edge.changed(lambda c: c["domains"][-1]["websocket"].update(
                        connection_timeout=f"{next(timeouts)}s"))
                    assert edge.reload(changed) == "applied"

            again(20)  # caches fill and arenas grow once
            rss, fds, threads = edge.rss(), edge.fds(), edge.threads()
            again(100)
            assert edge.threads() == threads
            await eventually_async(lambda: edge.fds() <= fds, what=f"{fds} file descriptors again")
            grown = edge.rss() - rss
            assert sanitized() or grown < 2 << 20, f"100 reloads cost {grown} bytes"
            await asyncio.gather(plain.all_alive("x"), over_tls.all_alive("y"))


async def test_a_bad_file_changes_nothing(transport, start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("a.edge.test", origin))
        good = edge.path.read_text()
        async with Sessions(transport, edge, "a.edge.test", 20) as sessions:
            revision = edge.revision()
            for text, said in [("listeners: [", "fairlead.yaml:"),
                               (good.replace("name: a.edge.test", "name: bad name"), "bad name"),
                               (good.replace("domains:", "domain:"), "domain"),
                               (good + "\nnonsense: 1\n", "nonsense"), ("", "listeners")]:
                assert edge.reload(file_text=text) == "refused", text[-200:]
                assert said in edge.log(), f"the log does not say {said!r}"
            assert edge.revision() == revision
            assert "fairlead.yaml:" in edge.log(), "the log does not say where"
            await sessions.all_alive("x")
            async with transport.open_session(edge.http, host="a.edge.test") as fresh:
                await fresh.text("new one")
                await fresh.expect(TEXT, b"new one")
            assert edge.reload(file_text=good.replace("a.edge.test", "c.edge.test")) == "applied"
            async with transport.open_session(edge.http, host="c.edge.test") as fresh:
                await fresh.text("applied")
                await fresh.expect(TEXT, b"applied")


async def test_a_changed_listener_is_left_as_it_was_and_said(transport, start_edge):
    from harness.ports import free_port
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(domain("a.edge.test", origin))
        other = free_port()

        def change(config):
            config["listeners"][0]["address"] = f"127.0.0.1:{other}"
            config["domains"].append(domain("b.edge.test", origin))

        assert edge.reload(edge.changed(change)) == "applied"
        async with transport.open_session(edge.http, host="b.edge.test") as client:
            await client.text("old port, new domain")
            await client.expect(TEXT, b"old port, new domain")
        assert "listener" in edge.log() and "restart" in edge.log()


async def test_a_thousand_domains_reload_in_under_a_second(transport, start_edge):
    async with WireOrigin(handler=echo) as origin:
        edge = start_edge(*(domain(f"d{i}.edge.test", origin) for i in range(1000)))
        config = edge.changed(lambda c: c["domains"][500].update(websocket={"enabled": False}))
        edge.write(config)
        since = Stopwatch()
        assert edge.reload(config) == "applied"
        assert sanitized() or since.seconds < 1.5, since.seconds  # 0.5 s of it are allowed to writing the file here
        answer = await transport.fetch(edge.http, host="d999.edge.test")
        assert answer.status == 200
