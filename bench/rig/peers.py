"""The relays that are compared, each configured as somebody who knows it would for WebSocket, and run on one core with one
worker. All terminate TLS 1.3 with one cipher and one certificate, keep an access log in a file and relay to one plain
origin. A relay is used as a context manager: inside, it serves."""

import json
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

from certificate import HOST
from machine import BUILD, RELAY_CORE, free_port, pinned, prefer

# What Fairlead prefers; the others are told.
CIPHER = "TLS_AES_128_GCM_SHA256"
# What a process may have here: each of them is told as much.
DESCRIPTORS = min(60_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


class Relay:
    """`settings` are the variant's; a class says which it knows. All know `under`: a program to run it in."""

    label = ""

    def __init__(self, folder, origin, certificate, **settings):
        self.folder, self.origin, self.certificate, self.settings = Path(folder), origin, certificate, settings
        self.ws, self.wss = free_port(), free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [*self.settings.get("under", ()), *self.command()]
        self.output = open(self.folder / "output", "wb")
        self.process = subprocess.Popen(pinned(RELAY_CORE, command), cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True)
        prefer(self.process.pid)
        for port in (self.ws, self.wss):
            self.wait_for(lambda: _accepts(port), f"{type(self).__name__} at {port}")
        return self

    def wait_for(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{what}: {(self.folder / 'output').read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)

    def __exit__(self, *_):
        """All of its processes are in one session, which nothing else is in."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(3)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        self.output.close()

    @property
    def pid(self):
        return self.process.pid


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Nginx(Relay):
    """buffer: of each direction of a tunnel; lean: the pools as small as they work; domains: so many server blocks."""

    label = "nginx"

    def config(self, domains=1, read_timeout="3600s"):
        lean = self.settings.get("lean")
        buffer = self.settings.get("buffer", "1k" if lean else "4k")
        memory = "connection_pool_size 256; request_pool_size 1k; client_header_buffer_size 512; " if lean else ""
        log = ('log_format detail escape=json \'{"time":"$time_iso8601","domain":"$host","client":"$remote_addr","client_port":'
               '"$remote_port","protocol":"$server_protocol","tls":"$ssl_protocol","method":"$request_method","target":'
               '"$request_uri","status":$status,"origin":"$upstream_addr","origin_status":"$upstream_status","duration":'
               '$request_time,"bytes_in":$request_length,"bytes_out":$bytes_sent,"session":"$request_id"}\';')
        # Of the first server alone: inherited by 10,000 it would be 10,000 contexts.
        tls = f"""listen 127.0.0.1:{self.wss} ssl backlog=4096;
    ssl_certificate {self.certificate.chain};
    ssl_certificate_key {self.certificate.key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites {CIPHER};
    ssl_session_tickets on;
    ssl_session_cache off;"""
        servers = "\n".join(f"""
  server {{
    listen 127.0.0.1:{self.ws}{" backlog=4096" if i == 0 else ""};
    {tls if i == 0 else ""}
    server_name {HOST if i == 0 else f"d{i}.{HOST}"};
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_read_timeout {read_timeout if i == 0 else "3600s"};
    }}
  }}""" for i in range(domains))
        return f"""
daemon off;
worker_processes 1;
worker_rlimit_nofile {DESCRIPTORS};
pid {self.folder}/pid;
error_log {self.folder}/error.log warn;
events {{ worker_connections {DESCRIPTORS - 100}; multi_accept on; }}
http {{
  {log}
  access_log {self.folder}/access.log detail buffer=64k flush=1s;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  {memory}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  upstream origin {{ server 127.0.0.1:{self.origin}; keepalive 64; }}
  proxy_buffer_size {buffer};
  {f"proxy_busy_buffers_size {buffer}; proxy_buffers 4 {buffer};" if buffer == "64k" else ""}
  proxy_send_timeout 3600s;
  keepalive_timeout 75s;
  server_names_hash_max_size 65536; server_names_hash_bucket_size 128;
  {servers}
}}
"""

    def write(self, **how):
        (self.folder / "nginx.conf").write_text(self.config(**how))

    def command(self):
        self.write(domains=self.settings.get("domains", 1))
        return ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"]


class Haproxy(Relay):
    """buffer: of each direction, in bytes; splice: payload goes by splice. (splice-auto finds these streams too late: three
    times the CPU; a larger tune.pipesize costs, too.)"""

    label = "HAProxy"

    def command(self):
        bulk = "option splice-request\n  option splice-response" if self.settings.get("splice") else ""
        (self.folder / "haproxy.cfg").write_text(f"""
global
  nbthread 1
  maxconn {1000 if self.settings.get("splice") else DESCRIPTORS // 2 - 100}
  ulimit-n {DESCRIPTORS}
  tune.bufsize {self.settings.get("buffer", 16384)}
  tune.maxaccept 64
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites {CIPHER}
  log stdout format raw local0
defaults
  mode http
  log global
  log-format '{{"time":"%T","domain":"%[capture.req.hdr(0)]","client":"%ci","client_port":%cp,"tls":"%sslv","target":"%HP","status":%ST,"origin":"%s","duration":%Ta,"bytes_in":%U,"bytes_out":%B,"end":"%ts"}}'
  option dontlognull
  {bulk}
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
  timeout tunnel 3600s
frontend edge
  bind 127.0.0.1:{self.ws} backlog 4096
  bind 127.0.0.1:{self.wss} ssl crt {self.certificate.both} alpn h2,http/1.1 backlog 4096
  capture request header Host len 64
  option forwardfor
  http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
  default_backend origin
backend origin
  server origin 127.0.0.1:{self.origin}
""")
        return ["haproxy", "-db", "-f", self.folder / "haproxy.cfg"]


class Floor(Relay):
    """Two system calls a message and nothing else: what the machine itself costs. It relays bytes to any origin, in the clear."""

    label = "floor"

    def command(self):
        self.wss = self.ws
        return [BUILD / "bench" / "floor_relay", str(self.ws), str(self.origin)]


class Fairlead(Relay):
    """Everything on: frames scanned and validated, clocks, counters, access log. binary: another build; domains: so many;
    listener: keys added to both listeners; domain: keys added to the domain."""

    label = "Fairlead"

    def domain(self, name, **websocket):
        return {
            "name": name,
            "certificates": [{"chain": str(self.certificate.chain), "key": str(self.certificate.key)}],
            "origins": [{"host": "127.0.0.1", "http_port": self.origin}],
            "websocket": {"origin_scheme": "http", "connection_timeout": "1h", **websocket},
            **self.settings.get("domain", {}),
        }

    def base(self):
        self.admin = free_port()
        more = self.settings.get("listener", {})
        return {
            "listeners": [{"address": f"127.0.0.1:{self.ws}", "protocol": "http", **more.get("http", {})},
                          {"address": f"127.0.0.1:{self.wss}", "protocol": "https", **more.get("https", {})}],
            "workers": 1,
            "log_level": "warn",
            "admin": {"address": f"127.0.0.1:{self.admin}"},
            "access_log": {"path": str(self.folder / "access.log")},
        }

    def binary(self):
        return self.settings.get("binary", BUILD / "fairlead")

    def command(self):
        # JSON is YAML.
        names = [HOST, *(f"d{i}.{HOST}" for i in range(1, self.settings.get("domains", 1)))]
        domains = [self.domain(name) for name in names]
        for domain in domains[1:]:
            del domain["certificates"]
        config = {**self.base(), "domains": domains}
        (self.folder / "fairlead.yaml").write_text(json.dumps(config))
        return [self.binary(), "edge", "--config", self.folder / "fairlead.yaml"]
