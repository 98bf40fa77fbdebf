"""R27, R28: the API on PostgreSQL. The flows of test_control_switch.py again, word for word, on the other engine."""

import itertools

import pytest

from harness.control_store import differences, in_force, rows
from harness.ports import free_port
from test_control_switch import (test_a_certificate_is_replaced_under_live_sessions,  # noqa: F401
                                 test_from_an_account_to_a_session_and_back)

numbers = itertools.count(1)


@pytest.fixture
def start_node(start_node, postgres):
    """As the one it hides; its store is in PostgreSQL."""
    return lambda **settings: start_node(control={"database": postgres.make(f"api{next(numbers)}")}, **settings)


def test_everything_lies_in_postgresql(start_node):
    """Domains, configurations and tokens that one process made, another finds; nothing is beside the database."""
    node = start_node()
    assert not (node.data / "fairlead.db").exists()
    customer = node.customer("Customer")
    node.activate(customer)
    customer.post("/v1/layer7-configs", {"name": "shared", "settings": {"keepalive_timeout": "10s"}}).ok(201)
    node.online(customer, "live.edge.test", free_port())
    changed = customer.patch("/v1/domains/live.edge.test", {"layer7_config": "shared"}).ok(200)
    assert changed["effective"]["layer7"]["keepalive_timeout"] == "10s"
    node.live(changed["policy_change"])
    assert rows(node, "select name, state, revision from domains") == [["live.edge.test", "online", str(changed["revision"])]]
    assert node.terminate() == 0
    node.start()
    in_force(node)
    assert customer.get("/v1/domains/live.edge.test").ok(200) == changed
    assert differences(node) == {}
    # A name that is taken, a revision that is old, a search: where the engines' words differ.
    customer.post("/v1/domains", {"name": "LIVE.edge.test"}).refused(409, "name_taken")
    customer.patch("/v1/domains/live.edge.test", {"layer7_config": None}, if_match='"1"').refused(412, "revision_conflict")
    assert [d["name"] for d in customer.get("/v1/domains?search=E.EDGE").ok(200)["items"]] == ["live.edge.test"]
    assert customer.get("/v1/domains?search=%25").ok(200)["items"] == []
