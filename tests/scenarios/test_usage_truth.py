"""R19, R21, R23, the truth test: clients and origins that count every byte, frame and message themselves, for as long as
FAIRLEAD_TRUTH_S says (40 s; ten minutes by hand, with FAIRLEAD_TRUTH_CLIENTS=500 and FAIRLEAD_TRUTH_QUIET_S=4), with
reloads, policy changes, timeouts, refusals, clients and origins that are killed. Afterwards statistics, access log, metrics
and the bill say exactly the same, for every partition: by domain, region, ISP and interval."""

import asyncio
import os
import random
import signal
import time
from collections import Counter

from harness.edge import sanitized
from harness.ports import free_port
from harness.truth import QUIET_S, Http2, Origin, Truth, Wire, away_from_boundaries, get_h1, open_h1
from harness.waiting import eventually

SECONDS = float(os.environ.get("FAIRLEAD_TRUTH_S", "10" if sanitized() else "40"))
CLIENTS = int(os.environ.get("FAIRLEAD_TRUTH_CLIENTS", "24"))
SEED = int(os.environ.get("FAIRLEAD_TRUTH_SEED", "5"))
LIVE, QUOTES, OFF = "live.edge.test", "quotes.edge.test", "off.edge.test"
PAUSE_S = 0.6 * max(1, CLIENTS / 60)  # longest between two messages of a client: all of them are one process
# connection_timeout of QUOTES: more than a session rests, also at a boundary, after which all want to speak at once.
IDLE_S = round(3 + 2 * QUIET_S + 3 * PAUSE_S)
PLACES = {"198.51.100.": ("CN-GD", "Example Telecom"), "203.0.113.": ("DE", "Example Telecom"), "192.0.2.": ("DE", "Example Mobile"),
          "100.64.7.": ("unknown", "unknown")}
TABLE = "networks:\n" + "".join(f"  - {{ cidr: {net}0/24, region: {region}, isp: {isp} }}\n"
                                for net, (region, isp) in PLACES.items() if region != "unknown")
TARIFF = {"day": {"mode": "graduated", "tiers": [{"price": 1000}]}}
PRICES = {"effective": "2026-01-01", "currency": "USD", "traffic": TARIFF, "bandwidth": TARIFF}


class Crowd:
    def __init__(self, node, ports, context, truth, rng):
        self.node, self.ports, self.context, self.truth, self.rng = node, ports, context, truth, rng
        self.until = time.monotonic() + SECONDS
        self.lives = Counter()

    def over(self):
        return time.monotonic() > self.until

    async def connect(self, host, tls, alpn=(), meters=("wire_in", "wire_out")):
        net = self.rng.choice(list(PLACES))
        wire = Wire(self.truth.book((host, *PLACES[net])), meters)
        return await wire.connect(self.ports[tls], f"{net}{self.rng.randrange(1, 250)}", host, self.context() if tls else None, alpn)

    async def chat(self, session):
        for _ in range(self.rng.randrange(1, 12)):
            await away_from_boundaries()
            size = self.rng.choice((0, 1, 20, 125, 126, 900, 5000, 66000 if self.rng.random() < 0.2 else 60))
            if self.rng.random() < 0.2:
                await session.ping()
            pieces = [os.urandom(size)] if self.rng.random() < 0.8 else [os.urandom(size), b"", os.urandom(7)]
            await session.exchange(self.rng.choice((1, 2)) if size == 0 else 2, pieces)
            await asyncio.sleep(self.rng.random() * PAUSE_S)
            if self.over():
                break

    async def chat_and_close(self, session):
        await self.chat(session)
        await away_from_boundaries()
        await session.close()

    async def life(self, kind):
        rng, tls = self.rng, self.rng.random() < 0.5
        await away_from_boundaries()
        if kind == "page":
            wire = await self.connect(LIVE, tls, meters=("http_wire_in", "http_wire_out"))
            for _ in range(rng.randrange(1, 5)):
                await away_from_boundaries()
                await get_h1(wire, LIVE, rng.choice((0, 10, 3000, 70000)))
            return await wire.finish()
        if kind == "refused":
            wire = await self.connect(OFF, tls)
            await open_h1(wire, OFF, status=403)
            return await wire.finish()
        if kind == "http2":
            wire = await self.connect(LIVE, True, alpn=("h2",))
            connection = await Http2(wire).start()
            sessions = [await connection.open(LIVE) for _ in range(rng.randrange(1, 4))]
            await asyncio.gather(*(self.chat_and_close(session) for session in sessions))
            return await connection.finish()
        host = QUOTES if kind == "timeout" else LIVE
        wire = await self.connect(host, tls)
        session = await open_h1(wire, host)
        await self.chat(session)
        await away_from_boundaries()
        if kind == "closes":
            await session.close()
        elif kind == "client_killed":
            session.add("closed:connection_lost")
            return wire.reset()
        elif kind == "origin_killed":
            session.add("messages_in")
            session.say(2, b"die")
            session.add("closed:connection_lost")
        else:
            # Neither the last words nor the timeout may come near a boundary.
            while -QUIET_S - 1 < time.time() % 300 + IDLE_S - 300 < QUIET_S + 1:
                await session.ping()
                await asyncio.sleep(0.4)
            await session.await_timeout()
        await wire.finish()

    async def client(self):
        kinds = ["closes"] * 5 + ["client_killed", "origin_killed", "timeout", "refused", "page", "http2", "http2"]
        while not self.over():
            kind = self.rng.choice(kinds)
            await asyncio.wait_for(self.life(kind), 120)
            self.lives[kind] += 1

    async def disturb(self, customer):
        """Reloads, and changes of a policy that touch the domains without touching what is counted."""
        step = 0
        while not self.over():
            await asyncio.sleep(SECONDS / 9)
            step += 1
            if step % 2:
                self.node.process.send_signal(signal.SIGHUP)
            else:
                limits = {"limits": {"max_sessions": 100000 + step}}
                await asyncio.to_thread(customer.patch, f"/v1/domains/{LIVE}", {"settings": limits})

    async def run(self, customer):
        tasks = [asyncio.create_task(self.client()) for _ in range(CLIENTS)] + [asyncio.create_task(self.disturb(customer))]
        await asyncio.gather(*tasks)
        # Each kind of life at least once, however short the test.
        for kind in ("closes", "client_killed", "origin_killed", "timeout", "refused", "page", "http2"):
            if not self.lives[kind]:
                await self.life(kind)


def traffic_of(customer, meter="websocket", domain=None):
    query = f"?meter={meter}&group=region_and_isp&interval=300" + (f"&domain={domain}" if domain else "")
    return customer.get("/v1/statistics/traffic" + query).ok(200)["series"]


def check_traffic(customer, truth, domain):
    """Every interval of every region and ISP."""
    names = {"bytes_in": "bytes_in", "bytes_out": "bytes_out", "wire_bytes_in": "wire_in", "wire_bytes_out": "wire_out",
             "messages_in": "messages_in", "messages_out": "messages_out", "sessions_opened": "opened"}
    seen, wrong = set(), []
    for series in traffic_of(customer, domain=domain):
        for point in series["points"]:
            at = int(time.mktime(time.strptime(point["time"] + "UTC", "%Y-%m-%dT%H:%M:%SZ%Z")) - time.timezone)
            for said, counted in names.items():
                want = truth.total(counted, domain=domain, region=series["region"], isp=series["isp"], at=at)
                if point[said] != want:
                    wrong.append((domain, series["region"], series["isp"], point["time"], said, point[said], want))
        seen.add((series["region"], series["isp"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert seen == {(r, i) for (d, r, i), counts in truth.counts.items() if d == domain and any("http" not in m for _, m in counts)}


def test_everybody_counts_the_same(start_node, ca, tmp_path):
    print(f"seed {SEED}")
    table = tmp_path / "networks.yaml"
    table.write_text(TABLE)
    ports = {False: free_port(), True: free_port()}
    from_here = {"proxy_protocol": {"from": ["127.0.0.0/8"]}}
    node = start_node(listeners=[{"address": f"127.0.0.1:{ports[False]}", "protocol": "http", **from_here},
                                 {"address": f"127.0.0.1:{ports[True]}", "protocol": "https", **from_here}],
                      geo={"table": str(table)})
    customer = node.customer("Acme")
    node.activate(customer)
    node.operator.post("/v1/price-books", PRICES).ok(201)
    customer.post("/v1/billing/method", {"method": "traffic", "period": "day"}).ok(200)
    leaf = ca.leaf("ec")
    customer.post("/v1/certificates", {"name": "edge", "chain": leaf.chain.read_text(), "key": leaf.key.read_text()}).ok(201)
    truth = Truth()
    rng = random.Random(SEED)

    async def story():
        origin = await Origin().start()
        websocket = {"origin_scheme": "http"}

        def furnish():
            node.online(customer, LIVE, origin.port, websocket=websocket)
            node.online(customer, QUOTES, origin.port, websocket={**websocket, "connection_timeout": f"{IDLE_S}s"})
            node.online(customer, OFF, origin.port, websocket={**websocket, "enabled": False})
            for host in (LIVE, QUOTES, OFF):
                node.live(customer.patch(f"/v1/domains/{host}", {"certificates": ["edge"]}).ok(200)["policy_change"])
        await asyncio.to_thread(furnish)
        crowd = Crowd(node, ports, ca.client_context, truth, rng)
        await crowd.run(customer)
        origin.server.close()
        return crowd.lives

    lives = asyncio.run(story())
    print(dict(lives))
    opened, closed = truth.total("opened"), sum(truth.total(f"closed:{c}") for c in ("closing_handshake", "connection_lost", "connection_timeout"))
    assert opened == closed > 0

    def settled():
        total = [s["total"] for s in customer.get("/v1/statistics/sessions").ok(200)["series"]]
        return bool(total) and total[0]["closed"] == closed
    eventually(settled, 60, "the end of every session in the statistics")
    eventually(lambda: sum(s["total"]["requests"] for s in traffic_of(customer, "http")) == truth.total("requests:200"), 30, "every request")

    # Statistics, to the byte, in every partition.
    for domain in (LIVE, QUOTES, OFF):
        check_traffic(customer, truth, domain)
        causes = Counter()
        for series in customer.get(f"/v1/statistics/sessions?domain={domain}").ok(200)["series"]:
            causes.update(series["total"]["closed_by_cause"])
        want = {c: truth.total(f"closed:{c}", domain=domain) for c in ("closing_handshake", "connection_lost", "connection_timeout")}
        assert dict(causes) == {c: n for c, n in want.items() if n}
        codes = {c["code"]: c["count"] for s in customer.get(f"/v1/statistics/http-codes?domain={domain}").ok(200)["series"] for c in s["codes"]}
        assert codes == {c: n for c in (101, 200, 403) if (n := truth.total(f"handshake:{c}", domain=domain))}
    pages = [s["total"] for s in traffic_of(customer, "http", LIVE)]
    for said, counted in (("bytes_out", "http_out"), ("wire_bytes_in", "http_wire_in"), ("wire_bytes_out", "http_wire_out")):
        assert sum(p[said] for p in pages) == truth.total(counted), said

    # The access log.
    for domain in (LIVE, QUOTES):
        for region, isp in {(r, i) for d, r, i in truth.counts if d == domain}:
            lines = [r for r in node.access_log() if r.get("session") and (r["domain"], r["region"], r["isp"]) == (domain, region, isp)]
            where = {"domain": domain, "region": region, "isp": isp}
            for field in ("bytes_in", "bytes_out", "frames_in", "frames_out", "messages_in", "messages_out"):
                assert sum(r[field] for r in lines) == truth.total(field, **where), (where, field)
            assert len(lines) == truth.total("opened", **where)

    # Metrics.
    for domain in (LIVE, QUOTES):
        for direction, way in (("to_origin", "in"), ("to_client", "out")):
            for metric, counted in (("bytes", "bytes"), ("wire_bytes", "wire"), ("frames", "frames"), ("messages", "messages")):
                value = node.metric(f"fairlead_session_{metric}_total", domain=domain, direction=direction)
                assert value == truth.total(f"{counted}_{way}", domain=domain), (domain, metric, direction)

    # The bill, of the account's running day.
    def billed():
        bills = customer.get("/v1/running-bills").ok(200)["items"]
        return sum(charge["bytes"] for item in bills for charge in item["bill"]["charges"])
    assert billed() == truth.total("bytes_out")
