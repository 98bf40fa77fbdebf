"""`fairlead import`: what it makes of a configuration goes through `fairlead apply`, and serves the clients that nginx and
HAProxy served. The golden inputs are configurations that the real programs read."""

import asyncio
import re
import shutil
import subprocess

import pytest
import yaml

from harness.edge import ROOT
from harness.ports import free_port
from harness.shell import Shell
from harness.transport import TRANSPORTS
from harness.wire import TEXT, WireOrigin

GOLDEN = ROOT / "tests" / "golden" / "import"
HOST = "live.edge.test"
h1 = TRANSPORTS["h1"]()

# Words that no nginx or HAProxy knows, on purpose: what is not understood must be named.
# nginx's commercial edition or a module of others' has these; the one that is here says that it does not know them.
ELSEWHERE = r"\sslow_start=\S+?(?=[\s;])|(?<=[{\s])(sticky cookie|health_check)\s[^;]*;|access_by_lua_block \{.*?^\s{4}\}"
MADE_UP = {"locations.conf": "frobnicate", "globals.cfg": "made-up-word", "servers.cfg": "frobnicate"}


def golden(program, suffix):
    """(what must be valid, what must not be): what cannot be read has no YAML beside it."""
    files = sorted((GOLDEN / program).glob(f"*.{suffix}"))
    assert files
    return [f for f in files if f.with_suffix(".yaml").exists()], [f for f in files if not f.with_suffix(".yaml").exists()]


@pytest.fixture
def shell(start_node, tmp_path):
    node = start_node()
    out = Shell(node, tmp_path / "shell")
    out.node = node
    out.env["FAIRLEAD_TOKEN"] = node.operator.token
    return out


def reads(check, folder, name, repairs, most=40):
    """Runs `check` on folder/name until it is content, and puts what this machine lacks (files, hosts) in place: `repairs` are
    (what the program says, what to do to a text with the match). Returns what it said last, None when it is content."""
    for _ in range(most):
        done = subprocess.run(check, capture_output=True, text=True, timeout=30, cwd=folder)
        said = done.stdout + done.stderr
        if done.returncode == 0:
            return None
        for pattern, repair in repairs:
            match = re.search(pattern, said)
            if match:
                for path in folder.rglob("*"):
                    if path.suffix in (".conf", ".cfg", ".inc"):
                        path.write_text(repair(path.read_text(), match))
                break
        else:
            return said
    return f"{name}: still not content: {said}"


def without_line(text, match):
    return "".join(line for line in text.splitlines(True) if match[1] not in line)


@pytest.mark.parametrize("program", ["nginx", "haproxy"])
def test_the_golden_inputs_are_configurations(program, tmp_path, ca):
    leaf = ca.leaf("ec")
    both = tmp_path / "both.pem"
    both.write_text(leaf.chain.read_text() + leaf.key.read_text())
    suffix = {"nginx": "conf", "haproxy": "cfg"}[program]
    valid, broken = golden(program, suffix)
    wrong = {}
    for path in valid + broken:
        folder = tmp_path / program / path.stem
        shutil.copytree(path.parent, folder)
        own = folder / path.name
        text = own.read_text()
        made_up = MADE_UP.get(path.name)
        if made_up:
            assert made_up in text and made_up in path.with_suffix(".txt").read_text()
            own.write_text(re.sub(rf"^\s*{made_up}.*$|\s{made_up}\b", "", text, flags=re.M))
            text = own.read_text()
        text = re.sub(ELSEWHERE, "", text, flags=re.M | re.S)
        if program == "nginx":
            # A part of a configuration, as it stands in conf.d, is read inside of http.
            if not re.search(r"^\s*http\s*\{", text, re.M):
                text = f"http {{\n{text}\n}}\n"
            if not re.search(r"^\s*events\b", text, re.M):
                text = f"events {{}}\n{text}"
            own.write_text(f"pid {folder}/pid; error_log stderr;\n" + re.sub(r"^\s*(pid|user)\s[^;]*;", "", text, flags=re.M))
            check = ["nginx", "-t", "-c", str(own), "-p", str(folder)]
            repairs = [
                (r'cannot load certificate "([^"]+)"', lambda t, m: t.replace(_tail(t, m[1]), str(leaf.chain))),
                (r'cannot load certificate key "([^"]+)"', lambda t, m: t.replace(_tail(t, m[1]), str(leaf.key))),
                (r'SSL_CTX_load_verify_locations\("([^"]+)"\)', lambda t, m: t.replace(_tail(t, m[1]), str(ca.cert))),
                (r'host not found in upstream "([^":]+)', lambda t, m: re.sub(rf"\b{re.escape(m[1])}(?=[:;/ ])", "127.0.0.1", t)),
                (r'unknown directive "(stream)"', without_line),  # a module that can be left out
                (r"bind\(\) to (\[\S+\]):\d+ failed \(99", lambda t, m: t.replace(m[1], "[::1]")),
                (r'open\(\) "([^"]+)" failed \(2', lambda t, m: re.sub(rf"^\s*include\s+[^;]*{re.escape(m[1].rsplit('/', 1)[1])};", "", t, flags=re.M)),
            ]
        else:
            check = ["haproxy", "-c", "-f", path.name]
            repairs = [
                (r"SSL certificate from file '([^']+)'", lambda t, m: t.replace(f"crt {_tail(t, m[1])}", f"crt {both}")),
                (r"open the ca-file '([^']+)'", lambda t, m: t.replace(_tail(t, m[1]), str(ca.cert))),
                (r"Lua file '([^']+)'", without_line),
                (r"(?:could not resolve|no method found to resolve) address '([^']+)'", lambda t, m: t.replace(m[1], "127.0.0.1")),
            ]
        said = reads(check, folder, path.name, repairs)
        if (said is None) != (path in valid):
            wrong[path.name] = said
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())


def _tail(text, path):
    """The path as the text has it: the program tells the whole, a text may say a part."""
    parts = path.split("/")
    return next((t for t in ("/".join(parts[i:]) for i in range(len(parts))) if t and t in text), "\0")


@pytest.mark.parametrize("program", ["nginx", "haproxy"])
def test_what_is_imported_can_be_applied(program, shell, ca):
    leaf = ca.leaf("ec")
    for path in golden(program, {"nginx": "conf", "haproxy": "cfg"}[program])[0]:
        wanted = yaml.safe_load(path.with_suffix(".yaml").read_text())
        if wanted is None:
            continue  # nothing in it was WebSocket's
        # The examples name files of machines that are not here.
        for domain in wanted["domains"]:
            if "certificates" in domain:
                domain["certificates"] = [leaf.yaml()]
            if "ca_file" in domain.get("origin_tls", {}):
                domain["origin_tls"]["ca_file"] = str(ca.cert)
        file = shell.file(path.stem + ".yaml", yaml.safe_dump(wanted, sort_keys=False))
        said = shell("apply", "-f", file, "--dry-run", status=2)
        shell("apply", "-f", file, "--yes").has("done")
        shell("apply", "-f", file, "--yes").has("nothing to do")
        for domain in wanted["domains"]:
            assert domain["name"].lower() in said.out, path.name


NGINX = """
pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  upstream app {{ server 127.0.0.1:{origin}; }}
  server {{
    listen 127.0.0.1:{port};
    server_name live.edge.test;
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
      proxy_read_timeout 75s;
    }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 75s
frontend web
  bind 127.0.0.1:{port}
  acl live hdr(host) -i live.edge.test
  use_backend app if live
backend app
  server one 127.0.0.1:{origin}
"""


@pytest.mark.parametrize("program", ["nginx", "haproxy"])
async def test_a_configuration_moves_house(program, start_node, tmp_path):
    """The same client and the same origin, first over the other program, then over what was imported."""
    async with WireOrigin() as origin:
        loop = asyncio.get_running_loop()
        port = free_port()
        config = tmp_path / {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[program]
        config.write_text({"nginx": NGINX, "haproxy": HAPROXY}[program].format(folder=tmp_path, port=port, origin=origin.port))
        command = {"nginx": ["nginx", "-g", "daemon off; master_process off;", "-c", str(config), "-p", str(tmp_path)],
                   "haproxy": ["haproxy", "-db", "-f", str(config)]}[program]

        async def echo(at, text):
            async with h1.pair(at, origin) as (client, served):
                await client.text(text)
                await served.expect(TEXT, text.encode())

        other = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(500):
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    assert other.poll() is None
                    await asyncio.sleep(0.02)
            await echo(port, "before")
        finally:
            other.terminate()
            await loop.run_in_executor(None, other.wait, 20)

        node = start_node()

        def move():
            policy = node.operator.get("/v1/policy").ok()
            node.operator.put("/v1/policy", {**{k: policy[k] for k in ("approve_automatically",)}, "gates": {
                **policy["gates"], "domain_ownership": False, "activation": False}}).ok(200)
            shell = Shell(node, tmp_path / "shell")
            shell.env["FAIRLEAD_TOKEN"] = node.operator.token
            imported = shell("import", program, config)
            assert "75s" in imported.out, imported.out + imported.err
            file = shell.file("domains.yaml", imported.out)
            shell("apply", "-f", file, "--dry-run", status=2).has(f"create domain {HOST}")
            # The same, as a pipe has it.
            shell("apply", "-f", "-", "--yes", "--start", typed=imported.out).has("in force on 1 of 1 edge")
            shell("import", program, config, "--output", "out.yaml")
            assert (shell.home / "out.yaml").read_text() == imported.out
            shell("apply", "-f", "out.yaml").has("nothing to do")
            return shell

        shell = await loop.run_in_executor(None, move)
        await echo(node.http, "after")
        seen = await loop.run_in_executor(None, lambda: shell.json("domain", "websocket", HOST))
        assert seen["effective"]["connection_timeout"] == "75s"


def test_what_cannot_be_imported_is_said(shell):
    shell("import", "nginx", GOLDEN / "nginx" / "broken-unclosed.conf", status=1).has("broken-unclosed.conf:")
    shell("import", "nginx", "/none/such", status=1).has("/none/such cannot be read")
    said = shell("import", "nginx", GOLDEN / "nginx" / "locations.conf", status=2)
    assert "frobnicate" in said.err and "locations.conf:33" in said.err and yaml.safe_load(said.out)["domains"]
    shell("import", "haproxy", "-", status=2, typed="global\n  log stdout local0\n").has("nothing in it")
