#!/usr/bin/python3
"""./dev bench: measures Fairlead beside nginx, HAProxy and no relay at all.

    main.py [--quick] [--rounds N] [--only NAME,...] [--list] [--variant NAME=JSON ...] [--first] [--output FILE]
    main.py --page FILE ...

A variant is another Fairlead beside the usual one: its settings as bench/rig/peers.py has them, for example
    --variant 'own records={"listener": {"https": {"tls": {"records": "own"}}}}'
    --variant 'before={"binary": "/path/to/another/fairlead"}'
"""

import argparse
import datetime
import fnmatch
import json
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import certificate  # noqa: E402
import machine  # noqa: E402
import occasions  # noqa: E402
import page  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
from workloads import UNCOUNTED, with_variants, workloads  # noqa: E402

RESULTS = machine.ROOT / "bench" / "results"


def parsed(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench", description="Fairlead beside nginx, HAProxy and no relay at all.")
    parser.add_argument("--quick", action="store_true", help="a few workloads, for a second each: three minutes")
    parser.add_argument("--rounds", type=int, help="how often each is measured (3)")
    parser.add_argument("--only", metavar="NAME,...", help="these workloads; * stands for anything")
    parser.add_argument("--list", action="store_true", help="say which workloads there are")
    parser.add_argument("--variant", metavar="NAME=JSON", action="append", default=[], help="another Fairlead beside the usual one")
    parser.add_argument("--output", metavar="FILE", type=Path, help="where the JSON goes (bench/results/DATE-COMMIT.json)")
    parser.add_argument("--first", action="store_true", help="relay and load go before whatever else the machine does (as root)")
    parser.add_argument("--page", metavar="FILE", type=Path, nargs="+", help="measure nothing: make docs/performance.md of these results")
    return parser.parse_args(arguments)


def chosen(found, only, quick):
    """Those that --only names, else all that can be measured here, or the quick ones."""
    if not only:
        return [w for w in found if (w.quick or not quick) and (UNCOUNTED.exists() or not w.name.startswith("counting"))]
    names = only.split(",")
    for name in names:
        if not any(fnmatch.fnmatch(w.name, name) for w in found):
            raise SystemExit(f"bench: no workload is named {name}; --list says which there are")
    return [w for w in found if any(fnmatch.fnmatch(w.name, name) for name in names)]


def main():
    asked = parsed(sys.argv[1:])
    if asked.page:
        page.write(occasions.merged([json.loads(file.read_text()) for file in asked.page]),
                   [file.resolve().relative_to(machine.ROOT) for file in asked.page])
        return
    variants = {}
    for text in asked.variant:
        label, _, settings = text.partition("=")
        variants[label] = json.loads(settings)
    found = with_variants(chosen(workloads(), asked.only, asked.quick), variants)
    if asked.list:
        for w in found:
            print(f"{w.name:<22} {w.group}: {w.title} [{', '.join(c.label for c in w.contestants)}]{' quick' if w.quick else ''}")
        return
    machine.enter_network()
    # Relays and load end with this program, whatever ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if asked.first:
        machine.go_first()
    description = machine.description(machine.prepare_network())
    now = datetime.datetime.now(datetime.timezone.utc)
    count = asked.rounds or 3
    output = asked.output or RESULTS / f"{now:%Y-%m-%d-%H%M}-{description['commit'][:9]}{'-quick' if asked.quick else ''}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "made": now.isoformat(timespec="seconds"), "quick": asked.quick, "machine": description, "first": asked.first,
        "workloads": [{"name": w.name, "title": w.title, "group": w.group, "metric": w.metric, "aims": w.aims} for w in found],
    }

    def keep(turns, figures):
        """After each round, so that a run that is ended has not been for nothing."""
        result.update(rounds=turns, figures=figures)
        output.write_text(json.dumps(result, indent=1) + "\n")

    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        rounds.run(found, certificate.make(Path(folder)), count, asked.quick, keep=keep)
    print(report.text(result))
    print(f"{output.relative_to(machine.ROOT) if output.is_relative_to(machine.ROOT) else output}")


if __name__ == "__main__":
    main()
