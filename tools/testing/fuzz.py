"""Runs the libFuzzer targets of the fuzz build: first every file of the tracked corpus once, then `seconds` of search
that starts from it. New inputs go to build/fuzz/finds, crashes to build/fuzz/crashes; the tree is never written to."""
import os
import re
from concurrent.futures import ThreadPoolExecutor

from testing.console import Outcome

# Without it a stack is a list of addresses.
SYMBOLIZER = {"ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19"}
OPTIONS = ["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]


def targets(root, only=None):
    """{name: program} of the targets built: programs called fuzz_NAME."""
    found = {p.name[len("fuzz_"):]: p for p in (root / "build" / "fuzz").rglob("fuzz_*")
             if p.is_file() and os.access(p, os.X_OK) and "CMakeFiles" not in p.parts}
    return {n: p for n, p in sorted(found.items()) if only in (None, n)}


def run_fuzz(console, root, seconds, only=None):
    programs = targets(root, only)
    if not programs:
        console.done(Outcome("fuzz", 0, 1, 0, 0, None, True, f"no target {only or ''} was built"))
        return
    print(f"    fuzz: {', '.join(programs)}: corpus, then {seconds} s each", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for outcome in pool.map(lambda item: run_one(console, root, *item, seconds), programs.items()):
            console.done(outcome)


def run_one(console, root, name, program, seconds):
    corpus = root / "fuzz" / "corpus" / name
    finds, crashes = root / "build" / "fuzz" / "finds" / name, root / "build" / "fuzz" / "crashes"
    finds.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    seeds = [p for p in corpus.rglob("*") if p.is_file()] if corpus.is_dir() else []
    label = f"fuzz {name}"
    if not seeds:
        return Outcome(label, 0, 1, 0, 0, None, True, f"fuzz/corpus/{name} is empty")
    common = [f"-artifact_prefix={crashes}/{name}-", *OPTIONS]
    code, log, took = console.run(f"{label} corpus", [str(program), *common, "-runs=0", str(corpus)], 300,
                                  env=SYMBOLIZER, quiet=True)
    if code != 0:
        return Outcome(label, 0, 1, 0, took, log, True, "an input of the corpus fails")
    options = [f"-max_total_time={seconds}"]
    dictionary = root / "fuzz" / f"{name}.dict"
    if dictionary.exists():
        options.append(f"-dict={dictionary}")
    code, log, more = console.run(label, [str(program), *common, *options, str(finds), str(corpus)], seconds + 120,
                                  env=SYMBOLIZER, quiet=True)
    text = log.read_text(errors="replace")
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", text)
    note = f"{len(seeds)} seeds, {int(runs.group(1)) if runs else 0:,} runs"
    if code != 0:
        artifact = re.search(r"Test unit written to (\S+)", text)
        note = f"repeat with: {program} {artifact.group(1)}" if artifact else f"exit status {code}"
    return Outcome(label, 1 + (code == 0), int(code != 0), 0, took + more, log, True, note)
