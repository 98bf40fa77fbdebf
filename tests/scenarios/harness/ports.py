"""Free TCP ports for listeners. They are taken below the kernel's range for outgoing connections, so that no client
of another test can hold one; the kernel is asked by a bind whether it is free on both families."""

import os
import random
import socket

_pick = random.Random(os.getpid())


def free_port():
    while True:
        port = _pick.randrange(10_000, 32_000)
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::1")):
                with socket.socket(family, socket.SOCK_STREAM) as probe:
                    probe.bind((address, port))
        except OSError:
            continue
        return port
