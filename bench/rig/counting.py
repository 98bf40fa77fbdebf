"""What counting costs in instructions of the program itself, the kernel's left out, under valgrind: what a noisy machine cannot
blur. A long load less a short one, so that beginning and end are in neither."""

import re
import tempfile

from machine import free_port
from measuring import Failed, load

CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")


def _counted(contestant, certificate, seconds, size, sessions):
    """Messages relayed and instructions of the whole run."""
    origin = free_port()
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        with contestant.make(certificate, under=CALLGRIND)(folder, origin) as relay:
            said = load("echo", relay.ws, origin, "--size", size, "--sessions", sessions, "--duration", f"{seconds}s", "--warmup", "0s")
            relay.process.terminate()
            relay.process.wait(60)
            text = (relay.folder / "output").read_text(errors="replace")
    found = re.search(r"Collected\s*:\s*(\d+)", text)
    if not found:
        raise Failed(f"no count of instructions in: {text[-500:]}")
    return 2 * said["measured"]["exchanges"], int(found[1])


def instructions(contestant, certificate, brief, *, size, sessions):
    (short, fewer), (long, more) = (_counted(contestant, certificate, s, size, sessions) for s in ((1, 4) if brief else (3, 12)))
    return {"instructions_per_message": (more - fewer) / (long - short)}
