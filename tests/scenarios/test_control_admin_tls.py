"""The admin listener over TLS, as `fairlead run` has it: what it refuses to do without, the cookie it sets with it, and
another certificate by SIGHUP."""

import http.client
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from harness.edge import BINARY
from harness.ports import free_port
from harness.waiting import eventually


def serial(port, context):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
        return tls.getpeercert()["serialNumber"]


class Files:
    """The certificate as the configuration names it, to be replaced under it."""

    def __init__(self, folder, leaf):
        self.chain, self.key = folder / "admin.pem", folder / "admin.key"
        self.put(leaf)

    def put(self, leaf):
        shutil.copy(leaf.chain, self.chain)
        shutil.copy(leaf.key, self.key)

    def yaml(self):
        return {"chain": str(self.chain), "key": str(self.key)}


@pytest.fixture
def node(start_node, ca, tmp_path):
    files = Files(tmp_path, ca.leaf("ec", serial_of="admin 1"))
    node = start_node(admin_tls=files.yaml(), tls=ca.client_context())
    node.files = files
    return node


def test_the_cookie_is_for_tls_alone(node, start_node):
    link = re.search(r"open this link within a day: (\S+)", node.log())[1]
    assert link.startswith(f"https://127.0.0.1:{node.admin}/setup#fll_")
    browser = node.api()
    flags = lambda answer: {f.strip() for f in answer.fields["set-cookie"].split(";")[1:]}
    answer = browser.log_in("operator@fairlead.test")
    answer.ok(200)
    assert flags(answer) == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict", "Secure"}
    assert browser.get("/v1/login").ok(200)["user"]["role"] == "operator"
    assert "Secure" in flags(browser.post("/v1/logout", fields={"fairlead-csrf": browser.csrf}))
    # A page in the clear is no page of ours, though the host is the same.
    browser.log_in("operator@fairlead.test").ok(200)
    origin = {"origin": f"http://127.0.0.1:{node.admin}"}
    browser.post("/v1/accounts", {"name": "X"}, fields=origin).refused(403, "csrf_required")
    browser.post("/v1/accounts", {"name": "X"}, fields={"origin": f"https://127.0.0.1:{node.admin}"}).ok(201)
    plain = start_node()
    answer = plain.api().log_in("operator@fairlead.test")
    assert flags(answer) == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Strict"}


def test_nothing_is_answered_in_the_clear(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=10)
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.status >= 400, answer.status
        raise http.client.HTTPException("refused in words")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        serial(node.admin, old)
    assert node.get("/healthz")[0] == 200


def test_another_certificate_by_sighup(node, ca):
    context = ca.client_context()
    first = serial(node.admin, context)
    stays = http.client.HTTPSConnection("127.0.0.1", node.admin, timeout=10, context=context)
    stays.request("GET", "/v1/openapi.yaml")
    assert stays.getresponse().read()

    node.files.put(ca.leaf("rsa", serial_of="admin 2"))
    node.signal(signal.SIGHUP)
    second = eventually(lambda: (s := serial(node.admin, context)) != first and s, 10, "the new certificate")
    stays.request("GET", "/v1/openapi.yaml")  # on the connection of before
    assert stays.getresponse().status == 200
    stays.close()

    # A key of another certificate, or none at all: refused, and the old one goes on.
    shutil.copy(ca.leaf("ec", serial_of="admin 1").key, node.files.key)
    assert node.reload() == "refused"
    assert serial(node.admin, context) == second
    node.files.key.unlink()
    assert node.reload() == "refused"
    assert serial(node.admin, context) == second
    # TLS is not taken away under its clients.
    node.files.put(ca.leaf("rsa", serial_of="admin 2"))
    kept = node.config["admin"].pop("tls")
    node.write()
    node.signal(signal.SIGHUP)
    eventually(lambda: "a change of `admin` needs a restart" in node.log(), 10, "what becomes of it", pause=0.1)
    assert serial(node.admin, context) == second


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "public"])
def test_no_api_in_the_clear_for_the_world(tmp_path, address):
    """An address that others can reach needs TLS: the program says so and ends with status 1."""
    if address == "public":
        address = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()[:1]
        if not address or address[0].startswith("127."):
            pytest.skip("this machine has no address but loopback")
        address = f"[{address[0]}]" if ":" in address[0] else address[0]
    port = free_port()
    file = tmp_path / "fairlead.yaml"
    file.write_text(f'listeners: [ {{ address: "127.0.0.1:{free_port()}", protocol: http }} ]\n'
                    f'admin: {{ address: "{address}:{port}" }}\n')
    done = subprocess.run([str(BINARY), "run", "--config", str(file), "--data", str(tmp_path / "data")], capture_output=True, text=True,
                          timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert f"{address}:{port}" in said and "in clear" in said and "admin.tls" in said, said


def test_with_tls_the_world_is_welcome(start_node, ca):
    node = start_node(admin_tls=ca.leaf("ec").yaml(), tls=ca.client_context(), admin_host="0.0.0.0")
    assert node.operator.get("/v1/login").ok(200)["user"]["role"] == "operator"
