"""R24, R21: region and ISP of a client's address, out of MaxMind's files and the operator's table, in the access log and in the
statistics; and files that are replaced while sessions are open."""

import asyncio
import os
import signal

from harness.mmdb import ASN, CITY, country, write_mmdb
from harness.ports import free_port
from harness.truth import Origin, Truth, Wire, away_from_boundaries, get_h1, open_h1
from harness.waiting import eventually, eventually_async

HOST, OTHER = "live.edge.test", "quotes.edge.test"
TABLE = """networks:
  - { cidr: 10.1.0.0/16, region: CN-GD, isp: office }
  - { cidr: [ 198.51.100.64/26, "2001:db8:2::/48" ], isp: Example Mobile }
  - { cidr: 192.0.2.240/28, region: unknown }
"""
PLACES = {
    "192.0.2.1": ("CN-GD", "Example Telecom"),
    "192.0.2.200": ("CN-BJ", "Example Telecom"),
    "192.0.2.241": ("unknown", "Example Telecom"),  # by the table's word
    "198.51.100.5": ("NO", "AS64501"),
    "198.51.100.70": ("NO", "Example Mobile"),
    "203.0.113.7": ("DE-BE", "Example ISP"),
    "203.0.113.8": ("unknown", "Example ISP"),
    "10.1.2.3": ("CN-GD", "office"),
    "10.2.2.3": ("unknown", "unknown"),  # private: the files are not asked
    "100.64.7.7": ("unknown", "unknown"),
    "2001:db8::7": ("CN-SH", "Example Telecom"),
    "2001:db8:2::7": ("CN-SH", "Example Mobile"),
    "2001:db8:1::7": ("FR", "Example Telecom"),
    "::ffff:192.0.2.1": ("CN-GD", "Example Telecom"),
}
KEYS = ("bytes_in", "bytes_out", "messages_in", "messages_out", "sessions_opened", "wire_bytes_in", "wire_bytes_out")
COUNTED = ("bytes_in", "bytes_out", "messages_in", "messages_out", "opened", "wire_in", "wire_out")


def furnished(start_node, tmp_path):
    """A node with the three files, which takes a client's word for where it comes from."""
    city, asn, table = (tmp_path / name for name in ("city.mmdb", "asn.mmdb", "networks.yaml"))
    write_mmdb(city, CITY)
    write_mmdb(asn, ASN)
    table.write_text(TABLE)
    port = free_port()
    node = start_node(listeners=[{"address": f"127.0.0.1:{port}", "protocol": "http", "proxy_protocol": {"from": ["127.0.0.0/8"]}}],
                      geo={"city": str(city), "asn": str(asn), "table": str(table), "region": "subdivision"})
    customer = node.customer("Comments Ltd")
    node.activate(customer)
    return node, customer, port, (city, asn, table)


async def come(truth, port, address, place, host=HOST):
    """A session from that address, which is booked where the caller says that it belongs."""
    wire = await Wire(truth.book((host, *place))).connect(port, address, host)
    return wire, await open_h1(wire, host)


async def leave(wire, session):
    await session.close()
    await wire.finish()


def check_statistics(customer, truth, hosts):
    """By region and by ISP, one and both, grouped and filtered, of one domain and of all: what was booked."""
    def told(query):
        return customer.get(f"/v1/statistics/traffic?{query}").ok(200)["series"]

    def want(**where):
        return tuple(truth.total(c, **where) for c in COUNTED)
    booked = {key for key, counts in truth.counts.items() if any(n for (_, meter), n in counts.items() if meter in COUNTED)}
    for host in [None, *hosts]:
        of = {} if host is None else {"domain": host}
        query = "" if host is None else f"domain={host}&"
        places = {(r, i) for d, r, i in booked if host in (None, d)}
        for group, keys in (("region_and_isp", places), ("region", {(r, None) for r, _ in places}), ("isp", {(None, i) for _, i in places})):
            got = {(s.get("region"), s.get("isp")): tuple(s["total"][k] for k in KEYS) for s in told(f"{query}group={group}")}
            wanted = {(r, i): want(**of, **({"region": r} if r else {}), **({"isp": i} if i else {})) for r, i in keys}
            assert got == wanted, (host, group)
            ranking = customer.get(f"/v1/statistics/regions-and-isps?{query}group={group}").ok(200)
            assert {(i.get("region"), i.get("isp")): tuple(i[k] for k in KEYS) for i in ranking["items"]} == wanted
            ranked = [i["bytes_out"] for i in ranking["items"]]
            assert ranked == sorted(ranked, reverse=True) and sum(i["share"] for i in ranking["items"]) == 10000
        for region, isp in places:
            for names in (("region",), ("isp",), ("region", "isp")):
                where = {name: {"region": region, "isp": isp}[name] for name in names}
                text = "&".join(f"{name}={value.replace(' ', '%20')}" for name, value in where.items())
                [series] = told(query + text)
                assert tuple(series["total"][k] for k in KEYS) == want(**of, **where), (host, where)
        [nowhere] = told(query + "region=XX")
        assert not any(nowhere["total"].values())


def check_access_log(node, truth):
    log = [r for r in node.access_log() if r.get("session")]
    for domain, region, isp in truth.counts:
        lines = [r for r in log if (r["domain"], r["region"], r["isp"]) == (domain, region, isp)]
        for field in ("bytes_in", "bytes_out", "messages_in", "messages_out"):
            assert sum(r[field] for r in lines) == truth.total(field, domain=domain, region=region, isp=isp), (domain, region, isp)
    assert len(log) == truth.total("opened")


def settled(node, customer, truth):
    """Waits until the statistics have the end of every session; the figures are compared afterwards."""
    def closed():
        return sum(s["total"]["closed"] for s in customer.get("/v1/statistics/sessions").ok(200)["series"]) == truth.total("opened")
    eventually(closed, 60, "the end of every session in the statistics")
    assert node.metric("fairlead_usage_lost_records_total") == 0


def test_everybody_is_counted_where_the_files_say(start_node, tmp_path):
    node, customer, port, _ = furnished(start_node, tmp_path)
    truth, pages = Truth(), Truth()

    async def story():
        origin = await Origin().start()
        for host in (HOST, OTHER):
            await asyncio.to_thread(node.online, customer, host, origin.port)

        async def client(at, address, place):
            host = HOST if at % 3 else OTHER
            wire, session = await come(truth, port, address, place, host)
            for n in range(1 + at % 3):
                await away_from_boundaries()
                await session.exchange(2, [os.urandom(100 * (at + 1) + n)])
            await away_from_boundaries()
            await leave(wire, session)
            page = await Wire(pages.book((host, *place)), ("http_wire_in", "http_wire_out")).connect(port, address, host)
            await get_h1(page, host, 10 * (at + 1))
            await page.finish()
        await asyncio.gather(*(client(at, *item) for at, item in enumerate(PLACES.items())))
        origin.server.close()
    asyncio.run(story())
    settled(node, customer, truth)
    check_statistics(customer, truth, (HOST, OTHER))
    check_access_log(node, truth)
    by_client = {r["client"]: (r["region"], r["isp"]) for r in node.access_log()}
    assert {a.removeprefix("::ffff:"): p for a, p in PLACES.items()} == {a.removeprefix("::ffff:"): p for a, p in by_client.items()}
    # Ordinary HTTP by the same word.
    def requests():
        series = customer.get("/v1/statistics/traffic?meter=http&group=region_and_isp").ok(200)["series"]
        return {(s["region"], s["isp"]): (s["total"]["requests"], s["total"]["bytes_out"]) for s in series if s["total"]["requests"]}
    wanted = {place: tuple(pages.total(m, region=place[0], isp=place[1]) for m in ("requests:200", "http_out")) for place in PLACES.values()}
    eventually(lambda: requests() == wanted, 30, "every request in its place")


def test_files_that_are_replaced_are_for_those_who_come_then(start_node, tmp_path):
    node, customer, port, (city, asn, table) = furnished(start_node, tmp_path)
    truth = Truth()
    here, there = "192.0.2.1", "198.51.100.5"
    before = {address: PLACES[address] for address in (here, there)}

    def logged(text):
        return node.log().count(text)

    async def talk(*sessions):
        await away_from_boundaries()
        for session in sessions:
            await session.exchange(1, [b"x" * 500])

    async def expect(places):
        """Who comes now is there; and leaves."""
        for address, place in places.items():
            wire, session = await come(truth, port, address, place)
            await talk(session)
            await leave(wire, session)

    async def story():
        origin = await Origin().start()
        await asyncio.to_thread(node.online, customer, HOST, origin.port)
        staying = [await come(truth, port, *item) for item in before.items()]
        await talk(*(s for _, s in staying))

        # The table and a database, both new, found by looking.
        write_mmdb(city, {**CITY, "198.51.100.0/24": country("SE")})
        fresh = table.with_suffix(".new")
        fresh.write_text("networks: [ { cidr: 192.0.2.0/25, region: Old Town, isp: Tramway } ]\n")
        fresh.rename(table)
        await eventually_async(lambda: logged("geo: the files have changed and are in use"), 30, "the new files")
        after = {here: ("Old Town", "Tramway"), there: ("SE", "AS64501")}
        await talk(*(s for _, s in staying))  # who is there stays where it came from
        await expect(after)

        # A table with a mistake, and then a database that was cut off: what there was stays, and the log says why, once.
        table.write_text("networks: [ { cidr: 192.0.2.0/33, region: Nowhere } ]\n")
        stays = "geo: regions and ISPs are looked up in the files as they were before"
        await eventually_async(lambda: logged(stays) == 1, 30, "what is wrong with the table")
        assert f"{table}:1" in node.log() and logged("Nowhere") == 0
        await expect(after)
        table.write_text("networks: []\n")
        whole = asn.read_bytes()
        asn.write_bytes(whole[:len(whole) // 2])
        node.signal(signal.SIGHUP)  # now, not when somebody looks
        await eventually_async(lambda: logged(stays) == 2, 30, "what is wrong with the database")
        assert str(asn) in node.log()
        await expect(after)
        await talk(*(s for _, s in staying))

        # Mended.
        asn.write_bytes(whole)
        used = logged("geo: the files have changed and are in use")
        await eventually_async(lambda: logged("geo: the files have changed and are in use") > used, 30, "the mended files")
        await expect({here: PLACES[here], there: ("SE", "AS64501")})
        assert logged(stays) == 2
        for wire, session in staying:
            await talk(session)
            await leave(wire, session)
        origin.server.close()

    asyncio.run(story())
    settled(node, customer, truth)
    check_statistics(customer, truth, (HOST,))
    check_access_log(node, truth)
