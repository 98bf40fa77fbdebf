"""R25: the documents' own procedures, step by step in Chromium and in both languages, each click checked by a real client.

A test prepares a node and tells a story of console/ what it has; the story fails for whatever the console does that it must
not (console/console.cjs)."""

import json

import pytest

from harness.control import PASSWORD
from harness.edge import SLOWNESS
from harness.process import run_client

OPERATOR, CUSTOMER, HOST = "operator@fairlead.test", "customer@example.com", "live.edge.test"

pytestmark = [pytest.mark.parametrize("language", ["en", "zh-CN"]), pytest.mark.timeout(200 * SLOWNESS)]


def tell(story, node, language, ca=None, **more):
    asked = {"port": node.admin, "http": node.http, "language": language, "password": PASSWORD, **more}
    return run_client(f"../console/{story}.cjs", json.dumps(asked), ca=ca, timeout=170 * SLOWNESS, cwd=node.folder)


def test_the_first_operator_by_the_printed_link(start_node, language):
    node = start_node(set_up=False)
    tell("first_start", node, language, setup=f"http://127.0.0.1:{node.admin}/setup#{node.first_operator_key()}")
