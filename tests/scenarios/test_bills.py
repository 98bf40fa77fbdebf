"""R18-R20 through the real binary: from the choice of a billing method to bills that come out the same again, over the API
and the command line. Days are made to have passed by setting the dates in the store back while the program is down; the
usage of those days is written there as ingestion writes it."""

import contextlib
import csv
import io
import json
import re
import sqlite3

from harness.control_store import rows
from harness.edge import ROOT
from harness.past import DAY, GB, date, number
from harness.shell import Shell
from harness.waiting import eventually

BYTES_OUT, WIRE_BYTES_OUT = 4, 6  # of src/model/usage.h
PRICES = """
effective: 2026-01-01
currency: USD
traffic:
  day:
    mode: graduated
    tiers:
      - up_to: 10
        price: 240000
      - price: 200000
bandwidth:
  day:
    mode: graduated
    tiers:
      - price: 500000
"""


def point(bytes_out, wire_bytes_out, key=0):
    """The text of one interval: of all (0), or of region 1, ISP 1 and way 1 alone (1)."""
    counts = [number(bytes_out + 1), number(wire_bytes_out + 1)]
    return "".join([number(1), number(1), number(1), number(2), number(1 + key) * 3, number(BYTES_OUT), number(len(counts[0])), counts[0],
                    number(WIRE_BYTES_OUT - BYTES_OUT), number(len(counts[1])), counts[1]])


def test_from_the_method_to_the_bill(start_node, tmp_path):
    node = start_node()
    op, customer, stranger = node.operator, node.customer("Acme"), node.customer("Other")
    shell = Shell(node, tmp_path / "operator")
    shell.env["FAIRLEAD_TOKEN"] = op.token
    node.activate(customer)
    domain = customer.post("/v1/domains", {"name": "live.bills.test"}).ok(201)

    # Prices by the command line; the gate, where the operator demands a method.
    shell("prices", "set", shell.file("prices.yaml", PRICES)).has("is in effect from 2026-01-01 on")
    shell("prices", "set", shell.file("again.yaml", PRICES), status=1).has("prices are in effect already")
    shell("policy", "set", "--billing-required", "on").has("Gate: billing method yes")
    assert shell.json("policy", "show")["gates"]["activation"] is True
    def gates():
        return {g["code"]: g["met"] for g in customer.get("/v1/domains/live.bills.test/gates").ok(200)["websocket"]}
    assert gates()["billing_method"] is False
    assert customer.get("/v1/billing").ok(200)["current"] is None
    customer.post("/v1/billing/method", {"method": "traffic", "period": "month"}).refused(409, "wrong_state")  # has no price
    chosen = customer.post("/v1/billing/method", {"method": "traffic", "period": "day"}).ok(200)
    assert chosen["current"]["method"] == "traffic" and chosen["pending"] is None and gates()["billing_method"] is True
    pending = customer.post("/v1/billing/method", {"method": "bandwidth", "period": "day"}).ok(200)["pending"]
    assert pending["effective"].endswith("T00:00:00.000Z")
    shell("bills", "method", "--account", "Acme").has("Will be billed by bandwidth")
    shell("bills", "cancel", "--account", "Acme").has("Will be billed by -")
    customer.post("/v1/billing/cancel", {}).refused(409, "wrong_state")

    # A resource pack of 4 GB.
    shell("packs", "offer", "four", "--bytes", 4 * GB, "--days", 30, "--currency", "USD", "--price", 1_500_000).has("four is on sale")
    customer.post("/v1/resource-packs", {"product_id": shell.json("packs", "products")[0]["id"]}).refused(403, "forbidden")
    shell("packs", "buy", "four", "--account", "Acme").has("is bought: 4000000000 bytes until")
    pack = customer.get("/v1/resource-packs").ok(200)["items"][0]
    stranger.get(f"/v1/resource-packs/{pack['id']}").refused(404, "not_found")

    # All of it becomes three days older; on the day before yesterday 25 GB passed, 15 of them in five minutes.
    assert node.terminate() == 0
    database = sqlite3.connect(node.data / "fairlead.db")
    with contextlib.closing(database), database:
        chosen_ms = database.execute("select effective_ms from billing_methods").fetchone()[0]
        midnight = chosen_ms // 1000 // DAY * DAY
        database.execute("update billing_methods set effective_ms = effective_ms - ?", (3 * DAY * 1000,))
        database.execute("update packs set from_day = ?", (date(midnight - 3 * DAY),))
        day = midnight - 2 * DAY
        database.execute("insert or ignore into usage_names (number, name) values (1, 'unknown')")
        for at, size in ((day, 10 * GB), (day + DAY - 300, 15 * GB), (midnight - DAY, GB)):
            database.execute("insert into usage_open (at_s, domain_id, total, body) values (?, ?, ?, ?)",
                             (at, domain["id"], point(size, size + size // 10), point(size, size + size // 10, 1)))
    node.start()
    eventually(lambda: node.api().get("/v1/login").status == 401, 20, "the API")
    eventually(lambda: customer.get("/v1/bills").ok(200)["total"] >= 1, 20, "the bill")

    # 25 GB, of which the pack covers 4: ten at 0.24, eleven at 0.20. By bandwidth: 400 Mbit/s at 0.50.
    first = customer.get("/v1/bills").ok(200)["items"][-1]
    assert (first["number"], first["from"], first["to"], first["amount"]) == (1, date(day), date(day), 4_600_000), first
    bill = customer.get("/v1/bills/1").ok(200)
    assert [(line["tier"], line["quantity"], line["amount"]) for line in bill["charges"][0]["lines"]] == [
        (1, 10 * GB, 2_400_000), (2, 11 * GB, 2_200_000)]
    assert bill["charges"][0]["pack_bytes"] == 4 * GB and bill["days"][0]["bytes"] == 25 * GB
    assert bill["days"][0]["peak_bps"] == 400_000_000 and bill["what_if"] is not None
    assert (bill["what_if"]["method"], bill["what_if"]["amount"]) == ("bandwidth", 200_000_000)
    assert customer.get("/v1/bills/1/recompute").ok(200) == {"number": 1, "equal": True, "days_from_usage": 1, "days_from_store": 0}
    assert customer.get(f"/v1/resource-packs/{pack['id']}").ok(200)["state"] == "used_up"
    stranger.get("/v1/bills/1").refused(404, "not_found")
    stranger.get("/v1/bills/1/recompute").refused(404, "not_found")
    table = list(csv.DictReader(io.StringIO(customer.get("/v1/bills/1/csv").text)))
    assert sum(int(row["amount_micro"]) for row in table) == bill["amount"]

    # The page's example is one of these.
    (example,) = (json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", (ROOT / "docs" / "billing.md").read_text(), re.M | re.S))
    ids = {"account_id": example["account_id"], "issued": example["issued"]}
    told = json.loads(json.dumps(bill).replace(bill["charges"][0]["price_book"], example["charges"][0]["price_book"])
                      .replace(date(day), "2026-11-19").replace(date(day + DAY), "2026-11-20"))
    told.update(ids)
    assert told == example

    # The same at the command line.
    shell("bills", "list", "--account", "Acme").has("Acme", "4.600000 USD")
    shell("bills", "show", 1).has("Amount 4.600000 USD", "It would have been 200.000000 USD by bandwidth", "0.240000")
    assert shell("bills", "show", 1, "--csv").out.splitlines()[0].startswith("bill,kind,method")
    shell("bills", "check", 1).has("the same, byte for byte: 1 days from usage")
    shell("bills", "running", "--account", "Acme").has("Period day")
    shell("packs", "ledger", pack["id"]).has("pack.bought", "pack.used", f"day:{date(day)}")
    shell("packs", "list", "--account", "Acme").has("used_up")
    shell("packs", "forecast", "--account", "Acme").has("Left 0")
    # Debits are credits, over all rows; money and bytes.
    for unit, in rows(node, "select distinct unit from ledger"):
        moved = rows(node, f"select account, sum(amount) from (select debit account, amount from ledger where unit = '{unit}' "
                           f"union all select credit, -amount from ledger where unit = '{unit}') m group by account")
        assert sum(int(amount) for _, amount in moved) == 0
    assert ["receivable", "6100000"] in rows(node, "select 'receivable', sum(case debit when 'receivable' then amount else -amount end) "
                                                   "from ledger where unit = 'USD' and 'receivable' in (debit, credit) "
                                                   "and reference in ('bill:1', 'pack:" + pack["id"] + "')")
    # What was issued stays as it is, whoever starts again.
    before = customer.get("/v1/bills/1").text
    node.restart(kill=True)
    assert customer.get("/v1/bills/1").text == before
    assert [b["number"] for b in customer.get("/v1/bills").ok(200)["items"]] == sorted(
        (b["number"] for b in customer.get("/v1/bills").ok(200)["items"]), reverse=True)
