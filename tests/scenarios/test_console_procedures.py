"""R25: the documents' own procedures, step by step in Chromium and in both languages, each click checked by a real client.

A test prepares a node and tells a story of console/ what it has; the story fails for whatever the console does that it must
not (console/console.cjs)."""

import json

import pytest

from harness.control import PASSWORD
from harness.edge import SLOWNESS
from harness.furnished import Furnished
from harness.outside import Dns, Sites
from harness.ports import free_port
from harness.process import run_client

OPERATOR, CUSTOMER, HOST = "operator@fairlead.test", "customer@example.com", "live.edge.test"

pytestmark = [pytest.mark.parametrize("language", ["en", "zh-CN"]), pytest.mark.timeout(200 * SLOWNESS)]


def tell(story, node, language, ca=None, **more):
    asked = {"port": node.admin, "http": node.http, "language": language, "password": PASSWORD, **more}
    return run_client(f"../console/{story}.cjs", json.dumps(asked), ca=ca, timeout=170 * SLOWNESS, cwd=node.folder)


def test_the_first_operator_by_the_printed_link(start_node, language):
    node = start_node(set_up=False)
    tell("first_start", node, language, setup=f"http://127.0.0.1:{node.admin}/setup#{node.first_operator_key()}")


def with_customer(node, **more):
    """A customer whose account is activated; signs in as CUSTOMER."""
    customer = node.customer("Example Live", email=CUSTOMER, **more)
    node.activate(customer)
    return customer


def test_the_websocket_procedure_of_the_documents(start_node, start_origin, ca, language):
    origin = start_origin("both_schemes.cjs", tls=True)
    http, https = free_port(), free_port()
    node = start_node(listeners=[{"address": f"127.0.0.1:{http}", "protocol": "http"}, {"address": f"127.0.0.1:{https}", "protocol": "https"}])
    node.http = http
    customer = with_customer(node)
    leaf = ca.leaf("ec")
    customer.post("/v1/certificates", {"name": "site", "chain": leaf.chain.read_text(), "key": leaf.key.read_text()}).ok(201)
    node.online(customer, HOST, origin, websocket={"enabled": False}, origin_tls={"ca_file": ca.cert.read_text()},
                origins=[{"host": "127.0.0.1", "http_port": origin.port, "https_port": origin.hello["https_port"]}])
    node.live(customer.patch(f"/v1/domains/{HOST}", {"certificates": ["site"]}).ok(200)["policy_change"])
    tell("websocket_procedure", node, language, ca, customer=CUSTOMER, host=HOST, https=https)


def test_apply_approve_configure(start_node, start_origin, outside, language):
    dns, sites = outside(Dns), outside(Sites)
    dns.set(**{HOST: {"A": ["127.0.0.1"]}})
    node = start_node(control={"resolvers": [f"127.0.0.1:{dns.port}"], "ownership_allow_private": True, "ownership_http_port": sites.port})
    node.customer("Example Live", email=CUSTOMER)
    tell("activation", node, language, customer=CUSTOMER, operator=OPERATOR, account="Example Live", host=HOST, sites=str(sites.hosts_path),
         origin=start_origin("ws_hash.cjs").port)


def with_domain(start_node, start_origin, **websocket):
    """(node, customer, origin) with a domain that is online."""
    node, origin = start_node(), start_origin("ws_hash.cjs")
    customer = with_customer(node)
    node.online(customer, HOST, origin, websocket={"origin_scheme": "http", **websocket})
    return node, customer, origin


def test_live_sessions(start_node, start_origin, language):
    node, _, origin = with_domain(start_node, start_origin)
    tell("sessions", node, language, customer=CUSTOMER, host=HOST, origin=origin.port)


def test_unsaved_and_changed_meanwhile(start_node, start_origin, language):
    node, customer, _ = with_domain(start_node, start_origin)
    tell("unsaved", node, language, customer=CUSTOMER, host=HOST, token=customer.token)


def test_by_the_keyboard_alone(start_node, start_origin, language):
    node, _, _ = with_domain(start_node, start_origin, enabled=False)
    tell("keyboard", node, language, customer=CUSTOMER, host=HOST)


def test_certificates_tokens_and_the_audit_trail(start_node, start_origin, ca, language):
    node, customer, _ = with_domain(start_node, start_origin)
    leaf, other = ca.leaf("ec"), ca.leaf("ec", names=("other.edge.test",))
    tell("access", node, language, customer=CUSTOMER, host=HOST, token=customer.token, chain=str(leaf.chain), key=str(leaf.key),
         otherKey=str(other.key))


@pytest.fixture
def furnished(start_node, start_origin, ca):
    """A node with days behind it."""
    furnished = Furnished(start_node(), start_origin("ws_hash.cjs"), ca)
    furnished.let_days_pass()
    yield furnished
    furnished.stop()


def test_billing(furnished, language):
    tell("billing", furnished.node, language, customer=CUSTOMER, newcomer="classroom@example.com", token=furnished.customer.token,
         operator=furnished.node.operator.token)


def test_the_monitor(furnished, language):
    tell("monitor", furnished.node, language, customer=CUSTOMER, token=furnished.customer.token, host="live.example.com", quiet="quiz.example.com")
