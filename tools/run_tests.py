#!/usr/bin/python3
"""Runs the test suite for `./dev test` and `./dev fuzz`: builds what is needed, runs each part, keeps a live line on the
terminal, and closes with a table and one line `N passed, N failed` summed over everything that ran.

A part is something with a name, a log and a count: tidy, unit (dev), scenarios (asan), fuzz, ... A part whose build
failed, that found nothing to run, or that ran past its time counts as one failure: silence is never success. What the
tree does not have (no tracked tests/scenarios) is no part at all.
"""
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from testing.console import Console, Outcome, file_name, summary  # noqa: E402
from testing.fuzz import run_fuzz  # noqa: E402
from testing.parse import count_ctest, count_pytest, failed_pytest, tally_line  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
PYTHON = "/usr/bin/python3"

# Seeds of the simulator per preset: the sanitizers are 5 to 15 times slower, and look for other things.
SIM_SEEDS = {"dev": "10000", "asan": "1000", "tsan": "1000"}

# All scenarios run with either record layer: with the edge's own everywhere else, with OpenSSL's here.
TLS_RECORDS = {"tsan": {"FAIRLEAD_TLS_RECORDS": "openssl"}}

# So many scenarios of a part that failed beside others get a second try alone; more than that is no accident of load.
MOST_AGAIN = 3

# What runs under valgrind: 20 times slower, so over HTTP/2 only the switch, and not the hundred reloads of 50
# certificates, which take several minutes by themselves. Whole files: a scenario elsewhere that happens to have "test_tls"
# in its name may drive other programs than the one that valgrind stands before.
VALGRIND_FILES = ("drain", "http", "idle", "idle_memory", "lifetime", "proxy_protocol", "reload", "switch", "tcp_ssl", "tls",
                  "tls_records")
VALGRIND = f"({' or '.join(f'test_{name}.py' for name in VALGRIND_FILES)}) and not 100_reloads and (not h2 or test_switch)"

# Longest time of a part, in seconds. All of them together stay far below what a CI run may take.
LIMIT = {"build": 1800, "unit": 900, "sim": 900, "scenarios": 2100, "proof": 1500, "tidy": 60}


def tracked(pattern):
    """Paths known to git that match the pattern, as a list."""
    return subprocess.run(["git", "ls-files", pattern], cwd=ROOT, check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


def sanitizer_env(preset, reports=None):
    """Environment of an instrumented program. With `reports`, a folder, what a sanitizer finds is written there, one
    file a process, because a scenario may not see the stderr of the program it drives."""
    common = f":log_path={reports}/report:log_exe_name=1" if reports else ""
    if preset == "asan":
        return {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:check_initialization_order=1:exitcode=99" + common,
                "UBSAN_OPTIONS": "print_stacktrace=1" + common}
    if preset == "tsan":
        return {"TSAN_OPTIONS": f"second_deadlock_stack=1:exitcode=66" + common}
    return {}


def binary(preset):
    """The program of a build, wherever CMake puts it."""
    found = [p for p in (ROOT / "build" / preset).glob("**/fairlead") if p.is_file() and os.access(p, os.X_OK)]
    return found[0] if found else ROOT / "build" / preset / "fairlead"


class Suite:
    def __init__(self, console):
        self.console = console
        self.built = {}
        self.tried_again = None  # scenarios that got a second try; None: no part could have given one

    def build(self, preset, *targets):
        """Configures and builds a preset, once. A failure is an outcome of its own; success is only a row."""
        key = (preset, targets)
        if key not in self.built:
            self.built[key] = self._build(preset, targets)
        return self.built[key]

    def _build(self, preset, targets):
        folder = ROOT / "build" / preset
        command = f"ninja -C build/{preset} {' '.join(targets)}"
        if not (folder / "build.ninja").exists():
            command = f"cmake --preset {preset} && {command}"
        code, log, seconds = self.console.run(f"build ({preset})", ["bash", "-c", command], LIMIT["build"],
                                              progress=lambda line: line[1:line.index("]")]
                                              if re.match(r"\[\d+/\d+\]", line) else None)
        self.console.done(Outcome(f"build ({preset})", 0, 0 if code == 0 else 1, 0, seconds, log, counts=code != 0))
        return code == 0

    def unit(self, preset, simulator=False):
        """Unit tests, or the simulator: ctest's test `sim`. A test program counts as many as it ran GoogleTest cases."""
        part = "sim" if simulator else "unit"
        name = f"{part} ({preset})"
        if simulator and not tracked("tests/sim/*"):
            return
        if not self.build(preset):
            return
        junit = LOGS / f"{file_name(name)}.xml"
        junit.unlink(missing_ok=True)
        select = ["-R" if simulator else "-E", "^sim$"]
        reports = self.reports(f"{preset}-{part}")
        env = {**sanitizer_env(preset, reports), "FAIRLEAD_SIM_SEEDS": SIM_SEEDS[preset], "FAIRLEAD_PRESET": preset}
        code, log, seconds = self.console.run(
            name, ["ctest", "--test-dir", f"build/{preset}", *select, "-j", str(os.cpu_count()), "--timeout", "600",
                   "--output-on-failure", "--output-junit", str(junit), "--test-output-size-passed", "4000000",
                   "--test-output-size-failed", "4000000"],
            LIMIT[part], env=env,
            progress=lambda line: line.strip() if re.match(r"\s*\d+/\d+ Test ", line) else None)
        passed, failed, skipped = count_ctest(junit)
        self.console.done(Outcome.judged(name, code, passed, failed, skipped, seconds, log))
        self.judge_reports(reports)

    @staticmethod
    def reports(name):
        """An empty folder for what a sanitizer finds."""
        folder = LOGS / f"{name}-reports"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        return folder

    def judge_reports(self, folder):
        """Each report is a failure, whatever the test said that caused it."""
        for report in sorted(folder.iterdir()):
            self.console.done(Outcome(f"  {report.name}", 0, 1, 0, 0, report))

    def scenarios(self, preset, arguments=()):
        """The real binary between real peers: pytest in tests/scenarios, told by FAIRLEAD_BIN which binary."""
        if not tracked("tests/scenarios/*test_*.py") and not tracked("tests/scenarios/*_test.py"):
            return
        if not self.build(preset):
            return
        name = f"scenarios ({preset})"
        reports = self.reports(f"{preset}-scenarios")
        env = {**sanitizer_env(preset, reports), "FAIRLEAD_BIN": str(binary(preset)),
               "FAIRLEAD_PRESET": preset, **TLS_RECORDS.get(preset, {})}
        self.pytest(name, ["tests/scenarios", *arguments], LIMIT["scenarios"], env, again=MOST_AGAIN)
        self.judge_reports(reports)

    def valgrind(self):
        """Leaks and invalid accesses as valgrind sees them, which knows what no sanitizer was compiled into: scenarios of
        every kind of session and of the edge's own life, 20 times slower than usual."""
        if tracked("tests/scenarios/test_tls.py") and self.build("dev"):
            self.pytest("scenarios (valgrind)", ["tests/scenarios", "-n", "2", "-k", VALGRIND], LIMIT["scenarios"],
                        {"FAIRLEAD_BIN": str(ROOT / "tools" / "under_valgrind.sh"), "FAIRLEAD_PRESET": "valgrind",
                         "FAIRLEAD_REAL_BIN": str(binary("dev"))}, again=MOST_AGAIN)

    def pytest(self, name, arguments, limit, env=None, again=0):
        """A part that pytest runs; counted from its JUnit file. Up to `again` tests that failed beside others are run
        once more, alone: scenarios hold clocks to half a second, and three at a time on two cores under a sanitizer can
        starve a peer. What fails alone has failed; what passed only alone is named in the table."""
        junit = LOGS / f"{file_name(name)}.xml"
        junit.unlink(missing_ok=True)
        seen = {"PASSED": 0, "FAILED": 0, "ERROR": 0, "SKIPPED": 0}

        def progress(line):
            match = re.search(r"\b(PASSED|FAILED|ERROR|SKIPPED)\b", line)
            test = re.search(r"\S+::\S+", line)
            if not match or not test or line.startswith(("FAILED", "ERROR", "SKIPPED")):
                return None
            seen[match.group(1)] += 1
            return f"{seen['PASSED']} passed, {seen['FAILED'] + seen['ERROR']} failed: {test.group(0)}"

        code, log, seconds = self.console.run(
            name, [PYTHON, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider", f"--junitxml={junit}", *arguments],
            limit, env={"PYTHONDONTWRITEBYTECODE": "1", **(env or {})}, progress=progress)
        passed, failed, skipped = count_pytest(junit)
        if again:
            self.tried_again = self.tried_again or 0
        if code != "timeout" and 0 < failed <= again:
            ids = failed_pytest(junit, arguments[0])
            self.tried_again += len(ids)
            code, second, more = self.console.run(
                f"{name} alone", [PYTHON, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider", "-n", "0",
                                  f"--junitxml={junit}", *ids],
                limit, env={"PYTHONDONTWRITEBYTECODE": "1", **(env or {})})
            good, bad, _ = count_pytest(junit)
            seconds += more
            if code != "timeout" and good + bad == len(ids):
                passed, failed, log = passed + failed - bad, bad, second if bad else log
                for test in set(ids) - set(failed_pytest(junit, arguments[0])):
                    self.console.done(Outcome(f"  alone: {test}", 0, 0, 0, 0, log, counts=False))
        self.console.done(Outcome.judged(name, code, passed, failed, skipped, seconds, log))

    def say_second_tries(self):
        """A row of their own: a suite that is green only at the second try should be seen to be."""
        if self.tried_again is not None:
            self.console.done(Outcome("second tries", 0, 0, 0, 0, None, counts=False, note=f"{self.tried_again} scenarios"))

    def script(self, name, argv, limit):
        """A part that prints its own `N passed, N failed` as its last such line."""
        code, log, seconds = self.console.run(name, argv, limit,
                                              progress=lambda line: line.strip()[4:] if line.startswith("==> ") else None)
        passed, failed, skipped = tally_line(log.read_text(errors="replace"))
        self.console.done(Outcome.judged(name, code, passed, failed, skipped, seconds, log))

    def tidy(self):
        self.script("tidy", [PYTHON, "tools/tidy.py"], LIMIT["tidy"])
        self.pytest("tools", ["tools", "bench/rig"], LIMIT["tidy"])
        self.console_sources()

    def console_sources(self):
        """What TypeScript and Biome say of the console, against types made from the contract of this commit."""
        code, log, seconds = self.console.run("console sources", ["npm", "run", "--silent", "check", "--prefix", "console"], 5 * LIMIT["tidy"])
        self.console.done(Outcome("console sources", int(code == 0), int(code != 0), 0, seconds, log))

    def fuzz(self, seconds, only=None):
        if tracked("fuzz/CMakeLists.txt") and self.build("fuzz"):
            run_fuzz(self.console, ROOT, seconds, only)

    def dev(self):
        self.tidy()
        self.unit("dev")
        self.unit("dev", simulator=True)
        self.scenarios("dev")

    def sanitized(self, preset, share=None):
        self.unit(preset)
        self.unit(preset, simulator=True)
        self.scenarios(preset, ["--share", share] if share else [])

    def proof(self):
        self.script("setup proof", ["bash", "tools/setup_proof.sh"], LIMIT["proof"])


def main(arguments):
    what, rest = (arguments[0], arguments[1:]) if arguments else ("all", [])
    if what not in {"all", "quick", "unit", "scenarios", "fuzz", "ci"}:
        print(f"run_tests.py: no part named '{what}'", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    console = Console(LOGS)
    suite = Suite(console)
    interrupted = False
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, signal.default_int_handler)
    try:
        if what in {"all", "ci"}:
            suite.dev()
            # CI runs two in three scenarios under one of the sanitizers, dealt out anew with every commit: all of it, under
            # both, takes longer than anybody waits. `./dev test` runs all.
            commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, text=True, stdout=subprocess.PIPE).stdout[:12]
            suite.sanitized("asan", f"0/3/{commit}" if what == "ci" else None)
            suite.sanitized("tsan", f"1/3/{commit}" if what == "ci" else None)
            suite.valgrind()
            suite.fuzz(seconds=8)
            if what == "ci":
                suite.proof()
        elif what == "quick":
            suite.dev()
        elif what == "unit":
            suite.unit("dev")
            suite.unit("dev", simulator=True)
        elif what == "scenarios":
            suite.scenarios("dev", rest)
        elif what == "fuzz":
            seconds = int(rest[0]) if rest else 60
            suite.fuzz(seconds, rest[1] if len(rest) > 1 else None)
    except KeyboardInterrupt:
        interrupted = True
        console.stop_all()
    suite.say_second_tries()
    code = summary(console)
    return 130 if interrupted else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
