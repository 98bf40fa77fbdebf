"""What a test run shows and keeps: one log per part, one live line, one table at the end."""
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

TAIL = 40  # lines of a failed part's log that are repeated on the terminal
LITTLE_ROOM = 1 << 30  # bytes of disk; whoever has less fails in ways that do not say so
EVERY = 20  # seconds between progress lines where the output is not a terminal


@dataclass
class Outcome:
    """One row of the table. `counts` is false for rows that only tell a time (a build that went well)."""
    name: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    log: Path
    counts: bool = True
    note: str = ""

    @staticmethod
    def judged(name, code, passed, failed, skipped, seconds, log):
        """The outcome of a runner that exited with `code` and counted so much. A bad exit that no counted failure
        explains, or a run of nothing, is one more failure."""
        note = ""
        if code == "timeout":
            failed, note = failed + 1, "ran out of time"
        elif code != 0 and failed == 0:
            failed, note = 1, f"exit status {code}"
        elif passed + failed == 0:
            failed, note = 1, "ran nothing"
        return Outcome(name, passed, failed, skipped, seconds, log, True, note)


def file_name(part):
    """`scenarios (asan)` -> `scenarios-asan`"""
    return part.strip().replace(" ", "-").replace("(", "").replace(")", "")


class Console:
    def __init__(self, logs):
        self.logs = logs
        self.live = sys.stdout.isatty()
        self.outcomes = []
        self.running = []
        self.started = time.monotonic()

    def run(self, name, argv, limit, env=None, progress=lambda line: None, quiet=False):
        """Runs a command in a process group of its own, its output going to the part's log. `progress` maps a line of
        output to the text of the live line, or to None. Returns (exit status or "timeout", log, seconds)."""
        log = self.logs / f"{file_name(name)}.log"
        begin = time.monotonic()
        state = {"text": "", "shown": begin}
        with open(log, "wb") as out:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       env={**os.environ, **(env or {})}, start_new_session=True)
            self.running.append(process)

            def pump():
                for raw in process.stdout:
                    out.write(raw)
                    out.flush()
                    text = progress(raw.decode(errors="replace").rstrip("\n"))
                    if text:
                        state["text"] = text

            reader = threading.Thread(target=pump, daemon=True)
            reader.start()
            code = self._wait(process, name, state, begin, limit, quiet)
            self.running.remove(process)
            reader.join(timeout=10)
        return code, log, time.monotonic() - begin

    def _wait(self, process, name, state, begin, limit, quiet):
        while True:
            try:
                code = process.wait(timeout=0.25 if self.live else 1)
                # Whatever the part left running would disturb the next one.
                stop_group(process)
                return code
            except subprocess.TimeoutExpired:
                pass
            now = time.monotonic()
            if now - begin > limit:
                stop_group(process)
                return "timeout"
            if not quiet:
                self._progress(name, state, now - begin, now)

    def _progress(self, name, state, elapsed, now):
        line = f"    {name}: {elapsed:.0f} s  {state['text']}"
        if self.live:
            sys.stdout.write("\r\033[K" + line[:118])
        elif now - state["shown"] >= EVERY:
            state["shown"] = now
            sys.stdout.write(line[:200] + "\n")
        sys.stdout.flush()

    def stop_all(self):
        """Ends what is still running (Ctrl-C)."""
        for process in list(self.running):
            stop_group(process)

    def done(self, outcome):
        """Books an outcome and prints its row; of a failed one, the end of its log too."""
        self.outcomes.append(outcome)
        if self.live:
            sys.stdout.write("\r\033[K")
        print(row(outcome), flush=True)
        if outcome.failed and outcome.log and outcome.log.exists():
            lines = outcome.log.read_text(errors="replace").splitlines()
            # What failed first stands anywhere in the log of a part with many programs.
            told = told_failures(lines[:-TAIL])
            if told:
                print(f"    ---- of what failed before that, {outcome.log}")
                for line in told:
                    print("    | " + line[:400])
            print(f"    ---- last lines of {outcome.log}")
            for line in lines[-TAIL:]:
                print("    | " + line[:400])
            print("    ----", flush=True)


FAILURE = re.compile(r": Failure$|^\[  FAILED  \]|WARNING: ThreadSanitizer|ERROR: AddressSanitizer|runtime error:|\*\*\*(Failed|Timeout|Exception)")


def told_failures(lines, each=12, most=120):
    """The lines that tell of a failure, each with what follows it."""
    wanted = sorted({n for i, line in enumerate(lines) if FAILURE.search(line) for n in range(i, min(i + each, len(lines)))})
    return [lines[n] for n in wanted[:most]]


def stop_group(process):
    """Ends every process of the part's group, politely and then not."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sig)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass
    process.wait()


def row(o):
    verdict = "FAIL" if o.failed else "ok  "
    counted = f"{o.passed:6d} passed {o.failed:4d} failed" if o.counts else " " * 25
    skipped = f" {o.skipped} skipped" if o.skipped else ""
    return f"{verdict} {o.name:<24} {counted} {o.seconds:7.1f} s{skipped}{'  ' + o.note if o.note else ''}"


def summary(console):
    """Prints the table and the closing line; returns the exit status: 0 only if something ran and nothing failed."""
    passed = sum(o.passed for o in console.outcomes)
    failed = sum(o.failed for o in console.outcomes)
    print(f"\n{'-' * 72}")
    for o in console.outcomes:
        print(row(o))
    print(f"{'-' * 72}\nlogs: {console.logs}   total: {time.monotonic() - console.started:.0f} s")
    if failed and (room := shutil.disk_usage(console.logs).free) < LITTLE_ROOM:
        print(f"only {room >> 20} MiB of disk are free: what failed may have failed for that")
    if passed + failed == 0:
        print("nothing was run", file=sys.stderr)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 0 if failed == 0 and passed > 0 else 1
