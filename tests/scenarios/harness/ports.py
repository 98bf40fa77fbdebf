"""Free TCP ports for listeners. They are taken below the kernel's range for outgoing connections, so that no client
of another test can hold one; the kernel is asked by a bind whether it is free on both families. No port is given twice
in a run, and tests that run side by side draw from ranges of their own: edges share a port without complaint
(SO_REUSEPORT), and would then answer for each other."""

import os
import random
import re
import socket

_LOWEST, _RANGES, _SIZE = 10_000, 4, 5_500
_worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
_first = _LOWEST + _worker % _RANGES * _SIZE
_ports = list(range(_first, _first + _SIZE))
random.Random(os.getpid()).shuffle(_ports)


def free_port():
    while True:
        port = _ports.pop()
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
                with socket.socket(family, socket.SOCK_STREAM) as probe:
                    probe.bind((address, port))
        except OSError:
            continue
        return port
