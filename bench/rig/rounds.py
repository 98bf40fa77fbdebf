"""Rounds: every workload, every contestant once, in an order that turns from round to round, so that what else the machine
does falls on all of them alike. Ratios are between figures of one round and one workload, never across."""

import statistics
import subprocess
import sys
import time

from measuring import Failed


def rotated(items, by):
    by %= len(items)
    return [*items[by:], *items[:by]]


def run(workloads, certificate, rounds, brief, say=lambda text: print(text, file=sys.stderr, flush=True), keep=lambda turns, figures: None):
    """{workload: {label: {metric: [a figure a round, None where it failed]}}}; keep() is given it after each round."""
    figures = {w.name: {c.label: {} for c in w.contestants} for w in workloads}
    total = rounds * sum(len(w.contestants) for w in workloads)
    done, begun = 0, time.monotonic()
    for turn in range(rounds):
        for place, workload in enumerate(workloads):
            for contestant in rotated(list(workload.contestants), turn + place):
                try:
                    found = workload.measure(contestant, certificate, brief)
                except (Failed, RuntimeError, subprocess.TimeoutExpired) as failure:
                    say(f"FAILED {workload.name} {contestant.label}: {failure}")
                    found = {}
                into = figures[workload.name][contestant.label]
                for metric in {*into, *found}:
                    series = into.setdefault(metric, [])
                    series += [None] * (turn - len(series)) + [found.get(metric)]
                done += 1
                left = (time.monotonic() - begun) / done * (total - done)
                say(f"[{done}/{total}, {left / 60:.0f} min left] {workload.name} {contestant.label}: "
                    + ", ".join(f"{m} {v:.4g}" for m, v in found.items()))
        keep(turn + 1, figures)
    return figures


def spread(series):
    """(median, least, most) of what was measured; None when nothing was."""
    there = [v for v in series if v is not None]
    return (statistics.median(there), min(there), max(there)) if there else None


def by_round(ours, theirs):
    """Ours to theirs, round by round; None where one of them is missing."""
    return [a / b if a is not None and b not in (None, 0) else None for a, b in zip(ours, theirs)]


def ratios(ours, theirs):
    """The same without the gaps."""
    return [r for r in by_round(ours, theirs) if r is not None]
