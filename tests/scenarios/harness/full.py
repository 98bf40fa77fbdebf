"""A node with 10,000 domains of ten accounts. The accounts and the first domain come through the API. The others are copies
of that domain's row, written into the test's own SQLite file while the program is down: through the API they would be
20,000 writes, some two minutes."""

import contextlib
import json
import random
import sqlite3

from .edge import sanitized
from .wire import WireOrigin, echo

ACCOUNTS, EACH, ORIGINS = 10, 1000, 4


def name_of(account, number):
    return f"d{number:04}.account{account}.edge.test"


def settings_of(port, spare):
    """Four origins; the first is the only one that is ever asked."""
    origins = [{"host": "127.0.0.1", "http_port": port, "https_port": "off"}]
    origins += [{"host": f"10.{spare % 250}.{i}.1", "http_port": 8000 + i, "https_port": "off", "priority": "backup"}
                for i in range(1, ORIGINS)]
    return {"origins": origins, "websocket": {"origin_scheme": "http", "connection_timeout": f"{30 + spare % 3000}s"}}


def fill(node, accounts, template, port, each):
    """The domains, every tenth of them offline."""
    with sqlite3.connect(node.data / "fairlead.db") as database:
        cursor = database.execute("select * from domains where name = ?", (template,))
        columns = [c[0] for c in cursor.description]
        row = dict(zip(columns, cursor.fetchone()))
        database.execute("delete from domains where name = ?", (template,))
        chance = random.Random(4)
        made = []
        for a, account in enumerate(accounts):
            for n in range(each):
                made.append({**row, "id": f"{chance.getrandbits(128):032x}", "name": name_of(a, n), "account_id": account,
                             "state": "offline" if n % 10 == 9 else "online",
                             "settings": json.dumps(settings_of(port, a * each + n))})
        places = ", ".join("?" for _ in columns)
        database.executemany(f"insert into domains ({', '.join(columns)}) values ({places})",
                             [[m[c] for c in columns] for m in made])
    database.close()


@contextlib.asynccontextmanager
async def full_node(start_node):
    """A node that is down and full, with .customers, and how many domains each has."""
    each = 100 if sanitized() else EACH
    async with WireOrigin(echo) as origin:
        node = start_node()
        node.customers = [node.customer(f"Account {a}") for a in range(ACCOUNTS)]
        for customer in node.customers:
            node.activate(customer)
        node.online(node.customers[0], "template.edge.test", origin)
        assert node.terminate() == 0
        fill(node, [c.account for c in node.customers], "template.edge.test", origin.port, each)
        yield node, each
