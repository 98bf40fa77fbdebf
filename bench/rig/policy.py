"""A change of one domain among 10,000 while sessions of another carry messages: how soon a client feels it, and what the
others feel. Fairlead is told by its API; nginx has a new file and SIGHUP, as `nginx -s reload` does."""

import os
import signal
import socket
import statistics
import tempfile
import threading
import time

from certificate import HOST
from machine import free_port
from measuring import Load
from node import FairleadNode
from peers import Nginx

DOMAINS = 10_000
LOADED, CHANGED = f"d1.{HOST}", f"d2.{HOST}"
REQUEST = (f"GET /echo HTTP/1.1\r\nHost: {CHANGED}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
PATIENCE = 60  # seconds that a change may take


class NginxFleet(Nginx):
    """Domains that refuse WebSocket may be among them."""

    def config(self, domains=1, refused=(), **more):
        text = super().config(domains, **more)
        for name in refused:
            text = text.replace(f"server_name {name};", f"server_name {name}; if ($http_upgrade) {{ return 403; }}")
        return text


def accepted(port):
    """Whether an opening handshake for the domain that changes succeeds now."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
            s.sendall(REQUEST)
            return s.recv(4096).startswith(b"HTTP/1.1 101")
    except OSError:
        return None


def time_of_change(relay, enabled):
    """Milliseconds from telling the relay until a client gets the new answer."""
    if isinstance(relay, FairleadNode):
        begun = time.monotonic()
        telling = threading.Thread(target=relay.switch, args=(CHANGED, enabled))
        telling.start()
    else:
        relay.write(domains=relay.settings["domains"], refused=() if enabled else (CHANGED,))
        begun, telling = time.monotonic(), None
        os.kill(relay.pid, signal.SIGHUP)
    while accepted(relay.ws) is not enabled:
        if time.monotonic() - begun > PATIENCE:
            raise RuntimeError(f"no effect after {PATIENCE} s")
        time.sleep(0.002)
    took = time.monotonic() - begun
    if telling:
        telling.join()
    return took * 1000


def changing(contestant, certificate, brief, *, changes=8, rate=5000, sessions=1000):
    """Paced load without a change, then with `changes` of them, half a second apart at least."""
    changes = 4 if brief else changes
    origin = free_port()
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        with contestant.make(certificate, domains=DOMAINS)(folder, origin) as relay:
            def paced(seconds):
                return Load("echo", relay.ws, origin, "--sessions", sessions, "--rate", rate, "--duration", f"{seconds}s", "--warmup", "1s",
                            watch=relay.pid, host=LOADED, tolerant=True)
            with paced(2 if brief else 4) as quiet:
                before = quiet.finish()
            taken, enabled = [], True
            with paced(PATIENCE * changes) as changed:
                relay.wait_for(lambda: accepted(relay.ws), "the origin behind the load")
                time.sleep(1.5)  # sessions open, warm
                for _ in range(changes):
                    enabled = not enabled
                    taken.append(time_of_change(relay, enabled))
                    time.sleep(0.5)  # of ordinary life between two of them
                changed.stop()
                said = changed.finish()
    return {"effect_ms": statistics.median(taken), "p99_us": said["measured"]["latency_us"]["p99"],
            "p99_us_before": before["measured"]["latency_us"]["p99"], "sessions_ended": said["broken"],
            "pss_mib": said["watched"]["measured"]["pss_kib"] / 1024}

